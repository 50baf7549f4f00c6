//! The names by which errors tell of nodes.

use tract_onnx::pb::NodeProto;

/// A node's own name, or its first output's.
pub fn name_of(node: &NodeProto) -> String {
    let named = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    named.cloned().unwrap_or_default()
}
