//! Settings from the worker's variables.

use std::str::FromStr;

use worker::{Env, console_warn};

use crate::isolate::Settings;

/// What can be set for an isolate: `ENDPOINT_TTL_SECONDS`, `KV_DELAY_SECONDS` and `MODEL_CACHE_BYTES`.
pub(super) fn read(env: &Env) -> Settings {
    let mut settings = Settings::default();
    if let Some(seconds) = variable::<f64>(env, "ENDPOINT_TTL_SECONDS").filter(|seconds| *seconds >= 0.0) {
        settings.endpoint_ttl_ms = seconds * 1000.0;
    }
    if let Some(seconds) = variable::<f64>(env, "KV_DELAY_SECONDS").filter(|seconds| *seconds >= 0.0) {
        settings.store_delay_ms = seconds * 1000.0;
    }
    if let Some(bytes) = variable(env, "MODEL_CACHE_BYTES") {
        settings.model_cache_bytes = bytes;
    }
    settings
}

/// A variable's value; `None`, with a warning where it was meant as one, if it cannot be read.
fn variable<T: FromStr>(env: &Env, name: &str) -> Option<T> {
    let text = env.var(name).ok()?.to_string();
    let value = text.parse().ok();
    if value.is_none() {
        console_warn!("variable {name} is `{text}`, which cannot be read; the default holds");
    }
    value
}
