//! Objects by key, as R2 keeps them: where captured lines go.

/// Writes and reads objects.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Bucket {
    /// Whether there is one.
    fn has_bucket(&self) -> bool;

    /// Puts an object in place of what is there.
    async fn put_object(&self, key: &str, bytes: &[u8]) -> Result<(), BucketError>;

    /// An object; `None` where there is none.
    async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, BucketError>;

    /// One page of keys that begin with `prefix`, which ends with a slash; and where the next one begins.
    async fn object_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, BucketError>;
}

/// A page of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// In order.
    pub keys: Vec<String>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
}

/// The bucket did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bucket did not answer: {0}")]
pub struct BucketError(pub String);
