//! The attributes of nodes.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// An integer; `None` if there is none of that name.
pub fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    node.get_attr_opt(name).ok().flatten()
}

/// A list of integers.
pub fn integers(node: &NodeProto, name: &str) -> Option<Vec<i64>> {
    node.get_attr_opt_vec(name).ok().flatten()
}

/// A tensor.
pub fn tensor<'n>(node: &'n NodeProto, name: &str) -> Option<&'n TensorProto> {
    node.get_attr_opt(name).ok().flatten()
}

/// A body.
pub fn graph<'n>(node: &'n NodeProto, name: &str) -> Option<&'n GraphProto> {
    node.get_attr_opt(name).ok().flatten()
}

/// All bodies that a node has.
pub fn graphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// An attribute that is an integer.
pub fn of_integer(name: &str, value: i64) -> AttributeProto {
    let (name, r#type) = (name.to_owned(), AttributeType::Int as i32);
    AttributeProto { name, r#type, i: value, ..AttributeProto::default() }
}

/// An attribute that is a list of integers.
pub fn of_integers(name: &str, values: &[i64]) -> AttributeProto {
    let (name, r#type) = (name.to_owned(), AttributeType::Ints as i32);
    AttributeProto { name, r#type, ints: values.to_vec(), ..AttributeProto::default() }
}
