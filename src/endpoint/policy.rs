//! Who moves the weights: the member `policy` of a document.

use serde::{Deserialize, Serialize};

use super::goal::{Alpha, Goal};
use super::name::Name;
use super::object::Object;
use super::variant::Variant;
use crate::statistics::Method;

/// Who moves the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "policy", try_from = "PolicyDocument", into = "PolicyDocument")]
pub enum Policy {
    /// One variant gets the traffic step by step.
    Ramp(Ramp),
    /// Better variants get more of it, as far as is known.
    Bandit(Bandit),
}

/// A policy as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "policy")]
struct PolicyDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ramp: Option<Object<Ramp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bandit: Option<Object<Bandit>>,
}

/// One variant gets the traffic step by step; the others keep their proportions among each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "ramp")]
pub struct Ramp {
    /// The variant.
    pub to: Name,
    /// Its share of the traffic in each step, in percent.
    pub percent: Percents,
    /// How long each step lasts at least.
    pub step_minutes: Minutes,
    /// How many requests the variant has had at least, in each step.
    #[serde(default = "Ramp::default_invocations")]
    pub step_invocations: u64,
    /// How many outcomes the variant has had at least, in each step.
    #[serde(default)]
    pub step_outcomes: u64,
    /// What has to hold before the last step. The steps before it want no more than that no guardrail is breached.
    #[serde(default)]
    pub promote_when: PromoteWhen,
    /// The probability with which guardrails turn it back for nothing, all together, over the whole ramp.
    #[serde(default)]
    pub alpha: Alpha,
}

impl Ramp {
    fn default_invocations() -> u64 {
        100
    }
}

/// What has to hold before a ramp's last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromoteWhen {
    /// The verdict says that it is better.
    Better,
    /// The verdict says that it is better, or not worse by more than the margin.
    NotWorse,
    /// No guardrail is breached.
    #[default]
    NoBreach,
}

/// Better variants get more of the traffic, as far as is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "bandit", try_from = "BanditDocument", into = "BanditDocument")]
pub struct Bandit {
    /// How shares are chosen.
    pub method: Method,
    /// What each variant's share is at least, 0 to 1: f of f + (1 - K f) p for K variants.
    pub floor: f64,
    /// New weights are made no more often than this.
    pub interval_minutes: Minutes,
    /// How many outcomes each variant has at least, before it begins.
    pub least_outcomes: u64,
    /// When it ends by itself.
    pub stop_when: Option<StopWhen>,
    /// The probability with which guardrails turn it back for nothing, all together.
    pub alpha: Alpha,
}

/// When a bandit ends by itself: the better variant then has all of the traffic but the floors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhen {
    /// The verdict has found one variant better than the baseline, or all others worse than it.
    Verdict,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "bandit")]
