//! Why a request is not answered as it was meant, each with its stable code. What to do about it, and with which HTTP
//! status it is told, is the protocols' to say.

use turnout_tables::{RowsError, RunError};

use super::invocation::Unreadable;
use super::registry::{AlarmError, RegistryError};
use super::shadow_test::TestError;
use crate::access::AccessError;
use crate::assignment::AssignmentError;
use crate::endpoint::{Name, WeightsError};
use crate::experiment::{ActError, ExperimentError, PlanError, Refusal};
use crate::isolate::{EndpointError, InvokeError, ModelError};
use crate::origin::OriginError;
use crate::payload::{FormatError, PayloadError};
use crate::platform::{BucketError, EntropyError, StoreError};
use crate::request::RequestError;

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
    Backend(Box<BackendError>),
    /// The administrator: on what terms.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// The administrator: what is to be made, changed or removed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The administrator: which alarm.
    #[error(transparent)]
    Alarm(#[from] AlarmError),
    /// The administrator: which shadow test.
    #[error(transparent)]
    Test(#[from] TestError),
    /// The administrator: what is to be changed.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The administrator: a change that cannot be made.
    #[error(transparent)]
    Refused(Refusal),
    /// The administrator: what is to be done with a policy.
    #[error(transparent)]
    Policy(#[from] ActError),
    /// The administrator: captured lines.
    #[error(transparent)]
    Captured(#[from] CapturedError),
    /// The endpoint's experiment.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The platform's store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform's randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// No backend answered. The first name is the variant that was chosen, the second the fallback's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BackendError {
    /// The chosen variant failed, and the endpoint names no other as its fallback.
    #[error("variant `{0}` failed: {1}")]
    Chosen(Name, Failure),
    /// The fallback failed as well.
    #[error("variant `{0}` failed: {1}; so did the fallback `{2}`: {3}")]
    Both(Name, Failure, Name, Failure),
    /// The fallback cannot read what the chosen variant could have.
    #[error("variant `{0}` failed: {1}; the fallback `{2}` cannot read the request: {3}")]
    Unread(Name, Failure, Name, Unreadable),
}

/// Why a backend did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The model cannot be had.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model was run and failed.
    #[error(transparent)]
    Run(InvokeError),
    /// The origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
}

/// Why an endpoint is not changed on the terms that a request names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// The request does not say what it believes to be changing.
    #[error("the request does not say which revision it changes")]
    Missing,
    /// The configuration is another by now.
    #[error("the endpoint is at revision {current}, the request changes {given}")]
    Conflict {
        /// The revisions that the request names, cut to 100 characters.
        given: String,
        /// What the store holds.
        current: String,
    },
}

/// Why captured lines are not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapturedError {
    /// There are none, as far as was looked.
    #[error("nothing captured was found of `{id}`{}", if *.complete { "" } else { ", though not all of its hour was looked through" })]
    NotFound {
        /// The inference id.
        id: String,
        /// Whether all objects were looked at that could have it.
        complete: bool,
    },
    /// The bucket.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        Error::Backend(Box::new(error))
    }
}

impl BackendError {
    /// Why the chosen variant failed: what the caller is told of, whatever came after.
    pub fn first(&self) -> &Failure {
        let (BackendError::Chosen(_, failure)
        | BackendError::Both(_, failure, ..)
        | BackendError::Unread(_, failure, ..)) = self;
        failure
    }
}

