//! Lists of buckets and objects.

use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::operation::Target;
use super::xml::{Xml, time_in_xml};
use crate::platform::{Place, Platform};
use crate::protocol::respond::respond;
use crate::request::Response;
use crate::service::{Listed, Listing, ObjectError, Service};

/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'*');

/// The most keys that are asked for where the request names no number.
const USUAL_KEYS: usize = 1_000;

/// A document as a response.
pub(super) fn document(root: &str, inside: impl FnOnce(&mut Xml)) -> Response {
    respond(StatusCode::OK, "application/xml", Xml::document(root, inside))
}

/// The two buckets.
pub(super) fn buckets() -> Response {
    document("ListAllMyBucketsResult", |xml| {
        xml.element("Owner", |xml| xml.text("ID", "turnout"));
        xml.element("Buckets", |xml| {
            for bucket in ["capture", "models"] {
                xml.element("Bucket", |xml| {
                    xml.text("Name", bucket);
                    // Nobody knows when they were made.
                    xml.text("CreationDate", &time_in_xml(0.0));
                });
            }
        });
    })
}

/// A page of a bucket's objects, in either version of the operation.
pub(super) async fn objects<P: Platform>(
    service: &Service<'_, P>,
    place: Place,
    target: &Target,
    is_second: bool,
) -> Result<Response, ObjectError> {
    let parameter = |name: &str| target.parameter(name).unwrap_or_default().to_owned();
    let most = match target.parameter("max-keys") {
        None => USUAL_KEYS,
        Some(most) => most
            .parse::<usize>()
            .map_err(|_| ObjectError::Argument("max-keys is a whole number, 0 or more".to_owned()))?,
    };
    let encodes = match target.parameter("encoding-type") {
        None => false,
        Some("url") => true,
        Some(_) => return Err(ObjectError::Argument("encoding-type can be `url` alone".to_owned())),
    };
    let listing = Listing {
        prefix: parameter("prefix"),
        delimiter: parameter("delimiter"),
        most,
        after: parameter(if is_second { "start-after" } else { "marker" }),
        token: target.parameter("continuation-token").filter(|_| is_second).map(str::to_owned),
    };
    let Listed { objects, prefixes, token, last } = service.list_objects(place, &listing).await?;
    let shown = |text: &str| if encodes { utf8_percent_encode(text, PLAIN).to_string() } else { text.to_owned() };
    Ok(document("ListBucketResult", |xml| {
        xml.text("Name", &target.bucket);
        xml.text("Prefix", &shown(&listing.prefix));
        if !listing.delimiter.is_empty() {
            xml.text("Delimiter", &shown(&listing.delimiter));
        }
        xml.text("MaxKeys", &listing.most.min(USUAL_KEYS).to_string());
        if encodes {
            xml.text("EncodingType", "url");
        }
        if is_second {
            xml.text("KeyCount", &objects.len().saturating_add(prefixes.len()).to_string());
            if let Some(token) = &listing.token {
                xml.text("ContinuationToken", token);
            }
            if let Some(token) = &token {
                xml.text("NextContinuationToken", token);
            }
            if !listing.after.is_empty() {
                xml.text("StartAfter", &shown(&listing.after));
            }
        } else {
            xml.text("Marker", &shown(&listing.after));
            if let Some(last) = last.as_deref().filter(|_| token.is_some()) {
                xml.text("NextMarker", &shown(last));
            }
        }
        xml.text("IsTruncated", if token.is_some() { "true" } else { "false" });
        for (key, object) in &objects {
            xml.element("Contents", |xml| {
                xml.text("Key", &shown(key));
                xml.text("LastModified", &time_in_xml(object.modified_ms.unwrap_or_default()));
                xml.text("ETag", &format!("\"{}\"", object.etag));
                xml.text("Size", &object.size.to_string());
                if let Some(checksum) = &object.facts.checksum {
                    xml.text("ChecksumAlgorithm", checksum.algorithm.as_str());
                }
                xml.text("StorageClass", "STANDARD");
            });
        }
        for prefix in &prefixes {
            xml.element("CommonPrefixes", |xml| xml.text("Prefix", &shown(prefix)));
        }
    }))
}
