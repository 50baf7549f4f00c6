//! Making, changing and ending shadow tests. What is said of one is kept in the registry; when its shadow begins and ends,
//! the endpoint's experiment keeps, so that it happens though nobody looks.

use serde_json::Value;

use super::experiment::misunderstood;
use super::registry::{Kind, RegistryError};
use super::shadow_test::{Ended, ShadowTest, TestError, TestName, TestState};
use super::{Configured, Error, Service};
use crate::endpoint::{Backend, Endpoint, Name, ShadowChange, ShadowFate, ShadowShare, Variant, Weight};
use crate::experiment::{Answer, Cause, Change, Command, Condition, Edit, Refusal, Timed, Timetable};
use crate::isolate::EndpointError;
use crate::platform::{Namespace, Platform, Times};
use crate::request::RequestError;

/// The most shadow tests of a listing that are looked at at once: each is a read and a question.
pub const MOST_TESTS_LOOKED_AT: usize = 20;

const DAY_MS: f64 = 86_400_000.0;
const USUAL_MS: f64 = 7.0 * DAY_MS;
const MOST_MS: f64 = 30.0 * DAY_MS;
/// So long after its start, or another change of the endpoint, a shadow may be missing, without anybody having taken it away: an
/// older copy of the test may have been read, which does not know of its end.
const GRACE_MS: f64 = 60_000.0;

/// A shadow test that is to be made.
#[derive(Debug)]
pub struct NewTest {
    /// Its name.
    pub name: TestName,
    /// Whose shadow.
    pub endpoint: Name,
    /// The variant that the shadow stands beside, and the model that it is said to be.
    pub source: (Name, Option<Name>),
    /// The shadow, and its model.
    pub shadow: (Name, Name),
    /// Of which share of the requests it is asked as well.
    pub share: ShadowShare,
    /// When.
    pub schedule: Schedule,
    /// What else was said of it, in the words of the protocol.
    pub terms: Value,
}

/// When a test is to begin and to end, in milliseconds since the Unix epoch, where that is said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Now, where it is not said, or is over.
    pub start_ms: Option<f64>,
    /// After seven days, where it is not said.
    pub end_ms: Option<f64>,
}

/// What a test is changed to. What is not said stays.
#[derive(Debug, Default)]
pub struct TestUpdate {
    /// When.
    pub schedule: Schedule,
    /// Of which share of the requests the shadow is asked.
    pub share: Option<ShadowShare>,
    /// What else is said of it.
    pub terms: Option<Value>,
}

/// How a test is to end.
#[derive(Debug)]
pub struct Ending {
    /// What becomes of the shadow.
    pub fate: ShadowFate,
    /// Whether the variant that it stood beside stays.
    pub keeps_source: bool,
    /// Whether it is given up.
    pub is_cancelled: bool,
    /// Why.
    pub reason: Option<String>,
}

/// A shadow test as it stands.
#[derive(Debug)]
pub struct TestNow {
    /// What is kept of it.
    pub test: ShadowTest,
    /// Where it is.
    pub state: TestState,
    /// Its endpoint, where that had to be looked at, and there is one.
    pub configured: Option<Configured>,
}

