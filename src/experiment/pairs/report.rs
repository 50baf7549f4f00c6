//! What is told of pairs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sums::{Differences, PairSums};
use crate::experiment::percentiles::Percentiles;
use crate::experiment::tables::Row;
use crate::payload::Predicted;
use crate::platform::{Database, DatabaseError};

/// Shadows beside the variants whose requests they were shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// A line a shadow and variant.
    pub pairs: Vec<PairLine>,
    /// The rows on which they differ most, of the last seven days, at most a hundred of each shadow.
    pub disagreements: Vec<Disagreed>,
}

/// A shadow beside one variant, on the same requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairLine {
    /// The variant that was assigned.
    pub variant: String,
    /// The shadow.
    pub shadow: String,
    /// Requests that the shadow was asked about.
    pub requests: u64,
    /// Requests that it was to be asked about and was not: too much was asked at once, or its model found no memory.
    pub skipped: u64,
    /// Requests whose predictions could not be kept for outcomes.
    pub unkept: u64,
    /// Who failed.
    pub failed: PairFailures,
    /// How often both told the same class; absent where neither tells one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// The shadow's scores, or numbers, less the variant's; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<DifferenceOfScores>,
    /// What was waited for the variant's origin, on these requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_ms: Option<Percentiles>,
    /// What was waited for the shadow's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow_ms: Option<Percentiles>,
}

/// Requests that were failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairFailures {
    /// By the variant.
    pub variant: u64,
    /// By the shadow.
    pub shadow: u64,
    /// Of both counts, those that both failed.
    pub both: u64,
    /// Of the shadow's, those that it does not take.
    pub unread: u64,
}

/// How often two tell the same class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Rows for which both told one.
    pub rows: u64,
    /// Of these, the ones for which it was the same.
    pub same: u64,
    /// The share of these.
    pub rate: f64,
}

/// How far the scores or numbers of two are apart, each quantile within 1 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceOfScores {
    /// Rows for which both have one.
    pub rows: u64,
    /// The mean.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// 5 % are below.
    pub p5: f64,
    /// 25 % are below.
    pub p25: f64,
    /// The median.
    pub p50: f64,
    /// 75 % are below.
    pub p75: f64,
    /// 95 % are below.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

/// A row on which a shadow and the variant differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disagreed {
    /// The variant that was assigned.
    pub variant: String,
    /// The shadow.
    pub shadow: String,
    /// The inference id.
    pub inference_id: String,
    /// The row, from 0 on.
    pub row: u64,
    /// When the request came in, in milliseconds since the Unix epoch.
    pub at_ms: f64,
    /// How far apart they are: the difference of the scores or numbers, and 1 more where the classes differ.
    pub size: f64,
    /// What the variant predicted.
    pub variant_said: Said,
    /// What the shadow did.
    pub shadow_said: Said,
}

/// A prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// A class, by its name where an outcome has told it, and its score.
    Class {
        /// Its name.
        label: String,
        /// The probability of the positive class.
        #[serde(skip_serializing_if = "Option::is_none")]
        score: Option<f64>,
    },
    /// A number.
    Number {
        /// It.
        value: f64,
    },
}

impl Said {
    fn of(predicted: Predicted, names: &BTreeMap<u32, String>) -> Self {
        match predicted {
            Predicted::Class { class, score } => {
                Said::Class { label: names.get(&class).cloned().unwrap_or_else(|| format!("#{class:08x}")), score }
            }
            Predicted::Number(value) => Said::Number { value },
        }
    }
}

/// The lines of all pairs.
pub fn lines(database: &impl Database) -> Result<Vec<PairLine>, DatabaseError> {
    let rows = database.execute("SELECT variant, shadow, sums FROM pairs ORDER BY shadow, variant", &[])?;
    let lines = rows.iter().filter_map(|cells| {
        let mut row = Row::of(cells);
        let (variant, shadow) = (row.text(), row.text());
        let sums: PairSums = serde_json::from_str(&row.text()).ok()?;
        Some(PairLine {
            variant,
            shadow,
            requests: sums.requests,
            skipped: sums.skipped,
            unkept: sums.unkept,
            failed: PairFailures {
                variant: sums.variant_failed,
                shadow: sums.shadow_failed,
                both: sums.both_failed,
                unread: sums.unread,
            },
            agreement: (sums.labels > 0).then(|| Agreement {
                rows: sums.labels,
                same: sums.same,
                rate: sums.same as f64 / sums.labels as f64,
            }),
            difference: DifferenceOfScores::of(&sums.differences),
            variant_ms: Percentiles::of(&sums.variant_ms, &[]),
            shadow_ms: Percentiles::of(&sums.shadow_ms, &[]),
        })
    });
    Ok(lines.collect())
}

impl DifferenceOfScores {
    fn of(differences: &Differences) -> Option<Self> {
        let at = |q| differences.quantile(q);
        Some(DifferenceOfScores {
            rows: differences.count(),
            mean: differences.mean()?,
            min: at(0.0)?,
            p5: at(0.05)?,
            p25: at(0.25)?,
            p50: at(0.5)?,
            p75: at(0.75)?,
            p95: at(0.95)?,
            max: at(1.0)?,
        })
    }
}

/// The lines of all pairs, and the rows on which they differ most. `names` has those of classes.
pub fn report(database: &impl Database, names: &BTreeMap<u32, String>) -> Result<Pairs, DatabaseError> {
    let rows = database.execute(
        "SELECT variant, shadow, id, row, at_ms, size, said FROM disagreements ORDER BY shadow, size DESC, at_ms DESC",
        &[],
    )?;
    let disagreements = rows.iter().filter_map(|cells| {
        let mut row = Row::of(cells);
        let (variant, shadow, inference_id) = (row.text(), row.text(), row.text());
        let (number, at_ms, size) = (row.count(), row.number(), row.number());
        let (a, b): (Predicted, Predicted) = serde_json::from_str(&row.text()).ok()?;
        let (variant_said, shadow_said) = (Said::of(a, names), Said::of(b, names));
        Some(Disagreed { variant, shadow, inference_id, row: number, at_ms, size, variant_said, shadow_said })
    });
    Ok(Pairs { pairs: lines(database)?, disagreements: disagreements.collect() })
}
