//! The isolate's models, by the digest of their bytes and the shapes that are said beside it.

use std::collections::HashMap;
use std::rc::Rc;

use turnout_onnx::{LoadError, LoadOptions, Model};

use crate::endpoint::{ModelKey, ModelReference, ModelShape, Sha256};
use crate::platform::StoreError;

/// Loaded models, bounded by the bytes of their files; the one used longest ago goes first.
///
/// A failure is remembered for a while too, so that a broken variant does not cost every request a read and a parse. It is
/// remembered by key and digest: the same bytes may be missing under one key and be there under another.
#[derive(Debug)]
pub struct ModelCache {
    capacity: usize,
    held: usize,
    clock: u64,
    loaded: HashMap<Form, Entry>,
    failed: HashMap<(ModelKey, Form), (ModelError, f64)>,
}

/// The bytes of a model, and the shapes that are said for what they leave open.
type Form = (Sha256, Option<ModelShape>);

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

impl ModelError {
    /// For how long the store is not asked again. Bytes that cannot be run stay so; bytes that are missing or others than
    /// meant are often on their way.
    fn remembered_ms(&self) -> f64 {
        match self {
            ModelError::TooLarge { .. } | ModelError::Load { .. } => 30_000.0,
            ModelError::Missing(_) | ModelError::Mismatch { .. } => 1_000.0,
            ModelError::Unavailable { .. } => 0.0,
        }
    }
}

impl ModelCache {
    /// The most failures that are remembered.
    const MAX_FAILURES: usize = 256;

    /// A cache of models whose files have `capacity` bytes together at most.
    pub fn new(capacity: usize) -> Self {
        ModelCache { capacity, held: 0, clock: 0, loaded: HashMap::new(), failed: HashMap::new() }
    }

    /// The model, or why it failed a short while ago; `None` if it has to be read from the store.
    pub fn get(&mut self, reference: &ModelReference, now_ms: f64) -> Option<Result<Rc<Model>, ModelError>> {
        if let Some(entry) = self.loaded.get_mut(&form(reference)) {
            self.clock = self.clock.wrapping_add(1);
            entry.used = self.clock;
            return Some(Ok(Rc::clone(&entry.model)));
        }
        // Most isolates have met no failure, and need no copy of the key to look one up.
        if self.failed.is_empty() {
            return None;
        }
        let (error, since_ms) = self.failed.get(&place(reference))?;
        (now_ms - since_ms < error.remembered_ms()).then(|| Err(error.clone()))
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
                self.failed.remove(&place(reference));
                self.keep(form(reference), Rc::clone(&model), bytes);
                Ok(model)
            }
            Err(error) => {
                if self.failed.len() >= Self::MAX_FAILURES {
                    self.failed.clear();
                }
                self.failed.insert(place(reference), (error.clone(), now_ms));
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
        let shapes = reference.shape.as_ref().map(ModelShape::shapes).cloned().unwrap_or_default();
        let model = Model::load_with(onnx, &LoadOptions { shapes, ..LoadOptions::default() });
        let model = model.map_err(|problem| ModelError::Load { key: key(), problem })?;
        Ok(Rc::new(model))
    }

    fn keep(&mut self, form: Form, model: Rc<Model>, bytes: usize) {
        self.clock = self.clock.wrapping_add(1);
        let entry = Entry { model, bytes, used: self.clock };
        if let Some(replaced) = self.loaded.insert(form, entry) {
            self.held = self.held.saturating_sub(replaced.bytes);
        }
        self.held = self.held.saturating_add(bytes);
        while self.held > self.capacity {
            let oldest = self.loaded.iter().min_by_key(|(_, entry)| entry.used).map(|(form, _)| form.clone());
            let Some(oldest) = oldest else { return };
            if let Some(entry) = self.loaded.remove(&oldest) {
                self.held = self.held.saturating_sub(entry.bytes);
            }
        }
    }
}

fn form(reference: &ModelReference) -> Form {
    (reference.sha256, reference.shape.clone())
}

fn place(reference: &ModelReference) -> (ModelKey, Form) {
    (reference.key.clone(), form(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONNX: &[u8] = include_bytes!("../../models/digits/logistic.onnx");

    fn reference(key: &str, onnx: &[u8]) -> ModelReference {
        ModelReference {
            key: ModelKey::try_from(key.to_owned()).unwrap(),
            sha256: Sha256::of(onnx),
            output: None,
            shape: None,
        }
    }

    #[test]
    fn one_key_that_is_wrong_is_no_fault_of_another() {
        let mut cache = ModelCache::new(1 << 20);
        let (wrong, right) = (reference("wrong", ONNX), reference("right", ONNX));
        let missing = cache.store(&wrong, Ok(None), 0.0).unwrap_err();
        assert_eq!(missing, ModelError::Missing("wrong".to_owned()));
        assert!(cache.get(&right, 1.0).is_none(), "the other key is asked for");
        cache.store(&right, Ok(Some(ONNX.to_vec())), 1.0).unwrap();
        // The bytes are the ones meant, whatever the key.
        assert!(matches!(cache.get(&wrong, 2.0), Some(Ok(_))));
    }

    #[test]
    fn the_same_bytes_with_other_shapes_are_another_model() {
        let onnx = include_bytes!("../../tests/zoo/models/network-input-named-width.onnx");
        let mut cache = ModelCache::new(1 << 20);
        let shaped = |width: usize| {
            let shape = ModelShape::new(vec![("X".to_owned(), vec![width])]).unwrap();
            ModelReference { shape: Some(shape), ..reference("model", onnx) }
        };
        cache.store(&shaped(4), Ok(Some(onnx.to_vec())), 0.0).unwrap();
        assert!(matches!(cache.get(&shaped(4), 1.0), Some(Ok(_))));
        assert!(cache.get(&shaped(5), 1.0).is_none());
        assert!(matches!(cache.store(&shaped(5), Ok(Some(onnx.to_vec())), 1.0), Err(ModelError::Load { .. })));
        assert!(matches!(cache.get(&shaped(4), 2.0), Some(Ok(_))), "the other goes on");
    }

    #[test]
    fn a_late_upload_is_found_soon_and_broken_bytes_are_not_read_each_time() {
        let mut cache = ModelCache::new(1 << 20);
        let late = reference("late", ONNX);
        for read in [None, Some(b"an older upload".to_vec())] {
            cache.store(&late, Ok(read), 0.0).unwrap_err();
            assert!(matches!(cache.get(&late, 999.0), Some(Err(_))));
            assert!(cache.get(&late, 1_000.0).is_none());
        }
        let broken = reference("broken", b"no model");
        cache.store(&broken, Ok(Some(b"no model".to_vec())), 0.0).unwrap_err();
        assert!(matches!(cache.get(&broken, 29_999.0), Some(Err(ModelError::Load { .. }))));
        assert!(cache.get(&broken, 30_000.0).is_none());
        cache.store(&late, Err(StoreError("down".to_owned())), 2_000.0).unwrap_err();
        assert!(cache.get(&late, 2_000.0).is_none(), "a store that fails is asked again at once");
    }
}
