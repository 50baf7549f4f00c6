//! How good predictions are by their outcomes, from sums that add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often each class was predicted where each was right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// (predicted, right, how often). Where a request failed, nothing was predicted.
    counts: Vec<(Option<u32>, u32, u64)>,
}

/// How well one class was told from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OneClass {
    /// Share of those predicted that are right; `None` where none was predicted.
    pub precision: Option<f64>,
    /// Share of those there are that were predicted; `None` where there are none.
    pub recall: Option<f64>,
    /// Their harmonic mean; `None` where there are none and none was predicted.
    pub f1: Option<f64>,
}

impl Confusion {
    /// The most pairs of classes that are told apart; further ones are passed over.
    const MOST: usize = 2_500;

    /// Counts a prediction; `None` where there should have been one. That is right of no class and wrong of each: it lowers
    /// accuracy and recall, and leaves precision as it is.
    pub fn add(&mut self, predicted: Option<u32>, right: u32) {
        let has_room = self.counts.len() < Self::MOST;
        match self.counts.iter_mut().find(|(p, r, _)| (*p, *r) == (predicted, right)) {
            Some((.., count)) => *count = count.saturating_add(1),
            None if has_room => self.counts.push((predicted, right, 1)),
            None => {}
        }
    }

    fn count(&self, of: impl Fn(Option<u32>, u32) -> bool) -> f64 {
        // The sum of nothing is -0, which people wonder about.
        self.counts.iter().filter(|(p, r, _)| of(*p, *r)).map(|(.., count)| *count as f64).sum::<f64>() + 0.0
    }

    /// Share of the predictions that are right; `None` of none.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.count(|predicted, right| predicted == Some(right)), self.count(|_, _| true))
    }

    /// How well a class was told from the others.
    pub fn of(&self, class: u32) -> OneClass {
        let hits = self.count(|predicted, right| predicted == Some(class) && right == class);
        let (predicted, right) =
            (self.count(|predicted, _| predicted == Some(class)), self.count(|_, right| right == class));
        OneClass {
            precision: ratio(hits, predicted),
            recall: ratio(hits, right),
            f1: ratio(2.0 * hits, predicted + right),
        }
    }

    /// Each pair of classes that was seen: predicted, right, how often.
    pub fn counts(&self) -> &[(Option<u32>, u32, u64)] {
        &self.counts
    }
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Scores of the positive class, and whether it was right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// By bin.
    bins: BTreeMap<u16, Bin>,
    log_loss: f64,
    squares: f64,
    /// Cases that should have had a score.
    #[serde(default)]
    failed: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bin {
    positives: u64,
    negatives: u64,
    sum: f64,
}

/// The area under a curve of binned scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// The probability that a positive case has a higher score than a negative one, those of one bin counted half.
    pub value: f64,
    /// The area of the scores themselves is at most so far away.
    pub within: f64,
}

/// A receiver operating characteristic: a point for each score at which cases begin to be called positive, from none to
/// all. Empty where one of the classes is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// Share of the negatives that are called positive.
    pub false_positive_rate: Vec<f64>,
    /// Share of the positives that are.
    pub true_positive_rate: Vec<f64>,
}

/// Ten bins of scores: how many scores, their mean, and the share of positive cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// How many scores.
    pub count: u64,
    /// Their mean.
    pub mean_score: f64,
    /// The share of them that is positive.
    pub positive: f64,
}

/// Bins of a thousandth each.
const BINS: f64 = 1_000.0;

/// Minus the logarithm of the probability that was given to what came. Where it was none, that of the smallest step of a double
/// below 1 stands in, as in scikit-learn.
pub fn log_loss(score: f64, is_positive: bool) -> f64 {
    let score = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    if is_positive { -score.ln() } else { -(-score).ln_1p() }
}

/// The squared distance of a probability from what came: 0 or 1 (Brier, 1950).
pub fn brier(score: f64, is_positive: bool) -> f64 {
    (score - f64::from(u8::from(is_positive))).powi(2)
}

impl Scores {
    /// Adds a score. One that is no probability is passed over.
    pub fn add(&mut self, score: f64, is_positive: bool) {
        if !(0.0..=1.0).contains(&score) {
            return;
        }
        // A bin has its upper end, as scikit-learn's have.
        let at = (score * BINS).ceil().max(1.0) as u16;
        let bin = self.bins.entry(at).or_default();
        bin.positives = bin.positives.saturating_add(u64::from(is_positive));
        bin.negatives = bin.negatives.saturating_add(u64::from(!is_positive));
        bin.sum += score;
        self.log_loss += log_loss(score, is_positive);
        self.squares += brier(score, is_positive);
    }

