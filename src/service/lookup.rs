//! Endpoints as this isolate serves them.

use std::rc::Rc;

use futures_util::future::join_all;

use super::registry::Kind;
use super::{Error, Service};
use crate::endpoint::Name;
use crate::isolate::{EndpointError, Health, Lookup, Served};
use crate::platform::{Namespace, Platform};

/// Endpoints on a page of descriptions: each is one read, and a request on the free plan may make 50.
const ENDPOINTS_A_PAGE: usize = 40;

/// A page of the endpoints.
#[derive(Debug)]
pub struct EndpointPage {
    /// By name, with what there is to serve.
    pub endpoints: Vec<(Name, Result<Served, Error>)>,
    /// The last name, where there are more; the next page begins after it.
    pub cursor: Option<Name>,
}

impl<P: Platform> Service<'_, P> {
    /// The endpoint as this isolate serves it. Waits for the store only where there is nothing to serve, or nothing
    /// new enough; an endpoint that should be read anew after the response is put into `refresh`.
    ///
    /// # Errors
    /// If there is no such endpoint, or none that can be served.
    pub async fn look_up(&self, name: &Name, refresh: &mut Vec<Name>) -> Result<Served, Error> {
        let lookup = self.isolate.endpoints.borrow_mut().lookup(name, self.platform.now_ms());
        let served = match lookup {
            Lookup::Fresh(served) => Ok(served),
            Lookup::Stale(served) => {
                refresh.push(name.clone());
                Ok(served)
            }
            Lookup::Refused(error) => Err(error),
            Lookup::Unknown => self.read_endpoint(name).await,
        };
        served.map_err(|error| Error::Endpoint(name.clone(), error))
    }

    /// A page of the endpoints: those whose names come after `cursor`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, cursor: Option<&str>, refresh: &mut Vec<Name>) -> Result<EndpointPage, Error> {
        let names = self.names().await?;
        let rest = names.partition_point(|name| cursor.is_some_and(|cursor| name.as_str() <= cursor));
        let rest = names.get(rest..).unwrap_or_default();
        let page = rest.get(..ENDPOINTS_A_PAGE).unwrap_or(rest);
        let looked_up = join_all(page.iter().map(|name| async move {
            let mut refresh = Vec::new();
            let served = self.look_up(name, &mut refresh).await;
            (name.clone(), served, refresh)
        }))
        .await;
        let mut endpoints = Vec::new();
        for (name, served, more) in looked_up {
            refresh.extend(more);
            // The listing lags behind the store.
            if !matches!(served, Err(Error::Endpoint(_, EndpointError::NotFound))) {
                endpoints.push((name, served));
            }
        }
        let cursor = if page.len() < rest.len() { page.last().cloned() } else { None };
        Ok(EndpointPage { endpoints, cursor })
    }

    /// Whether the store answers, or did a moment ago.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        self.names().await?;
        Ok(())
    }

    /// The endpoints' names, from the store or as it listed them a moment ago.
    pub(super) async fn names(&self) -> Result<Rc<[Name]>, Error> {
        let asked_ms = self.platform.now_ms();
        if let Some(names) = self.isolate.names.borrow().get(asked_ms) {
            return Ok(names);
        }
        let names = self.all(Kind::Endpoint).await?.into_iter().map(|(name, _)| name).collect();
        Ok(self.isolate.names.borrow_mut().learn(names, asked_ms))
    }

    /// Reads an endpoint from the store into the cache, and tells the log of what is new and wrong.
    pub(super) async fn read_endpoint(&self, name: &Name) -> Result<Served, EndpointError> {
        let began_ms = self.platform.now_ms();
        let read = self.platform.read_entry(Namespace::Endpoints, name.as_str()).await.map(Into::into);
        let served = self.isolate.endpoints.borrow_mut().store(name, read, began_ms);
        match &served {
            Ok(Served { health: Health::Failing { problem, since_ms }, .. }) if *since_ms == began_ms => {
                self.platform
                    .warn(&format!("endpoint `{name}` serves its last good configuration: {}", problem.in_full()));
            }
            Err(error @ (EndpointError::Invalid(_) | EndpointError::Unavailable(_))) => {
                self.platform.warn(&format!("endpoint `{name}` cannot be served: {}", error.in_full()));
            }
            Ok(_) | Err(EndpointError::NotFound) => {}
        }
        served
    }
}
