//! What came of predictions: checked here, counted by the endpoint's experiment.

use serde_json::Value;

use super::{Error, Service};
use crate::access;
use crate::endpoint::{Access, Endpoint, Name, Outcome};
use crate::experiment::{Answer, CheckedOutcome, Command, ExperimentError, IdError, Refusal, Refused, Taken};
use crate::isolate::Served;
use crate::platform::Platform;
use crate::request::{Request, RequestError};

/// The most outcomes of a request.
pub const MOST_OUTCOMES: usize = 10_000;
/// So many are counted at once, so that others of the endpoint are heard in between.
const AT_ONCE: usize = 2_000;

/// An outcome as somebody tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeReport {
    /// The inference id.
    pub id: String,
    /// The row, from 0 on.
    pub row: u32,
    /// What is told.
    pub what: Reported,
}

/// What is told, by the word that it is told with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reported {
    /// The right class or number.
    Label(Value),
    /// A reward.
    Reward(Value),
    /// As a ground truth file has it, a text.
    Text(String),
}

/// What became of outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Counted, or kept until they can be.
    pub taken: u64,
    /// Of these, those that wait.
    pub waiting: u64,
    /// OutcomeReport before.
    pub repeated: u64,
    /// The position of each that is refused, a code, and why.
    pub refused: Vec<(usize, &'static str, String)>,
}

impl<P: Platform> Service<'_, P> {
    /// Takes outcomes of an endpoint's predictions, if the caller may tell them. Each stands for itself: what is wrong with one is
    /// told, and the others count.
    ///
    /// # Errors
    /// If the caller may not, the endpoint takes none, or its experiment does not answer.
    pub async fn outcomes(
        &self,
        name: &Name,
        told: Vec<Result<OutcomeReport, String>>,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<Received, Error> {
        let Served { endpoint, .. } = self.look_up(name, refresh).await?;
        self.allow_outcomes(&endpoint, proof)?;
        self.has_experiments()?;
        let Some(outcome) = endpoint.outcome() else { return Err(Error::Refused(Refusal::NoOutcomes)) };
        let mut received = Received::default();
        let mut good = Vec::new();
        for (at, told) in told.into_iter().enumerate() {
            match told.map_err(|problem| ("bad_outcome", problem)).and_then(|told| self.checked(name, outcome, told)) {
                Ok(told) => good.push((at, told)),
                Err((code, why)) => received.refused.push((at, code, why)),
            }
        }
        while !good.is_empty() {
            let rest = good.split_off(good.len().min(AT_ONCE));
            let (places, outcomes): (Vec<usize>, Vec<CheckedOutcome>) =
                std::mem::replace(&mut good, rest).into_iter().unzip();
            match self.ask(name, &Command::Outcomes(outcomes)).await? {
                Answer::Outcomes(taken) => received.add(&taken, &places),
                Answer::Refused(refusal) => return Err(Error::Refused(refusal)),
                other => return Err(ExperimentError::Version(format!("it answered {other:?}")).into()),
            }
        }
        received.refused.sort_by_key(|(at, ..)| *at);
        Ok(received)
    }

    /// Whether the caller may tell outcomes.
    fn allow_outcomes(&self, endpoint: &Endpoint, proof: &Request) -> Result<(), Error> {
        match endpoint.outcome().and_then(|outcome| outcome.token.clone()) {
            _ if self.allow_admin(proof).is_ok() => Ok(()),
            Some(token) => Ok(access::allow(&*self.platform, &Access::Bearer(token), proof)?),
            None => self.allow(endpoint, proof),
        }
    }

    /// An outcome, once its id and what it tells are known to be right.
    fn checked(
        &self,
        name: &Name,
        outcome: &Outcome,
        told: OutcomeReport,
    ) -> Result<CheckedOutcome, (&'static str, String)> {
        let kind = outcome.kind.as_str();
        let given = match (&told.what, kind) {
            (Reported::Reward(value), "reward") | (Reported::Label(value), "label" | "value") => value.clone(),
            (Reported::Text(text), "label") => Value::from(text.as_str()),
            (Reported::Text(text), _) => text.parse().map_or(Value::Null, |number: f64| number.into()),
            (Reported::Reward(_) | Reported::Label(_), _) => {
                return Err(("bad_outcome", format!("outcomes of this endpoint are told as `{kind}`")));
            }
        };
        let truth = outcome.kind.truth(&given).map_err(|error| ("bad_outcome", error.to_string()))?;
        let claims = match self.id_keys().map(|keys| keys.verify(name, &told.id)) {
            Some(Ok(claims)) => Some(claims),
            // A caller's own, perhaps.
            None | Some(Err(IdError::Form)) => None,
            Some(Err(error @ IdError::Forged)) => return Err(("forged_id", error.to_string())),
        };
        Ok(CheckedOutcome { id: told.id, claims, row: told.row, truth })
    }
}

