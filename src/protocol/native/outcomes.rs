//! What came of predictions, as it is told.

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::refuse::refuse;
use crate::endpoint::Name;
use crate::platform::Platform;
use crate::protocol::headers;
use crate::protocol::respond::{Answer, insert, json};
use crate::protocol::tabular;
use crate::request::{Request, RequestError, Response};
use crate::service::{Error, FollowUps, OutcomeReport, Received, Reported, Service};

/// The most outcomes of a request.
const MOST_OUTCOMES: usize = 10_000;
/// The most refusals that are told one by one.
const MOST_TOLD: usize = 100;

/// Takes outcomes, and tells how many count.
pub(super) async fn receive<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    request.allow(&Method::POST, "POST")?;
    let name = Name::try_from(name).map_err(RequestError::Name)?;
    let told = reports(&request.body)?;
    let mut refresh = Vec::new();
    let response = match service.outcomes(&name, told, request, &mut refresh).await {
        Ok(received) => answer(&received),
        Err(error) => refuse(&error),
    };
    Ok(Answer { response, follow_ups: FollowUps::refresh(refresh) })
}

fn answer(received: &Received) -> Response {
    #[derive(Serialize)]
    struct Problem<'a> {
        at: usize,
        code: &'static str,
        message: &'a str,
    }
    #[derive(Serialize)]
    struct Told<'a> {
        taken: u64,
        waiting: u64,
        repeated: u64,
        refused: usize,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        problems: Vec<Problem<'a>>,
        #[serde(flatten)]
        error: Option<AllRefused<'a>>,
    }
    #[derive(Serialize)]
    struct AllRefused<'a> {
        code: &'static str,
        message: &'a str,
        fix: &'static str,
    }
    const CODE: &str = "outcomes_refused";
    let none_counts = received.taken == 0 && received.repeated == 0;
    let first = received.refused.first().filter(|_| none_counts);
    let error = first.map(|(_, _, message)| AllRefused {
        code: CODE,
        message,
        fix: "tell each outcome by the X-Amzn-SageMaker-Inference-Id of its response, as the endpoint's `outcome` says",
    });
    let problems =
        received.refused.iter().take(MOST_TOLD).map(|(at, code, message)| Problem { at: *at, code, message }).collect();
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let told = Told {
        taken: received.taken,
        waiting: received.waiting,
        repeated: received.repeated,
        refused: received.refused.len(),
        problems,
        error,
    };
    let mut response = json(status, &told);
    if status != StatusCode::OK {
        insert(response.headers_mut(), headers::ERROR_CODE, CODE);
    }
    response
}

/// The outcomes that a body tells, each for itself.
fn reports(body: &[u8]) -> Result<Vec<Result<OutcomeReport, String>>, RequestError> {
    let wrong = |problem: String| RequestError::Operation(problem);
    let mut told = Vec::new();
    // One object, several side by side or on lines of their own, or a list of them.
    for value in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
        match value.map_err(|error| wrong(format!("the body is not JSON, nor lines of it: {error}")))? {
            Value::Array(values) => told.extend(values.iter().map(report)),
            value => told.push(report(&value)),
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

/// One outcome as JSON has it: `{"inference_id", "label" | "value" | "reward", "row"}`, or a line of SageMaker's ground truth.
fn report(json: &Value) -> Result<OutcomeReport, String> {
    let members = json.as_object().ok_or("an outcome is an object")?;
    if members.contains_key("groundTruthData") || members.contains_key("eventMetadata") {
        return ground_truth(json);
    }
    let known = ["inference_id", "label", "value", "reward", "row"];
    if let Some(strange) = members.keys().find(|name| !known.contains(&name.as_str())) {
        let strange: String = strange.chars().take(40).collect();
        return Err(format!("an outcome has no member `{strange}`: it has {}", known.join(", ")));
    }
    let id = id(members.get("inference_id").ok_or("`inference_id` is missing")?)?;
    let row = match members.get("row") {
        None => 0,
        Some(row) => row.as_u64().and_then(|row| u32::try_from(row).ok()).ok_or("`row` is a whole number from 0 on")?,
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
fn ground_truth(json: &Value) -> Result<OutcomeReport, String> {
    let at = |pointer: &str| json.pointer(pointer);
    let own = at("/eventMetadata/inferenceId").filter(|id| !id.is_null());
    let given = own.or(at("/eventMetadata/eventId")).ok_or("`eventMetadata` has no `eventId` and no `inferenceId`")?;
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

/// An id: what callers may give is what they may name.
fn id(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .filter(|id| tabular::is_id(id))
        .map(str::to_owned)
        .ok_or_else(|| "an inference id has 1 to 64 visible ASCII characters".to_owned())
}
