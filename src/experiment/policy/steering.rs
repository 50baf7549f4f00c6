//! Policies on an experiment's database: started, looked at, moved on, ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::arms::arms;
use super::decide::{Decision, Waiting, decide};
use super::deeds::{self, Deed, Told};
use super::evidence::{Alarmed, Evidence, Requests, Segment, UnitEvents};
use super::guard::{Guarded, alarmed};
use super::plan::{Course, Plan, PlanError, Shares, share_of};
use super::run::{Began, LastDeployment, Run};
use crate::assignment::Reason;
use crate::endpoint::{Endpoint, Name, Policy, Weight, WeightChange};
use crate::experiment::alarm::Alarm;
use crate::experiment::fleets::Fleets;
use crate::experiment::history::{self, Author, Cause, Version};
use crate::experiment::ledger::{Change, Condition, Edit, Newest, Refusal};
use crate::experiment::measure::{self, Measure, WHOLE};
use crate::experiment::scoreboard;
use crate::experiment::shares::Shares as KnownShares;
use crate::experiment::status::Status;
use crate::experiment::tables::{Row, set_state, state_number, state_text};
use crate::experiment::tally::{Event, Wronged};
use crate::experiment::{units, verdict};
use crate::platform::{Cell, Database, DatabaseError};

const RUN: &str = "policy";
/// Where it is, for who wants to know no more: that is asked with each tally.
const STATUS: &str = "policy_status";
const LOOKED_MS: &str = "policy_looked_ms";
const WAKE_MS: &str = "policy_wake_ms";
const ALARMS: &str = "policy_alarms";

/// A policy is looked at no more often than this when tallies come in, and no less often when nothing happens.
const LEAST_BETWEEN_MS: f64 = 500.0;
const MOST_BETWEEN_MS: f64 = 30_000.0;
/// Alarms are judged no more often than this: their periods are minutes, and each takes many rows.
const ALARMS_EVERY_MS: f64 = 5_000.0;
const A_DAY_MS: f64 = 86_400_000.0;
/// What could not be done is tried again after this.
const AGAIN_MS: f64 = 2_000.0;
/// The most events of units that are kept: long before that, the test has decided.
const MOST_WRONGED: u64 = 50_000;
/// Parameters of one statement.
const MOST_NAMED: usize = 90;
/// Deeds that are told.
const MOST_TOLD: u64 = 100;

/// What is to be done with a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Start it.
    Start(Start),
    /// Let it rest where it is.
    Pause,
    /// Let it go on.
    Resume,
    /// Take the next step now.
    Hurry,
    /// Put back the document from before it, and end it.
    RollBack,
    /// End it, and leave the weights as they are.
    Stop,
}

/// How a policy is started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The document that takes the place of the one that is there; the policy in that one, where it is absent.
    pub document: Option<String>,
    /// Of which version.
    pub condition: Condition,
    /// Another plan than the document's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
    /// The document that it ends with, where that is another than the one of its last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
}

/// Why nothing is done with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ActError {
    /// There is nothing to do.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The document cannot be changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// One is enough.
    #[error("a policy is {} already: stop it, or roll it back, before another is started", .0.as_str())]
    Open(Status),
    /// There is none that this could be done with.
    #[error("no policy is {0}")]
    NotSo(String),
    /// The document has become another in a way that the policy cannot go on from.
    #[error("the policy cannot go on: {0}")]
    Changed(String),
    /// A guardrail would turn it back at once.
    #[error("the next step is not taken: {0}")]
    Breached(String),
    /// An alarm would roll it back at once.
    #[error("the deployment is not started, as it would be rolled back at once: {0}")]
    Alarmed(String),
}

/// A policy as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When, in milliseconds since the Unix epoch.
    pub as_of_ms: f64,
    /// The revision that is served.
    pub revision: Option<String>,
    /// The policy in the document; absent where it has none.
    pub policy: Option<Policy>,
    /// Where the last one that was started is; absent where none was.
    pub status: Option<Status>,
    /// Why it is there, in a sentence.
    pub says: Option<String>,
    /// What it waits for, as long as it runs.
    pub waiting_for: Option<String>,
    /// About how many seconds that will take, where it can be told.
    pub about_seconds: Option<f64>,
    /// When it was started, in milliseconds since the Unix epoch.
    pub began_ms: Option<f64>,
    /// The revision that a rollback puts back.
    pub before: Option<String>,
    /// The step that it is in.
    pub step: Option<StepReport>,
    /// The variants' shares, as the document has them.
    pub shares: Shares,
    /// Guardrails turn it back for nothing with this probability at most, all together.
    pub alpha: Option<f64>,
    /// The guardrails, as long as it is not ended.
    pub guardrails: Vec<Guarded>,
    /// What was done, the newest first: the last hundred deeds.
    pub deeds: Vec<Told>,
}

