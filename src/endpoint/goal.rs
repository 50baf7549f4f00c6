//! What a test is to find out: the member `goal` of a document.

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::object::Object;
use super::outcome::{Classes, OutcomeKind};
use super::stickiness::Token;
use super::variant::Variant;

/// What variants are compared by, and with which certainty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "goal")]
pub struct Goal {
    /// What is compared; by the kind of outcome where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// The variant that the others are compared with; the first, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Name>,
    /// The probability with which anything false is said, over all looks.
    #[serde(default)]
    pub alpha: Alpha,
    /// The difference that does not matter, in the metric's own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Margin>,
    /// What counts for a variant where it failed; by the metric where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,
    /// Of which part of the traffic each request is, for a verdict on each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<Object<Segment>>,
}

/// A mean over outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of the predictions that are right.
    Accuracy,
    /// Minus the logarithm of the probability that the true class was given.
    LogLoss,
    /// Squared distance of the positive class's probability from 0 or 1.
    Brier,
    /// Absolute distance from the true number.
    Mae,
    /// Squared distance from the true number.
    Mse,
    /// The reward.
    Reward,
}

/// What counts for a variant where it failed to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failures {
    /// A wrong answer, whoever answered in its place: the variant is judged by itself.
    Wrong,
    /// What the caller got: the variant is judged together with its fallback. Where nobody answered, a wrong answer, if the
    /// metric has a worst value.
    AsAnswered,
}

/// The parts of the traffic that are judged by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "segment", try_from = "SegmentDocument", into = "SegmentDocument")]
pub struct Segment {
    /// Where a request says to which it belongs.
    pub by: SegmentSource,
    /// What it may say there: 1 to 20 texts. All else is no segment.
    pub values: Vec<String>,
}

/// Where a request says to which segment it belongs.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentSource {
    /// In a header.
    Header(Token),
    /// In a column that the model takes, of its first row.
    Column(String),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "segment")]
struct SegmentDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<Token>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    values: Vec<String>,
}

/// A probability of error: from 1e-6 to 0.5.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha(f64);

/// A finite number of at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Margin(f64);

/// Why a goal is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GoalError {
    /// It is no probability of error.
    #[error("`alpha` is a number from 0.000001 to 0.5, such as 0.05")]
    Alpha,
    /// It is no distance.
    #[error("`margin` is a number of at least 0, in the metric's own unit")]
    Margin,
    /// There is no such metric of these outcomes.
    #[error("`{}` is nothing for outcomes of kind `{kind}`: use {}", .metric.as_str(), .metrics.join(", "))]
    Metric {
        /// What is named.
        metric: Metric,
        /// The outcomes' kind.
        kind: &'static str,
        /// What there is.
        metrics: Vec<&'static str>,
    },
    /// A metric without a worst value has none for a failure.
    #[error(
        "`failures` cannot be `wrong` for the metric `{}`, which has no worst value that a failure could count as: use \
         `as_answered`, leave it out, or choose the metric accuracy or brier",
        .0.as_str()
    )]
    Failures(Metric),
    /// There is nothing to compare.
    #[error("a goal is about outcomes: say in `outcome` what they are, or take `goal` out")]
    NoOutcome,
    /// Segments are told in one way.
    #[error("`segment` has `header` or `column`, one of them")]
    SegmentSource,
    /// There are none, or too many.
    #[error("`segment.values` has 1 to 20 texts of 1 to 100 bytes, each once")]
    SegmentValues,
}

impl Goal {
    /// The variant that the others are compared with.
    pub fn baseline_of<'a>(&'a self, variants: &'a [Variant]) -> Option<&'a Name> {
        let first = || variants.iter().find(|variant| !variant.is_shadow());
        self.baseline.as_ref().or_else(|| first().map(|variant| &variant.name))
    }

    /// The parts of the traffic that are judged by themselves.
    pub fn segment(&self) -> Option<&Segment> {
        self.segment.as_ref().map(|Object(segment)| segment)
    }
}

