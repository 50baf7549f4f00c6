//! What the document was, and who changed it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tables::Row;
use crate::endpoint::{Endpoint, Revision};
use crate::platform::{Cell, Database, DatabaseError};

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The administrator, by token.
    Token,
    /// The administrator, by the key of this id.
    Key(String),
    /// Somebody who put the document into KV.
    Hand,
    /// The endpoint's policy.
    Policy,
}

/// Who makes a change, and what for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Who.
    pub author: Author,
    /// What for, where that was said.
    pub reason: Option<String>,
    /// What a policy looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Value>,
}

impl Cause {
    /// Somebody, who does not say more.
    pub fn of(author: Author, reason: Option<String>) -> Self {
        Cause { author, reason, figures: None }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Its number: the first is 1.
    pub number: u64,
    /// The revision from then on; absent where the document was removed.
    pub revision: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub at_ms: f64,
    /// Who.
    pub author: Author,
    /// What for, where that was said.
    pub reason: Option<String>,
    /// What a policy looked at when it made the change; absent of other changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Value>,
    /// The revision before it; absent of the first, and after a removal.
    pub before: Option<String>,
    /// The variants' shares of the traffic from then on, 0 to 1; absent where the document was removed, or is none.
    #[serde(default)]
    pub shares: Option<Vec<(String, f64)>>,
    /// What is different from then, as a JSON Patch (RFC 6902); absent where either is no JSON.
    pub patch: Option<Value>,
}

/// A version of the document, as the database keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Version {
    pub number: u64,
    pub revision: Option<String>,
    pub at_ms: f64,
    pub author: Author,
    pub reason: Option<String>,
    pub document: Option<String>,
    pub figures: Option<Value>,
}

const COLUMNS: &str = "number, revision, at_ms, author, reason, document, figures";

/// The newest version; `None` where there has been none.
pub(super) fn newest(database: &impl Database) -> Result<Option<Version>, DatabaseError> {
    Ok(select(database, "ORDER BY number DESC LIMIT 1", &[])?.into_iter().next())
}

/// The newest version with this revision.
pub(super) fn of_revision(database: &impl Database, revision: &str) -> Result<Option<Version>, DatabaseError> {
    Ok(select(database, "WHERE revision = ? ORDER BY number DESC LIMIT 1", &[revision.into()])?.into_iter().next())
}

/// The number of the newest version; 0 where there has been none.
pub(super) fn newest_number(database: &impl Database) -> Result<u64, DatabaseError> {
    let rows = database.execute("SELECT MAX(number) FROM revisions", &[])?;
    Ok(rows.first().map_or(0, |cells| Row::of(cells).count()))
}

/// Whether there is a version with this revision.
pub(super) fn knows(database: &impl Database, revision: &str) -> Result<bool, DatabaseError> {
    Ok(!database.execute("SELECT 1 FROM revisions WHERE revision = ? LIMIT 1", &[revision.into()])?.is_empty())
}

/// The revision of a document.
pub(super) fn revision_of(document: &str) -> String {
    Revision::of(document.as_bytes()).as_str().to_owned()
}

/// Adds a version, and gives it with its number.
pub(super) fn add(
    database: &impl Database,
    document: Option<String>,
    cause: &Cause,
    now_ms: f64,
) -> Result<Version, DatabaseError> {
    let number = newest_number(database)?.saturating_add(1);
    let revision = document.as_deref().map(revision_of);
    let Cause { author, reason, figures } = cause.clone();
    let version = Version { number, revision, at_ms: now_ms, author, reason, document, figures };
    database.execute(
        &format!("INSERT INTO revisions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"),
        &[
            Cell::count(version.number),
            Cell::text_or_null(version.revision.as_deref()),
            version.at_ms.into(),
            // An enum of names and texts is JSON.
            Cell::Text(serde_json::to_string(&version.author).unwrap_or_default()),
            Cell::text_or_null(version.reason.as_deref()),
            Cell::text_or_null(version.document.as_deref()),
            Cell::text_or_null(version.figures.as_ref().map(Value::to_string).as_deref()),
        ],
    )?;
    Ok(version)
}

/// A page of the history, the newest change first: those with a number below `before`.
///
/// # Errors
/// If the database fails.
pub(super) fn page(database: &impl Database, before: Option<u64>, most: u64) -> Result<Vec<Past>, DatabaseError> {
    let before = before.map_or(Cell::Integer(i64::MAX >> 11), Cell::count);
    // One more, to tell what the last one was made of.
    let with_one_more = Cell::count(most.saturating_add(1));
    let versions = select(database, "WHERE number < ? ORDER BY number DESC LIMIT ?", &[before, with_one_more])?;
    let mut page = Vec::new();
    for (at, version) in versions.iter().enumerate().take(usize::try_from(most).unwrap_or(usize::MAX)) {
        let earlier = versions.get(at.saturating_add(1));
        page.push(Past {
            number: version.number,
            revision: version.revision.clone(),
            at_ms: version.at_ms,
            author: version.author.clone(),
            reason: version.reason.clone(),
            figures: version.figures.clone(),
            shares: version.shares(),
            before: earlier.and_then(|earlier| earlier.revision.clone()),
            patch: difference(earlier, version),
        });
    }
    Ok(page)
}

/// Forgets all but so many of the newest versions.
pub(super) fn forget(database: &impl Database, most: u64) -> Result<(), DatabaseError> {
    let newest = newest_number(database)?;
    database.execute("DELETE FROM revisions WHERE number <= ?", &[Cell::count(newest.saturating_sub(most))])?;
    Ok(())
}

impl Version {
    pub fn shares(&self) -> Option<Vec<(String, f64)>> {
        let endpoint = Endpoint::parse(self.document.as_ref()?.as_bytes()).ok()?;
        Some(endpoint.shares())
    }
}

fn difference(from: Option<&Version>, to: &Version) -> Option<Value> {
    let json = |version: &Version| match &version.document {
        Some(document) => serde_json::from_str(document).ok(),
        None => Some(Value::Null),
    };
    let from = from.map_or(Some(Value::Null), json)?;
    serde_json::to_value(json_patch::diff(&from, &json(to)?)).ok()
}

fn select(database: &impl Database, rest: &str, parameters: &[Cell]) -> Result<Vec<Version>, DatabaseError> {
    let rows = database.execute(&format!("SELECT {COLUMNS} FROM revisions {rest}"), parameters)?;
    let versions = rows.iter().map(|cells| {
        let mut row = Row::of(cells);
        Version {
            number: row.count(),
            revision: row.optional_text(),
            at_ms: row.number(),
            author: serde_json::from_str(&row.text()).unwrap_or(Author::Hand),
            reason: row.optional_text(),
            document: row.optional_text(),
            figures: row.optional_text().and_then(|text| serde_json::from_str(&text).ok()),
        }
    });
    Ok(versions.collect())
}
