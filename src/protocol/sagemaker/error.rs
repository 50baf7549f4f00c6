//! Errors as AWS names them, so that clients raise the classes that their callers catch.
//!
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html>, and the errors of each operation.

use http::StatusCode;

use crate::access::{AccessError, SignatureError};
use crate::isolate::EndpointError;
use crate::origin::OriginError;
use crate::protocol::report::Report;
use crate::request::RequestError;
use crate::service::{AlarmError, CapturedError, Error, Failure, TestError};

/// AWS's name of an error, and its status.
pub(super) struct Named {
    pub name: &'static str,
    pub status: StatusCode,
}

/// Which API is spoken: they have different names for a mistake of the caller's.
#[derive(Clone, Copy)]
pub(super) enum Api {
    Runtime,
    Control,
}

/// A member that asks for what is not served, and what to do instead.
pub(super) fn refuse(member: &str, instead: &str) -> RequestError {
    RequestError::Operation(format!("`{member}` is not served here: {instead}"))
}

/// The error by AWS's name.
pub(super) fn named(error: &Error, api: Api) -> Named {
    use StatusCode as S;
    let (name, status) = match error {
        Error::Access(error) => match error {
            AccessError::Unset(_) => ("ServiceUnavailable", S::SERVICE_UNAVAILABLE),
            AccessError::Missing => ("MissingAuthenticationTokenException", S::FORBIDDEN),
            AccessError::Token => ("UnrecognizedClientException", S::FORBIDDEN),
            AccessError::Signature(error) => match error {
                SignatureError::Incomplete(_) => ("IncompleteSignatureException", S::FORBIDDEN),
                SignatureError::UnknownKey => ("UnrecognizedClientException", S::FORBIDDEN),
                SignatureError::Expired { .. } | SignatureError::Scope(_) | SignatureError::Mismatch => {
                    ("InvalidSignatureException", S::FORBIDDEN)
                }
            },
        },
        Error::Backend(_) => ("ModelError", S::FAILED_DEPENDENCY),
        Error::Request(RequestError::NoSuchOperation(_) | RequestError::NoSuchPath | RequestError::Method(_)) => {
            ("UnknownOperationException", S::NOT_FOUND)
        }
        Error::Request(RequestError::BodyTooLarge) => ("RequestEntityTooLargeException", S::PAYLOAD_TOO_LARGE),
        Error::Endpoint(_, EndpointError::Invalid(_)) | Error::Entropy(_) => {
            ("InternalFailure", S::INTERNAL_SERVER_ERROR)
        }
        Error::Endpoint(_, EndpointError::Unavailable(_))
        | Error::Store(_)
        | Error::Experiment(_)
        | Error::Captured(CapturedError::Bucket(_))
        | Error::Request(RequestError::NoRoom) => ("ServiceUnavailable", S::SERVICE_UNAVAILABLE),
        Error::Alarm(AlarmError::NotFound(_)) => ("ResourceNotFound", S::NOT_FOUND),
        Error::Alarm(AlarmError::TooMany) => ("LimitExceeded", S::BAD_REQUEST),
        Error::Test(TestError::NotFound(_)) => ("ResourceNotFound", S::BAD_REQUEST),
        Error::Test(TestError::Exists(_) | TestError::Busy { .. }) => ("ResourceInUse", S::BAD_REQUEST),
        Error::Test(TestError::State { .. }) => ("ConflictException", S::BAD_REQUEST),
        Error::Request(_)
        | Error::Test(TestError::Broken(..))
        | Error::Alarm(AlarmError::Broken(..))
        | Error::Unreadable(_)
        | Error::Assignment(_)
        | Error::Endpoint(_, EndpointError::NotFound)
        | Error::Revision(_)
        | Error::Registry(_)
        | Error::Refused(_)
        | Error::Policy(_)
        | Error::Captured(CapturedError::NotFound { .. })
        | Error::Weights(_) => match api {
            Api::Runtime => ("ValidationError", S::BAD_REQUEST),
            Api::Control => ("ValidationException", S::BAD_REQUEST),
        },
    };
    Named { name, status }
}

/// An error of CloudWatch, and its name there where that is not the usual one.
pub(super) struct CloudWatchError {
    pub error: Error,
    pub name: Option<&'static str>,
}

impl CloudWatchError {
    /// Members that do not go together, or that are wanted together.
    pub fn combination(what: &str) -> Self {
        let error = RequestError::Operation(what.to_owned()).into();
        CloudWatchError { error, name: Some("InvalidParameterCombination") }
    }

    /// A token that was not given here.
    pub fn next_token() -> Self {
        let error = RequestError::Operation("`NextToken` is not one that was given here".to_owned()).into();
        CloudWatchError { error, name: Some("InvalidNextToken") }
    }
}

impl From<Error> for CloudWatchError {
    fn from(error: Error) -> Self {
        CloudWatchError { error, name: None }
    }
}

impl From<RequestError> for CloudWatchError {
    fn from(error: RequestError) -> Self {
        Error::from(error).into()
    }
}

/// What went wrong and what to do about it, in one text: AWS's errors have no other place for it.
pub(super) fn message(report: &Report) -> String {
    format!("{} ({}; {})", report.message, report.code, report.fix)
}

/// `OriginalStatusCode` and `OriginalMessage` of a ModelError: what the variant that was chosen said. A model in the
/// worker counts as a container that failed; one that said nothing, in time or at all, has no status, 0.
pub(super) fn original(error: &Error) -> Option<(u16, String)> {
    let Error::Backend(error) = error else { return None };
    let failure = error.first();
    Some(match failure {
        Failure::Origin(OriginError::Status { status, message, .. }) => (*status, message.clone()),
        Failure::Origin(error) => (0, error.to_string()),
        Failure::Model(_) | Failure::Run(_) => (500, failure.to_string()),
    })
}
