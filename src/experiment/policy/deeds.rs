//! What policies did, and who has to be told of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Name, Notify};
use crate::experiment::tables::Row;
use crate::platform::{Cell, Database, DatabaseError};

/// The most deeds that are kept.
const MOST_DEEDS: u64 = 1_000;
/// The most notices that wait; the oldest of more are dropped.
const MOST_NOTICES: u64 = 100;
/// How long it is waited before a notice is sent again, in milliseconds; after the last of these it is given up.
const WAITS_MS: [f64; 8] = [2e3, 1e4, 6e4, 3e5, 1.8e6, 7.2e6, 2.16e7, 4.32e7];

/// What a policy did, or somebody did with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It was started.
    Start,
    /// It changed the weights.
    Step,
    /// It, or somebody, paused it.
    Pause,
    /// Somebody resumed it.
    Resume,
    /// It, or somebody, put back the document from before it.
    RollBack,
    /// It came to its end.
    End,
    /// Somebody ended it.
    Stop,
}

impl Deed {
    /// As answers and notices have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Deed::Start => "start",
            Deed::Step => "step",
            Deed::Pause => "pause",
            Deed::Resume => "resume",
            Deed::RollBack => "roll_back",
            Deed::End => "end",
            Deed::Stop => "stop",
        }
    }
}

/// A deed, as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its number: the first is 1.
    pub number: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: f64,
    /// What.
    pub deed: Deed,
    /// The revision from then on.
    pub revision: Option<String>,
    /// Why, in a sentence.
    pub says: String,
    /// What was looked at.
    pub figures: Option<Value>,
}

/// A notice that is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its number, which is the deed's.
    pub number: u64,
    /// Where to.
    pub url: String,
    /// Name of the secret that it is signed with.
    pub secret: String,
    /// What.
    pub body: String,
    /// How often that was tried.
    pub tries: u64,
}

/// Notes a deed, and that it has to be told.
pub(super) fn add(
    database: &impl Database,
    (endpoint, notify): (&Name, Option<&Notify>),
    (deed, revision, says): (Deed, Option<&str>, &str),
    figures: Option<&Value>,
    now_ms: f64,
) -> Result<(), DatabaseError> {
    let rows = database.execute("SELECT MAX(number) FROM deeds", &[])?;
    let number = rows.first().map_or(0, |cells| Row::of(cells).count()).saturating_add(1);
    let figures_text = figures.map(Value::to_string);
    database.execute(
        "INSERT INTO deeds (number, at_ms, deed, revision, says, figures) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            Cell::count(number),
            now_ms.into(),
            deed.as_str().into(),
            Cell::text_or_null(revision),
            says.into(),
            Cell::text_or_null(figures_text.as_deref()),
        ],
    )?;
    database.execute("DELETE FROM deeds WHERE number <= ?", &[Cell::count(number.saturating_sub(MOST_DEEDS))])?;
    let Some(Notify { url, secret }) = notify else { return Ok(()) };
    let body = json!({
        "type": format!("policy.{}", deed.as_str()),
        "timestamp": moment(now_ms),
        "data": {
            "endpoint": endpoint,
            "number": number,
            "at_ms": now_ms,
            "deed": deed,
            "revision": revision,
            "says": says,
            "figures": figures,
        },
    });
    database.execute(
        "INSERT INTO notices (number, url, secret, body, tries, next_ms) VALUES (?, ?, ?, ?, 0, ?)",
        &[
            Cell::count(number),
            url.get().as_str().into(),
            secret.as_str().into(),
            Cell::Text(body.to_string()),
            now_ms.into(),
        ],
    )?;
    database.execute("DELETE FROM notices WHERE number <= ?", &[Cell::count(number.saturating_sub(MOST_NOTICES))])?;
    Ok(())
}

/// As RFC 3339 has it.
fn moment(ms: f64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp_nanos((ms * 1e6) as i128);
    let text = moment.ok().and_then(|moment| moment.format(&time::format_description::well_known::Rfc3339).ok());
    text.unwrap_or_default()
}

/// The newest deeds, the newest first.
pub(super) fn newest(database: &impl Database, most: u64) -> Result<Vec<Told>, DatabaseError> {
    let rows = database.execute(
        "SELECT number, at_ms, deed, revision, says, figures FROM deeds ORDER BY number DESC LIMIT ?",
        &[Cell::count(most)],
    )?;
    let told = rows.iter().filter_map(|cells| {
        let mut row = Row::of(cells);
        Some(Told {
            number: row.count(),
            at_ms: row.number(),
            deed: serde_json::from_value(Value::String(row.text())).ok()?,
            revision: row.optional_text(),
            says: row.text(),
            figures: row.optional_text().and_then(|text| serde_json::from_str(&text).ok()),
        })
    });
    Ok(told.collect())
}

/// The notice that is due, if one is.
pub(in crate::experiment) fn due(database: &impl Database, now_ms: f64) -> Result<Option<Notice>, DatabaseError> {
    let rows = database.execute(
        "SELECT number, url, secret, body, tries FROM notices WHERE next_ms <= ? ORDER BY number LIMIT 1",
        &[now_ms.into()],
    )?;
    Ok(rows.first().map(|cells| {
        let mut row = Row::of(cells);
        Notice { number: row.count(), url: row.text(), secret: row.text(), body: row.text(), tries: row.count() }
    }))
}

/// When the next notice is due, in milliseconds since the Unix epoch.
pub(in crate::experiment) fn next_ms(database: &impl Database) -> Result<Option<f64>, DatabaseError> {
    let rows = database.execute("SELECT MIN(next_ms) FROM notices", &[])?;
    Ok(rows.first().and_then(|cells| Row::of(cells).optional_number()))
}

/// Forgets a notice: it has arrived, or will never.
pub(in crate::experiment) fn forget(database: &impl Database, number: u64) -> Result<(), DatabaseError> {
    database.execute("DELETE FROM notices WHERE number = ?", &[Cell::count(number)])?;
    Ok(())
}

/// Notes that a notice has not arrived; whether it is tried again.
pub(in crate::experiment) fn put_off(
    database: &impl Database,
    notice: &Notice,
    now_ms: f64,
) -> Result<bool, DatabaseError> {
    let wait_ms = usize::try_from(notice.tries).ok().and_then(|tries| WAITS_MS.get(tries));
    let Some(wait_ms) = wait_ms else {
        forget(database, notice.number)?;
        return Ok(false);
    };
    database.execute(
        "UPDATE notices SET tries = tries + 1, next_ms = ? WHERE number = ?",
        &[(now_ms + wait_ms).into(), Cell::count(notice.number)],
    )?;
    Ok(true)
}
