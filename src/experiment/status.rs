//! Where a policy is.

use serde::{Deserialize, Serialize};

/// Where a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It moves the weights when it may.
    Running,
    /// The weights stay, until somebody resumes it or ends it.
    Paused,
    /// It came to its end.
    Done,
    /// The document from before it is back.
    RolledBack,
    /// Somebody ended it, and left the weights as they were.
    Stopped,
}

impl Status {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Done => "done",
            Status::RolledBack => "rolled back",
            Status::Stopped => "stopped",
        }
    }

    /// All that there are.
    pub const ALL: [Status; 5] = [Status::Running, Status::Paused, Status::Done, Status::RolledBack, Status::Stopped];

    /// Whether it may still do something.
    pub fn is_open(self) -> bool {
        matches!(self, Status::Running | Status::Paused)
    }
}
