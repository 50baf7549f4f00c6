//! What an AWS signature is made of: the canonical request.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write;

use url::form_urlencoded;

use crate::request::Request;

/// The canonical request: method, path, query, the signed headers with their values, their names, and the payload's
/// digest.
pub(super) fn canonical_request(
    request: &Request,
    path: &str,
    query: &str,
    signed_headers: &[&str],
    payload: &str,
) -> String {
    let mut text = format!("{}\n{path}\n{query}\n", request.method);
    for name in signed_headers {
        let values: Vec<String> =
            request.headers.get_all(*name).iter().map(|value| trimmed(value.as_bytes())).collect();
        text.push_str(name);
        text.push(':');
        text.push_str(&values.join(","));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed_headers.join(";"));
    text.push('\n');
    text.push_str(payload);
    text
}

/// A query as AWS documents it: each name and value percent-encoded, whether it came so or not.
pub(super) fn encoded_query(query: &str) -> String {
    joined(form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (encoded(&name, ""), encoded(&value, ""))))
}

/// A query as botocore signs it: its names and values as they stand.
pub(super) fn plain_query(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    joined(query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))))
}

/// Sorted by name, then value; each name with an equals sign.
fn joined<T: AsRef<str> + Ord>(pairs: impl Iterator<Item = (T, T)>) -> String {
    let mut pairs: Vec<(T, T)> = pairs.collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", name.as_ref(), value.as_ref())).collect();
    pairs.join("&")
}

/// A path without empty and dotted segments, encoded once more than it was sent, as all services but S3 have it.
pub(super) fn resolved_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    encoded(&format!("/{}{end}", segments.join("/")), "/")
}

/// A path as S3 has it: its segments as they are, encoded once.
pub(super) fn sent_path(path: &str) -> String {
    encoded_bytes(percent_encoding::percent_decode_str(path), "/")
}

/// Percent-encoded, but for unreserved characters (RFC 3986) and those in `kept`.
fn encoded(text: &str, kept: &str) -> String {
    encoded_bytes(text.bytes(), kept)
}

fn encoded_bytes(bytes: impl Iterator<Item = u8>, kept: &str) -> String {
    let mut encoded = String::with_capacity(bytes.size_hint().0);
    for byte in bytes {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(character) || kept.contains(character) {
            encoded.push(character);
        } else {
            // Writing into memory cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A header's value with every run of white space as one space, and none at the ends.
fn trimmed(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words.join(" ")
}
