//! What is known of a value while a loop over rows is read.

use std::sync::Arc;

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::linear::{Linear, Turns};
use crate::ml;

/// More numbers that do not go up evenly are no shape.
pub const MOST: usize = 64;

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Integers: one by itself, or a list.
    Numbers { values: Vec<Linear>, is_list: bool },
    /// So many integers, from the first on in steps.
    Steps { first: Linear, step: i64, count: Linear },
    /// An integer as floating point.
    Real(Linear),
    /// A truth value.
    Truth(Truth),
    /// A value of each row, one below the other.
    Stack(OfRow),
    /// A value of each row, joined in their first dimension.
    Joined(OfRow),
    /// The value of the row at work.
    One(OfRow),
    /// Values by name, each in a place of its own one below the other: what a loop gives turn by turn.
    Turns(Names),
    /// A sequence of values by name.
    Sequence(Names),
    /// A sequence of a value of each row, as a loop over rows collects it.
    Collected(OfRow),
    /// A constant, of which no more than its shape matters.
    Constant(String),
    /// The place at work of all in the row at work, or the next one.
    Place { next: bool },
    /// Whether the next place is before that one.
    Before(Linear),
    /// What the row at work has at the place at work.
    AtPlace(OfRow),
    /// Whether something is so at the place at work.
    Which(OfRow),
    /// Places.
    Noted(Noted),
    /// How many places there are where it is true.
    Count(OfRow),
    /// Whether there is none of them.
    NoneOf(OfRow),
    /// What a row has at the places where it is true.
    Masked { row: OfRow, mask: OfRow },
}

/// Names in their order. Those before the last are shared with the sequence that it was put to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    count: usize,
    last: Option<Arc<(Names, String)>>,
}

/// What a loop over places has noted of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Noted {
    Nothing,
    /// The place at work.
    Place,
    /// Those where it is true.
    Where(OfRow),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct OfRow {
    /// The value with those of all rows, one below the other, in the graph that is made; of one that is the same for each
    /// row, itself.
    pub name: String,
    /// Of one row.
    pub shape: Vec<usize>,
    /// As ONNX numbers it.
    pub datum: i32,
    /// Whether rows have values of their own.
    pub differs: bool,
}

/// A condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    Known(bool),
    /// The number is below 0.
    Negative(Linear),
    /// The number is 0.
    Zero(Linear),
}

impl Names {
    /// More is no list that a model makes.
    const MOST: usize = 4096;

    /// With another behind them; `None` if these are too many.
    pub fn with(&self, name: String) -> Option<Names> {
        let count = self.count.checked_add(1).filter(|count| *count <= Self::MOST)?;
        Some(Names { count, last: Some(Arc::new((self.clone(), name))) })
    }

    pub fn of(names: &[String]) -> Option<Names> {
        names.iter().try_fold(Names::default(), |before, name| before.with(name.clone()))
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn to_vec(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.count);
        let mut rest = self;
        while let Some(last) = &rest.last {
            names.push(last.1.clone());
            rest = &last.0;
        }
        names.reverse();
        names
    }
}

impl Term {
    /// What is known of a constant, where it may be a number of something.
    pub fn of_constant(constant: &TensorProto) -> Option<Term> {
        if constant.dims.len() > 1 {
            return None;
        }
        let is_list = !constant.dims.is_empty();
        let tensor = ml::load_tensor(constant).ok()?;
        match DataType::try_from(constant.data_type).ok()? {
            DataType::Int64 | DataType::Int32 => {
                let numbers = tensor.cast_to::<i64>().ok()?;
                let values = ml::elements::<i64>(&numbers).ok()?;
                let numbers = Term::Numbers { values: values.iter().copied().map(Linear::of).collect(), is_list };
                if values.len() <= MOST {
                    return Some(numbers);
                }
                // Places of rows that a file has written down.
                let (first, step, count) = numbers.steps()?;
                Some(Term::Steps { first, step, count })
            }
            DataType::Bool => match ml::elements::<bool>(&tensor).ok()? {
                [truth] => Some(Term::Truth(Truth::Known(*truth))),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn number(value: Linear) -> Self {
        Term::Numbers { values: vec![value], is_list: false }
    }

    pub fn list(values: Vec<Linear>) -> Self {
        Term::Numbers { values, is_list: true }
    }

    /// The one integer that it holds.
    pub fn single(&self) -> Option<Linear> {
        match self {
            Term::Numbers { values, .. } => <[Linear; 1]>::try_from(values.as_slice()).ok().map(|[value]| value),
            _ => None,
        }
    }

    /// The integers that it holds, the same for any rows.
    pub fn fixed(&self) -> Option<Vec<i64>> {
        match self {
            Term::Numbers { values, .. } => values.iter().map(|value| value.number()).collect(),
            _ => None,
        }
    }

    /// The first of integers that go up evenly, by how much, and how many there are.
    pub fn steps(&self) -> Option<(Linear, i64, Linear)> {
        match self {
            Term::Steps { first, step, count } => Some((*first, *step, *count)),
            Term::Numbers { values, is_list: true } => {
                let first = *values.first()?;
                let step = values.get(1).map_or(Some(1), |second| second.minus(first)?.number())?;
                let follows = |pair: &[Linear]| match pair {
                    [one, next] => one.plus(Linear::of(step)) == Some(*next),
                    _ => false,
                };
                let count = i64::try_from(values.len()).ok()?;
                values.windows(2).all(follows).then_some((first, step, Linear::of(count)))
            }
            _ => None,
        }
    }

    /// The value of all or one of the rows.
    pub fn of_row(&self) -> Option<&OfRow> {
        match self {
            Term::Joined(value) | Term::One(value) => Some(value),
            _ => None,
        }
    }

    /// What it is in the last turn.
    pub fn at_last(&self, turns: Turns) -> Option<Term> {
        let at_last = |value: Linear| turns.at_last(value);
        Some(match self {
            Term::Numbers { values, is_list } => {
                let values = values.iter().map(|value| at_last(*value)).collect::<Option<_>>()?;
                Term::Numbers { values, is_list: *is_list }
            }
            Term::Steps { first, step, count } => {
                Term::Steps { first: at_last(*first)?, step: *step, count: at_last(*count)? }
            }
            Term::Real(value) => Term::Real(at_last(*value)?),
            Term::Truth(Truth::Negative(value)) => Term::Truth(Truth::negative(at_last(*value)?, turns)),
            Term::Truth(Truth::Zero(value)) => Term::Truth(Truth::zero(at_last(*value)?, turns)),
            other => other.clone(),
        })
    }
}

impl Truth {
    pub fn negative(number: Linear, turns: Turns) -> Self {
        turns.sign(number).map_or(Truth::Negative(number), |sign| Truth::Known(sign.is_lt()))
    }

    pub fn zero(number: Linear, turns: Turns) -> Self {
        turns.sign(number).map_or(Truth::Zero(number), |sign| Truth::Known(sign.is_eq()))
    }
}
