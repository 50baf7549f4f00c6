//! Deployments: the traffic of an endpoint is shifted to another configuration, step by step, and back where alarms go off.

use super::control::{MOST_TRIES, composed};
use super::registry::{Kind, RegistryError};
use super::{Error, Retained, Service};
use crate::endpoint::{Endpoint, Name};
use crate::experiment::{Act, ActError, Alarm, AlarmName, Cause, Refusal, Rollout};
use crate::platform::Platform;
use crate::request::RequestError;

impl<P: Platform> Service<'_, P> {
    /// Begins to put another configuration in place of the endpoint's, as [`Service::update_endpoint`] does at once. The
    /// alarms are those of that endpoint which roll it back.
    ///
    /// # Errors
    /// If there is no such endpoint or alarm, a deployment is open, an alarm has gone off already, the configuration or one
    /// of its models is missing or broken, or there are no experiments, which anything but a change at once needs.
    pub async fn deploy(
        &self,
        name: &Name,
        config: &Name,
        retained: Retained,
        (rollout, alarms): (Rollout, &[AlarmName]),
        cause: Cause,
    ) -> Result<(), Error> {
        if !self.platform.has_experiments() && rollout.is_at_once() && alarms.is_empty() {
            return self.update_endpoint(name, config, retained, cause).await;
        }
        self.has_experiments()?;
        let resolved = self.variants_of(config).await?;
        let alarms = self.alarms_of(name, alarms).await?;
        for _ in 0..MOST_TRIES {
            let entry = self.idle_document(name).await?;
            let finish = composed(name, config, resolved.clone(), retained, &entry.value)?;
            let before = Endpoint::parse(&entry.value).map_err(|error| {
                let problem = format!("it is broken, so that there is nothing to shift traffic from: {error}");
                RegistryError::Unusable(Kind::Endpoint, problem)
            })?;
            let start = rollout.clone().start(&before, (config.clone(), finish), alarms.clone());
            let start = start.map_err(|error| RegistryError::Unusable(Kind::Configuration, error.to_string()))?;
            match self.act(name, Act::Start(start), cause.clone()).await {
                Err(Error::Policy(ActError::Refused(Refusal::Conflict { .. }))) => {}
                other => return other.map(|_| ()),
            }
        }
        Err(Error::Refused(Refusal::Conflict { current: None }))
    }

    /// Alarms, which have to be of this endpoint: its experiment knows no other.
    async fn alarms_of(&self, endpoint: &Name, names: &[AlarmName]) -> Result<Vec<Alarm>, Error> {
        let mut alarms = Vec::new();
        for name in names {
            let alarm = match self.alarm(name).await {
                Ok(stored) => stored.value,
                Err(Error::Alarm(error)) => return Err(RequestError::Operation(error.to_string()).into()),
                Err(error) => return Err(error),
            };
            if alarm.endpoint != *endpoint {
                let problem =
                    format!("the alarm `{name}` is of endpoint `{}`: name alarms of `{endpoint}`", alarm.endpoint);
                return Err(RequestError::Operation(problem).into());
            }
            alarms.push(alarm);
        }
        Ok(alarms)
    }
}
