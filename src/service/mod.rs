//! The way of a request, from the protocol to the record.

mod control;
mod inspect;
mod invoke;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use futures_util::future::join_all;

use crate::assignment::{Randomness, seeded};
use crate::endpoint::{EndpointCache, EndpointError, Health, Lookup, Name, Served};
use crate::error::Error;
use crate::inference::ModelCache;
use crate::payload::{Format, count_rows};
use crate::platform::{Platform, Store};
use crate::protocol::Response;
use crate::record::Record;
use crate::registry::Kind;

pub use control::ModelSource;
pub use inspect::Inspected;
pub use invoke::{Invoked, Reply};

/// What an isolate keeps between requests. Nothing in it is held across an await: a request that is waiting must
/// never keep another from going on.
#[derive(Debug)]
pub struct Isolate {
    endpoints: RefCell<EndpointCache>,
    models: RefCell<ModelCache>,
    randomness: RefCell<Option<Randomness>>,
    /// How long a change takes to reach every isolate.
    settle_ms: f64,
}

/// Endpoints on a page of descriptions: each is one read, and a request on the free plan may make 50.
const ENDPOINTS_A_PAGE: u16 = 40;

/// What can be set for an isolate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Milliseconds after which an endpoint's configuration is read anew, in the background.
    pub endpoint_ttl_ms: f64,
    /// Milliseconds until the store shows a change everywhere.
    pub store_delay_ms: f64,
    /// Bytes of ONNX files whose models are kept.
    pub model_cache_bytes: usize,
}

/// The service for one request.
#[derive(Debug)]
pub struct Service<'a, P> {
    platform: P,
    isolate: &'a Isolate,
}

/// A response, and what is to be done once it is on its way.
#[derive(Debug)]
pub struct Answer {
    /// To be sent now.
    pub response: Response,
    /// For [`Service::finish`], afterwards.
    pub after: After,
}

/// A page of the endpoints.
#[derive(Debug)]
pub struct EndpointPage {
    /// By name, with what there is to serve.
    pub endpoints: Vec<(Name, Result<Served, Error>)>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
    /// For [`Service::finish`].
    pub after: After,
}

/// What is to be done after the response.
#[derive(Debug, Default)]
pub struct After {
    refresh: Vec<Name>,
    record: Option<Record>,
    /// A body whose rows nobody has counted yet.
    uncounted: Option<(Format, Vec<u8>)>,
}

impl Default for Settings {
    /// 30 seconds; 60 seconds, as Workers KV has it; and 32 MiB: a quarter of an isolate's memory, as loaded models take
    /// about twice their files' size.
    fn default() -> Self {
        Settings { endpoint_ttl_ms: 30_000.0, store_delay_ms: 60_000.0, model_cache_bytes: 32 << 20 }
    }
}

impl Isolate {
    /// An isolate that has seen no request yet.
    pub fn new(settings: Settings) -> Self {
        Isolate {
            endpoints: RefCell::new(EndpointCache::new(settings.endpoint_ttl_ms)),
            models: RefCell::new(ModelCache::new(settings.model_cache_bytes)),
            randomness: RefCell::new(None),
            settle_ms: settings.endpoint_ttl_ms + settings.store_delay_ms,
        }
    }
}

impl<'a, P: Platform> Service<'a, P> {
    /// The service on a platform, with what the isolate already has.
    pub fn new(platform: P, isolate: &'a Isolate) -> Self {
        Service { platform, isolate }
    }

    /// The endpoint as this isolate serves it.
    pub async fn look_up(&self, name: &Name) -> (Result<Served, Error>, After) {
        let mut after = After::default();
        let served = self.endpoint(name, self.platform.now_ms(), &mut after.refresh).await;
        (served, after)
    }

    /// A page of the endpoints, as this isolate serves them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, cursor: Option<String>) -> Result<EndpointPage, Error> {
        let (store, prefix) = Kind::Endpoint.place();
        let page = self.platform.list(store, prefix, cursor, ENDPOINTS_A_PAGE).await?;
        // A key that is no name cannot be asked for either.
        let names = page.keys.iter().filter_map(|(key, _)| Name::try_from(key.as_str()).ok());
        let looked_up = join_all(names.map(|name| async move {
            let (served, after) = self.look_up(&name).await;
            (name, served, after)
        }))
        .await;
        let mut after = After::default();
        let mut endpoints = Vec::new();
        for (name, served, more) in looked_up {
            after.refresh.extend(more.refresh);
            // The listing lags behind the store.
            if !matches!(served, Err(Error::Endpoint(_, EndpointError::NotFound))) {
                endpoints.push((name, served));
            }
        }
        Ok(EndpointPage { endpoints, cursor: page.cursor, after })
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        let (store, prefix) = Kind::Endpoint.place();
        self.platform.list(store, prefix, None, 1).await?;
        Ok(())
    }

    /// Reads anew the configurations that were served past their time, and completes the record, which is then the
    /// caller's to write.
    pub async fn finish(&self, after: After) -> Option<Record> {
        for name in &after.refresh {
            // What is wrong has been told, and the last good one is in place.
            let _ = self.read_endpoint(name).await;
        }
        let mut record = after.record?;
        if let Some((format, body)) = after.uncounted {
            record.rows = count_rows(format, &body);
        }
        Some(record)
    }

    /// The endpoint, and whether it has to be refreshed after the response. Waits for the store only where this
    /// isolate has nothing to serve.
    async fn endpoint(&self, name: &Name, now_ms: f64, refresh: &mut Vec<Name>) -> Result<Served, Error> {
        let lookup = self.isolate.endpoints.borrow_mut().lookup(name, now_ms);
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

    /// Reads an endpoint from the store into the cache, and tells the log of what is new and wrong.
    async fn read_endpoint(&self, name: &Name) -> Result<Served, EndpointError> {
        let began_ms = self.platform.now_ms();
        let read = self.platform.read(Store::Endpoints, name.as_str()).await;
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

    /// Draws from the isolate's generator, which is seeded by the platform at the first draw: Workers give no
    /// randomness before the first request.
    fn with_randomness<T>(&self, draw: impl FnOnce(&mut Randomness) -> T) -> Result<T, Error> {
        let mut randomness = self.isolate.randomness.borrow_mut();
        let generator = match &mut *randomness {
            Some(generator) => generator,
            unseeded => unseeded.insert(seeded(self.platform.entropy()?)),
        };
        Ok(draw(generator))
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Answer { response, after: After::default() }
    }
}
