//! The isolate's models, by the digest of their bytes, the shapes that are said beside it, and what they are checked against:
//! each in an instance of the engine with a memory of its own.

use std::collections::HashMap;
use std::rc::Rc;

use turnout_tables::message::{self, Load, LoadOutcome, Loaded};
use turnout_tables::{Description, LoadOptions, Outputs, RunError, Table};

use super::check::{self, CheckError};
use crate::endpoint::{ModelKey, ModelReference, ModelShape, Sha256};
use crate::platform::{Death, Engines, File, Instance, StoreError};

/// Loaded models, bounded by the bytes that the memories of their instances have; the one used longest ago goes first.
///
/// Instances load and run without waiting for anything, one at a time. Before one does, others make room for what it will
/// need, and it is allowed what they leave: all of them together never have more than the bound.
///
/// A failure is remembered for a while too, so that a broken variant does not cost every request a read and a parse. It is
/// remembered by key and digest: the same bytes may be missing under one key and be there under another. What ended an
/// instance is remembered by the digest alone.
#[derive(Debug)]
pub struct ModelCache {
    most_bytes: usize,
    clock: u64,
    loaded: HashMap<Form, Entry>,
    failed: HashMap<(ModelKey, Form), (ModelError, f64)>,
    deaths: HashMap<Form, Deaths>,
    /// Shadows' models that found no room, and when.
    crowded: HashMap<Form, f64>,
}

/// The bytes of a model, the shapes that are said for what they leave open, and the key of its check rows.
type Form = (Sha256, Option<ModelShape>, Option<ModelKey>);

#[derive(Debug)]
struct Entry {
    model: Rc<LoadedModel>,
    used: u64,
    used_ms: f64,
}

/// A model in its instance. While it is held, its memory is.
#[derive(Debug)]
pub struct LoadedModel {
    form: Form,
    /// What it takes and gives.
    pub description: Rc<Description>,
    instance: Rc<dyn Instance>,
    /// What its memory had when it was loaded.
    bytes: usize,
}

/// Which model is meant, and what it is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its key, for errors.
    pub key: &'a ModelKey,
    /// The digest of its bytes; any, if there is none.
    pub sha256: Option<Sha256>,
    /// Shapes for what it leaves open.
    pub shape: Option<&'a ModelShape>,
    /// The key of its check rows.
    pub check: Option<&'a ModelKey>,
}

/// Where the memory comes from that a model needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Others make it, those used longest ago first.
    Made,
    /// It is what those leave that were used within the last minute: a shadow costs no model that answers its place.
    Left,
}

