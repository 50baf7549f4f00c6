//! What an endpoint's experiment knows.

use http::{Method, StatusCode, header};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::refuse::refuse;
use crate::endpoint::Name;
use crate::experiment::{By, Past, Query};
use crate::platform::Platform;
use crate::protocol::respond::{Answer, insert, json};
use crate::request::{Request, RequestError};
use crate::service::{Error, FollowUps, Service};

/// Answers with the scoreboard.
pub(super) async fn scoreboard<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    let name = read(name, request)?;
    let query = query(&request.query)?;
    let mut refresh = Vec::new();
    let scoreboard = service.scoreboard(&name, query, request, &mut refresh).await;
    Ok(said(&name, scoreboard, refresh))
}

/// Answers with the verdict.
pub(super) async fn verdict<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    told(name, request, async |name, refresh| service.verdict(name, request, refresh).await).await
}

/// Answers with what shadows made of the requests.
pub(super) async fn pairs<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    told(name, request, async |name, refresh| service.pairs(name, request, refresh).await).await
}

/// Answers with what the metric would be under other weights.
pub(super) async fn estimate<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    let name = read(name, request)?;
    let weights = parameter(&request.query, "weights").map(|weights| weights_of(&weights)).transpose()?;
    let mut refresh = Vec::new();
    let estimates = service.estimate(&name, weights, request, &mut refresh).await;
    Ok(said(&name, estimates, refresh))
}

/// Answers with what is asked of an endpoint's experiment without any terms.
async fn told<T: Serialize>(
    name: &str,
    request: &Request,
    ask: impl AsyncFnOnce(&Name, &mut Vec<Name>) -> Result<T, Error>,
) -> Result<Answer, Error> {
    let name = read(name, request)?;
    let mut refresh = Vec::new();
    let told = ask(&name, &mut refresh).await;
    Ok(said(&name, told, refresh))
}

/// The endpoint that something is read of.
fn read(name: &str, request: &Request) -> Result<Name, RequestError> {
    request.allow(&Method::GET, "GET")?;
    Ok(Name::try_from(name)?)
}

/// What an experiment says of an endpoint. The next time it is something else.
pub(super) fn said<T: Serialize>(endpoint: &Name, said: Result<T, Error>, refresh: Vec<Name>) -> Answer {
    #[derive(Serialize)]
    struct Said<'a, T> {
        endpoint: &'a Name,
        #[serde(flatten)]
        said: T,
    }
    let mut response = match said {
        Ok(said) => json(StatusCode::OK, &Said { endpoint, said }),
        Err(error) => refuse(&error),
    };
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-cache");
    Answer { response, follow_ups: FollowUps::refresh(refresh) }
}

/// Answers with a page of the history.
pub(super) async fn history<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        endpoint: &'a Name,
        changes: Vec<Past>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<u64>,
    }
    request.allow(&Method::GET, "GET")?;
    let name = Name::try_from(name).map_err(RequestError::Name)?;
    service.allow_admin(request)?;
    let before = match parameter(&request.query, "cursor") {
        Some(cursor) => Some(cursor.parse().map_err(|_| wrong("cursor", &cursor, "take it from the page before"))?),
        None => None,
    };
    let (changes, more) = service.history(&name, before).await?;
    let cursor = changes.last().map(|last| last.number).filter(|_| more);
    Ok(json(StatusCode::OK, &Told { endpoint: &name, changes, cursor }).into())
}

fn query(text: &str) -> Result<Query, RequestError> {
    let by = match parameter(text, "by").as_deref() {
        None | Some("variant") => By::Variant,
        Some("revision") => By::Revision,
        Some("minute") => By::Minute,
        Some(other) => return Err(wrong("by", other, "it is variant, revision or minute")),
    };
    Ok(Query { from_ms: moment(text, "from")?, to_ms: moment(text, "to")?, by, ..Query::default() })
}

/// A moment, as milliseconds since the Unix epoch or as RFC 3339 has it.
pub(super) fn moment(text: &str, name: &str) -> Result<Option<f64>, RequestError> {
    let Some(given) = parameter(text, name).filter(|given| !given.is_empty()) else { return Ok(None) };
    if let Some(ms) = given.parse::<f64>().ok().filter(|ms| ms.is_finite() && *ms >= 0.0) {
        return Ok(Some(ms));
    }
    match OffsetDateTime::parse(&given, &Rfc3339) {
        Ok(moment) => Ok(Some(moment.unix_timestamp_nanos() as f64 / 1e6)),
        Err(_) => Err(wrong(name, &given, "write 2026-11-27T18:00:00Z, or milliseconds since 1970")),
    }
}

pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn wrong(name: &str, given: &str, help: &str) -> RequestError {
    let given: String = given.chars().take(40).collect();
    RequestError::Operation(format!("`{name}` cannot be `{given}`: {help}"))
}

/// Weights as `a:1,b:3`.
fn weights_of(text: &str) -> Result<Vec<(Name, f64)>, RequestError> {
    let refused = || wrong("weights", text, "write a:1,b:3 with the variants' names, and weights of at least 0");
    let mut weights = Vec::new();
    for part in text.split(',') {
        let (name, weight) = part.rsplit_once(':').ok_or_else(refused)?;
        let weight = weight.trim().parse::<f64>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0);
        weights.push((Name::try_from(name.trim()).map_err(|_| refused())?, weight.ok_or_else(refused)?));
    }
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return Err(refused());
    }
    for (_, weight) in &mut weights {
        *weight /= sum;
    }
    Ok(weights)
}
