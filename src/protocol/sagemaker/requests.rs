//! The control plane's requests, as far as they are acted on. Members that say nothing at the edge are passed over, as
//! AWS's own services pass over what they do not know; those that would change answers are refused.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::capture::DataCaptureConfig;
use super::container::Answering;
use super::deployment::DeploymentConfig;
use super::error::refuse;
use crate::access;
use crate::endpoint::{Access, ModelKey, Name, OriginReference, SecretName, Weight};
use crate::request::RequestError;
use crate::service::{ModelSource, Retained};

/// Members that are refused where they are present.
type Refused = Option<IgnoredAny>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByEndpointName {
    pub endpoint_name: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByConfigName {
    pub endpoint_config_name: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByModelName {
    pub model_name: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateModel {
    pub model_name: Name,
    primary_container: Option<Container>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    image: Option<String>,
    model_data_url: Option<String>,
    #[serde(default)]
    environment: HashMap<String, String>,
    mode: Option<String>,
    model_data_source: Refused,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEndpointConfig {
    pub endpoint_config_name: Name,
    pub production_variants: Vec<ProductionVariant>,
    #[serde(default)]
    pub shadow_production_variants: Vec<ProductionVariant>,
    pub data_capture_config: Option<DataCaptureConfig>,
    async_inference_config: Refused,
    explainer_config: Refused,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ProductionVariant {
    pub variant_name: Name,
    pub model_name: Name,
    #[serde(default)]
    pub initial_variant_weight: Weight,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEndpoint {
    pub endpoint_name: Name,
    pub endpoint_config_name: Name,
    #[serde(default)]
    tags: Vec<Tag>,
    deployment_config: Refused,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateEndpoint {
    pub endpoint_name: Name,
    pub endpoint_config_name: Name,
    #[serde(default)]
    retain_all_variant_properties: bool,
    #[serde(default)]
    exclude_retained_variant_properties: Vec<VariantProperty>,
    deployment_config: Option<DeploymentConfig>,
    #[serde(default)]
    retain_deployment_config: bool,
}

/// How traffic is to be shifted to another configuration.
pub(super) enum Shift {
    /// All of it, now.
    AtOnce,
    /// So.
    By(DeploymentConfig),
    /// As the last time.
    AsBefore,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VariantProperty {
    variant_property_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateWeights {
    pub endpoint_name: Name,
    pub desired_weights_and_capacities: Vec<DesiredWeight>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DesiredWeight {
    pub variant_name: Name,
    /// A capacity alone changes nothing: here is always as much as it takes.
    pub desired_weight: Option<Weight>,
}

/// What all listings take. Times are seconds since the Unix epoch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    pub next_token: Option<String>,
    pub max_results: Option<u16>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub name_contains: Option<String>,
    pub creation_time_before: Option<f64>,
    pub creation_time_after: Option<f64>,
    pub last_modified_time_before: Option<f64>,
    pub last_modified_time_after: Option<f64>,
    pub status_equals: Option<String>,
}

/// Reads the body of an operation.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| RequestError::Operation(format!("at `{}`: {}", error.path(), error.inner())))?;
    deserializer.end().map_err(|error| RequestError::Operation(error.to_string()))?;
    Ok(read)
}

impl CreateModel {
    /// Where the model is. `ModelDataUrl` is a key in MODELS, bare or as `s3://models/KEY` for clients that insist on an
    /// address, or the address of a model host.
    pub fn source(self) -> Result<ModelSource, RequestError> {
        let mut containers = self.primary_container.into_iter().chain(self.containers);
        let (Some(container), None) = (containers.next(), containers.next()) else {
            return Err(refuse("Containers", "a model is one container, so name one in PrimaryContainer"));
        };
        if container.mode.is_some_and(|mode| mode != "SingleModel") {
            return Err(refuse("Mode", "an endpoint's variants take the place of many models in a container"));
        }
        let location = match (container.model_data_url, container.model_data_source) {
            (Some(location), None) => location,
            (_, Some(_)) => return Err(refuse("ModelDataSource", "name the model in ModelDataUrl")),
            (None, None) => {
                return Err(RequestError::Operation(
                    "`ModelDataUrl` is missing: give a key in MODELS, or the address of a model host".to_owned(),
                ));
            }
        };
        let option = |name: &str| container.environment.get(name).cloned();
        if location.starts_with("http://") || location.starts_with("https://") {
            let mut origin = serde_json::Map::from_iter([("url".to_owned(), location.into())]);
            if let Some(timeout) = option("TURNOUT_TIMEOUT_MS") {
                // What is no number is told as such, with the member's name.
                let number = timeout.parse().map_or_else(|_| timeout.into(), |number: u32| number.into());
                origin.insert("timeout_ms".to_owned(), number);
            }
            if let Some(token) = option("TURNOUT_TOKEN") {
                origin.insert("token".to_owned(), token.into());
            }
            let origin = serde_path_to_error::deserialize::<_, OriginReference>(serde_json::Value::Object(origin))
                .map_err(|error| RequestError::Operation(format!("the origin's {error}")))?;
            return Ok(ModelSource::Origin(origin));
        }
        let key = key_of(location)?;
        let check = option("TURNOUT_CHECK").map(key_of).transpose()?;
        let Answering { form, output } =
            Answering::of(container.image.as_deref(), key.as_str(), &container.environment)?;
        Ok(ModelSource::Key { key, output, answers: form, check })
    }
}

/// The key in MODELS that a location means. As an address its bucket is `models`, the only one with models; buckets have no
/// capitals, but the namespace has, and is taken by its own name as well.
fn key_of(location: String) -> Result<ModelKey, RequestError> {
    let key = match location.strip_prefix("s3://") {
        None => location,
        Some(address) => match address.split_once('/') {
            Some(("models" | "MODELS", key)) => key.to_owned(),
            other => {
                let bucket = other.map_or(address, |(bucket, _)| bucket);
                let instead = "models are in the bucket `models`, which is the KV namespace MODELS: upload the file there, and give s3://models/ and its key";
                return Err(refuse(&format!("s3://{bucket}"), instead));
            }
        },
    };
    ModelKey::try_from(key).map_err(|error| RequestError::Operation(error.to_string()))
}

impl CreateEndpointConfig {
    /// Whether it asks for nothing that is not served.
    pub fn check(&self) -> Result<(), RequestError> {
        if self.async_inference_config.is_some() {
            return Err(refuse("AsyncInferenceConfig", "requests are answered at once"));
        }
        if self.explainer_config.is_some() {
            return Err(refuse("ExplainerConfig", "predictions are not explained"));
        }
        Ok(())
    }
}

impl CreateEndpoint {
    /// Who may invoke it: what the tag `turnout:access` says, which is `open`, `bearer:SECRET` or `sigv4:KEY`; else
    /// whoever signs with the administrator's key, as an account's own endpoints are for that account.
    pub fn access(&self) -> Result<Access, RequestError> {
        if self.deployment_config.is_some() {
            return Err(refuse("DeploymentConfig", "give it to UpdateEndpoint, where there is traffic to be shifted"));
        }
        let Some(tag) = self.tags.iter().find(|tag| tag.key == "turnout:access") else {
            return Ok(access::administrators());
        };
        let secret = |name: &str| {
            SecretName::try_from(name.to_owned()).map_err(|error| RequestError::Operation(error.to_string()))
        };
        match tag.value.split_once(':') {
            None if tag.value == "open" => Ok(Access::Open),
            Some(("bearer", name)) => Ok(Access::Bearer(secret(name)?)),
            Some(("sigv4", name)) => Ok(Access::SigV4(secret(name)?)),
            _ => Err(RequestError::Operation(
                "the tag turnout:access is `open`, `bearer:SECRET` or `sigv4:KEY`".to_owned(),
            )),
        }
    }
}

impl UpdateEndpoint {
    /// What stays as it is: variants' weights, and what is captured.
    pub fn retained(&self) -> Retained {
        let keeps = |property: &str| {
            let mut excluded = self.exclude_retained_variant_properties.iter();
            self.retain_all_variant_properties && !excluded.any(|excluded| excluded.variant_property_type == property)
        };
        Retained { weights: keeps("DesiredWeight"), capture: keeps("DataCaptureConfig") }
    }

    /// How traffic is to be shifted.
    pub fn shift(self) -> Result<Shift, RequestError> {
        match (self.deployment_config, self.retain_deployment_config) {
            (None, false) => Ok(Shift::AtOnce),
            (Some(config), false) => Ok(Shift::By(config)),
            (None, true) => Ok(Shift::AsBefore),
            (Some(_), true) => Err(RequestError::Operation(
                "`RetainDeploymentConfig` takes the last DeploymentConfig again: leave one of them out".to_owned(),
            )),
        }
    }
}
