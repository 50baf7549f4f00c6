//! The fixed-sample comparison, for who looks once, at a size that was chosen before.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Two means, compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The second mean less the first.
    pub difference: f64,
    /// The interval that holds the true difference with a probability of 1 - alpha, if one looks once.
    pub interval: (f64, f64),
    /// The probability of such a difference or a larger one where there is none, if one looks once.
    pub p_value: f64,
}

/// A mean, its standard error, and how many independent observations it is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
    /// Of how many.
    pub of: f64,
}

/// Welch's t-test (Welch, "The generalization of `Student's' problem when several different population variances are
/// involved", 1947). `None` below two observations a mean, or where nothing varies.
pub fn welch(a: Mean, b: Mean, alpha: f64) -> Option<Comparison> {
    let (va, vb) = (a.error * a.error, b.error * b.error);
    let variance = va + vb;
    if !(a.of >= 2.0 && b.of >= 2.0 && variance > 0.0 && variance.is_finite()) {
        return None;
    }
    let freedom = variance * variance / (va * va / (a.of - 1.0) + vb * vb / (b.of - 1.0));
    let t = T::new(freedom)?;
    let difference = b.value - a.value;
    let error = variance.sqrt();
    let p_value = (2.0 * t.below(-(difference / error).abs())).min(1.0);
    let half = -t.quantile(alpha / 2.0) * error;
    Some(Comparison { difference, interval: (difference - half, difference + half), p_value })
}

/// Student's t.
enum T {
    Few(StudentsT),
    /// Of so many degrees of freedom that it is nearly normal.
    Many(f64),
}

impl T {
    /// From here on the crate's continued fraction does not converge.
    const MANY: f64 = 1e5;

    fn new(freedom: f64) -> Option<Self> {
        if freedom > Self::MANY { Some(T::Many(freedom)) } else { StudentsT::new(0.0, 1.0, freedom).ok().map(T::Few) }
    }

    /// The probability of less than `t`.
    fn below(&self, t: f64) -> f64 {
        match self {
            T::Few(few) => few.cdf(t),
            // Abramowitz and Stegun, 26.7.8; what it leaves out is of the order of 1/freedom^2.
            T::Many(freedom) => {
                let z = t * (1.0 - 1.0 / (4.0 * freedom)) / (1.0 + t * t / (2.0 * freedom)).sqrt();
                libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
            }
        }
    }

    /// Below which t the probability is `p`, for p below a half: halved until doubles have no number between.
    fn quantile(&self, p: f64) -> f64 {
        let (mut low, mut high) = (-1.0, 0.0);
        while self.below(low) > p && low > f64::MIN / 4.0 {
            low *= 2.0;
        }
        for _ in 0..200 {
            let middle = low + (high - low) / 2.0;
            if self.below(middle) < p { low = middle } else { high = middle }
        }
        high
    }
}
