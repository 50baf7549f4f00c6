//! What is made of numbers of rows and turns: shapes, places, conditions.

use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::known::Known;
use super::linear::Linear;
use super::term::{MOST, Names, Term, Truth};
use crate::attributes::{integer, integers, tensor};
use crate::ml;
use crate::names::input;

impl Known {
    /// What a node makes, where that is known of numbers of rows and turns.
    pub(super) fn count(&self, node: &NodeProto) -> Option<Term> {
        if node.op_type == "Constant" {
            let list = integers(node, "value_ints").map(|list| list.into_iter().map(Linear::of).collect());
            return tensor(node, "value")
                .and_then(Term::of_constant)
                .or_else(|| list.map(Term::list))
                .or_else(|| integer(node, "value_int").map(|one| Term::number(Linear::of(one))));
        }
        if node.op_type == "SequenceEmpty" {
            return Some(Term::Sequence(Names::default()));
        }
        if node.op_type == "SequenceConstruct" {
            return Names::of(&node.input).map(Term::Sequence);
        }
        if matches!(node.op_type.as_str(), "Shape" | "Size") {
            return self.sizes(node);
        }
        let first = self.term(node, 0)?;
        match node.op_type.as_str() {
            "Identity" => Some(first.clone()),
            "Cast" => cast(first, i32::try_from(integer(node, "to")?).ok()?),
            "CastLike" => cast(first, self.datum(node.input.get(1)?)?),
            "Not" => match first {
                Term::Truth(Truth::Known(truth)) => Some(Term::Truth(Truth::Known(!truth))),
                _ => None,
            },
            "And" | "Or" => match (first, self.term(node, 1)?) {
                (Term::Truth(Truth::Known(first)), Term::Truth(Truth::Known(second))) => {
                    let truth = if node.op_type == "And" { *first && *second } else { *first || *second };
                    Some(Term::Truth(Truth::Known(truth)))
                }
                _ => None,
            },
            "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "Equal" => self.compared(node),
            "Add" | "Sub" | "Mul" | "Mod" => self.computed(node),
            "ReduceProd" => {
                let Term::Numbers { values, is_list: true } = first else { return None };
                let product = values.iter().try_fold(Linear::of(1), |product, value| product.times(*value))?;
                let whole = match self.axes(node).as_deref() {
                    Some(axes) => axes == [0],
                    None => integer(node, "noop_with_empty_axes").unwrap_or(0) == 0,
                };
                let is_list = integer(node, "keepdims").unwrap_or(1) != 0;
                whole.then(|| Term::Numbers { values: vec![product], is_list })
            }
            "Squeeze" | "Unsqueeze" => {
                let single = first.single()?;
                let only = |axes: Option<Vec<i64>>| axes.is_none_or(|axes| axes == [0]);
                let is_list = node.op_type == "Unsqueeze";
                let was_list = matches!(first, Term::Numbers { is_list: true, .. });
                (only(self.axes(node)) && was_list != is_list).then(|| Term::Numbers { values: vec![single], is_list })
            }
            "Reshape" => match (first, self.term(node, 1)?.fixed()?.as_slice()) {
                (Term::Stack(row), [-1]) if row.shape.len() == 1 => Some(Term::Joined(row.clone())),
                (Term::Joined(row) | Term::One(row), [-1]) if row.shape.len() == 1 => Some(first.clone()),
                (Term::Numbers { values, .. }, [-1]) => Some(Term::list(values.clone())),
                (Term::Numbers { .. }, []) => first.single().map(Term::number),
                _ => None,
            },
            "Range" => {
                let [start, limit, step] = [0, 1, 2].map(|at| self.term(node, at).and_then(Term::single));
                let (start, limit, step) = (start?, limit?, step?.number().filter(|step| *step > 0)?);
                let count = limit.minus(start)?.divided(step)?;
                let some = self.turns.sign(count)?.is_gt();
                some.then_some(Term::Steps { first: start, step, count })
            }
            "Concat" => self.listed(node),
            "Gather" => {
                (integer(node, "axis").unwrap_or(0) == 0).then_some(())?;
                let Term::Numbers { values: places, is_list } = self.term(node, 1)? else { return None };
                let picked = |place: &Linear| match (place.number(), first) {
                    (Some(place), Term::Numbers { values, .. }) => values.get(ml::place(place, values.len())?).copied(),
                    _ => self.picked(first, *place),
                };
                let values = places.iter().map(picked).collect::<Option<_>>()?;
                Some(Term::Numbers { values, is_list: *is_list })
            }
            "Slice" => {
                let (start, end) = self.part(node)?;
                match (first, start.number(), end.number()) {
                    (Term::Numbers { values, .. }, Some(start), Some(end)) => {
                        Some(Term::list(values.get(ml::part(start, end, values.len()))?.to_vec()))
                    }
                    (Term::Steps { first, step, count }, Some(start), Some(end))
                        if start >= 0 && end >= i64::from(i32::MAX) =>
                    {
                        let count = count.minus(Linear::of(start))?;
                        let first = first.plus(Linear::of(step.checked_mul(start)?))?;
                        self.turns.sign(count)?.is_gt().then_some(Term::Steps { first, step: *step, count })
                    }
                    _ => {
                        let one = end.minus(start)? == Linear::of(1);
                        one.then(|| Some(Term::list(vec![self.picked(first, start)?])))?
                    }
                }
            }
            "SequenceInsert" if input(node, 2).is_none() => {
                let Term::Sequence(names) = first else { return None };
                match self.term(node, 1) {
                    Some(Term::One(row)) => (names.count() == 0).then(|| Term::Collected(row.clone())),
                    _ => names.with(node.input.get(1)?.clone()).map(Term::Sequence),
                }
            }
            "SplitToSequence" if input(node, 1).is_none() => match first {
                Term::Turns(names) => {
                    let apart = integer(node, "axis").unwrap_or(0) == 0 && integer(node, "keepdims") == Some(0);
                    apart.then(|| Term::Sequence(names.clone()))
                }
                _ => None,
            },
            "SequenceLength" => match first {
                Term::Sequence(names) => i64::try_from(names.count()).ok().map(|count| Term::number(Linear::of(count))),
                _ => None,
            },
            _ => None,
        }
    }

