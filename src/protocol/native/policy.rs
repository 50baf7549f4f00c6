//! What moves an endpoint's weights.

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::experiment::said;
use super::if_match;
use crate::endpoint::Name;
use crate::experiment::{Act, Condition, Start};
use crate::platform::Platform;
use crate::protocol::respond::Answer;
use crate::protocol::tabular;
use crate::request::{Request, RequestError};
use crate::service::{Error, Service};

/// Answers with what the policy does, or has something done with it.
pub(super) async fn answer<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    let name = Name::try_from(name).map_err(RequestError::Name)?;
    let mut refresh = Vec::new();
    if request.method == Method::GET {
        let report = service.policy(&name, request, &mut refresh).await;
        return Ok(said(&name, report, refresh));
    }
    request.allow(&Method::POST, "GET and POST")?;
    let cause = tabular::cause(request, service.allow_admin(request)?)?;
    let act = act(request)?;
    let report = service.act(&name, act, cause).await;
    Ok(said(&name, report, refresh))
}

/// What is to be done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    action: Action,
    #[serde(default, borrow)]
    document: Option<&'a RawValue>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Start,
    Pause,
    Resume,
    Hurry,
    RollBack,
    Stop,
}

fn act(request: &Request) -> Result<Act, Error> {
    let wrong = |problem: String| Error::from(RequestError::Operation(problem));
    let asked: Asked<'_> = serde_json::from_slice(&request.body).map_err(|error| {
        wrong(format!(
            "the body is {{\"action\": ACTION}}, where ACTION is start, pause, resume, hurry, roll_back or stop: {error}"
        ))
    })?;
    if asked.document.is_some() && asked.action != Action::Start {
        return Err(wrong("`document` is what a policy is started with: leave it out".to_owned()));
    }
    Ok(match asked.action {
        Action::Start => {
            // Who does not say which version is meant, means the one that is there.
            let condition = match request.header(http::header::IF_MATCH) {
                Some(_) => if_match::condition(request)?,
                None => Condition::Any,
            };
            let document = asked.document.map(|document| document.get().to_owned());
            Act::Start(Start { document, condition, plan: None, finish: None })
        }
        Action::Pause => Act::Pause,
        Action::Resume => Act::Resume,
        Action::Hurry => Act::Hurry,
        Action::RollBack => Act::RollBack,
        Action::Stop => Act::Stop,
    })
}
