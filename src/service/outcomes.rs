//! What came of predictions: checked here, counted by the endpoint's experiment.

use serde_json::Value;

use super::experiment::misunderstood;
use super::{Error, Service};
use crate::access;
use crate::endpoint::{Access, Endpoint, Name, Outcome};
use crate::experiment::{Answer, CheckedOutcome, Command, IdError, Refusal, Refused, Taken};
use crate::isolate::Served;
use crate::platform::Platform;
use crate::request::Request;

/// So many are counted at once, so that others of the endpoint are heard in between.
const AT_ONCE: usize = 2_000;

/// An outcome as somebody tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeReport {
    /// The inference id.
    pub id: String,
    /// The row, from 0 on.
    pub row: u32,
    /// What is told.
    pub what: Reported,
}

/// What is told, by the word that it is told with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reported {
    /// The right class or number.
    Label(Value),
    /// A reward.
    Reward(Value),
    /// As a ground truth file has it, a text.
    Text(String),
}

/// What became of outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Counted, or kept until they can be.
    pub taken: u64,
    /// Of these, those that wait.
    pub waiting: u64,
    /// Told before.
    pub repeated: u64,
    /// The position of each that is refused, a code, and why.
    pub refused: Vec<(usize, &'static str, String)>,
}

impl<P: Platform> Service<'_, P> {
    /// Takes outcomes of an endpoint's predictions, if the caller may tell them. Each stands for itself: what is wrong with one is
    /// told, and the others count.
    ///
    /// # Errors
    /// If the caller may not, the endpoint takes none, or its experiment does not answer.
    pub async fn outcomes(
        &self,
        name: &Name,
        told: Vec<Result<OutcomeReport, String>>,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<Received, Error> {
        let Served { endpoint, .. } = self.look_up(name, refresh).await?;
        self.allow_outcomes(&endpoint, proof)?;
        self.has_experiments()?;
        let Some(outcome) = endpoint.outcome() else { return Err(Error::Refused(Refusal::NoOutcomes)) };
        let mut received = Received::default();
        let mut good = Vec::new();
        for (at, told) in told.into_iter().enumerate() {
            match told.map_err(|problem| ("bad_outcome", problem)).and_then(|told| self.checked(name, outcome, told)) {
                Ok(told) => good.push((at, told)),
                Err((code, why)) => received.refused.push((at, code, why)),
            }
        }
        while !good.is_empty() {
            let rest = good.split_off(good.len().min(AT_ONCE));
            let (places, outcomes): (Vec<usize>, Vec<CheckedOutcome>) =
                std::mem::replace(&mut good, rest).into_iter().unzip();
            match self.ask(name, &Command::Outcomes(outcomes)).await? {
                Answer::Outcomes(taken) => received.add(&taken, &places),
                Answer::Refused(refusal) => return Err(Error::Refused(refusal)),
                other => return Err(misunderstood(&other)),
            }
        }
        received.refused.sort_by_key(|(at, ..)| *at);
        Ok(received)
    }

    /// Whether the caller may tell outcomes.
    fn allow_outcomes(&self, endpoint: &Endpoint, proof: &Request) -> Result<(), Error> {
        match endpoint.outcome().and_then(|outcome| outcome.token.clone()) {
            _ if self.allow_admin(proof).is_ok() => Ok(()),
            Some(token) => Ok(access::allow(&*self.platform, &Access::Bearer(token), proof)?),
            None => self.allow(endpoint, proof),
        }
    }

    /// An outcome, once its id and what it tells are known to be right.
    fn checked(
        &self,
        name: &Name,
        outcome: &Outcome,
        told: OutcomeReport,
    ) -> Result<CheckedOutcome, (&'static str, String)> {
        let kind = outcome.kind.as_str();
        let given = match (&told.what, kind) {
            (Reported::Reward(value), "reward") | (Reported::Label(value), "label" | "value") => value.clone(),
            (Reported::Text(text), "label") => Value::from(text.as_str()),
            (Reported::Text(text), _) => text.parse().map_or(Value::Null, |number: f64| number.into()),
            (Reported::Reward(_) | Reported::Label(_), _) => {
                return Err(("bad_outcome", format!("outcomes of this endpoint are told as `{kind}`")));
            }
        };
        let truth = outcome.kind.truth(&given).map_err(|error| ("bad_outcome", error.to_string()))?;
        let claims = match self.id_keys().map(|keys| keys.verify(name, &told.id)) {
            Some(Ok(claims)) => Some(claims),
            // A caller's own, perhaps.
            None | Some(Err(IdError::Form)) => None,
            Some(Err(error @ IdError::Forged)) => return Err(("forged_id", error.to_string())),
        };
        Ok(CheckedOutcome { id: told.id, claims, row: told.row, truth })
    }
}

impl Received {
    fn add(&mut self, taken: &Taken, places: &[usize]) {
        self.taken = self.taken.saturating_add(taken.taken);
        self.waiting = self.waiting.saturating_add(taken.waiting);
        self.repeated = self.repeated.saturating_add(taken.repeated);
        let refused = taken.refused.iter().filter_map(|(at, why)| {
            let place = *places.get(usize::try_from(*at).ok()?)?;
            Some((place, code(*why), why.to_string()))
        });
        self.refused.extend(refused);
    }
}

fn code(why: Refused) -> &'static str {
    match why {
        Refused::TooLate => "too_late",
        Refused::NotKept => "unknown_id",
        Refused::UnknownRevision => "revision_unknown",
        Refused::NoSuchRow => "no_such_row",
        Refused::NoPrediction => "no_prediction",
        Refused::NoRoom => "too_many_waiting",
    }
}
