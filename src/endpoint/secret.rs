//! Names of secrets.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Name of a Worker secret: 1 to 128 letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(Cow<'static, str>);

/// Why a text is not a [`SecretName`].
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SecretNameError {
    /// It has other characters, or too many.
    #[error("`{0}` is not the name of a secret: use letters, digits and underscores, and keep the secret itself out")]
    NotAName(String),
    /// It is one of this worker's settings, which are no secret: whoever knows the documents could guess them.
    #[error("`{0}` is a setting of this worker and no secret; name one that is set with `wrangler secret put`")]
    Setting(String),
    /// It is a key of the worker's own, which nobody else may be given.
    #[error("`{0}` is the key that inference ids are signed with: name another secret")]
    OwnKey(String),
    /// It is the id of a key, which each signature shows.
    #[error("`{0}` is the id of a key and no secret: name the key by what stands before it")]
    KeyId(String),
}

/// The settings of docs/configuration.md. The platform has them beside the secrets.
const SETTINGS: [&str; 12] = [
    "ALLOWED_ORIGINS",
    "ENDPOINT_GRACE_SECONDS",
    "ENDPOINT_KEEP_SECONDS",
    "ENDPOINT_TTL_SECONDS",
    "KEEP_HOURS_DAYS",
    "KEEP_MINUTES_DAYS",
    "KEEP_REMOVED_DAYS",
    "KV_DELAY_SECONDS",
    "KV_LIMIT_SECONDS",
    "LOG_RECORDS",
    "MODEL_MEMORY_BYTES",
    "OPEN_DESCRIPTIONS",
];

impl SecretName {
    /// A name from the source code. In a constant, the compiler refuses a wrong one:
    ///
    /// ```
    /// use turnout::endpoint::SecretName;
    /// const ADMIN: SecretName = SecretName::from_static("ADMIN");
    /// assert_eq!(ADMIN.as_str(), "ADMIN");
    /// ```
    ///
    /// ```compile_fail
    /// use turnout::endpoint::SecretName;
    /// const ADMIN: SecretName = SecretName::from_static("not a name");
    /// assert_eq!(ADMIN.as_str(), "not a name");
    /// ```
    ///
    /// # Panics
    /// If it is not a name, and is not in a constant.
    pub const fn from_static(name: &'static str) -> Self {
        assert!(is_name(name), "a secret's name is letters, digits and underscores");
        SecretName(Cow::Borrowed(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretName {
    type Error = SecretNameError;

    fn try_from(name: String) -> Result<Self, SecretNameError> {
        if SETTINGS.contains(&name.as_str()) {
            Err(SecretNameError::Setting(name))
        } else if name == "INFERENCE_KEY" || name == "INFERENCE_KEY_PREVIOUS" {
            Err(SecretNameError::OwnKey(name))
        } else if name.ends_with("_ACCESS_KEY_ID") {
            Err(SecretNameError::KeyId(name))
        } else if is_name(&name) {
            Ok(SecretName(name.into()))
        } else {
            // Someone may have written the secret itself here: show its beginning only.
            Err(SecretNameError::NotAName(name.chars().take(4).chain("…".chars()).collect()))
        }
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> String {
        name.0.into_owned()
    }
}

const fn is_name(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [byte, others @ ..] = rest {
        if !byte.is_ascii_alphanumeric() && *byte != b'_' {
            return false;
        }
        rest = others;
    }
    !text.is_empty() && text.len() <= 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_underscores() {
        for good in ["A", "_", "churn_TOKEN_2", &"x".repeat(128)] {
            assert_eq!(SecretName::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "INFERENCE_KEY",
            "ADMIN_ACCESS_KEY_ID",
            "KV_LIMIT_SECONDS",
            "a b",
            "a-b",
            "\u{e9}",
            "a\n",
            &"x".repeat(129),
        ] {
            assert!(SecretName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