/// A step of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its number, from 1 on; of a bandit, how often it has moved weights, and one more.
    pub number: usize,
    /// Of how many; absent of a bandit.
    pub of: Option<usize>,
    /// How far it is, in percent; absent of a bandit.
    pub percent: Option<f64>,
    /// All steps, in percent; none of a bandit.
    pub percents: Vec<f64>,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: f64,
    /// Requests of those who are watched, in this step.
    pub invocations: u64,
    /// And outcomes.
    pub outcomes: u64,
}

/// An experiment's policies.
#[derive(Debug)]
pub(in crate::experiment) struct Steering<'a, D> {
    database: &'a D,
    endpoint: &'a Name,
}

/// What alarms said, as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptAlarms {
    /// Which policy they are of: when it was started.
    began_ms: f64,
    /// When they were judged.
    at_ms: f64,
    alarms: Vec<Alarmed>,
}

/// The document as it is.
struct Now {
    version: Version,
    document: String,
    endpoint: Endpoint,
}

impl<'a, D: Database> Steering<'a, D> {
    pub fn new(database: &'a D, endpoint: &'a Name) -> Self {
        Steering { database, endpoint }
    }

    fn run(&self) -> Result<Option<Run>, DatabaseError> {
        let text = state_text(self.database, RUN)?;
        // What another version of this code has left is no reason to fail: nothing runs then.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Whether a policy may still do something.
    pub fn is_open(&self) -> Result<bool, DatabaseError> {
        Ok(self.status()?.is_some_and(Status::is_open))
    }

    /// The policy that was started last, where it may still do something.
    fn open_run(&self) -> Result<Option<Run>, DatabaseError> {
        if self.is_open()? { self.run() } else { Ok(None) }
    }

    fn save(&self, run: &Run) -> Result<(), DatabaseError> {
        let text = serde_json::to_string(run).map_err(|error| DatabaseError(error.to_string()))?;
        set_state(self.database, RUN, Cell::Text(text))?;
        set_state(self.database, STATUS, run.status.as_str().into())
    }

    /// Whose requests are whose, by the last deployment.
    pub fn fleets(&self) -> Result<Fleets, DatabaseError> {
        Ok(self.run()?.map(|run| run.fleets()).unwrap_or_default())
    }

    /// What is told of the last deployment; `None` where there has been none since the endpoint was made.
    pub fn deployment(&self, newest: &Newest) -> Result<Option<LastDeployment>, DatabaseError> {
        let made_ms = newest.times.and_then(|times| times.created_ms).unwrap_or(0.0);
        Ok(self.run()?.filter(|run| run.began_ms >= made_ms).and_then(|run| run.deployment(newest.number)))
    }

    /// The document; `None` where there is none, or it is none.
    fn now(&self) -> Result<Option<Now>, DatabaseError> {
        let Some(version) = history::newest(self.database)? else { return Ok(None) };
        let Some(document) = version.document.clone() else { return Ok(None) };
        let parsed = Endpoint::parse(document.as_bytes()).ok();
        Ok(parsed.map(|endpoint| Now { version, document, endpoint }))
    }

    /// Where the policy that was started last is; `None` where none was.
    pub fn status(&self) -> Result<Option<Status>, DatabaseError> {
        let kept = state_text(self.database, STATUS)?;
        Ok(kept.and_then(|kept| Status::ALL.into_iter().find(|status| status.as_str() == kept)))
    }

    /// When it is to be looked at next, in milliseconds since the Unix epoch; `None` where nothing runs.
    pub fn wake_ms(&self) -> Result<Option<f64>, DatabaseError> {
        if !self.is_open()? {
            return Ok(None);
        }
        let looked_ms = state_number(self.database, LOOKED_MS)?.unwrap_or(0.0);
        Ok(state_number(self.database, WAKE_MS)?.map(|wake_ms| wake_ms.max(looked_ms + LEAST_BETWEEN_MS)))
    }

    /// Counts units of which a request went wrong. The database is to be asked for all of it at once.
    pub fn count(&self, wronged: &[Wronged]) -> Result<(), DatabaseError> {
        if wronged.is_empty() {
            return Ok(());
        }
        let Some(run) = self.open_run()? else { return Ok(()) };
        let kept = self.database.execute("SELECT COUNT(*) FROM wronged", &[])?;
        let mut kept = kept.first().map_or(0, |cells| Row::of(cells).count());
        for each in wronged {
            let Some(segment) = run.segment(&each.revision).filter(|_| kept < MOST_WRONGED) else { continue };
            let new = self.database.execute(
                "INSERT OR IGNORE INTO wronged (event, unit, segment, variant) VALUES (?, ?, ?, ?) RETURNING 1",
                &[
                    event_name(each.event).into(),
                    Cell::count(each.unit),
                    Cell::count(u64::try_from(segment).unwrap_or(u64::MAX)),
                    each.variant.as_str().into(),
                ],
            )?;
            kept = kept.saturating_add(u64::from(!new.is_empty()));
        }
        Ok(())
    }

    /// Looks at the policy, if it runs and was not looked at just now, and does what it decides. The database is to be asked
    /// for all of it at once.
    pub fn look(&self, may_step: bool, now_ms: f64) -> Result<(), DatabaseError> {
        let Some(run) = self.open_run()? else { return Ok(()) };
        let looked_ms = state_number(self.database, LOOKED_MS)?.unwrap_or(0.0);
        let newest = history::newest_number(self.database)?;
        // A clock that was set back is no reason to wait.
        if newest == run.number && (0.0..LEAST_BETWEEN_MS).contains(&(now_ms - looked_ms)) {
            return Ok(());
        }
        set_state(self.database, LOOKED_MS, now_ms.into())?;
        let now = self.now()?;
        if newest != run.number {
            return self.overtaken(run, now.as_ref(), now_ms);
        }
        let Some(now) = now else { return Ok(()) };
        let evidence = self.evidence(&run, &now.endpoint, now_ms)?;
        let (guarded, decision) = decide(&run, &evidence);
        let wake_ms = match &decision {
            // Its steps are not waited for, and what turns it back comes with requests.
            _ if run.status == Status::Paused => MOST_BETWEEN_MS,
            Decision::Wait(Waiting { about_ms, .. }) => about_ms.unwrap_or(MOST_BETWEEN_MS),
            // Whether the store has been told by then.
            _ => AGAIN_MS,
        };
        set_state(self.database, WAKE_MS, (now_ms + wake_ms.clamp(LEAST_BETWEEN_MS, MOST_BETWEEN_MS)).into())?;
        match decision {
            Decision::Wait(_) => Ok(()),
            // It rests, but what is wrong is turned back all the same.
            decision if run.status == Status::Paused && !matches!(decision, Decision::RollBack { .. }) => Ok(()),
            // What the store has not been told yet is not moved on from.
            Decision::Step { .. } | Decision::End { .. } if !may_step => Ok(()),
            decision => self.apply(run, now, decision, (Author::Policy, &figures(&guarded, &evidence)), now_ms),
        }
    }

    /// Somebody else has changed the document; `now` is `None` where there is none, or it is none.
    fn overtaken(&self, mut run: Run, now: Option<&Now>, now_ms: f64) -> Result<(), DatabaseError> {
        let Some(version) = history::newest(self.database)? else { return Ok(()) };
        if version.document.is_none() {
            run.status = Status::Stopped;
            run.says = "the endpoint was removed.".to_owned();
            return self.note(&run, None, (Deed::Stop, None), None, now_ms);
        }
        // Nothing is looked at before somebody resumes it.
        set_state(self.database, WAKE_MS, (now_ms + A_DAY_MS).into())?;
        if run.status == Status::Paused {
            return Ok(());
        }
        let who = match &version.author {
            Author::Hand => "somebody put a document into KV by hand",
            Author::Token | Author::Key(_) => "the administrator changed the document",
            Author::Policy => "the document was changed",
        };
        let why = version.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        run.status = Status::Paused;
        run.says = format!("{who}{why}: the weights stay as they are until the policy is resumed or ended.");
        self.note(&run, now.map(|now| &now.endpoint), (Deed::Pause, version.revision.as_deref()), None, now_ms)
    }

    /// Keeps where a policy is, and tells that it is there.
    fn note(
        &self,
        run: &Run,
        endpoint: Option<&Endpoint>,
        (deed, revision): (Deed, Option<&str>),
        figures: Option<&Value>,
        now_ms: f64,
    ) -> Result<(), DatabaseError> {
        self.save(run)?;
        let notify = endpoint.and_then(Endpoint::notify);
        deeds::add(self.database, (self.endpoint, notify), (deed, revision, &run.says), figures, now_ms)
    }

    fn apply(
        &self,
        mut run: Run,
        now: Now,
        decision: Decision,
        (author, figures): (Author, &Value),
        now_ms: f64,
    ) -> Result<(), DatabaseError> {
        let (deed, document) = match decision {
            Decision::Wait(_) => return Ok(()),
            Decision::Step { shares, says } => {
                run.says = says;
                (Deed::Step, Some(weighted(&now.document, &shares)))
            }
            Decision::Pause { says } => {
                run.status = Status::Paused;
                run.says = says;
                (Deed::Pause, None)
            }
            Decision::RollBack { says } => {
                run.status = Status::RolledBack;
                run.says = says;
                let before = history::of_revision(self.database, &run.before)?.and_then(|version| version.document);
                (Deed::RollBack, Some(before.ok_or_else(|| "it is not in the history any more".to_owned())))
            }
            Decision::End { shares, says } => {
                run.status = Status::Done;
                run.says = says;
                let ends_with = run.finish.clone().map(Ok);
                (Deed::End, ends_with.or_else(|| Some(weighted(&now.document, &shares?))))
            }
        };
        let document = match document.transpose() {
            Ok(document) => document.filter(|document| *document != now.document),
            Err(problem) => {
                run.status = Status::Paused;
                run.says = format!("{} But the document cannot be made: {problem}", run.says);
                let revision = now.version.revision.as_deref();
                return self.note(&run, Some(&now.endpoint), (Deed::Pause, revision), Some(figures), now_ms);
            }
        };
        let mut revision = now.version.revision.clone();
        if let Some(document) = document {
            let figures = Some(figures.clone()).filter(|figures| !figures.is_null());
            let cause = Cause { author, reason: Some(run.says.clone()), figures };
            let version = history::add(self.database, Some(document), &cause, now_ms)?;
            self.follow(&mut run, &version, now_ms)?;
            revision = version.revision;
        }
        if deed == Deed::Step {
            let evidence = self.evidence(&run, &now.endpoint, now_ms)?;
            run.stepped(&evidence, now_ms);
        }
        self.note(&run, Some(&now.endpoint), (deed, revision.as_deref()), Some(figures), now_ms)
    }

    /// Takes a version of the document as the policy's own, from which on is counted.
    fn follow(&self, run: &mut Run, version: &Version, now_ms: f64) -> Result<(), DatabaseError> {
        run.number = version.number;
        run.since_ms = now_ms;
        let (Some(revision), Some(shares)) = (version.revision.clone(), version.shares()) else { return Ok(()) };
        if run.segment(&revision).is_none() {
            let before = self.counts(&[&revision])?.remove(&revision).unwrap_or_default();
            run.segments.push(Began { revision, shares, before });
        }
        Ok(())
    }

    /// Does what somebody asks for. The database is to be asked for all of it at once.
    pub fn act(&self, act: &Act, cause: &Cause, now_ms: f64) -> Result<Result<(), ActError>, DatabaseError> {
        if let Act::Start(start) = act {
            return self.start(start, cause, now_ms);
        }
        let Some(mut run) = self.run()? else { return Ok(Err(not_so("running"))) };
        let Some(now) = self.now()? else { return Ok(Err(Refusal::NotFound.into())) };
        let revision = now.version.revision.clone();
        let by = cause.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let noted = |run: &Run, deed| self.note(run, Some(&now.endpoint), (deed, revision.as_deref()), None, now_ms);
        match act {
            Act::Pause if run.status == Status::Running => {
                run.status = Status::Paused;
                run.says = format!("the administrator paused it{by}.");
                noted(&run, Deed::Pause)?;
            }
            Act::Stop if run.status.is_open() => {
                run.status = Status::Stopped;
                run.says = format!("the administrator ended it, and left the weights as they were{by}.");
                noted(&run, Deed::Stop)?;
            }
            Act::RollBack if run.status.is_open() || run.status == Status::Done => {
                let says = format!("the administrator put back what was before{by}.");
                run.number = now.version.number;
                self.apply(run, now, Decision::RollBack { says }, (cause.author.clone(), &Value::Null), now_ms)?;
            }
            Act::Resume if run.status == Status::Paused => {
                return self.resume(run, now, (cause.author.clone(), &by), now_ms);
            }
            Act::Hurry if run.status == Status::Running => {
                let evidence = self.evidence(&run, &now.endpoint, now_ms)?;
                let (guarded, decision) = decide(&run, &evidence);
                if let Some(guarded) = guarded.iter().find(|guarded| guarded.breached) {
                    return Ok(Err(ActError::Breached(guarded.says.clone())));
                }
                let decision = match (&run.plan.course, decision) {
                    (Course::Ramp(climb), Decision::Wait(_) | Decision::Pause { .. }) => {
                        match climb.is_last(run.step) {
                            true => {
                                Decision::End { shares: None, says: format!("the administrator ended the ramp{by}.") }
                            }
                            false => Decision::Step {
                                shares: climb.shares(run.step.saturating_add(1)),
                                says: format!("the administrator hurried it on{by}."),
                            },
                        }
                    }
                    (Course::Bandit { .. }, Decision::Wait(Waiting { says, .. })) => {
                        // Its time may be cut short, not its reasons.
                        let mut sooner = run.clone();
                        sooner.since_ms = f64::NEG_INFINITY;
                        match decide(&sooner, &evidence).1 {
                            Decision::Wait(_) => return Ok(Err(ActError::Breached(says))),
                            decision => decision,
                        }
                    }
                    (_, decision) => decision,
                };
                self.apply(run, now, decision, (cause.author.clone(), &figures(&guarded, &evidence)), now_ms)?;
            }
            Act::Pause | Act::Hurry => return Ok(Err(not_so("running"))),
            Act::Resume => return Ok(Err(not_so("paused"))),
            Act::Stop | Act::RollBack => return Ok(Err(not_so("running or paused"))),
            Act::Start(_) => {}
        }
        Ok(Ok(()))
    }

    fn start(&self, start: &Start, cause: &Cause, now_ms: f64) -> Result<Result<(), ActError>, DatabaseError> {
        if let Some(run) = self.open_run()? {
            return Ok(Err(ActError::Open(run.status)));
        }
        let newest = history::newest(self.database)?;
        let Some(Version { document: Some(current), revision: Some(before), number, .. }) = newest else {
            return Ok(Err(Refusal::NotFound.into()));
        };
        let document = start.document.clone().unwrap_or_else(|| current.clone());
        let change = Change { edit: Edit::Document(document), condition: start.condition.clone() };
        let document = match change.applied_to(Some(&current), None) {
            Ok(document) => document.unwrap_or_default(),
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let endpoint = match Endpoint::parse(document.as_bytes()) {
            Ok(endpoint) => endpoint,
            Err(error) => return Ok(Err(Refusal::Document(error.to_string()).into())),
        };
        let plan = match &start.plan {
            Some(plan) => (**plan).clone(),
            None => match Plan::of(&endpoint) {
                Ok(plan) => plan,
                Err(error) => return Ok(Err(ActError::from(error))),
            },
        };
        if let Some(deployment) = &plan.deployment {
            let alarms = self.judge(&deployment.alarms, &self.fleets()?, now_ms)?;
            if let Some(guarded) = alarms.iter().map(alarmed).find(|guarded| guarded.breached) {
                return Ok(Err(ActError::Alarmed(guarded.says)));
            }
        }
        let (shares, says) = (plan.begin(&endpoint), begins(&plan));
        let document = match weighted(&document, &shares) {
            Ok(document) => document,
            Err(problem) => return Ok(Err(Refusal::Document(problem).into())),
        };
        self.database.execute("DELETE FROM wronged", &[])?;
        let mut run =
            Run { says: says.clone(), finish: start.finish.clone(), number, ..Run::begun(plan, before, now_ms) };
        if document != current {
            let why = cause.reason.as_ref().map(|reason| format!("{reason}: ")).unwrap_or_default();
            let cause = Cause { author: cause.author.clone(), reason: Some(format!("{why}{says}")), figures: None };
            history::add(self.database, Some(document), &cause, now_ms)?;
        }
        if let Some(version) = history::newest(self.database)? {
            self.follow(&mut run, &version, now_ms)?;
        }
        let evidence = self.evidence(&run, &endpoint, now_ms)?;
        (run.invocations_before, run.outcomes_before) = run.had(&evidence);
        set_state(self.database, WAKE_MS, (now_ms + LEAST_BETWEEN_MS).into())?;
        let revision = run.segments.last().map(|began| began.revision.clone());
        let figures = figures(&[], &evidence);
        self.note(&run, Some(&endpoint), (Deed::Start, revision.as_deref()), Some(&figures), now_ms)?;
        Ok(Ok(()))
    }

    /// Lets a policy go on: with the weights of the step that it was in, of the document as it is now.
    fn resume(
        &self,
        mut run: Run,
        now: Now,
        (author, by): (Author, &str),
        now_ms: f64,
    ) -> Result<Result<(), ActError>, DatabaseError> {
        let is_changed = run.number != now.version.number;
        let mut document = now.document.clone();
        if is_changed {
            if run.finish.is_some() {
                let problem = "the document is no longer the one of the deployment: end it, and start it anew";
                return Ok(Err(ActError::Changed(problem.to_owned())));
            }
            let shares = match (&run.plan.course, Plan::of(&now.endpoint)) {
                (Course::Ramp(before), Ok(Plan { course: Course::Ramp(mut climb), guardrails, alpha, .. }))
                    if before.to_name == climb.to_name =>
                {
                    // The steps stay as they were planned, so that it goes on from where it was.
                    climb.percent.clone_from(&before.percent);
                    let shares = climb.shares(run.step);
                    run.plan = Plan { course: Course::Ramp(climb), guardrails, alpha, deployment: None };
                    shares
                }
                (Course::Bandit { .. }, Ok(plan @ Plan { course: Course::Bandit { .. }, .. })) => {
                    let shares = plan.begin(&now.endpoint);
                    run.plan = plan;
                    shares
                }
                (_, Err(error)) => return Ok(Err(ActError::Changed(error.to_string()))),
                _ => {
                    let problem = "the document has another policy by now: end this one, and start that";
                    return Ok(Err(ActError::Changed(problem.to_owned())));
                }
            };
            document = match weighted(&now.document, &shares) {
                Ok(document) => document,
                Err(problem) => return Ok(Err(ActError::Changed(problem))),
            };
            run.units_anew_from = run.segments.len();
        }
        run.status = Status::Running;
        run.says = format!("the administrator let it go on{by}.");
        let version = if document == now.document {
            now.version
        } else {
            let cause = Cause::of(author, Some(run.says.clone()));
            history::add(self.database, Some(document), &cause, now_ms)?
        };
        self.follow(&mut run, &version, now_ms)?;
        set_state(self.database, WAKE_MS, (now_ms + LEAST_BETWEEN_MS).into())?;
        self.note(&run, Some(&now.endpoint), (Deed::Resume, version.revision.as_deref()), None, now_ms)?;
        Ok(Ok(()))
    }

    /// What is told of the policy; `None` where there is no document.
    pub fn report(&self, now_ms: f64) -> Result<Option<Report>, DatabaseError> {
        let now = self.now()?;
        let run = self.run()?;
        if now.is_none() && run.is_none() {
            return Ok(None);
        }
        let deeds = deeds::newest(self.database, MOST_TOLD)?;
        let endpoint = now.as_ref().map(|now| &now.endpoint);
        let mut report = Report {
            as_of_ms: now_ms,
            revision: now.as_ref().and_then(|now| now.version.revision.clone()),
            policy: endpoint.and_then(Endpoint::policy).cloned(),
            status: run.as_ref().map(|run| run.status),
            says: run.as_ref().map(|run| run.says.clone()),
            waiting_for: None,
            about_seconds: None,
            began_ms: run.as_ref().map(|run| run.began_ms),
            before: run.as_ref().map(|run| run.before.clone()),
            step: None,
            shares: endpoint.map(Endpoint::shares).unwrap_or_default(),
            alpha: run.as_ref().map(|run| run.plan.alpha),
            guardrails: Vec::new(),
            deeds,
        };
        let Some((run, endpoint)) = run.zip(endpoint) else { return Ok(Some(report)) };
        let evidence = self.evidence(&run, endpoint, now_ms)?;
        let (guarded, decision) = decide(&run, &evidence);
        let (invocations, outcomes) = run.had(&evidence);
        let climb = run.plan.climb();
        report.step = Some(StepReport {
            number: run.step.saturating_add(1),
            of: climb.map(|climb| climb.percent.len()),
            percent: climb.and_then(|climb| climb.percent.get(run.step).copied()),
            percents: climb.map(|climb| climb.percent.clone()).unwrap_or_default(),
            since_ms: run.since_ms,
            invocations: invocations.saturating_sub(run.invocations_before),
            outcomes: outcomes.saturating_sub(run.outcomes_before),
        });
        report.guardrails = guarded;
        if run.status == Status::Running
            && let Decision::Wait(Waiting { says, about_ms }) = decision
        {
            report.waiting_for = Some(says);
            report.about_seconds = about_ms.map(|ms| (ms / 1000.0).ceil()).filter(|seconds| seconds.is_finite());
        }
        Ok(Some(report))
    }

    fn evidence(&self, run: &Run, endpoint: &Endpoint, now_ms: f64) -> Result<Evidence, DatabaseError> {
        let revisions: Vec<&str> = run.segments.iter().map(|began| began.revision.as_str()).collect();
        let mut counts = self.counts(&revisions)?;
        let mut seen = units::of_revisions(self.database, &revisions)?;
        let segments = run.segments.iter().map(|began| {
            let mut requests = counts.remove(&began.revision).unwrap_or_default();
            for (variant, before) in &began.before {
                if let Some(counted) = requests.get_mut(variant) {
                    *counted = counted.since(*before);
                }
            }
            let units = seen.remove(&began.revision).unwrap_or_default();
            Segment { shares: began.shares.clone(), requests, units }
        });
        let mut evidence = Evidence {
            now_ms,
            heard_ms: self.heard_ms()?,
            segments: segments.collect(),
            units: self.unit_events()?,
            units_anew_from: run.units_anew_from,
            alarms: self.alarms(run, now_ms)?,
            ..Evidence::default()
        };
        if let Some(measure) = Measure::of(endpoint) {
            let effects = measure::effects(self.database, WHOLE)?;
            evidence.judged = verdict::judged(self.database, &measure, endpoint, &effects)?;
            for variant in endpoint.answering() {
                let outcomes = effects.outcomes_of(variant.name.as_str()).max(0.0) as u64;
                evidence.outcomes.insert(variant.name.to_string(), outcomes);
            }
            if let Course::Bandit { variants, .. } = &run.plan.course {
                evidence.arms = arms(&effects, measure.metric, variants);
                evidence.lower_is_better = !measure.metric.is_better_higher();
            }
        }
        Ok(evidence)
    }

    /// What the alarms of a deployment say now, or said a moment ago.
    fn alarms(&self, run: &Run, now_ms: f64) -> Result<Vec<Alarmed>, DatabaseError> {
        let Some(deployment) = run.plan.deployment.as_ref().filter(|deployment| !deployment.alarms.is_empty()) else {
            return Ok(Vec::new());
        };
        let text = state_text(self.database, ALARMS)?;
        let kept = text.and_then(|text| serde_json::from_str::<KeptAlarms>(&text).ok());
        let is_fresh = |kept: &KeptAlarms| {
            kept.began_ms == run.began_ms && (0.0..ALARMS_EVERY_MS).contains(&(now_ms - kept.at_ms))
        };
        if let Some(kept) = kept.filter(is_fresh) {
            return Ok(kept.alarms);
        }
        let alarms = self.judge(&deployment.alarms, &run.fleets(), now_ms)?;
        let kept = KeptAlarms { began_ms: run.began_ms, at_ms: now_ms, alarms };
        let text = serde_json::to_string(&kept).map_err(|error| DatabaseError(error.to_string()))?;
        set_state(self.database, ALARMS, Cell::Text(text))?;
        Ok(kept.alarms)
    }

    /// What alarms say of this endpoint's requests.
    fn judge(&self, alarms: &[Alarm], fleets: &Fleets, now_ms: f64) -> Result<Vec<Alarmed>, DatabaseError> {
        let mut shares = KnownShares::default();
        let mut judged = Vec::new();
        for alarm in alarms {
            let (lines, _) = scoreboard::lines(self.database, &alarm.query(now_ms), fleets, &mut shares)?;
            let evaluated = alarm.state(&lines, now_ms, None);
            judged.push(Alarmed { name: alarm.name.clone(), threshold: alarm.threshold, evaluated });
        }
        Ok(judged)
    }

    /// When an isolate was heard of last.
    fn heard_ms(&self) -> Result<Option<f64>, DatabaseError> {
        let rows = self.database.execute("SELECT MAX(heard_ms) FROM isolates", &[])?;
        Ok(rows.first().and_then(|cells| Row::of(cells).optional_number()))
    }

    /// Requests that were chosen by weight or unit, by revision and variant.
    fn counts(&self, revisions: &[&str]) -> Result<BTreeMap<String, BTreeMap<String, Requests>>, DatabaseError> {
        let mut counts: BTreeMap<String, BTreeMap<String, Requests>> = BTreeMap::new();
        for some in revisions.chunks(MOST_NAMED) {
            let places = vec!["?"; some.len()].join(", ");
            let sql = format!(
                "SELECT revision, variant, reason, invocations, variant_errors, slow FROM sums
                    WHERE span = 0 AND since = 0 AND revision IN ({places}) AND reason IN ('weighted', 'sticky')"
            );
            let named: Vec<Cell> = some.iter().map(|revision| (*revision).into()).collect();
            for cells in &self.database.execute(&sql, &named)? {
                let mut row = Row::of(cells);
                let (revision, variant, reason) = (row.text(), row.text(), row.text());
                let (invocations, errors, slow) = (row.count(), row.count(), row.count());
                let sums = counts.entry(revision).or_default().entry(variant).or_default();
                sums.invocations = sums.invocations.saturating_add(invocations);
                sums.errors = sums.errors.saturating_add(errors);
                if reason == Reason::Weighted.as_str() {
                    sums.drawn = sums.drawn.saturating_add(invocations);
                    sums.drawn_errors = sums.drawn_errors.saturating_add(errors);
                    sums.drawn_slow = sums.drawn_slow.saturating_add(slow);
                }
            }
        }
        Ok(counts)
    }

    fn unit_events(&self) -> Result<Vec<UnitEvents>, DatabaseError> {
        let rows = self.database.execute(
            "SELECT event, segment, variant, segment_before, variant_before, COUNT(*) FROM
                (SELECT event, segment, variant,
                    LAG(segment) OVER one AS segment_before, LAG(variant) OVER one AS variant_before
                    FROM wronged WINDOW one AS (PARTITION BY event, unit ORDER BY segment))
                GROUP BY event, segment, variant, segment_before, variant_before",
            &[],
        )?;
        let at = |number: f64| number.max(0.0) as usize;
        let events = rows.iter().map(|cells| {
            let mut row = Row::of(cells);
            let event = if row.text() == event_name(Event::Slow) { Event::Slow } else { Event::Error };
            let (segment, variant) = (at(row.number()), row.text());
            let (segment_before, variant_before) = (row.optional_number(), row.optional_text());
            let before = segment_before.zip(variant_before).map(|(segment, variant)| (at(segment), variant));
            UnitEvents { event, segment, variant, before, count: row.count() }
        });
        Ok(events.collect())
    }
}

fn not_so(what: &str) -> ActError {
    ActError::NotSo(what.to_owned())
}

fn event_name(event: Event) -> &'static str {
    match event {
        Event::Error => "error",
        Event::Slow => "slow",
    }
}

/// The sentence that says how a policy begins.
fn begins(plan: &Plan) -> String {
    match &plan.course {
        Course::Ramp(climb) => {
            let percent = super::guard::short(climb.percent.first().copied().unwrap_or(100.0));
            let (kind, to) = (plan.kind(), &climb.to_name);
            format!("the {kind} begins: {to} gets {percent} % of the traffic.")
        }
        Course::Bandit { .. } => "the bandit begins with the weights as they are.".to_owned(),
    }
}

/// The document with weights of these shares, in percent.
fn weighted(document: &str, shares: &Shares) -> Result<String, String> {
    let endpoint = Endpoint::parse(document.as_bytes()).map_err(|error| error.to_string())?;
    let is_so = |(name, share): &(String, f64)| (endpoint.share_of(name) - share).abs() < 1e-12;
    if endpoint.answering().count() == shares.len() && shares.iter().all(is_so) {
        return Ok(document.to_owned());
    }
    let mut weights = Vec::new();
    for (name, share) in shares {
        // As people write them, as far as that says the same.
        let percent = share * 100.0;
        let round = (percent * 1e6).round() / 1e6;
        let weight = Weight::try_from(if round > 0.0 { round } else { percent }).map_err(|error| error.to_string())?;
        weights.push((Name::try_from(name.as_str()).map_err(|error| error.to_string())?, weight));
    }
    let change = WeightChange::new(weights).map_err(|error| error.to_string())?;
    change.apply(document.as_bytes()).map_err(|error| error.to_string())
}

/// What was looked at, for the history.
fn figures(guarded: &[Guarded], evidence: &Evidence) -> Value {
    let variants: BTreeMap<&String, Requests> = evidence
        .segments
        .iter()
        .flat_map(|segment| segment.requests.keys())
        .map(|name| (name, evidence.requests(std::slice::from_ref(name))))
        .collect();
    let counted = variants.into_iter().map(|(name, requests)| {
        let outcomes = evidence.outcomes.get(name).copied().unwrap_or(0);
        json!({
            "variant": name,
            "share": evidence.segments.last().map(|segment| share_of(&segment.shares, name)),
            "invocations": requests.invocations,
            "errors": requests.errors,
            "outcomes": outcomes,
        })
    });
    let judged = evidence.judged.iter().map(|(name, judged)| {
        json!({
            "variant": name,
            "verdict": judged.verdict,
            "difference": judged.difference,
            "interval": judged.interval,
            "says": judged.says,
        })
    });
    json!({
        "counted": counted.collect::<Vec<_>>(),
        "guardrails": guarded,
        "verdict": judged.collect::<Vec<_>>(),
    })
}
