//! SageMaker's control plane: AWS JSON 1.1, `POST /` with the operation in `X-Amz-Target`.
//!
//! Its models are backends under a name, its endpoint configurations lists of variants; an endpoint that is made of them
//! is a document in KV like any other. What has no meaning at the edge, such as instance types and counts, is taken and
//! passed over; what would change the answers or who sees them, such as explainers, is refused.

use futures_util::future::try_join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::capture::{self, DataCaptureConfig};
use super::container::{self, Answering};
use super::deployment::{DeploymentConfig, is_pending, pending};
use super::described::{status, with};
use super::error::{Api, message, named};
use super::inference_experiments as tests;
use super::list::page;
use super::requests::{
    ByConfigName, ByEndpointName, ByModelName, CreateEndpoint, CreateEndpointConfig, CreateModel, List,
    ProductionVariant, Shift, UpdateEndpoint, UpdateWeights, parse,
};
use crate::endpoint::{Backend, Endpoint, Name, WeightChange};
use crate::experiment::{Cause, LastDeployment, Status};
use crate::isolate::EndpointError;
use crate::platform::{Platform, Times};
use crate::protocol::report::Report;
use crate::protocol::respond::{Answer, insert, respond};
use crate::protocol::{headers, tabular};
use crate::request::{Request, RequestError, Response};
use crate::service::{
    Configuration, Configured, ConfiguredVariant, Error, Kind, MOST_DESCRIBED, RegistryError, Service, Stored,
};

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// Whether a request is for SageMaker's control plane.
pub(in crate::protocol) fn claims(request: &Request) -> bool {
    request.method == Method::POST && request.path == "/"
}

/// Answers a request.
pub(in crate::protocol) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    let mut response = match operate(service, &request).await {
        Ok(body) => respond(StatusCode::OK, MEDIA_TYPE, body.to_string().into_bytes()),
        Err(error) => refuse(&error),
    };
    if let Ok(id) = service.new_id() {
        insert(response.headers_mut(), headers::AMZN_REQUEST_ID, &id);
    }
    response.into()
}

/// An error as a response.
pub(in crate::protocol) fn refuse(error: &Error) -> Response {
    // SageMaker has one sentence for all that cannot be found.
    let in_its_words;
    let error = match error {
        Error::Endpoint(name, EndpointError::NotFound) => {
            in_its_words = RegistryError::NotFound(Kind::Endpoint, name.clone()).into();
            &in_its_words
        }
        error => error,
    };
    let (report, named) = (Report::from(error), named(error, Api::Control));
    let body = json!({ "__type": named.name, "message": message(&report) });
    let mut response = respond(named.status, MEDIA_TYPE, body.to_string().into_bytes());
    insert(response.headers_mut(), headers::AMZN_ERROR_TYPE, named.name);
    insert(response.headers_mut(), headers::ERROR_CODE, report.code);
    response
}

/// Does what is asked for, and answers with the body to be sent.
async fn operate<P: Platform>(service: &Service<'_, P>, request: &Request) -> Result<Value, Error> {
    let cause = tabular::cause(request, service.allow_admin(request)?)?;
    let target = request.header("x-amz-target").unwrap_or_default();
    let body = request.body.as_slice();
    match target.strip_prefix("SageMaker.").unwrap_or_default() {
        "CreateModel" => create_model(service, parse(body)?).await,
        "DescribeModel" => describe_model(service, parse(body)?).await,
        "DeleteModel" => {
            let asked: ByModelName = parse(body)?;
            service.remove(Kind::Model, &asked.model_name).await?;
            Ok(json!({}))
        }
        "ListModels" => list(service, Kind::Model, parse(body)?).await,
        "CreateEndpointConfig" => create_config(service, parse(body)?).await,
        "DescribeEndpointConfig" => describe_config(service, parse(body)?).await,
        "DeleteEndpointConfig" => {
            let asked: ByConfigName = parse(body)?;
            service.remove(Kind::Configuration, &asked.endpoint_config_name).await?;
            Ok(json!({}))
        }
        "ListEndpointConfigs" => list(service, Kind::Configuration, parse(body)?).await,
        "CreateEndpoint" => {
            let asked: CreateEndpoint = parse(body)?;
            service.create_endpoint(&asked.endpoint_name, &asked.endpoint_config_name, asked.access()?, cause).await?;
            Ok(json!({ "EndpointArn": arn(Kind::Endpoint, &asked.endpoint_name) }))
        }
        "DescribeEndpoint" => describe_endpoint(service, parse(body)?).await,
        "UpdateEndpoint" => update_endpoint(service, parse(body)?, cause).await,
        "UpdateEndpointWeightsAndCapacities" => update_weights(service, parse(body)?, cause).await,
        "DeleteEndpoint" => {
            let asked: ByEndpointName = parse(body)?;
            service.delete_endpoint(&asked.endpoint_name, cause).await?;
            Ok(json!({}))
        }
        "ListEndpoints" => list_endpoints(service, parse(body)?).await,
        "CreateInferenceExperiment" => tests::create(service, parse(body)?, &cause).await,
        "DescribeInferenceExperiment" => tests::describe(service, parse(body)?).await,
        "ListInferenceExperiments" => tests::list(service, parse(body)?).await,
        "UpdateInferenceExperiment" => tests::update(service, parse(body)?, &cause).await,
        "StartInferenceExperiment" => tests::start(service, parse(body)?, &cause).await,
        "StopInferenceExperiment" => tests::stop(service, parse(body)?, &cause).await,
        "DeleteInferenceExperiment" => tests::delete(service, parse(body)?).await,
        _ => Err(RequestError::NoSuchOperation(target.chars().take(100).collect()).into()),
    }
}

