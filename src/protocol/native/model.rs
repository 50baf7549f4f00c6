//! A file in the store of models, described before a variant names it.

use http::{Method, StatusCode, header};
use serde::Serialize;

use super::experiment::parameter;
use super::refuse::told;
use crate::endpoint::ModelKey;
use crate::platform::Platform;
use crate::protocol::report::Report;
use crate::protocol::respond::{Answer, insert, json};
use crate::protocol::signature::{TensorDescription, inputs, outputs};
use crate::request::{Request, RequestError};
use crate::service::{Error, Service};

/// What is under a key, as the description of an endpoint has it for a variant's model.
#[derive(Serialize)]
struct Described<'a> {
    key: &'a str,
    sha256: String,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a str>,
    inputs: Vec<TensorDescription<'a>>,
    outputs: Vec<TensorDescription<'a>>,
    /// The most rows that a request may have.
    rows: usize,
    /// Whether it has reproduced check rows.
    checked: bool,
}

/// Answers with what the file under the parameter `key` is, checked against the rows under `check` if that is given, or why it
/// cannot be run. It is loaded for this, so it is for the administrator.
pub(super) async fn describe<P: Platform>(service: &Service<'_, P>, request: &Request) -> Result<Answer, Error> {
    request.allow(&Method::GET, "GET")?;
    service.allow_admin(request)?;
    let named = |name| parameter(&request.query, name).map(|key| key_of(name, key)).transpose();
    let key = named("key")?.ok_or_else(|| RequestError::Operation("name the file: ?key=KEY".to_owned()))?;
    let check = named("check")?;
    let mut response = match service.model_file(&key, check.as_ref()).await {
        Ok(file) => json(
            StatusCode::OK,
            &Described {
                key: key.as_str(),
                sha256: file.sha256.to_string(),
                bytes: file.bytes,
                check: check.as_ref().map(ModelKey::as_str),
                inputs: inputs(&file.description),
                outputs: outputs(&file.description, None),
                rows: file.description.rows.most,
                // With check rows that it does not reproduce, there would be none.
                checked: check.is_some(),
            },
        ),
        Err(failure) => told(&Report::from(&failure)),
    };
    // The next time other bytes may be there.
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    Ok(response.into())
}

fn key_of(parameter: &str, key: String) -> Result<ModelKey, RequestError> {
    ModelKey::try_from(key).map_err(|error| RequestError::Operation(format!("`{parameter}`: {error}")))
}
