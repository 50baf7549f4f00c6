//! Outcomes as they come in, and the predictions that they are of.
//!
//! A signed id says all about its prediction. For what it cannot say (many rows, a caller's own id) predictions are kept, and
//! an outcome that comes first waits. Where the absence of an outcome means something, outcomes wait as well, until the time is
//! over in which they may come: to count what has come, while what has not is still open, would favour who is fast.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::hashed::hashed;
use super::inference_id::Claims;
use super::measure::{Answered, Assigned, Measure, Measured, Unit};
use super::pairs::{self, Pairing};
use super::shares::Shares;
use super::tables::{Row, set_state, state_count};
use crate::assignment::Reason;
use crate::endpoint::{Label, OutcomeKind, Truth};
use crate::payload::Predicted;
use crate::platform::{Cell, Database, DatabaseError};

/// An outcome, as the edge has checked it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedOutcome {
    /// The inference id.
    pub id: String,
    /// What it says, where it is signed.
    pub claims: Option<Claims>,
    /// The row, from 0 on.
    pub row: u32,
    /// What came of it.
    pub truth: Truth,
}

/// A prediction, kept for outcomes that name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptPrediction {
    /// The inference id.
    pub id: String,
    /// When the request came in, in milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// The variant that was assigned.
    pub variant: String,
    /// The number of the segment; 0 is none.
    pub segment: u8,
    /// With which probability it was assigned.
    pub propensity: f64,
    /// Why it was.
    pub reason: Reason,
    /// The first 48 bits of the unit's hash, where there is a unit.
    pub unit: Option<u64>,
    /// How many rows it had.
    pub rows: u32,
    /// What was predicted for each, as far as that is told.
    pub predicted: Vec<Option<Predicted>>,
    /// Whether the variant failed, and the fallback answered in its place.
    #[serde(default)]
    pub stood_in: bool,
    /// Whether it failed, and nobody answered.
    #[serde(default)]
    pub unanswered: bool,
}

impl KeptPrediction {
    /// How it came about.
    fn assigned(&self) -> Assigned {
        Assigned {
            variant: self.variant.clone(),
            reason: self.reason,
            propensity: self.propensity,
            segment: self.segment,
            unit: Unit::of_request(self.unit, &self.id, self.rows > 1),
        }
    }

    /// What was answered for a row.
    fn of_row(&self, row: u32) -> Answered {
        let at = usize::try_from(row).ok();
        let predicted = at.and_then(|at| self.predicted.get(at)).copied().flatten();
        answered(self.stood_in, self.unanswered, predicted)
    }
}

fn answered(stood_in: bool, unanswered: bool, predicted: Option<Predicted>) -> Answered {
    match (stood_in, unanswered) {
        (_, true) => Answered::Nobody,
        (true, _) => Answered::Fallback(predicted),
        (false, _) => Answered::Assigned(predicted),
    }
}

/// What became of outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Counted, or kept until they can be.
    pub taken: u64,
    /// Of these, those that wait: for their prediction, or until the time is over in which an outcome may come.
    pub waiting: u64,
    /// Told before.
    pub repeated: u64,
    /// Refused: the position among those that were sent, and why.
    pub refused: Vec<(u32, Refused)>,
}

/// Why an outcome is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Its prediction was made too long ago.
    #[error("the prediction was made longer ago than `outcome.within_hours` says")]
    TooLate,
    /// It is a caller's own id, and predictions are not kept.
    #[error("this is no id of a response; for ids of your own the endpoint's document has to say `outcome.keep`")]
    NotKept,
    /// Nothing is known of what decided.
    #[error("nothing is known of the revision that the id names")]
    UnknownRevision,
    /// The request had fewer rows.
    #[error("the request had no such row")]
    NoSuchRow,
    /// There is nothing to compare with.
    #[error(
        "nothing is known of what was predicted: of a request of many rows the document has to say `outcome.keep`, and \
             `outcome` where the prediction stands in the answer"
    )]
    NoPrediction,
    /// Too many wait already.
    #[error("too many outcomes wait for their predictions")]
    NoRoom,
}

