//! Descriptions of endpoints: what is configured and how it is doing, without secrets.

use http::{StatusCode, header};
use serde::Serialize;

use super::refuse;
use crate::endpoint::{Access, Backend, Endpoint, Health, Name, Served, Stickiness, Variant};
use crate::error::Error;
use crate::platform::Platform;
use crate::protocol::Response;
use crate::protocol::respond::{insert, json};
use crate::service::{Answer, Service};

#[derive(Serialize)]
struct Description<'a> {
    name: &'a Name,
    revision: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    variants: Vec<VariantDescription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment: Option<&'a Stickiness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'a Name>,
    #[serde(skip_serializing_if = "Access::is_open")]
    access: &'a Access,
}

#[derive(Serialize)]
struct Problem {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<f64>,
}

#[derive(Serialize)]
struct VariantDescription<'a> {
    name: &'a Name,
    weight: f64,
    share: f64,
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
    },
    /// Scheme, host and port alone: a path or query may hold what is not for everybody's eyes.
    Origin { origin: String, timeout_ms: u32 },
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
    cursor: Option<&'a str>,
}

/// Answers with one endpoint's description.
pub(super) async fn describe<P: Platform>(service: &Service<'_, P>, name: &Name) -> Answer {
    let (served, after) = service.look_up(name).await;
    let response = match served {
        Ok(served) => described(name, &served),
        Err(error) => refuse(&error),
    };
    Answer { response, after }
}

/// Answers with a page of descriptions.
pub(super) async fn list<P: Platform>(service: &Service<'_, P>, cursor: Option<String>) -> Answer {
    let page = match service.list(cursor).await {
        Ok(page) => page,
        Err(error) => return refuse(&error).into(),
    };
    let endpoints = page.endpoints.iter().map(|(name, served)| match served {
        Ok(served) => Listed::Served(description(name, served)),
        Err(error) => {
            let report = error.report();
            let problem = Problem { code: report.code, message: report.message, since_ms: None };
            Listed::Unserved(Unserved { name, status: "unavailable", problem })
        }
    });
    let listing = Listing { endpoints: endpoints.collect(), cursor: page.cursor.as_deref() };
    Answer { response: json(StatusCode::OK, &listing), after: page.after }
}

/// An endpoint's description as a response, its revision as the `ETag`.
pub(super) fn described(name: &Name, served: &Served) -> Response {
    let mut response = json(StatusCode::OK, &description(name, served));
    let etag = format!("\"{}\"", served.endpoint.revision().as_str());
    insert(response.headers_mut(), header::ETAG, &etag);
    // What a browser has seen before is no ground to change weights on.
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-cache");
    response
}

fn description<'a>(name: &'a Name, served: &'a Served) -> Description<'a> {
    let endpoint: &Endpoint = &served.endpoint;
    let problem = match &served.health {
        Health::Good => None,
        Health::Failing { problem, since_ms } => {
            let report = Error::Endpoint(name.clone(), problem.clone()).report();
            Some(Problem { code: report.code, message: report.message, since_ms: Some(*since_ms) })
        }
    };
    Description {
        name,
        revision: endpoint.revision().as_str(),
        status: if problem.is_none() { "good" } else { "last_good" },
        problem,
        variants: endpoint.variants().iter().map(|variant| variant_description(endpoint, variant)).collect(),
        assignment: endpoint.stickiness(),
        fallback: endpoint.fallback().map(|variant| &variant.name),
        access: endpoint.access(),
    }
}

fn variant_description<'a>(endpoint: &Endpoint, variant: &'a Variant) -> VariantDescription<'a> {
    let backend = match &variant.backend {
        Backend::Model(model) => {
            let (key, sha256) = (model.key.as_str(), model.sha256.to_string());
            BackendDescription::Model { key, sha256, output: model.output.as_deref() }
        }
        Backend::Origin(origin) => BackendDescription::Origin {
            origin: origin.url.get().origin().ascii_serialization(),
            timeout_ms: origin.timeout_ms.get(),
        },
    };
    VariantDescription { name: &variant.name, weight: variant.weight.get(), share: endpoint.share(variant), backend }
}
