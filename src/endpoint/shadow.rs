//! How much of the traffic a shadow is shown.

use serde::{Deserialize, Serialize};

/// The share of an endpoint's requests, above 0 to 1, that a variant is asked about as well, after the response. It never
/// answers them.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct ShadowShare(f64);

/// Why a number is no [`ShadowShare`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "`shadow` is the share of requests that the variant is asked about as well: above 0, at most 1, such as 0.1; leave it out for a variant that is no shadow"
)]
pub struct ShadowError;

impl ShadowShare {
    /// All requests.
    pub const ALL: ShadowShare = ShadowShare(1.0);

    /// The share.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for ShadowShare {
    type Error = ShadowError;

    fn try_from(share: f64) -> Result<Self, ShadowError> {
        if share > 0.0 && share <= 1.0 { Ok(ShadowShare(share)) } else { Err(ShadowError) }
    }
}

impl From<ShadowShare> for f64 {
    fn from(share: ShadowShare) -> f64 {
        share.0
    }
}
