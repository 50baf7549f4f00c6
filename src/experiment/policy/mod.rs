//! Policies: who moves the weights, what turns them back, and why.
//!
//! What a policy does is decided by [`decide`](decide::decide), a pure function of what it is to do (the [`Plan`]), where it is
//! (the [`Run`]) and what is known ([`Evidence`]). [`Steering`] gathers that from the experiment's database, and does it.

mod arms;
mod decide;
mod deeds;
mod deployment;
mod evidence;
mod guard;
mod plan;
mod recorded;
mod rehearsal;
mod rollout;
mod run;
mod steering;

pub use arms::arms;
pub use decide::{Decision, Waiting, decide};
pub use deeds::{Deed, Told};
pub(super) use deeds::{Notice, due, forget, next_ms, put_off};
pub use deployment::{DeployedVariant, Deployment};
pub use evidence::{Evidence, Requests, Segment, UnitEvents};
pub use guard::Guarded;
pub use plan::{Course, Plan, PlanError, Shares};
pub(super) use recorded::recorded;
pub use rehearsal::{Assumed, Compared, Judging, Rates, Rehearsed, rehearse};
pub use rollout::{Rollout, RolloutError};
pub use run::{Began, LastDeployment, Run};
pub(super) use steering::Steering;
pub use steering::{Act, ActError, Report, Start, StepReport};
