//! ONNX's own backend tests, through the interpreter and through tract: each is right, or refused.
//!
//! `tests/suite/export.py` writes them, from PyPI's `onnx`; `ONNX_SUITE` names the folder.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::*;
use turnout_tables::Limits;

use crate::attributes::graphs;
use crate::error::describe;
use crate::half;
use crate::interpreter::Interpreter;
use crate::ml;
use crate::plan::Plan;
use crate::shown;
use crate::signature::Signature;

/// Numbers may differ by this much, relative to the greatest of them where it is above 1: sums in another order.
const TOLERANCE: f64 = 1e-5;
/// And by this much relative to what is expected: ONNX gives some to four digits.
const ROUNDED: f64 = 1e-3;
/// 8-bit numbers of operators that multiply by a quotient of scales may differ by one: a tie is rounded the other way.
const STEP: i64 = 1;
/// Those of 16 bits have three digits.
const TOLERANCE_16: f64 = 2e-3;

/// How a test ended.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Right,
    Refused(String),
    Wrong(String),
    Panicked(String),
}

/// What runs a test.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    /// As a model is loaded: by the interpreter, else by tract.
    Preferred,
    Tract,
}

/// Which inputs are given when the model is run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Given {
    All,
    /// The others are constants, as most are in models that people have.
    First,
}

const WAYS: [(Engine, Given); 4] = [
    (Engine::Preferred, Given::All),
    (Engine::Preferred, Given::First),
    (Engine::Tract, Given::All),
    (Engine::Tract, Given::First),
];

struct Data {
    inputs: Vec<TensorProto>,
    /// What it should answer: one of these.
    outputs: Vec<Vec<TensorProto>>,
}

fn tensors(folder: &Path, kind: &str) -> Vec<TensorProto> {
    let files = (0..).map(|at| folder.join(format!("{kind}_{at}.pb"))).take_while(|path| path.exists());
    files.map(|path| tract_onnx::tensor::proto_from_reader(std::fs::File::open(path).unwrap()).unwrap()).collect()
}

fn data(folder: &Path) -> Vec<Data> {
    let sets = (0..).map(|at| folder.join(at.to_string())).take_while(|path| path.exists());
    let outputs = |set: &Path| ["output", "reference"].map(|kind| tensors(set, kind));
    let data = |set: PathBuf| Data {
        inputs: tensors(&set, "input"),
        outputs: outputs(&set).into_iter().filter(|outputs| !outputs.is_empty()).collect(),
    };
    sets.map(data).collect()
}

/// Loads and runs the model as one way has it.
fn answers(mut model: ModelProto, data: &Data, (engine, given): (Engine, Given)) -> Result<Vec<Tensor>, String> {
    let graph = model.graph.as_mut().unwrap();
    let mut inputs = Vec::new();
    let open: Vec<String> = graph
        .input
        .iter()
        .map(|input| input.name.clone())
        .filter(|name| graph.initializer.iter().all(|constant| constant.name != *name))
        .collect();
    for (name, proto) in open.iter().zip(&data.inputs) {
        let mut tensor = ml::load_tensor(proto).map_err(|error| describe(&error))?;
        if tensor.datum_type() == f16::datum_type() {
            tensor = tensor.cast_to::<f32>().map_err(|error| describe(&error))?.into_owned();
        }
        if given == Given::All || inputs.is_empty() {
            let shape = tensor.shape().iter().map(|size| size.to_dim());
            inputs.push((name.clone(), Signature::new(tensor.datum_type(), shape), tensor));
        } else {
            graph.input.retain(|input| input.name != *name);
            graph.initializer.push(TensorProto { name: name.clone(), ..proto.clone() });
        }
    }
    half::widen(graph);
    let (signatures, inputs): (Vec<_>, Vec<_>) =
        inputs.into_iter().map(|(name, signature, tensor)| ((name, signature), tensor)).unzip();
    if engine == Engine::Preferred
        && let Ok(interpreter) = Interpreter::load(&model, &signatures)
    {
        return interpreter.run(inputs).map_err(|error| describe(&error));
    }
    let rows = SymbolScope::default().sym("N");
    let plan = Plan::load(&model, &signatures, &rows, &Limits::default()).map_err(|error| error.to_string())?;
    plan.run(inputs).map_err(|error| describe(&error))
}

/// The first difference of a tensor from what is expected.
fn difference(found: &Tensor, expected: &Tensor, is_scaled: bool) -> Option<String> {
    let plain = |tensor: &Tensor| {
        if tensor.datum_type() == TDim::datum_type() {
            tensor.cast_to::<i64>().unwrap().into_owned()
        } else {
            tensor.clone()
        }
    };
    let (mut found, expected) = (plain(found), plain(expected));
    // Of 16 bits is what goes in and out: between, numbers have 32.
    if expected.datum_type() == f16::datum_type() && found.datum_type() == f32::datum_type() {
        found = found.cast_to::<f16>().unwrap().into_owned();
    }
    let form = |tensor: &Tensor| (tensor.datum_type(), tensor.shape().to_vec());
    if form(&found) != form(&expected) {
        return Some(format!("{:?}, expected {:?}", form(&found), form(&expected)));
    }
    if is_scaled {
        let whole = |tensor: &Tensor| ml::elements::<i64>(&tensor.cast_to::<i64>().unwrap()).unwrap().to_vec();
        let at = whole(&found).iter().zip(whole(&expected)).position(|(a, b)| (a - b).abs() > STEP)?;
        return Some(format!("value {at} of {found:.300?} differs from {expected:.300?}"));
    }
    if !expected.datum_type().is_float() {
        return (found != expected).then(|| format!("{:.300?}, expected {:.300?}", found, expected));
    }
    let tolerance = if expected.datum_type() == f16::datum_type() { TOLERANCE_16 } else { TOLERANCE };
    let numbers = |tensor: &Tensor| ml::elements::<f64>(&tensor.cast_to::<f64>().unwrap()).unwrap().to_vec();
    let (found, expected) = (numbers(&found), numbers(&expected));
    let scale = expected.iter().filter(|x| x.is_finite()).fold(1f64, |scale, x| scale.max(x.abs()));
    let differs = |(found, expected): (&f64, &f64)| {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        !(same || (found - expected).abs() <= (tolerance * scale).max(ROUNDED * expected.abs()))
    };
    let at = found.iter().zip(&expected).position(differs)?;
    Some(format!("value {at} is {}, expected {}", found[at], expected[at]))
}