/// The most outcomes that wait for predictions.
const MOST_WAITING: u64 = 200_000;
const WAITING: &str = "waiting";
/// The most predictions that are closed, and the most that are forgotten, at once.
const MOST_CLOSED: u64 = 1_000;
const MOST_FORGOTTEN: u64 = 10_000;
/// Beyond so many bytes of the database, no more predictions are kept than there are.
const MOST_BYTES: u64 = 2 << 30;
/// How long outcomes that nobody can place are kept where predictions are not.
const DAY_MS: f64 = 86_400_000.0;

/// What happens with one outcome.
enum Fate {
    Counted,
    Waits,
    Repeated,
    Refused(Refused),
}

/// Takes outcomes. The database is to be asked for all of it at once.
pub(super) fn take(
    database: &impl Database,
    measure: &Measure<'_>,
    outcomes: &[CheckedOutcome],
    now_ms: f64,
) -> Result<Taken, DatabaseError> {
    let mut desk = Desk::new(database, measure, now_ms)?;
    let mut taken = Taken::default();
    for (at, told) in (0u32..).zip(outcomes) {
        match desk.take(told)? {
            Fate::Counted => taken.taken = taken.taken.saturating_add(1),
            Fate::Waits => {
                taken.taken = taken.taken.saturating_add(1);
                taken.waiting = taken.waiting.saturating_add(1);
            }
            Fate::Repeated => taken.repeated = taken.repeated.saturating_add(1),
            Fate::Refused(why) => taken.refused.push((at, why)),
        }
    }
    desk.save()?;
    Ok(taken)
}

/// Keeps predictions, and counts the outcomes that have waited for them.
pub(super) fn keep(
    database: &impl Database,
    measure: &Measure<'_>,
    predictions: &[KeptPrediction],
    now_ms: f64,
) -> Result<(), DatabaseError> {
    if database.bytes()? > MOST_BYTES {
        // The oldest give way: those first that no outcome can come for.
        database.execute(
            "DELETE FROM predictions WHERE id IN (SELECT id FROM predictions ORDER BY closed DESC, at_ms LIMIT ?)",
            &[Cell::count(u64::try_from(predictions.len()).unwrap_or(u64::MAX))],
        )?;
    }
    let waiting = waiting(database)? > 0;
    let mut desk = Desk::new(database, measure, now_ms)?;
    for prediction in predictions {
        let text = serde_json::to_string(prediction).map_err(|error| DatabaseError(error.to_string()))?;
        let new = database.execute(
            "INSERT OR IGNORE INTO predictions (id, at_ms, closed, prediction) VALUES (?, ?, 0, ?) RETURNING 1",
            &[prediction.id.as_str().into(), prediction.time_ms.into(), text.into()],
        )?;
        if waiting && !new.is_empty() && !desk.waits_for_all() {
            for (row, truth) in desk.waiting_for(&prediction.id)? {
                desk.count_kept(prediction, row, &truth)?;
            }
        }
    }
    desk.save()
}

/// Closes predictions whose time for outcomes is over: counts what has come, and what has not as the document says. Whether
/// there may be more of them.
pub(super) fn close(database: &impl Database, measure: &Measure<'_>, now_ms: f64) -> Result<bool, DatabaseError> {
    let Some(absent) = &measure.outcome.absent else { return Ok(false) };
    let over_ms = now_ms - measure.outcome.within_ms();
    let rows = database.execute(
        "SELECT id, prediction FROM predictions WHERE closed = 0 AND at_ms <= ? ORDER BY at_ms LIMIT ?",
        &[over_ms.into(), Cell::count(MOST_CLOSED)],
    )?;
    if rows.is_empty() {
        return Ok(false);
    }
    let mut desk = Desk::new(database, measure, now_ms)?;
    for cells in &rows {
        let mut row = Row::of(cells);
        let (id, text) = (row.text(), row.text());
        database.execute("UPDATE predictions SET closed = 1 WHERE id = ?", &[id.as_str().into()])?;
        let Ok(prediction) = serde_json::from_str::<KeptPrediction>(&text) else { continue };
        let mut came = desk.waiting_for(&id)?;
        for row in 0..prediction.rows {
            let at = came.iter().position(|(known, _)| *known == row);
            let truth = at.map_or_else(|| absent.clone(), |at| came.swap_remove(at).1);
            desk.count_kept(&prediction, row, &truth)?;
        }
    }
    desk.save()?;
    Ok(u64::try_from(rows.len()).is_ok_and(|closed| closed >= MOST_CLOSED))
}

