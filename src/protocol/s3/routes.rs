//! Operations, from their requests to what does them.

use http::header::{self, HeaderName};
use http::{HeaderValue, Method, StatusCode};

use super::operation::{Operation, Target, is_path};
use super::{batch, error, list, multipart, object, xml};
use crate::platform::{Place, Platform};
use crate::protocol::respond::{Answer, insert, respond};
use crate::request::{Request, Response};
use crate::service::{Error, ObjectError, Service};

/// Response: S3's name of an id for the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Whether a request is for S3: its body is then read in pieces.
pub(in crate::protocol) fn claims(request: &Request) -> bool {
    is_path(request)
}

/// Answers a request.
pub(in crate::protocol) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    let id = service.new_id().unwrap_or_default();
    let mut response = match operate(service, &request).await {
        Ok(response) => response,
        Err(problem) => refused(&problem, &request, &id),
    };
    insert(response.headers_mut(), REQUEST_ID, &id);
    // What a browser or a proxy has seen before may be another by now.
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    response.into()
}

/// An error of the service as a response.
pub(in crate::protocol) fn refuse(error: &Error) -> Response {
    refused(&ObjectError::Argument(error.to_string()), &Request::default(), "")
}

fn refused(problem: &ObjectError, request: &Request, id: &str) -> Response {
    let (name, status) = error::named(problem);
    // There is no body where there can be none.
    if status == StatusCode::NOT_MODIFIED || request.method == Method::HEAD {
        return object::empty(status);
    }
    let body = xml::Xml::error(|xml| {
        xml.text("Code", name);
        xml.text("Message", &problem.to_string());
        xml.text("Resource", &request.path);
        xml.text("RequestId", id);
    });
    let mut response = respond(status, "application/xml", body);
    if name == "SlowDown" {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

async fn operate<P: Platform>(service: &Service<'_, P>, request: &Request) -> Result<Response, ObjectError> {
    let target = Target::of(request)?;
    // Who may use neither bucket is told of neither.
    let signed = service.allow_bucket(target.place.unwrap_or(Place::Models), request)?;
    let operation = target.operation(request)?;
    if operation == Operation::ListBuckets {
        return Ok(list::buckets());
    }
    let place = target.place.ok_or_else(|| ObjectError::NoBucket(target.bucket.chars().take(100).collect()))?;
    if place == Place::Capture && operation.writes() {
        return Err(ObjectError::ReadOnly);
    }
    match operation {
        Operation::ListBuckets => Ok(list::buckets()),
        Operation::HeadBucket => Ok(object::empty(StatusCode::OK)),
        Operation::GetBucketLocation => Ok(list::document("LocationConstraint", |_| {})),
        Operation::CreateBucket => Err(ObjectError::Exists),
        Operation::ListObjects => list::objects(service, place, &target, false).await,
        Operation::ListObjectsV2 => list::objects(service, place, &target, true).await,
        Operation::ListMultipartUploads if place == Place::Capture => Err(ObjectError::ReadOnly),
        Operation::ListMultipartUploads => multipart::uploads(service, &target).await,
        Operation::DeleteObjects => batch::delete(service, signed).await,
        Operation::GetObject | Operation::HeadObject => object::get(service, place, &target, request).await,
        Operation::PutObject => object::put(service, &target, request, signed).await,
        Operation::DeleteObject => object::delete(service, &target).await,
        Operation::CreateMultipartUpload => multipart::create(service, &target, request).await,
        Operation::UploadPart => multipart::put_part(service, &target, request, signed).await,
        Operation::CompleteMultipartUpload => multipart::complete(service, &target, request, signed).await,
        Operation::AbortMultipartUpload => multipart::abort(service, &target).await,
        Operation::ListParts if place == Place::Capture => Err(ObjectError::ReadOnly),
        Operation::ListParts => multipart::parts(service, &target).await,
    }
}