impl Error {
    /// Stable, for programs: in the body, a header and the record.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Request(error) => match error {
                RequestError::NoSuchPath => "no_such_path",
                RequestError::Method(_) => "method_not_allowed",
                RequestError::BodyTooLarge => "body_too_large",
                RequestError::NoRoom => "busy",
                RequestError::BodyBroken(_) => "body_broken",
                RequestError::Encoded(_) => "unsupported_content_encoding",
                RequestError::Gzip(_) => "bad_gzip",
                RequestError::TwoTargets { .. } => "two_targets",
                RequestError::InferenceId => "bad_inference_id",
                RequestError::CustomAttributes => "bad_custom_attributes",
                RequestError::Unsupported(_) => "unsupported_header",
                RequestError::NoUnits => "no_units",
                RequestError::UnitMissing => "unit_missing",
                RequestError::NotKept(_) => "not_supported",
                RequestError::Operation(_) => "bad_operation",
                RequestError::NoSuchOperation(_) => "no_such_operation",
                RequestError::Name(_) => "bad_name",
            },
            Error::Unreadable(error) => error.code(),
            Error::Access(error) => match error {
                AccessError::Unset(_) => "access_disabled",
                AccessError::Missing | AccessError::Token => "unauthorized",
                AccessError::Signature(_) => "bad_signature",
            },
            Error::Assignment(AssignmentError::UnknownTarget { .. }) => "unknown_variant",
            Error::Assignment(AssignmentError::NoWeight) => "no_weight",
            Error::Endpoint(_, error) => match error {
                EndpointError::NotFound => "endpoint_not_found",
                EndpointError::Invalid(_) => "endpoint_invalid",
                EndpointError::Unavailable(_) => "store_unavailable",
            },
            Error::Store(_) => "store_unavailable",
            Error::Backend(error) => error.first().code(),
            Error::Revision(RevisionError::Missing) => "revision_required",
            Error::Revision(RevisionError::Conflict { .. }) => "revision_conflict",
            Error::Registry(error) => match error {
                RegistryError::NotFound(..) => "not_found",
                RegistryError::Exists(..) => "exists",
                RegistryError::Broken(..) => "broken",
                RegistryError::Fallback { .. } => "fallback_missing",
                RegistryError::Unusable(..) => "unusable",
                RegistryError::InProgress(..) => "in_progress",
            },
            Error::Policy(error) => match error {
                ActError::Refused(refusal) => refusal_code(refusal),
                ActError::Plan(PlanError::NoPolicy) => "no_policy",
                ActError::Plan(PlanError::Arrived(_)) => "policy_arrived",
                ActError::Open(_) => "policy_open",
                ActError::NotSo(_) => "policy_not_open",
                ActError::Changed(_) => "policy_changed",
                ActError::Breached(_) => "policy_waits",
                ActError::Alarmed(_) => "alarmed",
            },
            Error::Alarm(error) => match error {
                AlarmError::NotFound(_) => "not_found",
                AlarmError::TooMany => "too_many_alarms",
                AlarmError::Broken(..) => "broken",
            },
            Error::Test(error) => match error {
                TestError::NotFound(_) => "not_found",
                TestError::Exists(_) => "exists",
                TestError::Busy { .. } => "in_test",
                TestError::State { .. } => "test_state",
                TestError::Broken(..) => "broken",
            },
            Error::Refused(refusal) => refusal_code(refusal),
            Error::Experiment(_) => "experiment_unavailable",
            Error::Captured(error) => match error {
                CapturedError::NotFound { .. } => "not_captured",
                CapturedError::Bucket(_) => "bucket_unavailable",
            },
            Error::Weights(_) => "bad_weights",
            Error::Entropy(_) => "no_randomness",
        }
    }
}

impl Unreadable {
    fn code(&self) -> &'static str {
        match self {
            Unreadable::Payload(
                PayloadError::Width { .. } | PayloadError::InputWidth { .. } | PayloadError::Bare { .. },
            ) => "wrong_width",
            Unreadable::Payload(
                PayloadError::UnknownColumn { .. }
                | PayloadError::MissingColumn { .. }
                | PayloadError::RepeatedColumn { .. }
                | PayloadError::LikeHeader { .. }
                | PayloadError::UnknownHeader { .. }
                | PayloadError::RepeatedHeader { .. }
                | PayloadError::MissingHeader { .. }
                | PayloadError::WideHeader { .. },
            ) => "wrong_columns",
            Unreadable::Payload(PayloadError::TooManyRows { .. }) => "too_many_rows",
            Unreadable::Payload(_) | Unreadable::Value(_) => "bad_payload",
            Unreadable::Format(FormatError::ContentType(_)) => "unsupported_content_type",
            Unreadable::Format(FormatError::Accept(_)) => "not_acceptable",
            Unreadable::Tensors(_) => "bad_tensors",
            Unreadable::Rows(error) => rows(error),
        }
    }
}

impl Failure {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Model(error) => match error {
                ModelError::Missing(_) | ModelError::CheckMissing { .. } => "model_missing",
                ModelError::Mismatch { .. } => "model_mismatch",
                ModelError::TooLarge { .. } => "model_too_large",
                ModelError::Load { .. }
                | ModelError::Check { .. }
                | ModelError::DiedAtLoad { .. }
                | ModelError::KeepsDying { .. } => "model_unusable",
                ModelError::Unavailable { .. } | ModelError::NoRoom(_) => "model_unavailable",
            },
            Failure::Run(error) => match error {
                InvokeError::Died(_) | InvokeError::Run(RunError::Failed(_) | RunError::Value(_)) => "model_failed",
                InvokeError::NoRoom => "model_unavailable",
                InvokeError::Run(RunError::NoSuchOutput { .. }) => "output_missing",
                InvokeError::Run(RunError::Rows(error)) => rows(error),
            },
            Failure::Origin(error) => match error {
                OriginError::Timeout(_) => "origin_timeout",
                OriginError::Unreachable(_) => "origin_unreachable",
                OriginError::TooLarge(_) => "origin_answer_too_large",
                OriginError::Status { .. } => "origin_status",
                OriginError::Garbage(_) => "origin_garbage",
                OriginError::Redirect(_) => "origin_redirect",
                OriginError::Secret(_) => "origin_secret",
            },
        }
    }
}

fn rows(error: &RowsError) -> &'static str {
    match error {
        RowsError::Batch { .. } => "wrong_number_of_rows",
        RowsError::TooMany { .. } => "too_many_rows",
        RowsError::Answer { .. } => "answer_too_large",
    }
}

fn refusal_code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Conflict { .. } => "revision_conflict",
        Refusal::NotFound => "endpoint_not_found",
        Refusal::UnknownRevision(_) => "revision_unknown",
        Refusal::Document(_) => "bad_document",
        Refusal::Weights(_) => "bad_weights",
        Refusal::Shadow(_) => "bad_shadow",
        Refusal::InTest(_) => "in_test",
        Refusal::NoOutcomes => "no_outcomes",
        Refusal::Broken(_) => "endpoint_invalid",
    }
}
