//! AWS Signature Version 4, verified: the signature is made again from what came in, by AWS's own crate, and compared.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::same;
use crate::endpoint::Sha256;
use crate::request::Request;

/// How far the clock of a caller may be off, either way: AWS's five minutes. Within them a request may be repeated, as
/// with AWS.
const SKEW_SECONDS: i64 = 300;

/// The name that SageMaker's clients sign for, those of its runtime included.
const SERVICE: &str = "sagemaker";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A key: whoever has the secret may sign by the id.
pub(super) struct Key {
    pub id: String,
    pub secret: String,
}

/// Why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Something that a signature needs is missing or cannot be read.
    #[error("the signature is incomplete: {0}")]
    Incomplete(String),
    /// The key id is another.
    #[error("the access key id is not known here")]
    UnknownKey,
    /// It was made too long ago, or too far ahead.
    #[error("the request was signed at {signed}, the time here is {now}: more than {SKEW_SECONDS} seconds apart")]
    Expired {
        /// Seconds since the Unix epoch.
        signed: i64,
        /// Seconds since the Unix epoch.
        now: i64,
    },
    /// It is for another service or day.
    #[error("the credential is scoped to {0}")]
    Scope(String),
    /// It was made with another secret, or of another request.
    #[error(
        "the signature does not match: check the secret access key, and that nothing on the way changes the request"
    )]
    Mismatch,
}

/// What `Authorization` says.
struct Authorization<'a> {
    key_id: &'a str,
    date: &'a str,
    region: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// Whether the request is signed with this key, now.
///
/// # Errors
/// If it is not.
pub(super) fn verify(request: &Request, key: &Key, now_ms: f64) -> Result<(), SignatureError> {
    let authorization = Authorization::parse(request.header("authorization").unwrap_or_default())?;
    let signed_at = signed_at(request, &authorization)?;
    if !same(authorization.key_id, &key.id) {
        return Err(SignatureError::UnknownKey);
    }
    check_age(signed_at, now_ms)?;
    check_headers(request, &authorization.signed_headers)?;
    let body = body(request)?;
    let expected = signature(request, &authorization, body, key, signed_at)?;
    if same(authorization.signature, &expected) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Self, SignatureError> {
        let incomplete = |what: &str| SignatureError::Incomplete(what.to_owned());
        let parameters =
            header.trim().strip_prefix(ALGORITHM).ok_or_else(|| incomplete("it is not AWS4-HMAC-SHA256"))?;
        let parameter = |name: &str| {
            parameters.split(',').find_map(|part| part.trim().split_once('=').filter(|(key, _)| *key == name))
        };
        let value = |name: &'static str| {
            parameter(name).map(|(_, value)| value).ok_or_else(|| incomplete(&format!("{name} is missing")))
        };
        let credential: Vec<&str> = value("Credential")?.split('/').collect();
        let [key_id, date, region, service, terminator] = credential.as_slice() else {
            return Err(incomplete("Credential is not KEY/DATE/REGION/SERVICE/aws4_request"));
        };
        if *service != SERVICE || *terminator != "aws4_request" {
            return Err(SignatureError::Scope(format!("{service}/{terminator}; sign for {SERVICE}")));
        }
        Ok(Authorization {
            key_id,
            date,
            region,
            signed_headers: value("SignedHeaders")?.split(';').collect(),
            signature: value("Signature")?,
        })
    }
}

/// Seconds since the Unix epoch, of `X-Amz-Date`, which the credential's date has to agree with.
fn signed_at(request: &Request, authorization: &Authorization<'_>) -> Result<i64, SignatureError> {
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    let date = request.header("x-amz-date").unwrap_or_default();
    let parsed = PrimitiveDateTime::parse(date, form).map_err(|_| {
        SignatureError::Incomplete("X-Amz-Date is missing or not of the form 20261124T093000Z".to_owned())
    })?;
    if !date.starts_with(authorization.date) || authorization.date.len() != 8 {
        return Err(SignatureError::Scope("another day than X-Amz-Date".to_owned()));
    }
    Ok(parsed.assume_utc().unix_timestamp())
}

fn check_age(signed: i64, now_ms: f64) -> Result<(), SignatureError> {
    let now = (now_ms / 1000.0) as i64;
    if signed.abs_diff(now) > SKEW_SECONDS.unsigned_abs() {
        Err(SignatureError::Expired { signed, now })
    } else {
        Ok(())
    }
}