async fn create_model<P: Platform>(service: &Service<'_, P>, asked: CreateModel) -> Result<Value, Error> {
    let name = asked.model_name.clone();
    service.create_model(&name, asked.source()?).await?;
    Ok(json!({ "ModelArn": arn(Kind::Model, &name) }))
}

async fn describe_model<P: Platform>(service: &Service<'_, P>, asked: ByModelName) -> Result<Value, Error> {
    let name = &asked.model_name;
    let Stored { value, times } = service.stored::<Backend>(Kind::Model, name).await?;
    let mut environment = serde_json::Map::new();
    let mut option = |name: &str, value: Option<String>| {
        value.map(|value| environment.insert(name.to_owned(), value.into()));
    };
    let location = match value {
        Backend::Model(model) => {
            let answering = Answering { form: model.answers, output: model.output };
            option(container::OUTPUT, answering.told(&model.key));
            option("TURNOUT_CHECK", model.check.map(String::from));
            model.key.as_str().to_owned()
        }
        Backend::Origin(origin) => {
            option("TURNOUT_TIMEOUT_MS", Some(origin.timeout_ms.to_string()));
            option("TURNOUT_TOKEN", origin.token.map(|token| token.as_str().to_owned()));
            origin.url.get().to_string()
        }
    };
    let container = json!({ "ModelDataUrl": location, "Environment": environment });
    Ok(dated(json!({ "ModelName": name, "ModelArn": arn(Kind::Model, name), "PrimaryContainer": container }), times))
}

async fn create_config<P: Platform>(service: &Service<'_, P>, asked: CreateEndpointConfig) -> Result<Value, Error> {
    asked.check()?;
    let name = asked.endpoint_config_name;
    let configured = |variants: Vec<ProductionVariant>| {
        let variants = variants.into_iter().map(|variant| ConfiguredVariant {
            name: variant.variant_name,
            model: variant.model_name,
            weight: variant.initial_variant_weight,
        });
        variants.collect()
    };
    let (variants, shadows) = (configured(asked.production_variants), configured(asked.shadow_production_variants));
    let capture = asked.data_capture_config.map(DataCaptureConfig::configured).transpose()?;
    service.create_config(&name, &Configuration { variants, shadows, capture }).await?;
    Ok(json!({ "EndpointConfigArn": arn(Kind::Configuration, &name) }))
}

