//! What becomes of a sum: XGBoost's objectives, in its 32-bit arithmetic.

use super::error::Error;

/// What a base score of a probability is kept away from 0 and 1 by.
const EPSILON: f32 = 1e-6;

/// How a prediction is made of the sums of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// It is the sum.
    Identity,
    /// Quantiles, in ascending order since XGBoost 3.4.
    SortedQuantiles,
    /// The logistic function: `reg:logistic`, which has no classes.
    Logistic,
    /// The same of two classes: `binary:logistic`.
    BinaryLogistic,
    /// 1 above 0, else 0.
    Hinge,
    /// The exponential function.
    Exponential,
    /// The number of the class with the highest sum.
    Softmax,
    /// A probability a class.
    Softprob,
}

impl Objective {
    /// By the name that a file has for it.
    ///
    /// # Errors
    /// If it is not known here.
    pub fn named(name: &str, version: &[u32]) -> Result<Self, Error> {
        Ok(match name {
            "reg:quantileerror" if version >= [3, 4].as_slice() => Objective::SortedQuantiles,
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:pseudohubererror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "binary:logitraw"
            | "rank:pairwise"
            | "rank:ndcg"
            | "rank:map" => Objective::Identity,
            "reg:logistic" => Objective::Logistic,
            "binary:logistic" => Objective::BinaryLogistic,
            "binary:hinge" => Objective::Hinge,
            "reg:gamma" | "reg:tweedie" | "count:poisson" | "survival:cox" | "survival:aft" => Objective::Exponential,
            "multi:softmax" => Objective::Softmax,
            "multi:softprob" => Objective::Softprob,
            other => return Err(Error::Objective(other.chars().take(100).collect())),
        })
    }

    /// What sums begin with, of a base score as the file has it.
    ///
    /// # Errors
    /// If it has none, because it is no probability, or not above 0.
    pub fn margin(self, base_score: f32) -> Result<f32, Error> {
        match self {
            Objective::Logistic | Objective::BinaryLogistic if !(0.0..=1.0).contains(&base_score) => {
                Err(Error::BaseScore(base_score.to_string()))
            }
            Objective::Logistic | Objective::BinaryLogistic => {
                let base_score = base_score.clamp(EPSILON, 1.0 - EPSILON);
                Ok(-ln(1.0 / base_score - 1.0))
            }
            Objective::Exponential if base_score > 0.0 => Ok(ln(base_score)),
            Objective::Exponential => Err(Error::BaseScore(base_score.to_string())),
            _ => Ok(base_score),
        }
    }

    /// Makes predictions of rows of `width` sums each.
    pub fn predict(self, scores: &[f32], width: usize) -> Vec<f32> {
        let rows = scores.chunks_exact(width.max(1));
        match self {
            Objective::Identity => scores.to_vec(),
            Objective::SortedQuantiles => {
                let mut sorted = scores.to_vec();
                sorted.chunks_exact_mut(width.max(1)).for_each(|row| row.sort_by(f32::total_cmp));
                sorted
            }
            Objective::Logistic | Objective::BinaryLogistic => scores.iter().copied().map(sigmoid).collect(),
            Objective::Hinge => scores.iter().map(|score| if *score > 0.0 { 1.0 } else { 0.0 }).collect(),
            Objective::Exponential => scores.iter().copied().map(exp).collect(),
            Objective::Softmax => rows.map(|row| highest(row) as f32).collect(),
            Objective::Softprob => softmax(scores, width),
        }
    }
}

/// The exponential of 32 bits, by way of 64, so that it is rounded right everywhere. The C library that XGBoost uses is, but for
/// one number in hundreds; WebAssembly's is off more often.
fn exp(x: f32) -> f32 {
    f64::from(x).exp() as f32
}

/// The logarithm, likewise.
fn ln(x: f32) -> f32 {
    f64::from(x).ln() as f32
}

/// The logistic function, kept from infinity as XGBoost does.
fn sigmoid(x: f32) -> f32 {
    // What is added last is lost in 32 bits unless all else is.
    1.0 / (exp((-x).min(88.7)) + 1.0 + 1e-16)
}

/// Probabilities of rows of `width` sums each.
pub fn softmax(scores: &[f32], width: usize) -> Vec<f32> {
    let mut probabilities = scores.to_vec();
    for row in probabilities.chunks_exact_mut(width.max(1)) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|score| *score = exp(*score - most));
        let sum: f64 = row.iter().copied().map(f64::from).sum();
        row.iter_mut().for_each(|score| *score /= sum as f32);
    }
    probabilities
}

/// Which is the highest: the first of equal ones.
pub fn highest(row: &[f32]) -> usize {
    let mut best: Option<(usize, f32)> = None;
    for (place, value) in row.iter().copied().enumerate() {
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((place, value));
        }
    }
    best.map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_stay_finite() {
        assert_eq!([f32::NEG_INFINITY, -200.0, 0.0, 200.0].map(sigmoid).map(f32::is_finite), [true; 4]);
        assert_eq!([sigmoid(0.0), sigmoid(200.0)], [0.5, 1.0]);
        assert_eq!(softmax(&[1e30, 0.0, -1e30, -1e30], 2), [1.0, 0.0, 0.5, 0.5]);
        assert_eq!(highest(&[1.0, 2.0, 2.0]), 1);
    }

    #[test]
    fn base_scores_are_those_of_the_objective() {
        assert_eq!(Objective::BinaryLogistic.margin(0.5), Ok(0.0));
        assert!(Objective::BinaryLogistic.margin(1.0).unwrap() > 13.0);
        assert!(Objective::BinaryLogistic.margin(1.5).is_err());
        assert!(Objective::Exponential.margin(0.0).is_err());
        assert_eq!(Objective::Exponential.margin(1.0), Ok(0.0));
        assert_eq!(Objective::Identity.margin(-3.0), Ok(-3.0));
    }
}
