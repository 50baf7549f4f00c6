//! The platform that the core asks for, on Workers.

use std::pin::pin;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use worker::{AbortController, Delay, Env, Fetch, Headers, KvError, KvStore, Method, RequestInit, RequestRedirect};

use super::http::{BodyError, collect, length};
use crate::origin::{OriginAnswer, OriginCall, OriginError};
use crate::platform::{EntropyError, Entry, Page, Platform, Store, StoreError, Times};

/// Binding of the endpoints' documents.
const ENDPOINTS: &str = "ENDPOINTS";
/// Binding of the models.
const MODELS: &str = "MODELS";
/// Binding of the named models and configurations.
const REGISTRY: &str = "REGISTRY";

/// Workers, for one request.
#[derive(Debug)]
pub(super) struct Workers {
    env: Env,
}

impl Workers {
    pub(super) fn new(env: Env) -> Self {
        Workers { env }
    }

    fn store(&self, store: Store) -> Result<KvStore, StoreError> {
        let binding = match store {
            Store::Endpoints => ENDPOINTS,
            Store::Models => MODELS,
            Store::Registry => REGISTRY,
        };
        self.env.kv(binding).map_err(|_| StoreError(format!("there is no KV namespace bound as {binding}")))
    }
}

fn failed(error: KvError) -> StoreError {
    StoreError(error.to_string())
}

/// Somebody else's metadata is none of ours.
fn times(metadata: Option<serde_json::Value>) -> Option<Times> {
    serde_json::from_value(metadata?).ok()
}

impl Platform for Workers {
    async fn read(&self, store: Store, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store(store)?.get(key).bytes().await.map_err(failed)
    }

    async fn read_entry(&self, store: Store, key: &str) -> Result<Option<Entry>, StoreError> {
        let (value, metadata) = self.store(store)?.get(key).bytes_with_metadata().await.map_err(failed)?;
        Ok(value.map(|value| Entry { value, times: times(metadata) }))
    }

    async fn write(&self, store: Store, key: &str, value: &str, times: Times) -> Result<(), StoreError> {
        let put = self.store(store)?.put(key, value).and_then(|put| put.metadata(times)).map_err(failed)?;
        put.execute().await.map_err(failed)
    }

    async fn delete(&self, store: Store, key: &str) -> Result<(), StoreError> {
        self.store(store)?.delete(key).await.map_err(failed)
    }

    async fn list(&self, store: Store, prefix: &str, cursor: Option<String>, limit: u16) -> Result<Page, StoreError> {
        let mut list = self.store(store)?.list().prefix(prefix.to_owned()).limit(limit.into());
        if let Some(cursor) = cursor {
            list = list.cursor(cursor);
        }
        let page = list.execute().await.map_err(failed)?;
        let cursor = page.cursor.filter(|cursor| !page.list_complete && !cursor.is_empty());
        Ok(Page { keys: page.keys.into_iter().map(|key| (key.name, times(key.metadata))).collect(), cursor })
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
