//! What endpoints' experiments know, for who may see it.

use super::{Error, Service};
use crate::endpoint::Name;
use crate::experiment::{Answer, Command, ExperimentError, Past, Query, Scoreboard};
use crate::isolate::EndpointError;
use crate::platform::Platform;
use crate::request::{Request, RequestError};

impl<P: Platform> Service<'_, P> {
    /// The scoreboard of an endpoint, for who may invoke or administer it; of a removed one, for the administrator.
    ///
    /// # Errors
    /// If the caller may not, or there is none.
    pub async fn scoreboard(
        &self,
        name: &Name,
        query: Query,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<Scoreboard, Error> {
        match self.look_up(name, refresh).await {
            Ok(served) => drop(self.reader(&served.endpoint, proof)?),
            Err(Error::Endpoint(_, EndpointError::NotFound | EndpointError::Invalid(_)))
                if self.allow_admin(proof).is_ok() => {}
            Err(error) => return Err(error),
        }
        match self.asked(name, &Command::Scoreboard(query)).await? {
            Answer::Scoreboard(scoreboard) => Ok(*scoreboard),
            other => Err(misunderstood(&other)),
        }
    }

    /// A page of the changes of an endpoint, the newest first, and whether there are older ones. Only the administrator is to
    /// see it: documents stand in it.
    ///
    /// # Errors
    /// If nothing is known of such an endpoint.
    pub async fn history(&self, name: &Name, before: Option<u64>) -> Result<(Vec<Past>, bool), Error> {
        match self.asked(name, &Command::History { before }).await? {
            Answer::History { changes, more } => Ok((changes, more)),
            Answer::Refused(_) => Err(Error::Endpoint(name.clone(), EndpointError::NotFound)),
            other => Err(misunderstood(&other)),
        }
    }

    async fn asked(&self, name: &Name, command: &Command) -> Result<Answer, Error> {
        if !self.platform.has_experiments() {
            let why = "nothing is counted here: the worker has no binding EXPERIMENTS";
            return Err(RequestError::NotKept(why).into());
        }
        Ok(self.ask(name, command).await?)
    }
}

fn misunderstood(answer: &Answer) -> Error {
    ExperimentError::Version(format!("it answered {answer:?}")).into()
}
