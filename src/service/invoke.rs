//! One invocation: choose, answer, fall back, and note it all down.

use std::rc::Rc;

use rand_core::Rng;

use super::{After, Answer, Service};
use crate::access;
use crate::assignment::{Assignment, Reason, UnitHash, assign};
use crate::endpoint::{Backend, Endpoint, ModelReference, Served, UnitSource, Variant};
use crate::error::{BackendError, Error, Failure};
use crate::inference::Model;
use crate::origin::{self, OriginAnswer};
use crate::payload::{Format, Outputs};
use crate::platform::{Platform, Store};
use crate::protocol::{Invocation, Payload, Request, Response, Unreadable};
use crate::record::Record;

/// What a backend answered.
#[derive(Debug)]
pub enum Reply {
    /// A model, in the worker.
    Outputs(Outputs),
    /// A model host, whose words are passed on.
    Relayed(OriginAnswer),
}

/// What is noted of an invocation, until its response is made.
#[derive(Debug)]
pub struct Invoked {
    after: After,
}

/// Why one backend gave no answer.
enum Refusal {
    /// The request is at fault: another backend would not do better.
    Caller(Error),
    /// The backend is at fault: the fallback may answer.
    Backend(Failure),
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Refusal::Backend(error.into())
    }
}

impl<P: Platform> Service<'_, P> {
    /// Answers an invocation, if the caller may.
    pub async fn invoke(&self, invocation: &Invocation<'_>, payload: &dyn Payload) -> (Result<Reply, Error>, Invoked) {
        self.noting(async |after| {
            let (endpoint, record) = self.begin(invocation, after).await?;
            record.rows = payload.rows();
            self.choose_and_answer(&endpoint, invocation, payload, record).await
        })
        .await
    }

    /// Chooses the variant that would answer, if the caller may ask, and leaves the rest to the caller.
    pub async fn decide(&self, invocation: &Invocation<'_>) -> (Result<(), Error>, Invoked) {
        self.noting(async |after| {
            let (endpoint, record) = self.begin(invocation, after).await?;
            self.choose(&endpoint, invocation, record)?;
            Ok(())
        })
        .await
    }

    async fn noting<T>(&self, work: impl AsyncFnOnce(&mut After) -> Result<T, Error>) -> (Result<T, Error>, Invoked) {
        let mut after = After::default();
        let result = work(&mut after).await;
        let mut invoked = Invoked { after };
        if let Err(error) = &result {
            invoked.note(error);
        }
        (result, invoked)
    }

    /// The endpoint, if the caller may ask it, and the record, with what is known before a variant is chosen.
    async fn begin<'r>(
        &self,
        invocation: &Invocation<'_>,
        after: &'r mut After,
    ) -> Result<(Rc<Endpoint>, &'r mut Record), Error> {
        let now_ms = self.platform.now_ms();
        let Served { endpoint, .. } = self.endpoint(&invocation.endpoint, now_ms, &mut after.refresh).await?;
        access::allow(&self.platform, endpoint.access(), invocation.request)?;
        let inference_id = match &invocation.inference_id {
            Some(id) => id.clone(),
            None => self.new_id()?,
        };
        let record = after.record.insert(Record {
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
            bytes_in: invocation.request.body.len(),
            bytes_out: 0,
            origin_ms: None,
            inference_id,
            unit: None,
            failed_variant: None,
            failed_reason: None,
        });
        Ok((endpoint, record))
    }

    /// A fresh id, of 32 hexadecimal digits.
    ///
    /// # Errors
    /// If the platform has no randomness.
    pub fn new_id(&self) -> Result<String, Error> {
        self.with_randomness(|random| format!("{:016x}{:016x}", random.next_u64(), random.next_u64()))
    }

    /// Chooses a variant, and notes it.
    fn choose<'e>(
        &self,
        endpoint: &'e Endpoint,
        invocation: &Invocation<'_>,
        record: &mut Record,
    ) -> Result<Assignment<'e>, Error> {
        let unit = unit_of(endpoint, invocation.request);
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
        endpoint: &Endpoint,
        invocation: &Invocation<'_>,
        payload: &dyn Payload,
        record: &mut Record,
    ) -> Result<Reply, Error> {
        let assignment = self.choose(endpoint, invocation, record)?;
        let chosen = assignment.variant;
        record.backend = Some(chosen.backend.kind());
        let failure = match self.attempt(chosen, invocation.request, payload, record).await {
            Ok(reply) => return Ok(reply),
            Err(Refusal::Caller(error)) => return Err(error),
            Err(Refusal::Backend(failure)) => failure,
        };
        self.platform.warn(&format!("endpoint `{}`, variant `{}`: {failure}", invocation.endpoint, chosen.name));
        let Some(fallback) = endpoint.fallback().filter(|fallback| fallback.name != chosen.name) else {
            return Err(Box::new(BackendError::Chosen(chosen.name.clone(), failure)).into());
        };
        match self.attempt(fallback, invocation.request, payload, record).await {
            Ok(reply) => {
                note_variant(record, fallback, Reason::Fallback);
                record.backend = Some(fallback.backend.kind());
                record.failed_variant = Some(chosen.name.to_string());
                record.failed_reason = Some(assignment.reason);
                Ok(reply)
            }
            Err(Refusal::Caller(error)) => Err(error),
            Err(Refusal::Backend(second)) => {
                self.platform
                    .warn(&format!("endpoint `{}`, fallback `{}`: {second}", invocation.endpoint, fallback.name));
                let (chosen, fallback) = (chosen.name.clone(), fallback.name.clone());
                Err(Box::new(BackendError::Both(chosen, failure, fallback, second)).into())
            }
        }
    }

    /// Has one variant answer.
    async fn attempt(
        &self,
        variant: &Variant,
        request: &Request,
        payload: &dyn Payload,
        record: &mut Record,
    ) -> Result<Reply, Refusal> {
        match &variant.backend {
            Backend::Model(reference) => {
                let caller = |error: Unreadable| Refusal::Caller(error.into());
                payload.check().map_err(caller)?;
                let model = self.model(reference).await?;
                let table = payload.table(model.schema()).map_err(caller)?;
                record.rows = Some(table.rows());
                let outputs = model.run(&table, reference.output.as_deref()).map_err(Failure::Run)?;
                Ok(Reply::Outputs(outputs))
            }
            Backend::Origin(reference) => {
                let began_ms = self.platform.now_ms();
                let Request { headers, body, .. } = request;
                let also = payload.may_be_answered_in();
                let answer = origin::forward(&self.platform, reference, headers, body, also).await;
                let waited_ms = self.platform.now_ms() - began_ms;
                record.origin_ms = Some(record.origin_ms.unwrap_or(0.0) + waited_ms);
                Ok(Reply::Relayed(answer?))
            }
        }
    }

    /// The model, from the isolate's cache or the store. Two requests may read one model at the same time: neither
    /// waits for the other, and the later result replaces the same.
    pub(super) async fn model(&self, reference: &ModelReference) -> Result<Rc<Model>, Failure> {
        let known = self.isolate.models.borrow_mut().get(reference, self.platform.now_ms());
        let model = match known {
            Some(model) => model,
            None => {
                let read = self.platform.read(Store::Models, reference.key.as_str()).await;
                self.isolate.models.borrow_mut().store(reference, read, self.platform.now_ms())
            }
        };
        Ok(model?)
    }
}

