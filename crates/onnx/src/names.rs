//! The names by which errors tell of nodes.

use std::sync::Arc;

use tract_onnx::pb::NodeProto;

/// A node's own name, or its first output's.
pub fn name_of(node: &NodeProto) -> String {
    let named = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    named.cloned().unwrap_or_default()
}

/// A node, by its name and operator.
pub fn label(name: &str, operator: &str) -> Arc<str> {
    if name.is_empty() { operator.into() } else { format!("node `{name}` ({operator})").into() }
}
