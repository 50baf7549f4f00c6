//! What a bandit chooses by.

use crate::endpoint::Metric;
use crate::statistics::{Arm, Effects, Estimate, Posterior};

/// What is known of each variant, in their order; more of it is better.
pub fn arms(effects: &Effects, metric: Metric, variants: &[String]) -> Vec<Arm> {
    let sign = if metric.is_better_higher() { 1.0 } else { -1.0 };
    variants.iter().map(|name| arm(effects, metric, sign, name)).collect()
}

fn arm(effects: &Effects, metric: Metric, sign: f64, name: &str) -> Arm {
    let (outcomes, units) = (effects.outcomes_of(name), effects.units_of(name));
    let Some(mean) = effects.mean(name) else {
        // Nobody knows anything of it, so that it may be the best.
        return Arm {
            posterior: Posterior::Normal { mean: 0.0, deviation: f64::MAX.sqrt() },
            mean: 0.0,
            outcomes: 0.0,
        };
    };
    let right = effects.raw_mean(name).filter(|_| metric == Metric::Accuracy && units == outcomes);
    let posterior = match right {
        // Each outcome is by itself right or wrong: what is known of the rate is a beta distribution, and all was as likely
        // before.
        Some(rate) => {
            let right = (rate.value * outcomes).round();
            Posterior::Beta { a: 1.0 + right, b: 1.0 + outcomes - right }
        }
        // By the central limit theorem, with the error that the verdict has by units and propensities.
        None => {
            let Estimate { value, error } = effects.cautious(&[(name, 1.0)], mean);
            // Units that are all alike so far say less than that all will be: as if one more had been otherwise.
            let least = if metric == Metric::Accuracy { 1.0 / (units + 2.0) } else { 0.0 };
            Posterior::Normal { mean: sign * value, deviation: error.max(least) }
        }
    };
    Arm { posterior, mean: sign * mean.value, outcomes }
}
