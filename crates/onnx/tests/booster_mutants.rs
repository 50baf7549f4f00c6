//! Boosters' files that are changed or cut short load or are refused, and run or fail: nothing panics. The same of archives.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "mutants/answer.rs"]
mod answer;
#[path = "mutants/random.rs"]
mod random;

use std::io::Write;

use answer::answer;
use flate2::Compression;
use flate2::write::GzEncoder;
use random::random;
use turnout_onnx::Model;
use turnout_tables::LoadOptions;

const MUTANTS: u64 = 12_000;

fn below(state: &mut u64, bound: usize) -> usize {
    usize::try_from(random(state) % bound as u64).unwrap()
}

/// Files of boosters, and archives of some.
fn seeds() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/boosters/models");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| !path.to_str().unwrap().ends_with(".expected.json"));
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let archives: Vec<Vec<u8>> = seeds.iter().step_by(20).map(|bytes| archive(bytes)).collect();
    seeds.extend(archives);
    seeds
}

/// Without compression, so that what is changed is not lost in it.
fn archive(bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, "xgboost-model", bytes).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(&builder.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

/// Changes some bytes: to any, to digits, or to those of numbers that are the least and the most; or cuts it short.
fn mutate(file: &mut Vec<u8>, state: &mut u64) {
    for _ in 0..=below(state, 3) {
        let at = below(state, file.len());
        match below(state, 8) {
            0 => file.truncate(at.max(1)),
            1 | 2 => file[at] = b"0123456789-,[]{}\":$#LlIUdSZ"[below(state, 27)],
            3 => file[at] = [0, 1, 0x7f, 0x80, 0xff][below(state, 5)],
            4 => file[at] ^= 1 << below(state, 8),
            5 => {
                let end = (at + 4).min(file.len());
                let numbers = [i32::MIN, -1, 0, 1, i32::MAX];
                let bytes = numbers[below(state, 5)].to_be_bytes();
                file[at..end].copy_from_slice(&bytes[..end - at]);
            }
            6 => {
                // A piece twice.
                let end = (at + below(state, 40)).min(file.len());
                let piece = file[at..end].to_vec();
                file.splice(at..at, piece);
            }
            _ => file[at] = random(state).to_le_bytes()[0],
        }
    }
}

/// Whether it loads; then it is run.
fn try_out(file: &[u8]) -> bool {
    let mut options = LoadOptions::default();
    options.limits.run_bytes = 4 << 20;
    let Ok(model) = Model::load_with(file, &options) else { return false };
    for value in [0.5, f64::NAN, f64::INFINITY, -1e12, 3.0] {
        answer(&model, value, 9);
    }
    true
}

#[test]
fn what_is_changed_in_a_booster_makes_nothing_panic() {
    let seeds = seeds();
    assert!(seeds.iter().all(|seed| try_out(seed)), "a file that is whole is refused");
    let mut state = std::env::var("MUTANTS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mutants = std::env::var("MUTANTS").ok().and_then(|mutants| mutants.parse().ok()).unwrap_or(MUTANTS);
    let mut loaded = 0u64;
    for _ in 0..mutants {
        let mut file = seeds[below(&mut state, seeds.len())].clone();
        mutate(&mut file, &mut state);
        loaded += u64::from(try_out(&file));
    }
    println!("{mutants} mutants, of which {loaded} loaded");
    assert!(loaded > mutants / 20 && loaded < mutants, "{loaded} load: too few or too many to say anything");
}
