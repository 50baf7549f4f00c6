//! Tallies as they come in: each counts once, however often and in whatever order it comes.

use super::scoreboard;
use super::tables::{Row, set_state, state, units_below};
use super::tally::Tally;
use crate::platform::{Cell, Database, DatabaseError};

/// The most units that are kept of all revisions together. Beyond that the half of them is dropped whose hashes are higher,
/// and no such unit is kept from then on: what stays is a random sample of units, in which the variants' shares are as they
/// were.
const MOST_UNITS: u64 = 100_000;

const LOST: &str = "lost";
const UNITS: &str = "units";
const UNITS_BELOW: &str = "units_below";

/// Counts a tally, unless it has been counted. The database is to be asked for all of it at once.
///
/// # Errors
/// If the database fails.
pub(super) fn receive(database: &impl Database, tally: &Tally, now_ms: f64) -> Result<(), DatabaseError> {
    let isolate = Cell::Text(tally.isolate.clone());
    let known = database.execute("SELECT settled FROM isolates WHERE isolate = ?", std::slice::from_ref(&isolate))?;
    // Of an isolate that is new here, or has been forgotten, nothing below that will come.
    let settled = known.first().map_or(tally.settled, |row| Row::of(row).count().max(tally.settled));
    let message = [isolate.clone(), Cell::count(tally.sequence)];
    let is_next = tally.sequence == settled;
    let counted = tally.sequence < settled
        || !database.execute("SELECT 1 FROM early WHERE isolate = ? AND sequence = ?", &message)?.is_empty();
    if !counted {
        for share in &tally.shares {
            scoreboard::count(database, share)?;
        }
        count_units(database, tally)?;
        if tally.lost > 0 {
            let lost = lost(database)?.saturating_add(tally.lost);
            set_state(database, LOST, Cell::count(lost))?;
        }
        if !is_next {
            database.execute("INSERT INTO early (isolate, sequence) VALUES (?, ?)", &message)?;
        }
    }
    let settled = if is_next { settled.saturating_add(1) } else { settled };
    database.execute(
        "INSERT OR REPLACE INTO isolates (isolate, settled, heard_ms) VALUES (?, ?, ?)",
        &[isolate.clone(), Cell::count(settled), now_ms.into()],
    )?;
    database.execute("DELETE FROM early WHERE isolate = ? AND sequence < ?", &[isolate, Cell::count(settled)])?;
    Ok(())
}

/// Forgets isolates that were last heard of before then. They have long ended: a message waits for seconds, not for days.
pub(super) fn forget(database: &impl Database, before_ms: f64) -> Result<(), DatabaseError> {
    let gone = "SELECT isolate FROM isolates WHERE heard_ms < ?";
    database.execute(&format!("DELETE FROM early WHERE isolate IN ({gone})"), &[before_ms.into()])?;
    database.execute("DELETE FROM isolates WHERE heard_ms < ?", &[before_ms.into()])?;
    Ok(())
}

/// Requests whose sums isolates had to drop.
pub(super) fn lost(database: &impl Database) -> Result<u64, DatabaseError> {
    Ok(state(database, LOST)?.and_then(|cell| cell.as_count()).unwrap_or(0))
}

/// A unit counts once, in the first revision that sees it: in which variant it is in the next one depends on where it was, and
/// the sample ratios of revisions would not be independent of each other.
fn count_units(database: &impl Database, tally: &Tally) -> Result<(), DatabaseError> {
    let mut below = units_below(database)?;
    let mut kept = state(database, UNITS)?.and_then(|cell| cell.as_count()).unwrap_or(0);
    let before = kept;
    for (revision, variant, unit) in &tally.units {
        let Some(unit) = unit_number(unit).filter(|unit| *unit < below) else { continue };
        let new = database.execute(
            "INSERT OR IGNORE INTO units (unit, revision, variant) VALUES (?, ?, ?) RETURNING 1",
            &[Cell::count(unit), revision.as_str().into(), variant.as_str().into()],
        )?;
        kept = kept.saturating_add(u64::from(!new.is_empty()));
        while kept > MOST_UNITS && below > 1 {
            below /= 2;
            database.execute("DELETE FROM units WHERE unit >= ?", &[Cell::count(below)])?;
            kept = database.execute("SELECT COUNT(*) FROM units", &[])?.first().map_or(0, |row| Row::of(row).count());
            set_state(database, UNITS_BELOW, Cell::count(below))?;
        }
    }
    if kept != before {
        set_state(database, UNITS, Cell::count(kept))?;
    }
    Ok(())
}

/// The first 52 bits of a unit's hash. Which variant the unit gets depends on none of them alone, so that a sample by them is
/// one by chance.
pub fn unit_number(hash: &str) -> Option<u64> {
    u64::from_str_radix(hash.get(..13)?, 16).ok()
}

/// How many units each variant of each revision has got, which no earlier one had seen, of those that are kept: (revision, variant, units).
pub(super) fn units(database: &impl Database) -> Result<Vec<(String, String, u64)>, DatabaseError> {
    let rows = database.execute("SELECT revision, variant, COUNT(*) FROM units GROUP BY revision, variant", &[])?;
    let units = rows.iter().map(|cells| {
        let mut row = Row::of(cells);
        (row.text(), row.text(), row.count())
    });
    Ok(units.collect())
}
