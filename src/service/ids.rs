//! Inference ids, and what is kept of predictions for outcomes that name them.

use std::rc::Rc;

use serde_json::Value;

use super::invocation::Reply;
use super::{Error, Service};
use crate::assignment::Reason;
use crate::endpoint::{Endpoint, Name, Outcome, OutcomeKind, SegmentSource};
use crate::experiment::{Claims, IdKeys, KeptPrediction, unit_bits};
use crate::isolate::Ids;
use crate::payload::{Predicted, Schema, Table, essence, first_of_column};
use crate::platform::{HttpAnswer, Platform};
use crate::record::Record;
use crate::request::header;

/// The secrets that ids are signed with.
const KEY: &str = "INFERENCE_KEY";
const KEY_BEFORE: &str = "INFERENCE_KEY_PREVIOUS";
/// The most rows of a request whose predictions are kept.
const MOST_ROWS: usize = 1_000;

/// What is gathered for an invocation's id while it is answered.
#[derive(Default)]
pub(super) struct Draft {
    endpoint: Option<Rc<Endpoint>>,
    segment: u8,
    predicted: Vec<Option<Predicted>>,
    /// How many rows nobody answered, as the variant failed; 0 where somebody did.
    unanswered: usize,
}

impl Draft {
    /// Of an answer by another variant to the same request.
    pub fn of_shadow(endpoint: &Rc<Endpoint>) -> Self {
        Draft { endpoint: Some(Rc::clone(endpoint)), ..Draft::default() }
    }

    /// The endpoint, once it is known.
    pub fn endpoint(&self) -> Option<&Rc<Endpoint>> {
        self.endpoint.as_ref()
    }

    /// What was predicted for each row, as far as that is told.
    pub fn predicted(&self) -> &[Option<Predicted>] {
        &self.predicted
    }

    /// Of which segment the request is, by its headers.
    pub fn begin(&mut self, endpoint: &Rc<Endpoint>, headers: &http::HeaderMap) {
        self.endpoint = Some(Rc::clone(endpoint));
        if let Some(segment) = endpoint.written_goal().and_then(|goal| goal.segment())
            && let SegmentSource::Header(name) = &segment.by
        {
            self.segment = header(headers, name.as_str()).map_or(0, |value| segment.number(value));
        }
    }

    /// Of which segment the request is, by the rows that a model takes.
    pub fn rows(&mut self, schema: &Schema, table: &Table) {
        if let Some(segment) = self.endpoint.as_ref().and_then(|endpoint| endpoint.written_goal()?.segment())
            && let SegmentSource::Column(column) = &segment.by
        {
            self.segment = first_of_column(schema, table, column).map_or(0, |value| segment.number(&value));
        }
    }

    /// No variant answered a request of so many rows; of one, where that cannot be told.
    pub fn failed(&mut self, rows: Option<usize>) {
        self.unanswered = rows.unwrap_or(1).clamp(1, MOST_ROWS);
    }

    /// What was predicted.
    pub fn answered(&mut self, reply: &Reply) {
        let Some(endpoint) = &self.endpoint else { return };
        let Some(outcome) = endpoint.outcome() else { return };
        let most = most_rows(endpoint, outcome);
        self.predicted = match reply {
            Reply::Outputs(outputs, ..) => {
                let rows = 0..outputs.rows().min(most);
                rows.map(|row| Predicted::of_outputs(&outcome.kind, outputs, row)).collect()
            }
            Reply::Relayed(_) if outcome.kind == OutcomeKind::Reward => Vec::new(),
            Reply::Relayed(answer) => of_answer(outcome, most, answer),
        };
    }
}

/// Of more rows than one nothing has to be known where nothing is kept or compared; two, to see that they are more.
fn most_rows(endpoint: &Endpoint, outcome: &Outcome) -> usize {
    if outcome.keep_ms().is_some() || endpoint.shadows().next().is_some() { MOST_ROWS } else { 2 }
}

fn of_answer(outcome: &Outcome, most: usize, answer: &HttpAnswer) -> Vec<Option<Predicted>> {
    let media_type = header(&answer.headers, http::header::CONTENT_TYPE).map(essence).unwrap_or_default();
    if media_type == "text/csv" {
        let lines = answer.body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).take(most);
        return lines.map(|line| Predicted::of_csv(&outcome.kind, line, 0)).collect();
    }
    let Ok(json) = serde_json::from_slice::<Value>(&answer.body) else { return Vec::new() };
    let rows = json.get("predictions").unwrap_or(&json).as_array().map_or(1, |rows| rows.len().min(most));
    (0..rows).map(|row| Predicted::of_json(&outcome.kind, &json, row)).collect()
}

