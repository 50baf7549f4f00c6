//! How a deployment is started: from the documents before and after it.

use serde_json::Value;

use super::deployment::{Deployment, merged};
use super::plan::{Climb, Course, Plan};
use super::steering::Start;
use crate::endpoint::{DocumentError, Endpoint, Name, PromoteWhen};
use crate::experiment::alarm::Alarm;
use crate::experiment::ledger::Condition;

/// How traffic is shifted from one endpoint configuration to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// How far it is in each step, in percent; the last is 100.
    pub percent: Vec<f64>,
    /// How long each step lasts, in milliseconds.
    pub step_ms: f64,
    /// How much longer the last step lasts.
    pub bake_ms: f64,
    /// How long all of it may last before it is rolled back.
    pub most_ms: Option<f64>,
    /// What was asked for, in the words of the protocol that it was asked in.
    pub terms: Value,
}

/// Why a deployment cannot be started.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RolloutError {
    /// There is no traffic on either side of it.
    #[error("the weights of {0} are all 0, so that no part of the traffic can be shifted")]
    NoWeight(String),
    /// The variants of both cannot stand beside each other.
    #[error("its variants cannot stand beside those that are there: {0}")]
    Document(DocumentError),
}

impl Rollout {
    /// Whether all of it is done at once.
    pub fn is_at_once(&self) -> bool {
        self.percent.len() == 1 && self.step_ms <= 0.0 && self.bake_ms <= 0.0
    }

    /// What shifts the traffic from an endpoint to the document `finish`, which was made of `config`.
    ///
    /// # Errors
    /// If there is nothing to be shifted, or the two cannot stand beside each other.
    pub fn start(
        self,
        before: &Endpoint,
        (config, finish): (Name, String),
        alarms: Vec<Alarm>,
    ) -> Result<Start, RolloutError> {
        let after = Endpoint::parse(finish.as_bytes()).map_err(RolloutError::Document)?;
        if before.total_weight() <= 0.0 {
            return Err(RolloutError::NoWeight("the endpoint's variants".to_owned()));
        }
        if after.total_weight() <= 0.0 {
            return Err(RolloutError::NoWeight(format!("the variants of {config}")));
        }
        let (variants, deployed) = merged(before.variants(), after.variants());
        let document = before.with_variants(variants.clone()).map_err(RolloutError::Document)?;
        let shares = |share: &dyn Fn(&Name) -> f64| {
            variants.iter().map(|variant| (variant.name.to_string(), share(&variant.name))).collect()
        };
        let climb = Climb {
            to_name: format!("configuration {config}"),
            from: shares(&|name| before.share_of(name.as_str())),
            to: shares(&|name| deployed.iter().find(|each| each.meanwhile == *name).map_or(0.0, |each| each.share)),
            percent: self.percent,
            step_ms: self.step_ms,
            step_invocations: 0,
            step_outcomes: 0,
            promote_when: PromoteWhen::NoBreach,
        };
        let (bake_ms, most_ms, terms) = (self.bake_ms, self.most_ms, self.terms);
        let plan = Plan {
            course: Course::Ramp(climb),
            guardrails: before.own_guardrails().to_vec(),
            alpha: before.goal().alpha.get(),
            deployment: Some(Box::new(Deployment { config, variants: deployed, bake_ms, most_ms, alarms, terms })),
        };
        Ok(Start {
            document: Some(document),
            condition: Condition::OneOf(vec![before.revision().as_str().to_owned()]),
            plan: Some(Box::new(plan)),
            finish: Some(finish),
        })
    }
}
