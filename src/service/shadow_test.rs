//! Shadow tests: a shadow beside an endpoint's variants for a time. SageMaker calls them inference experiments.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::{Name, ShadowChange, Variant, is_name};

/// The name of a shadow test: as a [`Name`], with up to 120 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TestName(Box<str>);

/// Why a text is not a [`TestName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name: use 1 to 120 letters, digits and hyphens, beginning and ending with a letter or digit", .0.chars().take(150).collect::<String>().escape_debug())]
pub struct TestNameError(String);

/// A shadow test, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShadowTest {
    /// Its name.
    pub name: TestName,
    /// Whose shadow.
    pub endpoint: Name,
    /// The variant that the shadow stands beside.
    pub source: Name,
    /// The shadow.
    pub shadow: Variant,
    /// Whether the endpoint had that variant before, without weight.
    pub was_there: bool,
    /// Milliseconds since the Unix epoch, as all times here.
    pub created_ms: f64,
    /// When it was last changed.
    pub modified_ms: f64,
    /// When the shadow begins, or began.
    pub start_ms: f64,
    /// When it ends, if nobody ends it before.
    pub end_ms: f64,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What else was said of it, in the words of the protocol.
    pub terms: Value,
}

/// How a shadow test ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at_ms: f64,
    /// Whether it was given up.
    pub is_cancelled: bool,
    /// Why, where that was said.
    pub reason: Option<String>,
}

/// Where a shadow test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestState {
    /// It waits for its time.
    Created,
    /// Its time has come, and the endpoint's document does not have the shadow yet.
    Starting,
    /// The endpoint has the shadow.
    Running,
    /// Its time is over, and the endpoint's document still has the shadow.
    Stopping,
    /// It came to its end.
    Completed,
    /// It was given up.
    Cancelled,
}

/// Why a shadow test cannot be made, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// There is none of that name.
    #[error("Could not find inference experiment \"{0}\".")]
    NotFound(TestName),
    /// There is one of that name.
    #[error("Cannot create already existing inference experiment \"{0}\".")]
    Exists(TestName),
    /// The endpoint has another.
    #[error("endpoint \"{endpoint}\" is in the inference experiment \"{test}\"")]
    Busy {
        /// The endpoint.
        endpoint: Name,
        /// The test that has it.
        test: String,
    },
    /// Where it is, that cannot be done.
    #[error("inference experiment \"{name}\" is {state}: {problem}")]
    State {
        /// The test.
        name: TestName,
        /// Where it is.
        state: TestState,
        /// What could be done.
        problem: &'static str,
    },
    /// It cannot be read back.
    #[error("inference experiment \"{0}\" is broken: {1}")]
    Broken(TestName, String),
}

impl ShadowTest {
    /// Where it is by the time alone: nobody has looked at the endpoint.
    pub fn state(&self, now_ms: f64) -> TestState {
        match &self.ended {
            Some(ended) if ended.is_cancelled => TestState::Cancelled,
            Some(_) => TestState::Completed,
            None if now_ms < self.start_ms => TestState::Created,
            None if now_ms < self.end_ms => TestState::Running,
            None => TestState::Completed,
        }
    }

    /// The change that begins it.
    pub(super) fn begin(&self) -> ShadowChange {
        ShadowChange::Begin(self.shadow.clone())
    }
}

impl TestState {
    /// Whether the endpoint has the shadow, or is to have it.
    pub fn is_open(self) -> bool {
        !matches!(self, TestState::Completed | TestState::Cancelled)
    }

    /// In SageMaker's words.
    pub fn as_str(self) -> &'static str {
        match self {
            TestState::Created => "Created",
            TestState::Starting => "Starting",
            TestState::Running => "Running",
            TestState::Stopping => "Stopping",
            TestState::Completed => "Completed",
            TestState::Cancelled => "Cancelled",
        }
    }
}

impl fmt::Display for TestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TestName {
    /// What the keys of shadow tests begin with.
    pub const KEYS: &str = "shadow-test.";
    const MAX_LEN: usize = 120;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key in [`Namespace::Registry`](crate::platform::Namespace::Registry) under which the test is kept.
    pub fn key(&self) -> String {
        format!("{}{self}", TestName::KEYS)
    }
}

impl TryFrom<&str> for TestName {
    type Error = TestNameError;

    fn try_from(text: &str) -> Result<Self, TestNameError> {
        if is_name(text, Self::MAX_LEN) { Ok(TestName(text.into())) } else { Err(TestNameError(text.to_owned())) }
    }
}

impl TryFrom<String> for TestName {
    type Error = TestNameError;

    fn try_from(text: String) -> Result<Self, TestNameError> {
        TestName::try_from(text.as_str())
    }
}

impl From<TestName> for String {
    fn from(name: TestName) -> String {
        name.0.into()
    }
}

impl fmt::Display for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_sagemaker_takes() {
        for good in ["a", "A1", "a--b", &"x".repeat(120)] {
            assert_eq!(TestName::try_from(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "a_b", "a.b", &"x".repeat(121)] {
            assert!(TestName::try_from(bad).is_err(), "{bad}");
        }
    }
}
