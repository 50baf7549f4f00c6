//! The native protocol: JSON over HTTP, under `/endpoints`.

mod decide;
mod describe;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode, header};
use serde::Serialize;

use super::respond::{insert, json};
use super::{Protocol, Request, RequestError, Response, headers, tabular};
use crate::endpoint::{Name, WeightChange};
use crate::error::Error;
use crate::platform::Platform;
use crate::service::{Answer, Service};

/// It takes whatever no other protocol claims.
pub(super) struct Native;

impl<P: Platform> Protocol<P> for Native {
    fn claims(&self, _: &Request) -> bool {
        true
    }

    fn refuse(&self, error: &Error) -> Response {
        refuse(error)
    }

    fn answer<'a>(&'a self, service: &'a Service<'_, P>, request: Request) -> LocalBoxFuture<'a, Answer> {
        async move {
            let answered = answer(service, request).await;
            answered.unwrap_or_else(|error| refuse(&error).into())
        }
        .boxed_local()
    }
}

async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Result<Answer, Error> {
    match request.segments().as_slice() {
        ["endpoints"] => {
            request.allow(&Method::GET, "GET")?;
            let cursor = url::form_urlencoded::parse(request.query.as_bytes())
                .find(|(key, _)| key == "cursor")
                .map(|(_, cursor)| cursor.into_owned());
            Ok(describe::list(service, cursor).await)
        }
        ["endpoints", name] => {
            request.allow(&Method::GET, "GET")?;
            let name = Name::try_from(*name).map_err(RequestError::Name)?;
            Ok(describe::describe(service, &name).await)
        }
        ["endpoints", name, "weights"] => {
            request.allow(&Method::PUT, "PUT")?;
            let name = Name::try_from(*name).map_err(RequestError::Name)?;
            service.allow_admin(&request)?;
            let if_match = request.header("if-match");
            let change = || WeightChange::parse(&request.body);
            let served = service.set_weights_of_revision(&name, if_match, change).await?;
            Ok(describe::described(&name, &served).into())
        }
        ["endpoints", name, "invocations"] => {
            let name = (*name).to_owned();
            Ok(tabular::invoke(service, "native", &name, request, refuse).await)
        }
        ["endpoints", name, "assignments"] => decide::decide(service, name, &request).await,
        _ => Err(RequestError::NoSuchPath.into()),
    }
}

/// An error as a response.
fn refuse(error: &Error) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        code: &'static str,
        message: &'a str,
        fix: &'a str,
    }
    let report = error.report();
    let mut response = json(report.status, &Body { code: report.code, message: &report.message, fix: &report.fix });
    let to = response.headers_mut();
    insert(to, headers::ERROR_CODE, report.code);
    if let Some(methods) = report.allow {
        insert(to, header::ALLOW, methods);
    }
    if report.status == StatusCode::UNAUTHORIZED {
        insert(to, header::WWW_AUTHENTICATE, "Bearer realm=\"turnout\"");
    }
    response
}
