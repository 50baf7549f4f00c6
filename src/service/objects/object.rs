//! What an object is, beside its bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use crate::access::{AccessError, BodyError};
use crate::platform::{BrokenStream, EntropyError, StoreError, Told};
use crate::service::Error;

/// The most bytes of an object: what a value of Workers KV may have.
pub const MAX_OBJECT_BYTES: u64 = 25 << 20;
/// The most bytes of its metadata, as KV takes them.
const MOST_METADATA: usize = 1_024;
/// What the keys of parts and uploads begin with, in the store of models. No listing shows them.
pub(super) const HIDDEN: &str = "~uploads/";

/// What somebody said of an object when it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Its media type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// A checksum, where the caller gave one or asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// `x-amz-meta-` headers, by what stands behind that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<String, String>,
}

impl Facts {
    /// Whether they fit beside a value, whatever its size.
    pub(super) fn check(&self) -> Result<(), ObjectError> {
        Object { size: u64::MAX, etag: String::new(), modified_ms: None, facts: self.clone() }.metadata().map(|_| ())
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// How many bytes it has.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// When it was written, in milliseconds since the Unix epoch; absent where nobody knows.
    pub modified_ms: Option<f64>,
    /// What was said of it.
    pub facts: Facts,
}

/// The same as it stands beside a value of the store.
#[derive(Serialize, Deserialize)]
struct Metadata {
    modified_ms: f64,
    size: u64,
    etag: String,
    #[serde(flatten)]
    facts: Facts,
}

impl Object {
    /// What a store tells of it; `None` where that is too little, as of a value that came without metadata.
    pub(super) fn told(told: Told) -> Option<Object> {
        let Told { metadata, size, etag, modified_ms } = told;
        if let Some(Metadata { modified_ms, size, etag, facts }) =
            metadata.and_then(|metadata| serde_json::from_value(metadata).ok())
        {
            return Some(Object { size, etag, modified_ms: Some(modified_ms), facts });
        }
        Some(Object { size: size?, etag: etag?, modified_ms, facts: Facts::default() })
    }

    /// As it is to stand beside the value.
    pub(super) fn metadata(&self) -> Result<String, ObjectError> {
        let metadata = Metadata {
            modified_ms: self.modified_ms.unwrap_or_default(),
            size: self.size,
            etag: self.etag.clone(),
            facts: self.facts.clone(),
        };
        // It has no map whose keys are not texts.
        let text = serde_json::to_string(&metadata).unwrap_or_default();
        if text.len() > MOST_METADATA { Err(ObjectError::MetadataTooLarge) } else { Ok(text) }
    }
}

/// On what terms something is read or written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`.
    pub matches: Option<String>,
    /// `If-None-Match`.
    pub matches_none: Option<String>,
}

impl Conditions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.matches.is_none() && self.matches_none.is_none()
    }

    /// Whether they hold for an entity tag, or for there being none.
    ///
    /// # Errors
    /// If they do not.
    pub fn check(&self, etag: Option<&str>) -> Result<(), ObjectError> {
        let names = |list: &str| {
            list.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"')).any(|tag| match etag {
                Some(etag) => tag == "*" || tag == etag,
                None => false,
            })
        };
        if self.matches.as_deref().is_some_and(|list| !names(list)) {
            return Err(ObjectError::Precondition("If-Match"));
        }
        if self.matches_none.as_deref().is_some_and(names) {
            return Err(ObjectError::Unmodified);
        }
        Ok(())
    }
}

