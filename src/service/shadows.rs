//! Shadows: variants that are asked the same as the one that answered, once the answer is out.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::rc::Rc;

use futures_util::future::{join, join_all};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::attempt::{Refusal, Took};
use super::error::Failure;
use super::ids::Draft;
use super::invocation::{Asked, Reply};
use super::{Sample, Service};
use crate::assignment::{Reason, shadows};
use crate::endpoint::{Backend, Endpoint, Name, OriginReference, OutcomeKind, Variant};
use crate::experiment::{Attempt, Shadowed, Sums, unit_bits};
use crate::isolate::{InvokeError, ModelError, Room, Seen, Shadows};
use crate::payload::{self, Format};
use crate::platform::Platform;
use crate::record::Record;

/// Which shadows are to be asked about a request, and what its own variant made of it.
pub struct Shadowing {
    endpoint: Rc<Endpoint>,
    name: Name,
    shadows: Vec<Name>,
    revision: String,
    time_ms: f64,
    inference_id: String,
    unit: Option<u64>,
    variant: String,
    answered: Attempt,
}

/// So long a shadow's origin has at most: what is done after a response ends after 30 s.
const LIMIT_MS: u32 = 15_000;

impl<P: Platform> Service<'_, P> {
    /// Which shadows are to be asked about a request that has been answered, or that its variant failed. What a caller named is
    /// compared with nothing.
    pub(super) fn shadowing(&self, draft: &Draft, record: &Record) -> Option<Shadowing> {
        let endpoint = draft.endpoint()?;
        endpoint.shadows().next()?;
        let reason = record.failed_reason.or(record.reason)?;
        if reason == Reason::Target || !self.platform.has_experiments() {
            return None;
        }
        let chosen = self.with_randomness(|random| {
            let chosen = shadows(endpoint, record.unit.as_deref(), random).map(|variant| variant.name.clone());
            chosen.collect::<Vec<Name>>()
        });
        let shadows = chosen.ok().filter(|chosen| !chosen.is_empty())?;
        let has_failed = record.failed_variant.is_some() || record.error.is_some();
        Some(Shadowing {
            endpoint: Rc::clone(endpoint),
            name: Name::try_from(record.endpoint.as_str()).ok()?,
            shadows,
            revision: record.revision.clone(),
            time_ms: record.time_ms,
            inference_id: record.inference_id.clone(),
            unit: record.unit.as_deref().and_then(unit_bits),
            variant: record.failed_variant.clone().or_else(|| record.variant.clone())?,
            answered: Attempt {
                failed: has_failed,
                unread: false,
                predicted: if has_failed { Vec::new() } else { draft.predicted().to_vec() },
                origin_ms: record.origin_ms.filter(|_| !has_failed),
            },
        })
    }

    /// Asks them, one model after the other and origins at once, and notes what they made of it; where the request is part of
    /// the `sample`, their answers are captured.
    pub(super) async fn shadow(&self, shadowing: &Shadowing, asked: Box<dyn Asked>, sample: Option<&Sample>) {
        // The answer goes out first, and requests that wait are answered first.
        self.platform.sleep(0.0).await;
        let told = self.ask_shadows(shadowing, &*asked, sample).await;
        let sends = self.note_shadows(shadowing, asked.relay().body.len(), told);
        // Sending may take long, and needs nothing of the request.
        drop(asked);
        let tallied = async {
            if sends {
                self.send_tallies(&shadowing.name).await;
            }
        };
        join(tallied, self.send_captures()).await;
    }

    /// Has them answer; those without an answer were not asked.
    async fn ask_shadows<'s>(
        &self,
        shadowing: &'s Shadowing,
        asked: &dyn Asked,
        sample: Option<&Sample>,
    ) -> Vec<(&'s Variant, Option<Told>)> {
        let endpoint = &shadowing.endpoint;
        let all = || shadowing.shadows.iter().filter_map(|name| endpoint.variant(name.as_str()));
        let Some(_leave) = Shadows::begin(&self.isolate.shadows, asked.relay().body.len(), self.platform.now_ms())
        else {
            return all().map(|variant| (variant, None)).collect();
        };
        let is_model = |variant: &&Variant| matches!(variant.backend, Backend::Model(_));
        let origins = all().filter(|variant| !is_model(variant));
        let origins = join_all(
            origins.map(|variant| async move { (variant, self.ask_shadow(shadowing, variant, asked, sample).await) }),
        );
        let models = async {
            let mut told = Vec::new();
            for variant in all().filter(is_model) {
                // A request that has come meanwhile goes first.
                self.platform.sleep(0.0).await;
                told.push((variant, self.ask_shadow(shadowing, variant, asked, sample).await));
            }
            told
        };
        let (mut told, models) = join(origins, models).await;
        told.extend(models);
        told
    }

    /// Adds what shadows made of a request to the sums; whether who asks is to send them.
    fn note_shadows(&self, shadowing: &Shadowing, bytes: usize, told: Vec<(&Variant, Option<Told>)>) -> bool {
        let Shadowing { endpoint, name, variant, .. } = shadowing;
        let mut tallies = self.isolate.tallies.borrow_mut();
        let mut shadows = Vec::new();
        for (shadow, told) in told {
            let Some(Told { answered, rows }) = told else {
                tallies.skip(name.as_str(), variant, shadow.name.as_str());
                continue;
            };
            let seen = Seen {
                minute: (shadowing.time_ms.max(0.0) / 60_000.0) as u64,
                revision: &shadowing.revision,
                variant: Some(shadow.name.as_str()),
                reason: Some(Reason::Shadow),
            };
            if let Some(sums) = tallies.sums(name.as_str(), seen) {
                let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
                sums.add(&Sums {
                    invocations: 1,
                    rows: rows.map_or(0, count),
                    variant_errors: u64::from(answered.failed),
                    bytes_in: count(bytes),
                    ..Sums::default()
                });
                if let Some(ms) = answered.origin_ms {
                    sums.origin_ms.record(ms);
                }
            }
            shadows.push((shadow.name.to_string(), answered));
        }
        if !shadows.is_empty() {
            let shadowed = Shadowed {
                id: shadowing.inference_id.clone(),
                time_ms: shadowing.time_ms,
                unit: shadowing.unit,
                variant: variant.clone(),
                answered: shadowing.answered.clone(),
                shadows,
            };
            let keep = endpoint.outcome().is_some_and(|outcome| outcome.kind != OutcomeKind::Reward);
            tallies.pair(name.as_str(), shadowed, keep);
        }
        tallies.begin_sending(name.as_str(), self.platform.now_ms())
    }

    /// Has a shadow answer; `None` where those that answer leave its model too little memory.
    async fn ask_shadow(
        &self,
        shadowing: &Shadowing,
        variant: &Variant,
        asked: &dyn Asked,
        sample: Option<&Sample>,
    ) -> Option<Told> {
        let Shadowing { endpoint, name, .. } = shadowing;
        let mut draft = Draft::of_shadow(endpoint);
        let (mut rows, mut origin_ms) = (None, None);
        let took = Took { rows: &mut rows, origin_ms: &mut origin_ms };
        let answer = self
            .attempt((&hurried(variant), Room::Left), endpoint.limits(), asked.relay(), asked, (took, &mut draft))
            .await;
        let unread = match answer {
            Ok(reply) if reply.is_success() => {
                draft.answered(&reply);
                if let Some(sample) = sample {
                    self.capture_shadow(sample, variant, &reply).await;
                }
                let predicted = draft.predicted().to_vec();
                return Some(Told { answered: Attempt { predicted, origin_ms, ..Attempt::default() }, rows });
            }
            // As a caller would be told, if it answered.
            Ok(_) | Err(Refusal::Caller(_)) => true,
            Err(Refusal::Backend(Failure::Model(ModelError::NoRoom(_)) | Failure::Run(InvokeError::NoRoom))) => {
                return None;
            }
            Err(Refusal::Backend(failure)) => {
                self.platform.warn(&format!("endpoint `{name}`, shadow `{}`: {failure}", variant.name));
                false
            }
        };
        Some(Told { answered: Attempt { failed: true, unread, predicted: Vec::new(), origin_ms }, rows })
    }

    /// Captures what a shadow answered: a host's words, or JSON of a model's outputs, which nobody has asked for in any form.
    async fn capture_shadow(&self, sample: &Sample, variant: &Variant, reply: &Reply) {
        let answer = match reply {
            Reply::Relayed(answer) => sample.answer(&answer.headers, &answer.body),
            Reply::Outputs(outputs, form, most_bytes) => {
                let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect();
                let body = payload::encode(outputs, Format::Json, *form, most_bytes.get()).unwrap_or_default();
                sample.answer(&headers, &body)
            }
        };
        self.capture(sample, variant.name.as_str(), &answer).await;
    }
}

/// What a shadow made of a request.
struct Told {
    answered: Attempt,
    rows: Option<usize>,
}

/// A variant whose origin has no more time than there is after a response.
fn hurried(variant: &Variant) -> Cow<'_, Variant> {
    match &variant.backend {
        Backend::Origin(origin) if origin.timeout_ms.get() > LIMIT_MS => {
            let timeout_ms = NonZeroU32::new(LIMIT_MS).unwrap_or(NonZeroU32::MIN);
            let backend = Backend::Origin(OriginReference { timeout_ms, ..origin.clone() });
            Cow::Owned(Variant { backend, ..variant.clone() })
        }
        _ => Cow::Borrowed(variant),
    }
}
