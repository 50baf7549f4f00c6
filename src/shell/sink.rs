//! Where records go: Analytics Engine, and the log. A sink that fails is told of in the log, and nobody waits for it.

use worker::{AnalyticsEngineDataPointBuilder, AnalyticsEngineDataset, Env, console_log, console_warn};

use crate::record::Record;

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
    pub(super) fn write(&self, record: &Record) {
        if let Some(analytics) = &self.analytics {
            let point = record.data_point();
            let written = AnalyticsEngineDataPointBuilder::new()
                .indexes([point.index])
                .blobs(point.blobs)
                .doubles(point.doubles)
                .write_to(analytics);
            if let Err(error) = written {
                console_warn!("a record could not be written: {error}");
            }
        }
        if self.log {
            match serde_json::to_string(record) {
                Ok(line) => console_log!("{line}"),
                Err(error) => console_warn!("a record could not be logged: {error}"),
            }
        }
    }
}
