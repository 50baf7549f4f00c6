//! How an error is told: its HTTP status, and how to fix it.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use turnout_tables::{RowsError, RunError};

use super::headers;
use super::respond::insert;
use crate::access::AccessError;
use crate::assignment::AssignmentError;
use crate::experiment::{ActError, PlanError, Refusal};
use crate::isolate::{EndpointError, InvokeError, ModelError};
use crate::origin::OriginError;
use crate::payload::{FormatError, PayloadError};
use crate::request::RequestError;
use crate::service::{AlarmError, CapturedError, Error, Failure, RegistryError, RevisionError, TestError, Unreadable};

const IN_TEST: &str = "stop that shadow test first, or wait until it has ended";
const WEIGHTS: &str = "send an object such as {\"baseline\": 50, \"challenger\": 50}";
const ROWS: &str = "send as many rows in each request as the message says";

/// An error as every protocol tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable, for programs: in the body, a header and the record.
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
    /// How to fix it.
    pub fix: &'static str,
    /// For `Allow`, where the method was wrong.
    pub allow: Option<&'static str>,
    /// For `Retry-After`, as the model host said it or in seconds.
    pub retry_after: Option<HeaderValue>,
}

impl From<&Error> for Report {
    fn from(error: &Error) -> Self {
        let (status, fix) = status_and_fix(error);
        let allow = match error {
            Error::Request(RequestError::Method(methods)) => Some(*methods),
            _ => None,
        };
        let retry_after = match error {
            Error::Backend(error) => match error.first() {
                Failure::Origin(OriginError::Status { retry_after, .. }) => retry_after.clone(),
                _ => None,
            },
            Error::Request(RequestError::NoRoom) => Some(HeaderValue::from_static("1")),
            _ => None,
        };
        Report { status, code: error.code(), message: shortened(&error.to_string()), fix, allow, retry_after }
    }
}

/// Of a model or a host that nobody has invoked.
impl From<&Failure> for Report {
    fn from(failed: &Failure) -> Self {
        let (status, fix) = (StatusCode::FAILED_DEPENDENCY, failure(failed));
        let message = shortened(&failed.to_string());
        Report { status, code: failed.code(), message, fix, allow: None, retry_after: None }
    }
}

impl Report {
    /// Adds the headers that say it.
    pub fn describe(&self, to: &mut HeaderMap) {
        insert(to, headers::ERROR_CODE, self.code);
        if let Some(methods) = self.allow {
            insert(to, header::ALLOW, methods);
        }
        if let Some(when) = &self.retry_after {
            to.insert(header::RETRY_AFTER, when.clone());
        }
    }
}

/// The most bytes of a message.
const MOST_BYTES: usize = 1_000;

