//! The models of this repository, run by tract, against ONNX Runtime's answers on every held-out row.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use turnout::endpoint::{Backend, Endpoint, Sha256};
use turnout::isolate::reproduce;
use turnout::payload::{self, Format, Outputs, PayloadError, Row, Values};
use turnout_onnx::{LoadError, Model};

const HELD_OUT: &str = include_str!("../models/digits/held-out.csv");
const LOGISTIC: &[u8] = include_bytes!("../models/digits/logistic.onnx");
const CNN: &[u8] = include_bytes!("../models/digits/cnn.onnx");
const CHURN_LOGISTIC: &[u8] = include_bytes!("../models/churn/logistic.onnx");
const CHURN_XGBOOST: &[u8] = include_bytes!("../models/churn/xgboost.onnx");

/// Probabilities may differ from ONNX Runtime's by this much: sums in another order, in float32.
const TOLERANCE: f32 = 1e-5;

/// The held-out rows without their labels, as CSV.
fn held_out() -> String {
    HELD_OUT.lines().map(|line| line.split_once(',').unwrap().1).collect::<Vec<_>>().join("\n")
}

fn run(model: &Model, csv: &str) -> Outputs {
    let table = payload::decode(Format::Csv, csv.as_bytes(), model.schema(), usize::MAX).unwrap();
    model.run(&table, None).unwrap()
}

