//! What a policy is to do, as it stood when the policy was started.

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use crate::endpoint::{Bandit, Endpoint, Guardrail, Minutes, Policy, PromoteWhen, Watch};
use crate::statistics::with_floor;

/// The variants' shares of the traffic, 0 to 1, in the document's order.
pub type Shares = Vec<(String, f64)>;

/// What a policy is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Where the weights go.
    pub course: Course,
    /// What is watched meanwhile.
    pub guardrails: Vec<Guardrail>,
    /// The probability with which guardrails turn it back for nothing, all together.
    pub alpha: f64,
    /// What it is besides, where it goes from one endpoint configuration to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Box<Deployment>>,
}

/// Where the weights go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// From some shares to others, step by step.
    Ramp(Climb),
    /// To whom the outcomes speak for.
    Bandit {
        /// How.
        bandit: Bandit,
        /// The variant that the others are compared with.
        baseline: String,
        /// All variants.
        variants: Vec<String>,
    },
}

/// A ramp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Climb {
    /// What gets the traffic, in words: a variant, or a configuration.
    pub to_name: String,
    /// The shares that it comes from.
    pub from: Shares,
    /// The shares that it goes to.
    pub to: Shares,
    /// How far it is in each step, in percent.
    pub percent: Vec<f64>,
    /// How long each step lasts at least, in milliseconds.
    pub step_ms: f64,
    /// How many requests it has had at least, in each step.
    pub step_invocations: u64,
    /// How many outcomes it has had at least, in each step.
    pub step_outcomes: u64,
    /// What has to hold before the last step.
    pub promote_when: PromoteWhen,
}

/// Why a policy cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PlanError {
    /// The document has none.
    #[error("the endpoint's document has no `policy`: add a `ramp` or a `bandit`")]
    NoPolicy,
    /// There is nothing to be moved.
    #[error("`{0}` has all of the traffic already")]
    Arrived(String),
}

impl Plan {
    /// What an endpoint's document says.
    ///
    /// # Errors
    /// If it says nothing, or there is nothing to do.
    pub fn of(endpoint: &Endpoint) -> Result<Self, PlanError> {
        let policy = endpoint.policy().ok_or(PlanError::NoPolicy)?;
        let guardrails = endpoint.guardrails().into_owned();
        // Shadows have no share, and none is given to them.
        let shares = || endpoint.answering().map(|variant| (variant.name.to_string(), endpoint.share(variant)));
        match policy {
            Policy::Ramp(ramp) => {
                let to = ramp.to.as_str();
                let others: f64 = shares().filter(|(name, _)| name != to).map(|(_, share)| share).sum();
                let own = endpoint.share_of(to);
                let has = own * 100.0;
                let mut percent: Vec<f64> =
                    ramp.percent.get().iter().copied().filter(|percent| *percent > has + 1e-9).collect();
                if others <= 0.0 || percent.is_empty() {
                    return Err(PlanError::Arrived(to.to_owned()));
                }
                // The last step is not taken without the verdict that it wants.
                if percent.len() == 1 && ramp.promote_when != PromoteWhen::NoBreach {
                    percent.insert(0, has);
                }
                let from = shares().map(|(name, share)| match name == to {
                    true => (name, 0.0),
                    false => (name, share / others),
                });
                let climb = Climb {
                    to_name: to.to_owned(),
                    from: from.collect(),
                    to: shares().map(|(name, _)| (name.clone(), if name == to { 1.0 } else { 0.0 })).collect(),
                    percent,
                    step_ms: Minutes::ms(ramp.step_minutes),
                    step_invocations: ramp.step_invocations,
                    step_outcomes: ramp.step_outcomes,
                    promote_when: ramp.promote_when,
                };
                Ok(Plan { course: Course::Ramp(climb), guardrails, alpha: ramp.alpha.get(), deployment: None })
            }
            Policy::Bandit(bandit) => {
                let baseline = endpoint.baseline().map(ToString::to_string);
                let course = Course::Bandit {
                    bandit: bandit.clone(),
                    baseline: baseline.unwrap_or_default(),
                    variants: shares().map(|(name, _)| name).collect(),
                };
                Ok(Plan { course, guardrails, alpha: bandit.alpha.get(), deployment: None })
            }
        }
    }

