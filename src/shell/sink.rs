//! Where records go: Analytics Engine, and the log. A sink that fails is told of in the log, and nobody waits for it.

use js_sys::{Float64Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{AnalyticsEngineDataset, Env, console_log, console_warn};

use crate::record::Record;

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn write_data_point(dataset: &JsValue, index: &str, blobs: &str, doubles: Float64Array)
    -> Result<JsValue, JsValue>;
}

/// The sinks that are configured.
pub(super) struct Sinks {
    /// Binding `RECORDS`.
    analytics: Option<AnalyticsEngineDataset>,
    /// Variable `LOG_RECORDS`, "true" or not.
    log: bool,
}

impl Sinks {
    pub(super) fn new(env: &Env) -> Self {
        Sinks {
            analytics: env.analytics_engine("RECORDS").ok(),
            log: env.var("LOG_RECORDS").is_ok_and(|value| value.to_string() == "true"),
        }
    }

    /// Writes a record to each sink.
    pub(super) async fn write(&self, record: &Record) {
        if let Some(analytics) = &self.analytics
            && let Err(error) = write(analytics, record).await
        {
            console_warn!("a record could not be written: {error:?}");
        }
        if self.log {
            match serde_json::to_string(record) {
                Ok(line) => console_log!("{line}"),
                Err(error) => console_warn!("a record could not be logged: {error}"),
            }
        }
    }
}

async fn write(analytics: &AnalyticsEngineDataset, record: &Record) -> Result<(), JsValue> {
    let point = record.data_point();
    let doubles = Float64Array::from(point.doubles.as_slice());
    let written = write_data_point(analytics.as_ref(), point.index, &point.blobs.join("\n"), doubles)?;
    if let Ok(promise) = written.dyn_into::<Promise>() {
        JsFuture::from(promise).await?;
    }
    Ok(())
}
