//! How callers speak. A protocol decodes a request into an [`Operation`] and encodes its outcome; nothing below this
//! layer knows which protocol it was.

pub mod headers;
pub mod native;

use http::{HeaderMap, Method};

use crate::endpoint::Name;

/// The most bytes of body that a request may have: SageMaker's limit for `InvokeEndpoint`.
pub const MAX_BODY_BYTES: usize = 6 << 20;

/// An HTTP request, whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
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

/// What a request asks for.
#[derive(Debug)]
pub enum Operation {
    /// A prediction.
    Invoke(Invocation),
    /// One endpoint's description.
    Describe(Name),
    /// A page of the endpoints.
    List {
        /// Where to begin.
        cursor: Option<String>,
    },
    /// New weights.
    SetWeights {
        /// Whose.
        endpoint: Name,
        /// `Authorization`
        authorization: Option<String>,
        /// `If-Match`
        if_match: Option<String>,
        /// The weights.
        body: Vec<u8>,
    },
    /// A browser asks what it may send.
    Preflight,
}

/// A request for a prediction, whatever the protocol it came by.
#[derive(Debug)]
pub struct Invocation {
    /// Whom it is for.
    pub endpoint: Name,
    /// The protocol's name, for the record.
    pub protocol: &'static str,
    /// The variant that the caller wants, as it was written.
    pub target: Option<String>,
    /// The caller's own id for it.
    pub inference_id: Option<String>,
    /// The request's headers: for the unit, the body's type, and the origin.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Invocation {
    /// A header as text; `None` where it is absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// A cookie's value, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|cookies| std::str::from_utf8(cookies.as_bytes()).ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
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
    /// Two headers name different variants.
    #[error("`{a}` and `{b}` are both named as the target variant")]
    TwoTargets {
        /// By one header.
        a: String,
        /// By the other.
        b: String,
    },
    /// The inference id is too long or has strange characters.
    #[error("`X-Amzn-SageMaker-Inference-Id` has 1 to 64 visible ASCII characters")]
    InferenceId,
    /// The name in the path is not one.
    #[error(transparent)]
    Name(#[from] crate::endpoint::NameError),
}
