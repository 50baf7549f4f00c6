//! Which metric of which variant, as CloudWatch names it.

use serde::{Deserialize, Serialize};

use crate::endpoint::Name;
use crate::experiment::InvocationMetric;
use crate::request::RequestError;

/// The one namespace that has metrics here.
pub(super) const NAMESPACE: &str = "AWS/SageMaker";

const ENDPOINT: &str = "EndpointName";
const VARIANT: &str = "VariantName";
const CONFIG: &str = "EndpointConfigName";

/// A dimension.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Dimension {
    pub name: String,
    pub value: Option<String>,
}

/// A metric of a variant.
pub(super) struct Series {
    pub metric: InvocationMetric,
    pub endpoint: Name,
    pub variant: String,
    /// Of requests that revisions made of this endpoint configuration decided alone.
    pub config: Option<String>,
}

impl Series {
    /// What is named so.
    ///
    /// # Errors
    /// If there is no such metric here.
    pub fn of(namespace: &str, metric: &str, dimensions: &[Dimension]) -> Result<Self, RequestError> {
        let refused = |what: String| RequestError::Operation(what);
        if namespace != NAMESPACE {
            return Err(refused(format!("the metrics here are of the namespace {NAMESPACE}")));
        }
        let Some(metric) = InvocationMetric::ALL.into_iter().find(|known| known.name() == metric) else {
            let known: Vec<&str> = InvocationMetric::ALL.into_iter().map(InvocationMetric::name).collect();
            return Err(refused(format!("the metrics here are {}", known.join(", "))));
        };
        let value = |name: &str| dimensions.iter().find(|dimension| dimension.name == name)?.value.clone();
        let (Some(endpoint), Some(variant), config) = (value(ENDPOINT), value(VARIANT), value(CONFIG)) else {
            return Err(refused(format!("name the dimensions {ENDPOINT} and {VARIANT}")));
        };
        if dimensions.len() != [ENDPOINT, VARIANT].len().saturating_add(usize::from(config.is_some())) {
            return Err(refused(format!("the dimensions here are {ENDPOINT}, {VARIANT} and {CONFIG}, each once")));
        }
        let endpoint = Name::try_from(endpoint).map_err(|error| refused(format!("{ENDPOINT}: {error}")))?;
        Ok(Series { metric, endpoint, variant, config })
    }
}

/// The dimensions of a variant.
pub(super) fn dimensions(endpoint: &Name, variant: &str, config: Option<&str>) -> Vec<Dimension> {
    let all = [(ENDPOINT, Some(endpoint.as_str())), (VARIANT, Some(variant)), (CONFIG, config)];
    let named = all
        .into_iter()
        .filter_map(|(name, value)| Some(Dimension { name: name.to_owned(), value: Some(value?.to_owned()) }));
    named.collect()
}
