//! Requests and responses, whole, as the shell takes them in and sends them out.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::header::{AUTHORIZATION, AsHeaderName, CONTENT_ENCODING, COOKIE};
use http::{HeaderMap, Method};

use crate::endpoint::NameError;

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
    /// The body, unpacked, at most [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
    /// The body as it came, where it was packed: what a signature is of.
    pub packed: Option<Vec<u8>>,
}

/// An HTTP response, whole.
pub type Response = http::Response<Vec<u8>>;

/// A header as text; `None` where it is absent or not UTF-8.
pub fn header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// A cookie's value, as it was sent.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|cookies| std::str::from_utf8(cookies.as_bytes()).ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

impl Request {
    /// A header as text; `None` where it is absent or not UTF-8.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Whether it carries a signature as AWS's clients make it.
    pub fn is_signed(&self) -> bool {
        self.header(AUTHORIZATION).is_some_and(|value| value.trim_start().starts_with("AWS4-"))
    }

    /// Takes in the body as it came, and unpacks it where it is gzip.
    ///
    /// # Errors
    /// If it is packed in another way, is no gzip, or has too many bytes when it is unpacked.
    pub fn receive(&mut self, body: Vec<u8>) -> Result<(), RequestError> {
        let encoding = self.header(CONTENT_ENCODING).map_or("", str::trim);
        if ["", "identity"].iter().any(|plain| encoding.eq_ignore_ascii_case(plain)) {
            self.body = body;
            return Ok(());
        }
        if !["gzip", "x-gzip"].iter().any(|gzip| encoding.eq_ignore_ascii_case(gzip)) {
            return Err(RequestError::Encoded(encoding.chars().take(40).collect()));
        }
        // A byte more than is taken, to see that there are more.
        let most = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(body.as_slice())
            .take(most)
            .read_to_end(&mut unpacked)
            .map_err(|error| RequestError::Gzip(error.to_string()))?;
        if unpacked.len() > MAX_BODY_BYTES {
            return Err(RequestError::BodyTooLarge);
        }
        (self.body, self.packed) = (unpacked, Some(body));
        Ok(())
    }

    /// The body as it came.
    pub fn sent_body(&self) -> &[u8] {
        self.packed.as_deref().unwrap_or(&self.body)
    }

    /// The path, with what did not have to be percent-encoded as it is (RFC 3986, section 6.2.2.2).
    pub fn plain_path(&self) -> Cow<'_, str> {
        if !self.path.contains('%') {
            return Cow::Borrowed(&self.path);
        }
        let mut plain = String::with_capacity(self.path.len());
        let mut rest = self.path.as_str();
        while let Some((before, behind)) = rest.split_once('%') {
            plain.push_str(before);
            let code = behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            match code.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
                Some(byte) => {
                    plain.push(char::from(byte));
                    rest = behind.get(2..).unwrap_or_default();
                }
                None => {
                    plain.push('%');
                    rest = behind;
                }
            }
        }
        plain.push_str(rest);
        Cow::Owned(plain)
    }

    /// Whether the method is this one, which `name` spells out.
    ///
    /// # Errors
    /// If it is another.
    pub fn allow(&self, method: &Method, name: &'static str) -> Result<(), RequestError> {
        // The runtime leaves the body out of an answer to HEAD.
        let same = self.method == method || (method == Method::GET && self.method == Method::HEAD);
        if same { Ok(()) } else { Err(RequestError::Method(name)) }
    }
}

/// The parts of a path between its slashes.
pub fn segments(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').collect()
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
    /// Others' bodies take all the room that there is for large ones.
    #[error("too many large bodies are being sent at once")]
    NoRoom,
    /// The body could not be received.
    #[error("the body did not arrive whole: {0}")]
    BodyBroken(String),
    /// The body is packed in a way that is not read.
    #[error("the body's Content-Encoding is `{0}`, which is not read here")]
    Encoded(String),
    /// The body is not the gzip that it says it is.
    #[error("the body cannot be unpacked: {0}")]
    Gzip(String),
    /// Two headers, or a header and the path, name different variants.
    #[error("`{a}` and `{b}` are both named as the target variant")]
    TwoTargets {
        /// By one.
        a: String,
        /// By the other.
        b: String,
    },
    /// The inference id is too long or has strange characters.
    #[error("`X-Amzn-SageMaker-Inference-Id` has 1 to 64 visible ASCII characters, none of them a space")]
    InferenceId,
    /// The custom attributes are too long or have strange characters.
    #[error("`X-Amzn-SageMaker-Custom-Attributes` has at most 1024 visible ASCII characters")]
    CustomAttributes,
    /// A header asks for something that does not exist here, and must not be passed over.
    #[error("`{0}` asks for something that endpoints here do not have")]
    Unsupported(&'static str),
    /// A unit is asked about, and the endpoint assigns none.
    #[error("the request is about a unit, and the endpoint does not assign by unit")]
    NoUnits,
    /// A unit is asked about, and none is told.
    #[error("the request tells no unit, neither in its body nor as the endpoint names it")]
    UnitMissing,
    /// A protocol has this, and there is nothing of the kind here.
    #[error("{0}")]
    NotKept(&'static str),
    /// The name in the path is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The body of an operation is not what the operation takes.
    #[error("{0}")]
    Operation(String),
    /// There is no operation of that name.
    #[error("there is no operation `{0}` here")]
    NoSuchOperation(String),
}