    /// The shares that it begins with.
    pub fn begin(&self, endpoint: &Endpoint) -> Shares {
        match &self.course {
            Course::Ramp(climb) => climb.shares(0),
            Course::Bandit { bandit, variants, .. } => {
                let shares: Vec<f64> = variants.iter().map(|name| endpoint.share_of(name)).collect();
                // What is never asked is never learned of.
                let has_floor = shares.iter().all(|share| *share >= bandit.floor);
                let shares = if has_floor { shares } else { with_floor(&shares, bandit.floor) };
                variants.iter().cloned().zip(shares).collect()
            }
        }
    }

    /// Who is watched: each a name, and the variants that it stands for.
    pub fn watched(&self) -> Vec<(String, Vec<String>)> {
        match &self.course {
            Course::Ramp(climb) => vec![(climb.to_name.clone(), climb.gaining())],
            Course::Bandit { baseline, variants, .. } => {
                let others = variants.iter().filter(|name| *name != baseline);
                others.map(|name| (name.clone(), vec![name.clone()])).collect()
            }
        }
    }

    /// Each test's part of alpha: one of whom it watches, the sample ratio's once.
    pub fn alpha_each(&self) -> f64 {
        let watched = self.watched().len();
        let tests = self.guardrails.iter().map(|guardrail| match guardrail.watch {
            Watch::Mismatch => 1,
            watch if watch.is_a_test() => watched,
            _ => 0,
        });
        self.alpha / tests.sum::<usize>().max(1) as f64
    }

    /// What people call it.
    pub fn kind(&self) -> &'static str {
        match (&self.course, &self.deployment) {
            (Course::Ramp(_), Some(_)) => "deployment",
            (Course::Ramp(_), None) => "ramp",
            (Course::Bandit { .. }, _) => "bandit",
        }
    }

    /// How long the last step lasts beyond the time of a step, in milliseconds.
    pub fn bake_ms(&self) -> f64 {
        self.deployment.as_ref().map_or(0.0, |deployment| deployment.bake_ms)
    }

    /// The ramp, where it is one.
    pub fn climb(&self) -> Option<&Climb> {
        match &self.course {
            Course::Ramp(climb) => Some(climb),
            Course::Bandit { .. } => None,
        }
    }
}

impl Climb {
    /// The shares in a step, or at its end beyond the last.
    pub fn shares(&self, step: usize) -> Shares {
        let part = self.percent.get(step).map_or(1.0, |percent| percent / 100.0);
        let names = self.from.iter().chain(&self.to).map(|(name, _)| name);
        let mut shares = Shares::new();
        for name in names {
            if shares.iter().all(|(known, _)| known != name) {
                let share = share_of(&self.from, name) * (1.0 - part) + share_of(&self.to, name) * part;
                shares.push((name.clone(), share));
            }
        }
        shares
    }

    /// The variants that get more.
    fn gaining(&self) -> Vec<String> {
        let gains = |name: &str| share_of(&self.to, name) > share_of(&self.from, name);
        self.to.iter().map(|(name, _)| name).filter(|name| gains(name)).cloned().collect()
    }

    /// Whether there is no step after this one.
    pub fn is_last(&self, step: usize) -> bool {
        step.saturating_add(1) >= self.percent.len()
    }
}

/// A variant's share; 0 of one that is not there.
pub fn share_of(shares: &[(String, f64)], name: &str) -> f64 {
    shares.iter().find(|(known, _)| known == name).map_or(0.0, |(_, share)| *share)
}
