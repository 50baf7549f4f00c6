//! An experiment as it is asked: its database, and the store that the document is published to.

use std::collections::BTreeMap;

use super::capture;
use super::history;
use super::inbox;
use super::ledger::{Ledger, Newest, Observation, Publication, Refusal};
use super::measure::Measure;
use super::message::{Answer, Command, ExperimentError};
use super::outcomes::{self, CheckedOutcome, Taken};
use super::pairs;
use super::policy::{self, Steering};
use super::scoreboard::{self, Detail, Query, Scoreboard};
use super::shares::Shares;
use super::split;
use super::tables::{prepare, set_state, state_number};
use super::tally::Tally;
use super::timetable;
use super::verdict;
use crate::endpoint::{Endpoint, Name};
use crate::platform::{
    Clock, Database, DatabaseError, Engines, Entry, Limited, Log, Namespace, Store, StoreError, Timer,
};

/// A look at the store every minute, while there is traffic.
const LOOK_EVERY_MS: f64 = 60_000.0;
/// Before a change, no older look is good enough: what somebody has just put there by hand would be written over.
const LOOK_ANEW_MS: f64 = 0.0;
/// For who serves what is not known here, of whom there may be many at once.
const LOOK_AT_STRANGE_MS: f64 = 100.0;
/// Changes on a page of the history.
const CHANGES_A_PAGE: u64 = 50;
/// An isolate that has not been heard of for a day has ended.
const FORGET_ISOLATE_MS: f64 = 86_400_000.0;
/// The most bytes that the sums of times long ago may make the database take, and the most changes that are kept.
const MOST_BYTES: u64 = 1 << 30;
const MOST_CHANGES: u64 = 10_000;
/// Sums are merged and isolates forgotten every hour.
const CLEAN_EVERY_MS: f64 = 3_600_000.0;
const CLEAN_MS: &str = "clean_ms";

/// What can be set for experiments, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Until the store shows a change everywhere.
    pub delay_ms: f64,
    /// That the store has for an answer.
    pub limit_ms: f64,
    /// How long sums are kept in which detail.
    pub detail: Detail,
    /// How long what is left of a removed endpoint is kept.
    pub keep_removed_ms: f64,
}

impl Default for Terms {
    /// As Workers KV has it; and thirty days.
    fn default() -> Self {
        Terms { delay_ms: 60_000.0, limit_ms: 2_000.0, detail: Detail::default(), keep_removed_ms: 30.0 * 86_400_000.0 }
    }
}

/// An experiment, for one question.
#[derive(Debug)]
pub struct Controller<'a, P, D> {
    pub(super) platform: Limited<P>,
    pub(super) database: &'a D,
    pub(super) endpoint: &'a Name,
    terms: Terms,
}

/// What is to be done with an experiment later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Later {
    /// Wake it then, in milliseconds since the Unix epoch.
    WakeAt(f64),
    /// Nothing is left of it: drop the database.
    Drop,
}

impl<'a, P: Store + Engines + Timer + Clock + Log, D: Database> Controller<'a, P, D> {
    /// The experiment of an endpoint.
    ///
    /// # Errors
    /// If the database fails.
    pub fn new(platform: P, database: &'a D, endpoint: &'a Name, terms: Terms) -> Result<Self, DatabaseError> {
        prepare(database, endpoint)?;
        Ok(Controller { platform: Limited::new(platform, terms.limit_ms), database, endpoint, terms })
    }

