//! One invocation: choose, answer, fall back, and note it all down.

use std::rc::Rc;

use super::attempt::Refusal;
use super::error::BackendError;
use super::follow_ups::Watched;
use super::ids::Draft;
use super::invocation::{Invocation, Payload, Reply, UnitIn};
use super::{Asked, Error, FollowUps, Sample, Service};
use crate::assignment::{Assignment, Reason, UnitHash, assign};
use crate::endpoint::{Endpoint, Name, Stickiness, UnitSource, Variant};
use crate::isolate::{Room, Served};
use crate::platform::Platform;
use crate::record::Record;
use crate::request::{RequestError, Response, cookie, header};

/// What is noted of an invocation, until its response is made.
#[derive(Default)]
pub struct Noted {
    follow_ups: FollowUps,
    issued: Option<IssuedCookie>,
    draft: Draft,
    /// The request, where it is captured.
    sample: Option<Sample>,
}

/// A cookie that the response gives to a caller who had no unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCookie {
    /// The cookie that the endpoint names as its unit.
    pub name: String,
    /// A new unit.
    pub value: String,
}

/// An invocation that may go on, and what is noted of it.
struct Begun<'r> {
    endpoint: Rc<Endpoint>,
    record: &'r mut Record,
    issued: &'r mut Option<IssuedCookie>,
    draft: &'r mut Draft,
}

impl<P: Platform> Service<'_, P> {
    /// Answers an invocation, if the caller may.
    pub async fn invoke(&self, invocation: &Invocation<'_>, payload: &dyn Payload) -> (Result<Reply, Error>, Noted) {
        let (result, mut noted) = self
            .noting(&invocation.endpoint, async |noted| {
                let begun = self.begin(invocation, noted).await?;
                let endpoint = Rc::clone(&begun.endpoint);
                let result = self.choose_and_answer(begun, invocation, payload).await;
                match &result {
                    Ok(_) => {
                        noted.sample =
                            noted.record().and_then(|record| self.sample(&endpoint, invocation, payload, record));
                    }
                    Err(Error::Backend(_)) => noted.draft.failed(payload.rows()),
                    Err(_) => {}
                }
                result
            })
            .await;
        let is_of_variants = match &result {
            Ok(reply) => reply.is_success(),
            Err(error) => matches!(error, Error::Backend(_)),
        };
        if is_of_variants {
            let Noted { follow_ups, draft, .. } = &mut noted;
            follow_ups.shadows = follow_ups.record.as_ref().and_then(|record| self.shadowing(draft, record));
        }
        (result, noted)
    }

    /// Chooses the variant that would answer, if the caller may ask, and leaves the rest to the caller.
    pub async fn decide(&self, invocation: &Invocation<'_>) -> (Result<(), Error>, Noted) {
        self.noting(&invocation.endpoint, async |noted| {
            let begun = self.begin(invocation, noted).await?;
            self.choose(&begun.endpoint, invocation, begun.record, begun.issued)?;
            Ok(())
        })
        .await
    }

    async fn noting<T>(
        &self,
        endpoint: &Name,
        work: impl AsyncFnOnce(&mut Noted) -> Result<T, Error>,
    ) -> (Result<T, Error>, Noted) {
        let mut noted = Noted::default();
        let mut result = work(&mut noted).await;
        if let Some(record) = &mut noted.follow_ups.record {
            // A request that no variant could have answered says nothing about them.
            let counts = matches!(result, Ok(_) | Err(Error::Backend(_)));
            match self.identify(endpoint, &noted.draft, record, counts) {
                Ok(kept) => noted.follow_ups.kept = kept,
                Err(error) => result = Err(error),
            }
        }
        if let Err(error) = &result {
            noted.failed(error);
        }
        (result, noted)
    }

    /// Looks the endpoint up, if the caller may ask it, and begins the record, with what is known before a variant is chosen.
    async fn begin<'r>(&self, invocation: &Invocation<'_>, noted: &'r mut Noted) -> Result<Begun<'r>, Error> {
        let Noted { follow_ups, issued, draft, .. } = noted;
        let now_ms = self.platform.now_ms();
        let Served { endpoint, .. } = self.look_up(&invocation.endpoint, &mut follow_ups.refresh).await?;
        self.allow(&endpoint, invocation.proof)?;
        draft.begin(&endpoint, invocation.relay.headers);
        follow_ups.watched = Watched::of(&endpoint);
        let record = follow_ups.record.insert(Record {
            time_ms: now_ms,
            endpoint: invocation.endpoint.to_string(),
            revision: endpoint.revision().as_str().to_owned(),
            variant: None,
            reason: None,
            propensity: None,
            protocol: invocation.protocol,
            backend: None,
            status: 0,
            error: None,
            rows: None,
            bytes_in: invocation.relay.body.len(),
            bytes_out: 0,
            origin_ms: None,
            // One that is given is the last that is known.
            inference_id: invocation.inference_id.clone().unwrap_or_default(),
            unit: None,
            failed_variant: None,
            failed_reason: None,
            caller_gone: false,
        });
        Ok(Begun { endpoint, record, issued, draft })
    }

    /// Chooses a variant, and notes it.
    fn choose<'e>(
        &self,
        endpoint: &'e Endpoint,
        invocation: &Invocation<'_>,
        record: &mut Record,
        issued: &mut Option<IssuedCookie>,
    ) -> Result<Assignment<'e>, Error> {
        let mut unit = unit_of(endpoint, invocation.unit)?;
        if unit.is_none()
            && let Some(Stickiness { unit: UnitSource::Cookie(name), salt, issue: true }) = endpoint.stickiness()
        {
            let value = self.new_id()?;
            unit = Some(UnitHash::new(salt, &value));
            *issued = Some(IssuedCookie { name: name.as_str().to_owned(), value });
        }
        record.unit = unit.map(|unit| unit.to_string());
        let target = invocation.target.as_deref();
        let assignment = self.with_randomness(|random| assign(endpoint, target, unit.as_ref(), random))??;
        note_variant(record, assignment.variant, assignment.reason);
        record.propensity = Some(assignment.propensity);
        Ok(assignment)
    }

    /// Chooses a variant and has it answer; if it fails, the fallback.
    async fn choose_and_answer(
        &self,
        Begun { endpoint, record, issued, draft }: Begun<'_>,
        invocation: &Invocation<'_>,
        payload: &dyn Payload,
    ) -> Result<Reply, Error> {
        let assignment = self.choose(&endpoint, invocation, record, issued)?;
        let chosen = assignment.variant;
        record.backend = Some(chosen.backend.kind());
        let failure = match self
            .attempt((chosen, Room::Made), endpoint.limits(), invocation.relay, payload, (record.into(), draft))
            .await
        {
            Ok(reply) => {
                draft.answered(&reply);
                return Ok(reply);
            }
            Err(Refusal::Caller(error)) => return Err(error.into()),
            Err(Refusal::Backend(failure)) => failure,
        };
        self.platform.warn(&format!("endpoint `{}`, variant `{}`: {failure}", invocation.endpoint, chosen.name));
        let Some(fallback) = endpoint.fallback().filter(|fallback| fallback.name != chosen.name) else {
            return Err(BackendError::Chosen(chosen.name.clone(), failure).into());
        };
        let names = (chosen.name.clone(), fallback.name.clone());
        match self
            .attempt((fallback, Room::Made), endpoint.limits(), invocation.relay, payload, (record.into(), draft))
            .await
        {
            Ok(reply) => {
                draft.answered(&reply);
                note_variant(record, fallback, Reason::Fallback);
                record.backend = Some(fallback.backend.kind());
                record.failed_variant = Some(chosen.name.to_string());
                record.failed_reason = Some(assignment.reason);
                Ok(reply)
            }
            // The chosen variant, an origin, could have read the body. That the fallback cannot is no fault of the caller's.
            Err(Refusal::Caller(unread)) => Err(BackendError::Unread(names.0, failure, names.1, unread).into()),
            Err(Refusal::Backend(second)) => {
                self.platform.warn(&format!("endpoint `{}`, fallback `{}`: {second}", invocation.endpoint, names.1));
                Err(BackendError::Both(names.0, failure, names.1, second).into())
            }
        }
    }
}

