//! An ONNX file, made into a graph that all that comes after takes.

use std::collections::HashSet;

use tract_onnx::Onnx;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::*;

use crate::error::{LoadError, describe};
use crate::{functions, integers};

/// Reads a file.
///
/// # Errors
/// If it is not ONNX.
pub fn read(mut onnx: &[u8]) -> Result<ModelProto, LoadError> {
    let unusable = |error: TractError| LoadError::Unusable(describe(&error));
    let mut model = Onnx::default().proto_model_for_read(&mut onnx).map_err(unusable)?;
    functions::inline(&mut model)?;
    let Some(graph) = &mut model.graph else { return Err(LoadError::Unusable("it has no graph".to_owned())) };
    settle(graph);
    integers::check(graph)?;
    Ok(model)
}

/// The name by which a node is told: its own, or its first output's.
pub fn name_of(node: &NodeProto) -> String {
    let named = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    named.cloned().unwrap_or_default()
}

/// Gives each node a name of its own, which tract asks for, and says what it takes for granted otherwise than ONNX does.
fn settle(graph: &mut GraphProto) {
    let constants = graph.initializer.iter().map(|constant| constant.name.clone());
    let mut taken: HashSet<String> = constants.chain(graph.input.iter().map(|input| input.name.clone())).collect();
    for node in &mut graph.node {
        let mut name = name_of(node);
        while !taken.insert(name.clone()) {
            name.push('\'');
        }
        node.name = name;
        if node.op_type == "Slice" {
            // "To the end" is the greatest integer of 64 bits, which the greatest of 32 says as well.
            let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
            node.attribute.iter_mut().flat_map(|it| &mut it.ints).for_each(|it| *it = (*it).clamp(least, most));
        }
        if node.op_type == "ConstantOfShape" && node.attribute.iter().all(|attribute| attribute.name != "value") {
            node.attribute.push(nought());
        }
        for attribute in &mut node.attribute {
            attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(settle);
        }
    }
}

/// What `ConstantOfShape` is filled with unless told: a 0 of 32 bits, which tract takes for one of 64.
fn nought() -> AttributeProto {
    let zero = TensorProto {
        dims: vec![1],
        data_type: DataType::Float as i32,
        float_data: vec![0.0],
        ..TensorProto::default()
    };
    AttributeProto {
        name: "value".to_owned(),
        r#type: AttributeType::Tensor as i32,
        t: Some(zero),
        ..AttributeProto::default()
    }
}
