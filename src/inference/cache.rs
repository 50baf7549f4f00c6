//! The isolate's models, by the digest of their bytes.

use std::collections::HashMap;
use std::rc::Rc;

use turnout_onnx::{LoadError, Model};

use crate::endpoint::{ModelReference, Sha256};
use crate::platform::StoreError;

/// Loaded models, bounded by the bytes of their files; the one used longest ago goes first.
///
/// A model that fails to load is remembered for a while too, so that a broken variant does not cost every
/// request a read and a parse. Its siblings do not notice.
#[derive(Debug)]
pub struct ModelCache {
    capacity: usize,
    held: usize,
    clock: u64,
    loaded: HashMap<Sha256, Entry>,
    failed: HashMap<Sha256, (ModelError, f64)>,
}

#[derive(Debug)]
struct Entry {
    model: Rc<Model>,
    bytes: usize,
    used: u64,
}

/// Why a model cannot be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The store has no bytes under its key.
    #[error("there is no model `{0}` in the store")]
    Missing(String),
    /// The bytes are others than the configuration means.
    #[error("the bytes under `{key}` have SHA-256 {found}, the configuration says {expected}")]
    Mismatch {
        /// The model's key.
        key: String,
        /// The digest configured.
        expected: Sha256,
        /// The digest of what the store holds.
        found: Sha256,
    },
    /// It is larger than the whole cache.
    #[error("model `{key}` has {bytes} bytes, more than the {capacity} that an isolate keeps")]
    TooLarge {
        /// The model's key.
        key: String,
        /// Its size.
        bytes: usize,
        /// The bound.
        capacity: usize,
    },
    /// It is not a model that can be run.
    #[error("model `{key}`: {problem}")]
    Load {
        /// The model's key.
        key: String,
        /// What is wrong.
        problem: LoadError,
    },
    /// The store could not be read.
    #[error("model `{key}` could not be read: {problem}")]
    Unavailable {
        /// The model's key.
        key: String,
        /// What is wrong.
        problem: StoreError,
    },
}

impl ModelCache {
    /// How long a failure is remembered.
    const FAILURE_MS: f64 = 30_000.0;
    /// The most failures that are remembered.
    const MAX_FAILURES: usize = 256;

    /// A cache of models whose files have `capacity` bytes together at most.
    pub fn new(capacity: usize) -> Self {
        ModelCache { capacity, held: 0, clock: 0, loaded: HashMap::new(), failed: HashMap::new() }
    }

    /// The model, or why it failed a short while ago; `None` if it has to be read from the store.
    pub fn get(&mut self, reference: &ModelReference, now_ms: f64) -> Option<Result<Rc<Model>, ModelError>> {
        if let Some(entry) = self.loaded.get_mut(&reference.sha256) {
            self.clock = self.clock.wrapping_add(1);
            entry.used = self.clock;
            return Some(Ok(Rc::clone(&entry.model)));
        }
        let (error, since_ms) = self.failed.get(&reference.sha256)?;
        (now_ms - since_ms < Self::FAILURE_MS).then(|| Err(error.clone()))
    }

    /// Checks and loads what the store said, and keeps the result.
    ///
    /// # Errors
    /// If there is no such model, its bytes are not the ones meant, or they cannot be run.
    pub fn store(
        &mut self,
        reference: &ModelReference,
        read: Result<Option<Vec<u8>>, StoreError>,
        now_ms: f64,
    ) -> Result<Rc<Model>, ModelError> {
        let key = || reference.key.as_str().to_owned();
        let loaded = match read {
            // Not remembered: the store may well answer the next request.
            Err(problem) => return Err(ModelError::Unavailable { key: key(), problem }),
            Ok(None) => Err(ModelError::Missing(key())),
            Ok(Some(onnx)) => self.load(reference, &onnx).map(|model| (model, onnx.len())),
        };
        match loaded {
            Ok((model, bytes)) => {
                self.failed.remove(&reference.sha256);
                self.keep(reference.sha256, Rc::clone(&model), bytes);
                Ok(model)
            }
            Err(error) => {
                if self.failed.len() >= Self::MAX_FAILURES {
                    self.failed.clear();
                }
                self.failed.insert(reference.sha256, (error.clone(), now_ms));
                Err(error)
            }
        }
    }

    fn load(&self, reference: &ModelReference, onnx: &[u8]) -> Result<Rc<Model>, ModelError> {
        let key = || reference.key.as_str().to_owned();
        let (expected, found) = (reference.sha256, Sha256::of(onnx));
        if expected != found {
            return Err(ModelError::Mismatch { key: key(), expected, found });
        }
        if onnx.len() > self.capacity {
            return Err(ModelError::TooLarge { key: key(), bytes: onnx.len(), capacity: self.capacity });
        }
        let model = Model::load(onnx).map_err(|problem| ModelError::Load { key: key(), problem })?;
        Ok(Rc::new(model))
    }

    fn keep(&mut self, sha256: Sha256, model: Rc<Model>, bytes: usize) {
        self.clock = self.clock.wrapping_add(1);
        let entry = Entry { model, bytes, used: self.clock };
        if let Some(replaced) = self.loaded.insert(sha256, entry) {
            self.held = self.held.saturating_sub(replaced.bytes);
        }
        self.held = self.held.saturating_add(bytes);
        while self.held > self.capacity {
            let Some(oldest) = self.loaded.iter().min_by_key(|(_, entry)| entry.used).map(|(sha256, _)| *sha256) else {
                return;
            };
            if let Some(entry) = self.loaded.remove(&oldest) {
                self.held = self.held.saturating_sub(entry.bytes);
            }
        }
    }
}
