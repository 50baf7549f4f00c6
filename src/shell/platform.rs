//! The platform that the core asks for, on Workers.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::{Env, KvError, KvStore};

use super::http::{headers, lines};
use crate::origin::{OriginAnswer, OriginCall, OriginError};
use crate::platform::{EntropyError, Entry, Page, Platform, Store, StoreError, Times};

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn exchange(
        url: &str,
        headers: &str,
        body: Uint8Array,
        limit_ms: f64,
        max_bytes: f64,
    ) -> Result<JsValue, JsValue>;
}

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
        let unreachable = |error: JsValue| OriginError::Unreachable(worker::Error::from(error).to_string());
        let (limit_ms, max_bytes) = (call.limit_ms.max(0.0), call.max_bytes as f64);
        let sent = Uint8Array::from(call.body);
        let answer = exchange(call.url.as_str(), &lines(call.headers), sent, limit_ms, max_bytes).await;
        let answer = answer.map_err(unreachable)?;
        let Some(answer) = answer.dyn_ref::<Array>() else { return Err(OriginError::Timeout(limit_ms as u32)) };
        let head = answer.get(0).as_string().unwrap_or_default();
        let mut told = head.split('\n');
        let status = told.next().and_then(|status| status.parse().ok()).unwrap_or_default();
        let body = answer.get(1).dyn_into::<Uint8Array>().map_err(|_| OriginError::TooLarge(call.max_bytes))?;
        Ok(OriginAnswer { status, headers: headers(told), body: body.to_vec() })
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
