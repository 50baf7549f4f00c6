//! SageMaker Runtime, for AWS's clients: `POST /endpoints/NAME/invocations`.
//!
//! The path is the native protocol's as well. What tells them apart is that AWS's clients sign, or number their
//! attempts; only they are told errors in AWS's form.

use serde::Serialize;

use super::error::{Api, message, named, original};
use crate::payload;
use crate::platform::Platform;
use crate::protocol::headers;
use crate::protocol::report::Report;
use crate::protocol::respond::{Answer, insert, json};
use crate::protocol::tabular::{self, Dialect};
use crate::request::{Request, RequestError, Response, segments};
use crate::service::{Error, Service};

/// Whether a request comes from AWS's client of the runtime.
pub(in crate::protocol) fn claims(request: &Request) -> bool {
    let by_a_client = request.is_signed() || request.headers.contains_key("amz-sdk-invocation-id");
    by_a_client
        && matches!(
            segments(&request.plain_path()).as_slice(),
            ["endpoints", _, "invocations" | "invocations-response-stream" | "async-invocations"]
        )
}

const DIALECT: Dialect = Dialect { protocol: "sagemaker", refuse, encode: payload::encode };

/// Answers a request.
pub(in crate::protocol) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    let path = request.plain_path().into_owned();
    match segments(&path).as_slice() {
        ["endpoints", endpoint, "invocations"] => {
            let mut answer = tabular::invoke(service, DIALECT, endpoint, request).await;
            if let Some(id) = answer.response.headers().get(headers::INFERENCE_ID).cloned() {
                answer.response.headers_mut().insert(headers::AMZN_REQUEST_ID, id);
            }
            answer
        }
        ["endpoints", _, operation @ ("invocations-response-stream" | "async-invocations")] => {
            let problem = format!("endpoints here do not serve `{operation}`; call InvokeEndpoint");
            refuse(&RequestError::Operation(problem).into()).into()
        }
        _ => refuse(&RequestError::NoSuchPath.into()).into(),
    }
}

/// An error as a response.
pub(in crate::protocol) fn refuse(error: &Error) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body {
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        original_status_code: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        original_message: Option<String>,
    }
    let (report, named) = (Report::from(error), named(error, Api::Runtime));
    let (original_status_code, original_message) = original(error).unzip();
    let body = Body { message: message(&report), original_status_code, original_message };
    let mut response = json(named.status, &body);
    insert(response.headers_mut(), headers::AMZN_ERROR_TYPE, named.name);
    report.describe(response.headers_mut());
    response
}
