//! The OpenFeature Remote Evaluation Protocol, version 0.3 (<https://github.com/open-feature/protocol>): an endpoint is a
//! flag whose value is the name of the variant that has the request, and `targetingKey` is the unit.
//!
//! A single evaluation is a decision like any other, and recorded: who asks for it is about to act on it. A bulk evaluation
//! is what a page fetches of all flags before it is known which of them matter, so it is recorded of none. Its ids are good
//! for outcomes all the same.

use std::fmt::Write as _;

use futures_util::future::join_all;
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::report::Report;
use super::respond::{Answer, insert, json, respond};
use super::tabular;
use crate::assignment::{AssignmentError, Reason};
use crate::endpoint::{Endpoint, Name, Sha256};
use crate::isolate::EndpointError;
use crate::platform::Platform;
use crate::record::Record;
use crate::request::{Request, RequestError, Response, segments};
use crate::service::{Error, FollowUps, Invocation, Service, UnitIn};

const PROTOCOL: &str = "ofrep";

/// Whether a request is of this protocol.
pub(super) fn claims(request: &Request) -> bool {
    request.path.starts_with("/ofrep/")
}

/// Answers a request.
pub(super) async fn answer<P: Platform>(service: &Service<'_, P>, mut request: Request) -> Answer {
    take_api_key(&mut request);
    let path = request.plain_path().into_owned();
    match segments(&path).as_slice() {
        ["ofrep", "v1", "evaluate", "flags", key] => one(service, key, &request).await,
        ["ofrep", "v1", "evaluate", "flags"] => {
            all(service, &request).await.unwrap_or_else(|refused| refused.response(None).into())
        }
        _ => refuse(&RequestError::NoSuchPath.into()).into(),
    }
}

/// An error as a response.
pub(super) fn refuse(error: &Error) -> Response {
    Refused::of(error.clone()).response(None)
}

/// A key in `X-API-Key` is a bearer token in another header.
fn take_api_key(request: &mut Request) {
    if request.headers.contains_key(header::AUTHORIZATION) {
        return;
    }
    let bearer = request.header("x-api-key").and_then(|key| HeaderValue::from_str(&format!("Bearer {key}")).ok());
    if let Some(bearer) = bearer {
        request.headers.insert(header::AUTHORIZATION, bearer);
    }
}

/// A flag that is evaluated.
#[derive(Serialize)]
struct Evaluated<'a> {
    key: &'a str,
    /// The variant as the flag's value: a text.
    value: &'a str,
    variant: &'a str,
    reason: &'static str,
    metadata: Metadata<'a>,
}

/// What an analyst needs of a decision. It has no lists and no objects, which providers leave out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    propensity: Option<f64>,
    revision: &'a str,
    inference_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_reason: Option<Reason>,
}

impl<'a> Evaluated<'a> {
    /// `None` where no variant was chosen.
    fn of(key: &'a str, record: &'a Record) -> Option<Self> {
        let variant = record.variant.as_deref()?;
        let reason = match record.reason {
            Some(Reason::Target) => "TARGETING_MATCH",
            // One variant has all the weight.
            _ if record.propensity.is_some_and(|propensity| propensity >= 1.0) => "STATIC",
            _ => "SPLIT",
        };
        let metadata = Metadata {
            propensity: record.propensity,
            revision: &record.revision,
            inference_id: &record.inference_id,
            assignment_reason: record.reason,
        };
        Some(Evaluated { key, value: variant, variant, reason, metadata })
    }
}

/// Why a flag is not evaluated, in the protocol's words.
#[derive(Debug)]
struct Refused {
    code: &'static str,
    error: Error,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    error_code: &'static str,
    error_details: String,
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused::of(error.into())
    }
}

impl Refused {
    fn of(error: Error) -> Self {
        let code = match &error {
            Error::Request(RequestError::UnitMissing) => "TARGETING_KEY_MISSING",
            Error::Endpoint(_, EndpointError::NotFound) | Error::Request(RequestError::Name(_)) => "FLAG_NOT_FOUND",
            Error::Request(RequestError::BodyBroken(_) | RequestError::Encoded(_) | RequestError::Gzip(_)) => {
                "PARSE_ERROR"
            }
            _ => "GENERAL",
        };
        Refused { code, error }
    }

    /// The body is none that can be read.
    fn parse(problem: String) -> Self {
        Refused { code: "PARSE_ERROR", error: RequestError::Operation(problem).into() }
    }

    /// The context is none.
    fn context(problem: &str) -> Self {
        Refused { code: "INVALID_CONTEXT", error: RequestError::Operation(problem.to_owned()).into() }
    }

    fn failure<'a>(&self, key: Option<&'a str>) -> Failure<'a> {
        let report = Report::from(&self.error);
        let fix = match self.code {
            "TARGETING_KEY_MISSING" => "the endpoint assigns by unit: send its id as targetingKey in the context",
            _ => report.fix,
        };
        Failure { key, error_code: self.code, error_details: format!("{}: {fix}", report.message) }
    }

    /// As a response, with one of the statuses that the protocol has.
    fn response(&self, key: Option<&str>) -> Response {
        let report = Report::from(&self.error);
        let status = match report.status {
            _ if self.code == "FLAG_NOT_FOUND" => StatusCode::NOT_FOUND,
            // It is there, and somebody has switched it off.
            _ if matches!(self.error, Error::Assignment(AssignmentError::NoWeight)) => StatusCode::BAD_REQUEST,
            status @ (StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::TOO_MANY_REQUESTS) => status,
            status if status.is_client_error() => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = json(status, &self.failure(key));
        let to = response.headers_mut();
        report.describe(to);
        if status == StatusCode::UNAUTHORIZED {
            insert(to, header::WWW_AUTHENTICATE, "Bearer realm=\"turnout\"");
        }
        response
    }
}

