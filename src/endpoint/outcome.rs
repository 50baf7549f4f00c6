//! What an outcome of a prediction is: the member `outcome` of a document.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::digest::Sha256;
use super::object::Object;
use super::secret::SecretName;

/// What becomes of a prediction, and how it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "OutcomeDocument", into = "OutcomeDocument", rename = "outcome")]
pub struct Outcome {
    /// What it is.
    pub kind: OutcomeKind,
    /// An outcome has to come within so many hours of its prediction.
    pub within_hours: Positive,
    /// What is taken for an outcome that has not come by then; else nothing is.
    pub absent: Option<Truth>,
    /// For so many days predictions are kept, so that outcomes can name a caller's own id, or a row of many.
    pub keep_days: Option<Positive>,
    /// The secret that is the bearer token of who tells outcomes; else who may invoke the endpoint may.
    pub token: Option<SecretName>,
}

/// What outcomes are, and what of a prediction they are compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum OutcomeKind {
    /// The class that was right.
    Label(Classes),
    /// The number that was right.
    Value(Place),
    /// How well it went, as a number.
    Reward,
}

/// A prediction of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// Where the predicted class stands; absent where `score` and `threshold` say it.
    pub label: Option<Place>,
    /// Where the probability of the positive class stands.
    pub score: Option<Place>,
    /// The class that precision, recall and scores are about.
    pub positive: Option<Label>,
    /// Without a `label`, the positive class is predicted above this score.
    pub threshold: f64,
}

/// Where something stands in what is answered for one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "place")]
pub struct Place {
    /// The output; the only one, where there is but one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Which of the output's values: a key of its map, or a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Label>,
    /// Where it stands in the JSON of an origin that answers in another shape, from its root (RFC 6901). For requests of one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Pointer>,
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(String);

/// A class: a text, a whole number or a truth value, as text. `1`, `1.0` and `"1"` are one class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

/// What came of a prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Truth {
    /// A number: the one that was right, or a reward.
    Number(f64),
    /// The class that was right.
    Label(Label),
}

/// A finite number above 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Positive(f64);

/// Why something is no outcome, or is not described as one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OutcomeError {
    /// A member belongs to another kind.
    #[error("`{member}` is nothing for outcomes of kind `{kind}`: leave it out, or change the kind")]
    Member {
        /// Which.
        member: &'static str,
        /// The kind that is named.
        kind: &'static str,
    },
    /// A score is about a class.
    #[error("`score` is the probability of a class: name it in `positive`")]
    NoPositive,
    /// What stands there is no class.
    #[error("a label is a text of 1 to 200 bytes, a whole number or a truth value")]
    NoLabel,
    /// It is no number that sums can be made of.
    #[error("a number is at least -1e12 and at most 1e12")]
    NoNumber,
    /// It is no number above 0.
    #[error("{0} is not a number above 0 and up to 36500")]
    NotPositive(f64),
    /// It is no probability.
    #[error("`threshold` is a number from 0 to 1")]
    Threshold,
    /// It is no pointer.
    #[error("`pointer` begins with a slash, as in /scores/0 (RFC 6901)")]
    Pointer,
}

/// An outcome as it is described.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "outcome")]
struct OutcomeDocument {
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Object<Place>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<Object<Place>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Object<Place>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    positive: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(default = "a_month")]
    within_hours: Positive,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<Value>,
    #[serde(default, rename = "keep", skip_serializing_if = "Option::is_none")]
    keep_days: Option<Positive>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<SecretName>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Label,
    Value,
    Reward,
}

fn a_month() -> Positive {
    Positive(720.0)
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Label => "label",
            Kind::Value => "value",
            Kind::Reward => "reward",
        }
    }
}

impl TryFrom<OutcomeDocument> for Outcome {
    type Error = OutcomeError;

