//! Values of one type, as models take and give them.

use serde::{Serialize, Serializer};

/// Values of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// Integers of any size.
    I64(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Strings.
    Text(Vec<String>),
}

impl Values {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::Bool(values) => values.len(),
            Values::Text(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts `more` behind these; `false` if they are of another type.
    pub fn append(&mut self, more: Values) -> bool {
        match (self, more) {
            (Values::F32(values), Values::F32(more)) => values.extend(more),
            (Values::F64(values), Values::F64(more)) => values.extend(more),
            (Values::I64(values), Values::I64(more)) => values.extend(more),
            (Values::Bool(values), Values::Bool(more)) => values.extend(more),
            (Values::Text(values), Values::Text(more)) => values.extend(more),
            _ => return false,
        }
        true
    }

    /// The value at a place, to be written.
    pub(super) fn at(&self, at: usize) -> Value<'_> {
        Value { values: self, at }
    }
}

impl Serialize for Values {
    /// A list, with numbers as [`Value`] writes them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.len()).map(|at| self.at(at)))
    }
}

pub(super) struct Value<'a> {
    values: &'a Values,
    at: usize,
}

impl Value<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self.values {
            Values::Text(values) => values.get(self.at).map(String::as_str),
            _ => None,
        }
    }
}

impl Serialize for Value<'_> {
    /// The shortest text that reads back as the same number. One that JSON cannot hold, such as NaN, is written as null.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `Outputs::new` has checked the lengths, so nothing is missing.
        match self.values {
            Values::F32(values) => values.get(self.at).serialize(serializer),
            Values::F64(values) => values.get(self.at).serialize(serializer),
            Values::I64(values) => values.get(self.at).serialize(serializer),
            Values::Bool(values) => values.get(self.at).serialize(serializer),
            Values::Text(values) => values.get(self.at).serialize(serializer),
        }
    }
}