/// What decides is signed: the host, the time, and everything that AWS's own protocols put into headers. What is added
/// on the way, as tracing does, is not asked for.
fn check_headers(request: &Request, signed: &[&str]) -> Result<(), SignatureError> {
    let decides = |name: &str| {
        let ours = name == "host" || name == "x-target-variant" || name.starts_with("x-amz");
        ours && name != "x-amzn-trace-id"
    };
    let names = request.headers.keys().map(|name| name.as_str()).chain(["host", "x-amz-date"]);
    match names.into_iter().find(|name| decides(name) && !signed.contains(name)) {
        Some(name) => Err(SignatureError::Incomplete(format!("the header {name} is not signed"))),
        None => Ok(()),
    }
}

/// The body as it was signed. AWS leaves it out on request, where the connection guards it.
fn body(request: &Request) -> Result<SignableBody<'_>, SignatureError> {
    match request.header("x-amz-content-sha256") {
        None => Ok(SignableBody::Bytes(&request.body)),
        Some("UNSIGNED-PAYLOAD") if request.secure => Ok(SignableBody::UnsignedPayload),
        Some("UNSIGNED-PAYLOAD") => {
            Err(SignatureError::Incomplete("an unsigned payload is taken over https alone".to_owned()))
        }
        Some(digest) if digest == Sha256::of(&request.body).to_string() => Ok(SignableBody::Bytes(&request.body)),
        Some(_) => Err(SignatureError::Incomplete("X-Amz-Content-SHA256 is not the body's".to_owned())),
    }
}

