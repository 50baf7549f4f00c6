//! The engine and a bucket in the same process, for tests.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use turnout_engine::Engine;

use super::bucket::{Bucket, BucketError, KeyPage};
use super::engine::{Death, Engines, File, Instance};
use super::store::StoreError;

impl File for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// Makes instances, and keeps them for a test to look at. It has no files.
#[derive(Debug, Default)]
pub struct InProcessEngines {
    /// In the order in which they loaded a model.
    pub instances: RefCell<Vec<Rc<InProcess>>>,
    /// What ends the next one while it loads.
    pub ends: RefCell<Option<Death>>,
}

/// An instance whose size and end a test decides.
#[derive(Debug, Default)]
pub struct InProcess {
    engine: RefCell<Engine>,
    /// How many bytes it seems to have.
    pub bytes: Cell<usize>,
    /// What ends it at the next run.
    pub ends: RefCell<Option<Death>>,
    /// How many bytes it was allowed last.
    pub allowed: Cell<usize>,
}

/// Bytes of an instance without a model.
pub const EMPTY: usize = 1 << 20;

impl Engines for InProcessEngines {
    type File = Vec<u8>;

    async fn read_model(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    /// The instance seems to take twice the file's bytes.
    fn load(&self, file: &Vec<u8>, asked: &[u8], most_bytes: usize) -> Result<(Rc<dyn Instance>, Vec<u8>), Death> {
        if let Some(death) = self.ends.borrow_mut().take() {
            return Err(death);
        }
        let instance = InProcess::default();
        instance.bytes.set(EMPTY + 2 * file.len());
        instance.allowed.set(most_bytes);
        if instance.bytes.get() > most_bytes {
            return Err(Death("out of memory".to_owned()));
        }
        let said = caught(|| instance.engine.borrow_mut().load(file.clone(), asked).unwrap())?;
        let instance = Rc::new(instance);
        self.instances.borrow_mut().push(Rc::clone(&instance));
        Ok((instance, said))
    }
}

impl Instance for InProcess {
    fn run(&self, rows: &[u8], most_bytes: usize) -> Result<Vec<u8>, Death> {
        self.allowed.set(most_bytes);
        if let Some(death) = self.ends.borrow_mut().take() {
            return Err(death);
        }
        caught(|| self.engine.borrow().run(rows).unwrap())
    }

    fn bytes(&self) -> usize {
        self.bytes.get()
    }
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Death> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Death("a panic".to_owned()))
}

/// A bucket whose faults a test decides.
#[derive(Debug, Default)]
pub struct InProcessBucket {
    /// By key.
    pub objects: RefCell<BTreeMap<String, Vec<u8>>>,
    /// Whether there is none.
    pub is_missing: Cell<bool>,
    /// How many of the next writes fail.
    pub failures: Cell<u32>,
    /// Whether it never answers.
    pub hangs: Cell<bool>,
    /// How many writes were tried.
    pub puts: Cell<u32>,
}

impl Bucket for InProcessBucket {
    fn has_bucket(&self) -> bool {
        !self.is_missing.get()
    }

    async fn put_object(&self, key: &str, bytes: &[u8]) -> Result<(), BucketError> {
        self.puts.set(self.puts.get() + 1);
        if self.hangs.get() {
            std::future::pending::<()>().await;
        }
        if self.failures.get() > 0 {
            self.failures.set(self.failures.get() - 1);
            return Err(BucketError("down".to_owned()));
        }
        self.objects.borrow_mut().insert(key.to_owned(), bytes.to_vec());
        Ok(())
    }

    async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, BucketError> {
        Ok(self.objects.borrow().get(key).cloned())
    }

    /// Two keys a page.
    async fn object_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, BucketError> {
        let objects = self.objects.borrow();
        let rest =
            objects.keys().filter(|key| key.starts_with(prefix) && cursor.is_none_or(|cursor| key.as_str() > cursor));
        let mut keys: Vec<String> = rest.take(3).cloned().collect();
        let more = keys.len() > 2;
        keys.truncate(2);
        Ok(KeyPage { cursor: keys.last().filter(|_| more).cloned(), keys })
    }
}
