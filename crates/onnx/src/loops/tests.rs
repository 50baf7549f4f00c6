//! What PyTorch's exporters write, and what is a little different from it.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use super::linear::Linear;
use super::straighten;
use super::term::Term;
use crate::error::LoadError;
use crate::testing::{model, node};
use crate::{Model, file, inputs};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../tests/cases/{name}.onnx", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn straight(mut model: ModelProto) -> Result<ModelProto, LoadError> {
    let declared = inputs::read(model.graph.as_ref().unwrap(), &BTreeMap::new())?;
    straighten(&mut model, &declared).map(|()| model)
}

/// The operators that a file's loop comes to, those of its other nodes left out.
fn operators(name: &str) -> Vec<String> {
    let model = straight(file::read(&bytes(name)).unwrap()).unwrap();
    let nodes = model.graph.unwrap().node.into_iter().map(|node| node.op_type);
    nodes.filter(|operator| !matches!(operator.as_str(), "Identity" | "Gemm" | "Constant" | "Cast")).collect()
}

#[test]
fn an_embedding_bag_is_a_look_up_and_a_reduction() {
    for name in ["torch2.6-legacy-bag-mean", "torch2.6-legacy-11-bag-mean", "torch2.6-legacy-3-bag-mean"] {
        assert_eq!(operators(name), ["Gather", "ReduceMean"], "{name}");
    }
    let weighted = ["Gather", "Unsqueeze", "Mul", "ReduceSum"];
    assert_eq!(operators("torch2.6-legacy-bag-weighted"), weighted);
    assert_eq!(operators("torch2.15-dynamo-bag-weighted"), [&weighted[..], &["Squeeze"]].concat());
    // A weight of 1 for each.
    let mean = ["Gather", "Expand", "Unsqueeze", "Mul", "ReduceMean", "Squeeze"];
    let mut found = operators("torch2.15-dynamo-bag-mean");
    found.sort_unstable();
    let mut expected = mean;
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// So many rows are run in turns, and a batch that the file fixes is any.
#[test]
fn a_bag_leaves_rows_apart() {
    for mode in ["sum", "mean", "max", "weighted", "padded-mean"] {
        for form in ["2.6-legacy", "2.6-legacy-3", "2.15-dynamo", "2.15-dynamo-1"] {
            let name = format!("torch{form}-bag-{mode}");
            if mode == "padded-mean" && form.contains("legacy") {
                continue;
            }
            let model = Model::load(&bytes(&name)).unwrap();
            assert!(model.is_run_in_turns(), "{name}");
            assert_eq!(model.description().rows.batch, None, "{name}");
        }
    }
}

/// A fixed batch has the places of its rows written down: however many, they are a beginning, a step and a count.
#[test]
fn many_places_that_go_up_evenly_are_steps() {
    let constant =
        |values: &[i64]| Term::of_constant(&model(Vec::new(), &[], &[("c", values)]).graph.unwrap().initializer[0]);
    let mut places: Vec<i64> = (0..1000).map(|row| row * 5).collect();
    let (first, count) = (Linear::of(0), Linear::of(1000));
    assert_eq!(constant(&places), Some(Term::Steps { first, step: 5, count }));
    places[7] = 1;
    assert_eq!(constant(&places), None);
}

fn body(node: &mut NodeProto) -> &mut GraphProto {
    node.attribute.iter_mut().find_map(|attribute| attribute.g.as_mut()).unwrap()
}

/// A node of a graph or of what is in it, by its first output.
fn find<'g>(graph: &'g mut GraphProto, output: &str) -> Option<&'g mut NodeProto> {
    for node in &mut graph.node {
        if node.output[0] == output {
            return Some(node);
        }
        let inner = node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut());
        for graph in inner {
            if let Some(found) = find(graph, output) {
                return Some(found);
            }
        }
    }
    None
}

type Change = fn(&mut GraphProto);

