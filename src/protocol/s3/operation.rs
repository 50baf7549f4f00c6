//! Which of S3's operations a request asks for.

use http::Method;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use crate::platform::Place;
use crate::request::Request;
use crate::service::ObjectError;

/// What a request is about.
pub(super) struct Target {
    /// The bucket, as the caller wrote it; empty where none is named.
    pub bucket: String,
    /// Where its objects are.
    pub place: Option<Place>,
    /// The object's key; empty where none is named.
    pub key: String,
    query: Vec<(String, String)>,
}

impl Target {
    /// By a request's path and query.
    pub fn of(request: &Request) -> Result<Self, ObjectError> {
        let path = request.path.strip_prefix('/').unwrap_or(&request.path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let key = decoded(key).map_err(|_| ObjectError::Key)?;
        let query = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        Ok(Target { bucket: bucket.to_owned(), place: place_of(bucket), key, query })
    }

    /// A parameter of the query; empty where it stands there without a value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The operation that the request asks for; the name of one that is not served here.
    pub fn operation(&self, request: &Request) -> Result<Operation, ObjectError> {
        let has = |name: &str| self.parameter(name).is_some();
        let (method, copies) = (request.method.as_str(), request.headers.contains_key("x-amz-copy-source"));
        let is_of = if self.key.is_empty() { "Bucket" } else { "Object" };
        if self.bucket.is_empty() {
            return if method == "GET" { Ok(Operation::ListBuckets) } else { not_here(method, "Service") };
        }
        if let Some(part) = SUBRESOURCES.iter().find(|name| has(name)) {
            return not_here(method, &format!("{is_of} ?{part}"));
        }
        if has("X-Amz-Signature") {
            return Err(ObjectError::NotHere("a presigned address".to_owned()));
        }
        Ok(match (method, self.key.is_empty()) {
            ("GET", true) if has("location") => Operation::GetBucketLocation,
            ("GET", true) if has("uploads") => Operation::ListMultipartUploads,
            ("GET", true) if self.parameter("list-type") == Some("2") => Operation::ListObjectsV2,
            ("GET", true) => Operation::ListObjects,
            ("HEAD", true) => Operation::HeadBucket,
            ("PUT", true) => Operation::CreateBucket,
            ("POST", true) if has("delete") => Operation::DeleteObjects,
            ("GET", false) if has("uploadId") => Operation::ListParts,
            ("GET", false) => Operation::GetObject,
            ("HEAD", false) => Operation::HeadObject,
            ("PUT", false) if copies => return Err(ObjectError::NotHere("CopyObject".to_owned())),
            ("PUT", false) if has("partNumber") => Operation::UploadPart,
            ("PUT", false) => Operation::PutObject,
            ("POST", false) if has("uploads") => Operation::CreateMultipartUpload,
            ("POST", false) if has("uploadId") => Operation::CompleteMultipartUpload,
            ("DELETE", false) if has("uploadId") => Operation::AbortMultipartUpload,
            ("DELETE", false) => Operation::DeleteObject,
            _ => return not_here(method, is_of),
        })
    }
}

/// The bucket of that name. SageMaker's clients are told of both in capital letters.
pub(super) fn place_of(bucket: &str) -> Option<Place> {
    if bucket.eq_ignore_ascii_case("models") {
        Some(Place::Models)
    } else if bucket.eq_ignore_ascii_case("capture") {
        Some(Place::Capture)
    } else {
        None
    }
}

/// Parts of buckets and objects that there are none of here.
const SUBRESOURCES: [&str; 27] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "tagging",
    "torrent",
    "versioning",
    "versions",
];

fn not_here(method: &str, what: &str) -> Result<Operation, ObjectError> {
    Err(ObjectError::NotHere(format!("the operation {method} {what}")))
}

/// The operations that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListBuckets,
    GetBucketLocation,
    HeadBucket,
    CreateBucket,
    ListObjects,
    ListObjectsV2,
    ListMultipartUploads,
    DeleteObjects,
    GetObject,
    HeadObject,
    PutObject,
    DeleteObject,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
}

impl Operation {
    /// Whether it changes something.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Operation::DeleteObjects
                | Operation::PutObject
                | Operation::DeleteObject
                | Operation::CreateMultipartUpload
                | Operation::UploadPart
                | Operation::CompleteMultipartUpload
                | Operation::AbortMultipartUpload
        )
    }
}

/// Whether a request is signed for S3.
pub(super) fn is_signed_for_s3(request: &Request) -> bool {
    let services = ["/s3/aws4_request", "/s3express/aws4_request"];
    request.header("authorization").is_some_and(|value| services.iter().any(|service| value.contains(service)))
}

/// Whether a path is a bucket's or an object's. Those of endpoints are told by how they begin, as they are the most.
pub(super) fn is_path(request: &Request) -> bool {
    let Some(path) = request.path.strip_prefix('/').filter(|path| !path.starts_with("endpoints")) else { return false };
    match path.as_bytes().first() {
        Some(b'm' | b'M' | b'c' | b'C') => place_of(path.split('/').next().unwrap_or_default()).is_some(),
        // Another bucket, which is told that it is none.
        Some(_) => is_signed_for_s3(request) && request.method != Method::OPTIONS,
        None => request.method == Method::GET && is_signed_for_s3(request),
    }
}
