//! Models that failed once, against ONNX Runtime: each is right or refused, never wrong.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use serde_json::Value;
use turnout_onnx::Model;
use turnout_tables::{Output, Schema, Table, Values};

/// Numbers may differ from ONNX Runtime's by this much, relative where they are above 1: sums in another order.
const TOLERANCE: f64 = 1e-5;

/// It ends by the values that are sent.
const REFUSED: [&str; 1] = ["torch2.6-legacy-loop-until.onnx"];

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::String(text) => text.parse().unwrap(),
        number => number.as_f64().unwrap(),
    }
}

fn rows(case: &Value) -> usize {
    let first = case["inputs"].as_object().unwrap().values().next().unwrap();
    first["shape"][0].as_u64().unwrap() as usize
}

/// The inputs of a case, as the model takes them.
fn table(case: &Value, schema: &Schema) -> Table {
    let inputs = schema.inputs().iter().map(|input| {
        let data = case["inputs"][&input.name]["data"].as_array().unwrap().iter();
        match input.datatype.values() {
            Values::F32(_) => Values::F32(data.map(|value| number(value) as f32).collect()),
            Values::F64(_) => Values::F64(data.map(number).collect()),
            Values::I64(_) => Values::I64(data.map(|value| value.as_i64().unwrap()).collect()),
            Values::Bool(_) => Values::Bool(data.map(|value| value.as_bool().unwrap()).collect()),
            Values::Text(_) => Values::Text(data.map(|value| value.as_str().unwrap().to_owned()).collect()),
        }
    });
    Table::new(schema, rows(case), inputs.collect()).unwrap()
}

/// The first difference from what is expected, of more than a step of a quantised output.
fn difference(found: &Output, expected: &Value, step: f64) -> Option<String> {
    let numbers: Vec<f64> = match &found.values {
        Values::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Values::F64(values) => values.clone(),
        Values::I64(values) => values.iter().map(|value| *value as f64).collect(),
        values => return Some(format!("{values:?}")),
    };
    let expected: Vec<f64> = expected["data"].as_array().unwrap().iter().map(number).collect();
    if numbers.len() != expected.len() {
        return Some(format!("{} values, expected {}", numbers.len(), expected.len()));
    }
    let differs = |(found, expected): (&f64, &f64)| {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        !(same || (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0) + step)
    };
    let at = numbers.iter().zip(&expected).position(differs)?;
    Some(format!("value {at} of `{}` is {}, expected {}", found.name, numbers[at], expected[at]))
}

/// Whether a case is right; or why it is refused.
///
/// # Errors
/// If it is wrong.
fn answer(onnx: &[u8], case: &Value) -> Result<Result<(), String>, String> {
    let model = match Model::load(onnx) {
        Ok(model) => model,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let outputs = match model.run(&table(case, model.schema()), None) {
        Ok(outputs) => outputs,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let expected = case["outputs"].as_object().unwrap();
    let differences: Vec<String> = outputs
        .outputs()
        .iter()
        .filter_map(|output| difference(output, &expected[&output.name], case["step"].as_f64().unwrap_or(0.0)))
        .collect();
    if differences.is_empty() { Ok(Ok(())) } else { Err(differences.join("; ")) }
}

#[test]
fn every_case_is_right_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let cases: Value = serde_json::from_slice(&read(&format!("{folder}/cases.json"))).unwrap();
    let mut problems = Vec::new();
    for case in cases.as_array().unwrap() {
        let name = case["model"].as_str().unwrap();
        match answer(&read(&format!("{folder}/{name}")), case) {
            Ok(Ok(())) if REFUSED.contains(&name) => problems.push(format!("{name}: it is no longer refused")),
            Ok(Err(reason)) if !REFUSED.contains(&name) => problems.push(format!("{name}: refused: {reason}")),
            Ok(_) => {}
            Err(difference) => problems.push(format!("{name}: {difference}")),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
