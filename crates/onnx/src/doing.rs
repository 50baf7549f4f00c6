//! Which node is being worked on: for whoever outlives a panic, and has nothing else to tell of it.

use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static NODE: Cell<Option<Arc<str>>> = const { Cell::new(None) };
}

/// Notes that work on a node begins, by its label.
pub fn at(node: &Arc<str>) {
    NODE.set(Some(Arc::clone(node)));
}

/// Notes that no node is being worked on.
pub fn none() {
    NODE.set(None);
}

/// The node that was last being worked on, by its name and operator, if work on it has not ended.
pub fn node_at_work() -> Option<Arc<str>> {
    let node = NODE.take();
    NODE.set(node.clone());
    node
}
