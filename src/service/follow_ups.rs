//! What is left to do once a response is on its way. The caller never waits for it.

use futures_util::FutureExt;
use futures_util::future::join5;

use super::invocation::Asked;
use super::shadows::Shadowing;
use super::{Body, Sample, Service};
use crate::endpoint::{Endpoint, Name};
use crate::experiment::KeptPrediction;
use crate::platform::Platform;
use crate::record::{Record, Sink};

/// What is left to do, named. The record comes first: nothing that may hang stands before it.
#[derive(Default)]
pub struct FollowUps {
    /// The record, but for the rows of a request that no model has read.
    pub(super) record: Option<Record>,
    /// The request that was answered.
    pub(super) asked: Option<Box<dyn Asked>>,
    /// Who is to be asked the same as well.
    pub(super) shadows: Option<Shadowing>,
    /// What is kept of the prediction, for its outcomes.
    pub(super) kept: Option<KeptPrediction>,
    /// What is watched of it.
    pub(super) watched: Watched,
    /// The request and its answer, where they are captured.
    pub(super) captured: Option<(Sample, Body)>,
    /// Endpoints whose configuration was served past its time to live.
    pub(super) refresh: Vec<Name>,
}

/// What an endpoint's guardrails watch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watched {
    /// Whether units are to be told whose requests go wrong.
    pub units: bool,
    /// From how many milliseconds on an origin's answer is slow.
    pub slow_ms: Option<f64>,
}

impl Watched {
    /// By an endpoint's document.
    pub fn of(endpoint: &Endpoint) -> Self {
        Watched { units: endpoint.is_watched(), slow_ms: endpoint.slow_ms() }
    }
}

impl FollowUps {
    /// Only these endpoints, read anew.
    pub fn refresh(names: Vec<Name>) -> Self {
        FollowUps { refresh: names, ..FollowUps::default() }
    }

    /// Notes that the caller hung up before the response was made.
    pub fn caller_is_gone(&mut self) {
        if let Some(record) = &mut self.record {
            record.caller_gone = true;
        }
    }

    /// The record, complete.
    fn take_record(&mut self) -> Option<Record> {
        let mut record = self.record.take()?;
        if record.rows.is_none() {
            record.rows = self.asked.as_ref().and_then(|asked| asked.rows());
        }
        Some(record)
    }
}

impl<P: Platform> Service<'_, P> {
    /// Does what is left to do. A sink that hangs keeps neither the configurations from being read nor the sums from being
    /// sent, nor the other way round.
    pub async fn follow_up(&self, mut follow_ups: FollowUps, sink: &impl Sink) {
        let record = follow_ups.take_record();
        let kept = follow_ups.kept.take();
        let sends = record.as_ref().and_then(|record| self.tally(record, kept, follow_ups.watched));
        let written = async {
            if let Some(record) = &record {
                sink.write(record).await;
            }
        };
        // The request is kept for shadows alone.
        let shadows = follow_ups.shadows.take().zip(follow_ups.asked.take());
        let captured = follow_ups.captured.take();
        let captures = captured.is_some() || !self.isolate.captures.borrow().is_empty();
        // As it is after most requests: the less there is, the less it costs.
        if sends.is_none() && follow_ups.refresh.is_empty() && shadows.is_none() && !captures {
            return written.await;
        }
        // Seldom. Boxed, it is no part of the function that V8 compiles for the first request.
        async {
            let sent = async {
                if let Some(endpoint) = &sends {
                    self.send_tallies(endpoint).await;
                }
            };
            let refreshed = async {
                for name in &follow_ups.refresh {
                    // What is wrong has been told, and the last good configuration is in place.
                    let _ = self.read_endpoint(name).await;
                }
            };
            let sample = captured.as_ref().map(|(sample, _)| sample);
            let shadowed = async move {
                if let Some((shadowing, asked)) = shadows {
                    self.shadow(&shadowing, asked, sample).await;
                }
            };
            let capture = async {
                let variant = record.as_ref().and_then(|record| record.variant.as_deref());
                if let (Some((sample, answer)), Some(variant)) = (&captured, variant) {
                    self.capture(sample, variant, answer).await;
                }
                // Whatever was left behind by others is sent as well.
                if captures {
                    self.send_captures().await;
                }
            };
            join5(written, refreshed, sent, capture, shadowed).await;
        }
        .boxed_local()
        .await;
    }
}
