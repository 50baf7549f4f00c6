//! Weights of variants.

use serde::{Deserialize, Serialize};

/// A weight: 0, or a finite number of at least [`Weight::LEAST`]. Only the ratios of an endpoint's weights count.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(f64);

/// Why a number is not a [`Weight`].
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// It is negative, infinite or not a number.
    #[error(
        "weight {} is not a finite number of at least 0: use 0 for a variant that only targeted requests reach",
        short(*.0)
    )]
    NotAWeight(f64),
    /// It is above 0 but below [`Weight::LEAST`].
    #[error(
        "weight {} is below {}: multiply all weights by the same number, as only their ratios count, or use 0 for a \
         variant that only targeted requests reach",
        short(*.0), short(Weight::LEAST)
    )]
    TooSmall(f64),
}

impl Weight {
    /// Of a variant that only targeted requests reach.
    pub const ZERO: Weight = Weight(0.0);

    /// The smallest weight above 0. Scores of sticky assignment are up to 37 / weight, which is infinite below about
    /// 1e-307, and smaller numbers still have fewer digits. 1e-100 is far from both.
    pub const LEAST: f64 = 1e-100;

    /// The number: 0, or finite and at least [`Weight::LEAST`].
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
        if !weight.is_finite() || weight < 0.0 {
            Err(WeightError::NotAWeight(weight))
        } else if weight > 0.0 && weight < Self::LEAST {
            Err(WeightError::TooSmall(weight))
        } else {
            Ok(Weight(weight + 0.0)) // -0.0 becomes 0.0
        }
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> f64 {
        weight.0
    }
}

/// A number as a person would write it: 1e-300 rather than 300 zeros.
fn short(number: f64) -> String {
    let plain = number.to_string();
    if plain.len() <= 20 { plain } else { format!("{number:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_weights_that_can_be_chosen_by() {
        for good in [0.0, -0.0, 1e-100, 1.0 / 3.0, f64::MAX] {
            assert_eq!(Weight::try_from(good).map(Weight::get), Ok(good));
        }
        for (bad, expected) in [
            (-1.0, "weight -1 is not a finite number"),
            (-1e-300, "weight -1e-300 is not a finite number"),
            (f64::INFINITY, "weight inf is not"),
            (f64::NAN, "weight NaN is not"),
            (5e-324, "weight 5e-324 is below 1e-100: multiply all weights"),
            (9.9e-101, "weight 9.9e-101 is below"),
        ] {
            let message = Weight::try_from(bad).expect_err(expected).to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
