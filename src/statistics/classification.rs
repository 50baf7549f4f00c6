//! How good a binary classifier is on cases whose truth is known.

use serde::{Deserialize, Serialize};

/// What can be said of a classifier from its scores on some cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// How many cases.
    pub rows: usize,
    /// Called positive, and are.
    pub true_positives: usize,
    /// Called positive, and are not.
    pub false_positives: usize,
    /// Called negative, but are positive.
    pub false_negatives: usize,
    /// Called negative, and are.
    pub true_negatives: usize,
    /// Share of the cases that are called right.
    pub accuracy: f64,
    /// Share of those called positive that are; `None` where none is called so.
    pub precision: Option<f64>,
    /// Share of the positives that are called so; `None` where there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall; `None` where nothing is positive or called so.
    pub f1: Option<f64>,
    /// The probability that a positive case has a higher score than a negative one, ties counted half: the area under the
    /// ROC curve (Hanley and McNeil, 1982). `None` where one of the classes is missing.
    pub auc: Option<f64>,
    /// The curve.
    pub roc: Roc,
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

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgementError {
    /// No cases.
    #[error("there are no cases to judge by")]
    Empty,
    /// Not a score for each case.
    #[error("there are {scores} scores for {cases} cases")]
    Lengths {
        /// How many cases.
        cases: usize,
        /// How many scores.
        scores: usize,
    },
    /// A score is no number.
    #[error("a score is not a number")]
    NotANumber,
}

/// Judges by the truth of each case and its score; a case is called positive if its score is above `threshold`.
///
/// ```
/// let judgement = turnout::statistics::judge(&[true, false, true, false], &[0.9, 0.2, 0.4, 0.1], 0.5)?;
/// assert_eq!(judgement.accuracy, 0.75);
/// # Ok::<(), turnout::statistics::JudgementError>(())
/// ```
///
/// # Errors
/// If there are no cases, not as many scores, or one that is no number.
pub fn judge(truth: &[bool], scores: &[f64], threshold: f64) -> Result<Judgement, JudgementError> {
    if truth.len() != scores.len() {
        return Err(JudgementError::Lengths { cases: truth.len(), scores: scores.len() });
    }
    if truth.is_empty() {
        return Err(JudgementError::Empty);
    }
    if scores.iter().chain([&threshold]).any(|score| score.is_nan()) {
        return Err(JudgementError::NotANumber);
    }
    let mut cases: Vec<(bool, f64)> = truth.iter().copied().zip(scores.iter().copied()).collect();
    let count = |is: bool, called: bool| {
        cases.iter().filter(|(truth, score)| *truth == is && (*score > threshold) == called).count()
    };
    let (true_positives, false_positives) = (count(true, true), count(false, true));
    let (false_negatives, true_negatives) = (count(true, false), count(false, false));
    cases.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let (roc, auc) = curve(&cases).unzip();
    Ok(Judgement {
        rows: truth.len(),
        true_positives,
        false_positives,
        false_negatives,
        true_negatives,
        accuracy: share(true_positives.saturating_add(true_negatives), truth.len()).unwrap_or_default(),
        precision: share(true_positives, true_positives.saturating_add(false_positives)),
        recall: share(true_positives, true_positives.saturating_add(false_negatives)),
        f1: share(
            true_positives.saturating_mul(2),
            true_positives.saturating_mul(2).saturating_add(false_positives).saturating_add(false_negatives),
        ),
        auc,
        roc: roc.unwrap_or_default(),
    })
}

/// The curve and the area under it, of cases in descending order of their scores. Cases of one score move together, so
/// that a tie is a straight line and counts half.
fn curve(cases: &[(bool, f64)]) -> Option<(Roc, f64)> {
    let positives = cases.iter().filter(|(truth, _)| *truth).count();
    let negatives = cases.len().saturating_sub(positives);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut roc, mut area) = (Roc { false_positive_rate: vec![0.0], true_positive_rate: vec![0.0] }, 0.0);
    let (mut x, mut y) = (0.0, 0.0);
    let (mut true_positives, mut false_positives) = (0usize, 0usize);
    for tied in cases.chunk_by(|(_, a), (_, b)| a == b) {
        let positive = tied.iter().filter(|(truth, _)| *truth).count();
        true_positives = true_positives.saturating_add(positive);
        false_positives = false_positives.saturating_add(tied.len().saturating_sub(positive));
        let next = (false_positives as f64 / negatives as f64, true_positives as f64 / positives as f64);
        area += (next.0 - x) * (next.1 + y) / 2.0;
        (x, y) = next;
        roc.false_positive_rate.push(x);
        roc.true_positive_rate.push(y);
    }
    Some((roc, area))
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// Truth and scores with ties, and what scikit-learn 1.9.1 says of them.
    const TRUTH: [bool; 12] = [true, false, true, true, false, false, true, false, false, true, false, false];
    const SCORES: [f64; 12] = [0.9, 0.8, 0.8, 0.6, 0.6, 0.55, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1];

    #[test]
    fn the_figures_are_scikit_learns() {
        let judged = judge(&TRUTH, &SCORES, 0.5).unwrap();
        let close = |given: Option<f64>, expected: f64| given.is_some_and(|given| (given - expected).abs() < 1e-12);
        assert!(close(Some(judged.accuracy), 0.5833333333333334));
        assert!(close(judged.precision, 0.5));
        assert!(close(judged.recall, 0.6));
        assert!(close(judged.f1, 0.5454545454545454));
        assert!(close(judged.auc, 0.7));
        let roc = judged.roc;
        assert_eq!(
            roc.false_positive_rate,
            [
                0.0,
                0.0,
                0.14285714285714285,
                0.2857142857142857,
                0.42857142857142855,
                0.5714285714285714,
                0.7142857142857143,
                0.7142857142857143,
                0.8571428571428571,
                1.0
            ]
        );
        assert_eq!(roc.true_positive_rate, [0.0, 0.2, 0.4, 0.6, 0.6, 0.8, 0.8, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        let judged = judge(&[true, true], &[0.1, 0.2], 0.5).unwrap();
        assert_eq!((judged.accuracy, judged.precision, judged.recall), (0.0, None, Some(0.0)));
        assert_eq!((judged.f1, judged.auc, judged.roc), (Some(0.0), None, Roc::default()));
        let judged = judge(&[false], &[0.1], 0.5).unwrap();
        assert_eq!((judged.accuracy, judged.recall, judged.f1), (1.0, None, None));
        assert_eq!(judge(&[], &[], 0.5), Err(JudgementError::Empty));
        assert_eq!(judge(&[true], &[], 0.5), Err(JudgementError::Lengths { cases: 1, scores: 0 }));
        assert_eq!(judge(&[true], &[f64::NAN], 0.5), Err(JudgementError::NotANumber));
    }

    #[test]
    fn scores_alone_decide_the_area() {
        assert_eq!(judge(&[true, false], &[1.0, 0.0], 0.5).unwrap().auc, Some(1.0));
        assert_eq!(judge(&[true, false], &[0.0, 1.0], 0.5).unwrap().auc, Some(0.0));
        assert_eq!(judge(&[true, false], &[f64::INFINITY, f64::INFINITY], 0.5).unwrap().auc, Some(0.5));
    }
}
