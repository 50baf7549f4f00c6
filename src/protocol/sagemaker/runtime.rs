//! SageMaker Runtime, for AWS's clients: `POST /endpoints/NAME/invocations`.
//!
//! The path is the native protocol's as well. What tells them apart is that AWS's clients sign, or number their
//! attempts; only they are told errors in AWS's form.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;

use super::error::{Api, message, named, original};
use crate::error::Error;
use crate::platform::Platform;
use crate::protocol::respond::{insert, json};
use crate::protocol::{Protocol, Request, RequestError, Response, headers, tabular};
use crate::service::{Answer, Service};

/// SageMaker Runtime.
pub(crate) struct Runtime;

impl<P: Platform> Protocol<P> for Runtime {
    fn claims(&self, request: &Request) -> bool {
        let by_a_client = request.is_signed() || request.headers.contains_key("amz-sdk-invocation-id");
        by_a_client
            && matches!(request.segments().as_slice(), ["endpoints", _, operation] if !matches!(*operation, "weights" | "assignments"))
    }

    fn refuse(&self, error: &Error) -> Response {
        refuse(error)
    }

    fn answer<'a>(&'a self, service: &'a Service<'_, P>, request: Request) -> LocalBoxFuture<'a, Answer> {
        async move {
            let path = request.path.clone();
            match path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
                ["endpoints", endpoint, "invocations"] => {
                    let mut answer = tabular::invoke(service, "sagemaker", endpoint, request, refuse).await;
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
        .boxed_local()
    }
}

fn refuse(error: &Error) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body {
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        original_status_code: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        original_message: Option<String>,
    }
    let (report, named) = (error.report(), named(error, Api::Runtime));
    let (original_status_code, original_message) = original(error).unzip();
    let body = Body { message: message(&report), original_status_code, original_message };
    let mut response = json(named.status, &body);
    insert(response.headers_mut(), headers::AMZN_ERROR_TYPE, named.name);
    insert(response.headers_mut(), headers::ERROR_CODE, report.code);
    response
}
