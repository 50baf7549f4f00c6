//! What can be set for an isolate.

/// What can be set for an isolate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Milliseconds after which an endpoint's configuration is read anew, in the background.
    pub endpoint_ttl_ms: f64,
    /// Milliseconds until the store shows a change everywhere.
    pub store_delay_ms: f64,
    /// Bytes of ONNX files whose models are kept.
    pub model_cache_bytes: usize,
}

impl Default for Settings {
    /// 30 seconds; 60 seconds, as Workers KV has it; and 32 MiB: a quarter of an isolate's memory, as loaded models take
    /// about twice their files' size.
    fn default() -> Self {
        Settings { endpoint_ttl_ms: 30_000.0, store_delay_ms: 60_000.0, model_cache_bytes: 32 << 20 }
    }
}
