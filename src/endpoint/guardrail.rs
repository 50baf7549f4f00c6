//! What makes a policy turn back: the member `guardrails` of a document.

use serde::{Deserialize, Serialize};

use super::goal::Goal;
use super::policy::{Minutes, Policy};
use super::variant::{Backend, Variant};

/// What is watched while a policy runs, and what is done where it goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "guardrail", try_from = "GuardrailDocument", into = "GuardrailDocument")]
pub struct Guardrail {
    /// What is watched.
    pub watch: Watch,
    /// What is done.
    pub then: Then,
}

/// What is watched of a variant that gets more traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Watch {
    /// It fails more often than the others do.
    Errors {
        /// More often than so many times as often.
        at_most_times: f64,
    },
    /// It is slow more often than the others are.
    Slow {
        /// An answer that an origin took longer for than this is slow: milliseconds.
        origin_ms: f64,
        /// More often than so many times as often.
        at_most_times: f64,
    },
    /// It fails more often than it may, whatever the others do.
    Absolute {
        /// In more than this share of its requests, above 0 and below 1.
        at_most: f64,
    },
    /// The traffic is not split as the weights say.
    Mismatch,
    /// The verdict on the goal is that it is worse.
    Goal,
    /// No requests come.
    NoTraffic {
        /// For so long.
        minutes: Minutes,
    },
}

/// What is done where a guardrail is breached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The weights stay as they are, until somebody has looked.
    Pause,
    /// The document from before the policy is put back.
    RollBack,
}

/// A guardrail as it is written.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "guardrail", default)]
struct GuardrailDocument {
    metric: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most_times: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes: Option<Minutes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Then>,
}

/// Why a guardrail is none, or does not go with the rest of the document.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GuardrailError {
    /// Nothing of that name is watched.
    #[error("`{0}` is nothing that is watched: `metric` is errors, slow, absolute, mismatch, goal or no_traffic")]
    Metric(String),
    /// It belongs to another.
    #[error("`{member}` says nothing of `{metric}`: leave it out")]
    Stray {
        /// The member.
        member: &'static str,
        /// What is watched.
        metric: &'static str,
    },
    /// Something is missing or out of range.
    #[error("`{metric}` wants `{member}`: {meant}")]
    Wanted {
        /// What is watched.
        metric: &'static str,
        /// The member.
        member: &'static str,
        /// What is to stand there.
        meant: &'static str,
    },
    /// It is there twice.
    #[error("`{0}` is watched twice: keep one of them")]
    Repeated(&'static str),
    /// There is nothing to judge by.
    #[error("`goal` is judged by outcomes: say in `outcome` what they are")]
    NoOutcome,
    /// It would be compared with itself.
    #[error(
        "`goal` compares with the baseline, which is the variant that gets the traffic: name another in `goal.baseline`"
    )]
    Baseline,
    /// It has no time that could be told.
    #[error(
        "`slow` is about origins, and the variant that gets the traffic is a model: the time of models cannot be told here"
    )]
    NoOrigin,
}

impl Watch {
    /// As documents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Watch::Errors { .. } => "errors",
            Watch::Slow { .. } => "slow",
            Watch::Absolute { .. } => "absolute",
            Watch::Mismatch => "mismatch",
            Watch::Goal => "goal",
            Watch::NoTraffic { .. } => "no_traffic",
        }
    }

    /// Whether chance alone can breach it, so that a part of alpha is its.
    pub fn is_a_test(self) -> bool {
        !matches!(self, Watch::NoTraffic { .. })
    }

    /// What is done where nothing else is said. That the traffic is split wrongly, or that there is none, is no fault of the
    /// variant's.
    fn usual(self) -> Then {
        match self {
            Watch::Mismatch | Watch::NoTraffic { .. } => Then::Pause,
            _ => Then::RollBack,
        }
    }
}