fn labels_and_probabilities(outputs: &Outputs) -> (&[i64], &[f32]) {
    match outputs.outputs() {
        [label, probabilities] => match (&label.values, &probabilities.values) {
            (Values::I64(labels), Values::F32(values)) => {
                assert_eq!((&*label.name, &*probabilities.name), ("label", "probabilities"));
                assert_eq!((&*label.row_shape, &*probabilities.row_shape), (&[][..], &[10][..]));
                (labels, values)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn check(onnx: &[u8], expected: &str, accuracy: f64) {
    let outputs = run(&Model::load(onnx).unwrap(), &held_out());
    let (labels, probabilities) = labels_and_probabilities(&outputs);
    let mut right = 0;
    for (row, (expected, truth)) in expected.lines().zip(HELD_OUT.lines()).enumerate() {
        let (label, expected) = expected.split_once(',').unwrap();
        assert_eq!(labels[row].to_string(), label, "row {row}");
        for (class, expected) in expected.split(',').enumerate() {
            let found = probabilities[row * 10 + class];
            assert!(
                (found - expected.parse::<f32>().unwrap()).abs() <= TOLERANCE,
                "row {row}, class {class}: {found}, {expected}"
            );
        }
        right += usize::from(truth.split_once(',').unwrap().0 == label);
    }
    assert_eq!(labels.len(), HELD_OUT.lines().count());
    assert!(right as f64 >= accuracy * labels.len() as f64, "{right} right");
}

#[test]
fn logistic_answers_as_onnx_runtime_does() {
    check(LOGISTIC, include_str!("../models/digits/logistic.expected.csv"), 0.96);
}

#[test]
fn cnn_answers_as_onnx_runtime_does() {
    check(CNN, include_str!("../models/digits/cnn.expected.csv"), 0.98);
}

#[test]
fn one_row_and_a_batch_of_many_runs_agree() {
    let model = Model::load(CNN).unwrap();
    let csv = held_out();
    let one: Vec<i64> =
        csv.lines().take(20).flat_map(|line| labels_and_probabilities(&run(&model, line)).0.to_vec()).collect();
    // More rows than are run at once.
    let many = [csv.as_str(); 4].join("\n");
    let outputs = run(&model, &many);
    let (labels, _) = labels_and_probabilities(&outputs);
    assert_eq!(labels.len(), 1800);
    for copy in 0..4 {
        assert_eq!(labels[copy * 450..][..20], one);
    }
}

#[test]
fn rows_of_another_width_are_the_callers_mistake() {
    let model = Model::load(LOGISTIC).unwrap();
    let error = payload::decode(Format::Csv, b"1,2,3", model.schema(), usize::MAX).unwrap_err();
    assert_eq!(error, PayloadError::Width { row: Row { number: 1, line: Some(1) }, given: 3, expected: 64 });
}

#[test]
fn what_is_no_model_is_refused() {
    for bytes in [&b""[..], b"nonsense", &CNN[..CNN.len() / 2], HELD_OUT.as_bytes()] {
        assert!(matches!(Model::load(bytes), Err(LoadError::NotOnnx(_))), "{} bytes", bytes.len());
    }
    for length in (0..LOGISTIC.len()).step_by(7) {
        let _ = Model::load(&LOGISTIC[..length]); // an error or, near the end, a model: never a panic
    }
    // An output that no node makes: the last `label` of the file is the graph's output.
    let at = LOGISTIC.windows(5).rposition(|window| window == b"label").unwrap();
    let mut broken = LOGISTIC.to_vec();
    broken[at] = b'x';
    let error = Model::load(&broken).unwrap_err();
    assert_eq!(error.to_string(), "it cannot be loaded: nothing makes its output `xabel`");
}

#[test]
fn churn_answers_as_onnx_runtime_does() {
    let truth = include_str!("../models/churn/held-out.csv");
    let rows: Vec<&str> = truth.lines().map(|line| line.split_once(',').unwrap().1).collect();
    for (onnx, expected, accuracy) in [
        (CHURN_LOGISTIC, include_str!("../models/churn/logistic.expected.csv"), 0.86),
        (CHURN_XGBOOST, include_str!("../models/churn/xgboost.expected.csv"), 0.95),
    ] {
        let outputs = run(&Model::load(onnx).unwrap(), &rows.join("\n"));
        let (labels, probabilities) = match outputs.outputs() {
            [label, probabilities] => match (&label.values, &probabilities.values) {
                (Values::Text(labels), Values::F32(values)) => (labels, values),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        let mut right = 0;
        for (row, (expected, truth)) in expected.lines().zip(truth.lines()).enumerate() {
            let mut expected = expected.split(',');
            assert_eq!(labels[row], expected.next().unwrap(), "row {row}");
            for (found, expected) in probabilities[row * 2..].iter().zip(expected) {
                assert!(
                    (found - expected.parse::<f32>().unwrap()).abs() <= TOLERANCE,
                    "row {row}: {found}, {expected}"
                );
            }
            right += usize::from(truth.starts_with(&format!("{},", labels[row])));
        }
        assert_eq!(labels.len(), 1250);
        assert!(right as f64 >= accuracy * labels.len() as f64, "{right} right");
    }
}

#[test]
fn the_seeded_endpoints_mean_these_files_and_are_checked() {
    let digits = Endpoint::parse(include_bytes!("../models/digits/endpoint.json")).unwrap();
    let churn = Endpoint::parse(include_bytes!("../models/churn/endpoint.json")).unwrap();
    for (folder, endpoint, name, onnx, rows) in [
        ("digits", &digits, "logistic", LOGISTIC, &include_bytes!("../models/digits/logistic.check.json")[..]),
        ("digits", &digits, "cnn", CNN, include_bytes!("../models/digits/cnn.check.json")),
        ("churn", &churn, "logistic", CHURN_LOGISTIC, include_bytes!("../models/churn/logistic.check.json")),
        ("churn", &churn, "xgboost", CHURN_XGBOOST, include_bytes!("../models/churn/xgboost.check.json")),
    ] {
        let Backend::Model(model) = &endpoint.variant(name).unwrap().backend else { panic!("{name} is no model") };
        assert_eq!((model.key.as_str(), model.sha256), (&*format!("{folder}/{name}.onnx"), Sha256::of(onnx)));
        assert_eq!(model.check.as_ref().unwrap().as_str(), format!("{folder}/{name}.check.json"));
        let loaded = Model::load(onnx).unwrap();
        reproduce(rows, model.sha256, loaded.schema(), |table| loaded.run(table, None)).unwrap();
    }
}

#[test]
fn rows_are_run_in_turns() {
    for onnx in [LOGISTIC, CNN, CHURN_LOGISTIC, CHURN_XGBOOST] {
        assert!(Model::load(onnx).unwrap().is_run_in_turns());
    }
}