/// A configuration, or what one would say that an endpoint written by hand could have been made of: it bears the
/// endpoint's name, and its variants name no models.
async fn describe_config<P: Platform>(service: &Service<'_, P>, asked: ByConfigName) -> Result<Value, Error> {
    let name = &asked.endpoint_config_name;
    let (variants, shadows, terms, times) = match service.stored::<Configuration>(Kind::Configuration, name).await {
        Ok(Stored { value, times }) => {
            let told = |variants: &[ConfiguredVariant]| -> Vec<Value> {
                let told = variants.iter().map(|variant| {
                    json!({ "VariantName": variant.name, "ModelName": variant.model, "InitialVariantWeight": variant.weight })
                });
                told.collect()
            };
            (told(&value.variants), told(&value.shadows), value.capture.map(|capture| capture.terms), times)
        }
        Err(missing @ Error::Registry(RegistryError::NotFound(..))) => match service.configured(name).await {
            Ok(Configured { endpoint: Ok(endpoint), times, .. }) if endpoint.config().is_none() => {
                let told =
                    |(name, weight): (&Name, f64)| json!({ "VariantName": name, "InitialVariantWeight": weight });
                let variants = endpoint.answering().map(|variant| told((&variant.name, variant.weight.get())));
                let shadows = shadow_weights(&endpoint).map(told);
                (variants.collect(), shadows.collect(), endpoint.capture().map(capture::terms_of), times)
            }
            _ => return Err(missing),
        },
        Err(error) => return Err(error),
    };
    let described = json!({
        "EndpointConfigName": name,
        "EndpointConfigArn": arn(Kind::Configuration, name),
        "ProductionVariants": variants,
    });
    let described = with(described, "ShadowProductionVariants", some(shadows));
    Ok(dated(with(described, "DataCaptureConfig", terms), times))
}

async fn describe_endpoint<P: Platform>(service: &Service<'_, P>, asked: ByEndpointName) -> Result<Value, Error> {
    let name = &asked.endpoint_name;
    let configured = service.configured(name).await?;
    let described = json!({
        "EndpointName": name,
        "EndpointArn": arn(Kind::Endpoint, name),
        "EndpointStatus": status(service, &configured),
    });
    let Configured { endpoint, times, deployment } = configured;
    let described = match &endpoint {
        Ok(endpoint) => {
            let open = deployment.as_deref().filter(|deployment| deployment.status.is_open());
            let is_its = |name: &Name| open.is_none_or(|open| !is_pending(open, name));
            let told = |(name, weight): (&Name, f64)| json!({ "VariantName": name, "CurrentWeight": weight, "DesiredWeight": weight });
            let variants = endpoint.answering().filter(|variant| is_its(&variant.name));
            let variants = variants.map(|variant| told((&variant.name, variant.weight.get())));
            let shadows = shadow_weights(endpoint).filter(|(name, _)| is_its(name)).map(told);
            let described = with(described, "ProductionVariants", Some(variants.collect::<Value>()));
            let described = with(described, "ShadowProductionVariants", some(shadows.collect()));
            let described = with(described, "EndpointConfigName", Some(endpoint.config().unwrap_or(name).as_str()));
            let described = with(described, "DataCaptureConfig", endpoint.capture().map(capture::described));
            let described = with(described, "PendingDeploymentSummary", open.map(|open| pending(open, endpoint)));
            with(described, "FailureReason", deployment.as_deref().and_then(why_rolled_back))
        }
        Err(problem) => with(described, "FailureReason", Some(problem.in_full())),
    };
    let terms = deployment.map(|last| last.deployment.terms);
    Ok(modified(with(described, "LastDeploymentConfig", terms), times))
}

/// What shadows would weigh as SageMaker has it, where a shadow's share of the requests is its weight over the production
/// variant's: its share of all weight that there is.
fn shadow_weights(endpoint: &Endpoint) -> impl Iterator<Item = (&Name, f64)> {
    let total = endpoint.total_weight();
    endpoint.shadows().map(move |(variant, share)| (&variant.name, share.get() * if total > 0.0 { total } else { 1.0 }))
}

/// A list, where there is something in it.
fn some(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then(|| list.into())
}

/// Why the endpoint is as it was before its last deployment, as long as nothing else has become of it.
fn why_rolled_back(last: &LastDeployment) -> Option<String> {
    let is_back = last.status == Status::RolledBack && last.is_newest;
    is_back.then(|| format!("The deployment of \"{}\" was rolled back: {}", last.deployment.config, last.says))
}

async fn update_endpoint<P: Platform>(
    service: &Service<'_, P>,
    asked: UpdateEndpoint,
    cause: Cause,
) -> Result<Value, Error> {
    let (name, config, keep) = (asked.endpoint_name.clone(), asked.endpoint_config_name.clone(), asked.retained());
    let shift = match asked.shift()? {
        Shift::AtOnce => None,
        Shift::By(shift) => Some(shift),
        Shift::AsBefore => Some(last_config(service, &name).await?),
    };
    match shift {
        None => service.update_endpoint(&name, &config, keep, cause).await?,
        Some(shift) => {
            let (rollout, alarms) = shift.rollout()?;
            service.deploy(&name, &config, keep, (rollout, &alarms), cause).await?;
        }
    }
    Ok(json!({ "EndpointArn": arn(Kind::Endpoint, &name) }))
}

