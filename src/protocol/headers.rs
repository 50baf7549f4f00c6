//! Names of the headers that this project speaks, beside those that `http` has.

use http::HeaderName;
use http::header::CONTENT_TYPE;

/// Request: the variant that the caller wants.
pub const TARGET_VARIANT: HeaderName = HeaderName::from_static("x-target-variant");
/// Request: the same, as SageMaker's clients send it.
pub const SAGEMAKER_TARGET_VARIANT: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-variant");
/// Request and response: the caller's id for the inference.
pub const INFERENCE_ID: HeaderName = HeaderName::from_static("x-amzn-sagemaker-inference-id");
/// Request and response: what the caller and the model host have to tell each other.
pub const CUSTOM_ATTRIBUTES: HeaderName = HeaderName::from_static("x-amzn-sagemaker-custom-attributes");
/// Request: what chooses something else than a variant, or asks for more than a prediction.
pub static UNSUPPORTED: [HeaderName; 4] = [
    HeaderName::from_static("x-amzn-sagemaker-target-model"),
    HeaderName::from_static("x-amzn-sagemaker-target-container-hostname"),
    HeaderName::from_static("x-amzn-sagemaker-inference-component"),
    HeaderName::from_static("x-amzn-sagemaker-enable-explanations"),
];
/// Response: the name of an error, for AWS's clients of older protocols.
pub const AMZN_QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
/// Request: what a change is for.
pub const CHANGE_REASON: HeaderName = HeaderName::from_static("x-change-reason");
/// Response: the variant that answered.
pub const INVOKED_VARIANT: HeaderName = HeaderName::from_static("x-invoked-variant");
/// Response: the same, as SageMaker's clients read it.
pub const SAGEMAKER_INVOKED_VARIANT: HeaderName = HeaderName::from_static("x-amzn-invoked-production-variant");
/// Response: why that variant.
pub const REASON: HeaderName = HeaderName::from_static("x-assignment-reason");
/// Response: which configuration decided.
pub const REVISION: HeaderName = HeaderName::from_static("x-endpoint-revision");
/// Response: the stable code of an error.
pub const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");

/// Response: AWS's name of an error.
pub const AMZN_ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// Response: AWS's name of an id for the request.
pub const AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// Response and request: bytes of JSON before the binary tensors.
pub const INFERENCE_HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Response: those that have few values, so that many responses have them alike.
pub static SHARED: [HeaderName; 6] =
    [CONTENT_TYPE, INVOKED_VARIANT, SAGEMAKER_INVOKED_VARIANT, REASON, REVISION, ERROR_CODE];

/// Those that a page on another host may read.
pub const EXPOSED: &str = "x-invoked-variant, x-amzn-invoked-production-variant, x-assignment-reason, x-endpoint-revision, \
    x-amzn-sagemaker-inference-id, x-amzn-sagemaker-custom-attributes, x-error-code, etag, allow, \
    inference-header-content-length";