    /// Adds a case that should have had a score, and has none. It has the worst Brier score; the other figures are about scores
    /// alone.
    pub fn add_failure(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    /// How many are positive, and how many are not.
    fn classes(&self) -> (f64, f64) {
        let sum = |of: fn(&Bin) -> u64| self.bins.values().map(|bin| of(bin) as f64).sum();
        (sum(|bin| bin.positives), sum(|bin| bin.negatives))
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.bins.values().fold(0, |sum, bin| sum.saturating_add(bin.positives).saturating_add(bin.negatives))
    }

    /// The mean logarithmic loss; `None` of nothing.
    pub fn log_loss(&self) -> Option<f64> {
        ratio(self.log_loss, self.count() as f64)
    }

    /// The mean squared distance from 0 or 1 (Brier, 1950), failures at a distance of 1; `None` of nothing.
    pub fn brier(&self) -> Option<f64> {
        let failed = self.failed as f64;
        ratio(self.squares + failed, self.count() as f64 + failed)
    }

    /// The area under the ROC curve; `None` where one of the classes is missing.
    pub fn auc(&self) -> Option<Area> {
        let (positives, negatives) = self.classes();
        let (mut below, mut wins, mut ties) = (0.0, 0.0, 0.0);
        for bin in self.bins.values() {
            let (here, others) = (bin.positives as f64, bin.negatives as f64);
            wins += here * (below + others / 2.0);
            ties += here * others;
            below += others;
        }
        let pairs = positives * negatives;
        (pairs > 0.0).then(|| Area { value: wins / pairs, within: ties / pairs / 2.0 })
    }

    /// The ROC curve, a point a bin; empty where one of the classes is missing.
    pub fn roc(&self) -> Roc {
        let (positives, negatives) = self.classes();
        let mut roc = Roc::default();
        if !(positives > 0.0 && negatives > 0.0) {
            return roc;
        }
        let (mut x, mut y) = (0.0, 0.0);
        roc.false_positive_rate.push(x);
        roc.true_positive_rate.push(y);
        for bin in self.bins.values().rev() {
            x += bin.negatives as f64 / negatives;
            y += bin.positives as f64 / positives;
            roc.false_positive_rate.push(x.min(1.0));
            roc.true_positive_rate.push(y.min(1.0));
        }
        roc
    }

    /// Whether scores are what they say, by tenths; those without a score are left out.
    pub fn calibration(&self) -> Vec<CalibrationBin> {
        let mut tenths: BTreeMap<u16, Bin> = BTreeMap::new();
        for (at, bin) in &self.bins {
            let tenth = tenths.entry(at.saturating_sub(1) / 100).or_default();
            tenth.positives = tenth.positives.saturating_add(bin.positives);
            tenth.negatives = tenth.negatives.saturating_add(bin.negatives);
            tenth.sum += bin.sum;
        }
        let told = tenths.into_values().map(|Bin { positives, negatives, sum }| {
            let count = positives.saturating_add(negatives);
            CalibrationBin { count, mean_score: sum / count as f64, positive: positives as f64 / count as f64 }
        });
        told.collect()
    }
}

/// Numbers, and what was predicted for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    count: u64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    spread: f64,
    errors: f64,
    squares: f64,
}

impl Numbers {
    /// Adds a true number, and what was predicted for it. The mean is moved along (Welford, 1962), as sums of squares of large
    /// numbers lose what they differ by.
    pub fn add(&mut self, truth: f64, predicted: f64) {
        self.count = self.count.saturating_add(1);
        let from = truth - self.mean;
        self.mean += from / self.count as f64;
        self.spread += from * (truth - self.mean);
        self.errors += (truth - predicted).abs();
        self.squares += (truth - predicted).powi(2);
    }

    /// The mean of the true ones; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The mean absolute error; `None` of nothing.
    pub fn mae(&self) -> Option<f64> {
        ratio(self.errors, self.count as f64)
    }

    /// The mean squared error; `None` of nothing.
    pub fn mse(&self) -> Option<f64> {
        ratio(self.squares, self.count as f64)
    }

    /// The share of their variance that is predicted; `None` where they do not vary.
    pub fn r2(&self) -> Option<f64> {
        ratio(self.squares, self.spread).map(|rest| 1.0 - rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_predicted_is_wrong_of_its_class_and_of_no_other() {
        let mut confusion = Confusion::default();
        for (predicted, right) in [(Some(1), 1), (Some(1), 0), (Some(0), 0), (None, 1), (None, 1), (None, 0)] {
            confusion.add(predicted, right);
        }
        assert_eq!(confusion.accuracy(), Some(2.0 / 6.0));
        let one = confusion.of(1);
        assert_eq!((one.precision, one.recall, one.f1), (Some(0.5), Some(1.0 / 3.0), Some(0.4)));
        let read: Confusion = serde_json::from_str("[[1,1,7],[null,1,2]]").unwrap();
        assert_eq!(read.counts(), [(Some(1), 1, 7), (None, 1, 2)]);
    }

    #[test]
    fn a_missing_score_has_the_worst_brier_score_and_no_other_figure() {
        let mut scores = Scores::default();
        for (score, is_positive) in [(0.5, true), (0.25, false)] {
            scores.add(score, is_positive);
        }
        let known = scores.clone();
        scores.add_failure();
        assert_eq!(scores.brier(), Some((0.25 + 0.0625 + 1.0) / 3.0));
        assert_eq!((scores.log_loss(), scores.auc(), scores.count()), (known.log_loss(), known.auc(), 2));
        assert_eq!((scores.roc(), scores.calibration()), (known.roc(), known.calibration()));
        let mut alone = Scores::default();
        alone.add_failure();
        assert_eq!((alone.brier(), alone.log_loss()), (Some(1.0), None));
        let before =
            r#"{"bins": {"500": {"positives": 1, "negatives": 0, "sum": 0.5}}, "log_loss": 1.0, "squares": 0.25}"#;
        assert_eq!(serde_json::from_str::<Scores>(before).unwrap().brier(), Some(0.25));
    }
}
