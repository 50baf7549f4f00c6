//! Workers' requests and responses as the core's, and back.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use futures_util::StreamExt;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use worker::{ByteStream, Url};

use crate::protocol::{MAX_BODY_BYTES, Request, RequestError, Response};

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    fn head(request: &JsValue) -> String;
    fn respond(status: u16, headers: &str, body: Uint8Array) -> JsValue;
}

/// Why a body was not taken in.
pub(super) enum BodyError {
    /// More bytes than the bound.
    TooLarge,
    /// It broke off.
    Broken(String),
}

/// Receives a request, its body included.
pub(super) async fn receive(mut request: worker::Request) -> Result<Request, RequestError> {
    let head = head(request.inner());
    let mut lines = head.split('\n');
    let method = lines.next().and_then(|method| Method::from_bytes(method.as_bytes()).ok()).unwrap_or_default();
    // The platform has parsed it before.
    let url = lines.next().and_then(|url| Url::parse(url).ok()).ok_or(RequestError::NoSuchPath)?;
    let headers: HeaderMap = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect();
    let body = if matches!(method, Method::POST | Method::PUT) {
        let declared = length(&headers);
        let whole = match declared {
            Some(length) if length > MAX_BODY_BYTES => Err(BodyError::TooLarge),
            // The runtime holds a body to its declared length.
            Some(_) => request.bytes().await.map_err(|error| BodyError::Broken(error.to_string())),
            None => match request.stream() {
                Ok(stream) => collect(stream, MAX_BODY_BYTES).await,
                // No body at all.
                Err(_) => Ok(Vec::new()),
            },
        };
        whole.map_err(|error| match error {
            BodyError::TooLarge => RequestError::BodyTooLarge,
            BodyError::Broken(problem) => RequestError::BodyBroken(problem),
        })?
    } else {
        Vec::new()
    };
    Ok(Request { method, path: url.path().to_owned(), query: url.query().unwrap_or_default().to_owned(), headers, body })
}

/// A response as the platform sends it.
pub(super) fn to_platform(response: &Response) -> worker::Response {
    let mut lines = String::new();
    for (name, value) in response.headers() {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(name.as_str());
        lines.push(':');
        lines.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    let made = respond(response.status().as_u16(), &lines, Uint8Array::from(response.body().as_slice()));
    worker::Response::from(made.unchecked_into::<worker::worker_sys::web_sys::Response>())
}

/// `Content-Length`, if it can be read.
pub(super) fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Takes in a body of unknown length, and no more than `limit` bytes of it.
pub(super) async fn collect(mut stream: ByteStream, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| BodyError::Broken(error.to_string()))?;
        if chunk.len() > limit.saturating_sub(body.len()) {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
