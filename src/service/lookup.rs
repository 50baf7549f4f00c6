//! Endpoints as this isolate serves them.

use futures_util::future::join_all;

use super::registry::Kind;
use super::{Error, Service};
use crate::endpoint::Name;
use crate::isolate::{EndpointError, Health, Lookup, Served};
use crate::platform::{Namespace, Platform};

/// Endpoints on a page of descriptions: each is one read, and a request on the free plan may make 50.
const ENDPOINTS_A_PAGE: u16 = 40;

/// A page of the endpoints.
#[derive(Debug)]
pub struct EndpointPage {
    /// By name, with what there is to serve.
    pub endpoints: Vec<(Name, Result<Served, Error>)>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
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

    /// A page of the endpoints.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, cursor: Option<String>, refresh: &mut Vec<Name>) -> Result<EndpointPage, Error> {
        let (namespace, prefix) = Kind::Endpoint.place();
        let page = self.platform.list(namespace, prefix, cursor, ENDPOINTS_A_PAGE).await?;
        // A key that is no name cannot be asked for either.
        let names = page.keys.iter().filter_map(|(key, _)| Name::try_from(key.as_str()).ok());
        let looked_up = join_all(names.map(|name| async move {
            let mut refresh = Vec::new();
            let served = self.look_up(&name, &mut refresh).await;
            (name, served, refresh)
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
        Ok(EndpointPage { endpoints, cursor: page.cursor })
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        let (namespace, prefix) = Kind::Endpoint.place();
        self.platform.list(namespace, prefix, None, 1).await?;
        Ok(())
    }

    /// Reads an endpoint from the store into the cache, and tells the log of what is new and wrong.
    pub(super) async fn read_endpoint(&self, name: &Name) -> Result<Served, EndpointError> {
        let began_ms = self.platform.now_ms();
        let read = self.platform.read(Namespace::Endpoints, name.as_str()).await;
        let served = self.isolate.endpoints.borrow_mut().store(name, read, began_ms);
        match &served {
            Ok(Served { health: Health::Failing { problem, since_ms }, .. }) if *since_ms == began_ms => {
                self.platform.warn(&format!("endpoint `{name}` serves its last good configuration: {problem}"));
            }
            Err(error @ (EndpointError::Invalid(_) | EndpointError::Unavailable(_))) => {
                self.platform.warn(&format!("endpoint `{name}` cannot be served: {error}"));
            }
            Ok(_) | Err(EndpointError::NotFound) => {}
        }
        served
    }
}
