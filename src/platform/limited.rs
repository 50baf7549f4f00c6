//! A platform whose store is waited for no longer than a limit: no request hangs because KV does.

use std::ops::Deref;
use std::pin::pin;

use futures_util::future::{Either, select};

use super::{
    Bucket, BucketError, Engines, Entry, KeyPage, Namespace, ObjectPage, Objects, Page, Place, Store, StoreError,
    Timer, Times, Told, UnreachableExperiment,
};

/// A platform, with a time limit on all that is asked of its store. What its store is asked goes through here: these
/// methods stand before those of [`Store`].
#[derive(Debug)]
pub struct Limited<P> {
    platform: P,
    limit_ms: f64,
}

/// Models, which have megabytes, and changes, which are rare and better waited for than doubted.
const SLOW_LIMIT_MS: f64 = 15_000.0;
/// A whole object, on its way to the store.
const OBJECT_LIMIT_MS: f64 = 60_000.0;
/// An experiment, which may itself wait for the store.
const EXPERIMENT_LIMIT_MS: f64 = 10_000.0;

/// A bucket: what is done after a response has half a minute in all.
const BUCKET_LIMIT_MS: f64 = 8_000.0;

impl<P> Deref for Limited<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.platform
    }
}

impl<P: Store + Engines + Timer> Limited<P> {
    /// A platform whose store has `limit_ms` milliseconds for a document or a page of names, and more for models and changes.
    pub fn new(platform: P, limit_ms: f64) -> Self {
        Limited { platform, limit_ms }
    }

    /// As [`Store::read`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time.
    pub async fn read(&self, namespace: Namespace, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.within(self.limit_of(namespace), self.platform.read(namespace, key)).await
    }

    /// As [`Store::read_entry`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time.
    pub async fn read_entry(&self, namespace: Namespace, key: &str) -> Result<Option<Entry>, StoreError> {
        self.within(self.limit_of(namespace), self.platform.read_entry(namespace, key)).await
    }

    /// As [`Store::write`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time: it may have written the value then.
    pub async fn write(&self, namespace: Namespace, key: &str, value: &str, times: Times) -> Result<(), StoreError> {
        self.within(SLOW_LIMIT_MS, self.platform.write(namespace, key, value, times)).await
    }

    /// As [`Store::delete`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time: it may have removed the value then.
    pub async fn delete(&self, namespace: Namespace, key: &str) -> Result<(), StoreError> {
        self.within(SLOW_LIMIT_MS, self.platform.delete(namespace, key)).await
    }

    /// As [`Store::list`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time.
    pub async fn list(
        &self,
        namespace: Namespace,
        prefix: &str,
        cursor: Option<String>,
        limit: u16,
    ) -> Result<Page, StoreError> {
        self.within(self.limit_ms, self.platform.list(namespace, prefix, cursor, limit)).await
    }

    /// As [`Engines::read_model`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time.
    pub async fn read_model(&self, key: &str) -> Result<Option<P::File>, StoreError> {
        self.within(self.limit_of(Namespace::Models), self.platform.read_model(key)).await
    }

    /// As [`Experiments::ask_experiment`](super::Experiments::ask_experiment).
    ///
    /// # Errors
    /// If the experiment fails, or does not answer in time: it may have done what it was asked for then.
    pub async fn ask_experiment(&self, endpoint: &str, question: &str) -> Result<String, UnreachableExperiment>
    where
        P: super::Experiments,
    {
        let asked = self.platform.ask_experiment(endpoint, question);
        match select(pin!(asked), pin!(self.platform.sleep(EXPERIMENT_LIMIT_MS))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(UnreachableExperiment(format!("it took longer than {EXPERIMENT_LIMIT_MS} ms"))),
        }
    }

    /// As [`Bucket::put_object`].
    ///
    /// # Errors
    /// If the bucket fails, or does not answer in time: it may have kept the object then.
    pub async fn put_object(&self, key: &str, bytes: &[u8]) -> Result<(), BucketError>
    where
        P: Bucket,
    {
        self.bucket_within(self.platform.put_object(key, bytes)).await
    }

    /// As [`Bucket::object`].
    ///
    /// # Errors
    /// If the bucket fails, or does not answer in time.
    pub async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, BucketError>
    where
        P: Bucket,
    {
        self.bucket_within(self.platform.object(key)).await
    }

    /// As [`Bucket::object_keys`].
    ///
    /// # Errors
    /// If the bucket fails, or does not answer in time.
    pub async fn object_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, BucketError>
    where
        P: Bucket,
    {
        self.bucket_within(self.platform.object_keys(prefix, cursor)).await
    }

    /// As [`Objects::write_object`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time: it may have kept the object then.
    pub async fn write_object(
        &self,
        key: &str,
        blob: &P::Blob,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<(), StoreError>
    where
        P: Objects,
    {
        self.within(OBJECT_LIMIT_MS, self.platform.write_object(key, blob, metadata, seconds)).await
    }

    /// As [`Objects::open_object`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time.
    pub async fn open_object(&self, place: Place, key: &str) -> Result<Option<(Told, P::Stream)>, StoreError>
    where
        P: Objects,
    {
        self.within(SLOW_LIMIT_MS, self.platform.open_object(place, key)).await
    }

    /// As [`Objects::object_page`].
    ///
    /// # Errors
    /// If the store fails, or does not answer in time.
    pub async fn object_page(&self, place: Place, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage, StoreError>
    where
        P: Objects,
    {
        self.within(SLOW_LIMIT_MS, self.platform.object_page(place, prefix, cursor)).await
    }

    async fn bucket_within<T>(&self, asked: impl Future<Output = Result<T, BucketError>>) -> Result<T, BucketError> {
        match select(pin!(asked), pin!(self.platform.sleep(BUCKET_LIMIT_MS))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(BucketError(format!("it took longer than {BUCKET_LIMIT_MS} ms"))),
        }
    }

    fn limit_of(&self, namespace: Namespace) -> f64 {
        match namespace {
            Namespace::Endpoints | Namespace::Registry => self.limit_ms,
            Namespace::Models => SLOW_LIMIT_MS,
        }
    }

    async fn within<T>(
        &self,
        limit_ms: f64,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match select(pin!(asked), pin!(self.platform.sleep(limit_ms))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(StoreError(format!("it took longer than {limit_ms} ms"))),
        }
    }
}
