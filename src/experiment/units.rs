//! Units, by which sticky assignments are counted.

use std::collections::BTreeMap;

use super::tables::{Row, set_state, state_count};
use crate::platform::{Cell, Database, DatabaseError};

/// The most units that are kept of all revisions together. Beyond that the half of them is dropped whose hashes are higher,
/// and no such unit is kept from then on: what stays is a random sample of units, in which the variants' shares are as they
/// were.
const MOST_UNITS: u64 = 100_000;

const UNITS: &str = "units";
const UNITS_BELOW: &str = "units_below";

/// A unit counts once, in the first revision that sees it: in which variant it is in the next one depends on where it was, and
/// the sample ratios of revisions would not be independent of each other.
pub(super) fn count(database: &impl Database, seen: &[(String, String, String)]) -> Result<(), DatabaseError> {
    let mut below = below_which(database)?;
    let mut kept = state_count(database, UNITS)?.unwrap_or(0);
    let before = kept;
    for (revision, variant, unit) in seen {
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

/// How many units each variant of each revision has got, which no earlier one had seen, of those that are kept: (revision,
/// variant, units).
pub(super) fn by_revision(database: &impl Database) -> Result<Vec<(String, String, u64)>, DatabaseError> {
    let rows = database.execute("SELECT revision, variant, COUNT(*) FROM units GROUP BY revision, variant", &[])?;
    let units = rows.iter().map(|cells| {
        let mut row = Row::of(cells);
        (row.text(), row.text(), row.count())
    });
    Ok(units.collect())
}

/// The same of these revisions alone: units by revision and variant.
pub(super) fn of_revisions(
    database: &impl Database,
    revisions: &[&str],
) -> Result<BTreeMap<String, BTreeMap<String, u64>>, DatabaseError> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for revision in revisions {
        let rows = database.execute(
            "SELECT variant, COUNT(*) FROM units WHERE revision = ? GROUP BY variant",
            &[(*revision).into()],
        )?;
        for cells in &rows {
            let mut row = Row::of(cells);
            counts.entry((*revision).to_owned()).or_default().insert(row.text(), row.count());
        }
    }
    Ok(counts)
}

/// Units whose number is not below this are counted no longer.
pub(super) fn below_which(database: &impl Database) -> Result<u64, DatabaseError> {
    Ok(state_count(database, UNITS_BELOW)?.unwrap_or(1 << 52))
}
