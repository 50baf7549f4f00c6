//! Responses, as all protocols make them.

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::headers;
use crate::assignment::Reason;
use crate::request::{Request, Response};
use crate::service::{FollowUps, IssuedCookie, Noted};

/// A response, and what is left to do once it is on its way.
pub struct Answer {
    /// To be sent now.
    pub response: Response,
    /// For [`Service::follow_up`](crate::service::Service::follow_up), afterwards.
    pub follow_ups: FollowUps,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Answer { response, follow_ups: FollowUps::default() }
    }
}

/// A response with a body of that type.
pub(super) fn respond(status: StatusCode, content_type: &str, body: Vec<u8>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    insert(response.headers_mut(), header::CONTENT_TYPE, content_type);
    response
}

/// Lets a page of that origin read the response.
pub(super) fn allow_origin(response: &mut Response, origin: HeaderValue) {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    insert(response.headers_mut(), header::ACCESS_CONTROL_EXPOSE_HEADERS, headers::EXPOSED);
}

/// A response that is JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Only maps with keys that are not texts fail to serialise, and there are none.
    respond(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// The answer to a browser that asks what a page may send. Whether the page may is told by [`allow_origin`].
pub(super) fn preflight() -> Response {
    let mut response = respond(StatusCode::NO_CONTENT, "text/plain", Vec::new());
    let to = response.headers_mut();
    to.remove(header::CONTENT_TYPE);
    insert(to, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS");
    // The star does not cover Authorization (Fetch standard, "CORS non-wildcard request-header name").
    insert(to, header::ACCESS_CONTROL_ALLOW_HEADERS, "*, authorization");
    insert(to, header::ACCESS_CONTROL_MAX_AGE, "86400");
    response
}

/// Adds the headers that describe the decision, and the cookie that makes the next one the same.
pub(super) fn describe_decision(response: &mut Response, request: &Request, noted: &Noted) {
    issue(response, request, noted);
    let Some(record) = noted.record() else { return };
    let to = response.headers_mut();
    let pairs = [
        (headers::INVOKED_VARIANT, record.variant.as_deref()),
        (headers::SAGEMAKER_INVOKED_VARIANT, record.variant.as_deref()),
        (headers::REASON, record.reason.map(Reason::as_str)),
        (headers::REVISION, Some(record.revision.as_str())),
        (headers::INFERENCE_ID, Some(record.inference_id.as_str())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            insert(to, name, value);
        }
    }
}

/// Gives the caller the cookie that is due, for a year, to this host alone and to no script. `Lax` keeps it from what other
/// sites post here.
pub(super) fn issue(response: &mut Response, request: &Request, noted: &Noted) {
    let Some(IssuedCookie { name, value }) = noted.issued() else { return };
    let secure = if request.secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax{secure}");
    insert(response.headers_mut(), header::SET_COOKIE, &cookie);
    // Nobody else may be given the same.
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-store");
}

/// Sets a header; a text that cannot stand in one is left out, which names, codes and digests never are.
pub(super) fn insert(to: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        to.insert(name, value);
    }
}
