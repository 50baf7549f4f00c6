//! What endpoints' experiments know, for who may see it.

use futures_util::future::join_all;

use super::{Error, Service};
use crate::assignment::AssignmentError;
use crate::endpoint::Name;
use crate::experiment::{Answer, Command, Estimates, ExperimentError, Pairs, Past, Query, Scoreboard, Verdict};
use crate::isolate::EndpointError;
use crate::platform::Platform;
use crate::request::{Request, RequestError};

/// The most endpoints that are scraped at once: each is one question, of the 1,000 that a request may ask.
const MOST_SCRAPED: usize = 900;

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
        match self.may_read(name, proof, refresh).await {
            Err(Error::Endpoint(_, EndpointError::NotFound | EndpointError::Invalid(_)))
                if self.allow_admin(proof).is_ok() => {}
            checked => checked?,
        }
        match self.asked(name, &Command::Scoreboard(query)).await? {
            Answer::Scoreboard(scoreboard) => Ok(*scoreboard),
            other => Err(misunderstood(&other)),
        }
    }

    /// The verdict on an endpoint's variants, for who may invoke or administer it.
    ///
    /// # Errors
    /// If the caller may not, or outcomes are not counted.
    pub async fn verdict(&self, name: &Name, proof: &Request, refresh: &mut Vec<Name>) -> Result<Verdict, Error> {
        self.may_read(name, proof, refresh).await?;
        match self.asked(name, &Command::Verdict).await? {
            Answer::Verdict(verdict) => Ok(*verdict),
            Answer::Refused(refusal) => Err(Error::Refused(refusal)),
            other => Err(misunderstood(&other)),
        }
    }

    /// What shadows made of the requests that variants answered, for who may invoke or administer the endpoint.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn pairs(&self, name: &Name, proof: &Request, refresh: &mut Vec<Name>) -> Result<Pairs, Error> {
        self.may_read(name, proof, refresh).await?;
        match self.asked(name, &Command::Pairs).await? {
            Answer::Pairs(pairs) => Ok(*pairs),
            other => Err(misunderstood(&other)),
        }
    }

    /// What the metric would be under other shares of the traffic, for who may invoke or administer the endpoint.
    ///
    /// # Errors
    /// If the caller may not, outcomes are not counted, or a share is of no variant.
    pub async fn estimate(
        &self,
        name: &Name,
        shares: Option<Vec<(Name, f64)>>,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<Estimates, Error> {
        let endpoint = self.look_up(name, refresh).await?.endpoint;
        self.reader(&endpoint, proof)?;
        let stranger = shares.iter().flatten().find(|(name, _)| endpoint.variant(name.as_str()).is_none());
        if let Some((stranger, _)) = stranger {
            let known = endpoint.known_names();
            return Err(AssignmentError::UnknownTarget { asked: stranger.to_string(), known }.into());
        }
        match self.asked(name, &Command::Estimate { shares }).await? {
            Answer::Estimates(estimates) => Ok(*estimates),
            Answer::Refused(refusal) => Err(Error::Refused(refusal)),
            other => Err(misunderstood(&other)),
        }
    }

    pub(super) async fn may_read(&self, name: &Name, proof: &Request, refresh: &mut Vec<Name>) -> Result<(), Error> {
        let served = self.look_up(name, refresh).await?;
        self.reader(&served.endpoint, proof)?;
        Ok(())
    }

    /// The scoreboards of all endpoints that the caller may invoke or administer; `None` of an experiment that does not answer.
    ///
    /// # Errors
    /// If there are no experiments, or the store does not tell the endpoints.
    pub async fn scoreboards(
        &self,
        proof: &Request,
        refresh: &mut Vec<Name>,
    ) -> Result<Vec<(Name, Option<Scoreboard>)>, Error> {
        self.has_experiments()?;
        let names = self.names().await?;
        let asked = names.iter().take(MOST_SCRAPED).map(|name| async move {
            let mut refresh = Vec::new();
            let scoreboard = match self.scoreboard(name, Query::default(), proof, &mut refresh).await {
                Ok(scoreboard) => Some((name.clone(), Some(scoreboard))),
                Err(Error::Experiment(_)) => Some((name.clone(), None)),
                // Not the caller's, or none any more.
                Err(_) => None,
            };
            (scoreboard, refresh)
        });
        let mut scoreboards = Vec::new();
        for (scoreboard, more) in join_all(asked).await {
            refresh.extend(more);
            scoreboards.extend(scoreboard);
        }
        Ok(scoreboards)
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

    pub(super) async fn asked(&self, name: &Name, command: &Command) -> Result<Answer, Error> {
        self.has_experiments()?;
        Ok(self.ask(name, command).await?)
    }

    pub(super) fn has_experiments(&self) -> Result<(), RequestError> {
        if self.platform.has_experiments() {
            return Ok(());
        }
        Err(RequestError::NotKept("nothing is counted here: the worker has no binding EXPERIMENTS"))
    }
}

/// An answer to something else than was asked.
pub(super) fn misunderstood(answer: &Answer) -> Error {
    ExperimentError::Version(format!("it answered {answer:?}")).into()
}
