//! Alarms: kept beside models and configurations, and judged when they are asked for.

use futures_util::future::{join_all, try_join_all};

use super::experiment::misunderstood;
use super::registry::{AlarmError, MOST_ALARMS, Stored};
use super::{Error, Service};
use crate::experiment::{Alarm, AlarmName, Answer, Command, Evaluated};
use crate::platform::{Namespace, Platform, Times};

/// The most alarms that are judged at once: each is a read and a question, and a request on the free plan may make 50, of
/// which the listing itself takes one.
pub const MOST_JUDGED: usize = 20;

/// An alarm, and what it says; or why it says nothing.
pub type Judged = (Stored<Alarm>, Result<Evaluated, Error>);

impl<P: Platform> Service<'_, P> {
    /// Keeps an alarm, in place of one of its name.
    ///
    /// # Errors
    /// If there are too many, nothing is counted here, or the store fails.
    pub async fn put_alarm(&self, alarm: &Alarm) -> Result<(), Error> {
        self.has_experiments()?;
        let key = alarm.name.key();
        let kept = self.platform.list(Namespace::Registry, AlarmName::KEYS, None, MOST_ALARMS).await?.keys;
        let before = kept.iter().find(|(known, _)| *known == key).map(|(_, times)| *times);
        if before.is_none() && kept.len() >= usize::from(MOST_ALARMS) {
            return Err(AlarmError::TooMany.into());
        }
        let text =
            serde_json::to_string(alarm).map_err(|error| AlarmError::Broken(alarm.name.clone(), error.to_string()))?;
        let now_ms = self.platform.now_ms();
        let times = before.map_or_else(|| Times::created(now_ms), |before| Times::modified(now_ms, before));
        Ok(self.platform.write(Namespace::Registry, &key, &text, times).await?)
    }

    /// An alarm.
    ///
    /// # Errors
    /// If there is none of that name, it cannot be read, or the store fails.
    pub async fn alarm(&self, name: &AlarmName) -> Result<Stored<Alarm>, Error> {
        let entry = self.platform.read_entry(Namespace::Registry, &name.key()).await?;
        let entry = entry.ok_or_else(|| AlarmError::NotFound(name.clone()))?;
        let broken = |problem: String| AlarmError::Broken(name.clone(), problem);
        let value: Alarm = serde_json::from_slice(&entry.value).map_err(|error| broken(error.to_string()))?;
        value.check().map_err(|error| broken(error.to_string()))?;
        Ok(Stored { value, times: entry.times })
    }

    /// The names of all alarms, in order.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn alarm_names(&self) -> Result<Vec<AlarmName>, Error> {
        let page = self.platform.list(Namespace::Registry, AlarmName::KEYS, None, MOST_ALARMS).await?;
        let mut names: Vec<AlarmName> = page.keys.iter().filter_map(|(key, _)| AlarmName::of_key(key)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What alarms say now; at most [`MOST_JUDGED`] are to be asked for. Left out are those that there are not, and those that
    /// cannot be read, of which the log is told. One whose endpoint's experiment fails does not keep the others from it.
    ///
    /// # Errors
    /// If nothing is counted here, or the store fails.
    pub async fn judge_alarms(&self, names: &[AlarmName]) -> Result<Vec<Judged>, Error> {
        self.has_experiments()?;
        let judged = join_all(names.iter().map(|name| async move {
            let alarm = match self.alarm(name).await {
                Ok(alarm) => alarm,
                Err(Error::Alarm(AlarmError::NotFound(_))) => return Ok(None),
                Err(error @ Error::Alarm(_)) => {
                    self.platform.warn(&error.to_string());
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let evaluated = self.judge(&alarm.value).await;
            Ok(Some((alarm, evaluated)))
        }));
        judged.await.into_iter().filter_map(Result::transpose).collect()
    }

    async fn judge(&self, alarm: &Alarm) -> Result<Evaluated, Error> {
        let now_ms = self.platform.now_ms();
        match self.ask(&alarm.endpoint, &Command::Scoreboard(alarm.query(now_ms))).await? {
            Answer::Scoreboard(scoreboard) => Ok(alarm.state(&scoreboard.lines, now_ms, None)),
            other => Err(misunderstood(&other)),
        }
    }

    /// Removes alarms: all of them, or none where there is one that does not exist.
    ///
    /// # Errors
    /// If there is no alarm of one of the names, or the store fails.
    pub async fn delete_alarms(&self, names: &[AlarmName]) -> Result<(), Error> {
        let known = self.alarm_names().await?;
        // What is new may be missing in the listing.
        for name in names.iter().filter(|name| known.binary_search(name).is_err()) {
            if self.platform.read(Namespace::Registry, &name.key()).await?.is_none() {
                return Err(AlarmError::NotFound(name.clone()).into());
            }
        }
        let keys: Vec<String> = names.iter().map(AlarmName::key).collect();
        try_join_all(keys.iter().map(|key| self.platform.delete(Namespace::Registry, key))).await?;
        Ok(())
    }
}
