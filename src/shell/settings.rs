//! Settings from the worker's variables.

use std::str::FromStr;

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use worker::{Env, console_warn};

use crate::experiment::Terms;
use crate::isolate::{AllowedOrigins, Freshness, Settings};
use crate::platform::one_line;

/// What can be set for an isolate, from the variables that docs/configuration.md lists.
pub(super) fn read(env: &Env) -> Settings {
    let mut settings = Settings::default();
    if let Some(ms) = milliseconds(env, "ENDPOINT_TTL_SECONDS") {
        settings.freshness = Freshness::of_ttl(ms);
    }
    if let Some(ms) = milliseconds(env, "ENDPOINT_GRACE_SECONDS") {
        settings.freshness.grace_ms = ms;
    }
    if let Some(ms) = milliseconds(env, "ENDPOINT_KEEP_SECONDS") {
        settings.freshness.keep_ms = ms;
    }
    if let Some(ms) = milliseconds(env, "KV_DELAY_SECONDS") {
        settings.store_delay_ms = ms;
    }
    if let Some(ms) = milliseconds(env, "KV_LIMIT_SECONDS") {
        settings.store_limit_ms = ms;
    }
    if let Some(bytes) = variable(env, "MODEL_MEMORY_BYTES") {
        settings.model_memory_bytes = bytes;
    }
    if let Some(origins) = text(env, "ALLOWED_ORIGINS") {
        settings.allowed_origins = AllowedOrigins::listed(&origins);
    }
    settings.open_descriptions = text(env, "OPEN_DESCRIPTIONS").as_deref() == Some("true");
    settings
}

/// What can be set for experiments, from the same variables.
pub(super) fn terms(env: &Env) -> Terms {
    let Settings { store_delay_ms, store_limit_ms, .. } = read(env);
    let mut terms = Terms { delay_ms: store_delay_ms, limit_ms: store_limit_ms, ..Terms::default() };
    let days = |name| variable::<f64>(env, name).filter(|days| *days >= 0.0).map(|days| days * 86_400_000.0);
    if let Some(ms) = days("KEEP_MINUTES_DAYS") {
        terms.detail.minutes_ms = ms;
    }
    if let Some(ms) = days("KEEP_HOURS_DAYS") {
        terms.detail.hours_ms = ms;
    }
    if let Some(ms) = days("KEEP_REMOVED_DAYS") {
        terms.keep_removed_ms = ms;
    }
    terms
}

/// A variable's seconds, 0 or more, as milliseconds.
fn milliseconds(env: &Env, name: &str) -> Option<f64> {
    variable::<f64>(env, name).filter(|seconds| *seconds >= 0.0).map(|seconds| seconds * 1000.0)
}

/// A variable's value; `None`, with a warning where it was meant as one, if it cannot be read.
fn variable<T: FromStr>(env: &Env, name: &str) -> Option<T> {
    let text = text(env, name)?;
    let value = text.parse().ok();
    if value.is_none() {
        console_warn!("{}", one_line(&format!("variable {name} is `{text}`, which cannot be read; the default holds")));
    }
    value
}

/// The variable or secret of this name; `None` where it is not set, or empty. The `worker` crate's own getters throw, past
/// all that Rust can catch, where it is null, as plain workerd has what is not set in the environment.
pub(super) fn text(env: &Env, name: &str) -> Option<String> {
    Reflect::get(env, &JsValue::from(name)).ok()?.as_string().filter(|text| !text.is_empty())
}
