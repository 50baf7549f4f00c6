//! `scripts/check-rows.py`, with ONNX Runtime itself: models reproduce what it writes, and nothing else.
//!
//! `CHECK_ROWS_PYTHON=PYTHON cargo test --test check_rows -- --ignored`, where PYTHON has it, with numpy.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use turnout::endpoint::Sha256;
use turnout::isolate::{CheckError, reproduce};
use turnout_onnx::Model;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A copy of a model of the repository, in a folder of its own.
fn copy(model: &str) -> PathBuf {
    let name = Path::new(model).file_name().unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check-rows");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(format!("{ROOT}/{model}"), folder.join(name)).unwrap();
    folder.join(name)
}

fn python(arguments: &[&str]) -> String {
    let python = std::env::var("CHECK_ROWS_PYTHON").unwrap();
    let output = Command::new(python).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Loads a model that is to reproduce the rows.
fn load(model: &Path, check: &[u8]) -> Result<(), CheckError> {
    let onnx = std::fs::read(model).unwrap();
    let model = Model::load(&onnx).unwrap();
    reproduce(check, Sha256::of(&onnx), model.schema(), |table| model.run(table, None))
}

/// The last value becomes another.
fn spoil(value: &mut Value) {
    match value {
        Value::Array(values) => spoil(values.last_mut().unwrap()),
        Value::Object(values) => spoil(values.values_mut().last().unwrap()),
        Value::Number(number) => *value = if number.is_f64() { json!(1e4) } else { json!(77) },
        Value::String(text) if text == "NaN" => *value = json!(0),
        Value::String(text) => text.push('x'),
        other => panic!("{other}"),
    }
}

/// The file for a model, from rows, and what it says of them.
fn written(model: &Path, rows: &Path, options: &[&str]) -> Value {
    let script = format!("{ROOT}/scripts/check-rows.py");
    let (model_path, rows) = (model.to_str().unwrap(), rows.to_str().unwrap());
    let printed = python(&[&["-W", "ignore", &script, model_path, rows], options].concat());
    let check = model.with_extension("check.json");
    let put = |file: &Path| {
        let name = file.file_name().unwrap().to_str().unwrap();
        format!("npx wrangler kv key put check-rows/{name} --binding MODELS --path {}\n", file.display())
    };
    assert_eq!(printed, put(model) + &put(&check));

    let text = std::fs::read(check).unwrap();
    load(model, &text).unwrap_or_else(|error| panic!("{model_path}: {error}"));
    let written: Value = serde_json::from_slice(&text).unwrap();
    for output in written["outputs"].as_object().unwrap().keys() {
        let mut spoiled = written.clone();
        spoil(&mut spoiled["outputs"][output]);
        let error = load(model, spoiled.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, CheckError::Different { .. }), "{error}");
    }
    written
}

fn from_csv(model: &str, csv: &str, options: &[&str]) -> Value {
    let model = copy(model);
    let rows = model.with_extension("csv");
    std::fs::write(&rows, csv).unwrap();
    written(&model, &rows, options)
}

/// From arrays by name, as numpy writes them.
fn from_npz(model: &str, arrays: &str) -> Value {
    let model = copy(model);
    let rows = model.with_extension("npz");
    python(&["-c", &format!("import numpy as np; np.savez({:?}, {arrays})", rows.to_str().unwrap())]);
    written(&model, &rows, &[])
}

