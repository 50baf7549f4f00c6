//! The platform that the core asks for, on Workers.

use std::pin::pin;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use worker::{AbortController, Delay, Env, Fetch, Headers, Method, RequestInit, RequestRedirect};

use super::http::{BodyError, collect, length};
use crate::endpoint::Name;
use crate::origin::{OriginAnswer, OriginCall, OriginError};
use crate::platform::{EndpointPage, EntropyError, Platform, StoreError};

/// Binding of the endpoints' documents.
const ENDPOINTS: &str = "ENDPOINTS";
/// Binding of the models.
const MODELS: &str = "MODELS";
/// Endpoints on a page of a listing: each is one read, and a request on the free plan may make 50.
const PAGE: u64 = 40;

/// Workers, for one request.
#[derive(Debug)]
pub(super) struct Workers {
    env: Env,
}

impl Workers {
    pub(super) fn new(env: Env) -> Self {
        Workers { env }
    }

    async fn read(&self, binding: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let store = self.env.kv(binding).map_err(|error| StoreError(error.to_string()))?;
        store.get(key).bytes().await.map_err(|error| StoreError(error.to_string()))
    }
}

impl Platform for Workers {
    async fn read_endpoint(&self, name: &Name) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(ENDPOINTS, name.as_str()).await
    }

    async fn write_endpoint(&self, name: &Name, document: &str) -> Result<(), StoreError> {
        let store = self.env.kv(ENDPOINTS).map_err(|error| StoreError(error.to_string()))?;
        let put = store.put(name.as_str(), document).map_err(|error| StoreError(error.to_string()))?;
        put.execute().await.map_err(|error| StoreError(error.to_string()))
    }

    async fn list_endpoints(&self, cursor: Option<String>) -> Result<EndpointPage, StoreError> {
        let store = self.env.kv(ENDPOINTS).map_err(|error| StoreError(error.to_string()))?;
        let mut list = store.list().limit(PAGE);
        if let Some(cursor) = cursor {
            list = list.cursor(cursor);
        }
        let page = list.execute().await.map_err(|error| StoreError(error.to_string()))?;
        let cursor = page.cursor.filter(|cursor| !page.list_complete && !cursor.is_empty());
        Ok(EndpointPage { keys: page.keys.into_iter().map(|key| key.name).collect(), cursor })
    }

    async fn read_model(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(MODELS, key).await
    }

    async fn call_origin(&self, call: OriginCall<'_>) -> Result<OriginAnswer, OriginError> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let exchange = pin!(exchange(&call, &signal));
        let limit = pin!(Delay::from(Duration::from_millis(call.limit_ms.max(0.0) as u64)));
        match select(exchange, limit).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                controller.abort();
                Err(OriginError::Timeout(call.limit_ms as u32))
            }
        }
    }

    fn now_ms(&self) -> f64 {
        js_sys::Date::now()
    }

    fn secret(&self, name: &str) -> Option<String> {
        self.env.secret(name).ok().map(|secret| secret.to_string())
    }

    fn entropy(&self) -> Result<[u8; 32], EntropyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| EntropyError(error.to_string()))?;
        Ok(seed)
    }

    fn warn(&self, message: &str) {
        worker::console_warn!("{message}");
    }
}

/// One exchange, without a limit of its own.
async fn exchange(call: &OriginCall<'_>, signal: &worker::AbortSignal) -> Result<OriginAnswer, OriginError> {
    let unreachable = |error: worker::Error| OriginError::Unreachable(error.to_string());
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(Headers::from(call.headers))
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(Uint8Array::from(call.body).into()));
    let request = worker::Request::new_with_init(call.url.as_str(), &init).map_err(unreachable)?;
    let mut response = Fetch::Request(request).send_with_signal(signal).await.map_err(unreachable)?;
    let headers: HeaderMap = response
        .headers()
        .entries()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        })
        .collect();
    let body = match length(&headers) {
        Some(length) if length > call.max_bytes => Err(BodyError::TooLarge),
        // Bounded even so: a compressed body is longer than it says.
        _ => match response.stream() {
            Ok(stream) => collect(stream, call.max_bytes, call.max_bytes).await,
            Err(_) => Ok(Vec::new()),
        },
    };
    let body = body.map_err(|error| match error {
        BodyError::TooLarge => OriginError::TooLarge(call.max_bytes),
        BodyError::Broken(problem) => OriginError::Unreachable(problem),
    })?;
    Ok(OriginAnswer { status: response.status_code(), headers, body })
}
