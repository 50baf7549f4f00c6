//! The shares of the traffic that the documents of revisions say.

use std::collections::BTreeMap;

use super::history;
use crate::platform::{Database, DatabaseError};

/// The shares that the variants of each revision should have.
#[derive(Default)]
pub(super) struct Shares(BTreeMap<String, Option<Vec<(String, f64)>>>);

impl Shares {
    /// Learns a revision's, from the history.
    pub fn see(&mut self, database: &impl Database, revision: &str) -> Result<(), DatabaseError> {
        if !self.0.contains_key(revision) {
            let version = history::of_revision(database, revision)?;
            self.0.insert(revision.to_owned(), version.and_then(|version| version.shares()));
        }
        Ok(())
    }

    /// All of a revision's; `None` of one that is not known.
    pub fn all(&self, revision: &str) -> Option<&[(String, f64)]> {
        self.0.get(revision)?.as_deref()
    }

    /// A variant's, 0 to 1; 0 for one that the revision has not; `None` of a revision that is not known.
    pub fn of(&self, revision: &str, variant: &str) -> Option<f64> {
        let shares = self.0.get(revision)?.as_ref()?;
        Some(shares.iter().find(|(name, _)| name == variant).map_or(0.0, |(_, share)| *share))
    }
}
