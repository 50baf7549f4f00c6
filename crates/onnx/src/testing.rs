//! Graphs made by hand, for tests.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    type_proto,
};

use crate::attributes::of_integer;
pub use crate::attributes::of_integers as list;

/// A node of ONNX's own domain, with attributes that are numbers.
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, i64)]) -> NodeProto {
    NodeProto {
        op_type: operator.to_owned(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: outputs.iter().map(|name| (*name).to_owned()).collect(),
        attribute: attributes.iter().map(|(name, value)| of_integer(name, *value)).collect(),
        ..NodeProto::default()
    }
}

/// A model with inputs of 32-bit numbers by shape, where -1 is any size, and lists of integers as constants. Its output is
/// `Y`.
pub fn model(nodes: Vec<NodeProto>, inputs: &[(&str, &[i64])], constants: &[(&str, &[i64])]) -> ModelProto {
    let constant = |(name, values): &(&str, &[i64])| TensorProto {
        name: (*name).to_owned(),
        dims: vec![i64::try_from(values.len()).unwrap()],
        data_type: DataType::Int64 as i32,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    };
    let graph = GraphProto {
        node: nodes,
        input: inputs.iter().map(|(name, sizes)| value(name, sizes)).collect(),
        output: vec![ValueInfoProto { name: "Y".to_owned(), ..ValueInfoProto::default() }],
        initializer: constants.iter().map(constant).collect(),
        ..GraphProto::default()
    };
    let operators = OperatorSetIdProto { domain: String::new(), version: 17 };
    ModelProto { ir_version: 8, opset_import: vec![operators], graph: Some(graph), ..ModelProto::default() }
}

fn value(name: &str, sizes: &[i64]) -> ValueInfoProto {
    let dim = |size: &i64| Dimension { value: (*size >= 0).then_some(Value::DimValue(*size)), ..Dimension::default() };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: sizes.iter().map(dim).collect() }),
    };
    let of = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(of), ..ValueInfoProto::default() }
}