/// The targeting key that a body tells, where it does. Whatever else is in the context decides nothing here.
fn targeting_key(body: &[u8]) -> Result<Option<String>, Refused> {
    let body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| Refused::parse(format!("the body is no JSON object: {error}")))?;
    let context = match body.get("context") {
        Some(Value::Object(context)) => context,
        Some(_) => return Err(Refused::context("`context` is no object")),
        None => return Err(Refused::context("the body has no `context`")),
    };
    match context.get("targetingKey") {
        Some(Value::String(key)) if !key.is_empty() => Ok(Some(key.clone())),
        None | Some(Value::Null | Value::String(_)) => Ok(None),
        Some(_) => Err(Refused::context("`targetingKey` is no text")),
    }
}

/// Evaluates one flag, and records that it was.
async fn one<P: Platform>(service: &Service<'_, P>, key: &str, request: &Request) -> Answer {
    let asked = tabular::invocation(PROTOCOL, key, request).map_err(Refused::from);
    let (invocation, targeting_key) = match asked.and_then(|asked| Ok((asked, targeting_key(&request.body)?))) {
        Ok(asked) => asked,
        Err(refused) => return refused.response(Some(key)).into(),
    };
    let unit = UnitIn::Context(targeting_key.as_deref());
    let (decided, noted) = service.decide(&Invocation { unit, ..invocation }).await;
    let response = match decided {
        Ok(()) => json(StatusCode::OK, &noted.record().and_then(|record| Evaluated::of(key, record))),
        Err(error) => Refused::of(error).response(Some(key)),
    };
    let follow_ups = noted.sent(&response, None);
    Answer { response, follow_ups }
}

/// Evaluates all flags that the caller may, unless they are as it has them.
async fn all<P: Platform>(service: &Service<'_, P>, request: &Request) -> Result<Answer, Refused> {
    request.allow(&Method::POST, "POST")?;
    let targeting_key = targeting_key(&request.body)?;
    let mut refresh = Vec::new();
    let allowed = allowed(service, request, &mut refresh).await?;
    let etag = etag(&allowed, targeting_key.as_deref());
    let mut response = if has(request, &etag) {
        let mut response = respond(StatusCode::NOT_MODIFIED, "application/json", Vec::new());
        response.headers_mut().remove(header::CONTENT_TYPE);
        response
    } else {
        let unit = UnitIn::Context(targeting_key.as_deref());
        let flags = join_all(allowed.iter().map(|(name, _)| evaluated(service, name, unit, request))).await;
        json(StatusCode::OK, &Map::from_iter([("flags".to_owned(), Value::Array(flags))]))
    };
    insert(response.headers_mut(), header::ETAG, &etag);
    Ok(Answer { response, follow_ups: FollowUps::refresh(refresh) })
}

/// The endpoints that the caller may invoke, with their revisions. Those that cannot be served are left out, as nobody knows
/// who may.
///
/// # Errors
/// If the store fails, or a caller who shows something may invoke none.
async fn allowed<P: Platform>(
    service: &Service<'_, P>,
    request: &Request,
    refresh: &mut Vec<Name>,
) -> Result<Vec<(Name, String)>, Refused> {
    let (mut allowed, mut refused, mut cursor) = (Vec::new(), None, None::<Name>);
    loop {
        let page = service.list(cursor.as_ref().map(Name::as_str), refresh).await?;
        for (name, served) in page.endpoints {
            let Ok(served) = served else { continue };
            let endpoint: &Endpoint = &served.endpoint;
            match service.allow(endpoint, request) {
                Ok(()) => allowed.push((name, endpoint.revision().as_str().to_owned())),
                Err(error) => refused = Some(error),
            }
        }
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    match refused {
        Some(error) if allowed.is_empty() => Err(error.into()),
        _ => Ok(allowed),
    }
}

/// What has to be other for a bulk evaluation to be: documents, and whom they are evaluated for.
fn etag(allowed: &[(Name, String)], targeting_key: Option<&str>) -> String {
    let mut told = String::new();
    for (name, revision) in allowed {
        // Writing into memory does not fail.
        let _ = writeln!(told, "{name} {revision}");
    }
    // No name begins with a colon.
    let _ = write!(told, ":{}", targeting_key.unwrap_or_default());
    format!("\"{}\"", Sha256::of(told.as_bytes()))
}

/// Whether `If-None-Match` names that tag, weak or strong.
fn has(request: &Request, etag: &str) -> bool {
    let Some(named) = request.header(header::IF_NONE_MATCH) else { return false };
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    named.split(',').any(|tag| tag.trim() == "*" || plain(tag) == plain(etag))
}

/// A flag, evaluated for a bulk evaluation: of what is noted nothing is kept.
async fn evaluated<P: Platform>(service: &Service<'_, P>, name: &Name, unit: UnitIn<'_>, request: &Request) -> Value {
    let key = name.as_str();
    let asked = tabular::invocation(PROTOCOL, key, request);
    let (decided, noted) = match asked {
        // What names a variant or an id means one flag.
        Ok(asked) => service.decide(&Invocation { unit, target: None, inference_id: None, ..asked }).await,
        Err(error) => return value(&Refused::from(error).failure(Some(key))),
    };
    match decided {
        Ok(()) => value(&noted.record().and_then(|record| Evaluated::of(key, record))),
        Err(error) => value(&Refused::of(error).failure(Some(key))),
    }
}

fn value(told: &impl Serialize) -> Value {
    serde_json::to_value(told).unwrap_or_default()
}
