//! References to model hosts.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use url::Url;

use super::secret::SecretName;

/// A model host and how to call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginReference {
    /// The address that invocations are posted to.
    pub url: OriginUrl,
    /// Milliseconds until the call is aborted: headers, body and redirects together. 30 seconds unless given.
    #[serde(default = "OriginReference::default_timeout")]
    pub timeout_ms: NonZeroU32,
    /// Name of the Worker secret that is sent as a bearer token. Documents hold names of secrets, never secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretName>,
    /// Whether an answer of status 4xx is the caller's to read: it is passed on, and no failure of the variant. Not those
    /// that this worker brings about by how it calls: see [`origin`](crate::origin).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub caller_errors: bool,
}

/// An absolute `http` or `https` address without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginUrl(Url);

/// Why a text is not an [`OriginUrl`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not an address to forward to: {1}")]
pub struct OriginUrlError(String, &'static str);

impl OriginReference {
    fn default_timeout() -> NonZeroU32 {
        const { NonZeroU32::new(30_000).unwrap() }
    }
}

impl OriginUrl {
    /// The address.
    pub fn get(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for OriginUrl {
    type Error = OriginUrlError;

    fn try_from(text: String) -> Result<Self, OriginUrlError> {
        let Ok(url) = Url::parse(&text) else {
            return Err(OriginUrlError(text, "write it whole, as in https://models.example.com/churn/invocations"));
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OriginUrlError(text, "only http and https are supported"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            // The text is not repeated: it holds a password.
            return Err(OriginUrlError(
                format!("{}://…@{}", url.scheme(), url.host_str().unwrap_or_default()),
                "it holds credentials; put them into a Worker secret and name that as \"token\"",
            ));
        }
        Ok(OriginUrl(url))
    }
}

impl From<OriginUrl> for String {
    fn from(url: OriginUrl) -> String {
        url.0.into()
    }
}
