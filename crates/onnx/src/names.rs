//! The names of nodes and of values.

use std::sync::Arc;

use tract_onnx::pb::{GraphProto, NodeProto};

/// A node's own name, or its first output's.
pub fn name_of(node: &NodeProto) -> String {
    let named = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    named.cloned().unwrap_or_default()
}

/// The name of an input, unless it is left out.
pub fn input(node: &NodeProto, at: usize) -> Option<&String> {
    node.input.get(at).filter(|name| !name.is_empty())
}

/// A node, by its name and operator, as errors tell of it.
pub fn label(name: &str, operator: &str) -> Arc<str> {
    if name.is_empty() { operator.into() } else { format!("node `{name}` ({operator})").into() }
}

/// Gives the values of a node other names, in its bodies, too.
pub fn renamed(node: &mut NodeProto, name: &dyn Fn(&str) -> String) {
    node.input.iter_mut().chain(&mut node.output).for_each(|value| *value = name(value));
    let attributes = node.attribute.iter_mut();
    attributes.flat_map(|it| it.g.iter_mut().chain(&mut it.graphs)).for_each(|graph| renamed_in(graph, name));
}

/// The same, of all values of a graph.
pub fn renamed_in(graph: &mut GraphProto, name: &dyn Fn(&str) -> String) {
    graph.node.iter_mut().for_each(|node| renamed(node, name));
    let values = graph.input.iter_mut().chain(&mut graph.output).map(|value| &mut value.name);
    let constants = graph.initializer.iter_mut().map(|constant| &mut constant.name);
    values.chain(constants).for_each(|value| *value = name(value));
}
