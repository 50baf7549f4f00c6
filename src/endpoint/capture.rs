//! Which requests and answers are kept whole, and what of them: the member `capture` of a document.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// What is captured of an endpoint's requests and their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "capture", try_from = "CaptureDocument")]
pub struct Capture {
    /// Of 100 requests, how many.
    pub percent: SamplePercent,
    /// Whether the request's body is captured.
    pub input: bool,
    /// Whether the answer's body is captured.
    pub output: bool,
    /// Columns whose values are taken out of the request's body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leave_out: Vec<String>,
    /// What the keys of its objects begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<KeyPrefix>,
    /// Media types of bodies that are text; those that the worker itself reads and writes where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_types: Option<TextTypes>,
}

/// Media types whose bodies are kept as text. All others are kept as base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "content_types")]
pub struct TextTypes {
    /// Types that are CSV.
    pub csv: Vec<String>,
    /// Types that are JSON.
    pub json: Vec<String>,
}

/// A percentage, 0 to 100. At 0 nothing is captured, and the rest stands there for later.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct SamplePercent(f64);

/// What keys begin with: parts with slashes in between, as in `model-monitor/data-capture`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

/// Why a value is not what a [`Capture`] takes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CaptureError {
    /// Not a percentage.
    #[error("{0} is no percentage: write a number from 0 to 100")]
    Percent(f64),
    /// Neither side of a request is captured.
    #[error("`input` and `output` are both false, so that there is nothing to capture: leave `capture` out")]
    Nothing,
    /// A column without a name, or with one that is too long.
    #[error("`leave_out` names columns, in 1 to {MOST_NAME} characters each")]
    Column,
    /// A column stands twice.
    #[error("`leave_out` names `{0}` twice")]
    Repeated(String),
    /// Too many columns or types.
    #[error("`{0}` has more than {MOST_ITEMS} items")]
    TooMany(&'static str),
    /// Not the beginning of a key.
    #[error(
        "`{0}` cannot be what keys begin with: use letters, digits and any of -_.=, in parts that a slash separates \
         and no full stop begins, {MOST_PREFIX} characters at most"
    )]
    Prefix(String),
}

const MOST_NAME: usize = 200;
const MOST_ITEMS: usize = 1_000;
const MOST_PREFIX: usize = 400;

/// The same as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "capture")]
struct CaptureDocument {
    percent: SamplePercent,
    #[serde(default = "yes")]
    input: bool,
    #[serde(default = "yes")]
    output: bool,
    #[serde(default)]
    leave_out: Vec<String>,
    #[serde(default)]
    prefix: Option<KeyPrefix>,
    #[serde(default)]
    content_types: Option<TextTypes>,
}

fn yes() -> bool {
    true
}

impl TryFrom<CaptureDocument> for Capture {
    type Error = CaptureError;

    fn try_from(written: CaptureDocument) -> Result<Self, CaptureError> {
        let CaptureDocument { percent, input, output, leave_out, prefix, content_types } = written;
        if !input && !output {
            return Err(CaptureError::Nothing);
        }
        if leave_out.len() > MOST_ITEMS {
            return Err(CaptureError::TooMany("leave_out"));
        }
        if content_types.iter().any(|types| types.csv.len().saturating_add(types.json.len()) > MOST_ITEMS) {
            return Err(CaptureError::TooMany("content_types"));
        }
        let mut seen = HashSet::new();
        for name in &leave_out {
            if !(1..=MOST_NAME).contains(&name.trim().chars().count()) {
                return Err(CaptureError::Column);
            }
            if !seen.insert(name) {
                return Err(CaptureError::Repeated(name.clone()));
            }
        }
        Ok(Capture { percent, input, output, leave_out, prefix, content_types })
    }
}

impl Capture {
    /// The same, with nothing captured.
    pub fn stopped(&self) -> Self {
        Capture { percent: SamplePercent(0.0), ..self.clone() }
    }

    /// Whether anything is captured at all.
    pub fn is_on(&self) -> bool {
        self.percent.0 > 0.0
    }
}

impl SamplePercent {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The same as a probability, 0 to 1.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl TryFrom<f64> for SamplePercent {
    type Error = CaptureError;

    fn try_from(percent: f64) -> Result<Self, CaptureError> {
        if (0.0..=100.0).contains(&percent) { Ok(SamplePercent(percent)) } else { Err(CaptureError::Percent(percent)) }
    }
}

impl From<SamplePercent> for f64 {
    fn from(percent: SamplePercent) -> f64 {
        percent.0
    }
}

impl KeyPrefix {
    /// The text, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyPrefix {
    type Error = CaptureError;

    fn try_from(text: String) -> Result<Self, CaptureError> {
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte))
        };
        if text.len() <= MOST_PREFIX && text.split('/').all(is_part) {
            Ok(KeyPrefix(text))
        } else {
            Err(CaptureError::Prefix(text.chars().take(80).collect()))
        }
    }
}

impl From<KeyPrefix> for String {
    fn from(prefix: KeyPrefix) -> String {
        prefix.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<Capture, String> {
        serde_json::from_str(written).map_err(|error| error.to_string())
    }

    #[test]
    fn both_sides_are_captured_unless_one_is_left_out() {
        let capture = read(r#"{"percent": 10}"#).unwrap();
        assert!(capture.input && capture.output && capture.leave_out.is_empty() && capture.is_on());
        assert_eq!((capture.percent.get(), capture.percent.share()), (10.0, 0.1));
        assert!(!read(r#"{"percent": 10, "output": false}"#).unwrap().output);
        assert!(!read(r#"{"percent": 0}"#).unwrap().is_on());
        let written = r#"{"percent":5.0,"input":true,"output":true,"leave_out":["age"],"prefix":"a/b","content_types":{"csv":["text/csv"],"json":[]}}"#;
        assert_eq!(serde_json::to_string(&read(written).unwrap()).unwrap(), written);
        assert!(!read(written).unwrap().stopped().is_on());
    }

    #[test]
    fn mistakes_are_refused_with_their_fix() {
        for (written, problem) in [
            ("{}", "missing field `percent`"),
            (r#"{"percent": 101}"#, "101 is no percentage"),
            (r#"{"percent": -1}"#, "-1 is no percentage"),
            (r#"{"percent": 1, "input": false, "output": false}"#, "nothing to capture"),
            (r#"{"percent": 1, "leave_out": [""]}"#, "1 to 200 characters"),
            (r#"{"percent": 1, "leave_out": ["a", "a"]}"#, "names `a` twice"),
            (r#"{"percent": 1, "leaveout": ["a"]}"#, "unknown field `leaveout`"),
            (r#"{"percent": 1, "prefix": "/a"}"#, "cannot be what keys begin with"),
            (r#"{"percent": 1, "prefix": "a/../b"}"#, "cannot be what keys begin with"),
            (r#"{"percent": 1, "content_types": {"xml": []}}"#, "unknown field `xml`"),
        ] {
            let error = read(written).unwrap_err();
            assert!(error.contains(problem), "{written}\n  gave: {error}");
        }
    }
}
