//! Which protocol a request is of, and what holds for all of them.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{HeaderValue, Method, header};

use super::respond::{self, Answer};
use super::sagemaker::cloudwatch;
use super::{kserve_v1, metrics, native, ofrep, open_inference, s3, sagemaker};
use crate::platform::Platform;
use crate::request::{Request, RequestError, Response};
use crate::service::{Error, Service};

/// The wire protocols.
#[derive(Clone, Copy)]
enum Protocol {
    OpenInference,
    KServeV1,
    CloudWatch,
    Metrics,
    Ofrep,
    SageMakerControl,
    SageMakerRuntime,
    S3,
    Native,
}

impl Protocol {
    /// By path and headers. What nobody else claims is the native protocol's.
    fn of(request: &Request) -> Protocol {
        if open_inference::claims(request) {
            Protocol::OpenInference
        } else if kserve_v1::claims(request) {
            Protocol::KServeV1
        } else if metrics::claims(request) {
            Protocol::Metrics
        } else if s3::claims(request) {
            Protocol::S3
        } else if ofrep::claims(request) {
            Protocol::Ofrep
        } else if cloudwatch::claims(request) {
            Protocol::CloudWatch
        } else if sagemaker::control::claims(request) {
            Protocol::SageMakerControl
        } else if sagemaker::runtime::claims(request) {
            Protocol::SageMakerRuntime
        } else {
            Protocol::Native
        }
    }

    /// An error, as this protocol tells it.
    fn refuse(self, error: &Error) -> Response {
        match self {
            Protocol::OpenInference | Protocol::KServeV1 => open_inference::refuse(error),
            Protocol::CloudWatch => cloudwatch::refuse(error),
            Protocol::Ofrep => ofrep::refuse(error),
            Protocol::SageMakerControl => sagemaker::control::refuse(error),
            Protocol::SageMakerRuntime => sagemaker::runtime::refuse(error),
            Protocol::S3 => s3::refuse(error),
            Protocol::Native | Protocol::Metrics => native::refuse(error),
        }
    }

    /// The answer, boxed: the function that V8 compiles for it is then of one protocol, not of all of them.
    fn answer<'a, P: Platform>(self, service: &'a Service<'_, P>, request: Request) -> LocalBoxFuture<'a, Answer> {
        match self {
            Protocol::OpenInference => open_inference::answer(service, request).boxed_local(),
            Protocol::KServeV1 => kserve_v1::answer(service, request).boxed_local(),
            Protocol::CloudWatch => cloudwatch::answer(service, request).boxed_local(),
            Protocol::Metrics => metrics::answer(service, request).boxed_local(),
            Protocol::Ofrep => ofrep::answer(service, request).boxed_local(),
            Protocol::SageMakerControl => sagemaker::control::answer(service, request).boxed_local(),
            Protocol::SageMakerRuntime => sagemaker::runtime::answer(service, request).boxed_local(),
            Protocol::S3 => s3::answer(service, request).boxed_local(),
            Protocol::Native => native::answer(service, request).boxed_local(),
        }
    }
}

/// Whether a request's body is read in pieces while it is answered, and not before.
pub fn reads_in_pieces(request: &Request) -> bool {
    s3::claims(request)
}

/// Answers a request, whose body may have failed to arrive.
pub async fn answer<P: Platform>(
    service: &Service<'_, P>,
    mut request: Request,
    body: Result<Vec<u8>, RequestError>,
) -> Answer {
    // Only browsers send it, from a page; each header costs a microsecond.
    let page = request.headers.get(header::ORIGIN).cloned();
    let allowed = &service.isolate().allowed_origins;
    let page = page.filter(|origin| origin.to_str().is_ok_and(|origin| allowed.allow(origin)));
    let mut answer = if request.method == Method::OPTIONS {
        respond::preflight().into()
    } else {
        let protocol = Protocol::of(&request);
        let received = match protocol {
            // It reads its body by itself.
            Protocol::S3 => Ok(()),
            _ => body.and_then(|body| request.receive(body)),
        };
        match received {
            Ok(()) => protocol.answer(service, request).await,
            Err(error) => protocol.refuse(&error.into()).into(),
        }
    };
    if !allowed.is_empty() {
        // A cache must not give one page's answer to another.
        answer.response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = page {
        respond::allow_origin(&mut answer.response, origin);
    }
    answer
}
