//! Weights of variants.

use serde::{Deserialize, Serialize};

/// A weight: any finite number that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(f64);

/// Why a number is not a [`Weight`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("weight {0} is not a finite number of at least 0: use 0 for a variant that only targeted requests reach")]
pub struct WeightError(f64);

impl Weight {
    /// The number: finite, at least 0.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for Weight {
    /// SageMaker's `InitialVariantWeight` where none is given.
    fn default() -> Self {
        Weight(1.0)
    }
}

impl TryFrom<f64> for Weight {
    type Error = WeightError;

    fn try_from(weight: f64) -> Result<Self, WeightError> {
        if weight.is_finite() && weight >= 0.0 {
            Ok(Weight(weight + 0.0)) // -0.0 becomes 0.0
        } else {
            Err(WeightError(weight))
        }
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> f64 {
        weight.0
    }
}