impl<P: Platform> Service<'_, P> {
    /// A fresh id, of 32 hexadecimal digits.
    ///
    /// # Errors
    /// If the platform has no randomness.
    pub fn new_id(&self) -> Result<String, Error> {
        Ok(format!("{:032x}", self.new_bits()?))
    }

    fn new_bits(&self) -> Result<u128, Error> {
        let mut ids = self.isolate.ids.borrow_mut();
        let ids = match &mut *ids {
            Some(ids) => ids,
            unseeded => unseeded.insert(Ids::new(self.platform.entropy()?)),
        };
        Ok(ids.next_bits())
    }

    /// The keys that ids are signed with; `None` where there are none.
    pub(super) fn id_keys(&self) -> Option<&IdKeys> {
        let make = || {
            let newest = self.platform.secret(KEY)?;
            let made = IdKeys::new(&newest, self.platform.secret(KEY_BEFORE).as_deref());
            made.map_err(|error| {
                self.platform.warn(&format!("inference ids are not signed: {KEY} or {KEY_BEFORE}: {error}"))
            })
            .ok()
        };
        self.isolate.id_keys.get_or_init(make).as_ref()
    }

    /// Gives a record its id, where the caller has given none, and says what is to be kept of the prediction. `counts` is
    /// whether the request was one that a variant could have answered.
    pub(super) fn identify(
        &self,
        endpoint: &Name,
        draft: &Draft,
        record: &mut Record,
        counts: bool,
    ) -> Result<Option<KeptPrediction>, Error> {
        let is_own = !record.inference_id.is_empty();
        let mut claims = draft.endpoint.as_ref().and_then(|endpoint| claims(endpoint, draft, record));
        let keys = self.id_keys();
        if !is_own {
            record.inference_id = match (&mut claims, keys) {
                (Some(claims), Some(keys)) => {
                    // The first 32 bits of the id that it would have had.
                    claims.nonce = u32::try_from(self.new_bits()? >> 96).unwrap_or_default();
                    keys.sign(endpoint, claims)
                }
                _ => self.new_id()?,
            };
        }
        let outcome = draft.endpoint.as_ref().and_then(|endpoint| endpoint.outcome());
        let Some((outcome, claims)) = outcome.zip(claims).filter(|_| counts && self.platform.has_experiments()) else {
            return Ok(None);
        };
        let is_told = claims.predicted.is_some() || claims.unanswered || outcome.kind == OutcomeKind::Reward;
        let says_all = !is_own && keys.is_some() && is_told;
        if outcome.keep_ms().is_none() || (says_all && outcome.absent.is_none()) {
            return Ok(None);
        }
        Ok(Some(KeptPrediction {
            id: record.inference_id.clone(),
            time_ms: record.time_ms,
            variant: assigned(record).unwrap_or_default().to_owned(),
            segment: claims.segment,
            propensity: claims.propensity,
            reason: claims.reason,
            unit: claims.unit,
            rows: u32::try_from(draft.predicted.len().max(draft.unanswered).max(1)).unwrap_or(u32::MAX),
            predicted: draft.predicted.clone(),
            stood_in: claims.stood_in,
            unanswered: draft.unanswered > 0,
        }))
    }
}

/// The variant that was assigned, whoever answered.
fn assigned(record: &Record) -> Option<&str> {
    record.failed_variant.as_deref().or(record.variant.as_deref())
}

/// What an id says of a request; `None` where no variant was assigned.
fn claims(endpoint: &Endpoint, draft: &Draft, record: &Record) -> Option<Claims> {
    let name = assigned(record)?;
    let variant = endpoint.variants().iter().position(|variant| variant.name.as_str() == name)?;
    Some(Claims {
        time_ms: record.time_ms.max(0.0) as u64,
        nonce: 0,
        revision: record.revision.clone(),
        variant: u8::try_from(variant).ok()?,
        segment: draft.segment,
        propensity: record.propensity?,
        reason: record.failed_reason.or(record.reason).unwrap_or(Reason::Weighted),
        stood_in: record.failed_variant.is_some(),
        unanswered: draft.unanswered == 1,
        unit: record.unit.as_deref().and_then(unit_bits),
        predicted: match draft.predicted.as_slice() {
            [only] => *only,
            _ => None,
        },
    })
}
