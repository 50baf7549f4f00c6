//! Why a body cannot be read.

use std::fmt;

/// At most 40 characters of somebody else's text.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Where a row stands, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub number: usize,
    /// The line that it begins in, where the body has lines.
    pub line: Option<usize>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) if line != self.number => write!(f, "row {} (line {line})", self.number),
            _ => write!(f, "row {}", self.number),
        }
    }
}

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
    #[error("{row}, {column}: {problem}")]
    Cell {
        /// Which row.
        row: Row,
        /// The column's number and, where it has one, its name.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A row is wider or narrower than what the model takes.
    #[error("{row} has {given} values; the model takes {expected}")]
    Width {
        /// Which row.
        row: Row,
        /// Its width.
        given: usize,
        /// The model's.
        expected: usize,
    },
    /// A row is no list.
    #[error("{row} is a value alone where {width} belong: put each row into brackets of its own, as in [[...], [...]]")]
    Bare {
        /// Which row.
        row: Row,
        /// How many values the model takes.
        width: usize,
    },
    /// The list of one input's values is wrong.
    #[error("`{column}`: {problem}")]
    Column {
        /// The input, cut to 40 characters.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A list for an input is longer or shorter than the input is wide.
    #[error("{row}, `{column}`: {given} values; the model takes {expected} there")]
    InputWidth {
        /// Which row.
        row: Row,
        /// The input's name.
        column: String,
        /// How many came.
        given: usize,
        /// The input's width.
        expected: usize,
    },
    /// A row names a column that the model does not have.
    #[error("{row}: there is no column `{column}`; the model takes: {known}")]
    UnknownColumn {
        /// Which row.
        row: Row,
        /// The name, cut to 40 characters.
        column: String,
        /// The first twenty that there are.
        known: String,
    },
    /// A row lacks a column.
    #[error("{row}: column `{column}` is missing; send null for a number that is not known")]
    MissingColumn {
        /// Which row.
        row: Row,
        /// The first one that it lacks.
        column: String,
    },
    /// A row has a column twice.
    #[error("{row}: column `{column}` stands twice")]
    RepeatedColumn {
        /// Which row.
        row: Row,
        /// The name, cut to 40 characters.
        column: String,
    },
    /// The first line of CSV is no row.
    #[error("line {line} looks like a header: `{first}` stands where a number belongs")]
    LikeHeader {
        /// Which line.
        line: usize,
        /// Its first cell, cut to 40 characters.
        first: String,
    },
    /// The header names a column that the model does not have.
    #[error("the header names `{column}`, which is no column of the model; it takes: {known}")]
    UnknownHeader {
        /// The name, cut to 40 characters.
        column: String,
        /// The first twenty that there are.
        known: String,
    },
    /// The header has a column twice.
    #[error("the header names `{column}` twice")]
    RepeatedHeader {
        /// The name, cut to 40 characters.
        column: String,
    },
    /// The header lacks a column.
    #[error("the header does not name `{column}`, which the model takes")]
    MissingHeader {
        /// The first one that it lacks.
        column: String,
    },
    /// An input has several columns, which a header cannot name.
    #[error("the model's input `{column}` has {width} columns, which a header cannot name")]
    WideHeader {
        /// The input.
        column: String,
        /// How many columns it has.
        width: usize,
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