impl Guardrail {
    /// Whether it goes with the rest of a document.
    pub(super) fn check(
        &self,
        policy: Option<&Policy>,
        variants: &[Variant],
        has_outcome: bool,
        goal: &Goal,
    ) -> Result<(), GuardrailError> {
        let to = policy.and_then(Policy::to);
        match self.watch {
            Watch::Goal if !has_outcome => Err(GuardrailError::NoOutcome),
            Watch::Goal if to.is_some() && goal.baseline_of(variants) == to => Err(GuardrailError::Baseline),
            Watch::Slow { .. } => {
                let is_model = |variant: &Variant| matches!(variant.backend, Backend::Model(_));
                let timed =
                    variants.iter().any(|variant| to.is_none_or(|to| variant.name == *to) && !is_model(variant));
                if timed { Ok(()) } else { Err(GuardrailError::NoOrigin) }
            }
            _ => Ok(()),
        }
    }

    /// What is watched where a document with a policy says nothing of it.
    pub fn usual() -> Vec<Guardrail> {
        let guardrail = |watch: Watch| Guardrail { watch, then: watch.usual() };
        vec![guardrail(Watch::Errors { at_most_times: 1.0 }), guardrail(Watch::Mismatch)]
    }
}

impl TryFrom<GuardrailDocument> for Guardrail {
    type Error = GuardrailError;

    fn try_from(written: GuardrailDocument) -> Result<Self, GuardrailError> {
        let GuardrailDocument { metric, at_most_times, origin_ms, at_most, minutes, then } = written;
        let times = at_most_times.unwrap_or(1.0);
        let watch = match metric.as_str() {
            "errors" => Watch::Errors { at_most_times: times },
            "slow" => Watch::Slow { origin_ms: origin_ms.unwrap_or(0.0), at_most_times: times },
            "absolute" => Watch::Absolute { at_most: at_most.unwrap_or(0.0) },
            "mismatch" => Watch::Mismatch,
            "goal" => Watch::Goal,
            "no_traffic" => Watch::NoTraffic { minutes: minutes.unwrap_or(Minutes::DAY) },
            _ => return Err(GuardrailError::Metric(metric.chars().take(40).collect())),
        };
        let metric = watch.as_str();
        let takes_times = matches!(watch, Watch::Errors { .. } | Watch::Slow { .. });
        let strays = [
            ("at_most_times", at_most_times.is_some() && !takes_times),
            ("origin_ms", origin_ms.is_some() && !matches!(watch, Watch::Slow { .. })),
            ("at_most", at_most.is_some() && !matches!(watch, Watch::Absolute { .. })),
            ("minutes", minutes.is_some() && !matches!(watch, Watch::NoTraffic { .. })),
        ];
        if let Some((member, _)) = strays.into_iter().find(|(_, is_stray)| *is_stray) {
            return Err(GuardrailError::Stray { member, metric });
        }
        let wanted = |member, meant| Err(GuardrailError::Wanted { metric, member, meant });
        match watch {
            Watch::Errors { at_most_times: times } | Watch::Slow { at_most_times: times, .. }
                if !(1.0..=1000.0).contains(&times) =>
            {
                return wanted("at_most_times", "a number from 1 to 1000, such as 1.5");
            }
            Watch::Slow { origin_ms, .. } if !(origin_ms > 0.0 && origin_ms.is_finite()) => {
                return wanted("origin_ms", "milliseconds above 0, from which on an answer is slow");
            }
            Watch::Absolute { at_most } if !(at_most > 0.0 && at_most < 1.0) => {
                return wanted("at_most", "a share of the requests, above 0 and below 1, such as 0.05");
            }
            Watch::NoTraffic { minutes } if minutes.ms() <= 0.0 => return wanted("minutes", "a time above 0"),
            _ => {}
        }
        Ok(Guardrail { watch, then: then.unwrap_or_else(|| watch.usual()) })
    }
}

impl From<Guardrail> for GuardrailDocument {
    fn from(Guardrail { watch, then }: Guardrail) -> Self {
        let mut written = GuardrailDocument { metric: watch.as_str().to_owned(), ..GuardrailDocument::default() };
        match watch {
            Watch::Errors { at_most_times } => written.at_most_times = Some(at_most_times),
            Watch::Slow { origin_ms, at_most_times } => {
                written.origin_ms = Some(origin_ms);
                written.at_most_times = Some(at_most_times);
            }
            Watch::Absolute { at_most } => written.at_most = Some(at_most),
            Watch::NoTraffic { minutes } => written.minutes = Some(minutes),
            Watch::Mismatch | Watch::Goal => {}
        }
        written.then = Some(then);
        written
    }
}
