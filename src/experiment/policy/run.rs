//! A policy that was started: where it is, and what was counted before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use super::evidence::{Evidence, Requests};
use super::plan::{Plan, Shares};
use crate::experiment::fleets::Fleets;
use crate::experiment::status::Status;

/// A policy that was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Where it is.
    pub status: Status,
    /// Why it is there.
    pub says: String,
    /// What it is to do.
    pub plan: Plan,
    /// The revision from before it, which a rollback puts back.
    pub before: String,
    /// The document that takes the place of its last one at the end, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
    /// When it was started, in milliseconds since the Unix epoch.
    pub began_ms: f64,
    /// When it took the step that it is in, or was resumed.
    pub since_ms: f64,
    /// The step, from 0 on; of a bandit, how often it has moved weights.
    pub step: usize,
    /// The newest of the endpoint's changes that it knows: any other was made by somebody else.
    pub number: u64,
    /// The versions of the document that it has made, in order.
    pub segments: Vec<Began>,
    /// See [`Evidence::units_anew_from`](super::Evidence).
    pub units_anew_from: usize,
    /// Requests that those who are watched had had when the step began, since the policy began.
    pub invocations_before: u64,
    /// Outcomes that they had had then, in all.
    pub outcomes_before: u64,
}

/// One version of the document, when it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Began {
    /// Its revision.
    pub revision: String,
    /// Its shares.
    pub shares: Shares,
    /// What had been counted under the same revision earlier, by variant.
    pub before: BTreeMap<String, Requests>,
}

/// A deployment that was started, as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastDeployment {
    /// What it is.
    pub deployment: Deployment,
    /// Where it is.
    pub status: Status,
    /// Why it is there.
    pub says: String,
    /// When it was started, in milliseconds since the Unix epoch.
    pub began_ms: f64,
    /// When it took the step that it is in, or was resumed.
    pub since_ms: f64,
    /// Whether that is the last step.
    pub is_baking: bool,
    /// Whether nothing has changed the document since.
    pub is_newest: bool,
}

impl Run {
    /// One that has just begun; of which nothing has been counted.
    pub fn begun(plan: Plan, before: String, now_ms: f64) -> Self {
        Run {
            status: Status::Running,
            says: String::new(),
            plan,
            before,
            finish: None,
            began_ms: now_ms,
            since_ms: now_ms,
            step: 0,
            number: 0,
            segments: Vec::new(),
            units_anew_from: 0,
            invocations_before: 0,
            outcomes_before: 0,
        }
    }

    /// It takes the next step: what those who are watched have had so far was before it.
    pub fn stepped(&mut self, evidence: &Evidence, now_ms: f64) {
        self.step = self.step.saturating_add(1);
        self.since_ms = now_ms;
        (self.invocations_before, self.outcomes_before) = self.had(evidence);
    }

    /// What those who are watched have had: requests since the policy began, and outcomes in all.
    pub fn had(&self, evidence: &Evidence) -> (u64, u64) {
        let watched: Vec<String> = self.plan.watched().into_iter().flat_map(|(_, variants)| variants).collect();
        (evidence.requests(&watched).invocations, evidence.outcomes(&watched))
    }

    /// The segment that a revision is, from 0 on.
    pub fn segment(&self, revision: &str) -> Option<usize> {
        self.segments.iter().position(|began| began.revision == revision)
    }

    /// Whose requests are whose under its revisions.
    pub(in crate::experiment) fn fleets(&self) -> Fleets {
        let revisions = self.segments.iter().map(|began| began.revision.clone()).collect();
        self.plan.deployment.as_ref().map(|deployment| deployment.fleets(revisions)).unwrap_or_default()
    }

    /// What is told of it, where it is a deployment. `newest` is the number of the endpoint's newest change.
    pub fn deployment(&self, newest: u64) -> Option<LastDeployment> {
        Some(LastDeployment {
            deployment: (**self.plan.deployment.as_ref()?).clone(),
            status: self.status,
            says: self.says.clone(),
            began_ms: self.began_ms,
            since_ms: self.since_ms,
            is_baking: self.plan.climb()?.is_last(self.step),
            is_newest: self.number == newest,
        })
    }
}
