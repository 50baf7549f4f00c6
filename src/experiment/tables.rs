//! The tables of an experiment's database.

use crate::endpoint::Name;
use crate::platform::{Cell, Database, DatabaseError};

/// Statements that make what is not there. A later version adds its own behind them.
const SCHEMA: [&str; 27] = [
    // Figures that there are one of.
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    // Each change of the document, in order. One without a document is a removal.
    "CREATE TABLE IF NOT EXISTS revisions (number INTEGER PRIMARY KEY, revision TEXT, at_ms REAL NOT NULL,
        author TEXT NOT NULL, reason TEXT, document TEXT)",
    // Sums of all records that are counted alike, by the span of time that begins at `since` (milliseconds since the Unix
    // epoch) and lasts `span` (milliseconds); a span of 0 is all time. NULL has no place in a key: what is absent is ''.
    "CREATE TABLE IF NOT EXISTS sums (span INTEGER NOT NULL, since INTEGER NOT NULL, revision TEXT NOT NULL,
        variant TEXT NOT NULL, reason TEXT NOT NULL, invocations INTEGER NOT NULL, predicted_rows INTEGER NOT NULL,
        caller_errors INTEGER NOT NULL, variant_errors INTEGER NOT NULL, other_errors INTEGER NOT NULL,
        fallbacks INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, origin_ms TEXT,
        PRIMARY KEY (span, since, revision, variant, reason)) WITHOUT ROWID",
    // Isolates, and the number below which all of their messages have been counted.
    "CREATE TABLE IF NOT EXISTS isolates (isolate TEXT PRIMARY KEY, settled INTEGER NOT NULL, heard_ms REAL NOT NULL)
        WITHOUT ROWID",
    // Messages that came before one with a smaller number.
    "CREATE TABLE IF NOT EXISTS early (isolate TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (isolate, sequence))
        WITHOUT ROWID",
    // Units that have been seen, by the first 52 bits of their hash, with the revision that saw them first.
    "CREATE TABLE IF NOT EXISTS units (unit INTEGER PRIMARY KEY, revision TEXT NOT NULL, variant TEXT NOT NULL) WITHOUT ROWID",
    // Outcomes that have been taken, by the first 80 bits of their id's hash, and when that was.
    "CREATE TABLE IF NOT EXISTS outcomes (id INTEGER NOT NULL, id_rest INTEGER NOT NULL, row INTEGER NOT NULL,
        at_ms REAL NOT NULL, PRIMARY KEY (id, id_rest, row)) WITHOUT ROWID",
    // Predictions whose outcomes may name what does not say all about them, as JSON; and whether they were counted as having
    // none.
    "CREATE TABLE IF NOT EXISTS predictions (id TEXT PRIMARY KEY, at_ms REAL NOT NULL, closed INTEGER NOT NULL,
        prediction TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS predictions_by_time ON predictions (closed, at_ms)",
    // Outcomes that cannot be counted yet.
    "CREATE TABLE IF NOT EXISTS waiting (id TEXT NOT NULL, row INTEGER NOT NULL, at_ms REAL NOT NULL, truth TEXT NOT NULL,
        PRIMARY KEY (id, row)) WITHOUT ROWID",
    // Sums over the outcomes of a unit in a variant, of a segment; 0 is all traffic.
    "CREATE TABLE IF NOT EXISTS unit_sums (segment INTEGER NOT NULL, unit INTEGER NOT NULL, variant TEXT NOT NULL,
        n REAL NOT NULL, y REAL NOT NULL, ty REAL NOT NULL, w REAL NOT NULL, PRIMARY KEY (segment, unit, variant)) WITHOUT ROWID",
    // Sums over all units of a segment, as JSON.
    "CREATE TABLE IF NOT EXISTS effects (segment INTEGER PRIMARY KEY, sums TEXT NOT NULL)",
    // Sums over a variant's predictions, as JSON.
    "CREATE TABLE IF NOT EXISTS quality (variant TEXT PRIMARY KEY, sums TEXT NOT NULL) WITHOUT ROWID",
    // Classes that outcomes have named.
    "CREATE TABLE IF NOT EXISTS labels (label TEXT PRIMARY KEY) WITHOUT ROWID",
    // What was known when: for the picture of a test.
    "CREATE TABLE IF NOT EXISTS points (baseline TEXT NOT NULL, variant TEXT NOT NULL, outcomes REAL NOT NULL, at_ms REAL NOT NULL,
        difference REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, share REAL, PRIMARY KEY (baseline, variant, outcomes)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS units_by_revision ON units (revision, variant)",
    "ALTER TABLE sums ADD COLUMN slow INTEGER NOT NULL DEFAULT 0",
    // What a policy looked at when it made the change, as JSON.
    "ALTER TABLE revisions ADD COLUMN figures TEXT",
    // Units of which a request went wrong while the policy ran, by the segment of it (counted from 0).
    "CREATE TABLE IF NOT EXISTS wronged (event TEXT NOT NULL, unit INTEGER NOT NULL, segment INTEGER NOT NULL,
        variant TEXT NOT NULL, PRIMARY KEY (event, unit, segment)) WITHOUT ROWID",
    // What policies did, with the figures they did it for, as JSON.
    "CREATE TABLE IF NOT EXISTS deeds (number INTEGER PRIMARY KEY, at_ms REAL NOT NULL, deed TEXT NOT NULL, revision TEXT,
        says TEXT NOT NULL, figures TEXT)",
    // What somebody elsewhere has to be told yet.
    "CREATE TABLE IF NOT EXISTS notices (number INTEGER PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL,
        body TEXT NOT NULL, tries INTEGER NOT NULL, next_ms REAL NOT NULL)",
    // Sums over requests that a variant answered and a shadow was asked about, as JSON.
    "CREATE TABLE IF NOT EXISTS pairs (variant TEXT NOT NULL, shadow TEXT NOT NULL, sums TEXT NOT NULL,
        PRIMARY KEY (variant, shadow)) WITHOUT ROWID",
    // The rows on which a shadow and the variant that answered differ most; `said` is what both predicted, as JSON.
    "CREATE TABLE IF NOT EXISTS disagreements (shadow TEXT NOT NULL, id TEXT NOT NULL, row INTEGER NOT NULL,
        variant TEXT NOT NULL, at_ms REAL NOT NULL, size REAL NOT NULL, said TEXT NOT NULL, PRIMARY KEY (shadow, id, row)) WITHOUT ROWID",
    // Requests that shadows were asked about, with what everybody predicted, as JSON, for outcomes that name them.
    "CREATE TABLE IF NOT EXISTS shadowed (id TEXT PRIMARY KEY, at_ms REAL NOT NULL, shadowed TEXT NOT NULL) WITHOUT ROWID",
    // Outcomes that were counted before it was known what shadows had predicted.
    "CREATE TABLE IF NOT EXISTS unpaired (id TEXT NOT NULL, row INTEGER NOT NULL, at_ms REAL NOT NULL, truth TEXT NOT NULL,
        PRIMARY KEY (id, row)) WITHOUT ROWID",
    // Sums over the outcomes of requests that a variant and a shadow predicted, as JSON.
    "CREATE TABLE IF NOT EXISTS paired (variant TEXT NOT NULL, shadow TEXT NOT NULL, sums TEXT NOT NULL,
        PRIMARY KEY (variant, shadow)) WITHOUT ROWID",
    // The same of each unit: how many, the sum of the differences, and whether one of them alone was right once.
    "CREATE TABLE IF NOT EXISTS paired_units (variant TEXT NOT NULL, shadow TEXT NOT NULL, unit INTEGER NOT NULL, n REAL NOT NULL,
        d REAL NOT NULL, discordant INTEGER NOT NULL, PRIMARY KEY (variant, shadow, unit)) WITHOUT ROWID",
];