impl Metric {
    /// What there is for outcomes of a kind, the usual one first.
    pub fn of(told: &OutcomeKind) -> &'static [Metric] {
        match told {
            OutcomeKind::Label(Classes { score: Some(_), .. }) => &[Metric::Accuracy, Metric::LogLoss, Metric::Brier],
            OutcomeKind::Label(_) => &[Metric::Accuracy],
            OutcomeKind::Value(_) => &[Metric::Mae, Metric::Mse],
            OutcomeKind::Reward => &[Metric::Reward],
        }
    }

    /// As documents have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::LogLoss => "log_loss",
            Metric::Brier => "brier",
            Metric::Mae => "mae",
            Metric::Mse => "mse",
            Metric::Reward => "reward",
        }
    }

    /// The worst that an answer can be; `None` where there is always a worse one, and of rewards, which need no answer.
    pub fn worst(self) -> Option<f64> {
        match self {
            Metric::Accuracy => Some(0.0),
            Metric::Brier => Some(1.0),
            Metric::LogLoss | Metric::Mae | Metric::Mse | Metric::Reward => None,
        }
    }

    /// What counts for a variant where it failed, if the document does not say: a wrong answer, where one has a value.
    pub fn usual_failures(self) -> Failures {
        if self.worst().is_some() { Failures::Wrong } else { Failures::AsAnswered }
    }

    /// Whether more of it is better.
    pub fn is_better_higher(self) -> bool {
        matches!(self, Metric::Accuracy | Metric::Reward)
    }
}

impl Segment {
    /// The number of a value, from 1 on; 0 of one that is no segment.
    pub fn number(&self, value: &str) -> u8 {
        let at = self.values.iter().position(|known| known == value);
        at.and_then(|at| u8::try_from(at.saturating_add(1)).ok()).unwrap_or(0)
    }
}

impl TryFrom<SegmentDocument> for Segment {
    type Error = GoalError;

    fn try_from(SegmentDocument { header, column, values }: SegmentDocument) -> Result<Self, GoalError> {
        let by = match (header, column) {
            (Some(header), None) => SegmentSource::Header(header),
            (None, Some(column)) => SegmentSource::Column(column),
            _ => return Err(GoalError::SegmentSource),
        };
        let mut sorted: Vec<_> = values.iter().collect();
        sorted.sort();
        sorted.dedup();
        let good = (1..=20).contains(&values.len()) && values.iter().all(|value| (1..=100).contains(&value.len()));
        if good && sorted.len() == values.len() { Ok(Segment { by, values }) } else { Err(GoalError::SegmentValues) }
    }
}

impl From<Segment> for SegmentDocument {
    fn from(Segment { by, values }: Segment) -> Self {
        match by {
            SegmentSource::Header(header) => SegmentDocument { header: Some(header), column: None, values },
            SegmentSource::Column(column) => SegmentDocument { header: None, column: Some(column), values },
        }
    }
}

impl Alpha {
    /// The probability.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for Alpha {
    fn default() -> Self {
        Alpha(0.05)
    }
}

impl TryFrom<f64> for Alpha {
    type Error = GoalError;

    fn try_from(alpha: f64) -> Result<Self, GoalError> {
        if (1e-6..=0.5).contains(&alpha) { Ok(Alpha(alpha)) } else { Err(GoalError::Alpha) }
    }
}

impl From<Alpha> for f64 {
    fn from(Alpha(alpha): Alpha) -> f64 {
        alpha
    }
}

impl Margin {
    /// The distance.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Margin {
    type Error = GoalError;

    fn try_from(margin: f64) -> Result<Self, GoalError> {
        if margin >= 0.0 && margin.is_finite() { Ok(Margin(margin)) } else { Err(GoalError::Margin) }
    }
}

impl From<Margin> for f64 {
    fn from(Margin(margin): Margin) -> f64 {
        margin
    }
}
