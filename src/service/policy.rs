//! Policies: read, started and ended.

use super::experiment::misunderstood;
use super::{Error, Service};
use crate::endpoint::Name;
use crate::experiment::{Act, Answer, Cause, Command, Report};
use crate::isolate::EndpointError;
use crate::platform::Platform;
use crate::request::Request;

impl<P: Platform> Service<'_, P> {
    /// What an endpoint's policy does, for who may invoke or administer it.
    ///
    /// # Errors
    /// If the caller may not, or there is no such endpoint.
    pub async fn policy(&self, name: &Name, proof: &Request, refresh: &mut Vec<Name>) -> Result<Report, Error> {
        self.may_read(name, proof, refresh).await?;
        match self.asked(name, &Command::Policy).await? {
            Answer::Policy(report) => Ok(*report),
            Answer::Refused(_) => Err(Error::Endpoint(name.clone(), EndpointError::NotFound)),
            other => Err(misunderstood(&other)),
        }
    }

    /// Does something with an endpoint's policy, and serves what comes of it in this isolate at once. Only the administrator
    /// is to do that.
    ///
    /// # Errors
    /// If it cannot be done, or the experiment fails.
    pub async fn act(&self, name: &Name, act: Act, cause: Cause) -> Result<Report, Error> {
        match self.asked(name, &Command::Act { act, cause }).await? {
            Answer::Moved { report, newest } => {
                // What keeps it from being served is told where it is asked for.
                let _ = self.isolate.endpoints.borrow_mut().told(name, newest, self.platform.now_ms());
                Ok(*report)
            }
            Answer::Refused(_) => Err(Error::Endpoint(name.clone(), EndpointError::NotFound)),
            Answer::Unmoved(error) => Err(error.into()),
            other => Err(misunderstood(&other)),
        }
    }
}
