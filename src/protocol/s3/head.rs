//! What the heads of S3's requests and responses say of an object.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{self, HeaderMap, HeaderName};

use super::xml::time_in_header;
use crate::access::{SignedBody, hex};
use crate::protocol::respond::insert;
use crate::request::Request;
use crate::service::{Algorithm, Checksum, Conditions, Facts, NewBody, Object, ObjectError};

const USER: &str = "x-amz-meta-";
/// The media type of an object of which nobody has said any, as S3 has it.
const ANY_TYPE: &str = "binary/octet-stream";

/// What would have to be done and is not: passing over it would be a promise that is not kept.
const NOT_HERE: [&str; 7] = [
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-grant-read",
];

/// What a request says of the object that it writes.
pub(super) fn facts(request: &Request) -> Result<Facts, ObjectError> {
    if let Some(name) = NOT_HERE.iter().find(|name| request.headers.contains_key(**name)) {
        return Err(ObjectError::NotHere(format!("the header {name}")));
    }
    let encrypted = request.header("x-amz-server-side-encryption");
    if encrypted.is_some_and(|kind| kind != "AES256") {
        return Err(ObjectError::NotHere("x-amz-server-side-encryption other than AES256".to_owned()));
    }
    let mut codings = request.header(header::CONTENT_ENCODING).unwrap_or_default().split(',').map(str::trim);
    if codings.any(|coding| !["", "aws-chunked", "identity"].contains(&coding)) {
        return Err(ObjectError::NotHere("a Content-Encoding".to_owned()));
    }
    let content_type = request.header(header::CONTENT_TYPE).map(str::to_owned);
    let mut facts = Facts { content_type, ..Facts::default() };
    for (name, value) in &request.headers {
        if let Some(name) = name.as_str().strip_prefix(USER) {
            facts.user.insert(name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
    }
    Ok(facts)
}

/// The checksum that a request's head has.
pub(super) fn checksum(request: &Request) -> Option<Checksum> {
    Algorithm::ALL.into_iter().find_map(|algorithm| {
        let value = request.header(algorithm.header())?.to_owned();
        Some(Checksum { algorithm, value })
    })
}

/// What a request says of its body.
pub(super) fn body(request: &Request, signed: SignedBody) -> Result<NewBody, ObjectError> {
    let number = |name: &str| request.header(name).and_then(|length| length.trim().parse::<u64>().ok());
    let length = match signed {
        SignedBody::Plain(_) => number("content-length"),
        SignedBody::Chunks(_) => number("x-amz-decoded-content-length"),
    };
    let argument = |what: &str| ObjectError::Argument(what.to_owned());
    let says_chunks = request.header(header::CONTENT_ENCODING).is_some_and(|codings| codings.contains("aws-chunked"));
    if says_chunks && matches!(signed, SignedBody::Plain(_)) {
        return Err(argument("Content-Encoding is aws-chunked, and X-Amz-Content-SHA256 does not say so"));
    }
    let md5 = request.header("content-md5").map(|given| {
        let bytes = BASE64_STANDARD.decode(given.trim()).map_err(|_| argument("Content-MD5 is not base64"))?;
        Ok::<_, ObjectError>(hex(&bytes))
    });
    let announced = request.header("x-amz-trailer").map(|name| {
        Algorithm::of_header(&name.trim().to_ascii_lowercase())
            .ok_or_else(|| argument("x-amz-trailer is no checksum that is known here"))
    });
    let wanted = request
        .header("x-amz-sdk-checksum-algorithm")
        .map(|name| Algorithm::named(name).ok_or_else(|| argument("x-amz-sdk-checksum-algorithm is not known here")));
    Ok(NewBody {
        signed,
        length,
        md5: md5.transpose()?,
        checksum: checksum(request),
        announced: announced.transpose()?,
        wanted: wanted.transpose()?,
    })
}

/// On what terms a request reads or writes.
pub(super) fn conditions(request: &Request) -> Conditions {
    Conditions {
        matches: request.header(header::IF_MATCH).map(str::to_owned),
        matches_none: request.header(header::IF_NONE_MATCH).map(str::to_owned),
    }
}

/// Says of an object what there is to say.
pub(super) fn describe(to: &mut HeaderMap, object: &Object, with_checksum: bool) {
    let Object { etag, modified_ms, facts, .. } = object;
    insert(to, header::ETAG, &format!("\"{etag}\""));
    insert(to, header::LAST_MODIFIED, &time_in_header(modified_ms.unwrap_or_default()));
    insert(to, header::ACCEPT_RANGES, "bytes");
    insert(to, header::CONTENT_TYPE, facts.content_type.as_deref().unwrap_or(ANY_TYPE));
    // Somebody's file is shown by no browser as a page of this host.
    insert(to, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    insert(to, header::CONTENT_SECURITY_POLICY, "sandbox");
    for (name, value) in &facts.user {
        if let Ok(name) = HeaderName::from_bytes(format!("{USER}{name}").as_bytes()) {
            insert(to, name, value);
        }
    }
    if let Some(checksum) = facts.checksum.as_ref().filter(|_| with_checksum) {
        describe_checksum(to, checksum);
    }
}

/// Says of a checksum what it is.
pub(super) fn describe_checksum(to: &mut HeaderMap, checksum: &Checksum) {
    insert(to, HeaderName::from_static(checksum.algorithm.header()), &checksum.value);
    insert(to, HeaderName::from_static("x-amz-checksum-type"), checksum_type(checksum));
}

/// S3's word for what a checksum is of.
pub(super) fn checksum_type(checksum: &Checksum) -> &'static str {
    if checksum.is_of_parts() { "COMPOSITE" } else { "FULL_OBJECT" }
}
