//! What SageMaker measures of a variant's invocations, as the lines of a scoreboard say it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scoreboard::Line;

/// A metric of a variant, by SageMaker's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvocationMetric {
    /// 1 a request.
    Invocations,
    /// 1 or 0 a request: the caller's errors.
    #[serde(rename = "Invocation4XXErrors")]
    Errors4xx,
    /// The variant's errors, and those that are nobody's.
    #[serde(rename = "Invocation5XXErrors")]
    Errors5xx,
    /// The variant's alone.
    #[serde(rename = "InvocationModelErrors")]
    ModelErrors,
    /// What was waited for the model host.
    ModelLatency,
}

impl InvocationMetric {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Invocations, Self::Errors4xx, Self::Errors5xx, Self::ModelErrors, Self::ModelLatency];

    /// SageMaker's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invocations => "Invocations",
            Self::Errors4xx => "Invocation4XXErrors",
            Self::Errors5xx => "Invocation5XXErrors",
            Self::ModelErrors => "InvocationModelErrors",
            Self::ModelLatency => "ModelLatency",
        }
    }

    /// CloudWatch's name of its unit.
    pub fn unit(self) -> &'static str {
        if self == Self::ModelLatency { "Microseconds" } else { "None" }
    }

    /// Its statistics in a line; `None` where there is nothing to tell. Of errors, each request says 1 or 0, so that their
    /// average is their rate.
    pub fn statistics(self, line: &Line) -> Option<Statistics> {
        let requests = line.invocations as f64;
        let errors = match self {
            Self::ModelLatency => {
                let latency = line.origin_ms.as_ref()?;
                return Some(Statistics {
                    samples: latency.count as f64,
                    sum: latency.sum * 1000.0,
                    minimum: latency.min * 1000.0,
                    maximum: latency.max * 1000.0,
                    quantiles: latency.asked.iter().map(|ms| ms * 1000.0).collect(),
                });
            }
            Self::Invocations => line.invocations,
            Self::Errors4xx => line.errors.caller,
            Self::Errors5xx => line.errors.variant.saturating_add(line.errors.other),
            Self::ModelErrors => line.errors.variant,
        };
        let one_or_none = |is: bool| f64::from(u8::from(is));
        (requests > 0.0).then(|| Statistics {
            samples: requests,
            sum: errors as f64,
            minimum: one_or_none(errors >= line.invocations),
            maximum: one_or_none(errors > 0),
            quantiles: Vec::new(),
        })
    }
}

/// The statistics of a metric over a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    samples: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
    /// Those that were asked for, in order; only latencies have any.
    pub quantiles: Vec<f64>,
}

impl Statistics {
    /// One of them; of percentiles the first that was asked for.
    pub fn get(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::SampleCount => Some(self.samples),
            Statistic::Sum => Some(self.sum),
            Statistic::Average => Some(self.sum / self.samples),
            Statistic::Minimum => Some(self.minimum),
            Statistic::Maximum => Some(self.maximum),
            Statistic::Percentile(_) => self.quantiles.first().copied(),
        }
    }
}

/// A statistic, by CloudWatch's name.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Statistic {
    /// How many there are.
    SampleCount,
    /// Their sum.
    Sum,
    /// Their mean.
    Average,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// So many percent, 0 to 100, are below.
    Percentile(f64),
}

/// Why a text names no statistic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no statistic here: use SampleCount, Average, Sum, Minimum, Maximum or a percentile such as p99", .0.chars().take(40).collect::<String>().escape_debug())]
pub struct StatisticError(String);

impl Statistic {
    /// Of a percentile, the quantile: p99.9 is 0.999.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Statistic::Percentile(percent) => Some(percent / 100.0),
            _ => None,
        }
    }
}

impl TryFrom<&str> for Statistic {
    type Error = StatisticError;

    fn try_from(name: &str) -> Result<Self, StatisticError> {
        let percent = || {
            let digits = name.strip_prefix('p')?;
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let percent = digits.parse().ok().filter(|_| is_plain)?;
            (0.0..=100.0).contains(&percent).then_some(Statistic::Percentile(percent))
        };
        match name {
            "SampleCount" => Ok(Statistic::SampleCount),
            "Sum" => Ok(Statistic::Sum),
            "Average" => Ok(Statistic::Average),
            "Minimum" => Ok(Statistic::Minimum),
            "Maximum" => Ok(Statistic::Maximum),
            _ => percent().ok_or_else(|| StatisticError(name.to_owned())),
        }
    }
}

impl TryFrom<String> for Statistic {
    type Error = StatisticError;

    fn try_from(name: String) -> Result<Self, StatisticError> {
        Statistic::try_from(name.as_str())
    }
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> String {
        statistic.to_string()
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statistic::SampleCount => f.write_str("SampleCount"),
            Statistic::Sum => f.write_str("Sum"),
            Statistic::Average => f.write_str("Average"),
            Statistic::Minimum => f.write_str("Minimum"),
            Statistic::Maximum => f.write_str("Maximum"),
            Statistic::Percentile(percent) => write!(f, "p{percent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cloudwatchs_and_come_back_as_they_went() {
        for name in ["SampleCount", "Sum", "Average", "Minimum", "Maximum", "p0", "p50", "p99.9", "p100"] {
            assert_eq!(Statistic::try_from(name).unwrap().to_string(), name);
        }
        for bad in ["", "p", "p101", "p-1", "pNaN", "pinf", "p1e1", "99", "tm90", "sum"] {
            assert!(Statistic::try_from(bad).is_err(), "{bad}");
        }
        for metric in InvocationMetric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
        }
    }
}
