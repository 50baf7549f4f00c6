//! Authorization of invocations, as the document says it.

use serde::{Deserialize, Serialize};

use super::secret::SecretName;

/// How invocations are authorized: `"open"`, `{"bearer": SECRET}` or `{"sigv4": KEY}`. Secrets are named, never
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Not at all: anybody may invoke.
    Open,
    /// By a bearer token: the Worker secret of this name.
    Bearer(SecretName),
    /// By a signature as AWS's clients make it, with the key whose id and secret are the Worker secrets
    /// `NAME_ACCESS_KEY_ID` and `NAME_SECRET_ACCESS_KEY`.
    #[serde(rename = "sigv4")]
    SigV4(SecretName),
}

impl Access {
    /// Whether anybody may invoke.
    pub fn is_open(&self) -> bool {
        *self == Access::Open
    }
}
