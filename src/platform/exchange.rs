//! HTTP exchanges with hosts elsewhere.

use http::HeaderMap;
use url::Url;

/// Calls hosts elsewhere.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Exchange {
    /// One exchange, without following redirects. Aborted, not merely given up, at its limit.
    async fn exchange(&self, call: HttpCall<'_>) -> Result<HttpAnswer, ExchangeError>;
}

/// A POST, with its limits.
#[derive(Debug)]
pub struct HttpCall<'a> {
    /// Where to.
    pub url: &'a Url,
    /// All headers to be sent.
    pub headers: &'a HeaderMap,
    /// The body to be sent.
    pub body: &'a [u8],
    /// Milliseconds until the exchange, body included, is to be aborted.
    pub limit_ms: f64,
    /// The most bytes of body to take in.
    pub max_bytes: usize,
}

/// What a host said.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// All its headers.
    pub headers: HeaderMap,
    /// Its body, decoded and whole.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// It took longer than its limit.
    #[error("no answer in time")]
    Timeout,
    /// There is no connection, or it broke.
    #[error("{0}")]
    Unreachable(String),
    /// The answer's body has more bytes than are taken in.
    #[error("the answer is too large")]
    TooLarge,
}