/// The first difference of all outputs from what is expected.
fn first_difference(found: &[Tensor], expected: &[TensorProto], is_scaled: bool) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} outputs", found.len()));
    }
    found.iter().zip(expected).enumerate().find_map(|(at, (found, expected))| match ml::load_tensor(expected) {
        Ok(expected) => Some(format!("output {at}: {}", difference(found, &expected, is_scaled)?)),
        Err(error) => Some(format!("it answers what cannot be held: {}", describe(&error))),
    })
}

fn ending(model: &ModelProto, data: &[Data], way: (Engine, Given)) -> End {
    let is_scaled = model.graph.as_ref().unwrap().node.iter().any(|node| node.op_type.starts_with("QLinear"));
    for data in data {
        let found = match catch_unwind(AssertUnwindSafe(|| answers(model.clone(), data, way))) {
            Ok(Ok(found)) => found,
            Ok(Err(reason)) => return End::Refused(reason),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                return End::Panicked(text.unwrap_or_else(|| format!("{:?}", panic.downcast_ref::<&str>())));
            }
        };
        let differences: Vec<String> =
            data.outputs.iter().filter_map(|expected| first_difference(&found, expected, is_scaled)).collect();
        if differences.len() == data.outputs.len() {
            return End::Wrong(differences.join("; "));
        }
    }
    End::Right
}

/// What a test is about.
fn operator(name: &str, nodes: &[NodeProto]) -> String {
    match nodes {
        [node] => node.op_type.clone(),
        _ => match name.split_once('.') {
            Some((kind, _)) if kind.starts_with("pytorch") || kind == "simple" => kind.to_owned(),
            _ => "functions".to_owned(),
        },
    }
}

/// The operators of a graph, and of those within it.
fn collect(graph: &GraphProto, operators: &mut BTreeSet<String>) {
    for node in &graph.node {
        operators.insert(node.op_type.clone());
        graphs(node).for_each(|graph| collect(graph, operators));
    }
}

#[test]
#[ignore = "needs ONNX's backend tests, which tests/suite/export.py writes"]
fn every_test_is_right_or_refused() {
    let folder = PathBuf::from(std::env::var_os("ONNX_SUITE").unwrap());
    let mut tests: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    tests.sort();
    std::panic::set_hook(Box::new(|_| {}));
    // Of each operator: right, refused, wrong, panicked, by way.
    let mut counts: BTreeMap<String, [[usize; 4]; WAYS.len()]> = BTreeMap::new();
    let (mut lines, mut right) = (String::new(), BTreeSet::new());
    for test in &tests {
        let name = test.file_name().unwrap().to_str().unwrap();
        let onnx = std::fs::read(test.join("model.onnx")).unwrap();
        let model = tract_onnx::Onnx::default().proto_model_for_read(&mut &*onnx).unwrap();
        let operator = operator(name, &model.graph.as_ref().unwrap().node);
        let data = data(test);
        for (at, way) in WAYS.into_iter().enumerate() {
            let end = if data.is_empty() { End::Refused("no tensors".to_owned()) } else { ending(&model, &data, way) };
            let column = match &end {
                End::Right => 0,
                End::Refused(_) => 1,
                End::Wrong(_) => 2,
                End::Panicked(_) => 3,
            };
            counts.entry(operator.clone()).or_default()[at][column] += 1;
            if end == End::Right && way.0 == Engine::Tract {
                collect(model.graph.as_ref().unwrap(), &mut right);
            }
            writeln!(lines, "{operator}\t{name}\t{way:?}\t{end:?}").unwrap();
        }
    }
    let _ = std::panic::take_hook();
    println!("operator\tright refused wrong panicked");
    for (operator, counts) in &counts {
        println!("{operator}\t{counts:?}");
    }
    if let Some(path) = std::env::var_os("ONNX_SUITE_REPORT") {
        std::fs::write(path, &lines).unwrap();
    }
    let bad: Vec<&str> =
        lines.lines().filter(|line| line.contains("\tWrong(") || line.contains("\tPanicked(")).collect();
    assert!(bad.is_empty(), "{} of {}:\n{}", bad.len(), tests.len() * WAYS.len(), bad.join("\n"));
    // The rule for what tract runs says no more than the tests do.
    let unseen: Vec<&str> = shown::operators().filter(|operator| !right.contains(*operator)).collect();
    assert!(unseen.is_empty(), "no test shows {unseen:?}");
}
