//! Workers' requests and responses as the core's, and back.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use futures_util::StreamExt;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use worker::worker_sys::web_sys;
use worker::{ByteStream, Fetcher, Url};

use crate::protocol::{MAX_BODY_BYTES, Request, RequestError, Response};

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    fn respond(status: u16, headers: &str, body: Uint8Array) -> JsValue;
}

/// Why a body was not taken in.
pub(super) enum BodyError {
    /// More bytes than the bound.
    TooLarge,
    /// It broke off.
    Broken(String),
}

/// A request, without its body, from what `head` of entry.js makes of it.
pub(super) fn request(head: &str) -> Request {
    let mut lines = head.split('\n');
    let method = lines.next().and_then(|method| Method::from_bytes(method.as_bytes()).ok()).unwrap_or_default();
    // The platform has parsed it before; there is nothing at an empty path.
    let url = lines.next().and_then(|url| Url::parse(url).ok());
    let headers: HeaderMap = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect();
    Request {
        method,
        secure: url.as_ref().is_some_and(|url| url.scheme() == "https"),
        path: url.as_ref().map_or_else(String::new, |url| url.path().to_owned()),
        query: url.as_ref().and_then(Url::query).unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
    }
}

/// The body of a request that does not say how long it is, or says too much.
pub(super) async fn body(raw: web_sys::Request) -> Result<Vec<u8>, RequestError> {
    let body = match worker::Request::from(raw).stream() {
        Ok(stream) => collect(stream, MAX_BODY_BYTES, MAX_DRAINED_BYTES).await,
        // No body at all.
        Err(_) => Ok(Vec::new()),
    };
    body.map_err(|error| match error {
        BodyError::TooLarge => RequestError::BodyTooLarge,
        BodyError::Broken(problem) => RequestError::BodyBroken(problem),
    })
}

/// The page, from the platform's static assets.
pub(super) async fn page(assets: &Fetcher, raw: web_sys::Request) -> Result<JsValue, JsValue> {
    let page: worker::Response = assets.fetch_request(worker::Request::from(raw)).await?;
    Ok(web_sys::Response::from(page).into())
}

/// A response as the platform sends it.
pub(super) fn to_platform(response: &Response) -> JsValue {
    let mut lines = String::new();
    for (name, value) in response.headers() {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(name.as_str());
        lines.push(':');
        lines.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    respond(response.status().as_u16(), &lines, Uint8Array::from(response.body().as_slice()))
}

/// `Content-Length`, if it can be read.
pub(super) fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How much of a body that is too large is read and thrown away, so that the answer is not lost with the connection:
/// whoever is still sending when it closes never reads why.
const MAX_DRAINED_BYTES: usize = 64 << 20;

/// Takes in a body of at most `limit` bytes. Of one that is larger, no more than `read` bytes are read.
pub(super) async fn collect(mut stream: ByteStream, limit: usize, read: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    let mut seen: usize = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| BodyError::Broken(error.to_string()))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            body.extend_from_slice(&chunk);
        } else if seen > read {
            break;
        }
    }
    if seen <= limit { Ok(body) } else { Err(BodyError::TooLarge) }
}
