//! Descriptions of endpoints: what is configured and how it is doing, without secrets.

use http::{StatusCode, header};
use serde::Serialize;

use super::refuse::refuse;
use crate::endpoint::{
    Access, AnswerForm, Backend, Capture, Endpoint, Goal, ModelKey, Name, Outcome, RequestLimits, ShadowShare,
    Stickiness, UnitSource, Variant,
};
use crate::isolate::{EndpointError, Health, Served};
use crate::platform::Platform;
use crate::protocol::report::{self, Report};
use crate::protocol::respond::{Answer, insert, json};
use crate::protocol::signature::{TensorDescription, inputs, outputs};
use crate::request::{Request, Response};
use crate::service::{Described, Error, FollowUps, Reader, Service};

#[derive(Serialize)]
struct Description<'a> {
    name: &'a Name,
    revision: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    variants: Vec<VariantDescription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment: Option<AssignmentDescription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'a Name>,
    #[serde(skip_serializing_if = "Access::is_open")]
    access: &'a Access,
    limits: RequestLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<&'a Goal>,
    /// What is captured of requests: who sends them may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<&'a Capture>,
}

/// Without the salt: who has that can look up the units of records.
#[derive(Serialize)]
struct AssignmentDescription<'a> {
    unit: &'a UnitSource,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    issue: bool,
}

#[derive(Serialize)]
struct Problem {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<f64>,
}

#[derive(Serialize)]
struct VariantDescription<'a> {
    name: &'a Name,
    weight: f64,
    share: f64,
    /// The share of the requests that it is asked about as well, where it is a shadow.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowShare>,
    backend: BackendDescription<'a>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum BackendDescription<'a> {
    Model {
        key: &'a str,
        sha256: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<&'a str>,
        #[serde(skip_serializing_if = "AnswerForm::is_plain")]
        answers: AnswerForm,
        #[serde(skip_serializing_if = "Option::is_none")]
        check: Option<&'a str>,
        /// Absent in a list of endpoints.
        #[serde(flatten)]
        loaded: Option<Loaded<'a>>,
    },
    /// Scheme, host and port alone: a path or query may hold what is not for everybody's eyes.
    Origin { origin: String, timeout_ms: u32 },
}

/// What a model takes and gives, or why it cannot be had.
#[derive(Serialize)]
#[serde(untagged)]
enum Loaded<'a> {
    /// It is checked if it has reproduced check rows.
    Signature {
        inputs: Vec<TensorDescription<'a>>,
        outputs: Vec<TensorDescription<'a>>,
        checked: bool,
    },
    Problem {
        problem: Problem,
    },
}

/// An endpoint that cannot be served, in a list of others.
#[derive(Serialize)]
struct Unserved<'a> {
    name: &'a Name,
    status: &'static str,
    problem: Problem,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Listed<'a> {
    Served(Description<'a>),
    Unserved(Unserved<'a>),
}

#[derive(Serialize)]
struct Listing<'a> {
    endpoints: Vec<Listed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a Name>,
}

/// Answers with one endpoint's description, if the caller may invoke or administer it.
pub(super) async fn describe<P: Platform>(service: &Service<'_, P>, name: &Name, request: &Request) -> Answer {
    let mut refresh = Vec::new();
    let response = match service.look_up(name, &mut refresh).await {
        Ok(served) => match service.reader(&served.endpoint, request) {
            Ok(reader) => described(service, name, &served, reader).await,
            Err(error) => refuse(&error),
        },
        Err(error) => refuse(&error),
    };
    Answer { response, follow_ups: FollowUps::refresh(refresh) }
}

/// Answers with a page of descriptions: of the endpoints that the caller may invoke or administer. Of one that cannot be read
/// nobody knows who may invoke it.
pub(super) async fn list<P: Platform>(service: &Service<'_, P>, request: &Request, cursor: Option<&str>) -> Answer {
    let mut refresh = Vec::new();
    let page = match service.list(cursor, &mut refresh).await {
        Ok(page) => page,
        Err(error) => return refuse(&error).into(),
    };
    let is_admin = service.allow_admin(request).is_ok();
    let endpoints = page.endpoints.iter().filter_map(|(name, served)| match served {
        Ok(served) => {
            let reader = service.reader(&served.endpoint, request).ok()?;
            Some(Listed::Served(description(name, served, &[], reader)))
        }
        Err(error) if is_admin => {
            let problem = match error {
                Error::Endpoint(_, problem) => told(name, problem, Reader::Administrator, None),
                error => Problem { code: error.code(), message: error.to_string(), fix: None, since_ms: None },
            };
            Some(Listed::Unserved(Unserved { name, status: "unavailable", problem }))
        }
        Err(_) => None,
    });
    let listing = Listing { endpoints: endpoints.collect(), cursor: page.cursor.as_ref() };
    Answer { response: json(StatusCode::OK, &listing), follow_ups: FollowUps::refresh(refresh) }
}

