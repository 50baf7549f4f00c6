//! What one request to an endpoint's models may take.

use serde::{Deserialize, Serialize};

/// What one request to an endpoint's models may take. Model hosts have bounds of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "limits")]
pub struct RequestLimits {
    /// The most rows.
    pub rows: MostRows,
    /// The most bytes of body of the answer.
    pub answer_bytes: MostBytes,
}

/// A number of rows, from 1 to [`MostRows::GREATEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct MostRows(usize);

/// A number of bytes, from [`MostBytes::LEAST`] to [`MostBytes::GREATEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct MostBytes(usize);

/// A number is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not a whole number from {least} to {greatest}")]
pub struct LimitError {
    given: usize,
    least: usize,
    greatest: usize,
}

impl Default for RequestLimits {
    /// As many rows as are answered at all, and an answer as large as a request.
    fn default() -> Self {
        RequestLimits { rows: MostRows(MostRows::GREATEST), answer_bytes: MostBytes(6 << 20) }
    }
}

impl MostRows {
    /// So many rows of a small model keep others waiting for a fraction of a second.
    pub const GREATEST: usize = 65_536;

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl MostBytes {
    /// Room for a row of a usual model.
    pub const LEAST: usize = 1_024;
    /// An answer is held two or three times while it is made, of the 128 MB that an isolate has for all it does.
    pub const GREATEST: usize = 16 << 20;

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

fn within(given: usize, least: usize, greatest: usize) -> Result<usize, LimitError> {
    if (least..=greatest).contains(&given) { Ok(given) } else { Err(LimitError { given, least, greatest }) }
}

impl TryFrom<usize> for MostRows {
    type Error = LimitError;

    fn try_from(rows: usize) -> Result<Self, LimitError> {
        within(rows, 1, Self::GREATEST).map(MostRows)
    }
}

impl From<MostRows> for usize {
    fn from(rows: MostRows) -> usize {
        rows.0
    }
}

impl TryFrom<usize> for MostBytes {
    type Error = LimitError;

    fn try_from(bytes: usize) -> Result<Self, LimitError> {
        within(bytes, Self::LEAST, Self::GREATEST).map(MostBytes)
    }
}

impl From<MostBytes> for usize {
    fn from(bytes: MostBytes) -> usize {
        bytes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_whole_numbers_in_range() {
        let read = |written: &str| serde_json::from_str::<RequestLimits>(written).map_err(|error| error.to_string());
        assert_eq!(read("{}").unwrap(), RequestLimits::default());
        let set = read(r#"{"rows": 100, "answer_bytes": 65536}"#).unwrap();
        assert_eq!((set.rows.get(), set.answer_bytes.get()), (100, 65_536));
        for (written, problem) in [
            (r#"{"rows": 0}"#, "0 is not a whole number from 1 to 65536"),
            (r#"{"rows": 65537}"#, "65537 is not a whole number from 1 to 65536"),
            (r#"{"rows": 1.5}"#, "invalid type: floating point"),
            (r#"{"answer_bytes": 1023}"#, "1023 is not a whole number from 1024 to 16777216"),
            (r#"{"answer_bytes": 16777217}"#, "16777217 is not"),
            (r#"{"bytes": 1}"#, "unknown field `bytes`"),
        ] {
            assert!(read(written).unwrap_err().contains(problem), "{written}");
        }
    }
}
