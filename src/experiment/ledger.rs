//! The endpoint's document: which version is the newest, who may change it, and what the store has to be told.

use serde::{Deserialize, Serialize};

use super::history::{self, Author, Cause, Version};
use super::tables::{set_state, state_count, state_number};
use crate::endpoint::{Endpoint, ShadowChange, ShadowChangeError, WeightChange, WeightsError};
use crate::platform::{Cell, Database, DatabaseError, Times};

/// The most bytes of a document. A row of the database takes 2 MB.
pub const MOST_DOCUMENT_BYTES: usize = 1 << 20;

/// Which version of the document a change is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Whatever there is.
    Any,
    /// There must be none.
    Absent,
    /// One of these revisions.
    OneOf(Vec<String>),
}

impl Condition {
    /// Whether a change may be made of what there is.
    pub fn holds(&self, current: Option<&str>) -> bool {
        match self {
            Condition::Any => true,
            Condition::Absent => current.is_none(),
            Condition::OneOf(revisions) => current.is_some_and(|current| revisions.iter().any(|one| one == current)),
        }
    }
}

/// A change of the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What to.
    pub edit: Edit,
    /// Of which version.
    pub condition: Condition,
}

/// What a document becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// The same with other weights, as [`WeightChange::parse`] reads them.
    Weights(String),
    /// This one.
    Document(String),
    /// The same with a shadow more or less.
    Shadow(ShadowChange),
    /// As it was in the newest version of this revision.
    Restore(String),
    /// None.
    Remove,
}

impl Change {
    /// What a document becomes by it; `None` where it is removed. `earlier` is the version that [`Edit::Restore`] names, where
    /// there is one.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn applied_to(&self, document: Option<&str>, earlier: Option<String>) -> Result<Option<String>, Refusal> {
        let current = document.map(history::revision_of);
        if !self.condition.holds(current.as_deref()) {
            return Err(Refusal::Conflict { current });
        }
        match (&self.edit, document) {
            (Edit::Document(document), _) if document.len() > MOST_DOCUMENT_BYTES => {
                Err(Refusal::Document(format!("the document has more than {MOST_DOCUMENT_BYTES} bytes")))
            }
            (Edit::Document(document), _) => match Endpoint::parse(document.as_bytes()) {
                Ok(_) => Ok(Some(document.clone())),
                Err(error) => Err(Refusal::Document(error.to_string())),
            },
            (Edit::Restore(revision), _) => match earlier {
                Some(document) => Ok(Some(document)),
                None => Err(Refusal::UnknownRevision(revision.clone())),
            },
            (Edit::Weights(_) | Edit::Shadow(_) | Edit::Remove, None) => Err(Refusal::NotFound),
            (Edit::Weights(weights), Some(document)) => {
                match WeightChange::parse(weights.as_bytes()).and_then(|weights| weights.apply(document.as_bytes())) {
                    Ok(edited) => Ok(Some(edited)),
                    Err(error @ WeightsError::Document(_)) => Err(Refusal::Broken(error.to_string())),
                    Err(error) => Err(Refusal::Weights(error.to_string())),
                }
            }
            (Edit::Shadow(change), Some(document)) => match change.apply(document.as_bytes()) {
                Ok(edited) => Ok(Some(edited)),
                Err(error @ ShadowChangeError::Document(_)) => Err(Refusal::Broken(error.to_string())),
                Err(error) => Err(Refusal::Shadow(error.to_string())),
            },
            (Edit::Remove, Some(_)) => Ok(None),
        }
    }
}

/// Why a change cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The document has changed since.
    #[error("the endpoint has changed since")]
    Conflict {
        /// Its revision; absent where there is none.
        current: Option<String>,
    },
    /// There is no document.
    #[error("there is no endpoint of that name")]
    NotFound,
    /// Nothing like it stands in the history.
    #[error("the endpoint's history has no revision `{0}`")]
    UnknownRevision(String),
    /// The document would be none.
    #[error("the document cannot be taken: {0}")]
    Document(String),
    /// The weights are refused.
    #[error("{0}")]
    Weights(String),
    /// The shadow cannot begin or end so.
    #[error("{0}")]
    Shadow(String),
    /// Another shadow test has the endpoint.
    #[error("the endpoint is in the shadow test `{0}`")]
    InTest(String),
    /// The document says nothing of outcomes.
    #[error("the endpoint's document does not say what its outcomes are")]
    NoOutcomes,
    /// The document that is there is none.
    #[error("{0}")]
    Broken(String),
}

/// The newest version, as isolates are told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newest {
    /// Its number among the endpoint's changes; 0 where there has been none.
    pub number: u64,
    /// Its revision; absent where there is no document.
    pub revision: Option<String>,
    /// The document, where whoever asks has an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// When the endpoint was made and last changed, as far as that is known.
    pub times: Option<Times>,
    /// Units whose hash's first 52 bits are not below this are counted no longer.
    pub units_below: u64,
}

/// What a look at the store has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The document; `None` where there is none.
    pub document: Option<String>,
    /// Its number, where an experiment wrote it.
    pub number: Option<u64>,
    /// When the store was asked, in milliseconds since the Unix epoch.
    pub asked_ms: f64,
}

/// What the store has to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The version's number.
    pub number: u64,
    /// Its document; `None` where it is to be removed.
    pub document: Option<String>,
    /// For the store.
    pub times: Times,
}

const PUBLISHED: &str = "published";
const PUBLISHED_MS: &str = "published_ms";
const LOOKED_MS: &str = "looked_ms";
const CREATED_MS: &str = "created_ms";

/// The versions of an endpoint's document.
#[derive(Debug)]
pub struct Ledger<'a, D> {
    database: &'a D,
    /// Milliseconds until the store shows a change everywhere.
    delay_ms: f64,
}