/// The signature as the holder of the key would have made it.
fn signature(
    request: &Request,
    authorization: &Authorization<'_>,
    body: SignableBody<'_>,
    key: &Key,
    signed_at: i64,
) -> Result<String, SignatureError> {
    let incomplete = |error: &dyn std::error::Error| SignatureError::Incomplete(error.to_string());
    let mut settings = SigningSettings::default();
    // Those that were signed are handed over, and no others.
    settings.excluded_headers = None;
    let identity = Credentials::new(&key.id, &key.secret, None, None, "worker secrets").into();
    let seconds = Duration::from_secs(u64::try_from(signed_at).unwrap_or_default());
    let parameters: SigningParams<'_> = v4::SigningParams::builder()
        .identity(&identity)
        .region(authorization.region)
        .name(SERVICE)
        .time(SystemTime::UNIX_EPOCH.checked_add(seconds).unwrap_or(SystemTime::UNIX_EPOCH))
        .settings(settings)
        .build()
        .map_err(|error| incomplete(&error))?
        .into();
    let headers = authorization
        .signed_headers
        .iter()
        // The crate puts it in by itself.
        .filter(|name| **name != "x-amz-date")
        .filter_map(|name| Some((*name, request.header(*name)?)));
    let uri = format!("https://{}{}?{}", request.header("host").unwrap_or_default(), request.path, request.query);
    let signable = SignableRequest::new(request.method.as_str(), uri.trim_end_matches('?'), headers, body)
        .map_err(|error| incomplete(&error))?;
    let (_, signature) = sign(signable, &parameters).map_err(|error| incomplete(&error))?.into_parts();
    Ok(signature)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    /// 2026-11-24 at 9:30 UTC.
    const SIGNED: f64 = 1_795_512_600.0;
    const SCOPE: &str = "AKIDEXAMPLE/20261124/us-east-1/sagemaker/aws4_request";

    fn key() -> Key {
        Key { id: "AKIDEXAMPLE".to_owned(), secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned() }
    }

    /// A request as botocore 1.44.5 signed it (`botocore.auth.SigV4Auth`, with its clock at [`SIGNED`]).
    fn signed(path: &str, query: &str, headers: &[(&str, &str)], body: &str, signature: &str) -> Request {
        let mut all = HeaderMap::new();
        let mut names: Vec<&str> = vec!["x-amz-date"];
        for (name, value) in headers {
            all.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
            names.push(name);
        }
        names.sort_unstable();
        let names = names.join(";");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={names}, Signature={signature}");
        all.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        all.insert("x-amz-date", HeaderValue::from_static("20261124T093000Z"));
        all.insert("user-agent", HeaderValue::from_static("Boto3"));
        let (path, query, body) = (path.to_owned(), query.to_owned(), body.as_bytes().to_vec());
        Request { method: Method::POST, secure: true, path, query, headers: all, body }
    }

    fn invocation() -> Request {
        let headers =
            [("content-type", "text/csv"), ("host", "turnout.example"), ("x-amzn-sagemaker-target-variant", "xgboost")];
        let signature = "22d175973bbf272b0cf1bf6aafe1c8b031ebe63eea30821bf5ac171cc0528644";
        signed("/endpoints/churn/invocations", "", &headers, "1,2\n", signature)
    }

    fn at(seconds: f64, request: &Request) -> Result<(), SignatureError> {
        verify(request, &key(), (SIGNED + seconds) * 1000.0)
    }

    fn set(request: &mut Request, name: &'static str, value: &str) {
        request.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }

    #[test]
    fn what_botocore_signs_holds() {
        assert_eq!(at(0.0, &invocation()), Ok(()));
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("host", "turnout.example:8787"),
            ("x-amz-target", "SageMaker.ListEndpoints"),
        ];
        let signature = "69919f119f7d6901158ccb69f98cd90aa2d811cdac928df13ec43ef8c4e1c6d2";
        assert_eq!(at(0.0, &signed("/", "", &headers, "{}", signature)), Ok(()));
        let headers = [
            ("content-type", "  text/csv ;  charset=utf-8 "),
            ("host", "turnout.example"),
            ("x-amz-security-token", "session"),
        ];
        let signature = "5671d80d10c6365800704dccb8c410d6001ac9ceb1560d3cbe64625ee280ded5";
        assert_eq!(at(0.0, &signed("/a%20b/c", "", &headers, "", signature)), Ok(()));
    }

    #[test]
    fn an_unsigned_payload_holds_over_https_alone() {
        let headers =
            [("content-type", "text/csv"), ("host", "turnout.example"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
        let signature = "b3c02f584b71f11934a46695d53601a6d4339b2e909c7f4f96b8fe6eae189b26";
        let mut request = signed("/endpoints/churn/invocations", "b=%20x&a=1", &headers, "1,2\n", signature);
        assert_eq!(at(0.0, &request), Ok(()));
        request.body = b"another".to_vec();
        assert_eq!(at(0.0, &request), Ok(()));
        request.secure = false;
        assert!(matches!(at(0.0, &request), Err(SignatureError::Incomplete(_))));
    }

    #[test]
    fn five_minutes_either_way() {
        for good in [-300.0, 300.0] {
            assert_eq!(at(good, &invocation()), Ok(()));
        }
        for bad in [-301.0, 301.0, 1e9, -1e9, f64::NAN] {
            assert!(matches!(at(bad, &invocation()), Err(SignatureError::Expired { .. })), "{bad}");
        }
    }

    #[test]
    fn whatever_is_changed_breaks_it() {
        let changes: [fn(&mut Request); 7] = [
            |request| request.body.push(b'3'),
            |request| request.path.push('x'),
            |request| request.query.push_str("a=1"),
            |request| request.method = Method::PUT,
            |request| set(request, "host", "another.example"),
            |request| set(request, "content-type", "application/json"),
            |request| set(request, "x-amzn-sagemaker-target-variant", "logistic"),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut request = invocation();
            change(&mut request);
            assert_eq!(at(0.0, &request), Err(SignatureError::Mismatch), "change {number}");
        }
        let other = Key { secret: "another".to_owned(), ..key() };
        assert_eq!(verify(&invocation(), &other, SIGNED * 1000.0), Err(SignatureError::Mismatch));
        let other = Key { id: "AKIDOTHER".to_owned(), ..key() };
        assert_eq!(verify(&invocation(), &other, SIGNED * 1000.0), Err(SignatureError::UnknownKey));
    }

    #[test]
    fn what_decides_has_to_be_signed() {
        for name in ["x-target-variant", "x-amz-target", "x-amzn-sagemaker-inference-id", "x-amz-content-sha256"] {
            let mut request = invocation();
            set(&mut request, name, "logistic");
            assert!(matches!(at(0.0, &request), Err(SignatureError::Incomplete(_))), "{name}");
        }
        let mut request = invocation();
        set(&mut request, "x-amzn-trace-id", "Root=1"); // Proxies put it in.
        assert_eq!(at(0.0, &request), Ok(()));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let good = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/sagemaker/aws4_request, \
                    SignedHeaders=host;x-amz-date, Signature=00";
        for (from, to) in [
            ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            ("Credential=", "Credentials="),
            ("SignedHeaders=host", "Signed=host"),
            ("Signature=", "Sig="),
            ("/us-east-1/", "/"),
            ("/sagemaker/", "/s3/"),
            ("/20261124/", "/20261123/"),
            ("/20261124/", "//"),
            ("/20261124/", "/2026é/"),
            ("host;x-amz-date", "x-amz-date"),
            ("host;x-amz-date", "host"),
            ("host;x-amz-date", "host;x-amz-date;\u{e9};;"),
        ] {
            let mut request = invocation();
            set(&mut request, "authorization", &good.replace(from, to));
            let error = at(0.0, &request).unwrap_err();
            assert!(!matches!(error, SignatureError::Mismatch), "{to}: {error}");
        }
        for date in ["", "yesterday", "20261124T093000", "20261324T093000Z", "99991231T235959Z"] {
            let mut request = invocation();
            set(&mut request, "x-amz-date", date);
            assert!(at(0.0, &request).is_err(), "{date}");
        }
    }
}