/// Forgets what no outcome can name any more. Whether there may be more of it.
pub(super) fn forget(
    database: &impl Database,
    measure: Option<&Measure<'_>>,
    now_ms: f64,
) -> Result<bool, DatabaseError> {
    let outcome = measure.map(|measure| measure.outcome);
    let keep_ms = outcome.and_then(|outcome| outcome.keep_ms()).unwrap_or(DAY_MS);
    // A day more, so that what has just come late is still told so.
    let within_ms = outcome.map_or(DAY_MS, |outcome| outcome.within_ms()).max(keep_ms) + DAY_MS;
    // Where they are to be closed, not before they have been.
    let closes = outcome.is_some_and(|outcome| outcome.absent.is_some());
    let gone = database.execute(
        "DELETE FROM predictions WHERE id IN (SELECT id FROM predictions WHERE closed >= ? AND at_ms < ? LIMIT ?) RETURNING 1",
        &[Cell::count(closes.into()), (now_ms - keep_ms).into(), Cell::count(MOST_FORGOTTEN)],
    )?;
    let orphaned_ms = now_ms - keep_ms - DAY_MS;
    let orphans = database.execute("DELETE FROM waiting WHERE at_ms < ? RETURNING 1", &[orphaned_ms.into()])?;
    fewer_wait(database, orphans.len())?;
    database.execute("DELETE FROM outcomes WHERE at_ms < ?", &[(now_ms - within_ms).into()])?;
    let more = pairs::forget(database, now_ms - within_ms, now_ms)?;
    Ok(more || u64::try_from(gone.len()).is_ok_and(|gone| gone >= MOST_FORGOTTEN))
}

/// Outcomes that wait.
pub(super) fn waiting(database: &impl Database) -> Result<u64, DatabaseError> {
    Ok(state_count(database, WAITING)?.unwrap_or(0))
}

/// So many do not wait any more.
fn fewer_wait(database: &impl Database, gone: usize) -> Result<(), DatabaseError> {
    if gone == 0 {
        return Ok(());
    }
    let left = waiting(database)?.saturating_sub(u64::try_from(gone).unwrap_or(u64::MAX));
    set_state(database, WAITING, Cell::count(left))
}

/// Where outcomes are taken.
struct Desk<'a, D> {
    database: &'a D,
    measure: &'a Measure<'a>,
    measured: Measured<'a, D>,
    /// Where shadows were asked as well.
    pairing: Option<Pairing<'a, D>>,
    shares: Shares,
    /// Names of classes that are kept already.
    named: BTreeSet<Label>,
    now_ms: f64,
}

/// The most names of classes that are kept.
const MOST_NAMES: u64 = 1_000;

impl<'a, D: Database> Desk<'a, D> {
    fn new(database: &'a D, measure: &'a Measure<'a>, now_ms: f64) -> Result<Self, DatabaseError> {
        measure.begin(database, now_ms)?;
        let measured = Measured::new(database, measure);
        let pairing = Pairing::new(database, measure, now_ms)?;
        Ok(Desk { database, measure, measured, pairing, shares: Shares::default(), named: BTreeSet::new(), now_ms })
    }

