//! Uploads in parts.

use http::StatusCode;
use http::header::HeaderName;

use super::head::{body, checksum, checksum_type, conditions, facts};
use super::list::document;
use super::object::{empty, kept};
use super::operation::Target;
use super::xml::{Group, groups, time_in_xml};
use crate::access::SignedBody;
use crate::platform::Platform;
use crate::protocol::respond::insert;
use crate::request::{Request, Response};
use crate::service::{Algorithm, ObjectError, PartOf, Service, Upload};

fn upload_id(target: &Target) -> &str {
    target.parameter("uploadId").unwrap_or_default()
}

/// Begins an upload.
pub(super) async fn create<P: Platform>(
    service: &Service<'_, P>,
    target: &Target,
    request: &Request,
) -> Result<Response, ObjectError> {
    let algorithm = request.header("x-amz-checksum-algorithm").map(|name| {
        Algorithm::named(name)
            .ok_or_else(|| ObjectError::Argument("x-amz-checksum-algorithm is not known here".to_owned()))
    });
    let algorithm = algorithm.transpose()?;
    let is_whole = request.header("x-amz-checksum-type") == Some("FULL_OBJECT");
    let upload = Upload { key: target.key.clone(), facts: facts(request)?, algorithm, is_whole, begun_ms: 0.0 };
    let id = service.begin_upload(upload).await?;
    let mut response = document("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &target.bucket);
        xml.text("Key", &target.key);
        xml.text("UploadId", &id);
    });
    if let Some(algorithm) = algorithm {
        let to = response.headers_mut();
        insert(to, HeaderName::from_static("x-amz-checksum-algorithm"), algorithm.as_str());
    }
    Ok(response)
}

/// Keeps a part.
pub(super) async fn put_part<P: Platform>(
    service: &Service<'_, P>,
    target: &Target,
    request: &Request,
    signed: SignedBody,
) -> Result<Response, ObjectError> {
    let number = target.parameter("partNumber").and_then(|number| number.parse().ok());
    let number = number.ok_or(ObjectError::PartNumber)?;
    let stored = service.put_part(&target.key, upload_id(target), number, body(request, signed)?).await?;
    let mut response = kept(&stored);
    // It is the part's, so there is nothing to say of what kind the object's will be.
    response.headers_mut().remove("x-amz-checksum-type");
    Ok(response)
}

/// Makes the object of its parts.
pub(super) async fn complete<P: Platform>(
    service: &Service<'_, P>,
    target: &Target,
    request: &Request,
    signed: SignedBody,
) -> Result<Response, ObjectError> {
    let groups = groups(&service.receive_document(signed).await?)?;
    let parts: Option<Vec<PartOf>> = groups.iter().filter(|group| group.name == "Part").map(part).collect();
    let parts = parts.ok_or_else(|| ObjectError::Xml("each Part has a PartNumber and an ETag".to_owned()))?;
    let (id, conditions) = (upload_id(target), conditions(request));
    let stored = service.complete_upload(&target.key, id, &parts, checksum(request), &conditions).await?;
    Ok(document("CompleteMultipartUploadResult", |xml| {
        let host = request.header("host").unwrap_or_default();
        let scheme = if request.secure { "https" } else { "http" };
        xml.text("Location", &format!("{scheme}://{host}{}", request.path));
        xml.text("Bucket", &target.bucket);
        xml.text("Key", &target.key);
        xml.text("ETag", &format!("\"{}\"", stored.etag));
        if let Some(checksum) = &stored.checksum {
            xml.text(&format!("Checksum{}", checksum.algorithm.as_str()), &checksum.value);
            xml.text("ChecksumType", checksum_type(checksum));
        }
    }))
}

fn part(group: &Group) -> Option<PartOf> {
    let number = group.text("PartNumber")?.trim().parse().ok()?;
    let etag = group.text("ETag")?.trim().trim_matches('"').to_owned();
    let checksum = Algorithm::ALL.iter().find_map(|algorithm| group.text(&format!("Checksum{}", algorithm.as_str())));
    Some(PartOf { number, etag, checksum: checksum.map(str::to_owned) })
}

/// Gives an upload up.
pub(super) async fn abort<P: Platform>(service: &Service<'_, P>, target: &Target) -> Result<Response, ObjectError> {
    service.abort_upload(&target.key, upload_id(target)).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The parts of an upload: all at once, as there are few.
pub(super) async fn parts<P: Platform>(service: &Service<'_, P>, target: &Target) -> Result<Response, ObjectError> {
    let id = upload_id(target);
    service.upload(&target.key, id).await?;
    let parts = service.parts(id).await?;
    Ok(document("ListPartsResult", |xml| {
        xml.text("Bucket", &target.bucket);
        xml.text("Key", &target.key);
        xml.text("UploadId", id);
        xml.text("MaxParts", "1000");
        xml.text("IsTruncated", "false");
        for part in &parts {
            xml.element("Part", |xml| {
                xml.text("PartNumber", &part.number.to_string());
                xml.text("LastModified", &time_in_xml(part.modified_ms.unwrap_or_default()));
                xml.text("ETag", &format!("\"{}\"", part.etag));
                xml.text("Size", &part.size.to_string());
            });
        }
    }))
}

/// The uploads that are under way.
pub(super) async fn uploads<P: Platform>(service: &Service<'_, P>, target: &Target) -> Result<Response, ObjectError> {
    let prefix = target.parameter("prefix").unwrap_or_default();
    let uploads = service.uploads(prefix).await?;
    Ok(document("ListMultipartUploadsResult", |xml| {
        xml.text("Bucket", &target.bucket);
        xml.text("Prefix", prefix);
        xml.text("MaxUploads", "1000");
        xml.text("IsTruncated", "false");
        for (id, upload) in &uploads {
            xml.element("Upload", |xml| {
                xml.text("Key", &upload.key);
                xml.text("UploadId", id);
                xml.text("StorageClass", "STANDARD");
                xml.text("Initiated", &time_in_xml(upload.begun_ms));
            });
        }
    }))
}