/// A message that is no longer than people read.
fn shortened(message: &str) -> String {
    if message.len() <= MOST_BYTES {
        return message.to_owned();
    }
    let end = (0..=MOST_BYTES).rev().find(|end| message.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", message.get(..end).unwrap_or_default())
}

fn status_and_fix(error: &Error) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match error {
        Error::Request(error) => match error {
            RequestError::NoSuchPath => {
                (S::NOT_FOUND, "POST to /endpoints/NAME/invocations, or GET /endpoints for what there is")
            }
            RequestError::Method(_) => (S::METHOD_NOT_ALLOWED, "use the method that the path takes"),
            RequestError::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "send the rows in several requests"),
            RequestError::NoRoom => (S::SERVICE_UNAVAILABLE, "send it again in a moment, or fewer rows at once"),
            RequestError::BodyBroken(_) => (S::BAD_REQUEST, "send the request again"),
            RequestError::Encoded(_) => {
                (S::UNSUPPORTED_MEDIA_TYPE, "send the body as it is, or packed with Content-Encoding: gzip")
            }
            RequestError::Gzip(_) => (S::BAD_REQUEST, "pack the body with gzip, or leave Content-Encoding out"),
            RequestError::TwoTargets { .. } => {
                (S::BAD_REQUEST, "send one of X-Target-Variant and X-Amzn-SageMaker-Target-Variant")
            }
            RequestError::InferenceId => (S::BAD_REQUEST, "shorten the id, or leave the header out to get one"),
            RequestError::CustomAttributes => (S::BAD_REQUEST, "shorten them, or leave the header out"),
            RequestError::Unsupported(_) => {
                (S::BAD_REQUEST, "leave the header out; X-Target-Variant chooses a variant")
            }
            RequestError::NoUnits => {
                (S::BAD_REQUEST, "leave the unit out, or name one in the endpoint's document under `assignment`")
            }
            RequestError::UnitMissing => (S::BAD_REQUEST, "send the body {\"unit\": \"...\"}"),
            RequestError::NotKept(_) => {
                (S::NOT_IMPLEMENTED, "leave it out; what a client needs to predict is answered")
            }
            RequestError::Operation(_) => (S::BAD_REQUEST, "send what the operation takes, as the message says"),
            RequestError::NoSuchOperation(_) => {
                (S::NOT_FOUND, "use one on endpoints, endpoint configurations or models, such as ListEndpoints")
            }
            RequestError::Name(_) => (S::BAD_REQUEST, "take the name from GET /endpoints"),
        },
        Error::Unreadable(error) => unreadable(error),
        Error::Access(error) => match error {
            AccessError::Unset(_) => {
                (S::SERVICE_UNAVAILABLE, "have whoever runs this worker set the secret: wrangler secret put NAME")
            }
            AccessError::Missing => (S::UNAUTHORIZED, "send Authorization: Bearer TOKEN, or sign the request"),
            AccessError::Token => (S::UNAUTHORIZED, "send Authorization: Bearer with the token that is set here"),
            AccessError::Signature(_) => {
                (S::FORBIDDEN, "sign with the key that is set here, for the service `sagemaker`")
            }
        },
        Error::Assignment(AssignmentError::UnknownTarget { .. }) => {
            (S::BAD_REQUEST, "name one of the variants, or leave the header out to have one chosen")
        }
        Error::Assignment(AssignmentError::NoWeight) => {
            (S::SERVICE_UNAVAILABLE, "name a variant in X-Target-Variant, or give a variant a weight above 0")
        }
        Error::Endpoint(_, EndpointError::NotFound) => {
            (S::NOT_FOUND, "GET /endpoints lists the endpoints; a new one is seen within its time to live")
        }
        Error::Endpoint(_, EndpointError::Invalid(_)) => (
            S::INTERNAL_SERVER_ERROR,
            "have whoever runs the endpoint mend its document in the ENDPOINTS namespace, as the worker's log says",
        ),
        Error::Endpoint(_, EndpointError::Unavailable(_)) | Error::Store(_) => {
            (S::SERVICE_UNAVAILABLE, "try again shortly")
        }
        Error::Backend(error) => (S::FAILED_DEPENDENCY, unanswered(error.first())),
        Error::Revision(RevisionError::Missing) => {
            (S::PRECONDITION_REQUIRED, "send If-Match with the ETag of GET /endpoints/NAME")
        }
        Error::Revision(RevisionError::Conflict { .. }) => {
            (S::PRECONDITION_FAILED, "read the endpoint again and decide anew")
        }
        Error::Registry(error) => match error {
            RegistryError::NotFound(..) => (S::NOT_FOUND, "create it first"),
            RegistryError::Exists(..) => (S::CONFLICT, "choose another name, or remove it first"),
            RegistryError::Broken(..) => (S::CONFLICT, "remove it and create it anew"),
            RegistryError::Fallback { .. } => (
                S::CONFLICT,
                "name the variant in the configuration, or take `fallback` out of the endpoint's document",
            ),
            RegistryError::Unusable(..) => (S::BAD_REQUEST, "mend the model as the message says, or name an origin"),
            RegistryError::InProgress(..) => (
                S::CONFLICT,
                "wait until it has ended, or end it by POST /endpoints/NAME/policy with {\"action\": \"roll_back\"}",
            ),
        },
        Error::Policy(error) => match error {
            ActError::Refused(refusal) => refused(refusal),
            ActError::Plan(PlanError::NoPolicy) => (
                S::CONFLICT,
                "add `policy` to the endpoint's document, or send a document that has one: {\"action\": \"start\", \"document\": {...}}",
            ),
            ActError::Plan(PlanError::Arrived(_)) => (S::CONFLICT, "name another variant in `policy.ramp.to`"),
            ActError::Open(_) => (S::CONFLICT, "send {\"action\": \"stop\"} or {\"action\": \"roll_back\"} first"),
            ActError::NotSo(_) => (S::CONFLICT, "GET /endpoints/NAME/policy says where it is"),
            ActError::Changed(_) => (S::CONFLICT, "send {\"action\": \"stop\"}, and start the policy anew"),
            ActError::Breached(_) => (S::CONFLICT, "GET /endpoints/NAME/policy says what is waited for"),
            ActError::Alarmed(_) => (S::CONFLICT, "wait until the alarm is quiet, or leave it out"),
        },
        Error::Alarm(error) => match error {
            AlarmError::NotFound(_) => (S::NOT_FOUND, "DescribeAlarms lists the alarms"),
            AlarmError::TooMany => (S::CONFLICT, "remove those that nobody looks at"),
            AlarmError::Broken(..) => (S::CONFLICT, "put it anew"),
        },
        Error::Test(error) => match error {
            TestError::NotFound(_) => (S::NOT_FOUND, "create it first"),
            TestError::Exists(_) => (S::CONFLICT, "choose another name, or stop and delete it first"),
            TestError::Busy { .. } => (S::CONFLICT, IN_TEST),
            TestError::State { .. } => (S::CONFLICT, "DescribeInferenceExperiment says where it is"),
            TestError::Broken(..) => (S::CONFLICT, "delete it and create it anew"),
        },
        Error::Refused(refusal) => refused(refusal),
        Error::Captured(CapturedError::NotFound { .. }) => (
            S::NOT_FOUND,
            "lines are written within seconds of the response, and only of requests that are captured: see docs/capture.md",
        ),
        Error::Captured(CapturedError::Bucket(_)) => (S::SERVICE_UNAVAILABLE, "try again shortly"),
        Error::Experiment(_) => (S::SERVICE_UNAVAILABLE, "try again shortly"),
        Error::Weights(_) => (S::BAD_REQUEST, WEIGHTS),
        Error::Entropy(_) => (S::INTERNAL_SERVER_ERROR, "try again shortly"),
    }
}

