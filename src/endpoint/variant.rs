//! Variants and their backends.

use serde::{Deserialize, Serialize};

use super::model::ModelReference;
use super::name::Name;
use super::object::Object;
use super::origin::OriginReference;
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
