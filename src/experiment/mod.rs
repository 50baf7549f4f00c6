//! What is kept of an endpoint beside its document: who answered how often and how, and who changed what.
//!
//! One experiment an endpoint, in a small database of its own. Isolates send it [tallies](Tally) of their records; every
//! change through an API goes through it, so that of two at once one wins; what somebody puts into KV by hand it notices and
//! takes over. All of this is plain Rust over the [`Database`](crate::platform::Database) trait, which the shell has from a
//! Durable Object and tests from SQLite itself.

mod alarm;
mod alarm_name;
mod capture;
mod controller;
mod fleets;
mod hashed;
mod history;
mod inbox;
mod inference_id;
mod invocation_metric;
mod ledger;
mod measure;
mod message;
mod notices;
mod outcomes;
mod pairs;
mod percentiles;
mod policy;
mod scoreboard;
mod shares;
mod split;
mod status;
mod sums;
mod tables;
mod tally;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod timetable;
mod units;
mod verdict;
mod wording;

pub use alarm::{Alarm, AlarmProblem, Comparison, Evaluated, MissingData, State};
pub use alarm_name::{AlarmName, AlarmNameError};
pub use capture::{CaptureCounts, LostCaptures};
pub use controller::{Controller, Later, Terms};
pub use history::{Author, Cause, Past};
pub use inference_id::{Claims, IdError, IdKeys, WeakKey, unit_bits};
pub use invocation_metric::{InvocationMetric, Statistic, StatisticError, Statistics};
pub use ledger::{Change, Condition, Edit, Ledger, MOST_DOCUMENT_BYTES, Newest, Observation, Refusal};
pub use message::{Answer, Command, ExperimentError};
pub use outcomes::{CheckedOutcome, KeptPrediction, Refused, Taken};
pub use pairs::{
    Agreement, Attempt, DifferenceOfScores, Differences, Disagreed, Disagreement, PairFailures, PairLine, PairShare,
    PairSums, Pairs, Said, Shadowed,
};
pub use percentiles::Percentiles;
pub use policy::{
    Act, ActError, Assumed, Began, Compared as ComparedBy, Course, Decision, Deed, DeployedVariant, Deployment,
    Evidence, Guarded, Judging, LastDeployment, Plan, PlanError, Rates, Rehearsed, Report, Requests, Rollout,
    RolloutError, Run, Segment, Shares, Start, StepReport, Told, UnitEvents, Waiting, arms, decide, rehearse,
};
pub use scoreboard::{AsShadow, By, Detail, Errors, Line, Query, Scoreboard};
pub use split::{CountedAs, Counts, Split, VariantCount};
pub use status::Status;
pub use sums::{Latency, Sums};
pub use tables::endpoint_of;
pub use tally::{Counted, Event, Party, Share, Tally, Wronged};
pub use timetable::{Timed, Timetable};
pub use units::unit_number;
pub use verdict::{
    Compared, Estimates, FixedSample, Hypothesis, Judged, PairedFigures, Point, RightBy, Scored, SegmentVerdict,
    Verdict,
};
pub use wording::{Basis, Word};
