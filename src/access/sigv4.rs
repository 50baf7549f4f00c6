//! AWS Signature Version 4, verified: the signature is made again from what came in, and compared.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
//!
//! AWS's own crate is made to sign requests, not to verify them: it takes a query in one form only, and panics where
//! one grows beyond 64 kB by its encoding.

use time::PrimitiveDateTime;
use time::macros::format_description;

use super::canonical::{canonical_request, encoded_query, plain_query, resolved_path, sent_path};
use super::compare::same;
use super::mac::{hex, hmac};
use super::signed_body::{ChunkSigner, SignedBody};
use crate::endpoint::Sha256;
use crate::request::Request;

/// How far the clock of a caller may be off, either way: AWS's five minutes. Within them a request may be repeated, as
/// with AWS.
const SKEW_SECONDS: i64 = 300;

/// The names that are signed for: by SageMaker's clients, those of its runtime included, and by CloudWatch's.
const SERVICES: [&str; 2] = ["sagemaker", "monitoring"];
/// The name that S3's clients sign for.
const S3: [&str; 1] = ["s3"];

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What each credential ends with.
const TERMINATOR: &str = "aws4_request";
/// What stands in place of the body's digest where the body is not signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// An access key.
pub(super) struct Key {
    pub id: String,
    pub secret: String,
}

/// Why a signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Something that a signature needs is missing or cannot be read.
    #[error("the signature is incomplete: {0}")]
    Incomplete(String),
    /// The key id is not this endpoint's.
    #[error("the access key id is not known here")]
    UnknownKey,
    /// The time of signing is too far from the time here.
    #[error("the request was signed at {signed}, the time here is {now}: more than {SKEW_SECONDS} seconds apart")]
    Expired {
        /// Seconds since the Unix epoch.
        signed: i64,
        /// Seconds since the Unix epoch.
        now: i64,
    },
    /// The credential is for another service or day.
    #[error("the credential is scoped to {0}")]
    Scope(String),
    /// The signature is of another secret or another request.
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
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// Checks that the request is signed with this key, within five minutes of now.
///
/// # Errors
/// If it is not.
pub(super) fn verify(request: &Request, key: &Key, now_ms: f64) -> Result<(), SignatureError> {
    let authorization = Authorization::checked(request, &SERVICES, key, now_ms)?;
    let payload = payload(request)?;
    authorization.compare(request, &resolved_path(&request.path), &payload, key)
}

/// The same for a request to S3, whose path is encoded once, and whose body is signed in one of several forms: the one that
/// the body is to be checked by while it is read.
///
/// # Errors
/// If it is not signed with this key.
pub(super) fn verify_object(request: &Request, key: &Key, now_ms: f64) -> Result<SignedBody, SignatureError> {
    let authorization = Authorization::checked(request, &S3, key, now_ms)?;
    let payload = request
        .header("x-amz-content-sha256")
        .ok_or_else(|| SignatureError::Incomplete("X-Amz-Content-SHA256 is missing".to_owned()))?;
    authorization.compare(request, &sent_path(&request.path), payload, key)?;
    let over_https = |body| match request.secure {
        true => Ok(body),
        false => Err(SignatureError::Incomplete("an unsigned payload is taken over https alone".to_owned())),
    };
    let chunks = || -> Result<SignedBody, SignatureError> {
        let key = authorization.signing_key(key)?;
        let previous = authorization.signature.to_owned();
        Ok(SignedBody::Chunks(Some(ChunkSigner::new(key, authorization.time_and_scope(request), previous))))
    };
    match payload {
        UNSIGNED_PAYLOAD => over_https(SignedBody::Plain(None)),
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => over_https(SignedBody::Chunks(None)),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => chunks(),
        digest if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(SignedBody::Plain(Some(digest.to_ascii_lowercase())))
        }
        _ => Err(SignatureError::Incomplete("X-Amz-Content-SHA256 is of no form that is known here".to_owned())),
    }
}

/// The id of the key that a request is signed with, whether it is rightly or not.
pub(super) fn key_id(request: &Request) -> Option<&str> {
    let (_, behind) = request.header("authorization")?.split_once("Credential=")?;
    behind.split('/').next()
}

impl<'a> Authorization<'a> {
    /// Everything that can be checked of a request's signature without making it again.
    fn checked(request: &'a Request, services: &[&str], key: &Key, now_ms: f64) -> Result<Self, SignatureError> {
        let authorization = Authorization::parse(request.header("authorization").unwrap_or_default(), services)?;
        let signed_at = signed_at(request, &authorization)?;
        if !same(authorization.key_id, &key.id) {
            return Err(SignatureError::UnknownKey);
        }
        check_age(signed_at, now_ms)?;
        check_signed(request, &authorization.signed_headers)?;
        check_unsigned(request, &authorization.signed_headers)?;
        Ok(authorization)
    }

    fn parse(header: &'a str, services: &[&str]) -> Result<Self, SignatureError> {
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
        if !services.contains(service) || *terminator != TERMINATOR {
            return Err(SignatureError::Scope(format!("{service}/{terminator}; sign for {}", services.join(" or "))));
        }
        Ok(Authorization {
            key_id,
            date,
            region,
            service,
            signed_headers: value("SignedHeaders")?.split(';').collect(),
            signature: value("Signature")?,
        })
    }

