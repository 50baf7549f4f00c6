//! Who may invoke an endpoint, as its document says.

use serde::{Deserialize, Serialize};

use super::secret::SecretName;

/// Who may invoke: `"open"`, `{"bearer": SECRET}` or `{"sigv4": KEY}`. Secrets are named, never written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everybody.
    Open,
    /// Who sends the Worker secret of this name as a bearer token.
    Bearer(SecretName),
    /// Who signs as AWS's clients do, with the key whose id and secret are the Worker secrets `NAME_ACCESS_KEY_ID` and
    /// `NAME_SECRET_ACCESS_KEY`.
    #[serde(rename = "sigv4")]
    SigV4(SecretName),
}

impl Access {
    /// Whether everybody may.
    pub fn is_open(&self) -> bool {
        *self == Access::Open
    }
}
