//! Sums over requests that two variants were asked about. They add up whatever the order and however they are parted.

use std::fmt;

use serde::{Deserialize, Serialize};
use sketches_ddsketch::{Config, DDSketch};

use super::attempt::{Attempt, Shadowed};
use crate::experiment::sums::{Latency, add_each};
use crate::payload::Predicted;

/// What is summed of a variant and one shadow of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PairSums {
    /// Requests that the shadow was asked about.
    pub requests: u64,
    /// Requests that it was to be asked about and was not, as too much was asked at once or its model found no memory.
    pub skipped: u64,
    /// Requests whose predictions could not be kept for outcomes.
    pub unkept: u64,
    /// Requests that the variant failed, the shadow failed, and both did.
    pub variant_failed: u64,
    /// See `variant_failed`.
    pub shadow_failed: u64,
    /// See `variant_failed`.
    pub both_failed: u64,
    /// Of those that the shadow failed, the ones that it does not take: another model, with other columns perhaps.
    pub unread: u64,
    /// Rows for which both told a class.
    pub labels: u64,
    /// Of these, the ones for which it was the same.
    pub same: u64,
    /// The shadow's scores, or numbers, less the variant's.
    #[serde(skip_serializing_if = "Differences::is_empty")]
    pub differences: Differences,
    /// Milliseconds waited for the variant's origin, on these requests.
    #[serde(skip_serializing_if = "Latency::is_empty")]
    pub variant_ms: Latency,
    /// Milliseconds waited for the shadow's.
    #[serde(skip_serializing_if = "Latency::is_empty")]
    pub shadow_ms: Latency,
}

/// What a shadow made of the requests of a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairShare {
    /// The variant that was assigned.
    pub variant: String,
    /// The shadow.
    pub shadow: String,
    /// Sums over the requests.
    pub sums: PairSums,
    /// The rows on which they differ most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disagreements: Vec<Disagreement>,
}

/// A row on which the two differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The inference id.
    pub id: String,
    /// The row, from 0 on.
    pub row: u32,
    /// When the request came in, in milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// How far apart they are: the difference of the scores or numbers, and 1 more where the classes differ.
    pub size: f64,
    /// What the variant predicted.
    pub variant: Predicted,
    /// What the shadow did.
    pub shadow: Predicted,
}

impl PairSums {
    /// Adds what the two made of a request.
    pub fn add(&mut self, variant: &Attempt, shadow: &Attempt) {
        let one = |truth: bool| u64::from(truth);
        let counts = [
            (&mut self.requests, 1),
            (&mut self.variant_failed, one(variant.failed)),
            (&mut self.shadow_failed, one(shadow.failed)),
            (&mut self.both_failed, one(variant.failed && shadow.failed)),
            (&mut self.unread, one(shadow.unread)),
        ];
        add_each(counts);
        for (latency, ms) in [(&mut self.variant_ms, variant.origin_ms), (&mut self.shadow_ms, shadow.origin_ms)] {
            if let Some(ms) = ms {
                latency.record(ms);
            }
        }
        for (a, b) in both(variant, shadow) {
            if let (Predicted::Class { class: a, .. }, Predicted::Class { class: b, .. }) = (a, b) {
                self.labels = self.labels.saturating_add(1);
                self.same = self.same.saturating_add(one(a == b));
            }
            if let Some(difference) = difference(a, b) {
                self.differences.record(difference);
            }
        }
    }

    /// Adds others.
    pub fn merge(&mut self, other: &PairSums) {
        let counts = [
            (&mut self.requests, other.requests),
            (&mut self.skipped, other.skipped),
            (&mut self.unkept, other.unkept),
            (&mut self.variant_failed, other.variant_failed),
            (&mut self.shadow_failed, other.shadow_failed),
            (&mut self.both_failed, other.both_failed),
            (&mut self.unread, other.unread),
            (&mut self.labels, other.labels),
            (&mut self.same, other.same),
        ];
        add_each(counts);
        self.differences.merge(&other.differences);
        self.variant_ms.merge(&other.variant_ms);
        self.shadow_ms.merge(&other.shadow_ms);
    }
}

impl Disagreement {
    /// The rows on which a variant and one of its shadows differ.
    pub fn all(of: &Shadowed, shadow: &Attempt) -> impl Iterator<Item = Disagreement> {
        (0u32..).zip(rows(&of.answered, shadow)).filter_map(move |(row, pair)| {
            let (variant, shadow) = pair?;
            let size = difference(variant, shadow).unwrap_or(0.0).abs() + f64::from(u8::from(differ(variant, shadow)));
            (size > 0.0).then(|| Disagreement { id: of.id.clone(), row, time_ms: of.time_ms, size, variant, shadow })
        })
    }
}

/// What both predicted, by row; `None` of a row for which one has not told it.
fn rows(a: &Attempt, b: &Attempt) -> impl Iterator<Item = Option<(Predicted, Predicted)>> {
    a.predicted.iter().zip(&b.predicted).map(|(a, b)| Some(((*a)?, (*b)?)))
}

fn both(a: &Attempt, b: &Attempt) -> impl Iterator<Item = (Predicted, Predicted)> {
    rows(a, b).flatten()
}