fn refused(refusal: &Refusal) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::Conflict { .. } => (S::PRECONDITION_FAILED, "read the endpoint again and decide anew"),
        Refusal::NotFound => (S::NOT_FOUND, "GET /endpoints lists the endpoints"),
        Refusal::UnknownRevision(_) => (S::NOT_FOUND, "take one of GET /endpoints/NAME/history"),
        Refusal::Document(_) => (S::BAD_REQUEST, "fix the document where the message says"),
        Refusal::Weights(_) => (S::BAD_REQUEST, WEIGHTS),
        Refusal::Shadow(_) => (S::BAD_REQUEST, "take variants that the endpoint has, or change it first"),
        Refusal::InTest(_) => (S::CONFLICT, IN_TEST),
        Refusal::NoOutcomes => (S::CONFLICT, "add `outcome` to the endpoint's document, such as {\"kind\": \"label\"}"),
        Refusal::Broken(_) => (S::CONFLICT, "put a document in its place that is right"),
    }
}

fn unreadable(error: &Unreadable) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match error {
        Unreadable::Payload(
            PayloadError::Width { .. } | PayloadError::InputWidth { .. } | PayloadError::Bare { .. },
        ) => (S::BAD_REQUEST, "send as many values a row as the model takes"),
        Unreadable::Payload(PayloadError::LikeHeader { .. }) => (
            S::BAD_REQUEST,
            "leave the line out, name the model's columns in it, or say Content-Type: text/csv; header=present where the columns have no names",
        ),
        Unreadable::Payload(
            PayloadError::UnknownHeader { .. }
            | PayloadError::RepeatedHeader { .. }
            | PayloadError::MissingHeader { .. }
            | PayloadError::WideHeader { .. },
        ) => (
            S::BAD_REQUEST,
            "name each column that the model takes once, or leave the header out and send the columns in its order",
        ),
        Unreadable::Payload(
            PayloadError::UnknownColumn { .. }
            | PayloadError::MissingColumn { .. }
            | PayloadError::RepeatedColumn { .. },
        ) => (S::BAD_REQUEST, "send each column that the model takes once, by its name"),
        Unreadable::Payload(PayloadError::TooManyRows { .. }) => (S::PAYLOAD_TOO_LARGE, ROWS),
        Unreadable::Payload(_) => {
            (S::BAD_REQUEST, "fix the body where the message says; GET /endpoints/NAME tells what the model takes")
        }
        Unreadable::Format(FormatError::ContentType(_)) => {
            (S::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json, text/csv or application/jsonlines")
        }
        Unreadable::Format(FormatError::Accept(_)) => {
            (S::NOT_ACCEPTABLE, "accept application/json, text/csv or application/jsonlines")
        }
        Unreadable::Rows(RowsError::TooMany { .. }) => (S::PAYLOAD_TOO_LARGE, ROWS),
        Unreadable::Rows(RowsError::Answer { .. }) => (
            S::PAYLOAD_TOO_LARGE,
            "ask for one output alone, or have whoever runs the endpoint raise its `limits.answer_bytes`",
        ),
        Unreadable::Rows(RowsError::Batch { .. }) => (S::BAD_REQUEST, ROWS),
        Unreadable::Value(_) => {
            (S::BAD_REQUEST, "send a category that the model was trained with, or none where it is missing")
        }
        Unreadable::Tensors(_) => (S::BAD_REQUEST, "GET the model's path for its inputs, datatypes and shapes"),
    }
}

