//! Values by key, as Workers KV keeps them.

use serde::{Deserialize, Serialize};

/// Reads and writes values. There is no compare-and-set, and a change is seen elsewhere only after a delay.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Store {
    /// A value; `None` where there is none.
    async fn read(&self, namespace: Namespace, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// A value, and when it was written.
    async fn read_entry(&self, namespace: Namespace, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Puts a value in place of what is there.
    async fn write(&self, namespace: Namespace, key: &str, value: &str, times: Times) -> Result<(), StoreError>;

    /// Removes a value, if there is one.
    async fn delete(&self, namespace: Namespace, key: &str) -> Result<(), StoreError>;

    /// One page of at most `limit` keys that begin with `prefix`, in order, from `cursor` on.
    async fn list(
        &self,
        namespace: Namespace,
        prefix: &str,
        cursor: Option<String>,
        limit: u16,
    ) -> Result<Page, StoreError>;
}

/// Which keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// The endpoints' documents, by name.
    Endpoints,
    /// ONNX files, by the key that a variant names.
    Models,
    /// Named models, configurations, alarms and shadow tests, for the control plane alone.
    Registry,
}

/// When a value was written, as far as this project wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Milliseconds since the Unix epoch; absent where somebody else wrote the first value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ms: Option<f64>,
    /// Milliseconds since the Unix epoch.
    pub modified_ms: f64,
    /// Of an endpoint's document: which of its changes this is, where an experiment counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

impl Times {
    /// Of the first value under a key.
    pub fn created(now_ms: f64) -> Self {
        Times { created_ms: Some(now_ms), modified_ms: now_ms, number: None }
    }

    /// Of a value in place of another, whose times these are.
    pub fn modified(now_ms: f64, before: Option<Times>) -> Self {
        Times { created_ms: before.and_then(|times| times.created_ms), modified_ms: now_ms, number: None }
    }
}

/// A value of a store.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// Absent where somebody else wrote it.
    pub times: Option<Times>,
}

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Keys, with when their values were written.
    pub keys: Vec<(String, Option<Times>)>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
}

/// The store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store did not answer: {0}")]
pub struct StoreError(pub String);
