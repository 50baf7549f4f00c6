//! Variants and their backends.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Name;
use super::object::Object;

/// One way to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Object<VariantDocument>", into = "VariantDocument")]
pub struct Variant {
    /// Unique within the endpoint.
    pub name: Name,
    /// Its share of the traffic is this over the sum of all.
    pub weight: Weight,
    /// What answers.
    pub backend: Backend,
}

/// A weight: any finite number that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(f64);

/// What answers for a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// An ONNX model, run in the worker.
    Model(ModelReference),
    /// An HTTP model host.
    Origin(OriginReference),
}

impl Backend {
    /// `model` or `origin`.
    pub fn kind(&self) -> &'static str {
        match self {
            Backend::Model(_) => "model",
            Backend::Origin(_) => "origin",
        }
    }
}

/// Which model: where its bytes are, and which bytes are meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelReference {
    /// Key in the store of models.
    pub key: ModelKey,
    /// Digest of the bytes. It makes them cacheable for the life of the isolate, and a wrong upload visible.
    pub sha256: Sha256,
    /// The one output to answer with; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// A model host and how to call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginReference {
    /// Where invocations are posted.
    pub url: OriginUrl,
    /// Milliseconds until the call is aborted: headers, body and redirects together. 30 seconds unless given.
    #[serde(default = "OriginReference::default_timeout")]
    pub timeout_ms: NonZeroU32,
    /// Name of the Worker secret that is sent as a bearer token. The secret itself never stands in a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretName>,
}

/// Key of a model in the store: 1 to 512 bytes, as Workers KV takes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelKey(String);

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(pub [u8; 32]);

/// An absolute `http` or `https` address without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OriginUrl(Url);

/// Name of a Worker secret: letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// Why a value of a variant is refused. Each message says how to mend it.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum VariantError {
    /// Neither backend is given.
    #[error(
        "variant `{0}` has no backend: add \"model\": {{\"key\", \"sha256\"}} to run a model in the worker, or \"origin\": {{\"url\"}} to forward"
    )]
    NoBackend(Name),
    /// Both backends are given.
    #[error("variant `{0}` has both `model` and `origin`: keep one, and make the other a variant of its own")]
    BothBackends(Name),
    /// The weight is negative, infinite or not a number.
    #[error("weight {0} is not a finite number of at least 0: use 0 for a variant that only targeted requests reach")]
    Weight(f64),
    /// The digest is not one.
    #[error("`{0}` is not a SHA-256 digest: write the 64 hexadecimal digits that `sha256sum model.onnx` prints")]
    Sha256(String),
    /// The key is empty or too long.
    #[error("a model key has 1 to 512 bytes, this one has {0}")]
    ModelKey(usize),
    /// The address cannot be called.
    #[error("`{0}` is not an address to forward to: {1}")]
    Url(String, &'static str),
    /// The secret's name is not one.
    #[error("`{0}` is not the name of a secret: use letters, digits and underscores, and keep the secret itself out")]
    SecretName(String),
}

impl Weight {
    /// The number: finite, at least 0.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Default for Weight {
    /// SageMaker's `InitialVariantWeight` where none is given.
    fn default() -> Self {
        Weight(1.0)
    }
}

impl TryFrom<f64> for Weight {
    type Error = VariantError;

    fn try_from(weight: f64) -> Result<Self, VariantError> {
        if weight.is_finite() && weight >= 0.0 {
            Ok(Weight(weight + 0.0)) // -0.0 becomes 0.0
        } else {
            Err(VariantError::Weight(weight))
        }
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> f64 {
        weight.0
    }
}

impl OriginReference {
    fn default_timeout() -> NonZeroU32 {
        const { NonZeroU32::new(30_000).unwrap() }
    }
}

impl ModelKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ModelKey {
    type Error = VariantError;

    fn try_from(key: String) -> Result<Self, VariantError> {
        match key.len() {
            1..=512 => Ok(ModelKey(key)),
            length => Err(VariantError::ModelKey(length)),
        }
    }
}

impl From<ModelKey> for String {
    fn from(key: ModelKey) -> String {
        key.0
    }
}

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Sha256(sha2::Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = VariantError;

    fn try_from(text: String) -> Result<Self, VariantError> {
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
        let bytes: Option<Vec<u8>> = digits.map(|digits| {
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect()
        });
        match bytes.map(<[u8; 32]>::try_from) {
            Some(Ok(digest)) if text.len() == 64 => Ok(Sha256(digest)),
            _ => Err(VariantError::Sha256(text)),
        }
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> String {
        digest.to_string()
    }
}

impl OriginUrl {
    /// The address.
    pub fn get(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for OriginUrl {
    type Error = VariantError;

    fn try_from(text: String) -> Result<Self, VariantError> {
        let Ok(url) = Url::parse(&text) else {
            return Err(VariantError::Url(text, "write it whole, as in https://models.example.com/churn/invocations"));
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(VariantError::Url(text, "only http and https are spoken"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            // The text is not repeated: it holds a password.
            return Err(VariantError::Url(
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

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretName {
    type Error = VariantError;

    fn try_from(name: String) -> Result<Self, VariantError> {
        let known = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if known && (1..=128).contains(&name.len()) {
            Ok(SecretName(name))
        } else {
            // Someone may have put the secret itself here: show no more than its beginning.
            Err(VariantError::SecretName(name.chars().take(4).chain("…".chars()).collect()))
        }
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> String {
        name.0
    }
}

/// A variant as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "variant")]
struct VariantDocument {
    name: Name,
    #[serde(default)]
    weight: Weight,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Object<ModelReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Object<OriginReference>>,
}

impl TryFrom<Object<VariantDocument>> for Variant {
    type Error = VariantError;

    fn try_from(Object(written): Object<VariantDocument>) -> Result<Self, VariantError> {
        let backend = match (written.model, written.origin) {
            (Some(Object(model)), None) => Backend::Model(model),
            (None, Some(Object(origin))) => Backend::Origin(origin),
            (None, None) => return Err(VariantError::NoBackend(written.name)),
            (Some(_), Some(_)) => return Err(VariantError::BothBackends(written.name)),
        };
        Ok(Variant { name: written.name, weight: written.weight, backend })
    }
}

impl From<Variant> for VariantDocument {
    fn from(variant: Variant) -> Self {
        let (model, origin) = match variant.backend {
            Backend::Model(model) => (Some(Object(model)), None),
            Backend::Origin(origin) => (None, Some(Object(origin))),
        };
        VariantDocument { name: variant.name, weight: variant.weight, model, origin }
    }
}
