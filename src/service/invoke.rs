//! One invocation: choose, answer, fall back, and note it all down.

use std::rc::Rc;

use rand_core::Rng;

use super::{After, Answer, Service};
use crate::assignment::{Reason, UnitHash, assign};
use crate::endpoint::{Backend, Endpoint, ModelReference, UnitSource, Variant};
use crate::error::{BackendError, Error, Failure};
use crate::inference::Model;
use crate::origin::{self, OriginAnswer};
use crate::payload::{Format, Outputs, Table};
use crate::platform::Platform;
use crate::protocol::native::{self, Decision};
use crate::protocol::{Invocation, Response};
use crate::record::Record;

/// What a backend answered.
enum Reply {
    /// A model, in the worker.
    Outputs(Outputs, Format),
    /// A model host, whose words are passed on.
    Relayed(OriginAnswer),
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
    pub(super) async fn invoke(&self, invocation: Invocation) -> Answer {
        let mut after = After::default();
        let served = match self.endpoint(&invocation.endpoint, &mut after.refresh).await {
            Ok(served) => served,
            Err(error) => return Answer { after, ..Answer::refusal(&error) },
        };
        let inference_id = match &invocation.inference_id {
            Some(id) => Ok(id.clone()),
            None => self.with_randomness(|random| format!("{:016x}{:016x}", random.next_u64(), random.next_u64())),
        };
        let inference_id = match inference_id {
            Ok(id) => id,
            Err(error) => return Answer { after, ..Answer::refusal(&error) },
        };
        let mut record = Record {
            time_ms: self.platform.now_ms(),
            endpoint: invocation.endpoint.to_string(),
            revision: served.endpoint.revision().as_str().to_owned(),
            variant: None,
            reason: None,
            propensity: None,
            protocol: invocation.protocol,
            backend: None,
            status: 0,
            error: None,
            rows: None,
            bytes_in: invocation.body.len(),
            bytes_out: 0,
            origin_ms: None,
            inference_id,
            unit: None,
            failed_variant: None,
            failed_reason: None,
        };
        let reply = self.answer(&served.endpoint, &invocation, &mut record).await;
        let mut response = match reply {
            Ok(reply) => encode(reply),
            Err(error) => {
                let report = error.report();
                record.error = Some(report.code);
                native::error(&report)
            }
        };
        native::describe_decision(
            &mut response,
            &Decision {
                variant: record.variant.as_deref(),
                reason: record.reason.map(Reason::as_str),
                revision: Some(&record.revision),
                inference_id: Some(&record.inference_id),
            },
        );
        record.status = response.status().as_u16();
        record.bytes_out = response.body().len();
        if record.rows.is_none()
            && let Ok(format) = Format::of_content_type(invocation.header("content-type"))
        {
            after.uncounted = Some((format, invocation.body));
        }
        after.record = Some(record);
        Answer { response, after }
    }

    /// Chooses a variant and has it answer; if it fails, the fallback.
    async fn answer(&self, endpoint: &Endpoint, invocation: &Invocation, record: &mut Record) -> Result<Reply, Error> {
        let unit = unit_of(endpoint, invocation);
        record.unit = unit.map(|unit| unit.to_string());
        let assignment =
            self.with_randomness(|random| assign(endpoint, invocation.target.as_deref(), unit.as_ref(), random))??;
        let chosen = assignment.variant;
        note_variant(record, chosen, assignment.reason);
        record.propensity = Some(assignment.propensity);
        let failure = match self.attempt(chosen, invocation, record).await {
            Ok(reply) => return Ok(reply),
            Err(Refusal::Caller(error)) => return Err(error),
            Err(Refusal::Backend(failure)) => failure,
        };
        self.platform.warn(&format!("endpoint `{}`, variant `{}`: {failure}", invocation.endpoint, chosen.name));
        let Some(fallback) = endpoint.fallback().filter(|fallback| fallback.name != chosen.name) else {
            return Err(Box::new(BackendError::Chosen(chosen.name.clone(), failure)).into());
        };
        match self.attempt(fallback, invocation, record).await {
            Ok(reply) => {
                note_variant(record, fallback, Reason::Fallback);
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
    async fn attempt(&self, variant: &Variant, invocation: &Invocation, record: &mut Record) -> Result<Reply, Refusal> {
        match &variant.backend {
            Backend::Model(reference) => {
                let caller = |error| Refusal::Caller(error);
                let written = Format::accepted(invocation.header("accept")).map_err(|error| caller(error.into()))?;
                let sent =
                    Format::of_content_type(invocation.header("content-type")).map_err(|error| caller(error.into()))?;
                let model = self.model(reference).await?;
                let table = Table::decode(sent, &invocation.body, model.schema());
                let table = table.map_err(|error| caller(error.into()))?;
                record.rows = Some(table.rows());
                let outputs = model.run(&table, reference.output.as_deref()).map_err(Failure::Run)?;
                Ok(Reply::Outputs(outputs, written))
            }
            Backend::Origin(reference) => {
                let began_ms = self.platform.now_ms();
                let answer = origin::forward(&self.platform, reference, &invocation.headers, &invocation.body).await;
                let waited_ms = self.platform.now_ms() - began_ms;
                record.origin_ms = Some(record.origin_ms.unwrap_or(0.0) + waited_ms);
                Ok(Reply::Relayed(answer?))
            }
        }
    }

    /// The model, from the isolate's cache or the store. Two requests may read one model at the same time: neither
    /// waits for the other, and the later result replaces the same.
    async fn model(&self, reference: &ModelReference) -> Result<Rc<Model>, Failure> {
        let known = self.isolate.models.borrow_mut().get(reference, self.platform.now_ms());
        let model = match known {
            Some(model) => model,
            None => {
                let read = self.platform.read_model(reference.key.as_str()).await;
                self.isolate.models.borrow_mut().store(reference, read, self.platform.now_ms())
            }
        };
        Ok(model?)
    }
}

/// The unit that the request carries, where the endpoint names one. An empty one is none.
fn unit_of(endpoint: &Endpoint, invocation: &Invocation) -> Option<UnitHash> {
    let stickiness = endpoint.stickiness()?;
    let unit = match &stickiness.unit {
        UnitSource::Header(name) => invocation.header(name.as_str()),
        UnitSource::Cookie(name) => invocation.cookie(name.as_str()),
    };
    unit.filter(|unit| !unit.is_empty()).map(|unit| UnitHash::new(&stickiness.salt, unit))
}

fn note_variant(record: &mut Record, variant: &Variant, reason: Reason) {
    record.variant = Some(variant.name.to_string());
    record.reason = Some(reason);
    record.backend = Some(match variant.backend {
        Backend::Model(_) => "model",
        Backend::Origin(_) => "origin",
    });
}

fn encode(reply: Reply) -> Response {
    match reply {
        // Writing into memory does not fail.
        Reply::Outputs(outputs, format) => {
            native::respond(http::StatusCode::OK, format.media_type(), outputs.encode(format).unwrap_or_default())
        }
        Reply::Relayed(answer) => {
            let status = http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::OK);
            let mut response = native::respond(status, "application/json", answer.body);
            response.headers_mut().extend(answer.headers);
            response
        }
    }
}
