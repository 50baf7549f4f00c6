//! Workers' requests and responses as the core's, and back.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use worker::Fetcher;
use worker::worker_sys::web_sys;

use crate::protocol::SHARED_HEADERS;
use crate::request::{Request, Response};

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    fn respond(status: u16, shared: &str, own: &str, body: Uint8Array) -> JsValue;
    fn respond_stream(status: u16, shared: &str, own: &str, body: JsValue) -> JsValue;
    fn respond_text(status: u16, text: &str) -> JsValue;
    /// Whether the caller has hung up.
    pub(super) fn caller_is_gone(request: &web_sys::Request) -> bool;
}

/// A request, without its body, from what `head` of entry.js makes of it.
pub(super) fn request(head: &str) -> Request {
    let mut lines = head.split('\n');
    let method = lines.next().and_then(|method| Method::from_bytes(method.as_bytes()).ok()).unwrap_or_default();
    let url = Url::of(lines.next().unwrap_or_default());
    Request {
        method,
        secure: url.secure,
        path: url.path.to_owned(),
        query: url.query.to_owned(),
        headers: headers(lines),
        body: Vec::new(),
        packed: None,
    }
}

/// Headers from lines.
pub(super) fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect()
}

/// Headers as lines.
pub(super) fn lines<'a>(headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(name.as_str());
        lines.push(':');
        lines.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    lines
}

/// What is told of a URL. The platform has parsed and normalised it, so that nothing is left but to cut it.
struct Url<'a> {
    secure: bool,
    path: &'a str,
    query: &'a str,
}

impl<'a> Url<'a> {
    fn of(text: &'a str) -> Self {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = place.find('/').and_then(|slash| place.get(slash..)).unwrap_or("/");
        Url { secure: scheme == "https", path, query }
    }
}

/// The page, from the platform's static assets.
pub(super) async fn page(assets: Fetcher, raw: web_sys::Request) -> Result<JsValue, JsValue> {
    let page: worker::Response = assets.fetch_request(worker::Request::from(raw)).await?;
    Ok(web_sys::Response::from(page).into())
}

/// A response as the platform sends it, with a body of the platform's own in place of the core's where there is one.
pub(super) fn to_platform(response: &Response, body: Option<JsValue>) -> JsValue {
    let is_shared = |name: &HeaderName| SHARED_HEADERS.contains(name);
    let shared = lines(response.headers().iter().filter(|(name, _)| is_shared(name)));
    let own = lines(response.headers().iter().filter(|(name, _)| !is_shared(name)));
    let status = response.status().as_u16();
    if let Some(body) = body {
        return respond_stream(status, &shared, &own, body);
    }
    // The platform takes a text more cheaply than a buffer, and sends the same bytes.
    match std::str::from_utf8(response.body()) {
        Ok(body) => respond_text(status, &[&shared, &own, body].join("\n\n")),
        Err(_) => respond(status, &shared, &own, Uint8Array::from(response.body().as_slice())),
    }
}
