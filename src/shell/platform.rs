//! The platform that the core asks for, on Workers.

use std::cell::RefCell;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;
use worker::{Env, KvError, KvStore};

use super::http::{headers, lines};
use super::settings::text;
use crate::platform::{
    Bucket, BucketError, Clock, Entropy, EntropyError, Entry, Exchange, ExchangeError, Experiments, HttpAnswer,
    HttpCall, KeyPage, Log, Namespace, Page, Secrets, Store, StoreError, Timer, Times, UnreachableExperiment, one_line,
};

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    #[wasm_bindgen(js_name = exchange)]
    async fn exchanged(
        url: &str,
        headers: &str,
        body: Uint8Array,
        limit_ms: f64,
        max_bytes: f64,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn ask_experiment(namespace: &JsValue, endpoint: &str, question: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn put_object(bucket: &JsValue, key: &str, bytes: Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn get_object(bucket: &JsValue, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn list_objects(bucket: &JsValue, prefix: &str, cursor: Option<String>) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timeout: &JsValue);
}

/// A timeout that is running. One that nobody waits for any longer is cleared.
struct Timeout(JsValue);

impl Drop for Timeout {
    fn drop(&mut self) {
        clear_timeout(&self.0);
    }
}

/// Binding of the endpoints' documents.
const ENDPOINTS: &str = "ENDPOINTS";
/// Binding of the models.
pub(super) const MODELS: &str = "MODELS";
/// Binding of the named models and configurations.
const REGISTRY: &str = "REGISTRY";

/// Workers, for one request.
#[derive(Debug)]
pub(super) struct Workers {
    env: Env,
    has_experiments: bool,
    /// The request, where its body is read in pieces.
    request: Option<web_sys::Request>,
    /// The response's body, where it is not the core's.
    body: RefCell<Option<JsValue>>,
}

impl Workers {
    /// `has_experiments` is what [`has_experiments`] says: it is asked once an isolate.
    pub(super) fn new(env: Env, has_experiments: bool) -> Self {
        Workers { env, has_experiments, request: None, body: RefCell::new(None) }
    }

    /// The same, for a request whose body is read in pieces.
    pub(super) fn reading(self, request: web_sys::Request) -> Self {
        Workers { request: Some(request), ..self }
    }

    pub(super) fn request(&self) -> Option<&web_sys::Request> {
        self.request.as_ref()
    }

    /// Has the response have this body.
    pub(super) fn send(&self, body: JsValue) {
        *self.body.borrow_mut() = Some(body);
    }

    /// The body that the response is to have in place of the core's.
    pub(super) fn take_body(&self) -> Option<JsValue> {
        self.body.borrow_mut().take()
    }

    /// The namespace of the models.
    pub(super) fn models(&self) -> Result<JsValue, StoreError> {
        let binding = Reflect::get(&self.env, &JsValue::from(MODELS)).unwrap_or_default();
        let there_is_none = || StoreError(format!("there is no KV namespace bound as {MODELS}"));
        if is_binding(&binding) { Ok(binding) } else { Err(there_is_none()) }
    }

    /// The bucket of captured lines.
    pub(super) fn captured(&self) -> Result<JsValue, StoreError> {
        self.bucket().map_err(|error| StoreError(error.0))
    }

    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    fn store(&self, namespace: Namespace) -> Result<KvStore, StoreError> {
        let binding = match namespace {
            Namespace::Endpoints => ENDPOINTS,
            Namespace::Models => MODELS,
            Namespace::Registry => REGISTRY,
        };
        self.env.kv(binding).map_err(|_| StoreError(format!("there is no KV namespace bound as {binding}")))
    }
}

/// Binding of the experiments.
const EXPERIMENTS: &str = "EXPERIMENTS";

/// Whether there is a binding of experiments.
pub(super) fn has_experiments(env: &Env) -> bool {
    Reflect::get(env, &JsValue::from(EXPERIMENTS)).is_ok_and(|binding| is_binding(&binding))
}

/// A service of the runtime may be a function, as a proxy of calls.
fn is_binding(binding: &JsValue) -> bool {
    binding.is_object() || binding.is_function()
}

impl Experiments for Workers {
    fn has_experiments(&self) -> bool {
        self.has_experiments
    }

    async fn ask_experiment(&self, endpoint: &str, question: &str) -> Result<String, UnreachableExperiment> {
        let failed = |error: JsValue| UnreachableExperiment(worker::Error::from(error).to_string());
        let namespace = Reflect::get(&self.env, &JsValue::from(EXPERIMENTS)).map_err(failed)?;
        let answer = ask_experiment(&namespace, endpoint, question).await.map_err(failed)?;
        answer.as_string().ok_or_else(|| UnreachableExperiment("it answered with no text".to_owned()))
    }
}

/// Binding of the bucket that captured lines go to.
const CAPTURE: &str = "CAPTURE";

impl Workers {
    fn bucket(&self) -> Result<JsValue, BucketError> {
        let binding = Reflect::get(&self.env, &JsValue::from(CAPTURE)).map_err(bucket_failed)?;
        if is_binding(&binding) {
            Ok(binding)
        } else {
            Err(BucketError(format!("there is no bucket bound as {CAPTURE}")))
        }
    }
}

fn bucket_failed(error: JsValue) -> BucketError {
    BucketError(worker::Error::from(error).to_string())
}

impl Bucket for Workers {
    fn has_bucket(&self) -> bool {
        self.bucket().is_ok()
    }

    async fn put_object(&self, key: &str, bytes: &[u8]) -> Result<(), BucketError> {
        put_object(&self.bucket()?, key, Uint8Array::from(bytes)).await.map(|_| ()).map_err(bucket_failed)
    }

    async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, BucketError> {
        let object = get_object(&self.bucket()?, key).await.map_err(bucket_failed)?;
        Ok(object.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
    }

    async fn object_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, BucketError> {
        let listed = list_objects(&self.bucket()?, prefix, cursor.map(str::to_owned)).await.map_err(bucket_failed)?;
        let text = listed.as_string().unwrap_or_default();
        // No key of ours holds a line feed; the cursor comes first.
        let mut lines = text.split('\n').map(str::to_owned);
        let cursor = lines.next().filter(|cursor| !cursor.is_empty());
        Ok(KeyPage { keys: lines.collect(), cursor })
    }
}

fn failed(error: KvError) -> StoreError {
    StoreError(error.to_string())
}

/// Somebody else's metadata is none of ours.
fn times(metadata: Option<serde_json::Value>) -> Option<Times> {
    serde_json::from_value(metadata?).ok()
}

impl Store for Workers {
    async fn read(&self, namespace: Namespace, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store(namespace)?.get(key).bytes().await.map_err(failed)
    }

    async fn read_entry(&self, namespace: Namespace, key: &str) -> Result<Option<Entry>, StoreError> {
        let (value, metadata) = self.store(namespace)?.get(key).bytes_with_metadata().await.map_err(failed)?;
        Ok(value.map(|value| Entry { value, times: times(metadata) }))
    }

    async fn write(&self, namespace: Namespace, key: &str, value: &str, times: Times) -> Result<(), StoreError> {
        let put = self.store(namespace)?.put(key, value).and_then(|put| put.metadata(times)).map_err(failed)?;
        put.execute().await.map_err(failed)
    }

    async fn delete(&self, namespace: Namespace, key: &str) -> Result<(), StoreError> {
        self.store(namespace)?.delete(key).await.map_err(failed)
    }

    async fn list(
        &self,
        namespace: Namespace,
        prefix: &str,
        cursor: Option<String>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        let mut list = self.store(namespace)?.list().prefix(prefix.to_owned()).limit(limit.into());
        if let Some(cursor) = cursor {
            list = list.cursor(cursor);
        }
        let page = list.execute().await.map_err(failed)?;
        let cursor = page.cursor.filter(|cursor| !page.list_complete && !cursor.is_empty());
        Ok(Page { keys: page.keys.into_iter().map(|key| (key.name, times(key.metadata))).collect(), cursor })
    }
}

impl Exchange for Workers {
    async fn exchange(&self, call: HttpCall<'_>) -> Result<HttpAnswer, ExchangeError> {
        let unreachable = |error: JsValue| ExchangeError::Unreachable(worker::Error::from(error).to_string());
        let (limit_ms, max_bytes) = (call.limit_ms.max(0.0), call.max_bytes as f64);
        let sent = Uint8Array::from(call.body);
        let answer = exchanged(call.url.as_str(), &lines(call.headers), sent, limit_ms, max_bytes).await;
        let answer = answer.map_err(unreachable)?;
        let Some(answer) = answer.dyn_ref::<Array>() else { return Err(ExchangeError::Timeout) };
        let head = answer.get(0).as_string().unwrap_or_default();
        let mut told = head.split('\n');
        let status = told.next().and_then(|status| status.parse().ok()).unwrap_or_default();
        let body = answer.get(1).dyn_into::<Uint8Array>().map_err(|_| ExchangeError::TooLarge)?;
        Ok(HttpAnswer { status, headers: headers(told), body: body.to_vec() })
    }
}

impl Clock for Workers {
    fn now_ms(&self) -> f64 {
        js_sys::Date::now()
    }
}

impl Timer for Workers {
    // The `worker` crate's own delay wakes only who polled it first, which is nobody where work is begun without a promise.
    async fn sleep(&self, ms: f64) {
        let mut timeout = Timeout(JsValue::UNDEFINED);
        let over = Promise::new(&mut |resolve, _| timeout.0 = set_timeout(&resolve, ms));
        // It has no way to fail.
        let _ = JsFuture::from(over).await;
    }
}

impl Secrets for Workers {
    fn secret(&self, name: &str) -> Option<String> {
        text(&self.env, name)
    }
}

impl Entropy for Workers {
    fn entropy(&self) -> Result<[u8; 32], EntropyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| EntropyError(error.to_string()))?;
        Ok(seed)
    }
}

impl Log for Workers {
    fn warn(&self, message: &str) {
        worker::console_warn!("{}", one_line(message));
    }
}
