//! Loops, made into what they do.
//!
//! PyTorch's exporters write an embedding bag as a `Loop` over its rows, the newer one with a sequence and a dozen `If`s in
//! it. What such a loop does in a turn goes by the numbers of rows and turns alone, so it can be read once: each value is
//! either a number that is linear in these ([`linear`]), or one of the row at work, and then its operator is written for all
//! rows at once ([`each`]). A loop whose number of turns is known is written out turn by turn ([`turns`]). What comes out has
//! neither loops nor sequences, and is as good as if the exporter had written it so.

mod body;
mod counting;
mod each;
mod known;
mod linear;
mod made;
mod places;
mod sequences;
mod term;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use crate::attributes::{graph, graphs};
use crate::error::LoadError;
use crate::inputs::Declared;
use crate::ml;
use crate::names::name_of;
use known::Known;
use term::Term;

/// Puts what loops do in their place.
///
/// # Errors
/// If there is one that does something else in a turn than to take a row, and another number of times than is known.
pub fn straighten(model: &mut ModelProto, inputs: &[Declared]) -> Result<(), LoadError> {
    let version = ml::version(model, "").unwrap_or(1);
    let Some(graph) = &mut model.graph else { return Ok(()) };
    if graph.node.iter().all(|node| node.op_type != "Loop") {
        return Ok(());
    }
    let mut names = HashSet::new();
    if let Some(name) = twice(graph, &mut names) {
        return Err(LoadError::Unusable(format!("two of its values have the name `{name}`")));
    }
    let mut known = Known::new(graph, version, inputs);
    for constant in &graph.initializer {
        known.constant(constant);
    }
    for node in std::mem::take(&mut graph.node) {
        known.outer(node)?;
    }
    known.made.put(graph);
    Ok(())
}

impl Known {
    /// A node of the graph itself.
    fn outer(&mut self, node: NodeProto) -> Result<(), LoadError> {
        let written = match node.op_type.as_str() {
            "Loop" => return self.straight(&node),
            "If" => match self.branch(&node) {
                Some(branch) => return self.instead(&node, branch),
                None => None,
            },
            "ConcatFromSequence" => self.collected(&node).or_else(|| self.joined(&node)),
            "SequenceAt" => self.one_of(&node),
            _ => {
                self.read(&node);
                None
            }
        };
        if written.is_none() {
            self.made.push(node);
        }
        Ok(())
    }

    /// A loop, made into what it does.
    fn straight(&mut self, node: &NodeProto) -> Result<(), LoadError> {
        let problem = "what it does, or how often, depends on values that are sent; a loop is run that takes the \
                       inputs row by row, or whose number of turns is known when the model is loaded";
        let refused =
            || LoadError::Node { node: name_of(node), operator: node.op_type.clone(), problem: problem.to_owned() };
        let body = graph(node, "body").ok_or_else(refused)?;
        match self.over_rows(node, body) {
            Some(outputs) => {
                self.answer(node, outputs);
                Ok(())
            }
            None => self.turn_by_turn(node, body, &mut Self::outer).ok_or_else(refused)?,
        }
    }

    /// The branch that an `If` takes, in its place.
    fn instead(&mut self, node: &NodeProto, branch: &GraphProto) -> Result<(), LoadError> {
        self.hoist(branch);
        for inner in &branch.node {
            self.outer(inner.clone())?;
        }
        for (name, made) in node.output.iter().zip(&branch.output) {
            self.same(&made.name, name);
        }
        Ok(())
    }

    /// Gives a loop's outputs what they are.
    fn answer(&mut self, node: &NodeProto, outputs: Vec<Term>) {
        for (name, term) in node.output.iter().zip(outputs) {
            if let Term::Stack(row) = &term {
                self.made.identity(&row.name, name);
            }
            self.know(name, term);
        }
    }
}

/// A name that two values have, in a graph and all that is within it: then it would not be known which is meant.
fn twice<'g>(graph: &'g GraphProto, names: &mut HashSet<&'g str>) -> Option<&'g str> {
    let constants: HashSet<&str> = graph.initializer.iter().map(|constant| constant.name.as_str()).collect();
    // A constant may be declared as an input, too.
    let inputs = graph.input.iter().map(|input| input.name.as_str()).filter(|name| !constants.contains(name));
    let made = graph.node.iter().flat_map(|node| &node.output).map(String::as_str).filter(|name| !name.is_empty());
    let mut values = graph.initializer.iter().map(|constant| constant.name.as_str()).chain(inputs).chain(made);
    values
        .find(|name| !names.insert(name))
        .or_else(|| graph.node.iter().flat_map(graphs).find_map(|graph| twice(graph, names)))
}