/// The unit that the request carries, where the endpoint names one. An empty one is none.
fn unit_of(endpoint: &Endpoint, request: &Request) -> Option<UnitHash> {
    let stickiness = endpoint.stickiness()?;
    let unit = match &stickiness.unit {
        UnitSource::Header(name) => request.header(name.as_str()),
        UnitSource::Cookie(name) => request.cookie(name.as_str()),
    };
    unit.filter(|unit| !unit.is_empty()).map(|unit| UnitHash::new(&stickiness.salt, unit))
}

fn note_variant(record: &mut Record, variant: &Variant, reason: Reason) {
    record.variant = Some(variant.name.to_string());
    record.reason = Some(reason);
}

impl Invoked {
    /// What is noted; `None` where there was no endpoint to invoke, or the caller may not.
    pub fn record(&self) -> Option<&Record> {
        self.after.record.as_ref()
    }

    /// Notes what went wrong.
    pub fn note(&mut self, error: &Error) {
        if let Some(record) = &mut self.after.record {
            record.error = Some(error.report().code);
        }
    }

    /// The answer, once its response is made. A body whose rows nobody has counted yet is counted after it was sent.
    pub fn answer(self, response: Response, body: Option<(Format, Vec<u8>)>) -> Answer {
        let mut after = self.after;
        if let Some(record) = &mut after.record {
            record.status = response.status().as_u16();
            record.bytes_out = response.body().len();
            after.uncounted = body.filter(|_| record.rows.is_none());
        }
        Answer { response, after }
    }
}
