//! The engine that runs models: each in an instance with a memory of its own, so that what ends one ends no other.

use std::fmt::Debug;
use std::rc::Rc;

use turnout_tables::message::OUT_OF_MEMORY;

use super::StoreError;

/// Makes instances of the engine.
///
/// Whatever is given to an instance and comes of it is a message of [`turnout_tables::message`].
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Engines {
    /// A model's file, kept outside of the worker's own memory, which never shrinks.
    type File: File;

    /// The file under that key; `None` where there is none.
    async fn read_model(&self, key: &str) -> Result<Option<Self::File>, StoreError>;

    /// An instance that has been asked to load the file, and what it said. Its memory may have `most_bytes`.
    ///
    /// # Errors
    /// If it did not live through it.
    fn load(&self, file: &Self::File, asked: &[u8], most_bytes: usize) -> Result<(Rc<dyn Instance>, Vec<u8>), Death>;
}

/// A file.
pub trait File {
    /// How many bytes it has.
    fn bytes(&self) -> usize;
}

/// One instance of the engine. Dropping it gives its memory back.
pub trait Instance: Debug {
    /// What it says to rows. Its memory may have `most_bytes`.
    ///
    /// # Errors
    /// If it did not live through it. It can never be asked again.
    fn run(&self, rows: &[u8], most_bytes: usize) -> Result<Vec<u8>, Death>;

    /// How many bytes its memory has.
    fn bytes(&self) -> usize;
}

/// What ended an instance: a panic, a lack of memory, an endless recursion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Death(pub String);

impl Death {
    /// Whether it was for want of memory, so that it might have lived with more.
    pub fn is_of_memory(&self) -> bool {
        self.0.starts_with(OUT_OF_MEMORY)
    }
}
