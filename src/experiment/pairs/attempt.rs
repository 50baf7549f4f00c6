//! What variants made of the same request.

use serde::{Deserialize, Serialize};

use crate::payload::Predicted;

/// What one variant made of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// Whether it gave no answer.
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
    /// Whether that is because it does not take such a request, as the other did.
    #[serde(skip_serializing_if = "is_false")]
    pub unread: bool,
    /// What it predicted for each row, as far as that is told.
    pub predicted: Vec<Option<Predicted>>,
    /// Milliseconds waited for its origin; absent of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_ms: Option<f64>,
}

/// A request that shadows were asked about, once its answer was out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shadowed {
    /// The inference id.
    pub id: String,
    /// When the request came in, in milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// The first 48 bits of the unit's hash, where there is a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u64>,
    /// The variant that was assigned.
    pub variant: String,
    /// What it made of it.
    pub answered: Attempt,
    /// The shadows, by name, and what they made of it.
    pub shadows: Vec<(String, Attempt)>,
}

impl Attempt {
    /// What was predicted for a row, as far as that is told.
    pub fn of_row(&self, row: usize) -> Option<Predicted> {
        self.predicted.get(row).copied().flatten()
    }
}

impl Shadowed {
    /// How many rows it had, as far as any variant told.
    pub fn rows(&self) -> usize {
        let shadows = self.shadows.iter().map(|(_, answered)| answered.predicted.len());
        shadows.fold(self.answered.predicted.len(), usize::max).max(1)
    }
}

fn is_false(truth: &bool) -> bool {
    !truth
}
