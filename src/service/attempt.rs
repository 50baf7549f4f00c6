//! One backend, asked for an answer.

use std::rc::Rc;

use futures_util::future::join;
use turnout_tables::RunError;

use super::Service;
use super::error::Failure;
use super::ids::Draft;
use super::invocation::{Payload, Relay, Reply, Unreadable};
use crate::endpoint::{Backend, ModelKey, ModelReference, RequestLimits, Variant};
use crate::isolate::{InvokeError, LoadedModel, ModelError, Room, Wanted};
use crate::origin;
use crate::payload::rows_that_fit;
use crate::platform::{File, Namespace, Platform, StoreError};
use crate::record::Record;

/// What an attempt took.
pub(super) struct Took<'a> {
    /// Rows that were read.
    pub rows: &'a mut Option<usize>,
    /// Milliseconds waited for origins.
    pub origin_ms: &'a mut Option<f64>,
}

impl<'a> From<&'a mut Record> for Took<'a> {
    fn from(record: &'a mut Record) -> Self {
        Took { rows: &mut record.rows, origin_ms: &mut record.origin_ms }
    }
}

/// Why one backend gave no answer.
pub(super) enum Refusal {
    /// The request is at fault: another backend would not do better.
    Caller(Unreadable),
    /// The backend is at fault: the fallback may answer.
    Backend(Failure),
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Refusal::Backend(error.into())
    }
}

impl<P: Platform> Service<'_, P> {
    /// Has one variant answer, whose model takes its memory from there.
    pub(super) async fn attempt(
        &self,
        (variant, room): (&Variant, Room),
        limits: RequestLimits,
        relay: Relay<'_>,
        payload: &dyn Payload,
        (took, draft): (Took<'_>, &mut Draft),
    ) -> Result<Reply, Refusal> {
        match &variant.backend {
            Backend::Model(reference) => {
                payload.check().map_err(Refusal::Caller)?;
                let model = self.model(reference, room).await?;
                let schema = &model.description.schema;
                let most_rows = limits.rows.get().min(model.description.rows.most).min(rows_that_fit(schema));
                let table = payload.table(schema, most_rows).map_err(Refusal::Caller)?;
                *took.rows = Some(table.rows());
                draft.rows(schema, &table);
                let output = reference.output.as_deref();
                match self.isolate.models.borrow_mut().run(&model, &table, output, room, || self.platform.now_ms()) {
                    Ok(outputs) => Ok(Reply::Outputs(outputs, reference.answers, limits.answer_bytes)),
                    Err(InvokeError::Run(RunError::Rows(error))) => Err(Refusal::Caller(error.into())),
                    Err(InvokeError::Run(RunError::Value(problem))) => Err(Refusal::Caller(Unreadable::Value(problem))),
                    Err(error) => Err(Refusal::Backend(Failure::Run(error))),
                }
            }
            Backend::Origin(reference) => {
                let began_ms = self.platform.now_ms();
                let also = payload.extra_response_type();
                let answer = origin::forward(&*self.platform, reference, relay.headers, relay.body, also).await;
                let waited_ms = self.platform.now_ms() - began_ms;
                *took.origin_ms = Some(took.origin_ms.unwrap_or(0.0) + waited_ms);
                Ok(Reply::Relayed(answer?))
            }
        }
    }

    /// The model, from the isolate's cache or the store. Requests that miss it together each read the store, as none may
    /// wait for another's read; the first to have it loads it for all of them, into memory from there.
    pub(super) async fn model(&self, reference: &ModelReference, room: Room) -> Result<Rc<LoadedModel>, Failure> {
        let known = self.isolate.models.borrow_mut().get(reference, room, self.platform.now_ms());
        if let Some(model) = known {
            return Ok(model?);
        }
        let (read, check) = self.read_model_and_check(&reference.key, reference.check.as_ref()).await;
        let mut models = self.isolate.models.borrow_mut();
        let now_ms = self.platform.now_ms();
        match models.get(reference, room, now_ms) {
            Some(model) => Ok(model?),
            None => Ok(models.store(&*self.platform, reference, read, check, room, now_ms)?),
        }
    }

    /// The model that is under a key now, whatever its digest, and how many bytes its file has. It is loaded for this, and has to
    /// reproduce its check rows, where their key is given.
    pub(super) async fn model_under(
        &self,
        key: &ModelKey,
        check: Option<&ModelKey>,
    ) -> Result<(Rc<LoadedModel>, usize), ModelError> {
        let (file, rows) = self.read_model_and_check(key, check).await;
        let unavailable = |problem| ModelError::Unavailable { key: key.as_str().to_owned(), problem };
        let missing = || ModelError::Missing(key.as_str().to_owned());
        let file = file.map_err(unavailable)?.ok_or_else(missing)?;
        let rows = rows.map_err(unavailable)?;
        let (bytes, now_ms) = (file.bytes(), self.platform.now_ms());
        let wanted = Wanted { key, sha256: None, shape: None, check };
        let mut models = self.isolate.models.borrow_mut();
        let model = models.load(&*self.platform, wanted, file, rows.as_deref(), Room::Made, now_ms)?;
        Ok((model, bytes))
    }

    /// A model's file and its check rows, as the store has them.
    async fn read_model_and_check(
        &self,
        key: &ModelKey,
        check: Option<&ModelKey>,
    ) -> (Result<Option<P::File>, StoreError>, Result<Option<Vec<u8>>, StoreError>) {
        let check = async {
            match check {
                Some(key) => self.platform.read(Namespace::Models, key.as_str()).await,
                None => Ok(None),
            }
        };
        join(self.platform.read_model(key.as_str()), check).await
    }
}