struct BanditDocument {
    method: MethodName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explore: Option<f64>,
    #[serde(default = "default_floor")]
    floor: f64,
    #[serde(default = "default_interval")]
    interval_minutes: Minutes,
    #[serde(default = "default_least")]
    least_outcomes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_when: Option<StopWhen>,
    #[serde(default)]
    alpha: Alpha,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MethodName {
    Thompson,
    TopTwo,
    EpsilonGreedy,
    Ucb1,
}

/// mabwiser's default.
const UCB1_ALPHA: f64 = 1.0;

/// What an endpoint that says nothing of it has: of all that is told, GrowthBook's.
fn default_floor() -> f64 {
    0.01
}

fn default_interval() -> Minutes {
    Minutes(60.0)
}

fn default_least() -> u64 {
    100
}

/// The steps of a ramp, in percent: 1 to 50 numbers above 0 and up to 100, each above the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Percents(Vec<f64>);

/// A time in minutes: from 0 to 43,200, which is thirty days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Minutes(f64);

/// Why a policy is none, or does not go with the rest of the document.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// There is none, or two.
    #[error("a policy is `ramp` or `bandit`, one of them")]
    Kind,
    /// The variant is a shadow.
    #[error("variant `{0}` is a shadow, which no traffic can be given to: take its `shadow` away first")]
    Shadow(Name),
    /// They are no steps.
    #[error(
        "`percent` is 1 to 50 numbers above 0 and up to 100, each above the one before, such as [1, 5, 25, 50, 100]"
    )]
    Percents,
    /// It is no time.
    #[error("minutes are a number from 0 to 43200")]
    Minutes,
    /// A bandit that never rests.
    #[error("`interval_minutes` is at least 0.01: each time is a revision of the document")]
    Interval,
    /// The floors take everything.
    #[error("`floor` is from 0 to below one part of as many as there are variants: 0.01 is usual")]
    Floor,
    /// It is no part.
    #[error("`{0}` is a number from 0 to 1")]
    Part(&'static str),
    /// Nothing would be drawn at random.
    #[error("`explore` is above 0: without it the choice is no draw, and nothing could be told from it")]
    Deterministic,
    /// It belongs to another method.
    #[error("`{0}` says something of `{1}` alone: leave it out")]
    Stray(&'static str, &'static str),
    /// It names no variant.
    #[error("there is no variant `{0}`; name one of: {known}", known = .1.join(", "))]
    UnknownVariant(Name, Vec<String>),
    /// The last step would be taken before a verdict can be had.
    #[error("`promote_when` is about the last step of `percent`: name one before it, such as [50, 100]")]
    OneStep,
    /// There is nothing beside it.
    #[error("`{0}` is the only variant: a ramp takes traffic from others")]
    Alone(Name),
    /// It waits for a verdict that there will not be.
    #[error(
        "`promote_when` is `{0}`, which only outcomes can tell: say in `outcome` what they are, or promote when `no_breach`"
    )]
    NoOutcome(&'static str),
    /// The verdict can never say so.
    #[error("`promote_when` is `not_worse`, and `goal` has no `margin`: say there what difference does not matter")]
    NoMargin,
    /// It would be compared with itself.
    #[error("`{0}` is the baseline of `goal`, with which it cannot be compared: name another baseline")]
    Baseline(Name),
    /// It learns from nothing.
    #[error("a bandit learns from outcomes: say in `outcome` what they are")]
    BanditNoOutcome,
}

impl PromoteWhen {
    /// As documents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            PromoteWhen::Better => "better",
            PromoteWhen::NotWorse => "not_worse",
            PromoteWhen::NoBreach => "no_breach",
        }
    }
}

impl Policy {
    /// Whether it goes with the rest of a document.
    pub(super) fn check(&self, variants: &[Variant], has_outcome: bool, goal: &Goal) -> Result<(), PolicyError> {
        let answering = variants.iter().filter(|variant| !variant.is_shadow()).count();
        match self {
            Policy::Ramp(Ramp { to, promote_when, percent, .. }) => {
                if !variants.iter().any(|variant| variant.name == *to) {
                    let known = variants.iter().map(|variant| variant.name.to_string()).collect();
                    return Err(PolicyError::UnknownVariant(to.clone(), known));
                }
                if variants.iter().any(|variant| variant.name == *to && variant.is_shadow()) {
                    return Err(PolicyError::Shadow(to.clone()));
                }
                if answering < 2 {
                    return Err(PolicyError::Alone(to.clone()));
                }
                match promote_when {
                    PromoteWhen::NoBreach => Ok(()),
                    _ if percent.get().len() < 2 => Err(PolicyError::OneStep),
                    _ if !has_outcome => Err(PolicyError::NoOutcome(promote_when.as_str())),
                    PromoteWhen::NotWorse if goal.margin.is_none() => Err(PolicyError::NoMargin),
                    _ if goal.baseline_of(variants) == Some(to) => Err(PolicyError::Baseline(to.clone())),
                    _ => Ok(()),
                }
            }
            Policy::Bandit(_) if !has_outcome => Err(PolicyError::BanditNoOutcome),
            Policy::Bandit(bandit) if bandit.floor * answering as f64 >= 1.0 => Err(PolicyError::Floor),
            Policy::Bandit(_) => Ok(()),
        }
    }

    /// The variant that gets the traffic, where there is one.
    pub fn to(&self) -> Option<&Name> {
        match self {
            Policy::Ramp(ramp) => Some(&ramp.to),
            Policy::Bandit(_) => None,
        }
    }
}

impl TryFrom<PolicyDocument> for Policy {
    type Error = PolicyError;

    fn try_from(PolicyDocument { ramp, bandit }: PolicyDocument) -> Result<Self, PolicyError> {
        match (ramp, bandit) {
            (Some(Object(ramp)), None) => Ok(Policy::Ramp(ramp)),
            (None, Some(Object(bandit))) => Ok(Policy::Bandit(bandit)),
            _ => Err(PolicyError::Kind),
        }
    }
}