/// How a model has ended its instances.
#[derive(Debug)]
struct Deaths {
    count: u32,
    last: Death,
    last_ms: f64,
    /// Whether it has never been loaded.
    at_load: bool,
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
    /// It is larger than all memory for models.
    #[error("model `{key}` has {bytes} bytes, and all models together may take {most} of memory")]
    TooLarge {
        /// The model's key.
        key: String,
        /// Its size.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// It is not a model that can be run.
    #[error("model `{key}`: {problem}")]
    Load {
        /// The model's key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// Loading it ended its instance of the engine.
    #[error("model `{key}` cannot be loaded: it ended the engine's instance ({death})")]
    DiedAtLoad {
        /// The model's key.
        key: String,
        /// What ended it.
        death: Death,
    },
    /// It has ended too many instances of the engine to be run now.
    #[error("model `{key}` is not run for a minute: it ended {count} instances of the engine, the last with: {death}")]
    KeepsDying {
        /// The model's key.
        key: String,
        /// How many.
        count: u32,
        /// What ended the last.
        death: Death,
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
    /// It is a shadow's, and the models that answer leave it too little memory. That says nothing of it.
    #[error("model `{0}`, a shadow's, has no room beside the models that answer")]
    NoRoom(String),
    /// The store could not be read.
    #[error("model `{key}` could not be read: {problem}")]
    Unavailable {
        /// The model's key.
        key: String,
        /// What is wrong.
        problem: StoreError,
    },
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvokeError {
    /// It failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It ended its instance of the engine.
    #[error("the model failed: it ended the engine's instance ({0})")]
    Died(Death),
    /// It is a shadow's, and the models that answer leave it too little memory.
    #[error("the model, a shadow's, has no room beside the models that answer")]
    NoRoom,
}

impl Entry {
    /// Whether that very model is kept here.
    fn is(&self, model: &LoadedModel) -> bool {
        std::ptr::eq(Rc::as_ptr(&self.model), model)
    }
}

impl<'a> From<&'a ModelReference> for Wanted<'a> {
    fn from(reference: &'a ModelReference) -> Self {
        let ModelReference { key, sha256, shape, check, output: _, answers: _ } = reference;
        Wanted { key, sha256: Some(*sha256), shape: shape.as_ref(), check: check.as_ref() }
    }
}

impl Wanted<'_> {
    /// What the engine is asked.
    fn message(&self) -> Vec<u8> {
        let shapes = self.shape.map(ModelShape::shapes).cloned().unwrap_or_default();
        let options = LoadOptions { shapes, ..LoadOptions::default() };
        Load { digest: self.sha256.map(|digest| *digest.as_bytes()), options }.write()
    }

    fn form(&self, digest: Sha256) -> Form {
        (digest, self.shape.cloned(), self.check.cloned())
    }
}

impl LoadedModel {
    /// The digest of its file.
    pub fn digest(&self) -> Sha256 {
        self.form.0
    }
}

impl ModelError {
    /// For how long the store is not asked again. Bytes that cannot be run stay so; bytes that are missing or others than
    /// meant are often on their way. Of deaths see [`Deaths::refused_ms`].
    fn remembered_ms(&self) -> f64 {
        match self {
            ModelError::Missing(_) | ModelError::Mismatch { .. } | ModelError::CheckMissing { .. } => 1_000.0,
            ModelError::Check { problem, .. } if matches!(**problem, CheckError::OtherModel(_)) => 1_000.0,
            ModelError::TooLarge { .. } | ModelError::Load { .. } | ModelError::Check { .. } => 30_000.0,
            ModelError::Unavailable { .. }
            | ModelError::NoRoom(_)
            | ModelError::DiedAtLoad { .. }
            | ModelError::KeepsDying { .. } => 0.0,
        }
    }
}

impl Deaths {
    /// A model that runs otherwise may end so many instances before it is refused.
    const MOST: u32 = 3;
    /// Deaths that lie further apart than this are not counted together, and a model is refused for as long.
    const WITHIN_MS: f64 = 60_000.0;
    /// Loading is the same each time, and may have taken long.
    const AT_LOAD_MS: f64 = 600_000.0;

    /// For how long after its last death the model is refused.
    fn refused_ms(&self) -> f64 {
        match self {
            Deaths { at_load: true, .. } => Self::AT_LOAD_MS,
            Deaths { count, .. } if *count >= Self::MOST => Self::WITHIN_MS,
            _ => 0.0,
        }
    }
}

impl ModelCache {
    /// The most failures, and the most models that have died, that are remembered.
    const MOST_REMEMBERED: usize = 256;
    /// How many bytes more than when it was loaded an instance may have and be kept: WebAssembly's memory never shrinks.
    const MOST_GROWTH: usize = 16 << 20;
    /// What was not used for so long gives way to a shadow's model.
    const IDLE_MS: f64 = 60_000.0;
    /// For how long a model that found no room is not tried again.
    const CROWDED_MS: f64 = 30_000.0;
    /// What an instance has before it has loaded anything, and how many times its file's bytes loading may take, the file
    /// itself included: room that is made before, so that a model seldom dies because others are there.
    const EMPTY: usize = 2 << 20;
    const LOADING: usize = 5;

    /// A cache of models whose instances have so many bytes of memory together at most, while one loads or runs as well.
    pub fn new(most_bytes: usize) -> Self {
        let (loaded, failed, deaths, crowded) = Default::default();
        ModelCache { most_bytes, clock: 0, loaded, failed, deaths, crowded }
    }

    /// The room that is made for loading a file of so many bytes.
    fn needed_to_load(bytes: usize) -> usize {
        bytes.saturating_mul(Self::LOADING).saturating_add(Self::EMPTY)
    }

    /// The model, or why it failed or found no room a short while ago; `None` if it has to be read from the store.
    pub fn get(
        &mut self,
        reference: &ModelReference,
        room: Room,
        now_ms: f64,
    ) -> Option<Result<Rc<LoadedModel>, ModelError>> {
        let form = Wanted::from(reference).form(reference.sha256);
        if let Some(entry) = self.loaded.get_mut(&form) {
            self.clock = self.clock.wrapping_add(1);
            entry.used = self.clock;
            entry.used_ms = now_ms;
            return Some(Ok(Rc::clone(&entry.model)));
        }
        if room == Room::Left && self.is_crowded(&form, now_ms) {
            return Some(Err(ModelError::NoRoom(reference.key.as_str().to_owned())));
        }
        // Most isolates have met no failure, and need no copy of the key to look one up.
        if self.failed.is_empty() && self.deaths.is_empty() {
            return None;
        }
        if let Some(deaths) = self.deaths.get(&form).filter(|deaths| now_ms - deaths.last_ms < deaths.refused_ms()) {
            let (key, death) = (reference.key.as_str().to_owned(), deaths.last.clone());
            return Some(Err(if deaths.at_load {
                ModelError::DiedAtLoad { key, death }
            } else {
                ModelError::KeepsDying { key, count: deaths.count, death }
            }));
        }
        let (error, since_ms) = self.failed.get(&(reference.key.clone(), form))?;
        (now_ms - since_ms < error.remembered_ms()).then(|| Err(error.clone()))
    }

    /// Checks and loads what the store said of the model and of its check rows, and keeps the result. Where the reference
    /// names no check rows, `check` is nothing.
    ///
    /// # Errors
    /// If there is no such model, its bytes are not the ones meant, they cannot be run, or do not reproduce the check rows.
    pub fn store<E: Engines>(
        &mut self,
        engines: &E,
        reference: &ModelReference,
        read: Result<Option<E::File>, StoreError>,
        check: Result<Option<Vec<u8>>, StoreError>,
        room: Room,
        now_ms: f64,
    ) -> Result<Rc<LoadedModel>, ModelError> {
        let key = || reference.key.as_str().to_owned();
        let wanted = Wanted::from(reference);
        let loaded = match (read, check) {
            // Not remembered: the store may well answer the next request.
            (Err(problem), _) | (_, Err(problem)) => return Err(ModelError::Unavailable { key: key(), problem }),
            (Ok(None), _) => Err(ModelError::Missing(key())),
            (Ok(Some(file)), Ok(_)) if room == Room::Left && !self.has_room(file.bytes(), now_ms) => {
                self.note_crowded(wanted.form(reference.sha256), now_ms);
                return Err(ModelError::NoRoom(key()));
            }
            (Ok(Some(file)), Ok(check)) => self.load(engines, wanted, file, check.as_deref(), room, now_ms),
        };
        let place = (reference.key.clone(), wanted.form(reference.sha256));
        match &loaded {
            Ok(_) => {
                self.failed.remove(&place);
            }
            Err(error) => {
                if self.failed.len() >= Self::MOST_REMEMBERED {
                    self.failed.clear();
                }
                self.failed.insert(place, (error.clone(), now_ms));
            }
        }
        loaded
    }

    /// Loads a file, has it reproduce its check rows, and keeps it.
    ///
    /// # Errors
    /// If its bytes are not the ones wanted, they cannot be run, or do not reproduce the check rows.
    pub fn load<E: Engines>(
        &mut self,
        engines: &E,
        wanted: Wanted<'_>,
        file: E::File,
        check: Option<&[u8]>,
        room: Room,
        now_ms: f64,
    ) -> Result<Rc<LoadedModel>, ModelError> {
        let key = || wanted.key.as_str().to_owned();
        if file.bytes() > self.most_bytes {
            return Err(ModelError::TooLarge { key: key(), bytes: file.bytes(), most: self.most_bytes });
        }
        let check = match (wanted.check, check) {
            (Some(named), None) => {
                return Err(ModelError::CheckMissing { key: key(), check: named.as_str().to_owned() });
            }
            (Some(named), Some(check)) => Some((named, check)),
            (None, _) => None,
        };
        let needed = Self::needed_to_load(file.bytes());
        let load = |most_bytes: usize| {
            // The file stays beside its copy in the instance until that has been loaded.
            let most_bytes = most_bytes.saturating_sub(file.bytes());
            let (instance, said) = engines.load(&file, &wanted.message(), most_bytes)?;
            let said = Loaded::read(&said).map_err(|error| Death(error.to_string()))?;
            Ok::<_, Death>((instance, said))
        };
        let most_bytes = self.room(room, needed, None, now_ms);
        let mut answered = load(most_bytes);
        let may_have_more = room == Room::Made && most_bytes < self.most_bytes;
        if matches!(&answered, Err(death) if death.is_of_memory()) && may_have_more {
            // Some models take far more than others of their size.
            answered = load(self.make_room(usize::MAX, None));
        }
        let (instance, Loaded { digest, outcome }) = match answered {
            Ok(answered) => answered,
            Err(death) => {
                let form = wanted.sha256.map(|digest| wanted.form(digest));
                if room == Room::Left && death.is_of_memory() {
                    // It was given what others had left, which says nothing of it.
                    form.into_iter().for_each(|form| self.note_crowded(form, now_ms));
                    return Err(ModelError::NoRoom(key()));
                }
                form.into_iter().for_each(|form| self.note_death(form, death.clone(), true, now_ms));
                return Err(ModelError::DiedAtLoad { key: key(), death });
            }
        };
        let found = Sha256::from(digest);
        let description = match outcome {
            LoadOutcome::Ready(description) => Rc::from(description),
            LoadOutcome::Refused(problem) => return Err(ModelError::Load { key: key(), problem }),
            LoadOutcome::Other => {
                return Err(ModelError::Mismatch { key: key(), expected: wanted.sha256.unwrap_or(found), found });
            }
        };
        let bytes = instance.bytes();
        let model = LoadedModel { form: wanted.form(found), description, instance, bytes };
        if let Some((named, check)) = check {
            let run = |table: &Table| self.answer(&model, table, None, room, || now_ms);
            let checked = check::reproduce(check, found, &model.description.schema, run);
            checked.map_err(|problem| ModelError::Check {
                key: key(),
                check: named.as_str().to_owned(),
                problem: Box::new(problem),
            })?;
        }
        let model = Rc::new(model);
        self.keep(Rc::clone(&model), now_ms);
        Ok(model)
    }

    /// Runs a model on rows, and answers the output of that name, else the one that the model answers by default, else all.
    ///
    /// # Errors
    /// If it fails, has no such output, does not take that number of rows, or ends its instance.
    pub fn run(
        &mut self,
        model: &LoadedModel,
        table: &Table,
        output: Option<&str>,
        room: Room,
        now_ms: impl Fn() -> f64,
    ) -> Result<Outputs, InvokeError> {
        let output = model.description.answered(output)?;
        self.answer(model, table, output, room, now_ms)
    }

    /// Runs a model on rows, and answers the output in that place, else all.
    fn answer(
        &mut self,
        model: &LoadedModel,
        table: &Table,
        output: Option<usize>,
        room: Room,
        now_ms: impl Fn() -> f64,
    ) -> Result<Outputs, InvokeError> {
        let description = &model.description;
        description.rows.check(table.rows()).map_err(RunError::from)?;
        let rows = message::write_rows(table, output);
        let run_bytes = usize::try_from(description.run_bytes).unwrap_or(usize::MAX);
        // The rows stand there twice, as a message and as a table.
        let needed = rows.len().saturating_mul(2).saturating_add(run_bytes).saturating_add(model.instance.bytes());
        let most_bytes = match room {
            // The clock is not asked for what every request does.
            Room::Made => self.make_room(needed, Some(model)),
            Room::Left => self.room(room, needed, Some(model), now_ms()),
        };
        let answered = model.instance.run(&rows, most_bytes);
        let answered = answered
            .and_then(|answer| message::read_answer(&answer, description).map_err(|error| Death(error.to_string())));
        match answered {
            Ok(answer) => {
                self.drop_grown(model);
                Ok(answer?)
            }
            Err(death) => {
                self.forget(model);
                if room == Room::Left && death.is_of_memory() {
                    // It was given what others had left, which says nothing of it.
                    self.note_crowded(model.form.clone(), now_ms());
                    return Err(InvokeError::NoRoom);
                }
                if death.is_of_memory() {
                    // With all memory to itself it may live.
                    self.loaded.clear();
                }
                self.note_death(model.form.clone(), death.clone(), false, now_ms());
                Err(InvokeError::Died(death))
            }
        }
    }

    /// How many bytes one may have that needs so many, which stays.
    fn room(&mut self, room: Room, needed: usize, stays: Option<&LoadedModel>, now_ms: f64) -> usize {
        if room == Room::Left {
            let held = self.held_lately(stays, now_ms);
            let most_bytes = self.most_bytes.saturating_sub(held);
            return self.make_room(needed.min(most_bytes), stays).min(most_bytes);
        }
        self.make_room(needed, stays)
    }

    /// Drops those used longest ago until so many bytes are free for one, which stays. Gives how many it may have, beside
    /// those that are left.
    fn make_room(&mut self, needed: usize, stays: Option<&LoadedModel>) -> usize {
        loop {
            let others = self.loaded.values().filter(|entry| !stays.is_some_and(|stays| entry.is(stays)));
            let held = others.clone().map(|entry| entry.model.instance.bytes()).fold(0, usize::saturating_add);
            let left = self.most_bytes.saturating_sub(held);
            if left >= needed {
                return left;
            }
            match others.min_by_key(|entry| entry.used).map(|entry| entry.model.form.clone()) {
                Some(oldest) => self.loaded.remove(&oldest),
                None => return left,
            };
        }
    }

    /// Drops those used longest ago until so many bytes are left of what all may have, for something else that the isolate is
    /// to hold for a while.
    pub fn make_way(&mut self, bytes: usize) {
        self.make_room(bytes, None);
    }

    /// Whether a shadow's model, whose file has so many bytes, finds room beside the models that answer: those that were used
    /// within the last minute, which it must not push out.
    fn has_room(&self, bytes: usize, now_ms: f64) -> bool {
        self.held_lately(None, now_ms).saturating_add(Self::needed_to_load(bytes)) <= self.most_bytes
    }

    /// How many bytes the models have that were used within the last minute, but for the one that stays.
    fn held_lately(&self, stays: Option<&LoadedModel>, now_ms: f64) -> usize {
        let lately = self.loaded.values().filter(|entry| now_ms - entry.used_ms < Self::IDLE_MS);
        let others = lately.filter(|entry| !stays.is_some_and(|stays| entry.is(stays)));
        others.map(|entry| entry.model.instance.bytes()).fold(0, usize::saturating_add)
    }

    fn note_crowded(&mut self, form: Form, now_ms: f64) {
        if self.crowded.len() >= Self::MOST_REMEMBERED {
            self.crowded.clear();
        }
        self.crowded.insert(form, now_ms);
    }

    /// Whether the model found no room a short while ago.
    fn is_crowded(&self, form: &Form, now_ms: f64) -> bool {
        self.crowded.get(form).is_some_and(|since_ms| now_ms - since_ms < Self::CROWDED_MS)
    }

    fn keep(&mut self, model: Rc<LoadedModel>, now_ms: f64) {
        self.clock = self.clock.wrapping_add(1);
        let entry = Entry { used: self.clock, used_ms: now_ms, model };
        self.loaded.insert(entry.model.form.clone(), entry);
    }

    /// Drops an instance that has grown too far in a run. It is made anew when it is next asked for.
    fn drop_grown(&mut self, model: &LoadedModel) {
        if model.instance.bytes() > model.bytes.saturating_add(Self::MOST_GROWTH) {
            self.forget(model);
        }
    }

    /// Drops a model, unless it has been loaded anew since.
    fn forget(&mut self, model: &LoadedModel) {
        if self.loaded.get(&model.form).is_some_and(|entry| entry.is(model)) {
            self.loaded.remove(&model.form);
        }
    }

    fn note_death(&mut self, form: Form, death: Death, at_load: bool, now_ms: f64) {
        if self.deaths.len() >= Self::MOST_REMEMBERED && !self.deaths.contains_key(&form) {
            self.deaths.retain(|_, deaths| now_ms - deaths.last_ms < deaths.refused_ms());
            if self.deaths.len() >= Self::MOST_REMEMBERED {
                self.deaths.clear();
            }
        }
        let before = self.deaths.get(&form).filter(|deaths| now_ms - deaths.last_ms < Deaths::WITHIN_MS);
        let count = before.map_or(0, |deaths| deaths.count).saturating_add(1);
        self.deaths.insert(form, Deaths { count, last: death, last_ms: now_ms, at_load });
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;
    use turnout_tables::Values;
    use turnout_tables::message::OUT_OF_MEMORY;

    use super::*;
    use crate::endpoint::AnswerForm;
    use crate::platform::in_process::{EMPTY, InProcessEngines};

    const ONNX: &[u8] = include_bytes!("../../models/digits/logistic.onnx");
    const SHAPED: &[u8] = include_bytes!("../../tests/zoo/models/network-input-named-width.onnx");

    /// A cache, and the engine that it has its instances of.
    struct Bench {
        cache: ModelCache,
        engines: InProcessEngines,
    }

    impl Bench {
        fn new(most_bytes: usize) -> Self {
            Bench { cache: ModelCache::new(most_bytes), engines: InProcessEngines::default() }
        }

        fn store(
            &mut self,
            reference: &ModelReference,
            file: Option<&[u8]>,
            now_ms: f64,
        ) -> Result<Rc<LoadedModel>, ModelError> {
            self.cache.store(&self.engines, reference, Ok(file.map(<[u8]>::to_vec)), Ok(None), Room::Made, now_ms)
        }

        /// Runs a model on a row of zeros; the instance that was made last ends so, if it does.
        fn run(&mut self, model: &LoadedModel, ends: Option<&str>, now_ms: f64) -> Result<Outputs, InvokeError> {
            if let Some(instance) = self.engines.instances.borrow().last() {
                *instance.ends.borrow_mut() = ends.map(|ends| Death(ends.to_owned()));
            }
            let schema = &model.description.schema;
            let table = Table::new(schema, 1, vec![Values::F32(vec![0.0; schema.width()])]).unwrap();
            self.cache.run(model, &table, None, Room::Made, || now_ms)
        }
    }

    fn reference(key: &str, onnx: &[u8]) -> ModelReference {
        ModelReference {
            key: ModelKey::try_from(key.to_owned()).unwrap(),
            sha256: Sha256::of(onnx),
            output: None,
            answers: AnswerForm::default(),
            shape: None,
            check: None,
        }
    }

    fn shaped(width: usize) -> ModelReference {
        let shape = ModelShape::new(vec![("X".to_owned(), vec![width])]).unwrap();
        ModelReference { shape: Some(shape), ..reference("model", SHAPED) }
    }

    #[test]
    fn one_key_that_is_wrong_is_no_fault_of_another() {
        let mut bench = Bench::new(8 << 20);
        let (wrong, right) = (reference("wrong", ONNX), reference("right", ONNX));
        let missing = bench.store(&wrong, None, 0.0).unwrap_err();
        assert_eq!(missing, ModelError::Missing("wrong".to_owned()));
        assert!(bench.cache.get(&right, Room::Made, 1.0).is_none(), "the other key is asked for");
        bench.store(&right, Some(ONNX), 1.0).unwrap();
        // The bytes are the ones meant, whatever the key.
        assert!(matches!(bench.cache.get(&wrong, Room::Made, 2.0), Some(Ok(_))));
    }

    #[test]
    fn the_same_bytes_with_other_shapes_are_another_model() {
        let mut bench = Bench::new(16 << 20);
        bench.store(&shaped(4), Some(SHAPED), 0.0).unwrap();
        assert!(matches!(bench.cache.get(&shaped(4), Room::Made, 1.0), Some(Ok(_))));
        assert!(bench.cache.get(&shaped(5), Room::Made, 1.0).is_none());
        assert!(matches!(bench.store(&shaped(5), Some(SHAPED), 1.0), Err(ModelError::Load { .. })));
        assert!(matches!(bench.cache.get(&shaped(4), Room::Made, 2.0), Some(Ok(_))), "the other goes on");
    }

    #[test]
    fn a_late_upload_is_found_soon_and_broken_bytes_are_not_read_each_time() {
        let mut bench = Bench::new(8 << 20);
        let late = reference("late", ONNX);
        for read in [None, Some(&b"an older upload"[..])] {
            bench.store(&late, read, 0.0).unwrap_err();
            assert!(matches!(bench.cache.get(&late, Room::Made, 999.0), Some(Err(_))));
            assert!(bench.cache.get(&late, Room::Made, 1_000.0).is_none());
        }
        let broken = reference("broken", b"no model");
        bench.store(&broken, Some(b"no model"), 0.0).unwrap_err();
        assert!(matches!(bench.cache.get(&broken, Room::Made, 29_999.0), Some(Err(ModelError::Load { .. }))));
        assert!(bench.cache.get(&broken, Room::Made, 30_000.0).is_none());
        let down = Err(StoreError("down".to_owned()));
        bench.cache.store(&bench.engines, &late, down, Ok(None), Room::Made, 2_000.0).unwrap_err();
        assert!(bench.cache.get(&late, Room::Made, 2_000.0).is_none(), "a store that fails is asked again at once");
    }

    #[test]
    fn a_model_that_dies_is_loaded_anew_and_after_three_deaths_refused_for_a_minute() {
        let mut bench = Bench::new(8 << 20);
        let dying = reference("dying", ONNX);
        for death in 0..3 {
            assert!(bench.cache.get(&dying, Room::Made, 1_000.0).is_none(), "after {death} deaths");
            let model = bench.store(&dying, Some(ONNX), 1_000.0).unwrap();
            bench.run(&model, None, 0.0).unwrap();
            let died = bench.run(&model, Some("index out of bounds"), 1_000.0).unwrap_err();
            assert_eq!(died, InvokeError::Died(Death("index out of bounds".to_owned())));
        }
        let refused = bench.cache.get(&dying, Room::Made, 60_999.0).unwrap().unwrap_err();
        assert!(matches!(&refused, ModelError::KeepsDying { count: 3, .. }), "{refused}");
        assert!(refused.to_string().contains("index out of bounds"), "{refused}");
        // Then it is given another chance, and its deaths are counted anew.
        let model = match bench.cache.get(&dying, Room::Made, 61_000.0) {
            None => bench.store(&dying, Some(ONNX), 61_000.0).unwrap(),
            some => panic!("{some:?}"),
        };
        bench.run(&model, Some("again"), 61_001.0).unwrap_err();
        assert!(bench.cache.get(&dying, Room::Made, 61_002.0).is_none());
    }

    #[test]
    fn a_shadow_finds_room_beside_what_was_used_lately_and_pushes_out_nothing_else() {
        // What one instance has, and what loading this file may take.
        let needed = ONNX.len() * ModelCache::LOADING + ModelCache::EMPTY;
        let mut bench = Bench::new(needed + EMPTY + 1);
        let answering = reference("answering", ONNX);
        bench.store(&answering, Some(ONNX), 0.0).unwrap();
        let held: usize = bench.cache.loaded.values().map(|entry| entry.model.instance.bytes()).sum();
        let bytes = (bench.cache.most_bytes - held - ModelCache::EMPTY) / ModelCache::LOADING;
        assert!(bench.cache.has_room(bytes, 1.0) && !bench.cache.has_room(bytes + 1, 1.0));
        // Who answers goes on; what nobody has asked for a minute gives way.
        assert!(bench.cache.get(&answering, Room::Made, 30_000.0).is_some());
        assert!(!bench.cache.has_room(bytes + 1, 60_001.0));
        assert!(bench.cache.has_room(bytes + 1, 90_000.0));
    }

    #[test]
    fn models_make_way_for_an_upload_those_used_longest_ago_first() {
        let mut bench = Bench::new(8 << 20);
        let (old, new) = (reference("old", ONNX), shaped(4));
        bench.store(&old, Some(ONNX), 0.0).unwrap();
        bench.store(&new, Some(SHAPED), 1.0).unwrap();
        let held: usize = bench.cache.loaded.values().map(|entry| entry.model.instance.bytes()).sum();
        bench.cache.make_way((8 << 20) - held);
        assert_eq!(bench.cache.loaded.len(), 2, "there was room");
        bench.cache.make_way((8 << 20) - held + 1);
        assert!(bench.cache.get(&old, Room::Made, 2.0).is_none());
        assert!(bench.cache.get(&new, Room::Made, 2.0).is_some());
    }

    #[test]
    fn a_shadow_without_room_is_not_read_again_at_once() {
        let mut bench = Bench::new(ONNX.len() * ModelCache::LOADING + ModelCache::EMPTY);
        let (answering, shadow) = (reference("answering", ONNX), shaped(4));
        bench.store(&answering, Some(ONNX), 0.0).unwrap();
        let no_room = ModelError::NoRoom("model".to_owned());
        let file = Ok(Some(SHAPED.to_vec()));
        let refused = bench.cache.store(&bench.engines, &shadow, file, Ok(None), Room::Left, 1.0).unwrap_err();
        assert_eq!(refused, no_room);
        assert_eq!(bench.cache.get(&shadow, Room::Left, 30_000.0).unwrap().unwrap_err(), no_room);
        assert!(bench.cache.get(&shadow, Room::Left, 30_001.0).is_none());
        assert!(bench.cache.get(&shadow, Room::Made, 2.0).is_none(), "where it answers, room is made");
    }

    #[test]
    fn a_shadow_that_wants_more_than_is_left_ends_alone_and_is_not_blamed() {
        let mut bench = Bench::new(8 << 20);
        let (answering, shadow) = (reference("answering", ONNX), shaped(4));
        bench.store(&answering, Some(ONNX), 0.0).unwrap();
        let model = bench.store(&shadow, Some(SHAPED), 0.0).unwrap();
        let table = Table::new(&model.description.schema, 1, vec![Values::F32(vec![0.0; 4])]).unwrap();
        let of_memory = Death(format!("{OUT_OF_MEMORY}: it has 7 bytes, and 8 more were wanted"));
        for _ in 0..5 {
            let model = match bench.cache.get(&shadow, Room::Made, 1.0) {
                Some(model) => model.unwrap(),
                None => bench.store(&shadow, Some(SHAPED), 1.0).unwrap(),
            };
            *bench.engines.instances.borrow().last().unwrap().ends.borrow_mut() = Some(of_memory.clone());
            let died = bench.cache.run(&model, &table, None, Room::Left, || 1.0).unwrap_err();
            assert_eq!(died, InvokeError::NoRoom);
            assert!(bench.cache.get(&answering, Room::Made, 1.0).is_some(), "who answers goes on");
            assert!(bench.cache.get(&shadow, Room::Left, 30_000.0).unwrap().is_err(), "it is not tried again at once");
        }
    }

    #[test]
    fn what_dies_while_it_loads_is_not_loaded_again_under_any_key() {
        let mut bench = Bench::new(8 << 20);
        *bench.engines.ends.borrow_mut() = Some(Death("unreachable".to_owned()));
        let died = bench.store(&reference("a", ONNX), Some(ONNX), 0.0).unwrap_err();
        assert!(matches!(died, ModelError::DiedAtLoad { .. }), "{died}");
        assert_eq!(
            bench.cache.get(&reference("b", ONNX), Room::Made, 599_999.0).unwrap().unwrap_err().to_string(),
            died.to_string().replace("`a`", "`b`")
        );
        assert!(bench.cache.get(&reference("b", ONNX), Room::Made, 600_000.0).is_none());
    }

    #[test]
    fn what_dies_for_want_of_memory_gets_all_of_it() {
        let of_memory = Death(format!("{OUT_OF_MEMORY}: it has 7 bytes, and 8 more were wanted"));
        let mut bench = Bench::new(8 << 20);
        let (small, large) = (reference("small", ONNX), shaped(4));
        bench.store(&small, Some(ONNX), 0.0).unwrap();
        *bench.engines.ends.borrow_mut() = Some(of_memory.clone());
        let model = bench.store(&large, Some(SHAPED), 0.0).unwrap();
        assert!(bench.cache.get(&small, Room::Made, 0.0).is_none(), "the other has made room");
        let allowed = bench.engines.instances.borrow().last().unwrap().allowed.get();
        assert_eq!(allowed, (8 << 20) - SHAPED.len(), "all that the file itself does not take");
        // A run that dies so makes room for the next, but is counted: it must not do so for ever.
        let instance = Rc::clone(bench.engines.instances.borrow().last().unwrap());
        bench.store(&small, Some(ONNX), 0.0).unwrap();
        *instance.ends.borrow_mut() = Some(of_memory.clone());
        bench.run(&model, None, 0.0).unwrap_err();
        assert!(bench.cache.get(&small, Room::Made, 0.0).is_none());
        // What dies with all of it dies.
        bench.cache.loaded.clear();
        *bench.engines.ends.borrow_mut() = Some(of_memory.clone());
        assert!(matches!(bench.store(&large, Some(SHAPED), 0.0), Err(ModelError::DiedAtLoad { .. })));
    }

    #[test]
    fn an_instance_that_has_grown_far_is_made_anew() {
        let mut bench = Bench::new(80 << 20);
        let grown = reference("grown", ONNX);
        let model = bench.store(&grown, Some(ONNX), 0.0).unwrap();
        let instance = Rc::clone(&bench.engines.instances.borrow()[0]);
        let before = instance.bytes.get();
        for (growth, stays) in [(0, true), (16 << 20, true), ((16 << 20) + 1, false)] {
            instance.bytes.set(before + growth);
            bench.run(&model, None, 0.0).unwrap();
            assert_eq!(bench.cache.get(&grown, Room::Made, 0.0).is_some(), stays, "{growth}");
        }
        drop(model);
        assert_eq!(Rc::strong_count(&instance), 2, "its memory is held by this test alone");
    }

    #[test]
    fn a_file_larger_than_all_memory_is_not_loaded() {
        let mut bench = Bench::new(1 << 10);
        let refused = bench.store(&reference("large", ONNX), Some(ONNX), 0.0).unwrap_err();
        assert!(matches!(refused, ModelError::TooLarge { .. }), "{refused}");
        assert!(bench.engines.instances.borrow().is_empty());
    }

    #[test]
    fn a_model_is_not_served_unchecked() {
        const CHECK: &str = include_str!("../../models/digits/logistic.check.json");
        let Bench { mut cache, engines } = Bench::new(8 << 20);
        let plain = reference("digits", ONNX);
        let checked = ModelReference { check: Some(ModelKey::try_from("rows".to_owned()).unwrap()), ..plain.clone() };
        let mut store = |check: Result<Option<&str>, StoreError>, now_ms| {
            let check = check.map(|check| check.map(|check| check.as_bytes().to_vec()));
            cache.store(&engines, &checked, Ok(Some(ONNX.to_vec())), check, Room::Made, now_ms).map(|_| ())
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
        assert!(matches!(cache.get(&checked, Room::Made, 2.0), Some(Ok(_))));
        assert!(cache.get(&plain, Room::Made, 2.0).is_none(), "a model that is not checked is another");
    }

    proptest! {
        /// Whatever is loaded and run, in whatever order, and however instances grow: those that are kept, beside the one
        /// that runs and what it may have, never have more than the bound.
        #[test]
        fn all_memory_is_bounded(
            most in (3 * EMPTY)..(12 * EMPTY),
            steps in proptest::collection::vec((1usize..9, 0usize..(3 * EMPTY), any::<bool>()), 1..40),
        ) {
            let mut bench = Bench::new(most);
            for (width, growth, dies) in steps {
                // Another model by its documentation, as protobuf reads what is appended.
                let file = [ONNX, &[0x32, 1, b'a' + width as u8]].concat();
                let reference = reference("key", &file);
                let model = match bench.cache.get(&reference, Room::Made, 0.0) {
                    Some(model) => model,
                    None => bench.store(&reference, Some(&file), 0.0),
                };
                let Ok(model) = model else { continue };
                let kept = |bench: &Bench, but: &LoadedModel| {
                    let others = bench.cache.loaded.values().filter(|entry| !std::ptr::eq(Rc::as_ptr(&entry.model), but));
                    others.map(|entry| entry.model.instance.bytes()).sum::<usize>()
                };
                let _ = bench.run(&model, dies.then_some("dead"), 0.0);
                let instance = bench.engines.instances.borrow().iter().rev().find(|instance| {
                    std::ptr::addr_eq(Rc::as_ptr(instance), Rc::as_ptr(&model.instance))
                }).cloned().unwrap();
                prop_assert!(kept(&bench, &model) + instance.allowed.get() <= most);
                // It grows by what it was allowed at most.
                let size = (instance.bytes.get() + growth).min(instance.allowed.get()).max(instance.bytes.get());
                instance.bytes.set(size);
                bench.cache.drop_grown(&model);
                let all = bench.cache.loaded.values().map(|entry| entry.model.instance.bytes()).sum::<usize>();
                prop_assert!(all <= most, "{all} of {most}");
            }
        }
    }
}
