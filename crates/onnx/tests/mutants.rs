//! Models that are changed field by field load or are refused, whatever is changed, and run or fail: no code of this project
//! panics, and nothing takes more memory than it may. What panics in tract ends an instance of the engine alone, and is counted
//! here.
//!
//! This is a short run of what `make fuzz` does with a look at coverage.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, unsafe_code)]

#[path = "mutants/mutate.rs"]
mod mutate;
#[path = "mutants/random.rs"]
mod random;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mutate::{Choices, mutate, operators, seeds, try_out};
use prost::Message;
use random::random;

/// Counts bytes.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all that it does beside counting is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Of a run's bytes there may be several times as many: inputs, outputs, and what an operator needs beside them.
const MOST_BYTES: usize = 64 << 20;
const MUTANTS: u64 = 3000;

thread_local! {
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[test]
fn what_is_changed_in_a_model_makes_nothing_of_ours_panic() {
    let seeds = seeds();
    let operators = operators(&seeds);
    panic::set_hook(Box::new(|reason| {
        let place = reason.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        PANICKED_AT.set(place);
    }));
    let (mut loaded, mut panics, mut ours) = (0, BTreeMap::<String, u32>::new(), Vec::new());
    let mut greedy = Vec::new();
    let mut state = std::env::var("MUTANTS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1u64);
    let mutants = std::env::var("MUTANTS").ok().and_then(|mutants| mutants.parse().ok()).unwrap_or(MUTANTS);
    for number in 0..mutants {
        let bytes: Vec<u8> = (0..8).flat_map(|_| random(&mut state).to_le_bytes()).collect();
        let at = usize::try_from(random(&mut state) % seeds.len() as u64).unwrap();
        let mut model = seeds.get(at).unwrap().clone();
        mutate(&mut model, &operators, &mut Choices(&bytes));
        let file = model.encode_to_vec();
        let before = HELD.load(Relaxed);
        MOST.store(before, Relaxed);
        match panic::catch_unwind(AssertUnwindSafe(|| try_out(&file))) {
            Ok(is_loaded) => loaded += u32::from(is_loaded),
            Err(_) => {
                let place = PANICKED_AT.take();
                if place.starts_with("crates/") || place.starts_with("src/") {
                    ours.push(format!("{number}: {place}"));
                }
                *panics.entry(place.rsplit("/registry/src/").next().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        let took = MOST.load(Relaxed) - before;
        if took > MOST_BYTES + 12 * file.len() {
            greedy.push(format!("{number}: {took} bytes"));
        }
        if let (Ok(folder), true) = (std::env::var("MUTANTS_KEEP"), greedy.len() + ours.len() > 0) {
            std::fs::write(format!("{folder}/{number}.onnx"), &file).unwrap();
        }
    }
    let _ = panic::take_hook();
    println!("{mutants} mutants, of which {loaded} loaded; panics in tract, by place: {panics:#?}");
    assert!(loaded > 100, "too few load to say anything: {loaded}");
    assert!(ours.is_empty(), "our own code panics: {ours:#?}");
    assert!(greedy.is_empty(), "more memory than it may: {greedy:#?}");
}
