//! What SageMaker's control plane knows besides endpoints: models, which are backends under a name, and configurations,
//! which give such models weights. Endpoints are made of them and then stand for themselves: nothing here is read when
//! a request is answered. [Alarms](crate::experiment::Alarm) and [shadow tests](super::ShadowTest) are kept beside them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint::{Capture, Name, ShadowShare, Weight};
use crate::experiment::AlarmName;
use crate::platform::{Namespace, Times};

/// A kind of thing that the control plane makes, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An endpoint: a document in the store of endpoints.
    Endpoint,
    /// A [`Configuration`].
    Configuration,
    /// A backend.
    Model,
}

/// Variants to make an endpoint of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// In order.
    pub variants: Vec<ConfiguredVariant>,
    /// Those that are asked as well: none, or one beside one variant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadows: Vec<ConfiguredVariant>,
    /// What is to be captured, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<ConfiguredCapture>,
}

/// Why a configuration has no shares for its shadows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShadowsError {
    /// There are more of either than SageMaker takes.
    #[error("a configuration with a shadow has exactly one production variant and one shadow: it has {0} and {1}")]
    Count(usize, usize),
    /// A weight is 0, so that there is no ratio.
    #[error(
        "the share of the requests that a shadow is asked about is its weight over the production variant's, at most 1: both weights have to be above 0"
    )]
    Weight,
}

impl Configuration {
    /// Each shadow with the share of the requests that it is asked about: its weight over the production variant's.
    ///
    /// # Errors
    /// If there is not exactly one of each, or a weight is 0.
    pub fn shadow_shares(&self) -> Result<Vec<(&ConfiguredVariant, ShadowShare)>, ShadowsError> {
        match (self.variants.as_slice(), self.shadows.as_slice()) {
            (_, []) => Ok(Vec::new()),
            ([variant], [shadow]) => {
                let ratio = shadow.weight.get() / variant.weight.get();
                let share = ShadowShare::try_from(ratio.min(1.0)).map_err(|_| ShadowsError::Weight)?;
                // Over 0 the ratio is infinite, and means nothing.
                if ratio.is_finite() { Ok(vec![(shadow, share)]) } else { Err(ShadowsError::Weight) }
            }
            (variants, shadows) => Err(ShadowsError::Count(variants.len(), shadows.len())),
        }
    }
}

/// What is to be captured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfiguredCapture {
    /// As a document has it.
    pub capture: Capture,
    /// As it was asked for, for who reads it back.
    pub terms: Value,
}

/// A variant whose backend is a named model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfiguredVariant {
    /// The variant's name.
    pub name: Name,
    /// The model's.
    pub model: Name,
    /// The weight to begin with.
    pub weight: Weight,
}

/// A value of the store, and when it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// What it is.
    pub value: T,
    /// Absent where somebody else wrote it.
    pub times: Option<Times>,
}

/// Why something cannot be made, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// There is none of that name.
    #[error("Could not find {0} \"{1}\".")]
    NotFound(Kind, Name),
    /// There is one of that name.
    #[error("Cannot create already existing {0} \"{1}\".")]
    Exists(Kind, Name),
    /// It cannot be read back.
    #[error("{0} \"{1}\" is broken: {2}")]
    Broken(Kind, Name, String),
    /// The endpoint's fallback would be gone.
    #[error("endpoint \"{endpoint}\" falls back on `{fallback}`, which is none of the variants of {config}: {known}", known = .known.join(", "))]
    Fallback {
        /// The endpoint.
        endpoint: Name,
        /// The variant that answers where another fails.
        fallback: Name,
        /// The configuration that was to be put in place.
        config: Name,
        /// Its variants.
        known: Vec<String>,
    },
    /// It could be kept, but nothing could be answered with it.
    #[error("the {0} cannot be used: {1}")]
    Unusable(Kind, String),
    /// Traffic is being shifted to another configuration.
    #[error("Cannot update in-progress endpoint \"{0}\": its deployment is {1}: {2}")]
    InProgress(Name, &'static str, String),
}

/// The most alarms: as many names as KV lists at once.
pub(super) const MOST_ALARMS: u16 = 1_000;

/// Why an alarm cannot be made, read or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// There is none of that name.
    #[error("there is no alarm `{0}`")]
    NotFound(AlarmName),
    /// There are as many as are kept.
    #[error("there are {MOST_ALARMS} alarms, and no more are kept")]
    TooMany,
    /// It cannot be read back.
    #[error("the alarm `{0}` is broken: {1}")]
    Broken(AlarmName, String),
}

impl Kind {
    /// Where things of this kind are kept, and what their keys begin with.
    pub fn place(self) -> (Namespace, &'static str) {
        match self {
            Kind::Endpoint => (Namespace::Endpoints, ""),
            // No name has a full stop.
            Kind::Configuration => (Namespace::Registry, "config."),
            Kind::Model => (Namespace::Registry, "model."),
        }
    }
}

impl std::fmt::Display for Kind {
    /// In SageMaker's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Endpoint => "endpoint",
            Kind::Configuration => "endpoint configuration",
            Kind::Model => "model",
        })
    }
}