impl<'a, D: Database> Ledger<'a, D> {
    /// The ledger that the database holds.
    pub fn new(database: &'a D, delay_ms: f64) -> Self {
        Ledger { database, delay_ms }
    }

    /// The newest version; its document only for who has not this number.
    ///
    /// # Errors
    /// If the database fails.
    pub fn newest(&self, known: Option<u64>) -> Result<Newest, DatabaseError> {
        let newest = history::newest(self.database)?;
        let units_below = super::units::below_which(self.database)?;
        let Some(Version { number, revision, at_ms, document, .. }) = newest else {
            return Ok(Newest { number: 0, revision: None, document: None, times: None, units_below });
        };
        let document = if known == Some(number) { None } else { document };
        Ok(Newest { number, revision, document, times: Some(self.times(number, at_ms)?), units_below })
    }

    fn times(&self, number: u64, at_ms: f64) -> Result<Times, DatabaseError> {
        let created_ms = state_number(self.database, CREATED_MS)?;
        Ok(Times { created_ms, modified_ms: at_ms, number: Some(number) })
    }

    /// Whether the history has this revision.
    ///
    /// # Errors
    /// If the database fails.
    pub fn knows(&self, revision: &str) -> Result<bool, DatabaseError> {
        history::knows(self.database, revision)
    }

    /// When the store was last looked at, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// If the database fails.
    pub fn looked_ms(&self) -> Result<Option<f64>, DatabaseError> {
        state_number(self.database, LOOKED_MS)
    }

    /// Makes a change, or says why not. The database is to be asked for all of it at once.
    ///
    /// # Errors
    /// If the database fails.
    pub fn change(&self, change: &Change, cause: &Cause, now_ms: f64) -> Result<Result<(), Refusal>, DatabaseError> {
        let document = history::newest(self.database)?.and_then(|version| version.document);
        let is_made = document.is_none();
        let earlier = match &change.edit {
            Edit::Restore(revision) => {
                history::of_revision(self.database, revision)?.and_then(|version| version.document)
            }
            _ => None,
        };
        let document = match change.applied_to(document.as_deref(), earlier) {
            Ok(document) => document,
            Err(error) => return Ok(Err(error)),
        };
        if is_made {
            set_state(self.database, CREATED_MS, now_ms.into())?;
        }
        history::add(self.database, document, cause, now_ms)?;
        Ok(Ok(()))
    }

    /// Takes in what the store has. What this ledger itself has written, and the store's delay, are no change; anything else
    /// was put there by hand, and is taken over.
    ///
    /// # Errors
    /// If the database fails.
    pub fn observe(&self, seen: &Observation, now_ms: f64) -> Result<(), DatabaseError> {
        set_state(self.database, LOOKED_MS, now_ms.into())?;
        if seen.document.as_ref().is_some_and(|document| document.len() > MOST_DOCUMENT_BYTES) {
            return Ok(());
        }
        let Some(newest) = history::newest(self.database)? else {
            return match &seen.document {
                Some(_) => self.adopt(seen, now_ms),
                None => Ok(()),
            };
        };
        let revision = seen.document.as_deref().map(history::revision_of);
        if revision == newest.revision {
            return self.published(newest.number, now_ms);
        }
        let published_ms = state_number(self.database, PUBLISHED_MS)?.unwrap_or(0.0);
        // What is to be written will be, and what was read before that is older.
        if self.has_to_publish()? || seen.asked_ms <= published_ms {
            return Ok(());
        }
        let has_settled = seen.asked_ms > published_ms + self.delay_ms;
        match (seen.number, &revision) {
            // A version that this ledger wrote earlier. A store that goes on showing it has lost the newest.
            (Some(number), Some(_)) if number <= newest.number => {
                if seen.asked_ms > published_ms + 2.0 * self.delay_ms {
                    set_state(self.database, PUBLISHED, Cell::count(newest.number.saturating_sub(1)))?;
                }
                Ok(())
            }
            // One that was there before may be an older copy, and so may be that there is none.
            (_, None) if !has_settled => Ok(()),
            (_, Some(revision)) if !has_settled && self.knows(revision)? => Ok(()),
            _ => self.adopt(seen, now_ms),
        }
    }

    fn adopt(&self, seen: &Observation, now_ms: f64) -> Result<(), DatabaseError> {
        let version = history::add(self.database, seen.document.clone(), &Cause::of(Author::Hand, None), now_ms)?;
        self.published(version.number, now_ms)
    }

    /// Whether the store does not have the newest version yet.
    ///
    /// # Errors
    /// If the database fails.
    pub fn has_to_publish(&self) -> Result<bool, DatabaseError> {
        Ok(history::newest_number(self.database)? > state_count(self.database, PUBLISHED)?.unwrap_or(0))
    }

    /// What the store has to be told, if it does not have the newest version yet.
    ///
    /// # Errors
    /// If the database fails.
    pub fn publication(&self) -> Result<Option<Publication>, DatabaseError> {
        if !self.has_to_publish()? {
            return Ok(None);
        }
        let Some(Version { number, at_ms, document, .. }) = history::newest(self.database)? else { return Ok(None) };
        Ok(Some(Publication { number, document, times: self.times(number, at_ms)? }))
    }

    /// Notes that the store has the version with this number.
    ///
    /// # Errors
    /// If the database fails.
    pub fn published(&self, number: u64, now_ms: f64) -> Result<(), DatabaseError> {
        let before = state_count(self.database, PUBLISHED)?.unwrap_or(0);
        if number > before {
            set_state(self.database, PUBLISHED, Cell::count(number))?;
            set_state(self.database, PUBLISHED_MS, now_ms.into())?;
        }
        Ok(())
    }
}
