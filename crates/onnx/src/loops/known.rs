//! What is known of a graph, as far as it has been read.

use std::collections::HashMap;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

use super::linear::{Linear, Turns};
use super::made::Made;
use super::term::{OfRow, Term, Truth};
use crate::attributes::integers;
use crate::copies::Copies;
use crate::inputs::Declared;
use crate::names::input;
use crate::signature::Batch;

/// A graph, as far as it has been read.
pub struct Known {
    pub turns: Turns,
    /// How many rows there are, and which turn is at work, as they are seen from there.
    pub rows: Linear,
    pub turn: Linear,
    pub terms: HashMap<String, Term>,
    /// Of the names in `terms`, those of a loop's body, to be forgotten behind it.
    pub inner: Vec<String>,
    pub last_branches: usize,
    /// What was written out.
    pub copies: Copies,
    /// Numbers in `terms`.
    numbers: usize,
    pub made: Made,
}

impl Known {
    pub fn new(graph: &GraphProto, version: i64, inputs: &[Declared]) -> Self {
        let rows = |declared: &Declared| match (declared.batch_axis, declared.batch) {
            (Some(0), Batch::Of(rows)) => i64::try_from(rows).ok(),
            _ => None,
        };
        // Where one has any number of rows, all of them go by that.
        let fixed =
            inputs.first().and_then(rows).filter(|first| inputs.iter().all(|input| rows(input) == Some(*first)));
        let turns = Turns(fixed);
        let stacks = inputs.iter().filter(|declared| declared.batch_axis == Some(0)).map(|declared| {
            let name = declared.input.name.clone();
            let shape = declared.input.row_shape.to_vec();
            let datum = graph.input.iter().find(|value| value.name == name).and_then(datum_of).unwrap_or_default();
            (name.clone(), Term::Stack(OfRow { name, shape, datum, differs: true }))
        });
        Known {
            turns,
            rows: turns.count(),
            turn: Linear::TURN,
            terms: stacks.collect(),
            inner: Vec::new(),
            last_branches: 0,
            copies: Copies::default(),
            numbers: 0,
            made: Made::new(graph, version),
        }
    }

    pub fn term(&self, node: &NodeProto, input: usize) -> Option<&Term> {
        self.terms.get(node.input.get(input)?)
    }

    pub fn know(&mut self, name: &str, term: Term) {
        /// More than the shapes and places of any model.
        const MOST_NUMBERS: usize = 1 << 18;
        if let Term::Numbers { values, .. } = &term {
            self.numbers = self.numbers.saturating_add(values.len());
        }
        if !name.is_empty() && self.numbers <= MOST_NUMBERS {
            self.terms.insert(name.to_owned(), term);
            self.inner.push(name.to_owned());
        }
    }

    /// Gives a value another name.
    pub fn same(&mut self, from: &str, to: &str) {
        self.made.identity(from, to);
        if let Some(term) = self.terms.get(from).cloned() {
            self.know(to, term);
        }
    }

    /// The truth value of that name.
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.terms.get(name)? {
            Term::Truth(Truth::Known(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// How often a loop turns at most, `Some(None)` for any number of times. No bound is written as the greatest number that
    /// there is, too.
    pub fn bound(&self, node: &NodeProto) -> Option<Option<Linear>> {
        let Some(name) = input(node, 0) else { return Some(None) };
        let bound = self.terms.get(name)?.single()?;
        Some(Some(bound).filter(|bound| bound.number() != Some(i64::MAX)))
    }

    /// The constants of a body are some of the graph.
    pub fn hoist(&mut self, body: &GraphProto) {
        for constant in &body.initializer {
            self.made.hoist(constant);
            self.constant(constant);
        }
    }

    /// A constant that the file has.
    pub fn constant(&mut self, constant: &TensorProto) {
        self.made.know(constant);
        if let Some(term) = Term::of_constant(constant) {
            self.know(&constant.name, term);
        }
    }

    /// The axes of a node, which are an attribute or its second input; `None` if it has none.
    pub fn axes(&self, node: &NodeProto) -> Option<Vec<i64>> {
        // Some that are not known are none that are asked for.
        let input = input(node, 1).map(|_| self.term(node, 1).and_then(Term::fixed).unwrap_or_else(|| vec![i64::MIN]));
        integers(node, "axes").or(input)
    }

    /// The type of a value, as ONNX numbers it.
    pub fn datum(&self, name: &str) -> Option<i32> {
        if let Some(fixed) = self.made.fixed(name) {
            return Some(fixed.datum);
        }
        match self.terms.get(name)? {
            Term::Numbers { .. } | Term::Steps { .. } => Some(DataType::Int64 as i32),
            Term::Truth(_) => Some(DataType::Bool as i32),
            Term::Stack(row) | Term::Joined(row) | Term::One(row) | Term::AtPlace(row) => Some(row.datum),
            Term::Place { .. } | Term::Count(_) => Some(DataType::Int64 as i32),
            _ => None,
        }
    }

    /// From where to where a `Slice` goes in the first dimension.
    pub fn part(&self, node: &NodeProto) -> Option<(Linear, Linear)> {
        let number = |name: &str, at: usize| match integers(node, name) {
            Some(list) => <[i64; 1]>::try_from(list).ok().map(|[one]| Linear::of(one)),
            None => self.term(node, at)?.single(),
        };
        let is = |name: &str, at: usize, expected: i64| {
            (integers(node, name).is_none() && input(node, at).is_none())
                || number(name, at) == Some(Linear::of(expected))
        };
        let (start, end) = (number("starts", 1)?, number("ends", 2)?);
        (is("axes", 3, 0) && is("steps", 4, 1)).then_some((start, end))
    }
}

/// The type of an input, as ONNX numbers it.
fn datum_of(value: &ValueInfoProto) -> Option<i32> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    Some(tensor.elem_type)
}
