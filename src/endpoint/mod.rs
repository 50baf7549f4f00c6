//! Endpoints: what a configuration document says, as types that cannot hold a wrong state.
//!
//! [`Endpoint::parse`] is the only way in, so whatever holds an [`Endpoint`] may rely on what it promises:
//! at least one variant, unique names, weights whose sum is finite, and a fallback that exists.

mod access;
mod document;
mod name;
mod object;
mod variant;
mod weights;

pub use access::Access;
pub use document::DocumentError;
pub use name::{Name, NameError};
pub use variant::{
    Backend, ModelKey, ModelReference, OriginReference, OriginUrl, SecretName, Sha256, Variant, VariantError, Weight,
};
pub use weights::{WeightChange, WeightsError};

use serde::{Deserialize, Serialize};

/// A named prediction service.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    revision: Revision,
    variants: Vec<Variant>,
    total_weight: f64,
    stickiness: Option<Stickiness>,
    fallback: Option<usize>,
    access: Access,
    config: Option<Name>,
}

/// Which version of a configuration decided: the first 12 hexadecimal digits of the document's SHA-256
/// (`sha256sum endpoint.json | cut -c1-12`). It follows from the bytes alone, so a document changed by hand
/// has a new revision, and one that is put back has its old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(Box<str>);

/// How units are recognised and assigned for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "assignment")]
pub struct Stickiness {
    /// Where a request carries its unit.
    pub unit: UnitSource,
    /// What makes this endpoint's assignments independent of every other's.
    pub salt: Salt,
}

/// Where a request carries its unit: `{"header": NAME}` or `{"cookie": NAME}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitSource {
    /// A request header, by name.
    Header(Token),
    /// A cookie, by name.
    Cookie(Token),
}

/// An HTTP token (RFC 9110, section 5.6.2): the name of a header or a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);

/// A salt: 1 to 200 characters, none of them a control character (the hash separates its parts by line feeds).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(String);

/// Why a text is not a [`Token`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not the name of a header or cookie: use letters, digits and any of !#$%&'*+-.^_`|~")]
pub struct TokenError(String);

/// Why a text is not a [`Salt`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a salt has 1 to 200 characters and no control characters: write, for example, \"churn-2026-11\"")]
pub struct SaltError;

impl Endpoint {
    /// The most variants an endpoint has. (SageMaker takes 10.)
    pub const MAX_VARIANTS: usize = 100;

    /// Which version of the document this is.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The variants in the document's order; at least one.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// The variant of that name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name.as_str() == name)
    }

    /// The variants' names, for messages.
    pub fn known_names(&self) -> Vec<String> {
        self.variants.iter().map(|variant| variant.name.to_string()).collect()
    }

    /// The sum of the weights: finite, at least 0.
    pub fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// The share of the traffic that the weights give to `variant`: 0 to 1, and 0 where all weights are 0.
    pub fn share(&self, variant: &Variant) -> f64 {
        if self.total_weight > 0.0 { variant.weight.get() / self.total_weight } else { 0.0 }
    }

    /// How units are assigned for good, where the endpoint names one.
    pub fn stickiness(&self) -> Option<&Stickiness> {
        self.stickiness.as_ref()
    }

    /// Who may invoke it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The configuration that the control plane made it of, where it did.
    pub fn config(&self) -> Option<&Name> {
        self.config.as_ref()
    }

    /// The variant that answers where the chosen one fails.
    pub fn fallback(&self) -> Option<&Variant> {
        self.fallback.and_then(|position| self.variants.get(position))
    }
}

impl Revision {
    /// The revision of a document, by its bytes.
    pub fn of(document: &[u8]) -> Self {
        let digest = Sha256::of(document).to_string();
        Revision(digest.chars().take(12).collect())
    }

    /// Twelve hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Token {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(name: String) -> Result<Self, TokenError> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if (1..=128).contains(&name.len()) && name.bytes().all(is_token) {
            Ok(Token(name))
        } else {
            Err(TokenError(name.chars().take(80).collect()))
        }
    }
}

impl From<Token> for String {
    fn from(name: Token) -> String {
        name.0
    }
}

impl Salt {
    /// The salt as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Salt {
    type Error = SaltError;

    fn try_from(salt: String) -> Result<Self, SaltError> {
        let good = (1..=200).contains(&salt.chars().count()) && !salt.chars().any(char::is_control);
        if good { Ok(Salt(salt)) } else { Err(SaltError) }
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> String {
        salt.0
    }
}