fn differ(a: Predicted, b: Predicted) -> bool {
    matches!((a, b), (Predicted::Class { class: a, .. }, Predicted::Class { class: b, .. }) if a != b)
}

/// The score or number of the second, less that of the first; `None` where one has none.
fn difference(a: Predicted, b: Predicted) -> Option<f64> {
    let figure = |predicted| match predicted {
        Predicted::Class { score, .. } => score,
        Predicted::Number(number) => Some(number),
    };
    Some(figure(b)? - figure(a)?).filter(|difference| difference.is_finite())
}

/// A distribution of differences, below and above 0, as a sketch that merges: quantiles are within 1 %.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Differences(Option<Box<DDSketch>>);

impl Differences {
    /// What is nearer to 0 counts as 0.
    const LEAST: f64 = 1e-6;
    /// Bins of 2 %, for each sign: a factor of 10^17 from the smallest to the largest.
    const MOST_BINS: u32 = 2048;

    fn record(&mut self, difference: f64) {
        let config = || Config::new(0.01, Self::MOST_BINS, Self::LEAST);
        self.0.get_or_insert_with(|| Box::new(DDSketch::new(config()))).add(difference);
    }

    fn merge(&mut self, other: &Differences) {
        let Some(other) = &other.0 else { return };
        match &mut self.0 {
            // Sketches that were made otherwise cannot be merged; there are none.
            Some(sketch) => drop(sketch.merge(other)),
            empty => *empty = Some(other.clone()),
        }
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |sketch| u64::try_from(sketch.count()).unwrap_or(u64::MAX))
    }

    /// Their mean; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        let sketch = self.0.as_ref()?;
        Some(sketch.sum()? / sketch.count() as f64)
    }

    /// A quantile, 0 to 1; `None` of nothing.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let sketch = self.0.as_ref()?;
        Some(sketch.quantile(q).ok()??.clamp(sketch.min()?, sketch.max()?))
    }
}

impl fmt::Debug for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Differences({} of mean {:?})", self.count(), self.mean())
    }
}

impl PartialEq for Differences {
    /// Whether they say the same: the order in which they were added does not count.
    fn eq(&self, other: &Self) -> bool {
        let quantiles = |kept: &Differences| [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0].map(|q| kept.quantile(q));
        self.count() == other.count() && quantiles(self) == quantiles(other)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn class(class: u32, score: f64) -> Option<Predicted> {
        Some(Predicted::Class { class, score: Some(score) })
    }

    fn answered(predicted: Vec<Option<Predicted>>) -> Attempt {
        Attempt { predicted, ..Attempt::default() }
    }

    #[test]
    fn what_two_made_of_a_request_is_compared_row_by_row() {
        let variant = answered(vec![class(1, 0.75), class(0, 0.25), None, class(1, 0.5)]);
        let shadow = answered(vec![class(1, 0.5), class(1, 0.75), class(1, 1.0)]);
        let mut sums = PairSums::default();
        sums.add(&variant, &shadow);
        assert_eq!((sums.requests, sums.labels, sums.same, sums.differences.count()), (1, 2, 1, 2));
        assert_eq!(sums.differences.mean(), Some(0.125));
        let of = Shadowed {
            id: "id".to_owned(),
            time_ms: 1.0,
            unit: None,
            variant: "a".to_owned(),
            answered: variant,
            shadows: Vec::new(),
        };
        let sizes: Vec<(u32, f64)> = Disagreement::all(&of, &shadow).map(|each| (each.row, each.size)).collect();
        assert_eq!(sizes, [(0, 0.25), (1, 1.5)]);
        // What failed is counted, and not compared.
        let failed = Attempt { failed: true, unread: true, ..Attempt::default() };
        sums.add(&of.answered, &failed);
        sums.add(&failed, &failed);
        assert_eq!((sums.requests, sums.variant_failed, sums.shadow_failed, sums.both_failed), (3, 1, 2, 1));
        assert_eq!((sums.labels, sums.unread), (2, 2));
    }

    #[test]
    fn sums_are_the_same_however_requests_are_parted() {
        let numbers: Vec<f64> = (-500..500).map(|i| f64::from(i).powi(3) * 1e-4).collect();
        let pair = |number: f64| {
            (answered(vec![Some(Predicted::Number(1.0))]), answered(vec![Some(Predicted::Number(1.0 + number))]))
        };
        let (mut whole, mut parts) = (PairSums::default(), vec![PairSums::default(); 3]);
        for (at, number) in numbers.iter().enumerate() {
            let (a, b) = pair(*number);
            whole.add(&a, &b);
            if let Some(part) = parts.get_mut(at % 3) {
                part.add(&a, &b);
            }
        }
        let mut merged = PairSums::default();
        for part in parts.iter().rev() {
            merged.merge(&serde_json::from_str(&serde_json::to_string(part).unwrap()).unwrap());
        }
        assert_eq!(merged, whole);
        for (q, exact) in [(0.05, numbers[50]), (0.25, numbers[250]), (0.95, numbers[949])] {
            let told = merged.differences.quantile(q).unwrap();
            assert!((told / exact - 1.0).abs() < 0.02, "{q}: {told} for {exact}");
        }
        assert_eq!(serde_json::from_str::<PairSums>("{}").unwrap(), PairSums::default());
    }
}
