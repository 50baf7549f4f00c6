//! A small SQL database that belongs to one experiment: SQLite of a Durable Object in production, of a file or memory in tests.

use serde::{Deserialize, Serialize};

/// SQL, run at once. Nothing is waited for, so what is done between two awaits is not interleaved with anything else.
pub trait Database {
    /// Runs one statement with its parameters, and gives the rows that it yields.
    ///
    /// # Errors
    /// If the database refuses it.
    fn execute(&self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>, DatabaseError>;

    /// Does all of `work`, or, where it fails or ends in a panic, nothing of it.
    ///
    /// # Errors
    /// If the database cannot, or the work fails.
    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), DatabaseError>) -> Result<(), DatabaseError>;

    /// Bytes that the database takes.
    ///
    /// # Errors
    /// If that cannot be told.
    fn bytes(&self) -> Result<u64, DatabaseError>;
}

/// A value of SQLite's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// NULL
    Null,
    /// INTEGER, up to 2^53: a Durable Object hands it over as a double.
    Integer(i64),
    /// REAL. A Durable Object gives one without a fraction as an integer.
    Real(f64),
    /// TEXT
    Text(String),
}

/// The database did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the experiment's database failed: {0}")]
pub struct DatabaseError(pub String);

impl Cell {
    /// A count. What has no place in an INTEGER is the largest.
    pub fn count(count: u64) -> Self {
        Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A text, or NULL.
    pub fn text_or_null(text: Option<&str>) -> Self {
        text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
    }

    /// As a count; `None` of what is none.
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Cell::Integer(integer) => u64::try_from(*integer).ok(),
            // Durable Objects have no other numbers than doubles.
            Cell::Real(real) if *real >= 0.0 && *real < 9_007_199_254_740_992.0 => Some(*real as u64),
            Cell::Real(_) | Cell::Null | Cell::Text(_) => None,
        }
    }

    /// As a number.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Cell::Integer(integer) => Some(*integer as f64),
            Cell::Real(real) => Some(*real),
            Cell::Null | Cell::Text(_) => None,
        }
    }

    /// As a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => None,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(real: f64) -> Self {
        Cell::Real(real)
    }
}
