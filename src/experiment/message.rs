//! What is asked of an experiment, and what it answers. Both cross as JSON.

use serde::{Deserialize, Serialize};

use super::history::{Cause, Past};
use super::ledger::{Change, Newest, Refusal};
use super::outcomes::{CheckedOutcome, Taken};
use super::pairs::Pairs;
use super::policy::{Act, ActError, Assumed, LastDeployment, Report};
use super::scoreboard::{Query, Scoreboard};
use super::tally::Tally;
use super::timetable::Timetable;
use super::verdict::{Estimates, Verdict};
use crate::endpoint::Name;
use crate::platform::DatabaseError;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Count this.
    Tally(Tally),
    /// Change the document.
    Change {
        /// What to.
        change: Change,
        /// Who wants it, and what for.
        cause: Cause,
    },
    /// The document as it stands, and the deployment that it may be in.
    Read,
    /// Begin or end a shadow now or later, for a shadow test.
    Shadows {
        /// What is to be done now, who wants it, and what for.
        now: Option<(Change, Cause)>,
        /// What is to be done later.
        later: Timetable,
    },
    /// What the records say.
    Scoreboard(Query),
    /// Outcomes of predictions.
    Outcomes(Vec<CheckedOutcome>),
    /// What they allow one to say.
    Verdict,
    /// What shadows made of the requests that variants answered.
    Pairs,
    /// What the metric would be under other weights.
    Estimate {
        /// The shares; none are asked for beside those of one variant each.
        shares: Option<Vec<(Name, f64)>>,
    },
    /// What its policy does.
    Policy,
    /// What the records say of the rates that a rehearsal assumes.
    Recorded {
        /// Of this document.
        document: String,
    },
    /// Do something with it.
    Act {
        /// What.
        act: Act,
        /// Who wants it, and what for.
        cause: Cause,
    },
    /// The changes with a number below `before`, the newest first.
    History {
        /// None of the newest.
        before: Option<u64>,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A tally was counted, now or earlier: the newest of the endpoint's changes.
    Counted(Newest),
    /// The document is so now.
    Document(Newest),
    /// The document as it stands.
    Kept {
        /// The document.
        newest: Newest,
        /// The last deployment; absent where there has been none since the endpoint was made.
        deployment: Option<Box<LastDeployment>>,
    },
    /// What the records say.
    Scoreboard(Box<Scoreboard>),
    /// What became of outcomes.
    Outcomes(Taken),
    /// What they allow one to say.
    Verdict(Box<Verdict>),
    /// What shadows made of the requests that variants answered.
    Pairs(Box<Pairs>),
    /// What the metric would be under other weights.
    Estimates(Box<Estimates>),
    /// What its policy does.
    Policy(Box<Report>),
    /// Changes, and whether there are older ones.
    History {
        /// The newest first.
        changes: Vec<Past>,
        /// Whether there are older ones.
        more: bool,
    },
    /// What was asked cannot be.
    Refused(Refusal),
    /// Rates, as they were recorded.
    Recorded(Assumed),
    /// Something was done with the policy.
    Moved {
        /// What it does now.
        report: Box<Report>,
        /// The document.
        newest: Newest,
    },
    /// Nothing was done with it.
    Unmoved(ActError),
}

/// An experiment cannot be had, or did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExperimentError {
    /// It does not answer.
    #[error("the endpoint's experiment does not answer: {0}")]
    Unreachable(String),
    /// Its database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// It said something that is not understood here, as between two deployments.
    #[error("the endpoint's experiment is of another version: {0}")]
    Version(String),
}