#[test]
#[ignore = "it needs a Python with ONNX Runtime"]
fn models_reproduce_what_the_script_writes() {
    let inputs = |written: &Value| written["inputs"].clone();
    // No names, behind the label; eight rows unless more are asked for.
    let digits = std::fs::read_to_string(format!("{ROOT}/models/digits/held-out.csv")).unwrap();
    let check = from_csv("models/digits/cnn.onnx", &digits, &["--skip", "1"]);
    assert_eq!(check["inputs"]["pixels"].as_array().unwrap().len(), 8);
    let check = from_csv("models/digits/cnn.onnx", &digits, &["--skip", "1", "--count", "100"]);
    assert_eq!(check["inputs"]["pixels"].as_array().unwrap().len(), 100);

    // The names of the inputs choose among the columns, which are in another order.
    let seeded = std::fs::read(format!("{ROOT}/models/churn/logistic.check.json")).unwrap();
    let seeded = inputs(&serde_json::from_slice(&seeded).unwrap());
    let columns = || seeded.as_object().unwrap().iter().rev();
    let line = |cells: Vec<String>| cells.join(",") + ",whatever\n";
    let row = |at: usize| {
        let cell = |(_, rows): (&String, &Value)| rows[at].to_string().trim_matches('"').to_owned();
        line(columns().map(cell).collect())
    };
    let names = line(columns().map(|(name, _)| name.clone()).collect());
    let churn = names + &(0..8).map(row).collect::<String>();
    assert_eq!(inputs(&from_csv("models/churn/logistic.onnx", &churn, &[])), seeded);

    // Names that are none of an input's.
    let iris = "sepal length,sepal width,petal length,petal width\n5.1,3.5,1.4,0.2\n6,2.2,5,1.5\n";
    let check = from_csv("tests/zoo/models/sklearn-logistic-zipmap-strings.onnx", iris, &[]);
    assert_eq!(inputs(&check), json!({"X": [[5.1, 3.5, 1.4, 0.2], [6.0, 2.2, 5.0, 1.5]]}));
    assert!(check["outputs"]["output_probability"][1]["virginica"].is_f64());

    // Missing numbers, strings, truth values, integers, 16 bits.
    let wine = "11.79,2.13,2.78,28.5,92,2.13,2.24,0.58,1.76,3,0.97,2.44,\n,,,,,,,,,,,,1\n";
    let check = from_csv("tests/zoo/models/xgboost-multi-missing.onnx", wine, &[]);
    assert_eq!(check["inputs"]["X"][0][12], "NaN");
    from_csv("tests/zoo/models/sklearn-onehot-strings-unknown.onnx", "family,east\nx,\n", &[]);
    let check = from_csv("tests/zoo/models/network-input-bool.onnx", "true,1,False\n0,0,TRUE\n", &[]);
    assert_eq!(inputs(&check), json!({"X": [[true, true, false], [false, false, true]]}));
    from_csv("tests/zoo/models/network-input-half.onnx", "0.1,0.2,0.3,0.4\n-1,2,-3,4\n1,1,1,1\n", &[]);
    from_npz("tests/zoo/models/network-input-bytes.onnx", "X=np.arange(32, dtype='uint8').reshape(2, 1, 4, 4)");

    // A fixed number of rows, of which there are fewer; a shape that the file does not tell.
    from_csv("tests/zoo/models/network-input-batch-of-4.onnx", "1,2,3,4\n5,6,7,8\n", &[]);
    from_csv("tests/zoo/models/network-input-no-shape.onnx", "1,2,3,4\n5,6,7,8\n", &[]);
    // Labels of the shape [1, rows].
    let iris = &format!("{iris}6.5,3,5.2,2\n");
    let check = from_csv("tests/zoo/models/sklearn-qda-multi.onnx", iris, &[]);
    assert_eq!(check["outputs"]["label"].as_array().unwrap().len(), 3);

    // Other shapes, and numbers that JSON has not.
    from_npz("tests/cases/rnn-LSTM-forward.onnx", "x=np.linspace(-1, 1, 72, dtype='float32').reshape(3, 6, 4)");
    let check = from_npz("tests/cases/nan-Relu.onnx", "x=np.array([[np.nan, np.inf, -np.inf, 1]], dtype='float32')");
    assert_eq!(inputs(&check), json!({"x": [["NaN", "Infinity", "-Infinity", 1.0]]}));
    assert_eq!(check["outputs"], json!({"y": [["NaN", "Infinity", 0.0, 1.0]]}));
}
