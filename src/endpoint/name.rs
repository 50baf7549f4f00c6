//! Names of endpoints and variants.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an endpoint or a variant: 1 to 63 letters, digits and hyphens, with a letter or digit at
/// each end. The same rule as SageMaker's `EndpointName` and `VariantName`
/// (`[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`), and Kubernetes' names pass as well, so names can be kept when moving here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Box<str>);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name: use 1 to 63 letters, digits and hyphens, beginning and ending with a letter or digit", .0.chars().take(80).collect::<String>().escape_debug())]
pub struct NameError(String);

/// Whether a text is 1 to `most` letters, digits and hyphens, with a letter or digit at each end.
pub fn is_name(text: &str, most: usize) -> bool {
    let bytes = text.as_bytes();
    let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let all_known = bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    all_known && ends_well(bytes.first()) && ends_well(bytes.last()) && bytes.len() <= most
}

impl Name {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 63;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    fn try_from(text: &str) -> Result<Self, NameError> {
        if is_name(text, Self::MAX_LEN) { Ok(Name(text.into())) } else { Err(NameError(text.to_owned())) }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Name::try_from(text.as_str())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0.into()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_sagemaker_takes() {
        for good in ["a", "A1", "challenger-2", "a--b", &"x".repeat(63)] {
            assert_eq!(Name::try_from(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "a_b", "a b", "ä", "a/b", &"x".repeat(64)] {
            assert!(Name::try_from(bad).is_err(), "{bad}");
        }
    }
}
