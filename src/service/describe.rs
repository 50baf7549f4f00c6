//! Descriptions of endpoints: what is configured and how it is doing, without secrets.

use futures_util::future::join_all;
use http::{StatusCode, header};
use serde::Serialize;

use super::{After, Answer, Service};
use crate::endpoint::{Backend, Endpoint, EndpointError, Health, Name, Served, Stickiness, Variant};
use crate::error::Error;
use crate::platform::Platform;
use crate::protocol::{Response, native};

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

impl<P: Platform> Service<'_, P> {
    pub(super) async fn describe(&self, name: &Name) -> Answer {
        let mut after = After::default();
        match self.endpoint(name, &mut after.refresh).await {
            Ok(served) => Answer { response: described(name, &served), after },
            Err(error) => Answer { after, ..Answer::refusal(&error) },
        }
    }

    pub(super) async fn list(&self, cursor: Option<String>) -> Answer {
        let page = match self.platform.list_endpoints(cursor).await {
            Ok(page) => page,
            Err(error) => return Answer::refusal(&error.into()),
        };
        // A key that is no name cannot be asked for either.
        let names: Vec<Name> = page.keys.iter().filter_map(|key| Name::try_from(key.as_str()).ok()).collect();
        let looked_up = join_all(names.iter().map(|name| async move {
            let mut refresh = Vec::new();
            (name, self.endpoint(name, &mut refresh).await, refresh)
        }))
        .await;
        let mut after = After::default();
        let mut endpoints = Vec::new();
        for (name, served, refresh) in &looked_up {
            after.refresh.extend_from_slice(refresh);
            match served {
                Ok(served) => endpoints.push(Listed::Served(description(name, served))),
                // The listing lags behind the store.
                Err(Error::Endpoint(_, EndpointError::NotFound)) => {}
                Err(error) => {
                    let report = error.report();
                    let problem = Problem { code: report.code, message: report.message, since_ms: None };
                    endpoints.push(Listed::Unserved(Unserved { name, status: "unavailable", problem }));
                }
            }
        }
        Answer { response: native::json(StatusCode::OK, &Listing { endpoints, cursor: page.cursor.as_deref() }), after }
    }
}

/// An endpoint's description as a response, its revision as the `ETag`.
pub(super) fn described(name: &Name, served: &Served) -> Response {
    let mut response = native::json(StatusCode::OK, &description(name, served));
    let etag = format!("\"{}\"", served.endpoint.revision().as_str());
    native::insert(response.headers_mut(), header::ETAG, &etag);
    // What a browser has seen before is no ground to change weights on.
    native::insert(response.headers_mut(), header::CACHE_CONTROL, "no-cache");
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
