//! References to models.

use serde::{Deserialize, Serialize};

use super::digest::Sha256;

/// Which model, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelReference {
    /// Key in the store of models.
    pub key: ModelKey,
    /// Digest of the bytes. With it, a loaded model can be kept for the life of the isolate, and a wrong upload is
    /// noticed.
    pub sha256: Sha256,
    /// The output to answer with; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// Key of a model in the store: 1 to 512 bytes, as Workers KV takes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelKey(String);

/// Why a text is not a [`ModelKey`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a model key has 1 to 512 bytes, this one has {0}")]
pub struct ModelKeyError(usize);

impl ModelKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ModelKey {
    type Error = ModelKeyError;

    fn try_from(key: String) -> Result<Self, ModelKeyError> {
        match key.len() {
            1..=512 => Ok(ModelKey(key)),
            length => Err(ModelKeyError(length)),
        }
    }
}

impl From<ModelKey> for String {
    fn from(key: ModelKey) -> String {
        key.0
    }
}
