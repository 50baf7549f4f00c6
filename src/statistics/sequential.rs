//! Confidence that holds at every look: one may look whenever one likes, and stop because of what one sees.

use super::mismatch::Segment;

/// The two-sided normal mixture, for a sum of differences from what is expected whose variance so far is known or estimated
/// (Robbins, "Statistical methods related to the law of the iterated logarithm", 1970; Howard, Ramdas, McAuliffe and Sekhon,
/// "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021, eq. 14). With an estimated variance it holds as the
/// central limit theorem does (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
/// asymptotic confidence sequences", 2024, proposition 2.5), so that the first hundred units are to be waited for.
///
/// With a sum s, its variance v and a tuning r,
///
/// ```text
/// E     = exp(r^2 s^2 / (2 (v r^2 + 1))) / sqrt(v r^2 + 1)
/// bound = sqrt((v r^2 + 1) / r^2 ln((v r^2 + 1) / alpha^2))
/// ```
///
/// and |s| is above the bound, where E is above 1/alpha, at any time with a probability of at most alpha.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    r_squared: f64,
}

impl Mixture {
    /// The mixture whose bound for `alpha` is about as narrow as can be at the variance `v_opt`. It has to be chosen before, or
    /// by something that tells nothing of the sum's direction.
    pub fn tuned(v_opt: f64, alpha: f64) -> Self {
        let log = -2.0 * alpha.ln();
        Mixture { r_squared: (log + (1.0 + log).ln()) / v_opt }
    }

    /// As [`Mixture::r_squared`] gave it.
    pub fn of(r_squared: f64) -> Self {
        Mixture { r_squared }
    }

    /// The square of the tuning, to be kept.
    pub fn r_squared(self) -> f64 {
        self.r_squared
    }

    /// What |s| stays below at all times with a probability of at least 1 - `alpha`.
    pub fn bound(self, v: f64, alpha: f64) -> f64 {
        let grown = v * self.r_squared + 1.0;
        (grown / self.r_squared * (grown.ln() - 2.0 * alpha.ln())).sqrt()
    }

    /// The logarithm of the e-value against a sum that is expected to be 0.
    pub fn log_e(self, s: f64, v: f64) -> f64 {
        let grown = v * self.r_squared + 1.0;
        self.r_squared * s * s / (2.0 * grown) - grown.ln() / 2.0
    }
}

/// The p-value that an e-value is: at any time below alpha with a probability of at most alpha.
pub fn p_value(log_e: f64) -> f64 {
    (-log_e).exp().min(1.0)
}

/// Between which rates the true one is at every look, with a probability of 1 - `alpha` for all looks together, of independent
/// trials with one rate. It is narrowest at about `trials_opt` trials. `None` if there are more successes than trials.
///
/// The beta-binomial mixture (Robbins, 1970; Howard and others, 2021, proposition 7), as confseq's
/// `bernoulli_confidence_interval` has it: the Dirichlet-multinomial e-value with two categories.
///
/// ```
/// let (low, high) = turnout::statistics::rate_always(30, 100, 0.05, 100.0).unwrap();
/// assert!((low - 0.1736349084).abs() < 1e-9 && (high - 0.4476766978).abs() < 1e-9);
/// ```
pub fn rate_always(successes: u64, trials: u64, alpha: f64, trials_opt: f64) -> Option<(f64, f64)> {
    // As confseq has it, tuned for an alpha of 0.05 whatever the alpha is.
    const TUNED_FOR: f64 = 0.05;
    let log = -2.0 * TUNED_FOR.ln();
    rate_always_with(successes, trials, alpha, (trials_opt / (log + (1.0 + log).ln()) - 1.0).max(1e-3))
}

/// The same with the concentration of the mixture itself.
pub(super) fn rate_always_with(successes: u64, trials: u64, alpha: f64, concentration: f64) -> Option<(f64, f64)> {
    let failures = trials.checked_sub(successes)?;
    let limit = -alpha.ln();
    let accepted = |rate: f64| {
        let counts = [(successes, rate), (failures, 1.0 - rate)];
        Segment::new(counts).is_ok_and(|segment| segment.log_e_with(concentration) < limit)
    };
    let middle = if trials == 0 { 0.5 } else { successes as f64 / trials as f64 };
    // ln E grows on both sides of the rate that was seen. Halved until doubles have no number between.
    let last = |mut inside: f64, mut outside: f64| {
        for _ in 0..200 {
            let between = inside + (outside - inside) / 2.0;
            if accepted(between) { inside = between } else { outside = between }
        }
        inside
    };
    let low = if successes == 0 { 0.0 } else { last(middle, 0.0) };
    let high = if failures == 0 { 1.0 } else { last(middle, 1.0) };
    Some((low, high))
}