/// What the last deployment of an endpoint was asked for.
async fn last_config<P: Platform>(service: &Service<'_, P>, name: &Name) -> Result<DeploymentConfig, Error> {
    let last = service.configured(name).await?.deployment;
    let config = last.and_then(|last| serde_json::from_value(last.deployment.terms).ok());
    let none =
        "`RetainDeploymentConfig`: the endpoint has had no deployment whose DeploymentConfig could be taken again";
    config.ok_or_else(|| RequestError::Operation(none.to_owned()).into())
}

async fn update_weights<P: Platform>(
    service: &Service<'_, P>,
    asked: UpdateWeights,
    cause: Cause,
) -> Result<Value, Error> {
    let name = &asked.endpoint_name;
    let weights = asked.desired_weights_and_capacities;
    if weights.iter().all(|desired| desired.desired_weight.is_none()) {
        service.configured(name).await?;
    } else {
        let weights = weights.into_iter().filter_map(|desired| Some((desired.variant_name, desired.desired_weight?)));
        service.update_weights(name, &WeightChange::new(weights)?, cause).await?;
    }
    Ok(json!({ "EndpointArn": arn(Kind::Endpoint, name) }))
}

async fn list_endpoints<P: Platform>(service: &Service<'_, P>, asked: List) -> Result<Value, Error> {
    let (names, next) = page(service.all(Kind::Endpoint).await?, &asked, MOST_DESCRIBED)?;
    let listed = try_join_all(names.iter().map(|(name, _)| async move {
        let configured = match service.configured(name).await {
            Ok(kept) => kept,
            // The listing lags behind the store.
            Err(Error::Endpoint(_, EndpointError::NotFound)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let status = status(service, &configured);
        let described =
            json!({ "EndpointName": name, "EndpointArn": arn(Kind::Endpoint, name), "EndpointStatus": status });
        Ok(Some((status, modified(described, configured.times))))
    }))
    .await?;
    let is_asked_for = |status: &str| asked.status_equals.as_ref().is_none_or(|asked| asked == status);
    let endpoints = listed.into_iter().flatten().filter(|(status, _)| is_asked_for(status));
    Ok(with(json!({ "Endpoints": endpoints.map(|(_, described)| described).collect::<Value>() }), "NextToken", next))
}

/// Models and configurations, of which the listing says all there is to say.
async fn list<P: Platform>(service: &Service<'_, P>, kind: Kind, asked: List) -> Result<Value, Error> {
    let (listed, next) = page(service.all(kind).await?, &asked, usize::MAX)?;
    let (plural, name_member, arn_member) = match kind {
        Kind::Model => ("Models", "ModelName", "ModelArn"),
        Kind::Configuration => ("EndpointConfigs", "EndpointConfigName", "EndpointConfigArn"),
        Kind::Endpoint => ("Endpoints", "EndpointName", "EndpointArn"),
    };
    let described =
        listed.iter().map(|(name, times)| dated(json!({ name_member: name, arn_member: arn(kind, name) }), *times));
    Ok(with(json!({ plural: described.collect::<Value>() }), "NextToken", next))
}

/// An address in AWS's form. There are no regions and no accounts here.
fn arn(kind: Kind, name: &Name) -> String {
    let kind = match kind {
        Kind::Endpoint => "endpoint",
        Kind::Configuration => "endpoint-config",
        Kind::Model => "model",
    };
    format!("arn:aws:sagemaker:auto:000000000000:{kind}/{name}")
}

/// With the time at which it was made, where that is known: seconds since the Unix epoch.
fn dated(described: Value, times: Option<Times>) -> Value {
    with(described, "CreationTime", times.and_then(|times| times.created_ms).map(|ms| ms / 1000.0))
}

/// With the time of the last change as well.
fn modified(described: Value, times: Option<Times>) -> Value {
    with(dated(described, times), "LastModifiedTime", times.map(|times| times.modified_ms / 1000.0))
}