    /// Makes the signature again, and compares it.
    fn compare(&self, request: &Request, path: &str, payload: &str, key: &Key) -> Result<(), SignatureError> {
        let signing_key = self.signing_key(key)?;
        let time_and_scope = self.time_and_scope(request);
        // AWS has names and values encoded; botocore signs a query as it stands.
        for query in [encoded_query(&request.query), plain_query(&request.query)] {
            let canonical = canonical_request(request, path, &query, &self.signed_headers, payload);
            let digest = Sha256::of(canonical.as_bytes());
            let text = format!("{ALGORITHM}\n{time_and_scope}\n{digest}");
            let signature = hmac(&signing_key, &text).ok_or(SignatureError::Mismatch)?;
            if same(self.signature, &hex(&signature)) {
                return Ok(());
            }
        }
        Err(SignatureError::Mismatch)
    }

    /// The key of that day, region and service.
    fn signing_key(&self, key: &Key) -> Result<Vec<u8>, SignatureError> {
        let secret = format!("AWS4{}", key.secret).into_bytes();
        let parts = [self.date, self.region, self.service, TERMINATOR];
        parts.iter().try_fold(secret, |mac, part| hmac(&mac, part)).ok_or(SignatureError::Mismatch)
    }

    /// The two lines that say when and for what it was signed.
    fn time_and_scope(&self, request: &Request) -> String {
        let Authorization { date, region, service, .. } = self;
        let time = request.header("x-amz-date").unwrap_or_default();
        format!("{time}\n{date}/{region}/{service}/{TERMINATOR}")
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

/// The headers that affect the decision must be signed: the host, the time, and everything that AWS's own protocols put
/// into headers. What proxies add on the way, as tracing does, need not be.
fn check_unsigned(request: &Request, signed: &[&str]) -> Result<(), SignatureError> {
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

/// The list of signed headers has to be as AWS documents it, and the request has to have them: one that is not there
/// could be put in by whoever the request passes.
fn check_signed(request: &Request, signed: &[&str]) -> Result<(), SignatureError> {
    let lower = signed.iter().all(|name| !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
    if !lower || !signed.is_sorted_by(|before, after| before < after) {
        return Err(SignatureError::Incomplete(
            "SignedHeaders is not a list of names in lower case, in order, each once".to_owned(),
        ));
    }
    match signed.iter().find(|name| !request.headers.contains_key(**name)) {
        Some(name) => {
            let name: String = name.chars().filter(char::is_ascii_graphic).take(40).collect();
            Err(SignatureError::Incomplete(format!("SignedHeaders names {name}, which the request does not have")))
        }
        None => Ok(()),
    }
}

/// The body's digest as it was signed. AWS leaves it out on request, where the connection guards it.
fn payload(request: &Request) -> Result<String, SignatureError> {
    let digest = Sha256::of(request.sent_body()).to_string();
    match request.header("x-amz-content-sha256") {
        None => Ok(digest),
        Some(UNSIGNED_PAYLOAD) if request.secure => Ok(UNSIGNED_PAYLOAD.to_owned()),
        Some(UNSIGNED_PAYLOAD) => {
            Err(SignatureError::Incomplete("an unsigned payload is taken over https alone".to_owned()))
        }
        Some(sent) if sent == digest => Ok(digest),
        Some(_) => Err(SignatureError::Incomplete("X-Amz-Content-SHA256 is not the body's".to_owned())),
    }
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
        Request { method: Method::POST, secure: true, path, query, headers: all, body, packed: None }
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

    /// Made by tests/vectors/sign.py.
    #[derive(serde::Deserialize)]
    struct Vector {
        path: String,
        query: String,
        headers: std::collections::HashMap<String, String>,
    }

    #[test]
    fn queries_and_paths_hold_however_they_are_written() {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../tests/vectors/sigv4.json")).unwrap();
        assert!(vectors.len() > 60);
        for Vector { path, query, headers } in vectors {
            let headers = headers.iter().map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            });
            let (headers, body) = (headers.collect(), b"1,2\n".to_vec());
            let mut request = Request { method: Method::POST, secure: true, path, query, headers, body, packed: None };
            assert_eq!(at(0.0, &request), Ok(()), "{}?{}", request.path, request.query);
            request.query.push_str("&x=1");
            assert_eq!(at(0.0, &request), Err(SignatureError::Mismatch), "{}?{}", request.path, request.query);
        }
    }

    #[test]
    fn long_queries_are_compared_as_others_are() {
        let mut request = invocation();
        request.query = format!("a={}", "/".repeat(30_000));
        assert_eq!(at(0.0, &request), Err(SignatureError::Mismatch));
    }

    #[test]
    fn signed_headers_are_a_sorted_list_of_what_is_there() {
        for (list, expected) in [
            ("host;x-amz-date;x-missing", "x-missing"),
            ("host;x-amz-date;x-b\u{e9}c", "x-bc,"),
            ("host;x-amz-date;zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", &"z".repeat(40)),
            ("", "lower case"),
            (";host;x-amz-date", "lower case"),
            ("host;;x-amz-date", "lower case"),
            ("host;x-amz-date;", "lower case"),
            ("x-amz-date;host", "lower case"),
            ("host;host;x-amz-date", "lower case"),
            ("Host;x-amz-date", "lower case"),
        ] {
            let mut request = signed("/", "", &[("host", "turnout.example")], "", "00");
            let authorization =
                format!("AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={list}, Signature=00").into_bytes();
            request.headers.insert("authorization", HeaderValue::from_bytes(&authorization).unwrap());
            match at(0.0, &request) {
                Err(SignatureError::Incomplete(why)) => {
                    assert!(why.contains(expected) && why.is_ascii(), "{list}: {why}")
                }
                other => panic!("{list}: {other:?}"),
            }
        }
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
    fn headers_that_affect_the_decision_must_be_signed() {
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
