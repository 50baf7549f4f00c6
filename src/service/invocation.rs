//! What is asked of the service, whatever the protocol.

use http::HeaderMap;
use turnout_tables::RowsError;

use crate::endpoint::{AnswerForm, MostBytes, Name};
use crate::payload::{BodyForm, FormatError, Outputs, PayloadError, Schema, Table, TensorError};
use crate::platform::HttpAnswer;
use crate::request::Request;

/// A request for a variant.
pub struct Invocation<'a> {
    /// Whom it is for.
    pub endpoint: Name,
    /// The protocol's name, for the record.
    pub protocol: &'static str,
    /// The variant that the caller wants, as it was written.
    pub target: Option<String>,
    /// The caller's own id for it.
    pub inference_id: Option<String>,
    /// Where its unit is found.
    pub unit: UnitIn<'a>,
    /// What shows that the caller may: its token, or the request as it was signed.
    pub proof: &'a Request,
    /// What an origin is sent.
    pub relay: Relay<'a>,
}

/// Where an invocation's unit is found.
#[derive(Clone, Copy, Debug)]
pub enum UnitIn<'a> {
    /// In the header or cookie that the endpoint names.
    Headers(&'a HeaderMap),
    /// The caller tells it, in a body.
    Told(&'a str),
    /// It is part of a context that is told with every request, whether the endpoint assigns by unit or not.
    Context(Option<&'a str>),
}

/// What an origin is sent.
#[derive(Clone, Copy, Debug)]
pub struct Relay<'a> {
    /// The caller's headers, of which those that end here are left out.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// What a caller predicts from, to be read once it is known for which model.
pub trait Payload {
    /// What can be told before there is a model.
    ///
    /// # Errors
    /// If no model here could read it, or give an answer that the caller wants.
    fn check(&self) -> Result<(), Unreadable> {
        Ok(())
    }

    /// The rows, as the inputs of the model; so many at most.
    ///
    /// # Errors
    /// If they are more, or not what the model takes.
    fn table(&self, schema: &Schema, most_rows: usize) -> Result<Table, Unreadable>;

    /// How many there are, as far as that can be told without a model.
    fn rows(&self) -> Option<usize>;

    /// How the body is to be read by who looks for columns in it.
    fn form(&self) -> BodyForm;

    /// A media type that a model host may answer in unasked, beside JSON, CSV and JSON lines.
    fn extra_response_type(&self) -> Option<&'static str> {
        None
    }
}

/// A request that has been answered, kept for what is done afterwards.
pub trait Asked: Payload {
    /// What an origin is sent.
    fn relay(&self) -> Relay<'_>;
}

/// What a backend answered.
#[derive(Debug)]
pub enum Reply {
    /// A model, in the worker; in which form its answer is written, and how many bytes that may have.
    Outputs(Outputs, AnswerForm, MostBytes),
    /// A model host, whose words are passed on.
    Relayed(HttpAnswer),
}

impl Reply {
    /// Whether it is an answer, and no host's word that the caller is at fault.
    pub fn is_success(&self) -> bool {
        match self {
            Reply::Outputs(..) => true,
            Reply::Relayed(answer) => (200..300).contains(&answer.status),
        }
    }
}

/// Why there is nothing to predict from. The caller is at fault.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unreadable {
    /// The body.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The types that it names.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Its tensors.
    #[error(transparent)]
    Tensors(#[from] TensorError),
    /// How many rows it has.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A value is none that the model knows.
    #[error("{0}")]
    Value(String),
}
