//! Outcomes of requests that shadows were asked about: with each, a variant and a shadow are compared on the same request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Shadowed};
use crate::endpoint::Truth;
use crate::experiment::measure::{Answered, Measure, Unit};
use crate::experiment::tables::Row;
use crate::platform::{Cell, Database, DatabaseError};
use crate::statistics::{McNemar, PairedSums};

/// So long an outcome waits to be told what shadows predicted: isolates send that within seconds.
const WAITS_MS: f64 = 600_000.0;
/// Beyond so many bytes of the database, no more requests are kept than there are.
const MOST_BYTES: u64 = 2 << 30;
/// The most requests that are forgotten at once.
const MOST_FORGOTTEN: u64 = 10_000;

/// What is summed over the outcomes of a variant and a shadow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Paired {
    /// The shadow's values of the metric, less the variant's.
    pub differences: PairedSums,
    /// The variant's values.
    pub of_variant: f64,
    /// The shadow's.
    pub of_shadow: f64,
    /// Of accuracies: how often both were right.
    pub both: u64,
    /// Only the variant.
    pub only_variant: u64,
    /// Only the shadow.
    pub only_shadow: u64,
    /// Neither.
    pub neither: u64,
    /// How often only one of them was right: of each unit the first time alone, so that each stands for itself.
    pub discordant: McNemar,
}

/// Where outcomes meet what shadows predicted.
pub struct Pairing<'a, D> {
    database: &'a D,
    measure: &'a Measure<'a>,
    sums: BTreeMap<(String, String), Paired>,
    now_ms: f64,
}

impl<'a, D: Database> Pairing<'a, D> {
    /// Where there may be something to compare.
    pub fn new(database: &'a D, measure: &'a Measure<'a>, now_ms: f64) -> Result<Option<Self>, DatabaseError> {
        let may_be = measure.has_shadows || !database.execute("SELECT 1 FROM shadowed LIMIT 1", &[])?.is_empty();
        Ok(may_be.then(|| Pairing { database, measure, sums: BTreeMap::new(), now_ms }))
    }

