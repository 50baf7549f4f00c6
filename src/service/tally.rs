//! Records are summed up, and the sums sent to the endpoints' experiments, which answer with the newest version of the document.
//! A request waits for none of it.

use super::experiment::misunderstood;
use super::follow_ups::Watched;
use super::{Error, Service};
use crate::assignment::Reason;
use crate::endpoint::Name;
use crate::experiment::{Answer, Command, Event, ExperimentError, KeptPrediction, Party, Sums, Wronged, unit_number};
use crate::isolate::{Seen, SeenUnit};
use crate::platform::Platform;
use crate::record::Record;

/// So long records are collected before they are sent.
const COLLECT_MS: f64 = 500.0;
/// What is done after a response ends after 30 s, and may ask 50 times for something elsewhere; then another request goes on.
const SEND_FOR_MS: f64 = 25_000.0;
const MOST_SENT: u32 = 25;
/// The longest wait between two tries.
const LONGEST_WAIT_MS: f64 = 8_000.0;

impl<P: Platform> Service<'_, P> {
    /// Adds a record to the sums; the endpoint, where who asks is to send its sums with [`Service::send_tallies`].
    pub(super) fn tally(&self, record: &Record, kept: Option<KeptPrediction>, watched: Watched) -> Option<Name> {
        if !self.platform.has_experiments() {
            return None;
        }
        let mut tallies = self.isolate.tallies.borrow_mut();
        let seen = |variant, reason| Seen {
            // A time before 1970 is none.
            minute: (record.time_ms.max(0.0) / 60_000.0) as u64,
            revision: &record.revision,
            variant,
            reason,
        };
        let stood_in = record.failed_variant.is_some();
        // With a fallback the time is that of two.
        let is_slow = !stood_in && record.origin_ms.zip(watched.slow_ms).is_some_and(|(ms, limit)| ms > limit);
        let (variant, reason) = match record.failed_reason.filter(|_| stood_in) {
            Some(reason) => (record.failed_variant.as_deref(), Some(reason)),
            None => (record.variant.as_deref(), record.reason),
        };
        if let Some(sums) = tallies.sums(&record.endpoint, seen(variant, reason)) {
            add(sums, record, stood_in, is_slow);
        }
        if stood_in
            && let Some(sums) = tallies.sums(&record.endpoint, seen(record.variant.as_deref(), Some(Reason::Fallback)))
        {
            sums.invocations = sums.invocations.saturating_add(1);
        }
        if let (Some(Reason::Sticky), Some(hash), Some(variant)) = (reason, &record.unit, variant) {
            tallies.see(&record.endpoint, SeenUnit { hash, revision: &record.revision, variant });
            if watched.units {
                let has_failed = stood_in || Party::of_status(record.status) == Some(Party::Variant);
                let events = [(has_failed, Event::Error), (is_slow, Event::Slow)];
                for (_, event) in events.into_iter().filter(|(has_happened, _)| *has_happened) {
                    let Some(unit) = unit_number(hash) else { continue };
                    let (revision, variant) = (record.revision.clone(), variant.to_owned());
                    tallies.wrong(&record.endpoint, Wronged { event, revision, variant, unit });
                }
            }
        }
        if let Some(kept) = kept
            && !tallies.keep(&record.endpoint, kept)
        {
            self.platform
                .warn(&format!("a prediction of endpoint `{}` could not be kept for its outcome", record.endpoint));
        }
        // The clock has not moved since: asking it again would be a crossing more.
        let sends = tallies.begin_sending(&record.endpoint, record.time_ms);
        // A record is of an endpoint, whose name is one.
        Name::try_from(record.endpoint.as_str()).ok().filter(|_| sends)
    }

    /// Sends an endpoint's sums on, and again until they are acknowledged, for as long as there is time.
    pub(super) async fn send_tallies(&self, endpoint: &Name) {
        let began_ms = self.platform.now_ms();
        let mut wait_ms = COLLECT_MS;
        for _ in 0..MOST_SENT {
            if self.isolate.tallies.borrow().is_empty(endpoint) || self.platform.now_ms() - began_ms > SEND_FOR_MS {
                break;
            }
            self.platform.sleep(wait_ms).await;
            wait_ms = match self.send_tally(endpoint).await {
                Ok(()) => COLLECT_MS,
                Err(error) => {
                    self.platform.warn(&format!("a tally could not be sent to experiment `{endpoint}`: {error}"));
                    (wait_ms * 2.0).min(LONGEST_WAIT_MS)
                }
            };
        }
        self.isolate.tallies.borrow_mut().end_sending(endpoint);
    }

    /// Sends what there is, and takes in what is answered.
    async fn send_tally(&self, endpoint: &Name) -> Result<(), Error> {
        let known_id = self.isolate.id.borrow().clone();
        let id = known_id.map_or_else(|| self.new_id(), Ok)?;
        *self.isolate.id.borrow_mut() = Some(id.clone());
        let known = self.isolate.endpoints.borrow().known(endpoint);
        let Some(tally) = self.isolate.tallies.borrow_mut().message(endpoint, &id, known) else { return Ok(()) };
        let sequence = tally.sequence;
        match self.ask(endpoint, &Command::Tally(tally)).await? {
            Answer::Counted(newest) => {
                self.isolate.tallies.borrow_mut().acknowledged(endpoint, sequence, &newest);
                // What keeps it from being served is told where it is asked for.
                let _ = self.isolate.endpoints.borrow_mut().told(endpoint, newest, self.platform.now_ms());
                Ok(())
            }
            other => Err(misunderstood(&other)),
        }
    }

    /// Asks an endpoint's experiment.
    ///
    /// # Errors
    /// If it does not answer, or not in words that are understood here.
    pub(super) async fn ask(&self, name: &Name, command: &Command) -> Result<Answer, ExperimentError> {
        let question = serde_json::to_string(command).map_err(|error| ExperimentError::Version(error.to_string()))?;
        let answer = self.platform.ask_experiment(name.as_str(), &question).await;
        let answer = answer.map_err(|error| ExperimentError::Unreachable(error.to_string()))?;
        serde_json::from_str(&answer).map_err(|error| ExperimentError::Version(error.to_string()))
    }
}

/// Adds a record to the sums of the variant that was chosen.
fn add(sums: &mut Sums, record: &Record, stood_in: bool, is_slow: bool) {
    let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let party = if stood_in { Some(Party::Variant) } else { Party::of_status(record.status) };
    let is = |which| u64::from(party == Some(which));
    sums.add(&Sums {
        invocations: 1,
        rows: record.rows.map_or(0, count),
        caller_errors: is(Party::Caller),
        variant_errors: is(Party::Variant),
        other_errors: is(Party::Other),
        fallbacks: u64::from(stood_in),
        slow: u64::from(is_slow),
        bytes_in: count(record.bytes_in),
        bytes_out: count(record.bytes_out),
        origin_ms: Default::default(),
    });
    // With a fallback, again, the time is that of two.
    if let (Some(ms), false) = (record.origin_ms, stood_in) {
        sums.origin_ms.record(ms);
    }
}
