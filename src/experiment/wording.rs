//! What a comparison allows one to say, as a word and as a sentence.

use serde::{Deserialize, Serialize};

use crate::endpoint::{Metric, Name};
use crate::statistics::{Estimate, LEAST_UNITS};

/// Nobody waits for more.
const MOST_MORE: f64 = 1e12;

/// What may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It is better.
    Better,
    /// It is worse.
    Worse,
    /// It is not worse by more than the margin.
    NotWorse,
    /// Nothing yet.
    Undecided,
}

/// What two variants are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Requests that were assigned to one or the other.
    #[default]
    Assignment,
    /// The same requests: one answered, and the other, a shadow, was asked as well.
    Pairs,
}

/// A comparison that is put into words.
#[derive(Clone, Copy, Debug)]
pub struct Phrase<'a> {
    /// The mean that is compared.
    pub metric: Metric,
    /// The difference that does not matter.
    pub margin: Option<f64>,
    /// What the variant is compared with.
    pub baseline: &'a Name,
    /// The variant.
    pub variant: &'a Name,
    /// The comparison's part of alpha.
    pub alpha: f64,
    /// By what.
    pub basis: Basis,
}

/// What an interval allows one to say; `sign` is -1 where less is better.
pub fn word((low, high): (f64, f64), sign: f64, margin: Option<f64>) -> Word {
    let (worst, best) = if sign > 0.0 { (low, high) } else { (-high, -low) };
    match margin {
        _ if worst > 0.0 => Word::Better,
        _ if best < 0.0 => Word::Worse,
        Some(margin) if worst > -margin => Word::NotWorse,
        _ => Word::Undecided,
    }
}

/// The logarithm of the e-value against its being no worse, of what a look says; `sign` is -1 where less is better.
pub fn log_e_of_worse(difference: f64, p_value: f64, sign: f64) -> f64 {
    if difference * sign < 0.0 { (-p_value.ln()).max(0.0) } else { 0.0 }
}

/// How many more outcomes it takes until an estimate of so many says something, if all goes on as it does.
pub fn more_outcomes(estimate: Estimate, outcomes: f64, says: impl Fn(Estimate, f64) -> bool) -> Option<f64> {
    let says_something =
        |grown: f64| says(Estimate { error: estimate.error / grown.sqrt(), ..estimate }, outcomes * grown);
    let (mut low, mut high) = (1.0, 2.0);
    while !says_something(high) {
        (low, high) = (high, high * 2.0);
        if outcomes * high > MOST_MORE {
            return None;
        }
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if says_something(middle) { high = middle } else { low = middle }
    }
    Some((outcomes * (high - 1.0)).ceil())
}

impl Phrase<'_> {
    /// The sentence. `known` is the difference and its interval; without it, `units` are the baseline's and the variant's.
    pub fn says(
        &self,
        verdict: Word,
        known: Option<(Estimate, (f64, f64))>,
        units: (f64, f64),
        more: Option<f64>,
    ) -> String {
        let Phrase { variant, baseline, .. } = *self;
        let on = match self.basis {
            Basis::Assignment => "",
            Basis::Pairs => " on the same requests",
        };
        let Some((difference, (low, high))) = known else {
            let (a, b) = units;
            let of = |units: f64| if units == 1.0 { "1 unit".to_owned() } else { format!("{units} units") };
            return match self.basis {
                Basis::Assignment => format!(
                    "Too early: {variant} has outcomes of {} and {baseline} of {a}; something is said from {LEAST_UNITS} each on.",
                    of(b)
                ),
                Basis::Pairs => format!(
                    "Too early: {variant} was asked about requests of {} that {baseline} answered and that have outcomes; something is said from {LEAST_UNITS} on.",
                    of(b)
                ),
            };
        };
        let metric = self.metric;
        let (figure, unit) = match metric {
            Metric::Accuracy => (100.0, " points of accuracy"),
            other => (
                1.0,
                match other {
                    Metric::LogLoss => " of log loss",
                    Metric::Brier => " of the Brier score",
                    Metric::Mae => " of absolute error",
                    Metric::Mse => " of squared error",
                    _ => " of reward",
                },
            ),
        };
        // As exactly as it is known: two digits of the interval's half, and as many as tell a bound from 0.
        let known_to = (high - low) / 2.0 * figure;
        let nearest = low.abs().min(high.abs()) * figure;
        let digits = |number: f64, least: f64| (least - number.log10().floor()).clamp(0.0, 9.0);
        let decimals = digits(known_to, 1.0).max(digits(nearest, 0.0)).min(digits(known_to, 4.0)) as usize;
        let shown = |number: f64| format!("{:+.decimals$}", number * figure);
        let size = format!("{}{unit} ({} to {})", shown(difference.value), shown(low), shown(high));
        let percent = (self.alpha * 1e4).round() / 100.0;
        let sure = format!("wrong at most {percent} % of the time, however often one looks");
        match verdict {
            Word::Better => format!("{variant} is better than {baseline}{on}: {size}, {sure}."),
            Word::Worse => format!("{variant} is worse than {baseline}{on}: {size}, {sure}."),
            Word::NotWorse => {
                let margin = self.margin.unwrap_or(0.0);
                let margin = (margin * figure * 1e6).round() / 1e6;
                let unit = if margin == 1.0 { unit.replace("points", "point") } else { unit.to_owned() };
                format!("{variant} is not worse than {baseline} by more than {margin}{unit}{on}: {size}, {sure}.")
            }
            Word::Undecided => {
                let more = more.map_or_else(
                    || {
                        "no number of outcomes that can be told will show a difference as small as this seems"
                            .to_owned()
                    },
                    |more| format!("about {more} more outcomes will tell, if the difference is what it seems"),
                );
                format!("Too early to say whether {variant} is better than {baseline}{on}: {size}; {more}.")
            }
        }
    }
}
