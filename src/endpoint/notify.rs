//! Who is told of what a policy does: the member `notify` of a document.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::secret::SecretName;

/// Where what a policy does is told, and how it is signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "notify")]
pub struct Notify {
    /// The address that is posted to.
    pub url: NotifyUrl,
    /// Name of the Worker secret that the body is signed with.
    pub secret: SecretName,
}

/// An `https` address without credentials; on the machine itself `http` too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NotifyUrl(Url);

/// Why a text is not a [`NotifyUrl`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a policy tells an https address without a user or password, as in https://hooks.example.com/turnout")]
pub struct NotifyUrlError;

impl NotifyUrl {
    /// The address.
    pub fn get(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for NotifyUrl {
    type Error = NotifyUrlError;

    fn try_from(text: String) -> Result<Self, NotifyUrlError> {
        let url = Url::parse(&text).map_err(|_| NotifyUrlError)?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
        // The text is not repeated: it may hold a password.
        if is_safe && url.username().is_empty() && url.password().is_none() {
            Ok(NotifyUrl(url))
        } else {
            Err(NotifyUrlError)
        }
    }
}

impl From<NotifyUrl> for String {
    fn from(url: NotifyUrl) -> String {
        url.0.into()
    }
}
