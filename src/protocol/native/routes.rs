//! Paths and methods.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::Method;

use super::refuse::refuse;
use super::{captured, change, decide, describe, experiment, explain, model, outcomes, policy, written};
use crate::endpoint::Name;
use crate::payload;
use crate::platform::Platform;
use crate::protocol::respond::Answer;
use crate::protocol::tabular::{self, Dialect};
use crate::request::{Request, RequestError, segments};
use crate::service::{Error, Service};

const DIALECT: Dialect = Dialect { protocol: "native", refuse, encode: payload::encode };

/// Answers a request.
pub(in crate::protocol) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    route(service, request).await.unwrap_or_else(|error| refuse(&error).into())
}

async fn route<P: Platform>(service: &Service<'_, P>, request: Request) -> Result<Answer, Error> {
    let path = request.plain_path().into_owned();
    match segments(&path).as_slice() {
        ["endpoints", name, "invocations"] => Ok(tabular::invoke(service, DIALECT, name, request).await),
        ["endpoints", name, "assignments"] => decide::decide(service, name, &request).await,
        segments => manage(service, segments, &request).await,
    }
}

/// All that is asked seldom. Boxed, it is no part of the function that V8 compiles before it answers a first invocation.
#[inline(never)]
fn manage<'a, P: Platform>(
    service: &'a Service<'_, P>,
    segments: &'a [&str],
    request: &'a Request,
) -> LocalBoxFuture<'a, Result<Answer, Error>> {
    async move {
        match segments {
            ["endpoints"] => {
                request.allow(&Method::GET, "GET")?;
                let cursor = url::form_urlencoded::parse(request.query.as_bytes())
                    .find(|(key, _)| key == "cursor")
                    .map(|(_, cursor)| cursor.into_owned());
                Ok(describe::list(service, request, cursor.as_deref()).await)
            }
            ["model"] => model::describe(service, request).await,
            ["endpoints", name] => match request.method {
                Method::PUT => change::document(service, name, request).await,
                Method::DELETE => change::remove(service, name, request).await,
                _ => {
                    request.allow(&Method::GET, "GET, PUT and DELETE")?;
                    let name = Name::try_from(*name).map_err(RequestError::Name)?;
                    Ok(describe::describe(service, &name, request).await)
                }
            },
            ["endpoints", name, "document"] => written::document(service, name, request).await,
            ["endpoints", name, "weights"] => change::weights(service, name, request).await,
            ["endpoints", name, "rollback"] => change::roll_back(service, name, request).await,
            ["endpoints", name, "policy"] => policy::answer(service, name, request).await,
            ["endpoints", name, "history"] => experiment::history(service, name, request).await,
            ["endpoints", name, "scoreboard"] => experiment::scoreboard(service, name, request).await,
            ["endpoints", name, "captured", id] => captured::lines(service, name, id, request).await,
            ["endpoints", name, "outcomes"] => outcomes::receive(service, name, request).await,
            ["endpoints", name, "verdict"] => experiment::verdict(service, name, request).await,
            ["endpoints", name, "pairs"] => experiment::pairs(service, name, request).await,
            ["endpoints", name, "estimate"] => experiment::estimate(service, name, request).await,
            ["endpoints", name, "assignments", "explain"] => explain::explain(service, name, request).await,
            _ => Err(RequestError::NoSuchPath.into()),
        }
    }
    .boxed_local()
}
