//! How callers speak. A protocol is a file here and a line in [`protocols`]: it claims its requests, decodes them into
//! what the [`Service`] does, an [`Invocation`] above all, and encodes the outcome. Nothing below this layer knows which
//! protocol it was.

mod headers;
mod native;
mod open_inference;
mod respond;
mod sagemaker;
mod tabular;

use futures_util::future::LocalBoxFuture;
use http::header::{self, AsHeaderName};
use http::{HeaderMap, Method};

use crate::error::Error;
use crate::payload::{FormatError, PayloadError, Schema, Table};
use crate::platform::Platform;
use crate::service::{Answer, Service};

/// One way to speak.
trait Protocol<P: Platform> {
    /// Whether the request is of this protocol, by its path and headers.
    fn claims(&self, request: &Request) -> bool;

    /// An error, as this protocol tells it.
    fn refuse(&self, error: &Error) -> Response;

    /// Answers a request.
    fn answer<'a>(&'a self, service: &'a Service<'_, P>, request: Request) -> LocalBoxFuture<'a, Answer>;
}

/// All of them. The first that claims a request has it; the last takes what is left.
fn protocols<P: Platform + 'static>() -> [&'static dyn Protocol<P>; 4] {
    [&open_inference::OpenInference, &sagemaker::Control, &sagemaker::Runtime, &native::Native]
}

/// Answers a request, whose body may have failed to arrive.
pub async fn answer<P: Platform + 'static>(
    service: &Service<'_, P>,
    request: Request,
    body: Result<Vec<u8>, RequestError>,
) -> Answer {
    // Only browsers send it, from a page; each header costs a microsecond.
    let from_a_page = request.headers.contains_key(header::ORIGIN);
    let mut answer = choose_and_answer(service, request, body).await;
    if from_a_page {
        respond::allow_origin(&mut answer.response);
    }
    answer
}

async fn choose_and_answer<P: Platform + 'static>(
    service: &Service<'_, P>,
    mut request: Request,
    body: Result<Vec<u8>, RequestError>,
) -> Answer {
    if request.method == Method::OPTIONS {
        return respond::preflight().into();
    }
    let protocols = protocols::<P>();
    let [.., last] = protocols;
    let protocol = protocols.into_iter().find(|protocol| protocol.claims(&request)).unwrap_or(last);
    match body.and_then(|body| if request.is_encoded() { Err(RequestError::Encoded) } else { Ok(body) }) {
        Ok(body) => {
            request.body = body;
            protocol.answer(service, request).await
        }
        Err(error) => protocol.refuse(&error.into()).into(),
    }
}

pub use headers::SHARED as SHARED_HEADERS;

/// The most bytes of body that a request may have: SageMaker's limit for `InvokeEndpoint`.
pub const MAX_BODY_BYTES: usize = 6 << 20;

/// An HTTP request, whole.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Whether it came by https.
    pub secure: bool,
    /// The path, as it was sent.
    pub path: String,
    /// What stands behind the question mark; empty where there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
}

/// An HTTP response, whole.
pub type Response = http::Response<Vec<u8>>;

/// A request for a variant, whatever the protocol it came by.
pub struct Invocation<'a> {
    /// Whom it is for.
    pub endpoint: crate::endpoint::Name,
    /// The protocol's name, for the record.
    pub protocol: &'static str,
    /// The variant that the caller wants, as it was written.
    pub target: Option<String>,
    /// The caller's own id for it.
    pub inference_id: Option<String>,
    /// The request as it came: for who may, for the unit, and for the origin.
    pub request: &'a Request,
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

    /// The rows, as the inputs of the model.
    ///
    /// # Errors
    /// If they are not what the model takes.
    fn table(&self, schema: &Schema) -> Result<Table, Unreadable>;

    /// How many rows, where that can be told without a model.
    fn rows(&self) -> Option<usize> {
        None
    }

    /// A media type that a model host may answer in unasked, beside JSON, CSV and JSON lines.
    fn may_be_answered_in(&self) -> Option<&'static str> {
        None
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
    Tensors(#[from] open_inference::TensorError),
}

impl Request {
    /// A header as text; `None` where it is absent or not UTF-8.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// A cookie's value, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| std::str::from_utf8(cookies.as_bytes()).ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
    }

    /// Whether it carries a signature as AWS's clients make it.
    pub fn is_signed(&self) -> bool {
        self.header(header::AUTHORIZATION).is_some_and(|value| value.trim_start().starts_with("AWS4-"))
    }

    /// Whether its body is compressed.
    fn is_encoded(&self) -> bool {
        self.header(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"))
    }

    /// The parts of the path between the slashes.
    fn segments(&self) -> Vec<&str> {
        self.path.trim_matches('/').split('/').collect()
    }

    /// Whether the method is this one.
    fn allow(&self, method: &Method, name: &'static str) -> Result<(), RequestError> {
        // The runtime leaves the body out of an answer to HEAD.
        let same = self.method == method || (method == Method::GET && self.method == Method::HEAD);
        if same { Ok(()) } else { Err(RequestError::Method(name)) }
    }
}

/// Why a request cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is nothing at that path.
    #[error("there is nothing at this path")]
    NoSuchPath,
    /// The path takes other methods.
    #[error("this path takes {0}")]
    Method(&'static str),
    /// The body is too large.
    #[error("the body has more than {MAX_BODY_BYTES} bytes")]
    BodyTooLarge,
    /// The body could not be received.
    #[error("the body did not arrive whole: {0}")]
    BodyBroken(String),
    /// The body is compressed.
    #[error("the body is compressed, which is not read here")]
    Encoded,
    /// Two headers, or a header and the path, name different variants.
    #[error("`{a}` and `{b}` are both named as the target variant")]
    TwoTargets {
        /// By one.
        a: String,
        /// By the other.
        b: String,
    },
    /// The inference id is too long or has strange characters.
    #[error("`X-Amzn-SageMaker-Inference-Id` has 1 to 64 visible ASCII characters")]
    InferenceId,
    /// The custom attributes are too long or have strange characters.
    #[error("`X-Amzn-SageMaker-Custom-Attributes` has at most 1024 visible ASCII characters")]
    CustomAttributes,
    /// A header asks for something that does not exist here, and must not be passed over.
    #[error("`{0}` asks for something that endpoints here do not have")]
    Unsupported(&'static str),
    /// The name in the path is not one.
    #[error(transparent)]
    Name(#[from] crate::endpoint::NameError),
    /// The body of an operation is not what the operation takes.
    #[error("{0}")]
    Operation(String),
    /// There is no operation of that name.
    #[error("there is no operation `{0}` here")]
    NoSuchOperation(String),
}
