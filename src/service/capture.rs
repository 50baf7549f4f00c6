//! What is captured of requests and their answers, how it gets into the bucket, and how it is found there again.

use std::borrow::Cow;
use std::rc::Rc;

use futures_util::future::join_all;
use http::{HeaderMap, header};
use serde_json::Value;

use super::error::CapturedError;
use super::invocation::{Invocation, Payload};
use super::{Error, Service};
use crate::assignment::sampled;
use crate::endpoint::{Backend, Endpoint, Name};
use crate::experiment::{CaptureCounts, IdError, LostCaptures};
use crate::isolate::{Batch, Place, Room};
use crate::payload::{BodyForm, without_columns};
use crate::platform::Platform;
use crate::record::{CapturedLine, HOUR_MS, Observed, Record, endpoint_prefix, hour_prefix, ms_in_hour, object_name};
use crate::request::{self, RequestError};

/// The most bytes of a body that is captured.
const MOST_BODY_BYTES: usize = 256 << 10;

/// So long batches are written on behalf of one request: what is done after a response ends after 30 s, and a write may take
/// 8 s of them.
const SEND_FOR_MS: f64 = 18_000.0;
/// How often it is looked whether some are due.
const TICK_MS: f64 = 1_000.0;
/// The most that are written on behalf of one request, which may ask 50 times for something elsewhere, and at once.
const MOST_PUTS: usize = 20;
const AT_ONCE: usize = 5;

/// The most questions to the bucket, and bytes of objects, that a search takes.
const MOST_ASKED: usize = 40;
const MOST_READ_BYTES: usize = 32 << 20;

/// A request that is captured: what the lines of all variants that answer it have in common. Whether a request is one was
/// decided once, for all of them.
#[derive(Clone, Debug)]
pub struct Sample {
    endpoint: Rc<Endpoint>,
    name: Name,
    /// The inference id of its response.
    event_id: String,
    /// The caller's own id.
    inference_id: Option<String>,
    time_ms: f64,
    form: BodyForm,
    input: Body,
}

/// A body, as much of it as is captured.
#[derive(Clone, Debug)]
pub struct Body {
    content_type: Option<String>,
    /// `None` where there are more than are captured, or none are wanted.
    bytes: Option<Rc<[u8]>>,
}

impl Sample {
    /// What is captured of an answer to it.
    pub(super) fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Body {
        copied(headers, body, self.endpoint.capture().is_some_and(|capture| capture.output))
    }

    /// The same, with the id that its response was given.
    pub(super) fn identified(self, record: &Record) -> Self {
        Sample { event_id: record.inference_id.clone(), ..self }
    }
}

/// A copy of a body, if it is wanted and no larger than what is captured.
fn copied(headers: &HeaderMap, body: &[u8], is_wanted: bool) -> Body {
    Body {
        content_type: request::header(headers, header::CONTENT_TYPE).map(str::to_owned),
        bytes: (is_wanted && body.len() <= MOST_BODY_BYTES).then(|| body.into()),
    }
}

/// Captured lines of one inference id.
#[derive(Debug, Default)]
pub struct CapturedLines {
    /// Each with the variant that answered.
    pub lines: Vec<(Name, Value)>,
    /// Whether all objects were looked at that could have more.
    pub complete: bool,
}

