//! Checksums of objects, as S3's clients ask for them.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;

use crate::access::hex;

static CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static CRC64NVME: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);

/// What a checksum is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// CRC-32, as zlib has it.
    Crc32,
    /// CRC-32 with Castagnoli's polynomial.
    Crc32c,
    /// CRC-64 as NVMe has it.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    /// As S3 names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }

    /// By S3's name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The header that has such a checksum.
    pub fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32c => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// By the name of its header.
    pub fn of_header(name: &str) -> Option<Self> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.header() == name)
    }
}

/// A checksum: base64, with the number of parts behind it where it is one of the parts' checksums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// What it is made with.
    pub algorithm: Algorithm,
    /// As S3 writes it.
    pub value: String,
}

impl Checksum {
    /// Whether it is one of the parts' checksums, and not of the bytes.
    pub fn is_of_parts(&self) -> bool {
        self.value.contains('-')
    }
}

/// A checksum that is being made.
pub enum Running {
    /// See [`Algorithm::Crc32`].
    Crc32(crc::Digest<'static, u32>),
    /// See [`Algorithm::Crc32c`].
    Crc32c(crc::Digest<'static, u32>),
    /// See [`Algorithm::Crc64Nvme`].
    Crc64Nvme(crc::Digest<'static, u64>),
    /// See [`Algorithm::Sha1`].
    Sha1(Sha1),
    /// See [`Algorithm::Sha256`].
    Sha256(Sha256),
}

impl Running {
    /// Of no bytes yet.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Running::Crc32(CRC32.digest()),
            Algorithm::Crc32c => Running::Crc32c(CRC32C.digest()),
            Algorithm::Crc64Nvme => Running::Crc64Nvme(CRC64NVME.digest()),
            Algorithm::Sha1 => Running::Sha1(Sha1::new()),
            Algorithm::Sha256 => Running::Sha256(Sha256::new()),
        }
    }

    /// With these bytes behind.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Running::Crc32(digest) | Running::Crc32c(digest) => digest.update(bytes),
            Running::Crc64Nvme(digest) => digest.update(bytes),
            Running::Sha1(digest) => digest.update(bytes),
            Running::Sha256(digest) => digest.update(bytes),
        }
    }

    /// As S3 writes it.
    pub fn finish(self) -> String {
        match self {
            Running::Crc32(digest) | Running::Crc32c(digest) => BASE64_STANDARD.encode(digest.finalize().to_be_bytes()),
            Running::Crc64Nvme(digest) => BASE64_STANDARD.encode(digest.finalize().to_be_bytes()),
            Running::Sha1(digest) => BASE64_STANDARD.encode(digest.finalize()),
            Running::Sha256(digest) => BASE64_STANDARD.encode(digest.finalize()),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

/// What is made of all bytes that go by: how many they are, their MD5, and a checksum.
#[derive(Debug)]
pub struct Sums {
    /// How many bytes.
    pub bytes: u64,
    md5: Md5,
    checksum: Option<(Algorithm, Running)>,
}

/// What came of bytes that have gone by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summed {
    /// How many bytes.
    pub bytes: u64,
    /// Their MD5.
    pub md5: [u8; 16],
    /// Their checksum, where one was asked for.
    pub checksum: Option<Checksum>,
}

impl Sums {
    /// Of no bytes yet.
    pub fn new(algorithm: Option<Algorithm>) -> Self {
        Sums { bytes: 0, md5: Md5::new(), checksum: algorithm.map(|algorithm| (algorithm, Running::new(algorithm))) }
    }

    /// With these bytes behind.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.md5.update(bytes);
        if let Some((_, running)) = &mut self.checksum {
            running.update(bytes);
        }
    }

    /// Of all of them.
    pub fn finish(self) -> Summed {
        let checksum = self.checksum.map(|(algorithm, running)| Checksum { algorithm, value: running.finish() });
        Summed { bytes: self.bytes, md5: self.md5.finalize().into(), checksum }
    }
}

impl Summed {
    /// The MD5 in hexadecimal digits: the entity tag of an object that came whole.
    pub fn etag(&self) -> String {
        hex(&self.md5)
    }
}

/// The entity tag of an object of parts.
pub(super) fn etag_of_parts(etags: &[&str]) -> Option<String> {
    let mut md5 = Md5::new();
    for etag in etags {
        md5.update(bytes_of_hex(etag)?);
    }
    Some(format!("{}-{}", hex(&md5.finalize()), etags.len()))
}

/// The checksum of parts' checksums.
pub(super) fn checksum_of_parts(algorithm: Algorithm, parts: &[&str]) -> Option<Checksum> {
    let mut running = Running::new(algorithm);
    for part in parts {
        running.update(&BASE64_STANDARD.decode(part).ok()?);
    }
    Some(Checksum { algorithm, value: format!("{}-{}", running.finish(), parts.len()) })
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python's zlib and hashlib, and by the check values of the catalogue of CRCs.
    #[test]
    fn checksums_are_those_of_others() {
        for (algorithm, expected) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let mut running = Running::new(algorithm);
            running.update(b"1234");
            running.update(b"56789");
            assert_eq!(running.finish(), expected, "{algorithm:?}");
            assert_eq!(Algorithm::of_header(algorithm.header()), Some(algorithm));
            assert_eq!(Algorithm::named(algorithm.as_str()), Some(algorithm));
        }
    }

    #[test]
    fn the_tag_of_parts_is_the_md5_of_their_md5s() {
        let mut sums = Sums::new(None);
        sums.update(b"a");
        let etag = sums.finish().etag();
        assert_eq!(etag, "0cc175b9c0f1b6a831c399e269772661");
        // By Python: md5(md5(b"a").digest() * 2).hexdigest()
        assert_eq!(etag_of_parts(&[&etag, &etag]).unwrap(), "7b3c799ee8b11a11c798c8b41bed8502-2");
        assert_eq!(etag_of_parts(&["zz"]), None);
    }
}
