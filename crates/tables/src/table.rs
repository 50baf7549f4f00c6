//! Rows, as a model takes them.

use super::schema::{Input, Schema};
use super::values::Values;

/// Rows, as the inputs of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    rows: usize,
    inputs: Vec<Values>,
}

impl Table {
    /// A table of values that are at hand: one list for each input of the model, row by row.
    ///
    /// `None` if they are not what the model takes.
    pub fn new(schema: &Schema, rows: usize, inputs: Vec<Values>) -> Option<Table> {
        let fits = |(values, input): (&Values, &Input)| {
            std::mem::discriminant(values) == std::mem::discriminant(&input.datatype.values())
                && Some(values.len()) == rows.checked_mul(input.width())
        };
        let complete = rows > 0 && inputs.len() == schema.inputs().len();
        (complete && inputs.iter().zip(schema.inputs()).all(fits)).then_some(Table { rows, inputs })
    }

    /// How many rows: at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The values of each input, in the model's order, row by row.
    pub fn inputs(&self) -> &[Values] {
        &self.inputs
    }
}
