//! What a model says of itself.

use std::sync::Arc;

use super::datatype::Datatype;
use super::error::{RowsError, RunError};
use super::schema::Schema;

/// What a model takes and gives, known before it is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What it takes.
    pub schema: Schema,
    /// What it answers, in its order.
    pub outputs: Vec<OutputSignature>,
    /// The place of the output that is answered alone unless another is named; all are answered where there is none.
    pub default_output: Option<usize>,
    /// How many rows it takes.
    pub rows: RowsRule,
    /// About how many bytes of values a run may hold at once, beside its rows and its answer.
    pub run_bytes: u64,
}

/// An output, as far as it is known before the model is run.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSignature {
    /// The model's name for it.
    pub name: String,
    /// What its values are.
    pub datatype: Datatype,
    /// Shape of one row's share; `None` for a size that depends on the values.
    pub row_shape: Vec<Option<usize>>,
    /// Names of the values in a row, where it is a map from them to its values.
    pub keys: Option<Arc<[String]>>,
}

/// How many rows a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsRule {
    /// At most so many.
    pub most: usize,
    /// A multiple of so many, of a model that predicts them together.
    pub batch: Option<usize>,
}

impl RowsRule {
    /// Checks a number of rows, before they are decoded or run.
    ///
    /// # Errors
    /// If they are more than the most, or no multiple of the batch.
    pub fn check(&self, rows: usize) -> Result<(), RowsError> {
        match self.batch {
            _ if rows > self.most => Err(RowsError::TooMany { rows, most: self.most }),
            Some(batch) if !rows.is_multiple_of(batch) => Err(RowsError::Batch { rows, batch }),
            _ => Ok(()),
        }
    }
}

impl Description {
    /// Which output has that name, by its place.
    ///
    /// # Errors
    /// If none has.
    pub fn output_named(&self, name: &str) -> Result<usize, RunError> {
        self.outputs.iter().position(|output| output.name == name).ok_or_else(|| self.no_such_output(name))
    }

    /// The place of the one output that is answered: that of the name, else the one by default. `None` if all of them are.
    ///
    /// # Errors
    /// If none has the name.
    pub fn answered(&self, named: Option<&str>) -> Result<Option<usize>, RunError> {
        named.map_or(Ok(self.default_output), |name| self.output_named(name).map(Some))
    }

    /// That no output has that name, and which there are.
    pub fn no_such_output(&self, name: &str) -> RunError {
        let known: Vec<&str> = self.outputs.iter().map(|output| output.name.as_str()).collect();
        RunError::NoSuchOutput { name: name.to_owned(), known: known.join(", ") }
    }
}