impl<P: Platform> Service<'_, P> {
    /// The request as it is to be captured; `None` where it is not. It is asked once it has been answered: of an endpoint
    /// that captures nothing this is one look at its document.
    pub(super) fn sample(
        &self,
        endpoint: &Rc<Endpoint>,
        invocation: &Invocation<'_>,
        payload: &dyn Payload,
        record: &Record,
    ) -> Option<Sample> {
        let capture = endpoint.capture().filter(|capture| capture.is_on())?;
        let share = capture.percent.share();
        let unit = record.unit.as_deref();
        // Without randomness, nothing is captured; the request is answered all the same.
        self.with_randomness(|random| sampled(share, unit, "capture", random)).ok().filter(|is_in| *is_in)?;
        Some(Sample {
            endpoint: Rc::clone(endpoint),
            name: invocation.endpoint.clone(),
            event_id: String::new(),
            inference_id: invocation.inference_id.clone(),
            time_ms: record.time_ms,
            form: payload.form(),
            input: copied(invocation.relay.headers, invocation.relay.body, capture.input),
        })
    }

    /// Captures a request and what a variant answered, whether that was sent to the caller or not. Nothing is waited for but
    /// the variant's model, and that only where columns are left out: the line is written by [`Service::send_captures`].
    pub(super) async fn capture(&self, sample: &Sample, variant: &str, output: &Body) {
        let Some(capture) = sample.endpoint.capture() else { return };
        let mut lost = LostCaptures::default();
        let mut input = None;
        if capture.input {
            match &sample.input.bytes {
                None => lost.too_large = lost.too_large.saturating_add(1),
                Some(bytes) => match self.without_columns(sample, variant, bytes).await {
                    None => lost.unreadable = lost.unreadable.saturating_add(1),
                    kept => input = kept,
                },
            }
        }
        let answer = output.bytes.as_deref().filter(|_| capture.output);
        if capture.output && answer.is_none() {
            lost.too_large = lost.too_large.saturating_add(1);
        }
        if input.is_some() || answer.is_some() {
            let line = CapturedLine {
                event_id: &sample.event_id,
                inference_id: sample.inference_id.as_deref(),
                time_ms: sample.time_ms,
                input: input
                    .as_deref()
                    .map(|body| Observed { content_type: sample.input.content_type.as_deref(), body }),
                output: answer.map(|body| Observed { content_type: output.content_type.as_deref(), body }),
            };
            let line = line.to_json(capture.content_types.as_ref());
            let prefix = endpoint_prefix(capture.prefix.as_ref(), &sample.name);
            let prefix = format!("{prefix}{}", hour_prefix(variant, sample.time_ms));
            let place = Place { endpoint: sample.name.clone(), prefix };
            let now_ms = self.platform.now_ms();
            if !self.platform.has_bucket() {
                lost.failed = lost.failed.saturating_add(1);
            } else if !self.isolate.captures.borrow_mut().add(place, &line, sample.time_ms, now_ms) {
                lost.no_room = lost.no_room.saturating_add(1);
            }
        }
        self.count_captured(&sample.name, CaptureCounts { lines: 0, lost });
    }

    /// The request's body without the columns that are left out; `None` where they cannot be told.
    async fn without_columns<'b>(&self, sample: &Sample, variant: &str, body: &'b [u8]) -> Option<Cow<'b, [u8]>> {
        let names = sample.endpoint.capture().map(|capture| capture.leave_out.as_slice()).unwrap_or_default();
        if names.is_empty() {
            return Some(Cow::Borrowed(body));
        }
        let variant = sample.endpoint.variant(variant)?;
        let room = if variant.is_shadow() { Room::Left } else { Room::Made };
        let kept = match &variant.backend {
            Backend::Model(reference) => {
                let model = self.model(reference, room).await.ok()?;
                without_columns(sample.form, body, names, Some(&model.description.schema))
            }
            Backend::Origin(_) => without_columns(sample.form, body, names, None),
        };
        kept.map(Cow::Owned)
    }

    /// Notes what became of lines, for the endpoint's experiment.
    fn count_captured(&self, endpoint: &Name, counts: CaptureCounts) {
        if !counts.is_empty() && self.platform.has_experiments() {
            self.isolate.tallies.borrow_mut().captured(endpoint, counts);
        }
    }

    /// Writes batches as they become due, and again until the bucket takes them, for as long as there is time. In the end
    /// those that are still being gathered are written as well: nobody may come after this. Nothing is done where there are
    /// none, or somebody else writes them.
    pub(super) async fn send_captures(&self) {
        let began_ms = self.platform.now_ms();
        if !self.isolate.captures.borrow_mut().begin_sending(began_ms) {
            return;
        }
        let (mut puts, mut endpoints) = (0usize, Vec::new());
        while puts < MOST_PUTS {
            let now_ms = self.platform.now_ms();
            let is_ending = now_ms - began_ms >= SEND_FOR_MS;
            let most = AT_ONCE.min(MOST_PUTS.saturating_sub(puts));
            let due = self.isolate.captures.borrow_mut().take_due(now_ms, most, is_ending);
            if due.is_empty() {
                if is_ending || self.isolate.captures.borrow().is_empty() {
                    break;
                }
                self.platform.sleep(TICK_MS).await;
                continue;
            }
            puts = puts.saturating_add(due.len());
            for batch in &due {
                if !endpoints.contains(&batch.place.endpoint) {
                    endpoints.push(batch.place.endpoint.clone());
                }
            }
            join_all(due.iter().map(|batch| self.put_batch(batch))).await;
        }
        self.isolate.captures.borrow_mut().end_sending();
        // What became of them is told with the endpoints' sums, which nobody may be sending any more.
        for endpoint in endpoints {
            let sends = self.isolate.tallies.borrow_mut().begin_sending(endpoint.as_str(), self.platform.now_ms());
            if sends {
                self.send_tallies(&endpoint).await;
            }
        }
    }

    /// Writes a batch, under the same key however often that is tried.
    async fn put_batch(&self, batch: &Rc<Batch>) {
        // Without randomness, the time alone keeps it apart from others.
        let id = || self.new_id().unwrap_or_default();
        let key = batch.key.get_or_init(|| format!("{}{}", batch.place.prefix, object_name(batch.first_ms, &id())));
        let Batch { place: Place { endpoint, .. }, count, .. } = &**batch;
        let counts = match self.platform.put_object(key, &batch.lines).await {
            Ok(()) => {
                self.isolate.captures.borrow_mut().written(batch);
                CaptureCounts { lines: *count, ..CaptureCounts::default() }
            }
            Err(error) => {
                self.platform
                    .warn(&format!("{count} captured lines of endpoint `{endpoint}` were not written: {error}"));
                if !self.isolate.captures.borrow_mut().failed(batch, self.platform.now_ms()) {
                    return;
                }
                CaptureCounts { lines: 0, lost: LostCaptures { failed: *count, ..LostCaptures::default() } }
            }
        };
        self.count_captured(endpoint, counts);
    }

    /// The captured lines of an inference id, of all variants that the endpoint has. A signed id says when its request came
    /// in; of others that has to be told. Only the administrator is to see them.
    ///
    /// # Errors
    /// If nothing is found, there is no bucket, or it does not answer.
    pub async fn captured(
        &self,
        name: &Name,
        id: &str,
        time_ms: Option<f64>,
        refresh: &mut Vec<Name>,
    ) -> Result<CapturedLines, Error> {
        let endpoint = self.look_up(name, refresh).await?.endpoint;
        if !self.platform.has_bucket() {
            return Err(RequestError::NotKept("nothing is captured here: the worker has no binding CAPTURE").into());
        }
        let time_ms = match (self.id_keys().map(|keys| keys.verify(name, id)), time_ms) {
            (Some(Ok(claims)), _) => claims.time_ms as f64,
            (_, Some(time_ms)) => time_ms,
            (Some(Err(IdError::Forged | IdError::Form)) | None, None) => {
                let problem = "this id does not say when its request came in: add ?time=2026-11-29T18:05:00Z";
                return Err(RequestError::Operation(problem.to_owned()).into());
            }
        };
        let (mut asked, mut found) = (0usize, CapturedLines { lines: Vec::new(), complete: true });
        let prefix = endpoint_prefix(endpoint.capture().and_then(|capture| capture.prefix.as_ref()), name);
        let mut candidates = Vec::new();
        for variant in endpoint.variants() {
            let prefix = format!("{prefix}{}", hour_prefix(variant.name.as_str(), time_ms));
            let mut cursor: Option<String> = None;
            loop {
                if asked >= MOST_ASKED / 2 {
                    found.complete = false;
                    break;
                }
                asked = asked.saturating_add(1);
                let page = self.platform.object_keys(&prefix, cursor.as_deref()).await.map_err(CapturedError::from)?;
                candidates.extend(page.keys.into_iter().map(|key| {
                    let began = key.rsplit('/').next().and_then(ms_in_hour).unwrap_or_default();
                    ((began - time_ms % HOUR_MS).abs(), &variant.name, key)
                }));
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        // The line is most likely in the object that was begun next to its time.
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut read_bytes = 0usize;
        for (_, variant, key) in candidates {
            if found.lines.iter().any(|(of, _)| of == variant) {
                continue;
            }
            if asked >= MOST_ASKED || read_bytes >= MOST_READ_BYTES {
                found.complete = false;
                break;
            }
            asked = asked.saturating_add(1);
            let object = self.platform.object(&key).await.map_err(CapturedError::from)?.unwrap_or_default();
            read_bytes = read_bytes.saturating_add(object.len());
            found.lines.extend(line_of(&object, id).map(|line| (variant.clone(), line)));
        }
        if found.lines.is_empty() {
            return Err(CapturedError::NotFound { id: id.to_owned(), complete: found.complete }.into());
        }
        Ok(found)
    }
}

/// The first line of an object that has this id.
fn line_of(object: &[u8], id: &str) -> Option<Value> {
    let has = |line: &Value, pointer: &str| line.pointer(pointer).and_then(Value::as_str) == Some(id);
    object.split(|byte| *byte == b'\n').find_map(|line| {
        let text = std::str::from_utf8(line).ok().filter(|text| text.contains(id))?;
        let line: Value = serde_json::from_str(text).ok()?;
        (has(&line, "/eventMetadata/eventId") || has(&line, "/eventMetadata/inferenceId")).then_some(line)
    })
}
