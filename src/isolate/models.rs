//! The isolate's models, by the digest of their bytes, the shapes that are said beside it, and what they are checked against.

use std::collections::HashMap;
use std::rc::Rc;

use turnout_onnx::{LoadError, LoadOptions, Model};

use super::check::{self, CheckError};
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

/// The bytes of a model, the shapes that are said for what they leave open, and the key of its check rows.
type Form = (Sha256, Option<ModelShape>, Option<ModelKey>);

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
    /// The store has no check rows under the key that is named for them. It is not served unchecked.
    #[error("there are no check rows `{check}` of model `{key}` in the store")]
    CheckMissing {
        /// The model's key.
        key: String,
        /// Theirs.
        check: String,
    },
    /// It has not reproduced its check rows.
    #[error("model `{key}`, checked against `{check}`: {problem}")]
    Check {
        /// The model's key.
        key: String,
        /// That of its check rows.
        check: String,
        /// What is wrong.
        problem: Box<CheckError>,
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
            ModelError::Missing(_) | ModelError::Mismatch { .. } | ModelError::CheckMissing { .. } => 1_000.0,
            ModelError::Check { problem, .. } if matches!(**problem, CheckError::OtherModel(_)) => 1_000.0,
            ModelError::TooLarge { .. } | ModelError::Load { .. } | ModelError::Check { .. } => 30_000.0,
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

    /// Checks and loads what the store said of the model and of its check rows, and keeps the result. Where the reference
    /// names no check rows, `check` is nothing.
    ///
    /// # Errors
    /// If there is no such model, its bytes are not the ones meant, they cannot be run, or do not reproduce the check rows.
    pub fn store(
        &mut self,
        reference: &ModelReference,
        read: Result<Option<Vec<u8>>, StoreError>,
        check: Result<Option<Vec<u8>>, StoreError>,
        now_ms: f64,
    ) -> Result<Rc<Model>, ModelError> {
        let key = || reference.key.as_str().to_owned();
        let loaded = match (read, check) {
            // Not remembered: the store may well answer the next request.
            (Err(problem), _) | (_, Err(problem)) => return Err(ModelError::Unavailable { key: key(), problem }),
            (Ok(None), _) => Err(ModelError::Missing(key())),
            (Ok(Some(onnx)), Ok(check)) => {
                self.load(reference, &onnx, check.as_deref()).map(|model| (model, onnx.len()))
            }
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

    fn load(&self, reference: &ModelReference, onnx: &[u8], check: Option<&[u8]>) -> Result<Rc<Model>, ModelError> {
        let key = || reference.key.as_str().to_owned();
        let (expected, found) = (reference.sha256, Sha256::of(onnx));
        if expected != found {
            return Err(ModelError::Mismatch { key: key(), expected, found });
        }
        if onnx.len() > self.capacity {
            return Err(ModelError::TooLarge { key: key(), bytes: onnx.len(), capacity: self.capacity });
        }
        let check = match (&reference.check, check) {
            (Some(named), None) => {
                return Err(ModelError::CheckMissing { key: key(), check: named.as_str().to_owned() });
            }
            (Some(named), Some(check)) => Some((named, check)),
            (None, _) => None,
        };
        let shapes = reference.shape.as_ref().map(ModelShape::shapes).cloned().unwrap_or_default();
        let model = Model::load_with(onnx, &LoadOptions { shapes, ..LoadOptions::default() });
        let model = model.map_err(|problem| ModelError::Load { key: key(), problem })?;
        if let Some((named, check)) = check {
            let checked = check::reproduce(check, found, model.schema(), |table| model.run(table, None));
            let check = || named.as_str().to_owned();
            checked.map_err(|problem| ModelError::Check { key: key(), check: check(), problem: Box::new(problem) })?;
        }
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
    (reference.sha256, reference.shape.clone(), reference.check.clone())
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
            check: None,
        }
    }

    #[test]
    fn one_key_that_is_wrong_is_no_fault_of_another() {
        let mut cache = ModelCache::new(1 << 20);
        let (wrong, right) = (reference("wrong", ONNX), reference("right", ONNX));
        let missing = cache.store(&wrong, Ok(None), Ok(None), 0.0).unwrap_err();
        assert_eq!(missing, ModelError::Missing("wrong".to_owned()));
        assert!(cache.get(&right, 1.0).is_none(), "the other key is asked for");
        cache.store(&right, Ok(Some(ONNX.to_vec())), Ok(None), 1.0).unwrap();
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
        cache.store(&shaped(4), Ok(Some(onnx.to_vec())), Ok(None), 0.0).unwrap();
        assert!(matches!(cache.get(&shaped(4), 1.0), Some(Ok(_))));
        assert!(cache.get(&shaped(5), 1.0).is_none());
        assert!(matches!(
            cache.store(&shaped(5), Ok(Some(onnx.to_vec())), Ok(None), 1.0),
            Err(ModelError::Load { .. })
        ));
        assert!(matches!(cache.get(&shaped(4), 2.0), Some(Ok(_))), "the other goes on");
    }

    #[test]
    fn a_late_upload_is_found_soon_and_broken_bytes_are_not_read_each_time() {
        let mut cache = ModelCache::new(1 << 20);
        let late = reference("late", ONNX);
        for read in [None, Some(b"an older upload".to_vec())] {
            cache.store(&late, Ok(read), Ok(None), 0.0).unwrap_err();
            assert!(matches!(cache.get(&late, 999.0), Some(Err(_))));
            assert!(cache.get(&late, 1_000.0).is_none());
        }
        let broken = reference("broken", b"no model");
        cache.store(&broken, Ok(Some(b"no model".to_vec())), Ok(None), 0.0).unwrap_err();
        assert!(matches!(cache.get(&broken, 29_999.0), Some(Err(ModelError::Load { .. }))));
        assert!(cache.get(&broken, 30_000.0).is_none());
        cache.store(&late, Err(StoreError("down".to_owned())), Ok(None), 2_000.0).unwrap_err();
        assert!(cache.get(&late, 2_000.0).is_none(), "a store that fails is asked again at once");
    }

    #[test]
    fn a_model_is_not_served_unchecked() {
        const CHECK: &str = include_str!("../../models/digits/logistic.check.json");
        let mut cache = ModelCache::new(1 << 20);
        let plain = reference("digits", ONNX);
        let checked = ModelReference { check: Some(ModelKey::try_from("rows".to_owned()).unwrap()), ..plain.clone() };
        let mut store = |check: Result<Option<&str>, StoreError>, now_ms| {
            let check = check.map(|check| check.map(|check| check.as_bytes().to_vec()));
            cache.store(&checked, Ok(Some(ONNX.to_vec())), check, now_ms).map(|_| ())
        };
        let (key, check) = ("digits".to_owned(), "rows".to_owned());
        let down = StoreError("down".to_owned());
        assert_eq!(store(Err(down.clone()), 0.0), Err(ModelError::Unavailable { key: key.clone(), problem: down }));
        let missing = ModelError::CheckMissing { key: key.clone(), check: check.clone() };
        assert_eq!(store(Ok(None), 0.0), Err(missing.clone()));
        let wrong = CHECK.replacen("\"label\": [", "\"label\": [1", 1);
        let different = store(Ok(Some(&wrong)), 0.0).unwrap_err();
        let problem = if let ModelError::Check { problem, .. } = &different { Some(&**problem) } else { None };
        assert!(matches!(problem, Some(CheckError::Different { row: 1, .. })), "{different}");
        let other = CHECK.replacen(&checked.sha256.to_string(), &Sha256::of(b"another").to_string(), 1);
        let of_another = store(Ok(Some(&other)), 0.0).unwrap_err();
        for (error, ms) in [(missing, 1_000.0), (of_another, 1_000.0), (different, 30_000.0)] {
            assert_eq!(error.remembered_ms(), ms, "{error}");
        }
        assert_eq!(store(Ok(Some(CHECK)), 1.0), Ok(()));
        assert!(matches!(cache.get(&checked, 2.0), Some(Ok(_))));
        assert!(cache.get(&plain, 2.0).is_none(), "a model that is not checked is another");
    }
}
