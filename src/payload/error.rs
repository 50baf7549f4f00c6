//! Why a body cannot be read.

/// Why a body is not a table. Rows and columns are counted from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PayloadError {
    /// The body is not of the form its content type says.
    #[error("the body cannot be read: {0}")]
    Malformed(String),
    /// One line of JSON lines is not of that form.
    #[error("line {line} cannot be read: {problem}")]
    MalformedLine {
        /// Which line.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A cell is not of its column's type.
    #[error("row {row}, {column}: {problem}")]
    Cell {
        /// Which row.
        row: usize,
        /// The column's number and, where it has one, its name.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A row is wider or narrower than what the model takes.
    #[error("row {row} has {given} values; the model takes {expected}")]
    Width {
        /// Which row.
        row: usize,
        /// Its width.
        given: usize,
        /// The model's.
        expected: usize,
    },
    /// A list for an input is longer or shorter than the input is wide.
    #[error("row {row}, `{column}`: {given} values; the model takes {expected} there")]
    InputWidth {
        /// Which row.
        row: usize,
        /// The input's name.
        column: String,
        /// How many came.
        given: usize,
        /// The input's width.
        expected: usize,
    },
    /// A row names a column that the model does not have.
    #[error("row {row}: there is no column `{column}`; the model takes: {known}")]
    UnknownColumn {
        /// Which row.
        row: usize,
        /// The name, cut to 40 characters.
        column: String,
        /// The first twenty that there are.
        known: String,
    },
    /// A row lacks a column.
    #[error("row {row}: column `{column}` is missing; send null for a number that is not known")]
    MissingColumn {
        /// Which row.
        row: usize,
        /// The first one that it lacks.
        column: String,
    },
    /// A row has a column twice.
    #[error("row {row}: column `{column}` stands twice")]
    RepeatedColumn {
        /// Which row.
        row: usize,
        /// The name, cut to 40 characters.
        column: String,
    },
    /// There are more rows than are answered at once.
    #[error("the body has more than {most} rows, which are all that are answered at once")]
    TooManyRows {
        /// How many may be sent at once.
        most: usize,
    },
    /// There is nothing to predict from.
    #[error("the body holds no rows")]
    Empty,
}
