//! Variants and their backends.

use serde::{Deserialize, Serialize};

use super::model::ModelReference;
use super::name::Name;
use super::object::Object;
use super::origin::OriginReference;
use super::shadow::ShadowShare;
use super::weight::Weight;

/// One way to answer: a name, a weight and a backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Object<VariantDocument>", into = "VariantDocument")]
pub struct Variant {
    /// Unique within the endpoint.
    pub name: Name,
    /// Its share of the traffic is this over the sum of all weights.
    pub weight: Weight,
    /// What answers.
    pub backend: Backend,
    /// Of which share of the requests it is asked as well, where it is a shadow; its weight is then 0.
    pub shadow: Option<ShadowShare>,
}

/// What answers for a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// An ONNX model, run in the worker.
    Model(ModelReference),
    /// An HTTP model host.
    Origin(OriginReference),
}

/// Why a variant is refused.
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
    /// A shadow has a weight.
    #[error(
        "variant `{0}` is a shadow, which answers nobody, and has a weight: give it none, or take `shadow` away to let it answer"
    )]
    WeighedShadow(Name),
}

impl Variant {
    /// Whether it is asked as well, and answers nobody who does not name it.
    pub fn is_shadow(&self) -> bool {
        self.shadow.is_some()
    }
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

/// A variant as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "variant")]
struct VariantDocument {
    name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight: Option<Weight>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Object<ModelReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Object<OriginReference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowShare>,
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
        let weight = match (written.weight, written.shadow) {
            (None, None) => Weight::default(),
            (None, Some(_)) => Weight::ZERO,
            (Some(weight), Some(_)) if weight > Weight::ZERO => return Err(VariantError::WeighedShadow(written.name)),
            (Some(weight), _) => weight,
        };
        Ok(Variant { name: written.name, weight, backend, shadow: written.shadow })
    }
}

impl From<Variant> for VariantDocument {
    fn from(variant: Variant) -> Self {
        let (model, origin) = match variant.backend {
            Backend::Model(model) => (Some(Object(model)), None),
            Backend::Origin(origin) => (None, Some(Object(origin))),
        };
        VariantDocument { name: variant.name, weight: Some(variant.weight), model, origin, shadow: variant.shadow }
    }
}
