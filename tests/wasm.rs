//! What could differ in WebAssembly: randomness, inference, and the codecs. Run under Node by wasm-bindgen-test.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use turnout::assignment::{UnitHash, assign, seeded};
use turnout::endpoint::{AnswerForm, Endpoint, Salt};
use turnout::payload::{self, Format};
use turnout_onnx::Model;
use wasm_bindgen_test::wasm_bindgen_test;

const HELD_OUT: &str = include_str!("../models/digits/held-out.csv");

fn endpoint() -> Endpoint {
    let variant = |name: &str, weight: f64| {
        format!(r#"{{"name": "{name}", "weight": {weight}, "origin": {{"url": "https://x.example"}}}}"#)
    };
    let variants = [variant("baseline", 90.0), variant("challenger", 10.0)].join(",");
    Endpoint::parse(format!(r#"{{"variants": [{variants}]}}"#).as_bytes()).unwrap()
}

#[wasm_bindgen_test]
fn the_platforms_randomness_seeds_draws_that_follow_the_weights() {
    let seed = || {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed).unwrap();
        seed
    };
    let first = seed();
    assert_ne!(first, seed());
    let endpoint = endpoint();
    let mut random = seeded(first);
    let draws = 100_000;
    let baseline = (0..draws)
        .filter(|_| assign(&endpoint, None, None, &mut random).unwrap().variant.name.as_str() == "baseline")
        .count();
    // Five standard deviations: the seed differs from run to run.
    let deviation = (f64::from(draws) * 0.9 * 0.1).sqrt();
    assert!((baseline as f64 - 90_000.0).abs() < 5.0 * deviation, "{baseline}");
}

#[wasm_bindgen_test]
fn units_get_the_published_variants() {
    let vectors: Vec<serde_json::Value> = serde_json::from_str(include_str!("vectors/assignment.json")).unwrap();
    let salt = Salt::try_from("churn-2026-11".to_owned()).unwrap();
    let endpoint = endpoint();
    let mut checked = 0;
    for vector in vectors {
        if vector["salt"] == "churn-2026-11" && vector["weights"]["challenger"] == 10 {
            let unit = UnitHash::new(&salt, vector["unit"].as_str().unwrap());
            assert_eq!(unit.to_string(), vector["hash"]);
            assert_eq!(unit.choose(endpoint.variants()).unwrap().name.as_str(), vector["variant"]);
            checked += 1;
        }
    }
    assert_eq!(checked, 206);
}

/// From CSV to CSV through each model, against ONNX Runtime: labels equal, probabilities to 1e-5.
#[wasm_bindgen_test]
fn models_and_codecs_answer_as_onnx_runtime_does() {
    let csv: Vec<&str> = HELD_OUT.lines().map(|line| line.split_once(',').unwrap().1).collect();
    let csv = csv.join("\n");
    let json = format!("{{\"instances\": [[{}]]}}", csv.replace('\n', "],["));
    let lines = format!("[{}]", csv.replace('\n', "]\n["));
    for (onnx, expected) in [
        (&include_bytes!("../models/digits/logistic.onnx")[..], include_str!("../models/digits/logistic.expected.csv")),
        (&include_bytes!("../models/digits/cnn.onnx")[..], include_str!("../models/digits/cnn.expected.csv")),
    ] {
        let model = Model::load(onnx).unwrap();
        let table = payload::decode(Format::Csv, csv.as_bytes(), model.schema(), usize::MAX).unwrap();
        assert_eq!(table, payload::decode(Format::Json, json.as_bytes(), model.schema(), usize::MAX).unwrap());
        assert_eq!(table, payload::decode(Format::JsonLines, lines.as_bytes(), model.schema(), usize::MAX).unwrap());
        let answer = String::from_utf8(
            payload::encode(&model.run(&table, None).unwrap(), Format::Csv, AnswerForm::Plain, usize::MAX).unwrap(),
        )
        .unwrap();
        assert_eq!(answer.lines().count(), expected.lines().count());
        for (found, expected) in answer.lines().zip(expected.lines()) {
            for (column, (found, expected)) in found.split(',').zip(expected.split(',')).enumerate() {
                if column == 0 {
                    assert_eq!(found, expected);
                } else {
                    let difference = found.parse::<f32>().unwrap() - expected.parse::<f32>().unwrap();
                    assert!(difference.abs() <= 1e-5, "{found} {expected}");
                }
            }
        }
    }
}
