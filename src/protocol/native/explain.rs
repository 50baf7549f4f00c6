//! How a unit's variant comes about, for whoever wonders. Nothing is recorded.

use http::{Method, StatusCode};
use serde::Serialize;

use super::decide::asked_unit;
use super::refuse::refuse;
use crate::assignment::{self, Explanation};
use crate::endpoint::Name;
use crate::platform::Platform;
use crate::protocol::respond::{Answer, json};
use crate::request::{Request, RequestError};
use crate::service::{Error, FollowUps, Service, UnitIn};

#[derive(Serialize)]
struct Explained<'a> {
    revision: &'a str,
    #[serde(flatten)]
    explanation: Explanation<'a>,
}

/// Answers with the variant that a unit gets, and the scores that give it that.
pub(super) async fn explain<P: Platform>(
    service: &Service<'_, P>,
    endpoint: &str,
    request: &Request,
) -> Result<Answer, Error> {
    request.allow(&Method::POST, "POST")?;
    let name = Name::try_from(endpoint).map_err(RequestError::Name)?;
    let told = asked_unit(&request.body)?;
    let unit = told.as_deref().map_or(UnitIn::Headers(&request.headers), UnitIn::Told);
    let mut refresh = Vec::new();
    let response = match service.unit(&name, unit, request, &mut refresh).await {
        Ok((endpoint, unit)) => {
            let explanation = assignment::explain(&endpoint, unit);
            json(StatusCode::OK, &Explained { revision: endpoint.revision().as_str(), explanation })
        }
        Err(error) => refuse(&error),
    };
    Ok(Answer { response, follow_ups: FollowUps::refresh(refresh) })
}
