//! The native protocol: JSON over HTTP, under `/endpoints`. Its invocations are SageMaker Runtime's as well.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;

use super::{Invocation, Operation, Request, RequestError, Response, headers, text};
use crate::endpoint::Name;
use crate::error::Report;

/// The protocol's name in records.
pub const PROTOCOL: &str = "native";

/// The headers that describe one invocation's decision; absent ones are not sent.
#[derive(Debug, Default)]
pub struct Decision<'a> {
    /// The variant that answered, or was chosen.
    pub variant: Option<&'a str>,
    /// Why.
    pub reason: Option<&'static str>,
    /// By which configuration.
    pub revision: Option<&'a str>,
    /// Of which inference.
    pub inference_id: Option<&'a str>,
}

/// Finds out what a request asks for.
///
/// # Errors
/// If the path, the method, a name or a header is not one that is known.
pub fn decode(request: Request) -> Result<Operation, RequestError> {
    if request.method == Method::OPTIONS {
        return Ok(Operation::Preflight);
    }
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match path.as_slice() {
        ["endpoints"] => {
            allow(&request.method, &Method::GET, "GET")?;
            let cursor = url::form_urlencoded::parse(request.query.as_bytes())
                .find(|(key, _)| key == "cursor")
                .map(|(_, cursor)| cursor.into_owned());
            Ok(Operation::List { cursor })
        }
        ["endpoints", name] => {
            allow(&request.method, &Method::GET, "GET")?;
            Ok(Operation::Describe(Name::try_from(*name)?))
        }
        ["endpoints", name, "weights"] => {
            allow(&request.method, &Method::PUT, "PUT")?;
            Ok(Operation::SetWeights {
                endpoint: Name::try_from(*name)?,
                authorization: text(&request.headers, "authorization").map(str::to_owned),
                if_match: text(&request.headers, "if-match").map(str::to_owned),
                body: request.body,
            })
        }
        ["endpoints", name, "invocations"] => {
            allow(&request.method, &Method::POST, "POST")?;
            Ok(Operation::Invoke(Invocation {
                endpoint: Name::try_from(*name)?,
                protocol: PROTOCOL,
                target: target(&request.headers)?,
                inference_id: inference_id(&request.headers)?,
                headers: request.headers,
                body: request.body,
            }))
        }
        _ => Err(RequestError::NoSuchPath),
    }
}

fn allow(method: &Method, only: &Method, name: &'static str) -> Result<(), RequestError> {
    // The runtime leaves the body out of an answer to HEAD.
    let same = method == only || (only == Method::GET && method == Method::HEAD);
    if same { Ok(()) } else { Err(RequestError::Method(name)) }
}

fn target(request: &HeaderMap) -> Result<Option<String>, RequestError> {
    let named = |header: HeaderName| {
        let value = request.get(header)?;
        // What is not text cannot be a variant's name, but was meant as one: it must not fall back on the weights.
        Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
    };
    match (named(headers::TARGET_VARIANT), named(headers::SAGEMAKER_TARGET_VARIANT)) {
        (Some(a), Some(b)) if a != b => Err(RequestError::TwoTargets { a, b }),
        (target, None) | (None, target) | (target, Some(_)) => Ok(target),
    }
}

fn inference_id(request: &HeaderMap) -> Result<Option<String>, RequestError> {
    let Some(value) = request.get(headers::INFERENCE_ID) else { return Ok(None) };
    match value.to_str() {
        Ok(id) if (1..=64).contains(&id.len()) => Ok(Some(id.to_owned())),
        _ => Err(RequestError::InferenceId),
    }
}

/// A response with a body of that type.
pub fn respond(status: StatusCode, content_type: &str, body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let to = response.headers_mut();
    insert(to, header::CONTENT_TYPE, content_type);
    insert(to, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    insert(to, header::ACCESS_CONTROL_EXPOSE_HEADERS, headers::EXPOSED);
    response
}

/// A response that is JSON.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Only maps with keys that are not texts fail to serialise, and there are none.
    respond(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// The answer to a browser that asks what it may send. Nothing here acts on cookies, so any page may ask.
pub fn preflight() -> Response {
    let mut response = respond(StatusCode::NO_CONTENT, "text/plain", Vec::new());
    let to = response.headers_mut();
    to.remove(header::CONTENT_TYPE);
    insert(to, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, OPTIONS");
    // The star does not cover Authorization (Fetch standard, "CORS non-wildcard request-header name").
    insert(to, header::ACCESS_CONTROL_ALLOW_HEADERS, "*, authorization");
    insert(to, header::ACCESS_CONTROL_MAX_AGE, "86400");
    response
}

/// An error as a response.
pub fn error(report: &Report) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        code: &'static str,
        message: &'a str,
        fix: &'a str,
    }
    let mut response = json(report.status, &Body { code: report.code, message: &report.message, fix: &report.fix });
    let to = response.headers_mut();
    insert(to, headers::ERROR_CODE, report.code);
    if let Some(methods) = report.allow {
        insert(to, header::ALLOW, methods);
    }
    if report.status == StatusCode::UNAUTHORIZED {
        insert(to, header::WWW_AUTHENTICATE, "Bearer realm=\"turnout\"");
    }
    response
}

/// Adds the headers that describe the decision.
pub fn describe_decision(response: &mut Response, decision: &Decision<'_>) {
    let to = response.headers_mut();
    let pairs = [
        (headers::INVOKED_VARIANT, decision.variant),
        (headers::SAGEMAKER_INVOKED_VARIANT, decision.variant),
        (headers::REASON, decision.reason),
        (headers::REVISION, decision.revision),
        (headers::INFERENCE_ID, decision.inference_id),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            insert(to, name, value);
        }
    }
}

/// Sets a header; a text that cannot stand in one is left out, which names, codes and digests never are.
pub fn insert(to: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        to.insert(name, value);
    }
}
