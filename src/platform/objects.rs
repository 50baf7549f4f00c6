//! Objects too large for the worker's own memory, which never shrinks: their bytes stay with the platform, and only pieces of
//! them pass through here.

use std::ops::Range;

use serde::Deserialize;

use super::StoreError;

/// Where objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The models, in the store.
    Models,
    /// What endpoints capture, in the bucket.
    Capture,
}

/// Reads and writes objects, by their streams.
#[allow(async_fn_in_trait)] // Single-threaded by nature: no future here has to be Send.
pub trait Objects {
    /// Bytes that are on their way. Dropping it leaves the rest of them.
    type Stream;
    /// Bytes in the platform's memory. Dropping it gives them back.
    type Blob;

    /// The body of the request that is being answered. It can be read once.
    fn body(&self) -> Self::Stream;

    /// The next piece of a stream, of at most 64 KiB; `None` at its end.
    async fn next_piece(&self, stream: &Self::Stream) -> Result<Option<Vec<u8>>, BrokenStream>;

    /// Room for so many bytes; `None` where others take it.
    fn room(&self, bytes: usize) -> Option<Self::Blob>;

    /// A few bytes as a blob.
    fn blob_of(&self, bytes: &[u8]) -> Self::Blob;

    /// Puts a part of the stream's last piece into a blob, behind what is there.
    fn keep(&self, stream: &Self::Stream, part: Range<usize>, blob: &Self::Blob);

    /// Puts a model's bytes in place of what is there, with metadata, which is JSON; for so many seconds, or for good.
    async fn write_object(
        &self,
        key: &str,
        blob: &Self::Blob,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<(), StoreError>;

    /// An object, and what is known of it; `None` where there is none.
    async fn open_object(&self, place: Place, key: &str) -> Result<Option<(Told, Self::Stream)>, StoreError>;

    /// A page of the objects whose keys begin with `prefix`, in order, from `cursor` on.
    async fn object_page(&self, place: Place, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage, StoreError>;

    /// Has the response's body be a part of a stream, in place of the one that it has.
    fn respond_with(&self, stream: Self::Stream, part: Range<u64>);
}

/// What a store knows of an object beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Told {
    /// JSON that was written with it, or anything.
    pub metadata: Option<serde_json::Value>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// Its entity tag, without quotes.
    pub etag: Option<String>,
    /// When it was written, in milliseconds since the Unix epoch.
    pub modified_ms: Option<f64>,
}

/// A page of objects.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ObjectPage {
    /// By key, in order.
    pub objects: Vec<(String, Told)>,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
}

/// A stream did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes did not arrive whole: {0}")]
pub struct BrokenStream(pub String);
