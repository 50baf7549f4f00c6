//! An ONNX file, made into a graph that all that comes after takes.

use std::collections::HashSet;

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto};

use crate::attributes::graphs;
use crate::error::LoadError;
use crate::names::name_of;
use crate::{functions, integers};

/// Reads a file.
///
/// # Errors
/// If it is not ONNX, or not all of it is there.
pub fn read(onnx: &[u8]) -> Result<ModelProto, LoadError> {
    let mut model = ModelProto::decode(onnx).map_err(|error| LoadError::NotOnnx(error.to_string()))?;
    functions::inline(&mut model)?;
    let Some(graph) = &mut model.graph else { return Err(LoadError::NotOnnx("it has no graph".to_owned())) };
    check_external(graph)?;
    settle(graph);
    integers::check(graph)?;
    Ok(model)
}

/// All values stand in the file itself.
fn check_external(graph: &GraphProto) -> Result<(), LoadError> {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let tensors = attributes.flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    let external = |tensor: &&TensorProto| tensor.data_location == Some(DataLocation::External as i32);
    if let Some(tensor) = graph.initializer.iter().chain(tensors).find(external) {
        return Err(LoadError::External { tensor: tensor.name.clone() });
    }
    graph.node.iter().flat_map(graphs).try_for_each(check_external)
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

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::testing::{model, node};

    #[test]
    fn weights_in_another_file_are_told_as_that() {
        let mut model = model(vec![node("MatMul", &["X", "W"], &["Y"], &[])], &[("X", &[-1, 2])], &[("W", &[1, 2])]);
        let graph = model.graph.as_mut().unwrap();
        assert_eq!(check_external(graph), Ok(()));
        graph.initializer[0].data_location = Some(DataLocation::External as i32);
        let error = check_external(graph).unwrap_err();
        assert_eq!(error, LoadError::External { tensor: "W".to_owned() });
        assert!(error.to_string().contains("onnx.save_model(model, path, save_as_external_data=False)"), "{error}");
    }

    #[test]
    fn nodes_get_names_of_their_own() {
        let mut named = node("Relu", &["X"], &["a"], &[]);
        named.name = "b".to_owned();
        let nodes = vec![named, node("Relu", &["a"], &["b"], &[]), node("Relu", &["b"], &["X'"], &[])];
        let mut graph = model(nodes, &[("X'", &[-1, 2])], &[]).graph.unwrap();
        settle(&mut graph);
        let names: Vec<&str> = graph.node.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["b", "b'", "X''"]);
    }
}
