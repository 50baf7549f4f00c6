//! Tallies as they come in: each counts once, however often and in whatever order it comes.

use super::capture;
use super::pairs;
use super::scoreboard;
use super::tables::{Row, set_state, state_count};
use super::tally::Tally;
use super::units;
use crate::platform::{Cell, Database, DatabaseError};

const LOST: &str = "lost";

/// Counts a tally, unless it has been counted; whether it has not. The database is to be asked for all of it at once.
///
/// # Errors
/// If the database fails.
pub(super) fn receive(database: &impl Database, tally: &Tally, now_ms: f64) -> Result<bool, DatabaseError> {
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
        for share in &tally.pairs {
            pairs::count(database, share, now_ms)?;
        }
        units::count(database, &tally.units)?;
        if tally.lost > 0 {
            let lost = lost(database)?.saturating_add(tally.lost);
            set_state(database, LOST, Cell::count(lost))?;
        }
        capture::count(database, tally.captured)?;
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
    Ok(!counted)
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
    Ok(state_count(database, LOST)?.unwrap_or(0))
}
