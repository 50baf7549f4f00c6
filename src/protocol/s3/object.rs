//! Single objects: read, written, removed.

use std::ops::Range;

use http::header::{self, HeaderName};
use http::{HeaderValue, Method, StatusCode};

use super::head::{body, conditions, describe, describe_checksum, facts};
use super::operation::Target;
use crate::access::SignedBody;
use crate::platform::{Place, Platform};
use crate::protocol::respond::insert;
use crate::request::{Request, Response};
use crate::service::{ObjectError, Service, StoredObject};

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

/// Answers with an object, or a part of it, or, to HEAD, with what would be said of it.
pub(super) async fn get<P: Platform>(
    service: &Service<'_, P>,
    place: Place,
    target: &Target,
    request: &Request,
) -> Result<Response, ObjectError> {
    if target.parameter("versionId").is_some_and(|version| version != "null") {
        return Err(ObjectError::NotHere("versionId".to_owned()));
    }
    let opened = service.open_object(place, &target.key, &conditions(request)).await?;
    let size = opened.object.size;
    let range = request.header(header::RANGE).and_then(|range| range.strip_prefix("bytes="));
    let range = range.map(|range| part(range, size)).transpose()?.flatten();
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = empty(status);
    let to = response.headers_mut();
    let with_checksum = range.is_none() && request.header("x-amz-checksum-mode") == Some("ENABLED");
    describe(to, &opened.object, with_checksum);
    for (parameter, name) in OVERRIDES {
        if let Some(value) = target.parameter(parameter) {
            insert(to, name, value);
        }
    }
    let sent = range.unwrap_or(0..size);
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{size}", sent.start, sent.end.saturating_sub(1));
        insert(to, header::CONTENT_RANGE, &range);
    }
    let bytes = sent.end.saturating_sub(sent.start);
    to.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    if request.method != Method::HEAD {
        service.send_object(opened, sent);
    }
    Ok(response)
}

/// Headers of the response that a request may name.
const OVERRIDES: [(&str, HeaderName); 4] = [
    ("response-content-type", header::CONTENT_TYPE),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-language", header::CONTENT_LANGUAGE),
];

/// The one part of an object that a range names; `None` where it names several, or none that is understood: then all of it
/// is sent (RFC 9110).
fn part(range: &str, size: u64) -> Result<Option<Range<u64>>, ObjectError> {
    let Some((from, to)) = range.split_once('-') else { return Ok(None) };
    let (from, to) = (from.trim(), to.trim());
    let found = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Ok(from), Err(_)) if to.is_empty() => from..size,
        (Err(_), Ok(last)) if from.is_empty() => size.saturating_sub(last)..size,
        _ => return Ok(None),
    };
    if found.is_empty() { Err(ObjectError::Range(size)) } else { Ok(Some(found)) }
}

/// Keeps an object.
pub(super) async fn put<P: Platform>(
    service: &Service<'_, P>,
    target: &Target,
    request: &Request,
    signed: SignedBody,
) -> Result<Response, ObjectError> {
    let (facts, body) = (facts(request)?, body(request, signed)?);
    let stored = service.put_model(&target.key, body, facts, &conditions(request)).await?;
    Ok(kept(&stored))
}

/// The answer to what was kept.
pub(super) fn kept(stored: &StoredObject) -> Response {
    let mut response = empty(StatusCode::OK);
    insert(response.headers_mut(), header::ETAG, &format!("\"{}\"", stored.etag));
    if let Some(checksum) = &stored.checksum {
        describe_checksum(response.headers_mut(), checksum);
    }
    response
}

/// Removes an object, if there is one.
pub(super) async fn delete<P: Platform>(service: &Service<'_, P>, target: &Target) -> Result<Response, ObjectError> {
    service.delete_model(&target.key).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_of_one_part() {
        for (range, expected) in [
            ("0-4", Ok(Some(0..5))),
            ("2-", Ok(Some(2..10))),
            ("-3", Ok(Some(7..10))),
            ("-30", Ok(Some(0..10))),
            ("8-99", Ok(Some(8..10))),
            ("10-", Err(ObjectError::Range(10))),
            ("12-14", Err(ObjectError::Range(10))),
            ("-0", Err(ObjectError::Range(10))),
            ("4-2", Ok(None)),
            ("0-1,3-4", Ok(None)),
            ("x", Ok(None)),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
    }
}