    /// The integer at a place that goes by the turn.
    fn picked(&self, list: &Term, place: Linear) -> Option<Linear> {
        let (first, step, count) = list.steps()?;
        let begins = self.turns.sign(place.plus(Linear::of(1))?)?.is_gt();
        let ends = self.turns.sign(count.minus(place)?)?.is_gt();
        (begins && ends).then(|| first.plus(place.scaled(step)?))?
    }

    fn sizes(&self, node: &NodeProto) -> Option<Term> {
        let name = node.input.first()?;
        let number = |size: &usize| i64::try_from(*size).ok().map(Linear::of);
        let of_row = |shape: &[usize]| shape.iter().map(number).collect::<Option<Vec<Linear>>>();
        let rows = self.rows;
        let shape = match (self.terms.get(name), self.made.fixed(name)) {
            (Some(Term::Stack(row)), _) => [vec![rows], of_row(&row.shape)?].concat(),
            (Some(Term::Joined(row)), _) => {
                let (joined, rest) = row.shape.split_first()?;
                [vec![number(joined)?.times(rows)?], of_row(rest)?].concat()
            }
            (Some(Term::One(row)), _) => of_row(&row.shape)?,
            (Some(Term::Steps { count, .. }), _) => vec![*count],
            (Some(Term::Numbers { values, is_list: true }), _) => vec![number(&values.len())?],
            (_, Some(fixed)) => of_row(&fixed.shape)?,
            _ => return None,
        };
        if node.op_type == "Size" {
            let product = shape.into_iter().try_fold(Linear::of(1), Linear::times)?;
            return Some(Term::number(product));
        }
        let (start, end) = (integer(node, "start").unwrap_or(0), integer(node, "end").unwrap_or(i64::MAX));
        Some(Term::list(shape.get(ml::part(start, end, shape.len()))?.to_vec()))
    }

