//! Where all errors meet: what a caller is told, and with which status.

use http::StatusCode;

use crate::access::AccessError;
use crate::assignment::AssignmentError;
use crate::endpoint::{EndpointError, Name, WeightsError};
use crate::inference::{ModelError, RunError};
use crate::origin::OriginError;
use crate::payload::{FormatError, PayloadError};
use crate::platform::{EntropyError, StoreError};
use crate::protocol::{RequestError, Unreadable};
use crate::registry::RegistryError;

/// Why a request is not answered as it was meant, by the party at fault.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The caller: the request itself.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The caller: the body, its rows, or the types it names.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The caller: who it is.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The caller or the configuration: no variant can be chosen.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// The configuration or its store.
    #[error("endpoint `{0}`: {1}")]
    Endpoint(Name, EndpointError),
    /// The backends: the chosen one failed, and no fallback helped.
    #[error(transparent)]
    Backend(#[from] Box<BackendError>),
    /// The administrator: on what terms.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// The administrator: what is to be made, changed or removed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The administrator: what is to be changed.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The platform's store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform's randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// No backend answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BackendError {
    /// The chosen variant failed, and the endpoint names no other as its fallback.
    #[error("variant `{0}` failed: {1}")]
    Chosen(Name, Failure),
    /// The fallback failed as well.
    #[error("variant `{0}` failed: {1}; so did the fallback `{2}`: {3}")]
    Both(Name, Failure, Name, Failure),
}

/// Why a backend did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The model cannot be had.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model was run and failed.
    #[error(transparent)]
    Run(RunError),
    /// The origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
}

/// Why weights are not changed on the terms that a request names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// The request does not say what it believes to be changing.
    #[error("the request does not say which revision it changes")]
    Missing,
    /// The configuration is another by now.
    #[error("the endpoint is at revision {current}, the request changes {given}")]
    Conflict {
        /// `If-Match`, cut to 100 characters.
        given: String,
        /// What the store holds.
        current: String,
    },
}

/// An error as every protocol tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable, for programs: in the body, a header and the record.
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// For `Allow`, where the method was wrong.
    pub allow: Option<&'static str>,
}

impl Error {
    /// What to tell the caller.
    pub fn report(&self) -> Report {
        use StatusCode as S;
        let (status, code, fix) = match self {
            Error::Request(error) => match error {
                RequestError::NoSuchPath => (
                    S::NOT_FOUND,
                    "no_such_path",
                    "POST to /endpoints/NAME/invocations, or GET /endpoints for what there is",
                ),
                RequestError::Method(_) => {
                    (S::METHOD_NOT_ALLOWED, "method_not_allowed", "use the method that the path takes")
                }
                RequestError::BodyTooLarge => {
                    (S::PAYLOAD_TOO_LARGE, "body_too_large", "send the rows in several requests")
                }
                RequestError::BodyBroken(_) => (S::BAD_REQUEST, "body_broken", "send the request again"),
                RequestError::Encoded => (
                    S::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_content_encoding",
                    "send the body as it is, without Content-Encoding",
                ),
                RequestError::TwoTargets { .. } => {
                    (S::BAD_REQUEST, "two_targets", "send one of X-Target-Variant and X-Amzn-SageMaker-Target-Variant")
                }
                RequestError::InferenceId => {
                    (S::BAD_REQUEST, "bad_inference_id", "shorten the id, or leave the header out to get one")
                }
                RequestError::CustomAttributes => {
                    (S::BAD_REQUEST, "bad_custom_attributes", "shorten them, or leave the header out")
                }
                RequestError::Unsupported(_) => {
                    (S::BAD_REQUEST, "unsupported_header", "leave the header out; X-Target-Variant chooses a variant")
                }
                RequestError::Operation(_) => (S::BAD_REQUEST, "bad_operation", "docs/http.md says what it takes"),
                RequestError::NoSuchOperation(_) => {
                    (S::NOT_FOUND, "no_such_operation", "docs/http.md lists the operations")
                }
                RequestError::Name(_) => (S::BAD_REQUEST, "bad_name", "take the name from GET /endpoints"),
            },
            Error::Unreadable(unreadable) => reading(unreadable),
            Error::Access(error) => match error {
                AccessError::Unset(_) => {
                    (S::SERVICE_UNAVAILABLE, "access_disabled", "set the secret: wrangler secret put NAME")
                }
                AccessError::Missing => {
                    (S::UNAUTHORIZED, "unauthorized", "send Authorization: Bearer TOKEN, or sign the request")
                }
                AccessError::Token => {
                    (S::UNAUTHORIZED, "unauthorized", "send Authorization: Bearer with the token that is set here")
                }
                AccessError::Signature(_) => {
                    (S::FORBIDDEN, "bad_signature", "sign with the key that is set here, for the service `sagemaker`")
                }
            },
            Error::Assignment(AssignmentError::UnknownTarget { .. }) => (
                S::BAD_REQUEST,
                "unknown_variant",
                "name one of the variants, or leave the header out to have one chosen",
            ),
            Error::Assignment(AssignmentError::NoWeight) => (
                S::SERVICE_UNAVAILABLE,
                "no_weight",
                "name a variant in X-Target-Variant, or give a variant a weight above 0",
            ),
            Error::Endpoint(_, EndpointError::NotFound) => (
                S::NOT_FOUND,
                "endpoint_not_found",
                "GET /endpoints lists the endpoints; a new one is seen within its time to live",
            ),
            Error::Endpoint(_, EndpointError::Invalid(_)) => (
                S::INTERNAL_SERVER_ERROR,
                "endpoint_invalid",
                "mend the endpoint's document in the ENDPOINTS namespace",
            ),
            Error::Endpoint(_, EndpointError::Unavailable(_)) | Error::Store(_) => {
                (S::SERVICE_UNAVAILABLE, "store_unavailable", "try again shortly")
            }
            Error::Backend(error) => {
                let (BackendError::Chosen(_, failure) | BackendError::Both(_, failure, ..)) = error.as_ref();
                (S::FAILED_DEPENDENCY, failure.code(), failure.fix())
            }
            Error::Revision(RevisionError::Missing) => {
                (S::PRECONDITION_REQUIRED, "revision_required", "send If-Match with the ETag of GET /endpoints/NAME")
            }
            Error::Revision(RevisionError::Conflict { .. }) => {
                (S::PRECONDITION_FAILED, "revision_conflict", "read the endpoint again and decide anew")
            }
            Error::Registry(error) => match error {
                RegistryError::NotFound(..) => (S::NOT_FOUND, "not_found", "create it first"),
                RegistryError::Exists(..) => (S::CONFLICT, "exists", "choose another name, or remove it first"),
                RegistryError::Broken(..) => (S::CONFLICT, "broken", "remove it and create it anew"),
                RegistryError::Unusable(..) => {
                    (S::BAD_REQUEST, "unusable", "name a model that docs/models.md lists, or an origin")
                }
            },
            Error::Weights(WeightsError::Document(_)) => {
                (S::CONFLICT, "endpoint_invalid", "mend the endpoint's document in the ENDPOINTS namespace")
            }
            Error::Weights(_) => {
                (S::BAD_REQUEST, "bad_weights", "send an object such as {\"baseline\": 50, \"challenger\": 50}")
            }
            Error::Entropy(_) => (S::INTERNAL_SERVER_ERROR, "no_randomness", "try again shortly"),
        };
        let allow = match self {
            Error::Request(RequestError::Method(methods)) => Some(*methods),
            _ => None,
        };
        Report { status, code, message: self.to_string(), fix: fix.to_owned(), allow }
    }
}

