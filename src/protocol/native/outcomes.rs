//! What came of predictions, as it is told.

use http::{Method, StatusCode};
use serde::Serialize;

use super::refuse::refuse;
use crate::endpoint::Name;
use crate::platform::Platform;
use crate::protocol::headers;
use crate::protocol::respond::{Answer, insert, json};
use crate::request::{Request, RequestError};
use crate::service::{Error, FollowUps, Received, Service, outcomes_of};

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
    let told = outcomes_of(&request.body)?;
    let mut refresh = Vec::new();
    let response = match service.outcomes(&name, told, request, &mut refresh).await {
        Ok(received) => answer(&received),
        Err(error) => refuse(&error),
    };
    Ok(Answer { response, follow_ups: FollowUps::refresh(refresh) })
}

fn answer(received: &Received) -> crate::request::Response {
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
