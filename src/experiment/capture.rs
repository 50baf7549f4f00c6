//! What became of captured lines.

use serde::{Deserialize, Serialize};

use super::sums::add_each;
use super::tables::{set_state, state_text};
use crate::platform::{Database, DatabaseError};

const CAPTURED: &str = "captured";

/// Captured lines: those that are in the bucket, and what was lost on the way there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureCounts {
    /// Lines that were written.
    pub lines: u64,
    /// What was not.
    pub lost: LostCaptures,
}

/// What is not in the bucket though it was to be captured, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LostCaptures {
    /// Bodies with more bytes than are captured.
    pub too_large: u64,
    /// Bodies of which nobody could tell where the columns are that are left out.
    pub unreadable: u64,
    /// Lines for which the isolate had no room.
    pub no_room: u64,
    /// Lines that the bucket did not take.
    pub failed: u64,
}

impl CaptureCounts {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == CaptureCounts::default()
    }

    /// Adds others.
    pub fn add(&mut self, others: CaptureCounts) {
        let LostCaptures { too_large, unreadable, no_room, failed } = others.lost;
        add_each([
            (&mut self.lines, others.lines),
            (&mut self.lost.too_large, too_large),
            (&mut self.lost.unreadable, unreadable),
            (&mut self.lost.no_room, no_room),
            (&mut self.lost.failed, failed),
        ]);
    }
}

/// Counts what a tally tells.
pub(super) fn count(database: &impl Database, told: CaptureCounts) -> Result<(), DatabaseError> {
    if told.is_empty() {
        return Ok(());
    }
    let mut sum = counts(database)?;
    sum.add(told);
    // Numbers alone: they cannot fail to be written.
    set_state(database, CAPTURED, serde_json::to_string(&sum).unwrap_or_default().as_str().into())
}

/// What has been told so far.
pub(super) fn counts(database: &impl Database) -> Result<CaptureCounts, DatabaseError> {
    let kept = state_text(database, CAPTURED)?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default())
}
