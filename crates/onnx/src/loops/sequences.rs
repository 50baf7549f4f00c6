//! Sequences, whose values are known by name.

use tract_onnx::pb::NodeProto;

use super::known::Known;
use super::term::{OfRow, Term};
use crate::attributes::{integer, of_integer};
use crate::ml;

impl Known {
    /// Puts what a loop over rows has collected one below the other.
    pub(super) fn collected(&mut self, node: &NodeProto) -> Option<()> {
        let Some(Term::Collected(row)) = self.term(node, 0) else { return None };
        let row = row.clone();
        let (name, rest) = match (is_stacked(node), row.shape.split_first()) {
            (false, Some((1, rest))) => (self.made.squeeze(&row.name), rest.to_vec()),
            (true, _) => (row.name, row.shape),
            _ => return None,
        };
        (row.differs && integer(node, "axis") == Some(0)).then_some(())?;
        let output = node.output.first()?;
        self.made.identity(&name, output);
        let term = Term::Stack(OfRow { name: output.clone(), shape: rest, datum: row.datum, differs: true });
        self.know(output, term);
        Some(())
    }

    /// Joins a sequence that is known by name.
    pub(super) fn joined(&mut self, node: &NodeProto) -> Option<()> {
        let Some(Term::Sequence(names)) = self.term(node, 0) else { return None };
        let (axis, names) = (integer(node, "axis")?, names.clone());
        // Before they are copied.
        (names.count() > 0 && self.copies.add(names.count(), 0)).then_some(())?;
        let mut names = names.to_vec();
        if is_stacked(node) {
            for name in &mut names {
                *name = self.made.unsqueeze(name, &[axis]);
            }
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let joined = self.made.node("Concat", &names, vec![of_integer("axis", axis)]);
        self.made.identity(&joined, node.output.first()?);
        Some(())
    }

    /// One value of a sequence that is known by name.
    pub(super) fn one_of(&mut self, node: &NodeProto) -> Option<()> {
        let Some(Term::Sequence(names)) = self.term(node, 0) else { return None };
        let place = self.term(node, 1)?.single()?.number()?;
        let (names, count) = (names.clone(), names.count());
        let place = ml::place(place, count)?;
        self.copies.add(count, 0).then_some(())?;
        let name = names.to_vec().get(place)?.clone();
        self.same(&name, node.output.first()?);
        Some(())
    }
}

/// Whether a sequence is joined in a dimension of its own.
fn is_stacked(node: &NodeProto) -> bool {
    integer(node, "new_axis").unwrap_or(0) != 0
}
