//! Why a model does not answer.

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The model failed on the rows.
    #[error("the model failed: {0}")]
    Failed(String),
    /// A value is none that it knows: whoever sends it is at fault.
    #[error("{0}")]
    Value(String),
    /// It does not take that number of rows.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The endpoint names an output that the model does not have.
    #[error("the model has no output `{name}`; it has: {known}")]
    NoSuchOutput {
        /// What is asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Why a model does not take a number of rows: whoever sends them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// Its rows depend on each other, and it takes a fixed number of them.
    #[error("the model predicts {batch} rows together: send a multiple of {batch}, not {rows}")]
    Batch {
        /// How many were sent.
        rows: usize,
        /// How many it takes.
        batch: usize,
    },
    /// The answer to one row is too large.
    #[error("the answer to one row has {bytes} bytes, more than the {most} that an answer of the endpoint may have")]
    Answer {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// More rows than are answered at once.
    #[error("{rows} rows are more than the {most} that are answered at once")]
    TooMany {
        /// How many were sent.
        rows: usize,
        /// How many may be sent at once.
        most: usize,
    },
}
