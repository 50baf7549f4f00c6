//! The attributes of nodes.

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

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