/// Why nothing is read or written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ObjectError {
    /// Who asks may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no object under the key.
    #[error("there is nothing under `{0}`")]
    NotFound(String),
    /// There is no such upload.
    #[error("there is no upload `{0}`: it was completed or aborted, or is older than a day")]
    NoUpload(String),
    /// The key is none.
    #[error("a key has 1 to 512 bytes and does not begin with `{HIDDEN}`")]
    Key,
    /// The object is the one that the caller has.
    #[error("the object is the one that If-None-Match names")]
    Unmodified,
    /// A condition does not hold.
    #[error("the condition {0} does not hold")]
    Precondition(&'static str),
    /// The range lies behind the object's end.
    #[error("the object has {0} bytes, and the range begins behind them")]
    Range(u64),
    /// The request does not say how long its body is.
    #[error("the request says neither Content-Length nor x-amz-decoded-content-length")]
    NoLength,
    /// The body has another length than the request says.
    #[error("the request says {said} bytes, and {came} came")]
    Length {
        /// As the request has it.
        said: u64,
        /// As the body has it.
        came: u64,
    },
    /// The object would be too large.
    #[error(
        "an object has at most {MAX_OBJECT_BYTES} bytes (25 MiB), as a value of Workers KV; this one has {0} or more"
    )]
    TooLarge(u64),
    /// A part that is not the last is too small.
    #[error("each part but the last has at least 5 MiB; part {0} has less")]
    PartTooSmall(u32),
    /// A part's number is none.
    #[error("part numbers are from 1 to 10000")]
    PartNumber,
    /// A part that is named was not uploaded, or has another entity tag.
    #[error("part {0} was not uploaded with that entity tag")]
    NoPart(u32),
    /// Parts are not named in order.
    #[error("parts are named in the order of their numbers, each once, and at least one")]
    PartOrder,
    /// A checksum is not the body's.
    #[error("the {0} that came with the body is not the body's")]
    Checksum(&'static str),
    /// A checksum was announced and did not come, or is of a kind that is not known here.
    #[error("{0}")]
    Argument(String),
    /// What is said of the object is too much.
    #[error("what is said of an object has at most {MOST_METADATA} bytes, its user metadata included")]
    MetadataTooLarge,
    /// A document is not the one that the operation takes.
    #[error("the body is not the XML that this operation takes: {0}")]
    Xml(String),
    /// The body is not what was signed.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body did not arrive.
    #[error(transparent)]
    Broken(#[from] BrokenStream),
    /// Others are uploading.
    #[error("other uploads take all the room that there is")]
    NoRoom,
    /// S3 has it, and there is nothing of the kind here.
    #[error("{0} is not served here")]
    NotHere(String),
    /// What endpoints capture is not written by S3's clients.
    #[error("this bucket can be read only")]
    ReadOnly,
    /// There is no such bucket.
    #[error("there is no bucket `{0}` here: `models` has the models, `capture` what endpoints capture")]
    NoBucket(String),
    /// The bucket is there already.
    #[error("the bucket is there already, and is yours")]
    Exists,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform's randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A key that callers may name.
///
/// # Errors
/// If it is none.
pub(super) fn check_key(key: &str) -> Result<(), ObjectError> {
    if (1..=512).contains(&key.len()) && !key.starts_with(HIDDEN) && key != "." && key != ".." {
        Ok(())
    } else {
        Err(ObjectError::Key)
    }
}

impl From<Error> for ObjectError {
    /// Of what else is asked of the service: ids alone, which need randomness.
    fn from(error: Error) -> Self {
        match error {
            Error::Access(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Entropy(error) => error.into(),
            error => ObjectError::Argument(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_lists_of_tags() {
        let conditions = |matches: Option<&str>, none: Option<&str>| Conditions {
            matches: matches.map(str::to_owned),
            matches_none: none.map(str::to_owned),
        };
        for (given, etag, holds) in [
            (conditions(None, None), None, true),
            (conditions(Some("\"a\", \"b\""), None), Some("b"), true),
            (conditions(Some("*"), None), Some("b"), true),
            (conditions(Some("*"), None), None, false),
            (conditions(Some("\"a\""), None), Some("b"), false),
            (conditions(None, Some("*")), None, true),
            (conditions(None, Some("*")), Some("a"), false),
            (conditions(None, Some("W/\"a\"")), Some("a"), false),
            (conditions(None, Some("\"b\"")), Some("a"), true),
        ] {
            assert_eq!(given.check(etag).is_ok(), holds, "{given:?} {etag:?}");
        }
    }

    #[test]
    fn what_is_said_of_an_object_comes_back_and_has_a_bound() {
        let mut facts = Facts { content_type: Some("a/b".to_owned()), ..Facts::default() };
        facts.user.insert("by".to_owned(), "é".to_owned());
        let mut object = Object { size: 3, etag: "e".to_owned(), modified_ms: Some(1.0), facts };
        let metadata = serde_json::from_str(&object.metadata().unwrap()).unwrap();
        assert_eq!(Object::told(Told { metadata, ..Told::default() }), Some(object.clone()));
        object.facts.user.insert("more".to_owned(), "x".repeat(1_000));
        assert_eq!(object.metadata(), Err(ObjectError::MetadataTooLarge));
        assert_eq!(Object::told(Told { size: Some(1), ..Told::default() }), None);
    }
}