fn reading(unreadable: &Unreadable) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match unreadable {
        Unreadable::Payload(PayloadError::Width { .. } | PayloadError::InputWidth { .. }) => {
            (S::BAD_REQUEST, "wrong_width", "send as many values a row as the model takes")
        }
        Unreadable::Payload(
            PayloadError::UnknownColumn { .. }
            | PayloadError::MissingColumn { .. }
            | PayloadError::RepeatedColumn { .. },
        ) => (S::BAD_REQUEST, "wrong_columns", "send each column that the model takes once, by its name"),
        Unreadable::Payload(_) => (S::BAD_REQUEST, "bad_payload", "mend the body; docs/http.md shows each form"),
        Unreadable::Format(FormatError::ContentType(_)) => (
            S::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_type",
            "send Content-Type: application/json, text/csv or application/jsonlines",
        ),
        Unreadable::Format(FormatError::Accept(_)) => {
            (S::NOT_ACCEPTABLE, "not_acceptable", "accept application/json, text/csv or application/jsonlines")
        }
        Unreadable::Tensors(_) => {
            (S::BAD_REQUEST, "bad_tensors", "GET the model's path for its inputs, datatypes and shapes")
        }
    }
}

impl Failure {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Model(ModelError::Missing(_)) => "model_missing",
            Failure::Model(ModelError::Mismatch { .. }) => "model_mismatch",
            Failure::Model(ModelError::TooLarge { .. }) => "model_too_large",
            Failure::Model(ModelError::Load { .. }) => "model_unusable",
            Failure::Model(ModelError::Unavailable { .. }) => "model_unavailable",
            Failure::Run(RunError::Failed(_)) => "model_failed",
            Failure::Run(RunError::NoSuchOutput { .. }) => "output_missing",
            Failure::Origin(OriginError::Timeout(_)) => "origin_timeout",
            Failure::Origin(OriginError::Unreachable(_)) => "origin_unreachable",
            Failure::Origin(OriginError::TooLarge(_)) => "origin_answer_too_large",
            Failure::Origin(OriginError::Status { .. }) => "origin_status",
            Failure::Origin(OriginError::Garbage(_)) => "origin_garbage",
            Failure::Origin(OriginError::Redirect(_)) => "origin_redirect",
            Failure::Origin(OriginError::Secret(_)) => "origin_secret",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Failure::Model(ModelError::Missing(_)) => {
                "upload the model to the MODELS namespace under the key that the endpoint names"
            }
            Failure::Model(ModelError::Mismatch { .. }) => {
                "upload the bytes that are meant, or put their SHA-256 into the endpoint"
            }
            Failure::Model(ModelError::TooLarge { .. }) => {
                "use a smaller model, raise MODEL_CACHE_BYTES, or serve it from an origin"
            }
            Failure::Model(ModelError::Load { .. }) => {
                "export the model with operators that are supported, or serve it from an origin"
            }
            Failure::Model(ModelError::Unavailable { .. }) => "try again shortly",
            Failure::Run(RunError::NoSuchOutput { .. }) => "mend `output` in the endpoint's document",
            Failure::Run(RunError::Failed(_)) => {
                "check the rows against the model's card, or name another variant in X-Target-Variant"
            }
            Failure::Origin(OriginError::Timeout(_)) => "try again, raise the variant's timeout_ms, or name a fallback",
            Failure::Origin(OriginError::Secret(_)) => "set the secret: wrangler secret put NAME",
            Failure::Origin(OriginError::Redirect(_)) => "put the address that answers into the variant's origin.url",
            Failure::Origin(_) => "look at the model host, or name a fallback",
        }
    }
}