/// What looks like a bag and does something else is not taken for one.
#[test]
fn what_is_no_bag_is_refused() {
    let changes: [(&str, &str, Change); 10] = [
        ("rows without places", "torch2.6-legacy-bag-mean", |graph| {
            find(graph, "/bag/Gather_3_output_0").unwrap().input[0] = "/bag/Slice_output_0".to_owned();
        }),
        ("a last row that ends elsewhere", "torch2.6-legacy-bag-mean", |graph| {
            find(graph, "/bag/Concat_output_0").unwrap().input[1] = "/bag/Constant_6_output_0".to_owned();
        }),
        ("rows of other widths", "torch2.6-legacy-bag-mean", |graph| {
            find(graph, "/bag/Range_output_0").unwrap().input[2] = "/bag/Constant_output_0".to_owned();
        }),
        ("a condition that goes by values", "torch2.6-legacy-bag-mean", |graph| {
            let node = graph.node.iter_mut().find(|node| node.op_type == "Loop").unwrap();
            body(node).output[0].name = "/bag/ReduceMean_output_0".to_owned();
        }),
        ("the first row each time", "torch2.6-legacy-bag-mean", |graph| {
            find(graph, "/bag/Gather_3_output_0").unwrap().input[1] = "/bag/Constant_1_output_0".to_owned();
        }),
        ("another number of turns", "torch2.6-legacy-bag-mean", |graph| {
            find(graph, "/bag/Loop_output_0").unwrap().input[0] = "/bag/ReduceProd_output_0".to_owned();
        }),
        ("a count that stands still", "torch2.15-dynamo-bag-sum", |graph| {
            let node = graph.node.iter_mut().find(|node| node.op_type == "Loop").unwrap();
            let add = body(node).node.iter_mut().rfind(|node| node.op_type == "Add").unwrap();
            add.op_type = "Sub".to_owned();
        }),
        ("a last row that is computed otherwise", "torch2.15-dynamo-bag-mean", |graph| {
            each(graph, &|node| {
                if node.op_type == "ReduceSum" {
                    node.op_type = "ReduceMax".to_owned();
                }
            });
        }),
        ("a last row that is divided by more", "torch2.15-dynamo-bag-mean", |graph| {
            each(graph, &|node| {
                if node.op_type == "Sub" && node.input[0].starts_with("tmp") {
                    node.op_type = "Add".to_owned();
                }
            });
        }),
        ("places that are noted twice", "torch2.15-dynamo-bag-padded-mean", |graph| {
            each(graph, &|node| {
                if node.op_type == "Concat" && node.input[0].starts_with("curr_offsets") {
                    node.input[1] = node.input[0].clone();
                }
            });
        }),
    ];
    for (what, name, change) in changes {
        let mut model = file::read(&bytes(name)).unwrap();
        let graph = model.graph.as_mut().unwrap();
        change(graph);
        let refused = straight(model).map(|model| model.graph.map(|graph| graph.node.len()));
        match refused {
            Err(LoadError::Node { operator, .. }) => assert_eq!(operator, "Loop", "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

fn each(graph: &mut GraphProto, change: &dyn Fn(&mut NodeProto)) {
    for node in &mut graph.node {
        change(node);
        node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut()).for_each(|graph| each(graph, change));
    }
}

/// A loop of those nodes, which takes the outputs of its last node as its state.
fn looped(turns: i64, nodes: Vec<NodeProto>) -> ModelProto {
    let states = model(nodes, &[], &[]);
    let mut body = states.graph.unwrap();
    let named = |name: &str| tract_onnx::pb::ValueInfoProto { name: name.to_owned(), ..Default::default() };
    body.input = vec![named("turn"), named("goes on"), named("state")];
    body.output = vec![named("goes on"), named("next")];
    let mut node = node("Loop", &["turns", "", "X"], &["Y"], &[]);
    node.attribute.push(tract_onnx::pb::AttributeProto {
        name: "body".to_owned(),
        r#type: tract_onnx::pb::attribute_proto::AttributeType::Graph as i32,
        g: Some(body),
        ..Default::default()
    });
    model(vec![node], &[("X", &[-1, 2])], &[("turns", &[turns])])
}

#[test]
fn a_loop_is_written_out_as_often_as_is_known_and_no_oftener() {
    let twice = || vec![node("Add", &["state", "state"], &["next"], &[])];
    let nodes = straight(looped(10, twice())).unwrap().graph.unwrap().node;
    assert_eq!(nodes.iter().filter(|node| node.op_type == "Add").count(), 10);
    match straight(looped(1 << 40, twice())) {
        Err(LoadError::Node { problem, .. }) => assert!(problem.contains("too often"), "{problem}"),
        other => panic!("{other:?}"),
    }
}

/// What ONNX leaves open is not answered.
#[test]
fn the_mean_of_no_places_is_refused() {
    let mut model = file::read(&bytes("torch2.6-legacy-3-bag-mean")).unwrap();
    let places = find(model.graph.as_mut().unwrap(), "/bag/Constant_5_output_0").unwrap();
    // The second row begins where it ends.
    let constant = places.attribute[0].t.as_mut().unwrap();
    constant.raw_data = [0i64, 10, 10].iter().flat_map(|place| place.to_le_bytes()).collect();
    let error = Model::load(&prost::Message::encode_to_vec(&model)).unwrap_err().to_string();
    assert!(error.contains("(ReduceMean): its input has no values"), "{error}");
}

#[test]
fn two_values_of_one_name_are_told() {
    let error = straight(looped(2, vec![node("Add", &["state", "state"], &["X"], &[])])).unwrap_err();
    assert_eq!(error, LoadError::Unusable("two of its values have the name `X`".to_owned()));
}
