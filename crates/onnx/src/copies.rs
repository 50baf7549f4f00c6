//! What is written out of a file more than once, which a short file could make long.

use tract_onnx::pb::NodeProto;

use crate::attributes::graphs;

/// More nodes than any model of this size has: functions that call each other twice, or a loop in a loop, soon make more.
const MOST_NODES: usize = 1 << 16;

/// More bytes than nodes are copied to.
const MOST_BYTES: usize = 32 << 20;

/// How much has been written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Copies {
    nodes: usize,
    bytes: usize,
}

impl Copies {
    /// Counts more of them, and tells whether that may be.
    pub fn add(&mut self, nodes: usize, bytes: usize) -> bool {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        self.nodes <= MOST_NODES && self.bytes <= MOST_BYTES
    }

    /// How many nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }
}

/// About how many bytes a node has.
pub fn bytes(node: &NodeProto) -> usize {
    let names = node.input.iter().chain(&node.output).map(|name| name.len());
    let attributes = node.attribute.iter().map(|it| {
        let tensors = it.t.iter().chain(&it.tensors).map(|tensor| {
            let numbers =
                [tensor.float_data.len(), tensor.int32_data.len(), tensor.int64_data.len(), tensor.double_data.len()];
            let strings = tensor.string_data.iter().map(Vec::len);
            numbers
                .into_iter()
                .map(|count| count.saturating_mul(8))
                .chain(strings)
                .fold(tensor.raw_data.len(), usize::saturating_add)
        });
        let lists = [it.floats.len(), it.ints.len()].into_iter().map(|count| count.saturating_mul(8));
        let strings = it.strings.iter().map(Vec::len);
        tensors.chain(lists).chain(strings).fold(it.s.len(), usize::saturating_add)
    });
    let inner = graphs(node).flat_map(|graph| &graph.node).map(bytes);
    names.chain(attributes).chain(inner).fold(64, usize::saturating_add)
}
