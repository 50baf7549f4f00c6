//! What can be set for an isolate.

use super::endpoints::Freshness;

/// What can be set for an isolate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How old the endpoints' configurations may be.
    pub freshness: Freshness,
    /// Milliseconds until the store shows a change everywhere.
    pub store_delay_ms: f64,
    /// Milliseconds that the store has for a document or a page of names.
    pub store_limit_ms: f64,
    /// Bytes of memory that all instances of models may have together.
    pub model_memory_bytes: usize,
}

impl Default for Settings {
    /// 60 seconds of delay, as Workers KV has it; two seconds for an answer of it; and 80 MiB: of the 128 that an isolate
    /// has, what leaves the worker itself a third.
    fn default() -> Self {
        Settings {
            freshness: Freshness::of_ttl(30_000.0),
            store_delay_ms: 60_000.0,
            store_limit_ms: 2_000.0,
            model_memory_bytes: 80 << 20,
        }
    }
}
