//! The zoo: models of scikit-learn, XGBoost, LightGBM, CatBoost and hand-made ones, against ONNX Runtime.
//!
//! `tests/zoo/train.py` made the files. Runs natively, and in WebAssembly under Node.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod files;

use serde_json::Value;
use turnout::payload::{self, Datatype, Format, Output, Schema, Table, Values};
use turnout_onnx::{LoadError, Model};

/// Numbers may differ from ONNX Runtime's by this much, relative where they are above 1: sums in another order.
const TOLERANCE: f64 = 1e-5;

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        number => number.as_f64().unwrap(),
    }
}

/// ONNX Runtime sorts the keys of a map; ours are in the order of the model's columns.
fn in_order_of(found: Option<&[String]>, keys: Option<Vec<String>>, values: &[Value]) -> Vec<Value> {
    let (Some(found), Some(keys)) = (found, keys) else { return values.to_vec() };
    let places: Vec<usize> =
        found.iter().map(|key| keys.iter().position(|other| other == key).unwrap_or_else(|| panic!("{key}"))).collect();
    values.chunks(keys.len()).flat_map(|row| places.iter().map(|place| row[*place].clone())).collect()
}

/// The first difference from what is expected.
fn difference(found: &Output, expected: &Value) -> Option<String> {
    let name = expected["name"].as_str().unwrap();
    let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
    let keys: Option<Vec<String>> = serde_json::from_value(expected["keys"].clone()).unwrap();
    let form = (found.name.as_str(), &found.row_shape, found.keys.is_some());
    if form != (name, &shape, keys.is_some()) {
        return Some(format!("{form:?}, expected {name:?}, {shape:?}, {keys:?}"));
    }
    let expected_values = in_order_of(found.keys.as_deref(), keys, expected["values"].as_array().unwrap());
    let expected_values = &expected_values;
    if found.values.len() != expected_values.len() {
        return Some(format!("{name}: {} values, expected {}", found.values.len(), expected_values.len()));
    }
    let numbers: Vec<f64> = match (&found.values, expected["type"].as_str().unwrap()) {
        (Values::F32(values), "float32" | "float16") => values.iter().map(|value| f64::from(*value)).collect(),
        (Values::F64(values), "float64") => values.clone(),
        (Values::I64(values), "int64" | "int32" | "uint8") => {
            let expected: Vec<i64> = expected_values.iter().map(|value| value.as_i64().unwrap()).collect();
            let at = values.iter().zip(&expected).position(|(found, expected)| found != expected);
            return at.map(|at| format!("{name}: value {at} is {}, expected {}", values[at], expected[at]));
        }
        (Values::Text(values), "string") => {
            let at =
                values.iter().zip(expected_values).position(|(found, expected)| found != expected.as_str().unwrap());
            return at.map(|at| format!("{name}: value {at} is {:?}, expected {}", values[at], expected_values[at]));
        }
        (Values::Bool(values), "bool") => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
        (values, kind) => return Some(format!("{name}: {values:.40?}, expected {kind}")),
    };
    let differs = |found: f64, expected: f64| {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        !(same || (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0))
    };
    let at = numbers.iter().zip(expected_values).position(|(found, expected)| differs(*found, number(expected)));
    at.map(|at| format!("{name}: value {at} is {}, expected {}", numbers[at], expected_values[at]))
}

/// The rows as a request would bring them, but for infinite numbers, which JSON has not.
fn table(rows: &Value, schema: &Schema) -> Result<Table, String> {
    let infinite = |cell: &Value| matches!(cell.as_str(), Some("Infinity" | "-Infinity"));
    let cells: Vec<&Value> = rows.as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()).collect();
    if let ([input], true) = (schema.inputs(), cells.iter().any(|cell| infinite(cell)))
        && input.datatype == Datatype::F32
    {
        let values = cells.iter().map(|cell| if cell.is_null() { f32::NAN } else { number(cell) as f32 }).collect();
        return Ok(Table::new(schema, rows.as_array().unwrap().len(), vec![Values::F32(values)]).unwrap());
    }
    let body = serde_json::to_vec(&serde_json::json!({ "instances": rows })).unwrap();
    payload::decode(Format::Json, &body, schema, usize::MAX).map_err(|error| error.to_string())
}

type Load = fn(&[u8]) -> Result<Model, LoadError>;

