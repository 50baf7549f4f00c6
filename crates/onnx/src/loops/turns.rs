//! A loop whose number of turns is known, written out turn by turn.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto};

use super::known::Known;
use super::linear::Linear;
use super::term::{Names, Term, Truth};
use crate::attributes::{graphs, of_integer};
use crate::copies::bytes;
use crate::error::LoadError;
use crate::names::{input, name_of, renamed};

impl Known {
    /// Writes a loop out, each node as `outer` does it; `None` if it is not known how often it turns.
    pub(super) fn turn_by_turn(
        &mut self,
        node: &NodeProto,
        body: &GraphProto,
        outer: &mut dyn FnMut(&mut Self, NodeProto) -> Result<(), LoadError>,
    ) -> Option<Result<(), LoadError>> {
        let bound = match self.bound(node)? {
            Some(bound) => bound.number()?,
            None => i64::MAX,
        };
        let mut condition = match input(node, 1) {
            Some(name) => self.truth(name).filter(|goes_on| *goes_on).map(|_| name.clone())?,
            None => {
                let name = self.made.truth();
                self.know(&name, Term::Truth(Truth::Known(true)));
                name
            }
        };
        let (turn_input, states) = body.input.split_first()?;
        let (condition_input, states) = states.split_first()?;
        let (condition_output, outputs) = body.output.split_first()?;
        let mut held: Vec<String> = node.input.iter().skip(2).cloned().collect();
        (bound > 0 && held.len() == states.len() && outputs.len() >= states.len()).then_some(())?;
        let scans = outputs.get(states.len()..)?;
        let mut collected: Vec<Vec<String>> = vec![Vec::new(); scans.len()];
        self.hoist(body);
        let mut made = HashSet::new();
        body.node.iter().for_each(|node| made_by(node, &mut made));
        let loop_name = name_of(node);
        // Each name is longer by the loop's and the turn's.
        let of_names = made.len().saturating_mul(loop_name.len().saturating_add(64));
        let of_turn = body.node.iter().map(bytes).fold(of_names, usize::saturating_add);
        for turn in 0..bound {
            if !self.copies.add(body.node.len(), of_turn) {
                let (node, operator) = (loop_name, node.op_type.clone());
                let problem = "it turns too often; export the model with fewer turns".to_owned();
                return Some(Err(LoadError::Node { node, operator, problem }));
            }
            let number = self.made.integers(&[turn], false);
            self.know(&number, Term::number(Linear::of(turn)));
            let mut names: HashMap<&str, String> = HashMap::new();
            for name in &made {
                names.insert(*name, self.made.name_in(&loop_name, turn, name));
            }
            names.insert(&turn_input.name, number);
            names.insert(&condition_input.name, condition);
            names.extend(states.iter().map(|state| state.name.as_str()).zip(held));
            let name = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
            for inner in &body.node {
                let mut inner = inner.clone();
                renamed(&mut inner, &name);
                inner.name = self.made.name_in(&loop_name, turn, &inner.name);
                if let Err(error) = outer(self, inner) {
                    return Some(Err(error));
                }
            }
            held = outputs.iter().take(states.len()).map(|output| name(&output.name)).collect();
            collected.iter_mut().zip(scans).for_each(|(collected, scan)| collected.push(name(&scan.name)));
            condition = name(&condition_output.name);
            if !self.truth(&condition)? {
                break;
            }
        }
        for (from, to) in held.iter().zip(&node.output) {
            self.same(from, to);
        }
        for (names, to) in collected.into_iter().zip(node.output.iter().skip(states.len())) {
            let parts: Vec<String> = names.iter().map(|name| self.made.unsqueeze(name, &[0])).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let whole = self.made.node("Concat", &parts, vec![of_integer("axis", 0)]);
            self.made.identity(&whole, to);
            if let Some(names) = Names::of(&names) {
                self.know(to, Term::Turns(names));
            }
        }
        Some(Ok(()))
    }
}

/// All names that a node makes, and those that its bodies do.
fn made_by<'n>(node: &'n NodeProto, names: &mut HashSet<&'n str>) {
    names.extend(node.output.iter().map(String::as_str).filter(|name| !name.is_empty()));
    for graph in graphs(node) {
        names.extend(graph.initializer.iter().map(|constant| constant.name.as_str()));
        names.extend(graph.input.iter().map(|input| input.name.as_str()));
        graph.node.iter().for_each(|node| made_by(node, names));
    }
}
