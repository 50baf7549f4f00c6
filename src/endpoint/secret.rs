//! Names of secrets.

use serde::{Deserialize, Serialize};

/// Name of a Worker secret: letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// Why a text is not a [`SecretName`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not the name of a secret: use letters, digits and underscores, and keep the secret itself out")]
pub struct SecretNameError(String);

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretName {
    type Error = SecretNameError;

    fn try_from(name: String) -> Result<Self, SecretNameError> {
        let known = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if known && (1..=128).contains(&name.len()) {
            Ok(SecretName(name))
        } else {
            // Someone may have put the secret itself here: show no more than its beginning.
            Err(SecretNameError(name.chars().take(4).chain("…".chars()).collect()))
        }
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> String {
        name.0
    }
}
