//! Errors as S3 names them.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use http::StatusCode;

use crate::access::{AccessError, BodyError, SignatureError};
use crate::service::ObjectError;

/// S3's name of an error, and its status.
pub(super) fn named(error: &ObjectError) -> (&'static str, StatusCode) {
    use StatusCode as S;
    match error {
        ObjectError::Access(error) => match error {
            AccessError::Unset(_) => ("ServiceUnavailable", S::SERVICE_UNAVAILABLE),
            AccessError::Missing | AccessError::Token => ("AccessDenied", S::FORBIDDEN),
            AccessError::Signature(error) => match error {
                SignatureError::Incomplete(_) | SignatureError::Scope(_) => {
                    ("AuthorizationHeaderMalformed", S::BAD_REQUEST)
                }
                SignatureError::UnknownKey => ("InvalidAccessKeyId", S::FORBIDDEN),
                SignatureError::Expired { .. } => ("RequestTimeTooSkewed", S::FORBIDDEN),
                SignatureError::Mismatch => ("SignatureDoesNotMatch", S::FORBIDDEN),
            },
        },
        ObjectError::NotFound(_) => ("NoSuchKey", S::NOT_FOUND),
        ObjectError::NoUpload(_) => ("NoSuchUpload", S::NOT_FOUND),
        ObjectError::NoBucket(_) => ("NoSuchBucket", S::NOT_FOUND),
        ObjectError::Key => ("KeyTooLongError", S::BAD_REQUEST),
        ObjectError::Unmodified => ("NotModified", S::NOT_MODIFIED),
        ObjectError::Precondition(_) => ("PreconditionFailed", S::PRECONDITION_FAILED),
        ObjectError::Range(_) => ("InvalidRange", S::RANGE_NOT_SATISFIABLE),
        ObjectError::NoLength => ("MissingContentLength", S::LENGTH_REQUIRED),
        ObjectError::Length { .. } => ("IncompleteBody", S::BAD_REQUEST),
        ObjectError::TooLarge(_) => ("EntityTooLarge", S::BAD_REQUEST),
        ObjectError::PartTooSmall(_) => ("EntityTooSmall", S::BAD_REQUEST),
        ObjectError::NoPart(_) => ("InvalidPart", S::BAD_REQUEST),
        ObjectError::PartOrder => ("InvalidPartOrder", S::BAD_REQUEST),
        ObjectError::Checksum(_) => ("BadDigest", S::BAD_REQUEST),
        ObjectError::Argument(_) | ObjectError::PartNumber => ("InvalidArgument", S::BAD_REQUEST),
        ObjectError::MetadataTooLarge => ("MetadataTooLarge", S::BAD_REQUEST),
        ObjectError::Xml(_) => ("MalformedXML", S::BAD_REQUEST),
        ObjectError::Body(error) => match error {
            BodyError::Digest => ("XAmzContentSHA256Mismatch", S::BAD_REQUEST),
            BodyError::Signature => ("SignatureDoesNotMatch", S::FORBIDDEN),
            BodyError::Unfinished | BodyError::Chunks(_) => ("IncompleteBody", S::BAD_REQUEST),
        },
        ObjectError::Broken(_) => ("RequestTimeout", S::BAD_REQUEST),
        ObjectError::NoRoom => ("SlowDown", S::SERVICE_UNAVAILABLE),
        ObjectError::NotHere(_) => ("NotImplemented", S::NOT_IMPLEMENTED),
        ObjectError::ReadOnly => ("AccessDenied", S::FORBIDDEN),
        ObjectError::Exists => ("BucketAlreadyOwnedByYou", S::CONFLICT),
        ObjectError::Store(_) => ("ServiceUnavailable", S::SERVICE_UNAVAILABLE),
        ObjectError::Entropy(_) => ("InternalError", S::INTERNAL_SERVER_ERROR),
    }
}
