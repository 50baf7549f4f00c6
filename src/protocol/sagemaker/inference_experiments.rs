//! Inference experiments, as SageMaker's clients ask for them: a shadow beside a variant for a time.
//!
//! A shadow is asked about a share of the endpoint's requests, whichever variant answers them. What would have its answers
//! stored elsewhere is refused; roles, keys and instances are told again, and mean nothing else.

use std::collections::HashMap;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::described::{status, with};
use super::error::refuse;
use super::list::page;
use super::requests::List;
use crate::endpoint::{Name, ShadowFate, ShadowShare, Variant};
use crate::experiment::Cause;
use crate::isolate::EndpointError;
use crate::platform::Platform;
use crate::request::RequestError;
use crate::service::{
    Ending, Error, MOST_TESTS_LOOKED_AT, NewTest, Schedule, Service, TestError, TestName, TestNow, TestState,
    TestUpdate,
};

const MOST_TEXT: usize = 1_024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByName {
    name: TestName,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    name: TestName,
    r#type: Type,
    schedule: Option<Times>,
    description: Option<String>,
    role_arn: Option<String>,
    endpoint_name: Name,
    model_variants: Vec<ModelVariant>,
    data_storage_config: Option<Value>,
    shadow_mode_config: ShadowMode,
    kms_key: Option<String>,
}

/// The only type that there is.
#[derive(Deserialize)]
enum Type {
    ShadowMode,
}

impl Type {
    const NAME: &str = "ShadowMode";
}