    /// Keeps the name of a class, to be shown in place of its number.
    fn name(&mut self, truth: &Truth) -> Result<(), DatabaseError> {
        if let Truth::Label(label) = truth
            && self.named.insert(label.clone())
        {
            self.database.execute(
                "INSERT OR IGNORE INTO labels (label) SELECT ? WHERE (SELECT COUNT(*) FROM labels) < ?",
                &[label.as_str().into(), Cell::count(MOST_NAMES)],
            )?;
        }
        Ok(())
    }
}

impl<D: Database> Desk<'_, D> {
    /// Puts what has changed into the database.
    fn save(self) -> Result<(), DatabaseError> {
        self.measured.save()?;
        self.pairing.map_or(Ok(()), Pairing::save)
    }

    /// Whether every outcome has to wait until the time is over in which others may come.
    fn waits_for_all(&self) -> bool {
        self.measure.outcome.absent.is_some()
    }

    fn is_late(&self, made_ms: f64) -> bool {
        self.now_ms - made_ms > self.measure.outcome.within_ms()
    }

    fn take(&mut self, told: &CheckedOutcome) -> Result<Fate, DatabaseError> {
        self.name(&told.truth)?;
        if let Some(claims) = &told.claims {
            if self.is_late(claims.time_ms as f64) {
                return Ok(Fate::Refused(Refused::TooLate));
            }
            let says_all = claims.predicted.is_some()
                || claims.unanswered
                || matches!(told.truth, Truth::Number(_)) && self.takes_rewards();
            if says_all && !self.waits_for_all() {
                return self.take_signed(told, claims);
            }
        }
        self.take_kept(told)
    }

    fn takes_rewards(&self) -> bool {
        matches!(self.measure.outcome.kind, OutcomeKind::Reward)
    }

    /// An outcome whose id says all about its prediction.
    fn take_signed(&mut self, told: &CheckedOutcome, claims: &Claims) -> Result<Fate, DatabaseError> {
        if told.row != 0 {
            return Ok(Fate::Refused(Refused::NoSuchRow));
        }
        let Some(assigned) = self.assigned(claims)? else { return Ok(Fate::Refused(Refused::UnknownRevision)) };
        let answered = answered(claims.stood_in, claims.unanswered, claims.predicted);
        if self.measure.value(answered, &told.truth).is_none() {
            return self.leave_out(told, &assigned, answered);
        }
        if !self.is_first(told)? {
            return Ok(Fate::Repeated);
        }
        self.count((&assigned, answered), (&told.id, told.row, &told.truth), claims.time_ms as f64)?;
        Ok(Fate::Counted)
    }

    /// How the prediction of an id came about; `None` where nothing is known of its revision.
    fn assigned(&mut self, claims: &Claims) -> Result<Option<Assigned>, DatabaseError> {
        self.shares.see(self.database, &claims.revision)?;
        let variants = self.shares.all(&claims.revision);
        let variant = variants.and_then(|variants| variants.get(usize::from(claims.variant)));
        Ok(variant.map(|(variant, _)| Assigned {
            variant: variant.clone(),
            reason: claims.reason,
            propensity: claims.propensity,
            segment: claims.segment,
            unit: claims.unit.map_or(Unit::Alone, Unit::Of),
        }))
    }

    /// Refuses an outcome that nothing can be compared with. The first time, that is noted.
    fn leave_out(
        &mut self,
        told: &CheckedOutcome,
        assigned: &Assigned,
        answered: Answered,
    ) -> Result<Fate, DatabaseError> {
        // Where all wait, it will be noted when their time is over.
        if !self.waits_for_all() && self.is_first(told)? {
            self.measured.leave_out(assigned, answered)?;
        }
        Ok(Fate::Refused(Refused::NoPrediction))
    }

    /// An outcome whose prediction is kept, or will be.
    fn take_kept(&mut self, told: &CheckedOutcome) -> Result<Fate, DatabaseError> {
        if self.measure.outcome.keep_ms().is_none() {
            let Some(claims) = &told.claims else { return Ok(Fate::Refused(Refused::NotKept)) };
            let Some(assigned) = self.assigned(claims)? else { return Ok(Fate::Refused(Refused::NoPrediction)) };
            return self.leave_out(told, &assigned, answered(claims.stood_in, claims.unanswered, None));
        }
        let id: Cell = told.id.as_str().into();
        let rows = self
            .database
            .execute("SELECT closed, prediction FROM predictions WHERE id = ?", std::slice::from_ref(&id))?;
        let known = rows.first().and_then(|cells| {
            let mut row = Row::of(cells);
            Some((row.count() > 0, serde_json::from_str::<KeptPrediction>(&row.text()).ok()?))
        });
        if let Some((is_closed, prediction)) = &known {
            if *is_closed || self.is_late(prediction.time_ms) {
                return Ok(Fate::Refused(Refused::TooLate));
            }
            if told.row >= prediction.rows {
                return Ok(Fate::Refused(Refused::NoSuchRow));
            }
            let answered = prediction.of_row(told.row);
            if self.measure.value(answered, &told.truth).is_none() {
                return self.leave_out(told, &prediction.assigned(), answered);
            }
        }
        if known.is_none() && waiting(self.database)? >= MOST_WAITING {
            return Ok(Fate::Refused(Refused::NoRoom));
        }
        if !self.is_first(told)? {
            return Ok(Fate::Repeated);
        }
        match known {
            Some((_, prediction)) if !self.waits_for_all() => {
                self.count_kept(&prediction, told.row, &told.truth)?;
                Ok(Fate::Counted)
            }
            _ => {
                let truth = serde_json::to_string(&told.truth).map_err(|error| DatabaseError(error.to_string()))?;
                self.database.execute(
                    "INSERT OR IGNORE INTO waiting (id, row, at_ms, truth) VALUES (?, ?, ?, ?)",
                    &[id, Cell::count(told.row.into()), self.now_ms.into(), truth.into()],
                )?;
                set_state(self.database, WAITING, Cell::count(waiting(self.database)?.saturating_add(1)))?;
                Ok(Fate::Waits)
            }
        }
    }

    /// Whether this outcome has not been told before; from now on it has.
    fn is_first(&self, told: &CheckedOutcome) -> Result<bool, DatabaseError> {
        let (id, rest) = hashed(&told.id);
        let new = self.database.execute(
            "INSERT OR IGNORE INTO outcomes (id, id_rest, row, at_ms) VALUES (?, ?, ?, ?) RETURNING 1",
            &[Cell::count(id), Cell::count(rest), Cell::count(told.row.into()), self.now_ms.into()],
        )?;
        Ok(!new.is_empty())
    }

    /// Counts an outcome of a request that was made at that time, for its variant, and beside shadows.
    fn count(
        &mut self,
        (assigned, answered): (&Assigned, Answered),
        (id, row, truth): (&str, u32, &Truth),
        made_ms: f64,
    ) -> Result<(), DatabaseError> {
        self.measured.add(assigned, answered, truth)?;
        match &mut self.pairing {
            Some(pairing) => pairing.outcome(id, row, truth, made_ms),
            None => Ok(()),
        }
    }

    fn count_kept(&mut self, prediction: &KeptPrediction, row: u32, truth: &Truth) -> Result<(), DatabaseError> {
        let of_row = (&prediction.assigned(), prediction.of_row(row));
        self.count(of_row, (&prediction.id, row, truth), prediction.time_ms)
    }

    /// Takes out what has waited for a prediction.
    fn waiting_for(&self, id: &str) -> Result<Vec<(u32, Truth)>, DatabaseError> {
        let rows = self.database.execute("DELETE FROM waiting WHERE id = ? RETURNING row, truth", &[id.into()])?;
        fewer_wait(self.database, rows.len())?;
        let told = rows.iter().filter_map(|cells| {
            let mut row = Row::of(cells);
            Some((u32::try_from(row.count()).ok()?, serde_json::from_str(&row.text()).ok()?))
        });
        Ok(told.collect())
    }
}
