//! What a model's file is that nobody has named in a document yet: for who has uploaded it.

use http::{Method, StatusCode, header};
use serde::Serialize;

use crate::endpoint::ModelKey;
use crate::platform::Platform;
use crate::protocol::report;
use crate::protocol::respond::{Answer, insert, json};
use crate::protocol::signature::{TensorDescription, inputs, outputs};
use crate::request::{Request, RequestError};
use crate::service::{Error, Service};

#[derive(Serialize)]
struct Told<'a> {
    key: &'a str,
    sha256: String,
    bytes: usize,
    inputs: Vec<TensorDescription<'a>>,
    outputs: Vec<TensorDescription<'a>>,
    /// Whether it has reproduced check rows, of which a file alone has none.
    checked: bool,
}

/// Why it cannot be run.
#[derive(Serialize)]
struct Refused<'a> {
    key: &'a str,
    code: &'static str,
    message: String,
    fix: &'static str,
}

/// Answers with what the model under a key takes and gives, or why it is refused.
pub(super) async fn describe<P: Platform>(service: &Service<'_, P>, request: &Request) -> Result<Answer, Error> {
    request.allow(&Method::GET, "GET")?;
    service.allow_admin(request)?;
    let key = url::form_urlencoded::parse(request.query.as_bytes()).find(|(name, _)| name == "key");
    let key = key.map(|(_, key)| key.into_owned()).unwrap_or_default();
    let key = ModelKey::try_from(key).map_err(|error| RequestError::Operation(error.to_string()))?;
    let mut response = match service.model_file(&key).await {
        Ok(file) => {
            let (model, sha256) = (&file.description, file.sha256.to_string());
            let told = Told {
                key: key.as_str(),
                sha256,
                bytes: file.bytes,
                inputs: inputs(model),
                outputs: outputs(model, None),
                checked: false,
            };
            json(StatusCode::OK, &told)
        }
        Err(failure) => {
            let refused = Refused {
                key: key.as_str(),
                code: failure.code(),
                message: failure.to_string(),
                fix: report::failure(&failure),
            };
            json(StatusCode::FAILED_DEPENDENCY, &refused)
        }
    };
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    Ok(response.into())
}