/// Seconds since the Unix epoch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Times {
    start_time: Option<f64>,
    end_time: Option<f64>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ModelVariant {
    model_name: Name,
    variant_name: Name,
    infrastructure_config: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShadowMode {
    source_model_variant_name: Name,
    shadow_model_variants: Vec<ShadowVariant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShadowVariant {
    shadow_model_variant_name: Name,
    sampling_percentage: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    name: TestName,
    schedule: Option<Times>,
    description: Option<String>,
    #[serde(default)]
    model_variants: Vec<ModelVariant>,
    data_storage_config: Option<Value>,
    shadow_mode_config: Option<ShadowMode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stop {
    name: TestName,
    model_variant_actions: HashMap<Name, Action>,
    desired_state: Option<DesiredState>,
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
enum Action {
    Retain,
    Remove,
    Promote,
}

#[derive(PartialEq, Deserialize)]
enum DesiredState {
    Completed,
    Cancelled,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTests {
    #[serde(flatten)]
    list: List,
    #[serde(rename = "Type")]
    _type: Option<Type>,
}

/// What is kept in SageMaker's words.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Terms {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
    model_variants: Vec<ModelVariant>,
}

impl Terms {
    /// As it was kept. What another version kept and this one cannot read says nothing.
    fn of(kept: &Value) -> Self {
        Terms::deserialize(kept).unwrap_or_default()
    }

    fn kept(&self) -> Value {
        // Serialising it into memory cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl From<Option<Times>> for Schedule {
    fn from(times: Option<Times>) -> Self {
        let ms = |of: fn(&Times) -> Option<f64>| times.as_ref().and_then(of).map(|seconds| seconds * 1_000.0);
        Schedule { start_ms: ms(|times| times.start_time), end_ms: ms(|times| times.end_time) }
    }
}

impl ShadowMode {
    /// The source, the shadow, and of which share of the requests it is asked.
    fn read(self) -> Result<(Name, Name, ShadowShare), RequestError> {
        let mut shadows = self.shadow_model_variants.into_iter();
        let (Some(shadow), None) = (shadows.next(), shadows.next()) else {
            return Err(wrong("`ShadowModelVariants` is exactly one"));
        };
        let percent = shadow.sampling_percentage;
        let share = ShadowShare::try_from(percent as f64 / 100.0).map_err(|_| {
            wrong("`SamplingPercentage` is 1 to 100 here: a shadow of 0 would be asked nothing, so stop the experiment")
        })?;
        Ok((self.source_model_variant_name, shadow.shadow_model_variant_name, share))
    }
}

/// Makes one, and begins it where its time has come.
pub(super) async fn create<P: Platform>(
    service: &Service<'_, P>,
    asked: Create,
    cause: &Cause,
) -> Result<Value, Error> {
    let Type::ShadowMode = asked.r#type;
    check(asked.description.as_ref(), asked.data_storage_config.as_ref())?;
    let (source, shadow, share) = asked.shadow_mode_config.read()?;
    let variants = asked.model_variants;
    let model_of = |name: &Name| {
        let mut models = variants.iter().filter(|variant| variant.variant_name == *name);
        models.next().map(|variant| variant.model_name.clone())
    };
    let Some(model) = model_of(&shadow) else {
        return Err(
            wrong(&format!("`ModelVariants` does not have the shadow `{shadow}`, and so no model of it")).into()
        );
    };
    let source_model = model_of(&source);
    let named = 1usize.saturating_add(usize::from(source_model.is_some()));
    if variants.len() != named {
        let names = format!("`ModelVariants` are the variants of ShadowModeConfig, each once: `{source}`, `{shadow}`");
        return Err(wrong(&names).into());
    }
    let terms = Terms {
        description: asked.description,
        role_arn: asked.role_arn,
        kms_key: asked.kms_key,
        model_variants: variants,
    };
    let new = NewTest {
        name: asked.name.clone(),
        endpoint: asked.endpoint_name.clone(),
        source: (source, source_model),
        shadow: (shadow, model),
        share,
        schedule: asked.schedule.into(),
        terms: terms.kept(),
    };
    service.create_test(new, cause).await?;
    Ok(json!({ "InferenceExperimentArn": arn(&asked.name) }))
}

/// Describes one as it stands.
pub(super) async fn describe<P: Platform>(service: &Service<'_, P>, asked: ByName) -> Result<Value, Error> {
    let mut now = service.test(&asked.name).await?;
    let configured = match now.configured.take() {
        Some(configured) => Some(configured),
        None => match service.configured(&now.test.endpoint).await {
            Ok(configured) => Some(configured),
            Err(Error::Endpoint(_, EndpointError::NotFound)) => None,
            Err(error) => return Err(error),
        },
    };
    let endpoint = configured.as_ref().and_then(|configured| configured.endpoint.as_ref().ok());
    let name = &now.test.endpoint;
    let metadata = json!({ "EndpointName": name });
    let metadata =
        with(metadata, "EndpointConfigName", endpoint.map(|endpoint| endpoint.config().unwrap_or(name).as_str()));
    let metadata = with(metadata, "EndpointStatus", configured.as_ref().map(|configured| status(service, configured)));
    let terms = Terms::of(&now.test.terms);
    let waits = matches!(now.state, TestState::Created | TestState::Starting);
    let variants = terms.model_variants.iter().map(|variant| {
        let is_there = endpoint.is_some_and(|endpoint| endpoint.variant(variant.variant_name.as_str()).is_some());
        let status = match is_there {
            true => "InService",
            false if waits => "Creating",
            false => "Deleted",
        };
        let described = json!({ "ModelName": variant.model_name, "VariantName": variant.variant_name });
        let described = with(described, "InfrastructureConfig", Some(variant.infrastructure_config.clone()));
        with(described, "Status", Some(status))
    });
    let variants: Value = variants.collect();
    let percent = now.test.shadow.shadow.map(|share| (share.get() * 100.0).round() as u32);
    let mode = json!({
        "SourceModelVariantName": now.test.source,
        "ShadowModelVariants": [{ "ShadowModelVariantName": now.test.shadow.name, "SamplingPercentage": percent }],
    });
    let described = with(summary(&now, &terms), "Arn", Some(arn(&asked.name)));
    let described = with(described, "EndpointMetadata", Some(metadata));
    let described = with(described, "ModelVariants", Some(variants));
    let described = with(described, "ShadowModeConfig", Some(mode));
    Ok(with(described, "KmsKey", terms.kms_key))
}

/// What a listing says of one.
fn summary(now: &TestNow, terms: &Terms) -> Value {
    let TestNow { test, state, .. } = now;
    let seconds = |ms: f64| ms / 1_000.0;
    let ended_ms = test.ended.as_ref().map(|ended| ended.at_ms);
    // Of one that was stopped before its time, the end is when that was.
    let end_ms = ended_ms.unwrap_or(test.end_ms);
    let described = json!({
        "Name": test.name,
        "Type": Type::NAME,
        "Schedule": { "StartTime": seconds(test.start_ms), "EndTime": seconds(end_ms) },
        "Status": state.as_str(),
        "CreationTime": seconds(test.created_ms),
        "LastModifiedTime": seconds(ended_ms.unwrap_or(0.0).max(test.modified_ms)),
    });
    let described = with(described, "CompletionTime", ended_ms.map(seconds));
    let reason = test.ended.as_ref().and_then(|ended| ended.reason.clone());
    let described = with(described, "StatusReason", reason);
    let described = with(described, "Description", terms.description.clone());
    with(described, "RoleArn", terms.role_arn.clone())
}

/// A page of them. Each is looked at, so a page may have fewer than asked for, and a token.
pub(super) async fn list<P: Platform>(service: &Service<'_, P>, asked: ListTests) -> Result<Value, Error> {
    let list = asked.list;
    let (names, next) = page(service.tests().await?, &list, MOST_TESTS_LOOKED_AT)?;
    let listed = try_join_all(names.iter().map(|(name, _)| async move {
        match service.test(name).await {
            Ok(now) => Ok(Some(now)),
            // The listing lags behind the store; and one that is broken does not keep the others from being told.
            Err(Error::Test(TestError::NotFound(_) | TestError::Broken(..))) => Ok(None),
            Err(error) => Err(error),
        }
    }));
    let is_asked_for = |now: &TestNow| list.status_equals.as_ref().is_none_or(|asked| asked == now.state.as_str());
    let listed = listed.await?.into_iter().flatten().filter(is_asked_for);
    let described = listed.map(|now| summary(&now, &Terms::of(&now.test.terms)));
    Ok(with(json!({ "InferenceExperiments": described.collect::<Value>() }), "NextToken", next))
}

/// Changes one.
pub(super) async fn update<P: Platform>(
    service: &Service<'_, P>,
    asked: Update,
    cause: &Cause,
) -> Result<Value, Error> {
    check(asked.description.as_ref(), asked.data_storage_config.as_ref())?;
    let test = service.test(&asked.name).await?.test;
    let share = match asked.shadow_mode_config {
        None => None,
        Some(mode) => {
            let (source, shadow, share) = mode.read()?;
            if source != test.source || shadow != test.shadow.name {
                return Err(wrong("the variants of an inference experiment stay: make another for others").into());
            }
            Some(share)
        }
    };
    let mut terms = Terms::of(&test.terms);
    for variant in asked.model_variants {
        let same = |known: &&mut ModelVariant| {
            known.variant_name == variant.variant_name && known.model_name == variant.model_name
        };
        let Some(known) = terms.model_variants.iter_mut().find(same) else {
            return Err(wrong("the models of an inference experiment stay: make another for others").into());
        };
        *known = variant;
    }
    terms.description = asked.description.or(terms.description);
    let update = TestUpdate { schedule: asked.schedule.into(), share, terms: Some(terms.kept()) };
    service.update_test(&asked.name, update, cause).await?;
    Ok(json!({ "InferenceExperimentArn": arn(&asked.name) }))
}

/// Begins one that waits for its time.
pub(super) async fn start<P: Platform>(service: &Service<'_, P>, asked: ByName, cause: &Cause) -> Result<Value, Error> {
    service.start_test(&asked.name, cause).await?;
    Ok(json!({ "InferenceExperimentArn": arn(&asked.name) }))
}

/// Ends one.
pub(super) async fn stop<P: Platform>(service: &Service<'_, P>, asked: Stop, cause: &Cause) -> Result<Value, Error> {
    check(asked.reason.as_ref(), None)?;
    let test = service.test(&asked.name).await?.test;
    let (fate, keeps_source) = ending(&asked.model_variant_actions, &test.source, &test.shadow)?;
    let is_cancelled = asked.desired_state == Some(DesiredState::Cancelled);
    let ending = Ending { fate, keeps_source, is_cancelled, reason: asked.reason };
    service.stop_test(&asked.name, ending, cause).await?;
    Ok(json!({ "InferenceExperimentArn": arn(&asked.name) }))
}

/// What becomes of the shadow, and whether the source stays. A shadow that is not named goes; so does a source that is not
/// named where the shadow takes its place.
fn ending(
    actions: &HashMap<Name, Action>,
    source: &Name,
    shadow: &Variant,
) -> Result<(ShadowFate, bool), RequestError> {
    let stranger = actions.keys().find(|name| *name != source && **name != shadow.name);
    if actions.is_empty() || stranger.is_some() {
        let names = format!("`ModelVariantActions` has one action each for `{source}` and `{}`", shadow.name);
        return Err(wrong(&names));
    }
    let fate = match actions.get(&shadow.name) {
        Some(Action::Promote) => ShadowFate::Promoted,
        Some(Action::Retain) => ShadowFate::Retained,
        Some(Action::Remove) | None => ShadowFate::Removed,
    };
    let keeps_source = match actions.get(source) {
        Some(Action::Promote) => {
            return Err(wrong(&format!("`{source}` answers already: only the shadow can be promoted")));
        }
        Some(Action::Retain) => true,
        Some(Action::Remove) => false,
        None => fate != ShadowFate::Promoted,
    };
    Ok((fate, keeps_source))
}

/// Removes what is kept of one that has ended.
pub(super) async fn delete<P: Platform>(service: &Service<'_, P>, asked: ByName) -> Result<Value, Error> {
    service.delete_test(&asked.name).await?;
    Ok(json!({ "InferenceExperimentArn": arn(&asked.name) }))
}

fn check(text: Option<&String>, storage: Option<&Value>) -> Result<(), RequestError> {
    if storage.is_some() {
        return Err(refuse("DataStorageConfig", "leave it out: what the shadow answers is compared and not stored"));
    }
    if text.is_some_and(|text| text.chars().count() > MOST_TEXT) {
        return Err(wrong(&format!("`Description` and `Reason` have at most {MOST_TEXT} characters")));
    }
    Ok(())
}

fn arn(name: &TestName) -> String {
    format!("arn:aws:sagemaker:auto:000000000000:inference-experiment/{name}")
}

fn wrong(what: &str) -> RequestError {
    RequestError::Operation(what.to_owned())
}
