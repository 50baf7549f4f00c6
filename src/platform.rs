//! What the core asks of the platform it runs on: Workers in production, memory in tests.

use serde::{Deserialize, Serialize};

use crate::origin::{OriginAnswer, OriginCall, OriginError};

/// The platform's services for one request.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Platform {
    /// A value; `None` where there is none.
    async fn read(&self, store: Store, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// A value, and when it was written.
    async fn read_entry(&self, store: Store, key: &str) -> Result<Option<Entry>, StoreError>;

    /// Puts a value in place of what is there.
    async fn write(&self, store: Store, key: &str, value: &str, times: Times) -> Result<(), StoreError>;

    /// Removes a value, if there is one.
    async fn delete(&self, store: Store, key: &str) -> Result<(), StoreError>;

    /// One page of the keys that begin with `prefix`, in order, from `cursor` on.
    async fn list(&self, store: Store, prefix: &str, cursor: Option<String>, limit: u16) -> Result<Page, StoreError>;

    /// One exchange with a model host, without following redirects. Aborted, not merely given up, at its limit.
    async fn call_origin(&self, call: OriginCall<'_>) -> Result<OriginAnswer, OriginError>;

    /// Milliseconds since the Unix epoch. On Workers the clock moves only when something is waited for.
    fn now_ms(&self) -> f64;

    /// A secret by name; `None` where it is not set.
    fn secret(&self, name: &str) -> Option<String>;

    /// Fresh randomness, to seed the isolate's generator with.
    fn entropy(&self) -> Result<[u8; 32], EntropyError>;

    /// Tells whoever runs this of something that needs their attention.
    fn warn(&self, message: &str);
}

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The endpoints' documents, by name.
    Endpoints,
    /// ONNX files, by the key that a variant names.
    Models,
    /// Named models and configurations, for the control plane alone.
    Registry,
}

/// When a value was written, as far as this project wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Milliseconds since the Unix epoch.
    pub created_ms: f64,
    /// Milliseconds since the Unix epoch.
    pub modified_ms: f64,
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

impl Times {
    /// Of what is written now, in place of what was there.
    pub fn now(now_ms: f64, before: Option<Times>) -> Self {
        Times { created_ms: before.map_or(now_ms, |times| times.created_ms), modified_ms: now_ms }
    }
}

/// The store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store did not answer: {0}")]
pub struct StoreError(pub String);

/// The platform has no randomness to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness: {0}")]
pub struct EntropyError(pub String);