/// What is wrong with a case, through the same way that a request takes.
fn problem(onnx: &[u8], case: &Value, load: Load) -> Option<String> {
    let model = load(onnx);
    if let Some(reason) = case["refused"].as_str() {
        return match model {
            Ok(_) => Some("it was to be refused".to_owned()),
            Err(error) => (!error.to_string().contains(reason)).then(|| format!("refused for another reason: {error}")),
        };
    }
    let model = match model {
        Ok(model) => model,
        Err(error) => return Some(error.to_string()),
    };
    let run = |rows: &Value| {
        let table = table(rows, model.schema())?;
        model.run(&table, None).map_err(|error| error.to_string())
    };
    let outputs = match run(&case["rows"]) {
        Ok(outputs) => outputs,
        Err(error) => return Some(error),
    };
    let expected = case["outputs"].as_array().unwrap();
    if outputs.outputs().len() != expected.len() {
        return Some(format!("{} outputs, expected {}", outputs.outputs().len(), expected.len()));
    }
    let differing = outputs.outputs().iter().zip(expected).find_map(|(found, expected)| difference(found, expected));
    // One row goes another way through the trees than a batch does.
    differing.or_else(|| {
        let one = match run(&serde_json::json!([case["rows"][0]])) {
            Ok(one) => one,
            Err(error) => return Some(error),
        };
        let differing = one.outputs().iter().zip(expected).find_map(|(found, expected)| {
            let mut first = expected.clone();
            first["values"].as_array_mut().unwrap().truncate(found.values.len());
            difference(found, &first).map(|difference| format!("one row: {difference}"))
        });
        // The same rows once more would go on from the first.
        let is_apart = !case["notes"].as_str().unwrap().contains("a row is a step");
        differing.or_else(|| if is_apart { many_rows(&case["rows"], expected, &run) } else { None })
    })
}

/// The same rows over and over, more of them than are run at once: each is answered as before.
fn many_rows(
    rows: &Value,
    expected: &[Value],
    run: &impl Fn(&Value) -> Result<turnout_tables::Outputs, String>,
) -> Option<String> {
    const MANY: usize = 1100;
    let times = |values: &Value, times: usize| {
        let values = values.as_array().unwrap();
        Value::Array(values.iter().cycle().take(values.len() * times).cloned().collect())
    };
    let repeated = MANY.div_ceil(rows.as_array().unwrap().len());
    let many = match run(&times(rows, repeated)) {
        Ok(many) => many,
        Err(error) => return Some(format!("{MANY} rows: {error}")),
    };
    many.outputs().iter().zip(expected).find_map(|(found, expected)| {
        let mut all = expected.clone();
        all["values"] = times(&expected["values"], repeated);
        difference(found, &all).map(|difference| format!("{MANY} rows: {difference}"))
    })
}

/// Loads and runs every case, and counts the models that are run without tract.
fn walk(load: Load, is_interpreting: bool) -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zoo/models");
    let mut names: Vec<String> = files::names(folder).into_iter().filter(|name| name.ends_with(".json")).collect();
    names.sort();
    assert!(names.len() >= 60, "{} cases", names.len());
    let (mut problems, mut interpreted) = (Vec::new(), 0);
    for name in &names {
        let case: Value = serde_json::from_slice(&files::read(&format!("{folder}/{name}"))).unwrap();
        let onnx = files::read(&format!("{folder}/{}.onnx", case["name"].as_str().unwrap()));
        if let Some(problem) = problem(&onnx, &case, load) {
            problems.push(format!("{}: {problem}", case["name"].as_str().unwrap()));
        }
        let is_interpreted = load(&onnx).is_ok_and(|model| model.is_interpreted());
        interpreted += usize::from(is_interpreted);
        // What the interpreter is written for should not slip to tract unnoticed.
        let meant = case["family"] == "network" && !case["notes"].as_str().unwrap().contains("which tract runs");
        if is_interpreting && meant && !is_interpreted {
            problems.push(format!("{}: it is run by tract", case["name"].as_str().unwrap()));
        }
    }
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), names.len(), problems.join("\n"));
    interpreted
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn every_model_answers_as_onnx_runtime_does() {
    let interpreted = walk(Model::load, true);
    println!("{interpreted} models are run without tract");
    assert!(interpreted >= 500, "only {interpreted} are run without tract");
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn so_does_every_model_in_tract() {
    assert_eq!(walk(Model::load_in_tract, false), 0);
}
