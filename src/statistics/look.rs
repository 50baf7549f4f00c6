//! What one look at a test says, however many there are.

use super::effects::Estimate;
use super::sequential::{Mixture, p_value};

/// Before each variant that is compared has outcomes of so many units, nothing is said: confidence rests on the central limit
/// theorem.
pub const LEAST_UNITS: f64 = 100.0;
/// At about so many units of both an interval is narrowest. (GrowthBook's `sequentialTestingTuningParameter` has the same default.)
pub const TUNED_FOR_UNITS: f64 = 5_000.0;

/// How the intervals of one figure are tuned, from the first look on at which it is known well enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    mixture: Mixture,
}

/// What a look says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Where the figure is, at every look.
    pub interval: (f64, f64),
    /// Of its being 0; may be looked at at any time.
    pub p_value: f64,
}

impl Tuning {
    /// From an estimate by so many outcomes of so many units. It must not depend on where the figure goes, and its variance,
    /// which alone decides, does not tell that. `None` where nothing varies yet.
    pub fn new(estimate: Estimate, outcomes: f64, units: f64, alpha: f64) -> Option<Self> {
        let v_opt = variance(estimate, outcomes) * (TUNED_FOR_UNITS / units).max(1.0);
        (v_opt > 0.0 && v_opt.is_finite()).then(|| Tuning { mixture: Mixture::tuned(v_opt, alpha) })
    }

    /// As [`Tuning::r_squared`] gave it.
    pub fn of(r_squared: f64) -> Self {
        Tuning { mixture: Mixture::of(r_squared) }
    }

    /// What it is, to be kept.
    pub fn r_squared(self) -> f64 {
        self.mixture.r_squared()
    }

    /// What a later estimate says, that is of so many outcomes.
    pub fn look(self, estimate: Estimate, outcomes: f64, alpha: f64) -> Look {
        let v = variance(estimate, outcomes);
        let half = self.mixture.bound(v, alpha) / outcomes;
        Look {
            interval: (estimate.value - half, estimate.value + half),
            p_value: p_value(self.mixture.log_e(estimate.value * outcomes, v)),
        }
    }
}

/// Of the sum that the estimate is the mean of.
fn variance(estimate: Estimate, outcomes: f64) -> f64 {
    (estimate.error * outcomes).powi(2)
}
