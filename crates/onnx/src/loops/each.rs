//! What is made of one row's value, written for all rows at once: the same operator, one dimension further on.

use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::known::Known;
use super::linear::Linear;
use super::made::{Fixed, Reduced};
use super::term::{OfRow, Term};
use crate::attributes::{integer, of_integer};
use crate::ml;

/// Operators whose every number depends on those at its place alone, as exporters write them beside a bag.
const EACH: [&str; 6] = ["Add", "Cast", "CastLike", "Div", "Mul", "Sub"];

impl Known {
    /// What a node makes of rows' values.
    pub(super) fn each(&mut self, node: &NodeProto) -> Option<Term> {
        match node.op_type.as_str() {
            "Gather" => self.looked_up(node),
            "Slice" => self.taken(node),
            "Expand" => self.filled(node),
            "Unsqueeze" => self.unsqueezed(node),
            "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" => self.reduced(node),
            "Div" => self.mean(node).or_else(|| self.place_by_place(node)),
            name if EACH.contains(&name) => self.place_by_place(node),
            _ => None,
        }
    }

    fn row(&self, node: &NodeProto, input: usize) -> Option<&OfRow> {
        self.term(node, input)?.of_row()
    }

    /// That value as the term that the node's first row's is: of one row, or of all joined.
    fn alike(&self, node: &NodeProto, input: usize, value: OfRow) -> Option<Term> {
        match self.term(node, input)? {
            Term::Joined(_) => Some(Term::Joined(value)),
            Term::One(_) => Some(Term::One(value)),
            _ => None,
        }
    }

    /// A constant, as a value that is the same for each row.
    fn constant_at(&self, node: &NodeProto, input: usize) -> Option<OfRow> {
        let name = match self.term(node, input) {
            Some(Term::Constant(name)) => name,
            _ => node.input.get(input)?,
        };
        let fixed = self.made.fixed(name)?;
        Some(OfRow { name: name.clone(), shape: fixed.shape.clone(), datum: fixed.datum, differs: false })
    }

    /// The row at work, or rows of a constant by what each row has.
    fn looked_up(&mut self, node: &NodeProto) -> Option<Term> {
        if let (Some(Term::Stack(row)), Some(place)) = (self.term(node, 0), self.term(node, 1)) {
            let is_it = place.single() == Some(self.turn) && matches!(place, Term::Numbers { is_list: false, .. });
            return (is_it && integer(node, "axis").unwrap_or(0) == 0).then(|| Term::One(row.clone()));
        }
        let chosen = self.row(node, 1)?.clone();
        let name = node.input.first()?;
        let table = self.made.fixed(name)?.clone();
        let (_, width) = table.shape.split_first()?;
        (integer(node, "axis").unwrap_or(0) == 0).then_some(())?;
        let made = OfRow {
            name: self.made.node("Gather", &[name, &chosen.name], vec![of_integer("axis", 0)]),
            shape: [chosen.shape, width.to_vec()].concat(),
            datum: table.datum,
            differs: chosen.differs,
        };
        self.alike(node, 1, made)
    }

    /// The row at work, of those that are joined.
    fn taken(&self, node: &NodeProto) -> Option<Term> {
        let Some(Term::Joined(row)) = self.term(node, 0) else { return None };
        let (start, end) = self.part(node)?;
        let width = i64::try_from(*row.shape.first()?).ok()?;
        let begins = self.turn.scaled(width)?;
        (start == begins && end.minus(start)?.number() == Some(width) && width > 0).then(|| Term::One(row.clone()))
    }

    /// One number for all places, of all rows or of a constant.
    fn filled(&mut self, node: &NodeProto) -> Option<Term> {
        let name = node.input.first()?;
        let one = self.made.fixed(name).filter(|one| matches!(one.shape.as_slice(), [] | [1]))?.clone();
        let sizes = self.term(node, 1)?;
        // With a fixed number of rows, it is not seen whether it goes with them; one that does not has several.
        if let Some(sizes) = sizes.fixed().filter(|sizes| self.turns.count().number().is_none() || sizes.len() > 1) {
            let shape = sizes.iter().map(|size| usize::try_from(*size).ok()).collect::<Option<Vec<_>>>()?;
            let sizes = self.made.integers(&sizes, true);
            let name = self.made.node("Expand", &[name, &sizes], Vec::new());
            self.made.fix(&name, Fixed { shape, datum: one.datum });
            return Some(Term::Constant(name));
        }
        let width = self.turns.each(sizes.single()?).filter(|width| *width > 0)?;
        let shape = self.made.integers(&[width], true);
        let name = self.made.node("Expand", &[name, &shape], Vec::new());
        let shape = vec![usize::try_from(width).ok()?];
        Some(Term::Joined(OfRow { name, shape, datum: one.datum, differs: false }))
    }

    fn unsqueezed(&mut self, node: &NodeProto) -> Option<Term> {
        let row = match self.row(node, 0) {
            Some(row) => row.clone(),
            None => self.constant_at(node, 0)?,
        };
        let is_constant = self.row(node, 0).is_none();
        let axes = self.axes(node)?;
        let rank = row.shape.len().checked_add(axes.len())?;
        let axes = ml::places(&axes, rank)?;
        let is_joined = matches!(self.term(node, 0), Some(Term::Joined(_)));
        // The dimension in which rows are joined stays the first.
        (!is_joined || !axes.contains(&0)).then_some(())?;
        let mut sizes = row.shape.iter();
        let shape = (0..rank).map(|at| if axes.contains(&at) { Some(1) } else { sizes.next().copied() });
        let shape = shape.collect::<Option<Vec<usize>>>()?;
        let further = usize::from(row.differs);
        let moved =
            axes.iter().map(|axis| i64::try_from(axis.checked_add(further)?).ok()).collect::<Option<Vec<_>>>()?;
        let name = self.made.unsqueeze(&row.name, &moved);
        if is_constant {
            self.made.fix(&name, Fixed { shape, datum: row.datum });
            return Some(Term::Constant(name));
        }
        self.alike(node, 0, OfRow { name, shape, ..row })
    }

