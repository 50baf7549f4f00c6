//! What can be set for an isolate.

use super::endpoints::Freshness;

/// What can be set for an isolate.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How old the endpoints' configurations may be.
    pub freshness: Freshness,
    /// Milliseconds until the store shows a change everywhere.
    pub store_delay_ms: f64,
    /// Milliseconds that the store has for a document or a page of names.
    pub store_limit_ms: f64,
    /// Bytes of memory that all instances of models may have together.
    pub model_memory_bytes: usize,
    /// Whose pages may read answers.
    pub allowed_origins: AllowedOrigins,
    /// Whether anybody may read what endpoints there are, and of them what those may who invoke them.
    pub open_descriptions: bool,
}

/// The origins (RFC 6454) whose pages may read answers, beside this worker's own, for which browsers ask nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// From a list with commas, as in `https://a.example, https://b.example:8443`; `*` allows all.
    pub fn listed(origins: &str) -> Self {
        let origins = origins.split(',').map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase());
        AllowedOrigins(origins.filter(|origin| !origin.is_empty()).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether pages of that origin may.
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }
}

impl Default for Settings {
    /// 60 seconds of delay, as Workers KV has it; two seconds for an answer of it; and 64 MiB: of the 128 that an isolate
    /// has, what leaves the worker itself a third.
    fn default() -> Self {
        Settings {
            freshness: Freshness::of_ttl(30_000.0),
            store_delay_ms: 60_000.0,
            store_limit_ms: 2_000.0,
            model_memory_bytes: 64 << 20,
            allowed_origins: AllowedOrigins::default(),
            open_descriptions: false,
        }
    }
}
