//! Sums of records. They add up whatever the order and however they are parted.

use std::fmt;

use serde::{Deserialize, Serialize};
use sketches_ddsketch::{Config, DDSketch};

/// What is summed of records that have the same [`Counted`](super::Counted).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// Requests.
    pub invocations: u64,
    /// Rows that were predicted, as far as they are known.
    pub rows: u64,
    /// Requests that could not be answered, and the caller was at fault.
    pub caller_errors: u64,
    /// Requests that the variant failed, whether another answered or not.
    pub variant_errors: u64,
    /// Requests that could not be answered for another reason: the configuration's, the store's, the worker's own.
    pub other_errors: u64,
    /// Of `variant_errors`, those that the fallback answered.
    pub fallbacks: u64,
    /// Requests that an origin answered later than the endpoint's guardrail has it.
    pub slow: u64,
    /// Bytes of the requests' bodies.
    pub bytes_in: u64,
    /// Bytes of the responses' bodies.
    pub bytes_out: u64,
    /// Milliseconds waited for origins.
    #[serde(skip_serializing_if = "Latency::is_empty")]
    pub origin_ms: Latency,
}

impl Sums {
    /// Adds others.
    pub fn add(&mut self, other: &Sums) {
        let sums = [
            (&mut self.invocations, other.invocations),
            (&mut self.rows, other.rows),
            (&mut self.caller_errors, other.caller_errors),
            (&mut self.variant_errors, other.variant_errors),
            (&mut self.other_errors, other.other_errors),
            (&mut self.fallbacks, other.fallbacks),
            (&mut self.slow, other.slow),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.bytes_out, other.bytes_out),
        ];
        add_each(sums);
        self.origin_ms.merge(&other.origin_ms);
    }
}

/// Adds to each count.
pub fn add_each<const N: usize>(counts: [(&mut u64, u64); N]) {
    for (count, more) in counts {
        *count = count.saturating_add(more);
    }
}

/// A distribution of milliseconds, as a sketch that merges: quantiles are within 1 % (DDSketch: Masson, Rim and Lee, "DDSketch:
/// a fast and fully-mergeable quantile sketch with relative-error guarantees", 2019).
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latency(Option<Box<DDSketch>>);

impl Latency {
    /// Bins of 2 %: as many as lie between a microsecond and a quarter of an hour.
    const MOST_BINS: u32 = 1024;

    fn config() -> Config {
        Config::new(0.01, Self::MOST_BINS, 1e-3)
    }

    /// Adds a duration. What is none, such as NaN, is passed over.
    pub fn record(&mut self, ms: f64) {
        if ms.is_finite() && ms >= 0.0 {
            self.0.get_or_insert_with(|| Box::new(DDSketch::new(Self::config()))).add(ms);
        }
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Latency) {
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

    /// How many durations.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |sketch| u64::try_from(sketch.count()).unwrap_or(u64::MAX))
    }

    /// Their sum, in milliseconds.
    pub fn sum(&self) -> f64 {
        self.0.as_ref().and_then(|sketch| sketch.sum()).unwrap_or(0.0)
    }

    /// The smallest and the largest, in milliseconds; `None` of nothing.
    pub fn range(&self) -> Option<(f64, f64)> {
        let sketch = self.0.as_ref()?;
        Some((sketch.min()?, sketch.max()?))
    }

    /// A quantile, 0 to 1, in milliseconds; `None` of nothing.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.0.as_ref()?.quantile(q).ok()?
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Latency({} of {} ms in all)", self.count(), self.sum())
    }
}

impl PartialEq for Latency {
    /// Whether they say the same: the order in which durations were added does not count.
    fn eq(&self, other: &Self) -> bool {
        let quantiles = |latency: &Latency| [0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0].map(|q| latency.quantile(q));
        self.count() == other.count() && quantiles(self) == quantiles(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_one_percent_however_the_durations_are_parted() {
        let durations: Vec<f64> = (1..=10_000u32).map(|i| 0.05 * 1.0015f64.powf(f64::from(i))).collect();
        let mut whole = Latency::default();
        let mut parts = vec![Latency::default(); 7];
        for (at, ms) in durations.iter().enumerate() {
            whole.record(*ms);
            parts[at % 7].record(*ms);
        }
        let mut merged = Latency::default();
        for part in parts.iter().rev() {
            let text = serde_json::to_string(part).unwrap();
            merged.merge(&serde_json::from_str(&text).unwrap());
        }
        assert_eq!(merged, whole);
        for q in [0.01, 0.1, 0.5, 0.9, 0.99, 0.999] {
            let exact = durations[(q * 9_999.0) as usize];
            let told = merged.quantile(q).unwrap();
            assert!((told / exact - 1.0).abs() <= 0.0101, "{q}: {told} for {exact}");
        }
        assert_eq!((merged.count(), merged.range().map(|(low, _)| low)), (10_000, durations.first().copied()));
    }

    #[test]
    fn what_is_no_duration_is_passed_over() {
        let mut latency = Latency::default();
        for ms in [f64::NAN, f64::INFINITY, -1.0] {
            latency.record(ms);
        }
        assert!(latency.is_empty());
        latency.record(0.0);
        latency.record(1e12);
        assert_eq!((latency.count(), latency.quantile(0.0)), (2, Some(0.0)));
        assert!(!serde_json::to_string(&Sums::default()).unwrap().contains("origin_ms"));
        assert_eq!(serde_json::from_str::<Sums>("{}").unwrap(), Sums::default());
    }
}