    fn reduced(&mut self, node: &NodeProto) -> Option<Term> {
        let Some(Term::One(row)) = self.term(node, 0) else { return None };
        let row = row.clone();
        let axes = ml::places(&self.axes(node)?, row.shape.len())?;
        let keeps = integer(node, "keepdims").unwrap_or(1) != 0;
        (row.differs && !axes.is_empty()).then_some(())?;
        let sizes = row.shape.iter().enumerate();
        let count = sizes.clone().filter(|(at, _)| axes.contains(at)).map(|(_, size)| *size);
        let count = count.fold(1, usize::saturating_mul);
        let shape = sizes.filter_map(|(at, size)| if axes.contains(&at) { keeps.then_some(1) } else { Some(*size) });
        let shape = shape.collect();
        let name = self.made.reduce(&node.op_type, Reduced { of: row.name, axes, keeps, count });
        Some(Term::One(OfRow { name, shape, datum: row.datum, differs: true }))
    }

    /// A sum divided by how many it is of.
    fn mean(&mut self, node: &NodeProto) -> Option<Term> {
        let Some(Term::One(row)) = self.term(node, 0) else { return None };
        let Some(Term::Real(by)) = self.term(node, 1) else { return None };
        let row = row.clone();
        let summed = self.made.summed(&row.name)?.clone();
        let is_count = by.number()? == i64::try_from(summed.count).ok()?;
        let is_real =
            matches!(DataType::try_from(row.datum).ok()?, DataType::Float | DataType::Double | DataType::Float16);
        (is_count && is_real).then_some(())?;
        let name = self.made.reduce("ReduceMean", summed);
        Some(Term::One(OfRow { name, ..row }))
    }

    /// What each row has of a constant that goes with all rows joined.
    fn apart(&mut self, constant: OfRow, rank: usize) -> Option<OfRow> {
        let whole = match constant.shape.split_first() {
            Some((whole, _)) if constant.shape.len() == rank && *whole != 1 => i64::try_from(*whole).ok()?,
            _ => return Some(constant),
        };
        let (rows, (_, rest)) = (self.turns.count().number()?, constant.shape.split_first()?);
        let width = self.turns.each(Linear::of(whole))?;
        let shape = [&[usize::try_from(width).ok()?], rest].concat();
        let sizes = shape.iter().map(|size| i64::try_from(*size).ok()).collect::<Option<Vec<_>>>()?;
        let sizes = self.made.integers(&[&[rows], sizes.as_slice()].concat(), true);
        let name = self.made.node("Reshape", &[&constant.name, &sizes], Vec::new());
        Some(OfRow { name, shape, datum: constant.datum, differs: true })
    }

    /// Rows' values with each other, or with constants.
    fn place_by_place(&mut self, node: &NodeProto) -> Option<Term> {
        let at = (0..node.input.len()).find(|at| self.row(node, *at).is_some())?;
        let is_joined = matches!(self.term(node, at), Some(Term::Joined(_)));
        let rank = self.row(node, at)?.shape.len();
        let places = self.row(node, at)?.shape.first().copied();
        let mut shape = vec![1; rank];
        let (mut names, mut differs) = (Vec::new(), false);
        let of_first = matches!(node.op_type.as_str(), "Cast" | "CastLike");
        for at in 0..node.input.len() {
            let (name, sizes) = match self.term(node, at) {
                Some(term) if term.of_row().is_some() => {
                    let row = term.of_row()?;
                    (matches!(term, Term::Joined(_)) == is_joined && row.shape.len() == rank).then_some(())?;
                    // Those that are joined are of as many places each.
                    (!is_joined || row.shape.first() == places.as_ref()).then_some(())?;
                    differs |= row.differs;
                    (row.name.clone(), row.shape.clone())
                }
                _ => {
                    let constant = self.constant_at(node, at)?;
                    let constant = if is_joined { self.apart(constant, rank)? } else { constant };
                    differs |= constant.differs;
                    (constant.name, constant.shape)
                }
            };
            names.push(name);
            if of_first && at > 0 {
                continue;
            }
            let before = rank.checked_sub(sizes.len())?;
            for (size, one) in shape.iter_mut().skip(before).zip(&sizes) {
                match (*size, *one) {
                    (1, one) => *size = one,
                    (size, one) if size == one || one == 1 => {}
                    _ => return None,
                }
            }
        }
        let datum = match node.op_type.as_str() {
            "Cast" => i32::try_from(integer(node, "to")?).ok()?,
            "CastLike" => self.datum(node.input.get(1)?)?,
            _ => self.row(node, at)?.datum,
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let attributes = match node.op_type.as_str() {
            "Cast" => vec![of_integer("to", datum.into())],
            _ => node.attribute.is_empty().then(Vec::new)?,
        };
        let name = self.made.node(&node.op_type, &names, attributes);
        self.alike(node, at, OfRow { name, shape, datum, differs })
    }
}