    /// Counts an outcome, which has not been counted before; of a request that was made at that time.
    pub fn outcome(&mut self, id: &str, row: u32, truth: &Truth, made_ms: f64) -> Result<(), DatabaseError> {
        let rows = self.database.execute("SELECT shadowed FROM shadowed WHERE id = ?", &[id.into()])?;
        let known = rows.first().and_then(|cells| serde_json::from_str::<Shadowed>(&Row::of(cells).text()).ok());
        match known {
            Some(shadowed) => {
                if shadowed.rows() == 1 {
                    self.database.execute("DELETE FROM shadowed WHERE id = ?", &[id.into()])?;
                }
                self.compare(&shadowed, row, truth)
            }
            None if self.measure.has_shadows && self.now_ms - made_ms < WAITS_MS => {
                let truth = serde_json::to_string(truth).map_err(|error| DatabaseError(error.to_string()))?;
                self.database.execute(
                    "INSERT OR IGNORE INTO unpaired (id, row, at_ms, truth) VALUES (?, ?, ?, ?)",
                    &[id.into(), Cell::count(row.into()), self.now_ms.into(), truth.into()],
                )?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn compare(&mut self, shadowed: &Shadowed, row: u32, truth: &Truth) -> Result<(), DatabaseError> {
        let Ok(at) = usize::try_from(row) else { return Ok(()) };
        let unit = Unit::of_request(shadowed.unit, &shadowed.id, shadowed.rows() > 1);
        let value = |attempt: &Attempt| {
            // By pairs a variant stands for itself, whoever stood in for it.
            let answered = if attempt.failed { Answered::Nobody } else { Answered::Assigned(attempt.of_row(at)) };
            self.measure.value(answered, truth)
        };
        let of_variant = value(&shadowed.answered);
        for (shadow, answered) in &shadowed.shadows {
            let Some(values) = of_variant.zip(value(answered)) else { continue };
            let reach = self.measure.reach(shadowed.answered.of_row(at), answered.of_row(at));
            self.add((&shadowed.variant, shadow), unit, values, reach)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        (variant, shadow): (&str, &str),
        unit: Unit,
        (of_variant, of_shadow): (f64, f64),
        reach: f64,
    ) -> Result<(), DatabaseError> {
        let key = (variant.to_owned(), shadow.to_owned());
        if !self.sums.contains_key(&key) {
            self.sums.insert(key.clone(), paired(self.database, variant, shadow)?);
        }
        let difference = of_shadow - of_variant;
        let is_discordant = self.measure.is_accuracy() && difference != 0.0;
        let (before, was_discordant) = match unit {
            Unit::Alone => (None, false),
            Unit::Of(unit) => self.add_to_unit(variant, shadow, unit, difference, is_discordant)?,
        };
        let paired = self.sums.entry(key).or_default();
        paired.differences.add(difference, reach, before);
        paired.of_variant += of_variant;
        paired.of_shadow += of_shadow;
        if self.measure.is_accuracy() {
            let count = match (of_variant > 0.5, of_shadow > 0.5) {
                (true, true) => &mut paired.both,
                (true, false) => &mut paired.only_variant,
                (false, true) => &mut paired.only_shadow,
                (false, false) => &mut paired.neither,
            };
            *count = count.saturating_add(1);
            if is_discordant && !was_discordant {
                let count = if difference > 0.0 {
                    &mut paired.discordant.only_variant
                } else {
                    &mut paired.discordant.only_baseline
                };
                *count = count.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Adds to what is kept of a unit; gives what was: how many and the sum, and whether one alone had been right.
    fn add_to_unit(
        &self,
        variant: &str,
        shadow: &str,
        unit: u64,
        difference: f64,
        is_discordant: bool,
    ) -> Result<(Option<(f64, f64)>, bool), DatabaseError> {
        let key = [variant.into(), shadow.into(), Cell::count(unit)];
        let rows = self
            .database
            .execute("SELECT n, d, discordant FROM paired_units WHERE variant = ? AND shadow = ? AND unit = ?", &key)?;
        let known = rows.first().map(|cells| {
            let mut row = Row::of(cells);
            ((row.number(), row.number()), row.count() > 0)
        });
        let [variant, shadow, unit] = key;
        let is_discordant = Cell::count(is_discordant.into());
        self.database.execute(
            "INSERT INTO paired_units (variant, shadow, unit, n, d, discordant) VALUES (?, ?, ?, 1, ?, ?)
                ON CONFLICT (variant, shadow, unit)
                DO UPDATE SET n = n + 1, d = d + excluded.d, discordant = max(discordant, excluded.discordant)",
            &[variant, shadow, unit, difference.into(), is_discordant],
        )?;
        Ok(known.map_or((None, false), |(before, was)| (Some(before), was)))
    }

    /// Puts what has changed into the database.
    pub fn save(self) -> Result<(), DatabaseError> {
        for ((variant, shadow), paired) in &self.sums {
            let text = serde_json::to_string(paired).map_err(|error| DatabaseError(error.to_string()))?;
            self.database.execute(
                "INSERT OR REPLACE INTO paired (variant, shadow, sums) VALUES (?, ?, ?)",
                &[variant.as_str().into(), shadow.as_str().into(), text.into()],
            )?;
        }
        Ok(())
    }
}

/// What is known of a variant and a shadow by outcomes.
pub fn paired(database: &impl Database, variant: &str, shadow: &str) -> Result<Paired, DatabaseError> {
    let rows = database
        .execute("SELECT sums FROM paired WHERE variant = ? AND shadow = ?", &[variant.into(), shadow.into()])?;
    let Some(text) = rows.first().map(|cells| Row::of(cells).text()) else { return Ok(Paired::default()) };
    serde_json::from_str(&text).map_err(|error| DatabaseError(format!("what was compared cannot be read: {error}")))
}

/// Keeps what shadows predicted, and counts the outcomes that have come before.
pub fn keep(
    database: &impl Database,
    measure: &Measure<'_>,
    shadowed: &[Shadowed],
    now_ms: f64,
) -> Result<(), DatabaseError> {
    let Some(mut pairing) = Pairing::new(database, measure, now_ms)?.filter(|_| !shadowed.is_empty()) else {
        return Ok(());
    };
    if database.bytes()? > MOST_BYTES {
        let most = Cell::count(u64::try_from(shadowed.len()).unwrap_or(u64::MAX));
        database
            .execute("DELETE FROM shadowed WHERE id IN (SELECT id FROM shadowed ORDER BY at_ms LIMIT ?)", &[most])?;
    }
    let has_waiting = !database.execute("SELECT 1 FROM unpaired LIMIT 1", &[])?.is_empty();
    for each in shadowed {
        let id: Cell = each.id.as_str().into();
        let came = match has_waiting {
            true => {
                database.execute("DELETE FROM unpaired WHERE id = ? RETURNING row, truth", std::slice::from_ref(&id))?
            }
            false => Vec::new(),
        };
        for cells in &came {
            let mut row = Row::of(cells);
            let (Ok(row), Ok(truth)) = (u32::try_from(row.count()), serde_json::from_str(&row.text())) else {
                continue;
            };
            pairing.compare(each, row, &truth)?;
        }
        if came.is_empty() || each.rows() > 1 {
            let text = serde_json::to_string(each).map_err(|error| DatabaseError(error.to_string()))?;
            database.execute(
                "INSERT OR IGNORE INTO shadowed (id, at_ms, shadowed) VALUES (?, ?, ?)",
                &[id, each.time_ms.into(), text.into()],
            )?;
        }
    }
    pairing.save()
}

/// Forgets what no outcome can name any more: requests from before then. Whether there may be more of it.
pub fn forget(database: &impl Database, before_ms: f64, now_ms: f64) -> Result<bool, DatabaseError> {
    let gone = database.execute(
        "DELETE FROM shadowed WHERE id IN (SELECT id FROM shadowed WHERE at_ms < ? LIMIT ?) RETURNING 1",
        &[before_ms.into(), Cell::count(MOST_FORGOTTEN)],
    )?;
    database.execute("DELETE FROM unpaired WHERE at_ms < ?", &[(now_ms - WAITS_MS).into()])?;
    Ok(u64::try_from(gone.len()).is_ok_and(|gone| gone >= MOST_FORGOTTEN))
}
