//! KServe's first protocol, which is TensorFlow Serving's as well: `POST /v1/models/NAME:predict` with `instances`, and
//! `predictions` in return (<https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol>).

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use turnout_tables::RowsError;

use super::open_inference::refuse;
use super::respond::{Answer, json as json_response};
use super::tabular::{self, Dialect};
use crate::endpoint::{AnswerForm, Name};
use crate::payload::{self, Format, Outputs, encode_columns};
use crate::platform::Platform;
use crate::request::{Request, RequestError, segments};
use crate::service::{Error, FollowUps, Service};

/// Whether a request is of this protocol.
pub(super) fn claims(request: &Request) -> bool {
    request.path.starts_with("/v1/models/")
}

/// Answers a request.
pub(super) async fn answer<P: Platform>(service: &Service<'_, P>, mut request: Request) -> Answer {
    let path = request.plain_path().into_owned();
    let asked = match segments(&path).as_slice() {
        ["v1", "models", asked] => *asked,
        _ => return refuse(&RequestError::NoSuchPath.into()).into(),
    };
    match asked.rsplit_once(':').or_else(|| asked.rsplit_once("%3A")) {
        None => {
            let mut refresh = Vec::new();
            let response = match ready(service, asked, &request, &mut refresh).await {
                Ok(()) => json_response(StatusCode::OK, &json!({ "name": asked, "ready": true })),
                Err(error) => refuse(&error),
            };
            Answer { response, follow_ups: FollowUps::refresh(refresh) }
        }
        Some((name, "predict")) => {
            // The protocol knows no other format, and its examples are of curl, which says that it sends a form.
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.headers.remove(ACCEPT);
            let encode = if is_by_column(&request.body) { by_column } else { by_row };
            tabular::invoke(service, Dialect { protocol: "kserve-v1", refuse, encode }, name, request).await
        }
        Some(_) => refuse(&RequestError::NoSuchPath.into()).into(),
    }
}

/// Whether a body has `inputs`, which TensorFlow Serving answers with `outputs` (<https://www.tensorflow.org/tfx/serving/api_rest>).
fn is_by_column(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Form {
        inputs: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Form>(body).is_ok_and(|form| form.inputs.is_some())
}

/// The protocol has one form.
fn by_row(outputs: &Outputs, format: Format, _: AnswerForm, most_bytes: usize) -> Result<Vec<u8>, RowsError> {
    payload::encode(outputs, format, AnswerForm::Plain, most_bytes)
}

fn by_column(outputs: &Outputs, _: Format, _: AnswerForm, most_bytes: usize) -> Result<Vec<u8>, RowsError> {
    encode_columns(outputs, most_bytes)
}

async fn ready<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
    refresh: &mut Vec<Name>,
) -> Result<(), Error> {
    request.allow(&Method::GET, "GET")?;
    let endpoint = Name::try_from(name).map_err(RequestError::Name)?;
    service.ready_to_answer(&endpoint, None, request, refresh).await
}
