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

/// A whole number from `LEAST` to `GREATEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct Within<const LEAST: usize, const GREATEST: usize>(usize);

/// A number of rows. So many of a small model keep others waiting for a fraction of a second.
pub type MostRows = Within<1, 65_536>;

/// A number of bytes: from room for a row of a usual model to what an isolate of 128 MB can hold two or three times, as it
/// does while an answer is made.
pub type MostBytes = Within<1_024, { 16 << 20 }>;

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
        RequestLimits { rows: Within(65_536), answer_bytes: Within(6 << 20) }
    }
}

impl<const LEAST: usize, const GREATEST: usize> Within<LEAST, GREATEST> {
    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl<const LEAST: usize, const GREATEST: usize> TryFrom<usize> for Within<LEAST, GREATEST> {
    type Error = LimitError;

    fn try_from(given: usize) -> Result<Self, LimitError> {
        if (LEAST..=GREATEST).contains(&given) {
            Ok(Within(given))
        } else {
            Err(LimitError { given, least: LEAST, greatest: GREATEST })
        }
    }
}

impl<const LEAST: usize, const GREATEST: usize> From<Within<LEAST, GREATEST>> for usize {
    fn from(bounded: Within<LEAST, GREATEST>) -> usize {
        bounded.0
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
