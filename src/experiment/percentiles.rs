//! Distributions of milliseconds, as they are told.

use serde::{Deserialize, Serialize};

use super::sums::Latency;

/// A distribution of milliseconds, each within 1 %.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many durations.
    pub count: u64,
    /// Their sum, in milliseconds.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// 90 % are below.
    pub p90: f64,
    /// 99 % are below.
    pub p99: f64,
    /// The largest.
    pub max: f64,
    /// Those that were asked for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<f64>,
}

impl Percentiles {
    /// Of what was recorded, with other quantiles if some are asked for; `None` of nothing.
    pub fn of(latency: &Latency, quantiles: &[f64]) -> Option<Self> {
        let (min, max) = latency.range()?;
        let at = |q| latency.quantile(q).unwrap_or(max).clamp(min, max);
        Some(Percentiles {
            count: latency.count(),
            sum: latency.sum(),
            min,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max,
            asked: quantiles.iter().map(|q| at(*q)).collect(),
        })
    }
}
