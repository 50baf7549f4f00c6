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

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use rand_core::Rng;

    use super::*;
    use crate::assignment::{Randomness, seeded};
    use crate::statistics::{Effects, Sums};

    fn uniform(random: &mut Randomness) -> f64 {
        (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// What the first look says at which the interval leaves out 0: whether b is better. As the product itself makes a test:
    /// sticky units of very unequal activity and quality, a ramp that moves units, rates that drift, and a look after every
    /// ten outcomes. `benches/simulate/verdict.rs` does it at length.
    fn verdict(seed: u8, outcomes: u32, effect: f64) -> Option<bool> {
        let mut random = seeded([seed; 32]);
        let units: Vec<(f64, f64)> =
            (0..1_000).map(|_| (uniform(&mut random), 1.0 - uniform(&mut random).cbrt())).collect();
        let mut known: Vec<BTreeMap<String, Sums>> = vec![BTreeMap::new(); units.len()];
        let (mut effects, mut tuning) = (Effects::default(), None);
        for at in 0..outcomes {
            let progress = f64::from(at) / f64::from(outcomes);
            let share = [0.05, 0.1, 0.25, 0.5][(progress * 4.0) as usize];
            // The third power of a uniform number: some units send half of all.
            let unit = ((uniform(&mut random).powi(3)) * units.len() as f64) as usize;
            let (place, rate) = units[unit];
            let is_b = place < share;
            let (variant, propensity) = if is_b { ("b", share) } else { ("a", 1.0 - share) };
            let drift = 1.0 + 0.8 * (progress * 18.85).sin();
            let y = uniform(&mut random) < rate * drift + if is_b { effect } else { 0.0 };
            let new = effects.outcome(f64::from(u8::from(y)), propensity);
            effects.add(variant, new, &known[unit]);
            known[unit].entry(variant.to_owned()).or_default().add(new);
            let units = (effects.units_of("a"), effects.units_of("b"));
            if at % 10 != 0 || units.0 < LEAST_UNITS || units.1 < LEAST_UNITS {
                continue;
            }
            let difference = effects.cautious_difference("a", "b").unwrap();
            let n = effects.outcomes();
            let tuning = *tuning.get_or_insert_with(|| Tuning::new(difference, n, units.0 + units.1, 0.05).unwrap());
            let (low, high) = tuning.look(difference, n, 0.05).interval;
            if low > 0.0 || high < 0.0 {
                return Some(low > 0.0);
            }
        }
        None
    }

    #[test]
    fn where_there_is_no_difference_hardly_any_is_found_however_often_one_looks() {
        let runs = 120;
        let wrong = (0..runs).filter(|seed| verdict(*seed, 6_000, 0.0).is_some()).count();
        // Three standard errors above 5 %.
        assert!(wrong as f64 <= 120.0 * 0.05 + 3.0 * (120.0f64 * 0.05 * 0.95).sqrt(), "{wrong} of {runs}");
    }

    /// A small arm and rare events: its own variance is often told as none.
    #[test]
    fn nor_where_one_variant_has_few_requests_and_events_are_rare() {
        let wrong = |seed: u8| {
            let mut random = seeded([seed; 32]);
            let (mut effects, mut tuning) = (Effects::default(), None);
            (0..8_000u32).any(|at| {
                let (variant, propensity) = if uniform(&mut random) < 0.05 { ("b", 0.05) } else { ("a", 0.95) };
                let y = f64::from(u8::from(uniform(&mut random) < 0.02));
                let new = effects.outcome(y, propensity);
                effects.add(variant, new, &BTreeMap::new());
                let units = (effects.units_of("a"), effects.units_of("b"));
                if at % 10 != 0 || units.0 < LEAST_UNITS || units.1 < LEAST_UNITS {
                    return false;
                }
                let difference = effects.cautious_difference("a", "b").unwrap();
                let n = effects.outcomes();
                let Some(tuned) = tuning.or_else(|| Tuning::new(difference, n, units.0 + units.1, 0.05)) else {
                    return false;
                };
                tuning = Some(tuned);
                let (low, high) = tuned.look(difference, n, 0.05).interval;
                low > 0.0 || high < 0.0
            })
        };
        let wrong = (0..120).filter(|seed| wrong(*seed)).count();
        assert!(wrong as f64 <= 120.0 * 0.05 + 3.0 * (120.0f64 * 0.05 * 0.95).sqrt(), "{wrong} of 120");
    }

    #[test]
    fn a_real_difference_is_found_and_its_direction() {
        let found: Vec<_> = (0..30).filter_map(|seed| verdict(seed, 12_000, 0.2)).collect();
        // 24, when this was written: a thousand units of such unequal activity are worth some hundred.
        assert!(found.len() >= 20 && found.iter().all(|is_better| *is_better), "{found:?}");
    }
}
