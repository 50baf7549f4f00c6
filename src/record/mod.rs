//! What is logged of an invocation.
//!
//! One [`Record`] an invocation, in two forms: a line of JSON, and a data point of Analytics Engine, whose layout
//! `docs/records.md` repeats beside queries that use it.

mod capture;

use serde::Serialize;

pub use capture::{CapturedLine, HOUR_MS, Observed, endpoint_prefix, hour_prefix, ms_in_hour, object_name};

use crate::assignment::Reason;

/// Where records go.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Sink {
    /// Writes a record. What keeps it from being written is told in the log.
    async fn write(&self, record: &Record);
}

/// One invocation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// When it came in: milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// The endpoint's name.
    pub endpoint: String,
    /// The configuration that decided.
    pub revision: String,
    /// The variant that answered or, where none did, the one that was chosen; absent where none was.
    pub variant: Option<String>,
    /// Why that one.
    pub reason: Option<Reason>,
    /// The probability with which the weights give a request to the variant that was chosen: `failed_variant` where
    /// that is set, else `variant`.
    pub propensity: Option<f64>,
    /// How the caller spoke.
    pub protocol: &'static str,
    /// `model` or `origin`, of `variant`.
    pub backend: Option<&'static str>,
    /// HTTP status of the response.
    pub status: u16,
    /// What went wrong, as the response's `code` has it.
    pub error: Option<&'static str>,
    /// Rows predicted; absent where the body could not be read as rows.
    pub rows: Option<usize>,
    /// Bytes of the request's body.
    pub bytes_in: usize,
    /// Bytes of the response's body.
    pub bytes_out: usize,
    /// Milliseconds waited for origins, failed ones included; absent where none was called. Time around computation
    /// in the worker is never logged: clocks stand still there.
    pub origin_ms: Option<f64>,
    /// The caller's inference id, or the one made up for it.
    pub inference_id: String,
    /// The unit's salted hash, where the request carried a unit.
    pub unit: Option<String>,
    /// The variant that had been chosen but failed, where another answered.
    pub failed_variant: Option<String>,
    /// Why that one had been chosen: a targeted failure is not part of the experiment, a drawn one is.
    pub failed_reason: Option<Reason>,
    /// Whether the caller hung up before the response was made. What was decided and answered stands here all the same:
    /// without it, slow variants would lose more records than fast ones.
    pub caller_gone: bool,
}

/// A data point of Analytics Engine.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPoint<'a> {
    /// `index1`: what rows are sampled by.
    pub index: &'a str,
    /// `blob1` and following.
    pub blobs: [&'a str; 10],
    /// `double1` and following.
    pub doubles: [f64; 8],
}

impl Record {
    /// The record as a data point. What is absent is the empty text, or -1, which no number here can be.
    pub fn data_point(&self) -> DataPoint<'_> {
        const ABSENT: f64 = -1.0;
        DataPoint {
            index: &self.endpoint,
            blobs: [
                &self.revision,
                self.variant.as_deref().unwrap_or_default(),
                self.reason.map_or("", Reason::as_str),
                self.protocol,
                self.backend.unwrap_or_default(),
                self.error.unwrap_or_default(),
                &self.inference_id,
                self.unit.as_deref().unwrap_or_default(),
                self.failed_variant.as_deref().unwrap_or_default(),
                self.failed_reason.map_or("", Reason::as_str),
            ],
            doubles: [
                self.time_ms,
                self.propensity.unwrap_or(ABSENT),
                f64::from(self.status),
                self.rows.map_or(ABSENT, |rows| rows as f64),
                self.bytes_in as f64,
                self.bytes_out as f64,
                self.origin_ms.unwrap_or(ABSENT),
                f64::from(u8::from(self.caller_gone)),
            ],
        }
    }
}