impl<P: Platform> Service<'_, P> {
    /// Makes a shadow test, and begins it where its time has come.
    ///
    /// # Errors
    /// If there is one of that name, the endpoint is missing, in another or in a deployment, or does not have the variant;
    /// the model is missing; the times make no sense; or there are no experiments.
    pub async fn create_test(&self, new: NewTest, cause: &Cause) -> Result<(), Error> {
        self.has_experiments()?;
        if self.platform.read(Namespace::Registry, &new.name.key()).await?.is_some() {
            return Err(TestError::Exists(new.name).into());
        }
        let backend = self.stored::<Backend>(Kind::Model, &new.shadow.1).await?.value;
        let entry = self.idle_document(&new.endpoint).await?;
        let endpoint = Endpoint::parse(&entry.value)
            .map_err(|error| Error::Endpoint(new.endpoint.clone(), EndpointError::Invalid(error)))?;
        self.check_source(&endpoint, &new).await?;
        let now_ms = self.platform.now_ms();
        let start_ms = new.schedule.start_ms.map_or(now_ms, |ms| ms.max(now_ms));
        let end_ms = new.schedule.end_ms.unwrap_or(start_ms + USUAL_MS);
        check_times(start_ms, end_ms)?;
        let (name, weight) = (new.shadow.0, Weight::ZERO);
        let test = ShadowTest {
            was_there: endpoint.variant(name.as_str()).is_some(),
            name: new.name,
            endpoint: new.endpoint,
            source: new.source.0,
            shadow: Variant { name, weight, backend, shadow: Some(new.share) },
            created_ms: now_ms,
            modified_ms: now_ms,
            start_ms,
            end_ms,
            ended: None,
            terms: new.terms,
        };
        // What could not begin later is refused now.
        let begin = test.begin();
        begin.apply(&entry.value).map_err(|error| Error::Refused(Refusal::Shadow(error.to_string())))?;
        let now = (start_ms <= now_ms).then_some(begin);
        // A test that nobody knows would be worse than one that nobody began.
        self.write_test(&test, None).await?;
        let begun = self.schedule(&test, now, true, cause).await;
        if begun.is_err() {
            self.platform.delete(Namespace::Registry, &test.name.key()).await?;
        }
        begun
    }

    /// Whether the endpoint has the variant that the shadow is to stand beside, with the model that it is said to be.
    async fn check_source(&self, endpoint: &Endpoint, new: &NewTest) -> Result<(), Error> {
        let (source, model) = &new.source;
        let Some(variant) = endpoint.answering().find(|variant| variant.name == *source) else {
            let known = endpoint.answering().map(|variant| variant.name.to_string()).collect::<Vec<_>>().join(", ");
            return Err(wrong(format!(
                "endpoint \"{}\" has no variant `{source}` that answers: name one of {known} as SourceModelVariantName",
                new.endpoint
            )));
        };
        if new.shadow.0 == *source {
            return Err(wrong(format!("`{source}` cannot be its own shadow: give the shadow a name of its own")));
        }
        if let Some(model) = model
            && self.stored::<Backend>(Kind::Model, model).await?.value != variant.backend
        {
            return Err(wrong(format!(
                "the variant `{source}` of endpoint \"{}\" is not the model `{model}`: name the one that it is, or change it by UpdateEndpoint first",
                new.endpoint
            )));
        }
        Ok(())
    }

    /// A shadow test as it stands. One whose shadow somebody took away has ended so.
    ///
    /// # Errors
    /// If there is none of that name, it cannot be read, or the store or the experiment fails.
    pub async fn test(&self, name: &TestName) -> Result<TestNow, Error> {
        self.has_experiments()?;
        let entry = self.platform.read_entry(Namespace::Registry, &name.key()).await?;
        let entry = entry.ok_or_else(|| TestError::NotFound(name.clone()))?;
        let broken = |error: serde_json::Error| TestError::Broken(name.clone(), error.to_string());
        let mut test: ShadowTest = serde_json::from_slice(&entry.value).map_err(broken)?;
        if test.ended.is_some() {
            return Ok(TestNow { state: test.state(self.platform.now_ms()), test, configured: None });
        }
        let configured = match self.configured(&test.endpoint).await {
            Ok(configured) => Some(configured),
            Err(Error::Endpoint(_, EndpointError::NotFound)) => None,
            Err(error) => return Err(error),
        };
        let now_ms = self.platform.now_ms();
        let changed_ms =
            configured.as_ref().and_then(|configured| configured.times).map_or(0.0, |times| times.modified_ms);
        let is_settled = now_ms >= test.start_ms.max(changed_ms) + GRACE_MS;
        let state = match (test.state(now_ms), self.stands(&test, configured.as_ref())) {
            (TestState::Created, _) if configured.is_some() => TestState::Created,
            (TestState::Running, Some(true)) => TestState::Running,
            (TestState::Running, None) => TestState::Starting,
            (TestState::Running, _) if now_ms < test.start_ms + GRACE_MS && configured.is_some() => TestState::Starting,
            (TestState::Running, _) if !is_settled && configured.is_some() => TestState::Stopping,
            (TestState::Completed, Some(true) | None) => TestState::Stopping,
            (TestState::Completed, Some(false)) if configured.is_some() => {
                test.ended = Some(Ended { at_ms: test.end_ms, is_cancelled: false, reason: None });
                if is_settled {
                    self.write_test(&test, entry.times).await?;
                }
                TestState::Completed
            }
            _ => {
                let problem = match &configured {
                    Some(_) => format!("its document has no shadow `{}` any more", test.shadow.name),
                    None => "it was deleted".to_owned(),
                };
                let reason = format!("Somebody else changed the endpoint \"{}\": {problem}.", test.endpoint);
                test.ended = Some(Ended { at_ms: now_ms, is_cancelled: true, reason: Some(reason) });
                test.modified_ms = now_ms;
                // Nothing of it is left to be done. Where there is no endpoint, nothing is.
                if configured.is_some() {
                    let none = Timetable { test: test.name.to_string(), entries: Vec::new() };
                    self.ask(&test.endpoint, &Command::Shadows { now: None, later: none }).await?;
                }
                self.write_test(&test, entry.times).await?;
                TestState::Cancelled
            }
        };
        Ok(TestNow { test, state, configured })
    }

    /// Whether the endpoint has the shadow; `None` where that waits for the end of a deployment.
    fn stands(&self, test: &ShadowTest, configured: Option<&Configured>) -> Option<bool> {
        let Some(Configured { endpoint, deployment, .. }) = configured else { return Some(false) };
        let shadow = endpoint.as_ref().ok().and_then(|endpoint| endpoint.variant(test.shadow.name.as_str()));
        let stands = shadow.is_some_and(Variant::is_shadow);
        match deployment.as_deref() {
            Some(last) if last.status.is_open() && !stands => None,
            _ => Some(stands),
        }
    }

    /// The names of all shadow tests, and since when there are.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn tests(&self) -> Result<Vec<(TestName, Option<Times>)>, Error> {
        let keys = self.keys(Namespace::Registry, TestName::KEYS).await?;
        let named = |key: &str| TestName::try_from(key.strip_prefix(TestName::KEYS)?).ok();
        Ok(keys.into_iter().filter_map(|(key, times)| Some((named(&key)?, times))).collect())
    }

    /// Begins a test that waits for its time.
    ///
    /// # Errors
    /// If there is none of that name, it does not wait, or its shadow cannot begin.
    pub async fn start_test(&self, name: &TestName, cause: &Cause) -> Result<(), Error> {
        let TestNow { mut test, state, .. } = self.test(name).await?;
        if state != TestState::Created {
            return Err(not_so(&test, state, "only one that waits for its time can be started"));
        }
        self.idle_document(&test.endpoint).await?;
        test.start_ms = self.platform.now_ms();
        check_times(test.start_ms, test.end_ms)?;
        self.schedule(&test, Some(test.begin()), true, cause).await?;
        self.rewrite_test(test).await
    }

    /// Changes a test that has not ended.
    ///
    /// # Errors
    /// If there is none of that name, it has ended, or the times make no sense.
    pub async fn update_test(&self, name: &TestName, update: TestUpdate, cause: &Cause) -> Result<(), Error> {
        let TestNow { mut test, state, .. } = self.test(name).await?;
        let waits = state == TestState::Created;
        if !waits && state != TestState::Running {
            return Err(not_so(&test, state, "only one that waits for its time, or is running, can be changed"));
        }
        let now_ms = self.platform.now_ms();
        match update.schedule.start_ms {
            Some(start_ms) if waits => test.start_ms = start_ms.max(now_ms),
            // Seconds and milliseconds are written in different ways.
            Some(start_ms) if (start_ms - test.start_ms).abs() >= 1_000.0 => {
                return Err(not_so(&test, state, "of one that is running, only the end can be changed"));
            }
            _ => {}
        }
        test.end_ms = update.schedule.end_ms.unwrap_or(test.end_ms);
        check_times(test.start_ms, test.end_ms)?;
        if test.end_ms <= now_ms {
            return Err(wrong("`EndTime` is over: use StopInferenceExperiment".to_owned()));
        }
        test.terms = update.terms.unwrap_or(test.terms);
        let share = update.share.or(test.shadow.shadow);
        let is_other = share != test.shadow.shadow;
        test.shadow.shadow = share;
        let begins = waits && test.start_ms <= now_ms;
        let now = (begins || (is_other && !waits)).then(|| test.begin());
        if now.is_some() {
            self.idle_document(&test.endpoint).await?;
        }
        self.schedule(&test, now, begins, cause).await?;
        self.rewrite_test(test).await
    }

    /// Ends a test.
    ///
    /// # Errors
    /// If there is none of that name, it has ended already, or nobody would answer then.
    pub async fn stop_test(&self, name: &TestName, ending: Ending, cause: &Cause) -> Result<(), Error> {
        let TestNow { mut test, state, .. } = self.test(name).await?;
        if !matches!(state, TestState::Created | TestState::Starting | TestState::Running) {
            return Err(not_so(&test, state, "it cannot be stopped again"));
        }
        // Before that, the endpoint does not have the shadow: it is only to wait no longer.
        let is_running = state == TestState::Running;
        if is_running {
            self.idle_document(&test.endpoint).await?;
        }
        let Ending { fate, keeps_source, is_cancelled, reason } = ending;
        test.ended = Some(Ended { at_ms: self.platform.now_ms(), is_cancelled, reason });
        let end =
            ShadowChange::End { shadow: test.shadow.name.clone(), fate, source: test.source.clone(), keeps_source };
        self.schedule(&test, is_running.then_some(end), false, cause).await?;
        self.rewrite_test(test).await
    }

    /// Removes what is kept of a test that has ended.
    ///
    /// # Errors
    /// If there is none of that name, it has not ended, or the store fails.
    pub async fn delete_test(&self, name: &TestName) -> Result<(), Error> {
        match self.test(name).await {
            Ok(TestNow { test, state, .. }) if state.is_open() => Err(not_so(&test, state, "stop it first")),
            Ok(_) | Err(Error::Test(TestError::Broken(..))) => {
                Ok(self.platform.delete(Namespace::Registry, &name.key()).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the endpoint now, and has it changed later as the test wants it.
    async fn schedule(
        &self,
        test: &ShadowTest,
        now: Option<ShadowChange>,
        begins: bool,
        cause: &Cause,
    ) -> Result<(), Error> {
        let caused = |what: &str| {
            let reason = format!("inference experiment {}: {what}", test.name);
            Cause { reason: Some(reason), ..cause.clone() }
        };
        let mut entries = Vec::new();
        if test.ended.is_none() {
            if now.is_none() && self.platform.now_ms() < test.start_ms {
                entries.push(Timed { at_ms: test.start_ms, change: test.begin(), cause: caused("it begins") });
            }
            let fate = if test.was_there { ShadowFate::Retained } else { ShadowFate::Removed };
            let (shadow, source) = (test.shadow.name.clone(), test.source.clone());
            let end = ShadowChange::End { shadow, fate, source, keeps_source: true };
            entries.push(Timed { at_ms: test.end_ms, change: end, cause: caused("its time is over") });
        }
        let what = match &test.ended {
            Some(Ended { reason: Some(reason), .. }) => format!("it was stopped: {reason}"),
            Some(_) => "it was stopped".to_owned(),
            None if begins => "it begins".to_owned(),
            None => "its share is another".to_owned(),
        };
        let now = now.map(|change| {
            let change = Change { edit: Edit::Shadow(change), condition: Condition::Any };
            (change, caused(&what))
        });
        let later = Timetable { test: test.name.to_string(), entries };
        match self.ask(&test.endpoint, &Command::Shadows { now, later }).await? {
            Answer::Document(newest) => {
                // What keeps it from being served is told where it is asked for.
                let _ = self.isolate.endpoints.borrow_mut().told(&test.endpoint, newest, self.platform.now_ms());
                Ok(())
            }
            Answer::Refused(Refusal::InTest(other)) => {
                Err(TestError::Busy { endpoint: test.endpoint.clone(), test: other }.into())
            }
            Answer::Refused(Refusal::NotFound) => {
                Err(RegistryError::NotFound(Kind::Endpoint, test.endpoint.clone()).into())
            }
            Answer::Refused(refusal) => Err(Error::Refused(refusal)),
            other => Err(misunderstood(&other)),
        }
    }

    async fn rewrite_test(&self, mut test: ShadowTest) -> Result<(), Error> {
        test.modified_ms = self.platform.now_ms();
        let before = Times::created(test.created_ms);
        self.write_test(&test, Some(before)).await
    }

    async fn write_test(&self, test: &ShadowTest, before: Option<Times>) -> Result<(), Error> {
        let text =
            serde_json::to_string(test).map_err(|error| TestError::Broken(test.name.clone(), error.to_string()))?;
        let times = match before {
            None => Times::created(test.created_ms),
            before => Times::modified(test.modified_ms, before),
        };
        Ok(self.platform.write(Namespace::Registry, &test.name.key(), &text, times).await?)
    }
}

fn check_times(start_ms: f64, end_ms: f64) -> Result<(), Error> {
    if end_ms > start_ms && end_ms - start_ms <= MOST_MS {
        return Ok(());
    }
    Err(wrong("`EndTime` is after `StartTime`, by 30 days at most".to_owned()))
}

fn not_so(test: &ShadowTest, state: TestState, problem: &'static str) -> Error {
    TestError::State { name: test.name.clone(), state, problem }.into()
}

fn wrong(what: String) -> Error {
    RequestError::Operation(what).into()
}