/// The unit of who asks; `None` where there is none, or the endpoint takes none. An empty one is none.
///
/// # Errors
/// If one is told to an endpoint that takes none, or a context has none for an endpoint that takes one.
pub(super) fn unit_of(endpoint: &Endpoint, unit: UnitIn<'_>) -> Result<Option<UnitHash>, RequestError> {
    let stickiness = match (endpoint.stickiness(), unit) {
        (Some(stickiness), _) => stickiness,
        (None, UnitIn::Headers(_) | UnitIn::Context(_)) => return Ok(None),
        (None, UnitIn::Told(_)) => return Err(RequestError::NoUnits),
    };
    let unit = match (unit, &stickiness.unit) {
        (UnitIn::Told(unit), _) => Some(unit),
        (UnitIn::Context(unit), _) => Some(unit.filter(|unit| !unit.is_empty()).ok_or(RequestError::UnitMissing)?),
        (UnitIn::Headers(headers), UnitSource::Header(name)) => header(headers, name.as_str()),
        (UnitIn::Headers(headers), UnitSource::Cookie(name)) => cookie(headers, name.as_str()),
    };
    Ok(unit.filter(|unit| !unit.is_empty()).map(|unit| UnitHash::new(&stickiness.salt, unit)))
}

fn note_variant(record: &mut Record, variant: &Variant, reason: Reason) {
    record.variant = Some(variant.name.to_string());
    record.reason = Some(reason);
}

impl Noted {
    /// What is noted; `None` where there was no endpoint to invoke, or the caller may not.
    pub fn record(&self) -> Option<&Record> {
        self.follow_ups.record.as_ref()
    }

    /// A cookie that the response has to give.
    pub fn issued(&self) -> Option<&IssuedCookie> {
        self.issued.as_ref()
    }

    /// Notes what went wrong.
    pub fn failed(&mut self, error: &Error) {
        if let Some(record) = &mut self.follow_ups.record {
            record.error = Some(error.code());
        }
    }

    /// What is left to do, once the response to the request `asked` is made.
    pub fn sent(self, response: &Response, asked: Option<Box<dyn Asked>>) -> FollowUps {
        let mut follow_ups = self.follow_ups;
        if let Some(record) = &mut follow_ups.record {
            record.status = response.status().as_u16();
            record.bytes_out = response.body().len();
            // An answer that could not be written is none.
            follow_ups.captured = self.sample.filter(|_| record.error.is_none()).map(|sample| {
                let answer = sample.answer(response.headers(), response.body());
                (sample.identified(record), answer)
            });
        }
        follow_ups.asked = asked;
        follow_ups
    }
}
