//! Which variant answers a request, why, and how likely that was.

mod explanation;
mod moved;
mod random;
mod sample;
mod shadow;
mod unit;

pub use explanation::{ExplainedScore, Explanation, explain};
pub use moved::{Flow, Moved, moved};
pub use random::{Randomness, seeded};
pub use sample::sampled;
pub use shadow::shadows;
pub use unit::{Score, UnitHash};

use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, Variant};

/// The variant chosen for one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assignment<'a> {
    /// The one of the endpoint's variants.
    pub variant: &'a Variant,
    /// Why this one.
    pub reason: Reason,
    /// The probability with which the weights give this variant a request: its share of their sum, 0 to 1. For
    /// [`Reason::Weighted`] over the draw, for [`Reason::Sticky`] over the salt. A [`Reason::Target`] was not drawn;
    /// its share says what the policy would have done, so leave such records out of inverse-propensity estimates.
    pub propensity: f64,
}

/// Why a variant was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The caller named it.
    Target,
    /// The unit's hash chose it, and will choose it again while the weights stay as they are.
    Sticky,
    /// A random draw by weight chose it.
    Weighted,
    /// The chosen variant failed, and this one is the endpoint's fallback.
    Fallback,
    /// It was asked as well, after the response: a shadow. No caller is told of it.
    Shadow,
}

/// Why no variant could be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// The caller named a variant that the endpoint does not have.
    #[error("there is no variant `{asked}`; the variants are: {known}", known = .known.join(", "))]
    UnknownTarget {
        /// The name given, cut to 100 characters.
        asked: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// All weights are 0.
    #[error("all weights are 0, so only requests that name a variant are answered")]
    NoWeight,
}

impl Reason {
    /// As headers and records have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Target => "target",
            Reason::Sticky => "sticky",
            Reason::Weighted => "weighted",
            Reason::Fallback => "fallback",
            Reason::Shadow => "shadow",
        }
    }
}

/// Chooses a variant: the target where one is named, else by the unit's hash where the request carries a unit,
/// else at random by weight.
///
/// ```
/// use turnout::assignment::{Reason, UnitHash, assign, seeded};
/// use turnout::endpoint::{Endpoint, Salt};
///
/// let endpoint = Endpoint::parse(br#"{"variants": [
///     {"name": "a", "weight": 3, "origin": {"url": "https://a.example"}},
///     {"name": "b", "weight": 1, "origin": {"url": "https://b.example"}}]}"#)?;
/// let mut randomness = seeded([7; 32]);
/// let unit = UnitHash::new(&Salt::try_from("churn-2026-11".to_owned())?, "ada");
///
/// let sticky = assign(&endpoint, None, Some(&unit), &mut randomness)?;
/// assert_eq!(sticky.reason, Reason::Sticky);
/// assert_eq!(sticky, assign(&endpoint, None, Some(&unit), &mut randomness)?);
/// let target = assign(&endpoint, Some("b"), None, &mut randomness)?;
/// assert_eq!((target.variant.name.as_str(), target.propensity), ("b", 0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the target is unknown, or no target is named and all weights are 0.
pub fn assign<'a>(
    endpoint: &'a Endpoint,
    target: Option<&str>,
    unit: Option<&UnitHash>,
    randomness: &mut impl Rng,
) -> Result<Assignment<'a>, AssignmentError> {
    let (variant, reason) = match (target, unit) {
        (Some(asked), _) => {
            let variant = endpoint.variant(asked).ok_or_else(|| AssignmentError::UnknownTarget {
                asked: asked.chars().take(100).collect(),
                known: endpoint.known_names(),
            })?;
            (variant, Reason::Target)
        }
        (None, Some(unit)) => (unit.choose(endpoint.variants()).ok_or(AssignmentError::NoWeight)?, Reason::Sticky),
        (None, None) => (random::choose(endpoint, randomness).ok_or(AssignmentError::NoWeight)?, Reason::Weighted),
    };
    Ok(Assignment { variant, reason, propensity: endpoint.share(variant) })
}
