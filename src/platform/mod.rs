//! What the core asks of the platform it runs on: Workers in production, memory in tests. A trait a service, so that each
//! function asks for no more than it uses.

mod bucket;
mod database;
mod engine;
mod exchange;
#[cfg(test)]
pub mod in_process;
mod limited;
mod log;
mod objects;
#[cfg(all(test, not(target_arch = "wasm32")))]
pub mod sqlite;
mod store;

pub use bucket::{Bucket, BucketError, KeyPage};
pub use database::{Cell, Database, DatabaseError};
pub use engine::{Death, Engines, File, Instance};
pub use exchange::{Exchange, ExchangeError, HttpAnswer, HttpCall};
pub use limited::Limited;
pub use log::{Log, one_line};
pub use objects::{BrokenStream, ObjectPage, Objects, Place, Told};
pub use store::{Entry, Namespace, Page, Store, StoreError, Times};

/// All services of the platform, for one request.
pub trait Platform:
    Store + Objects + Engines + Exchange + Experiments + Bucket + Clock + Timer + Secrets + Entropy + Log
{
}

impl<P: Store + Objects + Engines + Exchange + Experiments + Bucket + Clock + Timer + Secrets + Entropy + Log> Platform
    for P
{
}

/// The endpoints' experiments, each one object somewhere.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Experiments {
    /// Whether there are any.
    fn has_experiments(&self) -> bool;

    /// Asks the experiment of an endpoint; question and answer are JSON.
    async fn ask_experiment(&self, endpoint: &str, question: &str) -> Result<String, UnreachableExperiment>;
}

/// An experiment does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreachableExperiment(pub String);

/// The time.
pub trait Clock {
    /// Milliseconds since the Unix epoch. On Workers the clock moves only when something is waited for.
    fn now_ms(&self) -> f64;
}

/// Waiting.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Timer {
    /// Waits for so many milliseconds.
    async fn sleep(&self, ms: f64);
}

/// Secrets, which are set beside the configuration and never stand in it.
pub trait Secrets {
    /// A secret by name; `None` where it is not set.
    fn secret(&self, name: &str) -> Option<String>;
}

/// Randomness of the platform's own.
pub trait Entropy {
    /// A fresh seed for the isolate's generator.
    ///
    /// # Errors
    /// If the platform has none to give.
    fn entropy(&self) -> Result<[u8; 32], EntropyError>;
}

/// The platform has no randomness to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness: {0}")]
pub struct EntropyError(pub String);
