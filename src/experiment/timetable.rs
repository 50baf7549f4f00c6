//! The timetable of a shadow test: which shadow begins or ends when. The endpoint's alarm keeps it, whoever looks on or does not.

use serde::{Deserialize, Serialize};

use super::history::Cause;
use super::ledger::{Change, Condition, Edit, Ledger, Refusal};
use super::tables::{set_state, state_text};
use crate::endpoint::ShadowChange;
use crate::platform::{Cell, Database, DatabaseError};

/// What is to be done with an endpoint's shadows, for one test. There is one test at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timetable {
    /// The test's name.
    pub test: String,
    /// What is left to be done, in order of time.
    pub entries: Vec<Timed>,
}

/// A change that is made at its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// Milliseconds since the Unix epoch.
    pub at_ms: f64,
    /// What.
    pub change: ShadowChange,
    /// Who wanted it, and what for.
    pub cause: Cause,
}

const TIMETABLE: &str = "timetable";
/// So long a change waits that nobody could make at its time, as in a deployment, before the next look; in milliseconds.
const WAIT_MS: f64 = 60_000.0;

/// The timetable; `None` where nothing is left to be done.
pub(super) fn kept(database: &impl Database) -> Result<Option<Timetable>, DatabaseError> {
    let text = state_text(database, TIMETABLE)?;
    // What another version wrote and this one cannot read is none.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn keep(database: &impl Database, timetable: &Timetable) -> Result<(), DatabaseError> {
    if timetable.entries.is_empty() {
        return forget(database);
    }
    // Serialising it into memory cannot fail.
    let text = serde_json::to_string(timetable).unwrap_or_default();
    set_state(database, TIMETABLE, Cell::from(text.as_str()))
}

/// Forgets it: nothing is left to be done.
pub(super) fn forget(database: &impl Database) -> Result<(), DatabaseError> {
    database.execute("DELETE FROM state WHERE name = ?", &[TIMETABLE.into()])?;
    Ok(())
}

/// Makes a change now, and puts a timetable in place of the test's own, or says why not. The database is to be asked for all
/// of it at once.
pub(super) fn plan<D: Database>(
    database: &D,
    ledger: &Ledger<'_, D>,
    (now, later): (Option<&(Change, Cause)>, &Timetable),
    now_ms: f64,
) -> Result<Result<(), Refusal>, DatabaseError> {
    if let Some(other) = kept(database)?.filter(|kept| kept.test != later.test) {
        return Ok(Err(Refusal::InTest(other.test)));
    }
    if let Some((change, cause)) = now
        && let Err(refusal) = ledger.change(change, cause, now_ms)?
    {
        return Ok(Err(refusal));
    }
    keep(database, later)?;
    Ok(Ok(()))
}

/// Makes the changes whose time has come, and gives what could not be made: that and all after it are left undone. The
/// database is to be asked for all of it at once.
pub(super) fn advance<D: Database>(
    database: &D,
    ledger: &Ledger<'_, D>,
    mut timetable: Timetable,
    now_ms: f64,
) -> Result<Option<Refusal>, DatabaseError> {
    while timetable.entries.first().is_some_and(|entry| entry.at_ms <= now_ms) {
        let Timed { change, cause, .. } = timetable.entries.remove(0);
        let change = Change { edit: Edit::Shadow(change), condition: Condition::Any };
        if let Err(refusal) = ledger.change(&change, &cause, now_ms)? {
            forget(database)?;
            return Ok(Some(refusal));
        }
    }
    keep(database, &timetable)?;
    Ok(None)
}

/// When it is to be looked at next, in milliseconds since the Unix epoch.
pub(super) fn wake_ms(database: &impl Database, now_ms: f64) -> Result<Option<f64>, DatabaseError> {
    let next = kept(database)?.and_then(|kept| kept.entries.first().map(|entry| entry.at_ms));
    Ok(next.map(|at_ms| if at_ms <= now_ms { now_ms + WAIT_MS } else { at_ms }))
}
