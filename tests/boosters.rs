//! Boosters as XGBoost and LightGBM save them, against what these libraries predict.
//!
//! `tests/boosters/train.py` made the files. Runs natively, and in WebAssembly under Node.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod files;

use serde_json::Value;
use turnout_onnx::Model;
use turnout_tables::{Input, Output, Outputs, Table, Values};

/// What exponentials may differ by, relative where they are above 1: each platform has its own.
const TOLERANCE: f64 = 1e-6;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/boosters/models");

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        number => number.as_f64().unwrap(),
    }
}

/// The rows of some columns as an input takes them.
fn values(input: &Input, rows: &[Value], columns: std::ops::Range<usize>) -> Values {
    let cells = rows.iter().flat_map(|row| &row.as_array().unwrap()[columns.clone()]);
    match input.datatype.values() {
        Values::F32(_) => Values::F32(cells.map(|cell| number(cell) as f32).collect()),
        Values::F64(_) => Values::F64(cells.map(number).collect()),
        Values::Text(_) => Values::Text(cells.map(|cell| cell.as_str().unwrap().to_owned()).collect()),
        other => panic!("no input is of {other:?}"),
    }
}

fn run(model: &Model, rows: &[Value]) -> Outputs {
    let mut next = 0;
    let inputs = model.schema().inputs().iter().map(|input| {
        let first = next;
        next += input.width();
        values(input, rows, first..next)
    });
    let table = Table::new(model.schema(), rows.len(), inputs.collect()).unwrap();
    model.run(&table, None).unwrap()
}

/// All numbers of nested lists, one behind the other.
fn flat(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flat(value, into)),
        value => into.push(number(value)),
    }
}

/// The one case whose sums are not equal to the last bit: they begin with the logarithm of the base score, which the C library
/// that XGBoost used has rounded to the number that is further away.
const ROUNDED_AWAY: &str = "xgboost_saved_by_2.1.4_binary.ubj";

/// The first difference from what is expected: sums are equal to the last bit, if they are `exact`.
fn difference(found: &Output, rows: usize, expected: &Value, exact: bool) -> Option<String> {
    let name = &found.name;
    let mut wanted = Vec::new();
    flat(expected, &mut wanted);
    let numbers: Vec<f64> = match &found.values {
        Values::F32(values) => values.iter().copied().map(f64::from).collect(),
        Values::F64(values) => values.clone(),
        Values::I64(values) => values.iter().map(|value| *value as f64).collect(),
        other => return Some(format!("{name}: {other:.40?}")),
    };
    if numbers.len() != wanted.len() || numbers.len() != rows * found.row_shape.iter().product::<usize>() {
        return Some(format!("{name}: {} values, expected {}", numbers.len(), wanted.len()));
    }
    let is_exact = matches!(found.values, Values::I64(_)) || (exact && name == "raw_score");
    let same = |found: f64, wanted: f64| {
        if found.is_nan() && wanted.is_nan() {
            return true;
        }
        // -0 and 0 are different bits.
        found.to_bits() == wanted.to_bits()
            || (!is_exact && (found - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0))
            || (found.is_infinite() && found == wanted)
    };
    let at = numbers.iter().zip(&wanted).position(|(found, wanted)| !same(*found, *wanted))?;
    Some(format!("{name}: value {at} is {:e}, expected {:e}", numbers[at], wanted[at]))
}

/// What is wrong with a case: all rows at once, one by one, and over and over.
fn problem(case: &Value) -> Option<String> {
    let file = case["file"].as_str().unwrap();
    let model = match Model::load(&files::read(&format!("{FOLDER}/{file}"))) {
        Ok(model) => model,
        Err(error) => return Some(error.to_string()),
    };
    if let Some(columns) = case["columns"].as_array() {
        let names: Vec<&str> = model.schema().inputs().iter().map(|input| input.name.as_str()).collect();
        if names != columns.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>() {
            return Some(format!("its inputs are {names:?}"));
        }
    }
    let description = model.description();
    let default = description.default_output.map(|place| description.outputs[place].name.as_str());
    if default != Some("prediction") {
        return Some(format!("{default:?} is answered by default"));
    }
    let expected = case["outputs"].as_object().unwrap();
    let names: Vec<&str> = model.outputs().iter().map(|output| output.name.as_str()).collect();
    if names.len() != expected.len() || !names.iter().all(|name| expected.contains_key(*name)) {
        return Some(format!("it answers {names:?}"));
    }
    let rows = case["rows"].as_array().unwrap();
    let compare = |rows: &[Value], expected: &dyn Fn(&Value) -> Value| {
        let outputs = run(&model, rows);
        let mut found = outputs.outputs().iter();
        found.find_map(|found| {
            difference(found, rows.len(), &expected(&case["outputs"][&found.name]), file != ROUNDED_AWAY)
        })
    };
    let whole = compare(rows, &Value::clone);
    let one_by_one = || {
        let mut places = 0..rows.len();
        places.find_map(|at| compare(&rows[at..=at], &|all| all[at].clone()).map(|it| format!("row {at} alone: {it}")))
    };
    let many = || {
        let times = 1100usize.div_ceil(rows.len());
        let again = |values: &[Value]| values.iter().cycle().take(values.len() * times).cloned().collect::<Vec<_>>();
        let all = again(rows);
        compare(&all, &|all| Value::Array(again(all.as_array().unwrap()))).map(|it| format!("{times} times: {it}"))
    };
    whole.or_else(one_by_one).or_else(many)
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn every_booster_predicts_as_its_library_does() {
    let mut names: Vec<String> =
        files::names(FOLDER).into_iter().filter(|name| name.ends_with(".expected.json")).collect();
    names.sort();
    assert!(names.len() >= 60, "{} cases", names.len());
    let problems: Vec<String> = names
        .iter()
        .filter_map(|name| {
            let case: Value = serde_json::from_slice(&files::read(&format!("{FOLDER}/{name}"))).unwrap();
            problem(&case).map(|problem| format!("{name}: {problem}"))
        })
        .collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), names.len(), problems.join("\n"));
}