    fn compared(&self, node: &NodeProto) -> Option<Term> {
        let (first, second) = (self.term(node, 0)?, self.term(node, 1)?);
        if let (Term::Truth(Truth::Known(first)), Term::Truth(Truth::Known(second))) = (first, second) {
            return (node.op_type == "Equal").then_some(Term::Truth(Truth::Known(first == second)));
        }
        let (first, second) = (first.single()?, second.single()?);
        let below = |least: Linear, most: Linear| Some(Truth::negative(least.minus(most)?, self.turns));
        let next = |number: Linear| number.plus(Linear::of(1));
        Some(Term::Truth(match node.op_type.as_str() {
            "Less" => below(first, second)?,
            "LessOrEqual" => below(first, next(second)?)?,
            "Greater" => below(second, first)?,
            "GreaterOrEqual" => below(second, next(first)?)?,
            _ => Truth::zero(first.minus(second)?, self.turns),
        }))
    }

    fn computed(&self, node: &NodeProto) -> Option<Term> {
        let Term::Numbers { values: first, is_list: one } = self.term(node, 0)? else { return None };
        let Term::Numbers { values: second, is_list: other } = self.term(node, 1)? else { return None };
        let length = first.len().max(second.len());
        let fits = |values: &[Linear]| values.len() == length || values.len() == 1;
        (fits(first) && fits(second)).then_some(())?;
        let pairs = first.iter().cycle().zip(second.iter().cycle()).take(length);
        let values = pairs.map(|(first, second)| match node.op_type.as_str() {
            "Add" => first.plus(*second),
            "Sub" => first.minus(*second),
            // Of numbers that are not negative, of which both kinds that ONNX has are the same.
            "Mod" => {
                let (first, second) = (first.number()?, second.number()?);
                (first >= 0 && second > 0).then(|| first.checked_rem(second).map(Linear::of))?
            }
            _ => first.times(*second),
        });
        Some(Term::Numbers { values: values.collect::<Option<_>>()?, is_list: *one || *other })
    }

    /// Lists of numbers one after the other, where they come to one.
    fn listed(&self, node: &NodeProto) -> Option<Term> {
        (integer(node, "axis")? == 0).then_some(())?;
        let mut whole = self.term(node, 0)?.clone();
        for at in 1..node.input.len() {
            let Term::Numbers { values: more, is_list: true } = self.term(node, at)? else { return None };
            match &mut whole {
                Term::Numbers { values, is_list: true } if values.len().saturating_add(more.len()) <= MOST => {
                    values.extend(more);
                }
                Term::Steps { first, step, count } => {
                    for number in more {
                        let next = first.plus(count.scaled(*step)?)?;
                        (next == *number).then_some(())?;
                        *count = count.plus(Linear::of(1))?;
                    }
                }
                _ => return None,
            }
        }
        Some(whole)
    }
}

/// Numbers as another type.
fn cast(term: &Term, to: i32) -> Option<Term> {
    match (DataType::try_from(to).ok()?, term) {
        (DataType::Int64 | DataType::Int32, Term::Numbers { .. } | Term::Steps { .. }) => Some(term.clone()),
        (DataType::Float | DataType::Double | DataType::Float16, Term::Numbers { .. }) => term.single().map(Term::Real),
        (DataType::Bool, Term::Truth(_)) => Some(term.clone()),
        (DataType::Bool, Term::Numbers { .. }) => {
            term.single()?.number().map(|number| Term::Truth(Truth::Known(number != 0)))
        }
        _ => None,
    }
}
