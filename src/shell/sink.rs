//! Where records go: Analytics Engine, and the log. A sink that fails is told of in the log, and nobody waits for it.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{AnalyticsEngineDataset, Env, console_log, console_warn};

use super::settings::text;
use crate::platform::one_line;
use crate::record::{Record, Sink};

#[wasm_bindgen(module = "/src/shell/glue.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    #[allow(clippy::too_many_arguments)] // Numbers cross over as they are, where an array would have to be made.
    fn write_data_point(
        dataset: &JsValue,
        texts: &str,
        double1: f64,
        double2: f64,
        double3: f64,
        double4: f64,
        double5: f64,
        double6: f64,
        double7: f64,
        double8: f64,
    ) -> Result<JsValue, JsValue>;
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
            log: text(env, "LOG_RECORDS").as_deref() == Some("true"),
        }
    }
}

impl Sink for Sinks {
    async fn write(&self, record: &Record) {
        if let Some(analytics) = &self.analytics
            && let Err(error) = write(analytics, record).await
        {
            console_warn!("{}", one_line(&format!("a record could not be written: {error:?}")));
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
    let texts = format!("{}\n{}", point.index, point.blobs.join("\n"));
    let [a, b, c, d, e, f, g, h] = point.doubles;
    let written = write_data_point(analytics.as_ref(), &texts, a, b, c, d, e, f, g, h)?;
    if let Ok(promise) = written.dyn_into::<Promise>() {
        JsFuture::from(promise).await?;
    }
    Ok(())
}