/// What a caller can do about a backend that failed. Who runs it is told more: see [`failure`].
fn unanswered(failed: &Failure) -> &'static str {
    match failed {
        Failure::Model(ModelError::Unavailable { .. }) => "try again shortly",
        Failure::Model(_) | Failure::Run(InvokeError::Run(RunError::NoSuchOutput { .. })) => {
            "name another variant in X-Target-Variant; GET /endpoints/NAME tells whoever runs the endpoint how to mend this one"
        }
        Failure::Run(_) => failure(failed),
        Failure::Origin(OriginError::Timeout(_)) => {
            "try again, or name another variant in X-Target-Variant; whoever runs the endpoint can raise its timeout_ms or name a fallback"
        }
        Failure::Origin(_) => {
            "try again, or name another variant in X-Target-Variant; whoever runs the endpoint can look at the model host, or name a fallback"
        }
    }
}

/// What helps where a shadow's model finds no memory.
const NO_ROOM: &str = "give the shadow a smaller model, or raise MODEL_MEMORY_BYTES";

/// How whoever runs a backend fixes it.
pub(super) fn failure(failure: &Failure) -> &'static str {
    match failure {
        Failure::Model(error) => match error {
            ModelError::Missing(_) => "upload the model to the MODELS namespace under the key that the endpoint names",
            ModelError::Mismatch { .. } => "upload the bytes that are meant, or put their SHA-256 into the endpoint",
            ModelError::TooLarge { .. } => "use a smaller model, raise MODEL_MEMORY_BYTES, or serve it from an origin",
            ModelError::DiedAtLoad { .. } | ModelError::KeepsDying { .. } => {
                "use a smaller or simpler model, or serve it from an origin"
            }
            ModelError::Load { .. } => "export the model with operators that are supported, or serve it from an origin",
            ModelError::CheckMissing { .. } => {
                "upload its check rows to the MODELS namespace under the key that the endpoint names, or take `check` out"
            }
            ModelError::Check { .. } => {
                "make the check rows anew if they are not the model's own; else serve the model from an origin"
            }
            ModelError::Unavailable { .. } => "try again shortly",
            ModelError::NoRoom(_) => NO_ROOM,
        },
        Failure::Run(InvokeError::NoRoom) => NO_ROOM,
        Failure::Run(InvokeError::Run(RunError::NoSuchOutput { .. })) => "fix `output` in the endpoint's document",
        Failure::Run(InvokeError::Run(RunError::Rows(_))) => ROWS,
        Failure::Run(InvokeError::Died(_) | InvokeError::Run(RunError::Failed(_) | RunError::Value(_))) => {
            "check the rows against the model's card, or name another variant in X-Target-Variant"
        }
        Failure::Origin(_) => "look at the model host, or name a fallback",
    }
}