/// An endpoint's description as a response, its revision as the `ETag`, with what its models take and give, for which they
/// are loaded.
pub(super) async fn described<P: Platform>(
    service: &Service<'_, P>,
    name: &Name,
    served: &Served,
    reader: Reader,
) -> Response {
    let models = service.models(&served.endpoint).await;
    let mut response = json(StatusCode::OK, &description(name, served, &models, reader));
    let etag = format!("\"{}\"", served.endpoint.revision().as_str());
    insert(response.headers_mut(), header::ETAG, &etag);
    // What a browser has seen before is no ground to change weights on.
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-cache");
    response
}

/// `models` are those of the variants, in order; what is not among them is not described.
fn description<'a>(
    name: &'a Name,
    served: &'a Served,
    models: &'a [Option<Described>],
    reader: Reader,
) -> Description<'a> {
    let endpoint: &Endpoint = &served.endpoint;
    let problem = match &served.health {
        Health::Good => None,
        Health::Failing { problem, since_ms } => Some(told(name, problem, reader, Some(*since_ms))),
    };
    Description {
        name,
        revision: endpoint.revision().as_str(),
        status: if problem.is_none() { "good" } else { "last_good" },
        problem,
        variants: endpoint
            .variants()
            .iter()
            .enumerate()
            .map(|(at, variant)| variant_description(endpoint, variant, models.get(at).and_then(Option::as_ref)))
            .collect(),
        assignment: endpoint
            .stickiness()
            .map(|Stickiness { unit, issue, .. }| AssignmentDescription { unit, issue: *issue }),
        fallback: endpoint.fallback().map(|variant| &variant.name),
        access: endpoint.access(),
        limits: endpoint.limits(),
        outcome: endpoint.outcome(),
        goal: endpoint.written_goal(),
        capture: endpoint.capture(),
    }
}

/// What keeps an endpoint from being served as its document says.
fn told(name: &Name, problem: &EndpointError, reader: Reader, since_ms: Option<f64>) -> Problem {
    let Report { code, message, .. } = Report::from(&Error::Endpoint(name.clone(), problem.clone()));
    let message = if reader == Reader::Administrator { problem.in_full() } else { message };
    Problem { code, message, fix: None, since_ms }
}

fn variant_description<'a>(
    endpoint: &Endpoint,
    variant: &'a Variant,
    model: Option<&'a Described>,
) -> VariantDescription<'a> {
    let backend = match &variant.backend {
        Backend::Model(reference) => {
            let (key, sha256, output) =
                (reference.key.as_str(), reference.sha256.to_string(), reference.output.as_deref());
            let check = reference.check.as_ref().map(ModelKey::as_str);
            let loaded = model.map(|model| match model {
                // With check rows that it does not reproduce, there would be none.
                Ok(model) => {
                    let checked = check.is_some();
                    Loaded::Signature { inputs: inputs(model), outputs: outputs(model, output), checked }
                }
                Err(failure) => {
                    let fix = Some(report::failure(failure));
                    let problem = Problem { code: failure.code(), message: failure.to_string(), fix, since_ms: None };
                    Loaded::Problem { problem }
                }
            });
            BackendDescription::Model { key, sha256, output, answers: reference.answers, check, loaded }
        }
        Backend::Origin(origin) => BackendDescription::Origin {
            origin: origin.url.get().origin().ascii_serialization(),
            timeout_ms: origin.timeout_ms.get(),
        },
    };
    let (weight, share) = (variant.weight.get(), endpoint.share(variant));
    VariantDescription { name: &variant.name, weight, share, shadow: variant.shadow, backend }
}