/// How many statements of the schema the database has been given, by the name of their figure.
const MADE: &str = "schema";
const ENDPOINT: &str = "endpoint";

/// Makes the tables that are not there, for the experiment of an endpoint.
///
/// # Errors
/// If the database fails.
pub(super) fn prepare(database: &impl Database, endpoint: &Name) -> Result<(), DatabaseError> {
    let [first, others @ ..] = &SCHEMA;
    database.execute(first, &[])?;
    let made = state_count(database, MADE)?.and_then(|made| usize::try_from(made).ok()).unwrap_or(1);
    if made < SCHEMA.len() {
        // All or nothing: a column is added only once.
        database.atomically(&mut || {
            for statement in others.iter().skip(made.saturating_sub(1)) {
                database.execute(statement, &[])?;
            }
            set_state(database, ENDPOINT, endpoint.as_str().into())?;
            set_state(database, MADE, Cell::Integer(i64::try_from(SCHEMA.len()).unwrap_or(i64::MAX)))
        })?;
    }
    Ok(())
}

/// The endpoint whose experiment the database holds; `None` of an empty one.
///
/// # Errors
/// If the database fails.
pub fn endpoint_of(database: &impl Database) -> Result<Option<Name>, DatabaseError> {
    let [first, ..] = &SCHEMA;
    database.execute(first, &[])?;
    Ok(state(database, ENDPOINT)?.and_then(|cell| Name::try_from(cell.as_text()?).ok()))
}

