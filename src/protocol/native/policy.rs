//! What moves an endpoint's weights.

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::experiment::{parameter, said};
use super::if_match;
use crate::endpoint::Name;
use crate::experiment::{Act, Condition, Start};
use crate::platform::Platform;
use crate::protocol::respond::Answer;
use crate::protocol::tabular;
use crate::request::{Request, RequestError};
use crate::service::{Error, Service, Trial};

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
    if parameter(&request.query, "dry_run").is_some_and(|dry_run| dry_run == "true") {
        let tried: Tried<'_> =
            read(&request.body, "{\"document\": {...}, \"assume\": {...}}, both of which may be absent")?;
        let document = tried.document.map(RawValue::get);
        let report = service.try_policy(&name, document, &tried.assume).await;
        return Ok(said(&name, report, refresh));
    }
    let act = act(request)?;
    let report = service.act(&name, act, cause).await;
    Ok(said(&name, report, refresh))
}

/// What is to be tried.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried<'a> {
    #[serde(default, borrow)]
    document: Option<&'a RawValue>,
    #[serde(default)]
    assume: Trial,
}

/// A body. An empty one says nothing.
fn read<'a, T: Deserialize<'a>>(body: &'a [u8], meant: &str) -> Result<T, Error> {
    let body = if body.is_empty() { b"{}" } else { body };
    let wrong = |error| RequestError::Operation(format!("the body is {meant}: {error}"));
    Ok(serde_json::from_slice(body).map_err(wrong)?)
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
    let asked: Asked<'_> =
        read(&request.body, "{\"action\": ACTION}, where ACTION is start, pause, resume, hurry, roll_back or stop")?;
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
