//! What the core asks of the platform it runs on: Workers in production, memory in tests.

use crate::endpoint::Name;
use crate::origin::{OriginAnswer, OriginCall, OriginError};

/// The platform's services for one request.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Platform {
    /// The document of an endpoint; `None` where there is none.
    async fn read_endpoint(&self, name: &Name) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts a document in place of an endpoint's.
    async fn write_endpoint(&self, name: &Name, document: &str) -> Result<(), StoreError>;

    /// One page of the endpoints' names, in order, from `cursor` on.
    async fn list_endpoints(&self, cursor: Option<String>) -> Result<EndpointPage, StoreError>;

    /// The bytes of a model; `None` where there are none.
    async fn read_model(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

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

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct EndpointPage {
    /// Keys of the store, whether or not they are good names.
    pub keys: Vec<String>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
}

/// The store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store did not answer: {0}")]
pub struct StoreError(pub String);

/// The platform has no randomness to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness: {0}")]
pub struct EntropyError(pub String);
