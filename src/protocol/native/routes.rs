//! Paths and methods.

use http::Method;

use super::refuse::refuse;
use super::{decide, describe, explain, if_match};
use crate::endpoint::{Name, WeightChange};
use crate::payload;
use crate::platform::Platform;
use crate::protocol::respond::Answer;
use crate::protocol::tabular::{self, Dialect};
use crate::request::{Request, RequestError, segments};
use crate::service::{Error, Reader, Service};

const DIALECT: Dialect = Dialect { protocol: "native", refuse, encode: payload::encode };

/// Answers a request.
pub(in crate::protocol) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    route(service, request).await.unwrap_or_else(|error| refuse(&error).into())
}

async fn route<P: Platform>(service: &Service<'_, P>, request: Request) -> Result<Answer, Error> {
    let path = request.plain_path().into_owned();
    match segments(&path).as_slice() {
        ["endpoints"] => {
            request.allow(&Method::GET, "GET")?;
            let cursor = url::form_urlencoded::parse(request.query.as_bytes())
                .find(|(key, _)| key == "cursor")
                .map(|(_, cursor)| cursor.into_owned());
            Ok(describe::list(service, &request, cursor.as_deref()).await)
        }
        ["endpoints", name] => {
            request.allow(&Method::GET, "GET")?;
            let name = Name::try_from(*name).map_err(RequestError::Name)?;
            Ok(describe::describe(service, &name, &request).await)
        }
        ["endpoints", name, "weights"] => {
            request.allow(&Method::PUT, "PUT")?;
            let name = Name::try_from(*name).map_err(RequestError::Name)?;
            service.allow_admin(&request)?;
            let condition = if_match::condition(&request)?;
            let served = service.set_weights(&name, &condition, &WeightChange::parse(&request.body)?).await?;
            Ok(describe::described(service, &name, &served, Reader::Administrator).await.into())
        }
        ["endpoints", name, "invocations"] => Ok(tabular::invoke(service, DIALECT, name, request).await),
        ["endpoints", name, "assignments"] => decide::decide(service, name, &request).await,
        ["endpoints", name, "assignments", "explain"] => explain::explain(service, name, &request).await,
        _ => Err(RequestError::NoSuchPath.into()),
    }
}
