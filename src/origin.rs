//! Forwarding an invocation to a model host: what is sent, what is believed of the answer.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::endpoint::OriginReference;
use crate::payload::{ContentType, Format, essence};
use crate::platform::{Clock, Exchange, ExchangeError, HttpAnswer, HttpCall, Secrets};

/// Why a model host did not answer as it should.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OriginError {
    /// It took longer than the variant allows.
    #[error("the origin did not answer within {0} ms")]
    Timeout(u32),
    /// There is no connection, or it broke.
    #[error("the origin cannot be reached: {0}")]
    Unreachable(String),
    /// The answer has more bytes than are relayed.
    #[error("the origin's answer has more than {0} bytes")]
    TooLarge(usize),
    /// The answer is not a success.
    #[error("the origin answered with status {status}: {message}")]
    Status {
        /// Its HTTP status.
        status: u16,
        /// The beginning of its body.
        message: String,
        /// When to try again, as it says.
        retry_after: Option<HeaderValue>,
    },
    /// The answer is a success, but not what was asked for.
    #[error("the origin's answer is unusable: {0}")]
    Garbage(String),
    /// It redirects to another host, or in circles.
    #[error("the origin redirects to {0}, which is not followed")]
    Redirect(String),
    /// The secret that the variant names is not set, or cannot stand in a header.
    #[error("the secret `{0}` is not set, or has characters that a header cannot carry")]
    Secret(String),
}

/// The most bytes of an answer that are relayed: as many as a request may have.
pub const MAX_ANSWER_BYTES: usize = 6 << 20;

/// Redirects followed before it counts as a circle.
const MAX_REDIRECTS: usize = 3;

