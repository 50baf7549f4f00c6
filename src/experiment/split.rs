//! Whether the traffic is split as the weights say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shares::Shares;
use super::tables::Row;
use super::units;
use crate::assignment::Reason;
use crate::platform::{Database, DatabaseError};
use crate::statistics::{ALPHA, Mismatch, Segment, acceptance_always};

/// The most segments that are told.
const MOST_TOLD: usize = 100;
/// The probability with which each count stays in its band, at every look.
const CONFIDENCE: f64 = 0.95;

/// The test of the sample ratio, which may be looked at at any time. Each revision is a segment of its own. Where assignment
/// sticks, units are counted, each in the first revision that saw it; else requests. Targets are left out, and a variant that
/// failed counts as it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The logarithm of the e-value of all segments together; absent where it is infinite: something was drawn whose weight
    /// is 0.
    pub log_e: Option<f64>,
    /// The probability of what was counted or worse, at any look, if the traffic is split as it should be.
    pub p_value: f64,
    /// Whether it is not.
    pub alarm: bool,
    /// An alarm is a false one with this probability, over all looks.
    pub alpha: f64,
    /// The segments, the newest revision last: the last hundred of them.
    pub segments: Vec<Counts>,
}

/// What was counted of one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// The revision.
    pub revision: String,
    /// What.
    pub counted: CountedAs,
    /// By variant.
    pub variants: Vec<VariantCount>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedAs {
    /// Requests, each drawn by itself.
    Requests,
    /// Units that no earlier revision saw; each has its variant for all of its requests.
    Units,
}

/// One variant's count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantCount {
    /// Its name.
    pub variant: String,
    /// Its count.
    pub count: u64,
    /// The share that it should have, 0 to 1.
    pub expected_share: f64,
    /// With a probability of 95 % its count is never below this, however often one looks.
    pub low: u64,
    /// Nor above this.
    pub high: u64,
}

/// The test, of all that was counted so far.
pub(super) fn of(database: &impl Database, shares: &mut Shares) -> Result<Split, DatabaseError> {
    // Every revision in the order in which it first came, with the counts of its variants.
    let mut counts: Vec<(String, CountedAs, BTreeMap<String, u64>)> = Vec::new();
    let requests = database.execute(
        "SELECT revision, variant, SUM(invocations) FROM sums WHERE span = 0 AND reason = ? GROUP BY revision, variant",
        &[Reason::Weighted.as_str().into()],
    )?;
    let requests = requests.iter().map(|cells| {
        let mut row = Row::of(cells);
        (row.text(), row.text(), row.count())
    });
    let units = units::by_revision(database)?.into_iter();
    let all = requests.map(|row| (CountedAs::Requests, row)).chain(units.map(|row| (CountedAs::Units, row)));
    for (counted, (revision, variant, count)) in all {
        match counts.iter_mut().find(|(known, known_as, _)| *known == revision && *known_as == counted) {
            Some((_, _, variants)) => drop(variants.insert(variant, count)),
            None => counts.push((revision, counted, BTreeMap::from([(variant, count)]))),
        }
    }
    let order = order(database)?;
    counts.sort_by_key(|(revision, ..)| order.get(revision).copied().unwrap_or(0));
    let mut segments = Vec::new();
    let mut told = Vec::new();
    for (revision, counted, counts) in counts {
        shares.see(database, &revision)?;
        // Of a revision that nobody knows nothing is expected.
        let Some(expected) = shares.all(&revision) else { continue };
        // What was drawn of a variant that the revision has not would have a share of 0.
        let strangers = counts.keys().filter(|name| !expected.iter().any(|(known, _)| known == *name));
        let all = expected.iter().map(|(name, share)| (name, *share)).chain(strangers.map(|name| (name, 0.0)));
        let variants: Vec<_> = all.map(|(name, share)| (name, counts.get(name).copied().unwrap_or(0), share)).collect();
        let Ok(segment) = Segment::new(variants.iter().map(|(_, count, share)| (*count, *share))) else { continue };
        segments.push(segment);
        let sum = variants.iter().fold(0u64, |sum, (_, count, _)| sum.saturating_add(*count));
        let variants = variants.into_iter().map(|(name, count, share)| {
            let (low, high) = match u32::try_from(sum) {
                Ok(sum) => acceptance_always(sum, share, CONFIDENCE),
                Err(_) => (0, u32::MAX),
            };
            VariantCount { variant: name.clone(), count, expected_share: share, low: low.into(), high: high.into() }
        });
        told.push(Counts { revision, counted, variants: variants.collect() });
    }
    let mismatch = Mismatch::of(&segments);
    let spare = told.len().saturating_sub(MOST_TOLD);
    told.drain(..spare);
    Ok(Split {
        log_e: Some(mismatch.log_e).filter(|log_e| log_e.is_finite()),
        p_value: mismatch.p_value(),
        alarm: mismatch.is_alarm(),
        alpha: ALPHA,
        segments: told,
    })
}

/// The number of the newest version of each revision.
fn order(database: &impl Database) -> Result<BTreeMap<String, u64>, DatabaseError> {
    let rows = database.execute("SELECT revision, MAX(number) FROM revisions GROUP BY revision", &[])?;
    let order = rows.iter().map(|cells| {
        let mut row = Row::of(cells);
        (row.text(), row.count())
    });
    Ok(order.collect())
}
