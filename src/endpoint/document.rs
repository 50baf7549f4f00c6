//! The configuration document as it is written in KV.
//!
//! A person writes it by hand: whatever is unknown, repeated or out of range is refused with its JSON path and
//! the fix, never guessed at.

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::capture::Capture;
use super::goal::{Goal, GoalError};
use super::guardrail::{Guardrail, GuardrailError};
use super::limits::RequestLimits;
use super::name::Name;
use super::notify::Notify;
use super::object::Object;
use super::outcome::Outcome;
use super::policy::{Policy, PolicyError};
use super::stickiness::Stickiness;
use super::variant::Variant;

/// The most variants an endpoint has. (SageMaker takes 10.)
pub(super) const MAX_VARIANTS: usize = 100;

/// Why a document is not an endpoint's configuration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not JSON.
    #[error("the document is not JSON: {0}")]
    Syntax(String),
    /// A value is missing, unknown, repeated, of the wrong type or out of range.
    #[error("at `{path}`: {problem}")]
    Value {
        /// Where, as in `variants[1].weight`.
        path: String,
        /// What is wrong and how to fix it.
        problem: String,
    },
    /// The list of variants is empty.
    #[error("at `variants`: the list is empty; add at least one variant")]
    NoVariants,
    /// There are more than 100 variants.
    #[error("at `variants`: {0} variants; keep at most {MAX_VARIANTS}")]
    TooManyVariants(usize),
    /// Two variants have one name.
    #[error("at `variants[{position}].name`: `{name}` is used twice; give each variant a name of its own")]
    RepeatedName {
        /// The second variant of that name.
        position: usize,
        /// The name.
        name: Name,
    },
    /// The sum of the weights is not finite, though each weight is.
    #[error("at `variants`: the sum of the weights is not finite; make them smaller, only their ratios count")]
    InfiniteTotal,
    /// A weight is too small beside the others for a random draw.
    #[error(
        "at `variants[{position}].weight`: the share is below one in 10^12, too small to be drawn; raise the weight, or \
         use 0 for a variant that only targeted requests reach"
    )]
    TinyShare {
        /// Which variant.
        position: usize,
    },
    /// The fallback is not one of the variants.
    #[error("at `fallback`: there is no variant `{0}`; name one of: {known}", known = .1.join(", "))]
    UnknownFallback(Name, Vec<String>),
    /// The fallback is a shadow.
    #[error("at `fallback`: `{0}` is a shadow, which answers nobody; name another variant, or take its `shadow` away")]
    ShadowFallback(Name),
    /// The baseline is a shadow.
    #[error(
        "at `goal.baseline`: `{0}` is a shadow, which is itself compared with the baseline; name a variant that answers"
    )]
    ShadowBaseline(Name),
    /// Nobody answers.
    #[error("at `variants`: all of them are shadows; at least one has to answer")]
    OnlyShadows,
    /// The baseline is not one of the variants.
    #[error("at `goal.baseline`: there is no variant `{0}`; name one of: {known}", known = .1.join(", "))]
    UnknownBaseline(Name, Vec<String>),
    /// The goal does not go with the outcomes.
    #[error("at `goal`: {0}")]
    Goal(GoalError),
    /// The policy does not go with the rest.
    #[error("at `policy`: {0}")]
    Policy(PolicyError),
    /// A guardrail does not go with the rest.
    #[error("at `guardrails[{position}]`: {error}")]
    Guardrail {
        /// Which one.
        position: usize,
        /// Why.
        error: GuardrailError,
    },
}

impl DocumentError {
    /// Where the fault is, and of which kind, without a word of what stands there: for who may not read the document.
    pub fn outline(&self) -> String {
        match self {
            DocumentError::Syntax(_) => "it is not JSON".to_owned(),
            DocumentError::Value { path, .. } => format!("the value at `{path}` is missing, unknown or not allowed"),
            DocumentError::NoVariants | DocumentError::TooManyVariants(_) => {
                "`variants` has too few or too many".to_owned()
            }
            DocumentError::RepeatedName { position, .. } => format!("`variants[{position}].name` is used twice"),
            DocumentError::InfiniteTotal => "the weights in `variants` are too large".to_owned(),
            DocumentError::TinyShare { position } => {
                format!("`variants[{position}].weight` is too small beside the others")
            }
            DocumentError::UnknownFallback(..) => "`fallback` is none of the variants".to_owned(),
            DocumentError::ShadowFallback(_) => "`fallback` is a shadow".to_owned(),
            DocumentError::ShadowBaseline(_) => "`goal.baseline` is a shadow".to_owned(),
            DocumentError::OnlyShadows => "`variants` are all shadows".to_owned(),
            DocumentError::UnknownBaseline(..) => "`goal.baseline` is none of the variants".to_owned(),
            DocumentError::Goal(_) => "`goal` does not go with `outcome`".to_owned(),
            DocumentError::Policy(_) => "`policy` does not go with the rest".to_owned(),
            DocumentError::Guardrail { position, .. } => {
                format!("`guardrails[{position}]` does not go with the rest")
            }
        }
    }
}

/// An endpoint as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "endpoint")]
pub(super) struct EndpointDocument {
    pub variants: Vec<Variant>,
    #[serde(default, rename = "assignment", skip_serializing_if = "Option::is_none")]
    pub stickiness: Option<Object<Stickiness>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Name>,
    #[serde(default = "open", skip_serializing_if = "Access::is_open")]
    pub access: Access,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Object<RequestLimits>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Object<Outcome>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Object<Goal>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrails: Option<Vec<Object<Guardrail>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Object<Policy>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Object<Notify>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Object<Capture>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Name>,
}

/// The access of a document that does not mention it. `Access` has no default of its own, so that no mistake elsewhere
/// can open an endpoint.
fn open() -> Access {
    Access::Open
}

impl EndpointDocument {
    /// The document as text, indented for people.
    pub fn to_json(&self) -> String {
        // Serialising strings, finite numbers and lists into memory cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Parses JSON into `T`. Refuses anything after it; errors name the path of the wrong value.
pub(super) fn parse_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            DocumentError::Value { path, problem: inner.to_string() }
        } else {
            DocumentError::Syntax(inner.to_string())
        }
    })?;
    deserializer.end().map_err(|error| DocumentError::Syntax(error.to_string()))?;
    Ok(value)
}
