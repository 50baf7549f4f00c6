//! Places of the row at work, of which some are chosen: as an embedding bag leaves its padding out. Which ones goes by the
//! values, so all are kept, and those that are left out are masked.

use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::known::Known;
use super::made::Reduced;
use super::term::{Noted, OfRow, Term};
use crate::attributes::{integer, of_integer};

const FLOAT: i32 = DataType::Float as i32;
const BOOL: i32 = DataType::Bool as i32;

impl Known {
    /// What a node makes of the place at work, or of places that have been noted.
    pub(super) fn at_place(&mut self, node: &NodeProto) -> Option<Term> {
        let first = self.term(node, 0)?.clone();
        let second = self.term(node, 1).cloned();
        Some(match (node.op_type.as_str(), first, second) {
            ("Reshape", Term::Place { next: false }, _) => Term::Place { next: false },
            ("Add", Term::Place { next: false }, Some(one)) if one.single()?.number() == Some(1) => {
                Term::Place { next: true }
            }
            ("Less", Term::Place { next: true }, Some(ends)) => Term::Before(ends.single()?),
            ("Concat", Term::Noted(Noted::Nothing), Some(Term::Place { next: false })) => Term::Noted(Noted::Place),
            ("Size", Term::Noted(Noted::Where(mask)), _) => Term::Count(mask),
            ("Equal", Term::Count(mask), Some(nought)) if nought.single()?.number() == Some(0) => Term::NoneOf(mask),
            ("Gather", Term::Joined(row), Some(Term::Place { next: false })) => {
                (row.differs && row.shape.len() == 1).then_some(Term::AtPlace(row))?
            }
            ("Gather", Term::Joined(row), Some(Term::Noted(Noted::Where(mask)))) => {
                (row.differs && row.shape.first() == mask.shape.first()).then_some(Term::Masked { row, mask })?
            }
            ("Not", Term::Which(mask), _) => Term::Which(self.not(mask)),
            ("Add" | "Less" | "Equal", Term::AtPlace(row), Some(Term::Numbers { .. })) => {
                let number = self.term(node, 1)?.single()?.number()?;
                (row.datum == DataType::Int64 as i32).then_some(())?;
                let number = self.made.integers(&[number], false);
                let name = self.made.node(&node.op_type, &[&row.name, &number], Vec::new());
                match node.op_type.as_str() {
                    "Add" => Term::AtPlace(OfRow { name, ..row }),
                    _ => Term::Which(OfRow { name, datum: BOOL, ..row }),
                }
            }
            ("ReduceSum" | "ReduceMean" | "ReduceMax", Term::Masked { row, mask }, _) => {
                self.reduced_masked(node, &row, &mask)?
            }
            _ => return None,
        })
    }

    /// One or the other, row by row or place by place.
    pub(super) fn either(&mut self, condition: &Term, then: Term, other: Term) -> Option<Term> {
        match (condition, then, other) {
            (Term::Which(mask), Term::AtPlace(then), Term::AtPlace(other)) => {
                let name = self.made.node("Where", &[&mask.name, &then.name, &other.name], Vec::new());
                (then.shape == other.shape && then.shape == mask.shape).then_some(Term::AtPlace(OfRow { name, ..then }))
            }
            (Term::Which(mask), Term::Noted(Noted::Place), Term::Noted(Noted::Nothing)) => {
                Some(Term::Noted(Noted::Where(mask.clone())))
            }
            (Term::Which(mask), Term::Noted(Noted::Nothing), Term::Noted(Noted::Place)) => {
                Some(Term::Noted(Noted::Where(self.not(mask.clone()))))
            }
            (Term::NoneOf(mask), Term::Constant(then), Term::One(other)) => {
                let fixed = self.made.fixed(&then)?;
                (fixed.shape == other.shape && fixed.datum == other.datum).then_some(())?;
                let count = self.count_of(mask, other.shape.len())?;
                let nought = self.made.real(0.0);
                let none = self.made.node("Equal", &[&count, &nought], Vec::new());
                let name = self.made.node("Where", &[&none, &then, &other.name], Vec::new());
                Some(Term::One(OfRow { name, ..other }))
            }
            _ => None,
        }
    }

    fn not(&mut self, mask: OfRow) -> OfRow {
        OfRow { name: self.made.node("Not", &[&mask.name], Vec::new()), ..mask }
    }

    /// A mask with dimensions of size 1 behind its own, for values of rows of that many dimensions.
    fn widened(&mut self, mask: &str, rank: usize) -> Option<String> {
        let rank = i64::try_from(rank).ok()?;
        let axes: Vec<i64> = (2..=rank).collect();
        if axes.is_empty() { Some(mask.to_owned()) } else { Some(self.made.unsqueeze(mask, &axes)) }
    }

    /// How many places of each row a mask has, for values of rows of that many dimensions.
    fn count_of(&mut self, mask: &OfRow, rank: usize) -> Option<String> {
        let ones = self.made.node("Cast", &[&mask.name], vec![of_integer("to", FLOAT.into())]);
        let all = Reduced { of: ones, axes: vec![0], keeps: true, count: *mask.shape.first()? };
        let count = self.made.reduce("ReduceSum", all);
        self.widened(&count, rank)
    }

    /// A reduction over the places that a mask has.
    fn reduced_masked(&mut self, node: &NodeProto, row: &OfRow, mask: &OfRow) -> Option<Term> {
        let keeps = integer(node, "keepdims").unwrap_or(1) != 0;
        (row.datum == FLOAT && self.axes(node)? == [0]).then_some(())?;
        let (places, rest) = row.shape.split_first()?;
        let is_max = node.op_type == "ReduceMax";
        let none = self.made.real(if is_max { f32::NEG_INFINITY } else { 0.0 });
        let masked = self.widened(&mask.name, row.shape.len())?;
        let masked = self.made.node("Where", &[&masked, &row.name, &none], Vec::new());
        let reduced = Reduced { of: masked, axes: vec![0], keeps, count: *places };
        let mut name = self.made.reduce(if is_max { "ReduceMax" } else { "ReduceSum" }, reduced);
        let shape = if keeps { [&[1], rest].concat() } else { rest.to_vec() };
        if node.op_type == "ReduceMean" {
            let count = self.count_of(mask, shape.len())?;
            name = self.made.node("Div", &[&name, &count], Vec::new());
        }
        Some(Term::One(OfRow { name, shape, datum: row.datum, differs: true }))
    }
}