    fn try_from(written: OutcomeDocument) -> Result<Self, OutcomeError> {
        let kind = written.kind;
        let of_labels = [
            ("label", written.label.is_some()),
            ("score", written.score.is_some()),
            ("positive", written.positive.is_some()),
            ("threshold", written.threshold.is_some()),
        ];
        let of_values = [("value", written.value.is_some())];
        let strange =
            |members: &[(&'static str, bool)]| members.iter().find(|(_, given)| *given).map(|(name, _)| *name);
        let stranger = match kind {
            Kind::Label => strange(&of_values),
            Kind::Value => strange(&of_labels),
            Kind::Reward => strange(&of_labels).or(strange(&of_values)),
        };
        if let Some(member) = stranger {
            return Err(OutcomeError::Member { member, kind: kind.as_str() });
        }
        let place = |written: Option<Object<Place>>| written.map(|Object(place)| place);
        let kind = match kind {
            Kind::Reward => OutcomeKind::Reward,
            Kind::Value => OutcomeKind::Value(place(written.value).unwrap_or_default()),
            Kind::Label => {
                let threshold = written.threshold.unwrap_or(0.5);
                if !(0.0..=1.0).contains(&threshold) {
                    return Err(OutcomeError::Threshold);
                }
                let score = place(written.score);
                if score.is_some() && written.positive.is_none() {
                    return Err(OutcomeError::NoPositive);
                }
                let label = place(written.label).or_else(|| {
                    let named = Place { output: Some("label".to_owned()), ..Place::default() };
                    score.is_none().then_some(named)
                });
                OutcomeKind::Label(Classes { label, score, positive: written.positive, threshold })
            }
        };
        let absent = written.absent.as_ref().map(|absent| kind.truth(absent)).transpose()?;
        Ok(Outcome {
            kind,
            within_hours: written.within_hours,
            absent,
            keep_days: written.keep_days,
            token: written.token,
        })
    }
}

impl From<Outcome> for OutcomeDocument {
    fn from(outcome: Outcome) -> Self {
        let mut written = OutcomeDocument {
            kind: Kind::Reward,
            label: None,
            score: None,
            value: None,
            positive: None,
            threshold: None,
            within_hours: outcome.within_hours,
            absent: outcome.absent.map(|absent| match absent {
                Truth::Label(label) => Value::from(label.0),
                Truth::Number(number) => Value::from(number),
            }),
            keep_days: outcome.keep_days,
            token: outcome.token,
        };
        match outcome.kind {
            OutcomeKind::Reward => {}
            OutcomeKind::Value(place) => (written.kind, written.value) = (Kind::Value, Some(Object(place))),
            OutcomeKind::Label(Classes { label, score, positive, threshold }) => {
                written.kind = Kind::Label;
                written.threshold = (threshold != 0.5).then_some(threshold);
                (written.label, written.score) = (label.map(Object), score.map(Object));
                written.positive = positive;
            }
        }
        written
    }
}

impl Outcome {
    /// The same on the usual terms: what an outcome means, and nothing of who tells it when.
    pub fn meaning(&self) -> Self {
        Outcome { within_hours: a_month(), keep_days: None, token: None, ..self.clone() }
    }

    /// Milliseconds within which an outcome has to come.
    pub fn within_ms(&self) -> f64 {
        self.within_hours.0 * 3_600_000.0
    }

    /// Milliseconds for which predictions are kept; `None` where they are not. To know which outcomes have not come, they have
    /// to be.
    pub fn keep_ms(&self) -> Option<f64> {
        let days = self.keep_days.map(|days| days.0 * 86_400_000.0);
        match self.absent {
            Some(_) => Some(days.unwrap_or(0.0).max(self.within_ms())),
            None => days,
        }
    }
}

impl OutcomeKind {
    /// As documents have it: `label`, `value` or `reward`.
    pub fn as_str(&self) -> &'static str {
        match self {
            OutcomeKind::Label(_) => Kind::Label.as_str(),
            OutcomeKind::Value(_) => Kind::Value.as_str(),
            OutcomeKind::Reward => Kind::Reward.as_str(),
        }
    }

    /// What came of a prediction, as it is told.
    ///
    /// # Errors
    /// If it is none of this kind.
    pub fn truth(&self, told: &Value) -> Result<Truth, OutcomeError> {
        match self {
            OutcomeKind::Label(_) => Label::of(told).map(Truth::Label).ok_or(OutcomeError::NoLabel),
            OutcomeKind::Value(_) | OutcomeKind::Reward => {
                told.as_f64().filter(|number| number.abs() <= 1e12).map(Truth::Number).ok_or(OutcomeError::NoNumber)
            }
        }
    }
}

impl Classes {
    /// The class of a true label, as predictions have it: where they tell but one class from all others, so does this.
    pub fn class(&self, right: &Label) -> u32 {
        match &self.positive {
            Some(positive) if self.label.is_none() && positive != right => positive.others(),
            _ => right.class(),
        }
    }

    /// The positive class.
    pub fn positive_class(&self) -> Option<u32> {
        self.positive.as_ref().map(Label::class)
    }
}

impl Label {
    /// A class; `None` of what is none.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Label::of_text(text),
            Value::Bool(truth) => Some(Label(truth.to_string())),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Some(Label(integer.to_string())),
                None => number.as_f64().and_then(Label::of_number),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A class by its text; `None` where it is empty or too long.
    pub fn of_text(text: &str) -> Option<Self> {
        (1..=200).contains(&text.len()).then(|| Label(text.to_owned()))
    }

    /// A class by its number; `None` where it is not whole.
    pub fn of_number(number: f64) -> Option<Self> {
        // Whole and exact in a double.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then(|| Label((number as i64).to_string()))
    }

    /// The class as predictions have it: the first 32 bits of SHA-256 of its text.
    pub fn class(&self) -> u32 {
        let [a, b, c, d, ..] = *Sha256::of(self.0.as_bytes()).as_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// What stands for all other classes, where they have no names.
    pub fn others(&self) -> u32 {
        !self.class()
    }

    /// The class as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Label::of(&value).ok_or_else(|| serde::de::Error::custom(OutcomeError::NoLabel))
    }
}

impl TryFrom<f64> for Positive {
    type Error = OutcomeError;

    fn try_from(number: f64) -> Result<Self, OutcomeError> {
        if number > 0.0 && number <= 36_500.0 { Ok(Positive(number)) } else { Err(OutcomeError::NotPositive(number)) }
    }
}

impl From<Positive> for f64 {
    fn from(Positive(number): Positive) -> f64 {
        number
    }
}

impl Pointer {
    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Pointer {
    type Error = OutcomeError;

    fn try_from(pointer: String) -> Result<Self, OutcomeError> {
        let is_one = pointer.is_empty() || pointer.starts_with('/');
        if is_one && pointer.len() <= 200 { Ok(Pointer(pointer)) } else { Err(OutcomeError::Pointer) }
    }
}

impl From<Pointer> for String {
    fn from(Pointer(pointer): Pointer) -> String {
        pointer
    }
}