/// Headers that end here, in both directions: hop-by-hop ones (RFC 9110, section 7.6.1), credentials and cookies,
/// which belong to the caller and this worker alone, and those that the next hop sets anew.
fn ends_here(name: &HeaderName) -> bool {
    const NAMED: [&str; 24] = [
        // hop by hop
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        // credentials
        "authorization",
        "cookie",
        "set-cookie",
        "www-authenticate",
        // set anew
        "host",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "expect",
        "server",
        "date",
        "alt-svc",
        "x-target-variant",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    let name = name.as_str();
    // What AWS's clients sign and count with, a session token among it, is for this worker.
    let of_aws = name.starts_with("x-amz-") || name.starts_with("amz-sdk-");
    NAMED.contains(&name)
        || of_aws
        || name.starts_with("cf-")
        || name.starts_with("access-control-")
        || name.starts_with("sec-")
}

/// The headers that go on to the other side. Those that `Connection` names end here too.
pub fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let connection: Vec<&str> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(',').map(str::trim))
        .collect();
    headers
        .iter()
        .filter(|(name, _)| {
            !ends_here(name) && !connection.iter().any(|named| named.eq_ignore_ascii_case(name.as_str()))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Whether a status says that the request is wrong. Credentials, time and number of calls are this worker's matter.
fn is_callers(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 407 | 408 | 421 | 425 | 429)
}

/// An answer without what a browser would do on a host's word: the page that it acts for is this worker's.
fn believed(answer: HttpAnswer) -> HttpAnswer {
    const ACTED_ON: [&str; 11] = [
        "clear-site-data",
        "content-disposition",
        "content-security-policy",
        "link",
        "location",
        "nel",
        "refresh",
        "report-to",
        "service-worker-allowed",
        "strict-transport-security",
        "x-error-code",
    ];
    let mut headers = end_to_end(&answer.headers);
    ACTED_ON.into_iter().for_each(|name| {
        headers.remove(name);
    });
    // Whatever it is, it is no page: it runs no script and is not taken for another type.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    HttpAnswer { headers, ..answer }
}

/// Forwards an invocation's body and end-to-end headers, and follows redirects within the configured host. An answer of
/// the media type `also` is taken unasked.
///
/// # Errors
/// If no usable answer of status 2xx comes within the time that the variant allows.
pub async fn forward<P: Exchange + Secrets + Clock>(
    platform: &P,
    origin: &OriginReference,
    headers: &HeaderMap,
    body: &[u8],
    also: Option<&str>,
) -> Result<HttpAnswer, OriginError> {
    let mut sent = end_to_end(headers);
    if let Some(token) = &origin.token {
        let refused = || OriginError::Secret(token.as_str().to_owned());
        let secret = platform.secret(token.as_str()).ok_or_else(refused)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {secret}")).map_err(|_| refused())?;
        bearer.set_sensitive(true);
        sent.insert(header::AUTHORIZATION, bearer);
    }
    let began_ms = platform.now_ms();
    let mut url = origin.url.get().clone();
    for _ in 0..=MAX_REDIRECTS {
        let limit_ms = f64::from(origin.timeout_ms.get()) - (platform.now_ms() - began_ms);
        if limit_ms <= 0.0 {
            return Err(OriginError::Timeout(origin.timeout_ms.get()));
        }
        let call = HttpCall { url: &url, headers: &sent, body, limit_ms, max_bytes: MAX_ANSWER_BYTES };
        let answer = platform.exchange(call).await.map_err(|error| match error {
            // The whole limit, not what was left of it.
            ExchangeError::Timeout => OriginError::Timeout(origin.timeout_ms.get()),
            ExchangeError::Unreachable(problem) => OriginError::Unreachable(problem),
            ExchangeError::TooLarge => OriginError::TooLarge(MAX_ANSWER_BYTES),
        })?;
        match answer.status {
            200..=299 => {
                check_body(headers, &answer, also)?;
                return Ok(believed(answer));
            }
            status if origin.caller_errors && is_callers(status) => return Ok(believed(answer)),
            // Only these keep the method and the body; a POST that turns into a GET is not an invocation.
            307 | 308 => url = redirected(origin.url.get(), &url, &answer)?,
            status => {
                let message = String::from_utf8_lossy(&answer.body).chars().take(500).collect();
                let retry_after = answer.headers.get(header::RETRY_AFTER).cloned();
                return Err(OriginError::Status { status, message, retry_after });
            }
        }
    }
    Err(OriginError::Redirect(format!("{} after {MAX_REDIRECTS} redirects", place(&url))))
}

/// Where a redirect leads, if that is on the configured host: a body and a token go nowhere else.
fn redirected(configured: &Url, from: &Url, answer: &HttpAnswer) -> Result<Url, OriginError> {
    let location = answer.headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
    let Some(location) = location.filter(|location| !location.is_empty()) else {
        return Err(OriginError::Redirect("nowhere: it names no Location".to_owned()));
    };
    match from.join(location) {
        Ok(to) if to.origin() == configured.origin() => Ok(to),
        Ok(to) => Err(OriginError::Redirect(place(&to))),
        Err(_) => Err(OriginError::Redirect("an address that cannot be read".to_owned())),
    }
}

/// Scheme, host and port: a query may hold what is not for everybody's eyes.
fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// A model host that is up but broken often answers 200 with an error page, or half a document.
fn check_body(request: &HeaderMap, answer: &HttpAnswer, also: Option<&str>) -> Result<(), OriginError> {
    let content_type = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = essence(content_type.unwrap_or("application/json"));
    match ContentType::of(Some(kind)).map(|sent| sent.format) {
        Ok(Format::Json) => serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body)
            .map(|_| ())
            .map_err(|error| OriginError::Garbage(format!("it is not JSON: {error}"))),
        Ok(Format::Csv | Format::JsonLines) => std::str::from_utf8(&answer.body)
            .map(|_| ())
            .map_err(|error| OriginError::Garbage(format!("it is not text: {error}"))),
        Err(_) => {
            let accept = request.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let ranges = || accept.split(',').map(essence);
            let asked_for = ranges().chain(also).any(|range| range.eq_ignore_ascii_case(kind));
            // What Flask answers unless it is told otherwise, and AWS's own container for scikit-learn with it.
            let is_text = ["text/html", "text/plain"].iter().any(|text| text.eq_ignore_ascii_case(kind));
            let takes_anything = || ranges().any(|range| matches!(range, "" | "*/*" | "text/*"));
            if asked_for || (is_text && takes_anything()) {
                Ok(())
            } else {
                Err(OriginError::Garbage(format!(
                    "it is `{}`, which was not asked for",
                    kind.chars().take(100).collect::<String>()
                )))
            }
        }
    }
}
