//! What can be set for an isolate.

/// What can be set for an isolate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Milliseconds after which an endpoint's configuration is read anew, in the background.
    pub endpoint_ttl_ms: f64,
    /// Milliseconds until the store shows a change everywhere.
    pub store_delay_ms: f64,
    /// Bytes of memory that all instances of models may have together.
    pub model_memory_bytes: usize,
}

impl Default for Settings {
    /// 30 seconds; 60 seconds, as Workers KV has it; and 80 MiB: of the 128 that an isolate has, what
    /// leaves the worker itself a third.
    fn default() -> Self {
        Settings { endpoint_ttl_ms: 30_000.0, store_delay_ms: 60_000.0, model_memory_bytes: 80 << 20 }
    }
}