    fn ledger(&self) -> Ledger<'a, D> {
        Ledger::new(self.database, self.terms.delay_ms)
    }

    /// Answers.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ask(&self, command: Command) -> Result<Answer, ExperimentError> {
        match command {
            Command::Tally(tally) => Ok(Answer::Counted(self.count(tally).await?)),
            Command::Change { change, cause } => {
                self.look(LOOK_ANEW_MS).await?;
                let now_ms = self.platform.now_ms();
                let mut changed = None;
                self.database.atomically(&mut || {
                    changed = Some(self.ledger().change(&change, &cause, now_ms)?);
                    Ok(())
                })?;
                match changed {
                    Some(Err(error)) => Ok(Answer::Refused(error)),
                    Some(Ok(())) | None => {
                        self.steer()?;
                        Ok(Answer::Document(self.ledger().newest(None)?))
                    }
                }
            }
            Command::Shadows { now, later } => {
                self.look(LOOK_ANEW_MS).await?;
                self.steer()?;
                let now_ms = self.platform.now_ms();
                let mut planned = Ok(());
                self.database.atomically(&mut || {
                    planned = timetable::plan(self.database, &self.ledger(), (now.as_ref(), &later), now_ms)?;
                    Ok(())
                })?;
                self.steer()?;
                match planned {
                    Err(error) => Ok(Answer::Refused(error)),
                    Ok(()) => Ok(Answer::Document(self.ledger().newest(None)?)),
                }
            }
            Command::Read => {
                self.look(LOOK_ANEW_MS).await?;
                self.steer()?;
                let newest = self.ledger().newest(None)?;
                let deployment = self.steering().deployment(&newest)?.map(Box::new);
                Ok(Answer::Kept { newest, deployment })
            }
            Command::Scoreboard(query) => Ok(Answer::Scoreboard(Box::new(self.scoreboard(&query)?))),
            Command::Outcomes(told) => {
                self.look_for(&told).await?;
                self.take(&told)
            }
            Command::Verdict => {
                self.look(LOOK_EVERY_MS).await?;
                let Some(endpoint) = self.endpoint()? else { return Ok(Answer::Refused(Refusal::NotFound)) };
                let Some(measure) = Measure::of(&endpoint) else { return Ok(Answer::Refused(Refusal::NoOutcomes)) };
                self.close(&measure, &endpoint)?;
                let told = verdict::of(self.database, &measure, &endpoint, self.platform.now_ms())?;
                Ok(told.map_or(Answer::Refused(Refusal::NotFound), |verdict| Answer::Verdict(Box::new(verdict))))
            }
            Command::Pairs => {
                let endpoint = self.endpoint()?;
                let told = endpoint.as_ref().and_then(Endpoint::outcome).map(|outcome| &outcome.kind);
                let names =
                    told.map_or_else(|| Ok(BTreeMap::new()), |told| verdict::class_names(self.database, told))?;
                Ok(Answer::Pairs(Box::new(pairs::report(self.database, &names)?)))
            }
            Command::Estimate { shares } => {
                self.look(LOOK_EVERY_MS).await?;
                let Some(endpoint) = self.endpoint()? else { return Ok(Answer::Refused(Refusal::NotFound)) };
                let Some(measure) = Measure::of(&endpoint) else { return Ok(Answer::Refused(Refusal::NoOutcomes)) };
                let now_ms = self.platform.now_ms();
                let told = verdict::estimates(self.database, &measure, &endpoint, shares.as_deref(), now_ms)?;
                Ok(Answer::Estimates(Box::new(told)))
            }
            Command::Policy => {
                self.look(LOOK_EVERY_MS).await?;
                self.steer()?;
                let report = self.steering().report(self.platform.now_ms())?;
                Ok(report.map_or(Answer::Refused(Refusal::NotFound), |report| Answer::Policy(Box::new(report))))
            }
            Command::Recorded { document } => match Endpoint::parse(document.as_bytes()) {
                Ok(endpoint) => {
                    Ok(Answer::Recorded(policy::recorded(self.database, &endpoint, self.platform.now_ms())?))
                }
                Err(error) => Ok(Answer::Refused(Refusal::Document(error.to_string()))),
            },
            Command::Act { act, cause } => {
                self.look(LOOK_ANEW_MS).await?;
                self.steer()?;
                let now_ms = self.platform.now_ms();
                let mut done = Ok(());
                self.database.atomically(&mut || {
                    done = self.steering().act(&act, &cause, now_ms)?;
                    Ok(())
                })?;
                if let Err(error) = done {
                    return Ok(Answer::Unmoved(error));
                }
                let Some(report) = self.steering().report(now_ms)? else {
                    return Ok(Answer::Refused(Refusal::NotFound));
                };
                Ok(Answer::Moved { report: Box::new(report), newest: self.ledger().newest(None)? })
            }
            Command::History { before } => {
                self.look(LOOK_EVERY_MS).await?;
                let changes = history::page(self.database, before, CHANGES_A_PAGE)?;
                let more = changes.last().is_some_and(|last| last.number > 1);
                if changes.is_empty() && before.is_none() {
                    return Ok(Answer::Refused(Refusal::NotFound));
                }
                Ok(Answer::History { changes, more })
            }
        }
    }

    fn steering(&self) -> Steering<'a, D> {
        Steering::new(self.database, self.endpoint)
    }

    /// Begins and ends shadows whose time has come. In a deployment, which goes from one document to another, they wait.
    fn keep_timetable(&self) -> Result<(), DatabaseError> {
        let Some(kept) = timetable::kept(self.database)? else { return Ok(()) };
        let newest = self.ledger().newest(None)?;
        if newest.revision.is_none() {
            return timetable::forget(self.database);
        }
        let now_ms = self.platform.now_ms();
        let is_due = kept.entries.first().is_some_and(|entry| entry.at_ms <= now_ms);
        if !is_due || self.steering().deployment(&newest)?.is_some_and(|last| last.status.is_open()) {
            return Ok(());
        }
        let mut refused = None;
        self.database.atomically(&mut || {
            refused = timetable::advance(self.database, &self.ledger(), kept.clone(), now_ms)?;
            Ok(())
        })?;
        if let Some(refusal) = refused {
            let (endpoint, test) = (self.endpoint, kept.test);
            self.platform.warn(&format!("shadow test `{test}` of endpoint `{endpoint}` does not go on: {refusal}"));
        }
        Ok(())
    }

    /// Looks at the policy, and does what it decides; then begins and ends shadows.
    fn steer(&self) -> Result<(), DatabaseError> {
        // As it is with most tallies: what a look would ask first is asked alone.
        if self.steering().is_open()? {
            let now_ms = self.platform.now_ms();
            let may_step = !self.has_to_publish()?;
            self.database.atomically(&mut || self.steering().look(may_step, now_ms))?;
        }
        // Behind it: what waits for the end of a deployment is done with that.
        self.keep_timetable()
    }

    async fn count(&self, tally: Tally) -> Result<Newest, DatabaseError> {
        let now_ms = self.platform.now_ms();
        // What an isolate serves and this does not know was put into the store by hand.
        let is_strange = match &tally.revision {
            Some(revision) => !self.ledger().knows(revision)?,
            None => false,
        };
        let age_ms = if is_strange { LOOK_AT_STRANGE_MS } else { LOOK_EVERY_MS };
        let mut endpoint = None;
        if !tally.predictions.is_empty() || !tally.shadowed.is_empty() {
            // What becomes of them is said in the document, so that it has to be known first.
            self.look(age_ms).await?;
            endpoint = self.endpoint()?;
        }
        let measure = endpoint.as_ref().and_then(Measure::of);
        self.database.atomically(&mut || {
            if !inbox::receive(self.database, &tally, now_ms)? {
                return Ok(());
            }
            if let Some(measure) = &measure {
                outcomes::keep(self.database, measure, &tally.predictions, now_ms)?;
                pairs::keep(self.database, measure, &tally.shadowed, now_ms)?;
            }
            self.steering().count(&tally.wronged)
        })?;
        if let (Some(measure), Some(endpoint)) = (&measure, &endpoint) {
            self.close(measure, endpoint)?;
        }
        self.look(age_ms).await?;
        self.steer()?;
        self.ledger().newest(tally.number)
    }

    /// The endpoint as it is now; `None` where there is none, or its document is none.
    fn endpoint(&self) -> Result<Option<Endpoint>, DatabaseError> {
        let document = self.ledger().newest(None)?.document;
        Ok(document.and_then(|document| Endpoint::parse(document.as_bytes()).ok()))
    }

    /// Looks at the store, sooner where outcomes name revisions that are not known: somebody put them there by hand.
    async fn look_for(&self, told: &[CheckedOutcome]) -> Result<(), DatabaseError> {
        let mut revisions: Vec<&str> =
            told.iter().flat_map(|told| &told.claims).map(|claims| claims.revision.as_str()).collect();
        revisions.sort_unstable();
        revisions.dedup();
        let mut is_strange = false;
        for revision in revisions {
            is_strange |= !self.ledger().knows(revision)?;
        }
        self.look(if is_strange { LOOK_AT_STRANGE_MS } else { LOOK_EVERY_MS }).await
    }

    fn take(&self, told: &[CheckedOutcome]) -> Result<Answer, ExperimentError> {
        let endpoint = self.endpoint()?;
        let Some((endpoint, measure)) = endpoint.as_ref().and_then(|each| Some((each, Measure::of(each)?))) else {
            return Ok(Answer::Refused(Refusal::NoOutcomes));
        };
        let now_ms = self.platform.now_ms();
        let mut taken = Taken::default();
        self.database.atomically(&mut || {
            taken = outcomes::take(self.database, &measure, told, now_ms)?;
            verdict::note(self.database, &measure, endpoint, now_ms)
        })?;
        self.steer()?;
        Ok(Answer::Outcomes(taken))
    }

    /// Closes predictions that no outcome can come for any more, some at once; whether there may be more.
    fn close(&self, measure: &Measure<'_>, endpoint: &Endpoint) -> Result<bool, DatabaseError> {
        let now_ms = self.platform.now_ms();
        let mut more = false;
        self.database.atomically(&mut || {
            more = outcomes::close(self.database, measure, now_ms)?;
            verdict::note(self.database, measure, endpoint, now_ms)
        })?;
        Ok(more)
    }

    /// Looks at the store, unless it was looked at so short a time ago.
    async fn look(&self, age_ms: f64) -> Result<(), DatabaseError> {
        let asked_ms = self.platform.now_ms();
        if self.ledger().looked_ms()?.is_some_and(|looked_ms| asked_ms - looked_ms < age_ms) {
            return Ok(());
        }
        let seen = match self.platform.read_entry(Namespace::Endpoints, self.endpoint.as_str()).await {
            Ok(None) => Observation { document: None, number: None, asked_ms },
            Ok(Some(Entry { value, times })) => match String::from_utf8(value) {
                Ok(document) => {
                    Observation { document: Some(document), number: times.and_then(|times| times.number), asked_ms }
                }
                // No document that could be kept here, nor one that is served.
                Err(_) => return Ok(()),
            },
            Err(StoreError(problem)) => {
                self.platform.warn(&format!("experiment `{}` cannot look at the store: {problem}", self.endpoint));
                return Ok(());
            }
        };
        let now_ms = self.platform.now_ms();
        self.database.atomically(&mut || self.ledger().observe(&seen, now_ms))
    }

    fn scoreboard(&self, query: &Query) -> Result<Scoreboard, DatabaseError> {
        // Each revision's document is read once for both.
        let mut shares = Shares::default();
        let (lines, cut) = scoreboard::lines(self.database, query, &self.steering().fleets()?, &mut shares)?;
        let split = split::of(self.database, &mut shares)?;
        Ok(Scoreboard {
            split,
            as_of_ms: self.platform.now_ms(),
            revision: self.ledger().newest(Some(0))?.revision,
            by: query.by,
            lines,
            cut,
            policy: self.steering().status()?,
            pairs: pairs::lines(self.database)?,
            lost: inbox::lost(self.database)?,
            capture: capture::counts(self.database)?,
            bytes: self.database.bytes()?,
        })
    }

    /// Whether the store has to be told of the document: see [`Controller::publish`].
    ///
    /// # Errors
    /// If the database fails.
    pub fn has_to_publish(&self) -> Result<bool, DatabaseError> {
        self.ledger().has_to_publish()
    }

    /// Tells the store what it does not have yet; whether it has all of it. Not to be called while another call lasts: the
    /// store would keep whichever came last.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn publish(&self) -> Result<bool, DatabaseError> {
        while let Some(Publication { number, document, times }) = self.ledger().publication()? {
            let name = self.endpoint.as_str();
            let told = match &document {
                Some(document) => self.platform.write(Namespace::Endpoints, name, document, times).await,
                None => self.platform.delete(Namespace::Endpoints, name).await,
            };
            if let Err(StoreError(problem)) = told {
                self.platform.warn(&format!("experiment `{name}` could not publish change {number}: {problem}"));
                return Ok(false);
            }
            self.ledger().published(number, self.platform.now_ms())?;
        }
        Ok(true)
    }

    /// Does what is to be done by now: the policy is looked at, and what is old is cleaned away.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn wake(&self) -> Result<Later, DatabaseError> {
        self.look(LOOK_EVERY_MS).await?;
        self.steer()?;
        if self.platform.now_ms() >= self.clean_ms()? {
            match self.clean()? {
                Later::Drop => return Ok(Later::Drop),
                Later::WakeAt(ms) => set_state(self.database, CLEAN_MS, ms.into())?,
            }
        }
        Ok(Later::WakeAt(self.wake_ms()?))
    }

    /// When there is something to be done next, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// If the database fails.
    pub fn wake_ms(&self) -> Result<f64, DatabaseError> {
        let timetable = timetable::wake_ms(self.database, self.platform.now_ms())?;
        let others = [self.steering().wake_ms()?, policy::next_ms(self.database)?, timetable];
        Ok(others.into_iter().flatten().fold(self.clean_ms()?, f64::min))
    }

    fn clean_ms(&self) -> Result<f64, DatabaseError> {
        if let Some(ms) = state_number(self.database, CLEAN_MS)? {
            return Ok(ms);
        }
        let ms = self.platform.now_ms() + CLEAN_EVERY_MS;
        set_state(self.database, CLEAN_MS, ms.into())?;
        Ok(ms)
    }

    /// Cleans away what is old; says when to do it again.
    ///
    /// # Errors
    /// If the database fails.
    pub fn clean(&self) -> Result<Later, DatabaseError> {
        let now_ms = self.platform.now_ms();
        if let Newest { revision: None, times: Some(times), .. } = self.ledger().newest(None)?
            && now_ms - times.modified_ms > self.terms.keep_removed_ms
        {
            return Ok(Later::Drop);
        }
        let mut more = false;
        let endpoint = self.endpoint()?;
        let measure = endpoint.as_ref().and_then(Measure::of);
        if let (Some(measure), Some(endpoint)) = (&measure, &endpoint) {
            more |= self.close(measure, endpoint)?;
        }
        self.database.atomically(&mut || {
            more |= outcomes::forget(self.database, measure.as_ref(), now_ms)?;
            inbox::forget(self.database, now_ms - FORGET_ISOLATE_MS)?;
            more |= scoreboard::merge(self.database, self.terms.detail, now_ms)?;
            history::forget(self.database, MOST_CHANGES)?;
            if self.database.bytes()? > MOST_BYTES {
                more |= scoreboard::forget(self.database)?;
            }
            Ok(())
        })?;
        Ok(Later::WakeAt(now_ms + if more { 1_000.0 } else { CLEAN_EVERY_MS }))
    }
}