impl From<Policy> for PolicyDocument {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Ramp(ramp) => PolicyDocument { ramp: Some(Object(ramp)), bandit: None },
            Policy::Bandit(bandit) => PolicyDocument { ramp: None, bandit: Some(Object(bandit)) },
        }
    }
}

impl TryFrom<BanditDocument> for Bandit {
    type Error = PolicyError;

    fn try_from(written: BanditDocument) -> Result<Self, PolicyError> {
        let part = |name, value: Option<f64>, otherwise: f64| match value.unwrap_or(otherwise) {
            part if (0.0..=1.0).contains(&part) => Ok(part),
            _ => Err(PolicyError::Part(name)),
        };
        let BanditDocument { method, epsilon, explore, floor, interval_minutes, .. } = written;
        if epsilon.is_some() && method != MethodName::EpsilonGreedy {
            return Err(PolicyError::Stray("epsilon", "epsilon_greedy"));
        }
        if explore.is_some() && method != MethodName::Ucb1 {
            return Err(PolicyError::Stray("explore", "ucb1"));
        }
        let method = match method {
            MethodName::Thompson => Method::Thompson,
            MethodName::TopTwo => Method::TopTwo,
            MethodName::EpsilonGreedy => Method::EpsilonGreedy { epsilon: part("epsilon", epsilon, 0.1)? },
            MethodName::Ucb1 => match part("explore", explore, 0.1)? {
                0.0 => return Err(PolicyError::Deterministic),
                explore => Method::Ucb1 { alpha: UCB1_ALPHA, explore },
            },
        };
        if !(0.0..0.5).contains(&floor) {
            return Err(PolicyError::Floor);
        }
        if interval_minutes.ms() < 600.0 {
            return Err(PolicyError::Interval);
        }
        let BanditDocument { least_outcomes, stop_when, alpha, .. } = written;
        Ok(Bandit { method, floor, interval_minutes, least_outcomes, stop_when, alpha })
    }
}

impl From<Bandit> for BanditDocument {
    fn from(bandit: Bandit) -> Self {
        let (method, epsilon, explore) = match bandit.method {
            Method::Thompson => (MethodName::Thompson, None, None),
            Method::TopTwo => (MethodName::TopTwo, None, None),
            Method::EpsilonGreedy { epsilon } => (MethodName::EpsilonGreedy, Some(epsilon), None),
            Method::Ucb1 { explore, .. } => (MethodName::Ucb1, None, Some(explore)),
        };
        let Bandit { floor, interval_minutes, least_outcomes, stop_when, alpha, .. } = bandit;
        BanditDocument { method, epsilon, explore, floor, interval_minutes, least_outcomes, stop_when, alpha }
    }
}

impl Percents {
    /// The numbers, from low to high.
    pub fn get(&self) -> &[f64] {
        &self.0
    }
}

impl TryFrom<Vec<f64>> for Percents {
    type Error = PolicyError;

    fn try_from(percents: Vec<f64>) -> Result<Self, PolicyError> {
        let in_range = percents.iter().all(|percent| *percent >= 1e-6 && *percent <= 100.0);
        let rises = percents.is_sorted_by(|before, after| before < after);
        if (1..=50).contains(&percents.len()) && in_range && rises {
            Ok(Percents(percents))
        } else {
            Err(PolicyError::Percents)
        }
    }
}

impl From<Percents> for Vec<f64> {
    fn from(Percents(percents): Percents) -> Vec<f64> {
        percents
    }
}

impl Minutes {
    /// A day.
    pub(super) const DAY: Minutes = Minutes(1_440.0);

    /// The same in milliseconds.
    pub fn ms(self) -> f64 {
        self.0 * 60_000.0
    }
}

impl TryFrom<f64> for Minutes {
    type Error = PolicyError;

    fn try_from(minutes: f64) -> Result<Self, PolicyError> {
        if (0.0..=43_200.0).contains(&minutes) { Ok(Minutes(minutes)) } else { Err(PolicyError::Minutes) }
    }
}

impl From<Minutes> for f64 {
    fn from(Minutes(minutes): Minutes) -> f64 {
        minutes
    }
}
