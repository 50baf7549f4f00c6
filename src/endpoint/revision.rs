//! Revisions of documents.

use super::digest::Sha256;

/// Names a version of a configuration: the first 12 hexadecimal digits of the document's SHA-256
/// (`sha256sum endpoint.json | cut -c1-12`). It depends on the bytes alone, so a document changed by hand has a new
/// revision, and one that is restored has its old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(Box<str>);

impl Revision {
    /// The revision of a document, by its bytes.
    pub fn of(document: &[u8]) -> Self {
        let digest = Sha256::of(document).to_string();
        Revision(digest.chars().take(12).collect())
    }

    /// Twelve hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
