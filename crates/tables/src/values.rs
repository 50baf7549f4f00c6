//! Values of one type, as models take and give them.

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
}
