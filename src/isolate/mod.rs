//! What an isolate keeps between requests. Nothing in it is held across an await: a request that is waiting must never
//! keep another from going on.

mod captures;
mod check;
mod endpoints;
mod ids;
mod models;
mod names;
mod settings;
mod shadows;
mod tallies;

use std::cell::{OnceCell, RefCell};

pub use captures::{Batch, Captures, Place};
pub use check::{CheckError, reproduce};
pub use endpoints::{Copy, EndpointCache, EndpointError, Freshness, Health, Lookup, Served};
pub use ids::Ids;
pub use models::{InvokeError, LoadedModel, ModelCache, ModelError, Room, Wanted};
pub use names::KnownNames;
pub use settings::{AllowedOrigins, Settings};
pub use shadows::{Leave, Shadows};
pub use tallies::{Seen, SeenUnit, Tallies};

use crate::assignment::Randomness;
use crate::experiment::IdKeys;

/// An isolate's memory.
#[derive(Debug)]
pub struct Isolate {
    /// Endpoints' configurations.
    pub endpoints: RefCell<EndpointCache>,
    /// Endpoints' names.
    pub names: RefCell<KnownNames>,
    /// Loaded models.
    pub models: RefCell<ModelCache>,
    /// Sums of records, for the endpoints' experiments.
    pub tallies: RefCell<Tallies>,
    /// Who is being asked as well.
    pub shadows: RefCell<Shadows>,
    /// Captured lines, for the bucket.
    pub captures: RefCell<Captures>,
    /// What experiments know this isolate by, once it has told them anything.
    pub id: RefCell<Option<String>>,
    /// The generator that variants are drawn with, once it has been seeded.
    pub randomness: RefCell<Option<Randomness>>,
    /// What ids are made with, once one has been.
    pub ids: RefCell<Option<Ids>>,
    /// What ids are signed with, once that has been asked; `None` where they are not.
    pub id_keys: OnceCell<Option<IdKeys>>,
    /// Milliseconds that a change takes to reach every isolate.
    pub settle_ms: f64,
    /// Milliseconds that the store has for a document or a page of names.
    pub store_limit_ms: f64,
    /// Whose pages may read answers.
    pub allowed_origins: AllowedOrigins,
    /// Whether anybody may read what endpoints there are, and of them what those may who invoke them.
    pub open_descriptions: bool,
}

impl Isolate {
    /// An isolate that has seen no request yet.
    pub fn new(settings: Settings) -> Self {
        Isolate {
            endpoints: RefCell::new(EndpointCache::new(settings.freshness, settings.store_delay_ms)),
            names: RefCell::default(),
            models: RefCell::new(ModelCache::new(settings.model_memory_bytes)),
            tallies: RefCell::default(),
            shadows: RefCell::default(),
            captures: RefCell::default(),
            id: RefCell::new(None),
            randomness: RefCell::new(None),
            ids: RefCell::new(None),
            id_keys: OnceCell::new(),
            settle_ms: settings.freshness.oldest_ms() + settings.store_delay_ms,
            store_limit_ms: settings.store_limit_ms,
            allowed_origins: settings.allowed_origins,
            open_descriptions: settings.open_descriptions,
        }
    }
}
