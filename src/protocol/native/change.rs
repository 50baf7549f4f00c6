//! Changes of an endpoint's document, each of the revision that the request names.

use http::{Method, StatusCode};
use serde::Deserialize;

use super::{describe, if_match};
use crate::endpoint::{Name, WeightChange};
use crate::experiment::{Change, Condition, Edit};
use crate::isolate::{EndpointError, Served};
use crate::platform::Platform;
use crate::protocol::respond::{Answer, respond};
use crate::protocol::tabular;
use crate::request::{Request, RequestError};
use crate::service::{Error, Reader, RevisionError, Service};

/// Puts other weights into the document.
pub(super) async fn weights<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    request.allow(&Method::PUT, "PUT")?;
    // What is no list of weights is told before anybody is asked.
    let edit = |body: &[u8]| Ok(Edit::Weights(WeightChange::parse(body)?.to_json()));
    describe(service, change(service, name, request, if_match::condition, edit).await?).await
}

/// Puts another document in place of what is there, or the first one.
pub(super) async fn document<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    let edit = |body: &[u8]| match std::str::from_utf8(body) {
        Ok(document) => Ok(Edit::Document(document.to_owned())),
        Err(_) => Err(RequestError::Operation("the document is not UTF-8".to_owned()).into()),
    };
    describe(service, change(service, name, request, if_match::condition_or_absence, edit).await?).await
}

/// Removes the document.
pub(super) async fn remove<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    // That there is nothing to serve any more is what is wanted.
    let _ = change(service, name, request, if_match::condition, |_| Ok(Edit::Remove)).await?;
    Ok(respond(StatusCode::NO_CONTENT, "application/json", Vec::new()).into())
}

/// Puts an earlier version in place of what is there.
pub(super) async fn roll_back<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        to: String,
    }
    request.allow(&Method::POST, "POST")?;
    let edit = |body: &[u8]| match serde_json::from_slice::<Asked>(body) {
        Ok(Asked { to }) => Ok(Edit::Restore(to)),
        Err(error) => Err(RequestError::Operation(format!("the body is not {{\"to\": REVISION}}: {error}")).into()),
    };
    describe(service, change(service, name, request, if_match::condition, edit).await?).await
}

/// An endpoint, and what is served of it after a change.
type Changed = (Name, Result<Served, EndpointError>);

async fn change<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
    condition: impl FnOnce(&Request) -> Result<Condition, RevisionError>,
    edit: impl FnOnce(&[u8]) -> Result<Edit, Error>,
) -> Result<Changed, Error> {
    let name = Name::try_from(name).map_err(RequestError::Name)?;
    let author = service.allow_admin(request)?;
    let condition = condition(request)?;
    let change = Change { edit: edit(&request.body)?, condition };
    let served = service.change(&name, change, tabular::cause(request, author)?).await?;
    Ok((name, served))
}

async fn describe<P: Platform>(service: &Service<'_, P>, (name, served): Changed) -> Result<Answer, Error> {
    let served = served.map_err(|error| Error::Endpoint(name.clone(), error))?;
    Ok(describe::described(service, &name, &served, Reader::Administrator).await.into())
}
