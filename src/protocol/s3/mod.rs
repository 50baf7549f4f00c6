//! S3, for AWS's clients: the bucket `models`, and, to be read only, the bucket `capture`; path style.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

mod batch;
mod error;
mod head;
mod list;
mod multipart;
mod object;
mod operation;
mod routes;
mod xml;

pub(super) use routes::{answer, claims, refuse};