impl Received {
    fn add(&mut self, taken: &Taken, places: &[usize]) {
        self.taken = self.taken.saturating_add(taken.taken);
        self.waiting = self.waiting.saturating_add(taken.waiting);
        self.repeated = self.repeated.saturating_add(taken.repeated);
        let refused = taken.refused.iter().filter_map(|(at, why)| {
            let place = *places.get(usize::try_from(*at).ok()?)?;
            Some((place, code(*why), why.to_string()))
        });
        self.refused.extend(refused);
    }
}

fn code(why: Refused) -> &'static str {
    match why {
        Refused::TooLate => "too_late",
        Refused::NotKept => "unknown_id",
        Refused::UnknownRevision => "revision_unknown",
        Refused::NoSuchRow => "no_such_row",
        Refused::NoPrediction => "no_prediction",
        Refused::NoRoom => "too_many_waiting",
    }
}

impl OutcomeReport {
    /// One outcome as JSON has it: `{"inference_id", "label" | "value" | "reward", "row"}`, or a line of SageMaker's ground truth.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(json: &Value) -> Result<Self, String> {
        let members = json.as_object().ok_or("an outcome is an object")?;
        if members.contains_key("groundTruthData") || members.contains_key("eventMetadata") {
            return OutcomeReport::ground_truth(json);
        }
        let known = ["inference_id", "label", "value", "reward", "row"];
        if let Some(strange) = members.keys().find(|name| !known.contains(&name.as_str())) {
            let strange: String = strange.chars().take(40).collect();
            return Err(format!("an outcome has no member `{strange}`: it has {}", known.join(", ")));
        }
        let id = id(members.get("inference_id").ok_or("`inference_id` is missing")?)?;
        let row = match members.get("row") {
            None => 0,
            Some(row) => {
                row.as_u64().and_then(|row| u32::try_from(row).ok()).ok_or("`row` is a whole number from 0 on")?
            }
        };
        let labels: Vec<&Value> = ["label", "value"].iter().filter_map(|name| members.get(*name)).collect();
        let what = match (labels.as_slice(), members.get("reward")) {
            ([label], None) => Reported::Label((*label).clone()),
            ([], Some(reward)) => Reported::Reward(reward.clone()),
            _ => return Err("an outcome has one of `label`, `value` and `reward`".to_owned()),
        };
        Ok(OutcomeReport { id, row, what })
    }

    /// A line of SageMaker Model Monitor's ground truth: the label as CSV, and the id of the event or the caller's own.
    fn ground_truth(json: &Value) -> Result<Self, String> {
        let at = |pointer: &str| json.pointer(pointer);
        let own = at("/eventMetadata/inferenceId").filter(|id| !id.is_null());
        let given =
            own.or(at("/eventMetadata/eventId")).ok_or("`eventMetadata` has no `eventId` and no `inferenceId`")?;
        let encoding = at("/groundTruthData/encoding").and_then(Value::as_str).unwrap_or("CSV");
        if !encoding.eq_ignore_ascii_case("csv") {
            return Err("`groundTruthData.encoding` is CSV here".to_owned());
        }
        let data = match at("/groundTruthData/data").ok_or("`groundTruthData` has no `data`")? {
            Value::String(text) => text.trim().trim_matches('"').to_owned(),
            other => other.to_string(),
        };
        Ok(OutcomeReport { id: id(given)?, row: 0, what: Reported::Text(data) })
    }
}

/// An id: what callers may give is what they may name.
fn id(value: &Value) -> Result<String, String> {
    let id = value.as_str().filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
    id.map(str::to_owned).ok_or_else(|| "an inference id has 1 to 64 visible ASCII characters".to_owned())
}

/// What of a list of outcomes can be told before any is looked at.
///
/// # Errors
/// If there are none, or too many.
pub fn outcomes_of(body: &[u8]) -> Result<Vec<Result<OutcomeReport, String>>, RequestError> {
    let wrong = |problem: String| RequestError::Operation(problem);
    let mut told = Vec::new();
    // One object, several side by side or on lines of their own, or a list of them.
    for value in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
        match value.map_err(|error| wrong(format!("the body is not JSON, nor lines of it: {error}")))? {
            Value::Array(values) => told.extend(values.iter().map(OutcomeReport::parse)),
            value => told.push(OutcomeReport::parse(&value)),
        }
        if told.len() > MOST_OUTCOMES {
            return Err(wrong(format!("there are more than {MOST_OUTCOMES} outcomes: send them in several requests")));
        }
    }
    if told.is_empty() {
        let example = r#"{"inference_id": "...", "label": "yes"}"#;
        return Err(wrong(format!("there are no outcomes: send {example}, a list of such, or one on each line")));
    }
    Ok(told)
}