/// A figure of the state, as a count.
pub(super) fn state_count(database: &impl Database, name: &str) -> Result<Option<u64>, DatabaseError> {
    Ok(state(database, name)?.and_then(|cell| cell.as_count()))
}

/// A figure of the state, as a number.
pub(super) fn state_number(database: &impl Database, name: &str) -> Result<Option<f64>, DatabaseError> {
    Ok(state(database, name)?.and_then(|cell| cell.as_number()))
}

/// A figure of the state, as a text.
pub(super) fn state_text(database: &impl Database, name: &str) -> Result<Option<String>, DatabaseError> {
    Ok(state(database, name)?.and_then(|cell| cell.as_text().map(str::to_owned)))
}

/// One figure of the state.
fn state(database: &impl Database, name: &str) -> Result<Option<Cell>, DatabaseError> {
    let rows = database.execute("SELECT value FROM state WHERE name = ?", &[name.into()])?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()))
}

/// Sets one figure of the state.
///
/// # Errors
/// If the database fails.
pub(super) fn set_state(database: &impl Database, name: &str, value: Cell) -> Result<(), DatabaseError> {
    database.execute("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", &[name.into(), value])?;
    Ok(())
}

/// A row's cells, in order, as what the statement asked for.
pub(super) struct Row<'a>(std::slice::Iter<'a, Cell>);

impl<'a> Row<'a> {
    pub fn of(cells: &'a [Cell]) -> Self {
        Row(cells.iter())
    }

    /// A text; '' where it is absent.
    pub fn text(&mut self) -> String {
        self.optional_text().unwrap_or_default()
    }

    /// A text, or NULL.
    pub fn optional_text(&mut self) -> Option<String> {
        self.0.next().and_then(Cell::as_text).map(str::to_owned)
    }

    /// A count.
    pub fn count(&mut self) -> u64 {
        self.0.next().and_then(Cell::as_count).unwrap_or(0)
    }

    /// A number; 0 where it is absent.
    pub fn number(&mut self) -> f64 {
        self.optional_number().unwrap_or(0.0)
    }

    /// A number, or NULL.
    pub fn optional_number(&mut self) -> Option<f64> {
        self.0.next().and_then(Cell::as_number)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::platform::sqlite::Sqlite;

    #[test]
    fn a_database_of_an_earlier_version_gets_what_it_lacks_and_keeps_what_it_has() {
        // As many statements as there were before policies.
        const BEFORE: usize = 15;
        let (database, name) = (Sqlite::default(), Name::try_from("e").unwrap());
        for statement in SCHEMA.iter().take(BEFORE) {
            database.execute(statement, &[]).unwrap();
        }
        set_state(&database, MADE, Cell::count(15)).unwrap();
        let columns =
            "span, since, revision, variant, reason, invocations, predicted_rows, caller_errors, variant_errors,
            other_errors, fallbacks, bytes_in, bytes_out";
        let kept = format!("INSERT INTO sums ({columns}) VALUES (0, 0, 'r', 'a', 'weighted', 7, 0, 0, 0, 0, 0, 0, 0)");
        database.execute(&kept, &[]).unwrap();
        for _ in 0..2 {
            prepare(&database, &name).unwrap();
            let rows = database.execute("SELECT invocations, slow FROM sums", &[]).unwrap();
            assert_eq!(rows, [[Cell::Integer(7), Cell::Integer(0)]]);
        }
        database.execute("SELECT figures FROM revisions", &[]).unwrap();
        database.execute("SELECT * FROM wronged, deeds, notices", &[]).unwrap();
    }
}
