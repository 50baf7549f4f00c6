//! Bodies of S3's requests, checked against their signatures piece by piece, so that none is ever held whole here: plain
//! ones by their digest, `aws-chunked` ones by the signature of each chunk and of the trailer.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::compare::same;
use super::mac::{hex, hmac};

/// The most bytes of a line between chunks, and of a trailer.
const MOST_LINE: usize = 1 << 10;
/// The most lines of a trailer.
const MOST_TRAILERS: usize = 16;
/// The trailer that signs the others.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// How a body is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedBody {
    /// As it stands, by this digest in hexadecimal digits; not at all where the connection guards it.
    Plain(Option<String>),
    /// In chunks, with what signs them.
    Chunks(Option<ChunkSigner>),
}

/// Makes the signatures of chunks, each of which has the one before it in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkSigner {
    key: Vec<u8>,
    time_and_scope: String,
    previous: String,
}

impl ChunkSigner {
    /// From the signature of the request's head.
    pub(super) fn new(key: Vec<u8>, time_and_scope: String, previous: String) -> Self {
        ChunkSigner { key, time_and_scope, previous }
    }

    /// Compares a signature with that of what it is to sign.
    fn compare(&mut self, kind: &str, digests: &str, given: &str) -> Result<(), BodyError> {
        let ChunkSigner { key, time_and_scope, previous } = self;
        let text = format!("AWS4-HMAC-SHA256-{kind}\n{time_and_scope}\n{previous}\n{digests}");
        let expected = hmac(key, &text).map(|mac| hex(&mac)).ok_or(BodyError::Signature)?;
        if !same(given, &expected) {
            return Err(BodyError::Signature);
        }
        self.previous = expected;
        Ok(())
    }

    fn chunk(&mut self, data: Sha256, given: &str) -> Result<(), BodyError> {
        let digests = format!("{}\n{}", hex(&Sha256::digest([])), hex(&data.finalize()));
        self.compare("PAYLOAD", &digests, given)
    }
}

/// A header behind the body.
pub type Trailer = (String, String);

/// Why a body is not what was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The digest is another.
    #[error("the body's SHA-256 is not the one in X-Amz-Content-SHA256")]
    Digest,
    /// A chunk or the trailer is not signed as it should be.
    #[error("the signature of a chunk, or of the trailer, does not match")]
    Signature,
    /// It ends before its last chunk.
    #[error("the body ends before its last chunk")]
    Unfinished,
    /// It is not in chunks as it should be.
    #[error("the body is no aws-chunked: {0}")]
    Chunks(&'static str),
}

/// Checks a body while it is read.
#[derive(Debug)]
pub struct BodyCheck(Form);

#[derive(Debug)]
enum Form {
    Plain(Option<(Sha256, String)>),
    Chunks(Chunks),
}

#[derive(Debug)]
struct Chunks {
    signer: Option<ChunkSigner>,
    at: At,
    /// What is there of a line that is not whole yet.
    line: Vec<u8>,
    /// Of the chunk in hand.
    signature: String,
    digest: Sha256,
    trailers: Vec<Trailer>,
}

/// Where in the body one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the line with a chunk's size.
    Size,
    /// In a chunk, with so many bytes to come.
    Data(usize),
    /// Before the line feed behind a chunk.
    AfterData,
    /// Behind the last chunk.
    Trailers,
}

impl BodyCheck {
    /// For a body that is signed so.
    pub fn new(signed: SignedBody) -> Self {
        BodyCheck(match signed {
            SignedBody::Plain(digest) => Form::Plain(digest.map(|digest| (Sha256::new(), digest))),
            SignedBody::Chunks(signer) => Form::Chunks(Chunks {
                signer,
                at: At::Size,
                line: Vec::new(),
                signature: String::new(),
                digest: Sha256::new(),
                trailers: Vec::new(),
            }),
        })
    }

    /// Takes the next piece: which parts of it are the object's.
    ///
    /// # Errors
    /// If the body is not what was signed, as far as that is known by now.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<Range<usize>>, BodyError> {
        match &mut self.0 {
            Form::Plain(digest) => {
                if let Some((digest, _)) = digest {
                    digest.update(piece);
                }
                Ok(std::iter::once(0..piece.len()).collect())
            }
            Form::Chunks(chunks) => chunks.take(piece),
        }
    }

    /// At the end of the body: what its trailer says.
    ///
    /// # Errors
    /// If the body is not what was signed.
    pub fn end(self) -> Result<Vec<Trailer>, BodyError> {
        match self.0 {
            Form::Plain(None) => Ok(Vec::new()),
            Form::Plain(Some((digest, expected))) => {
                if hex(&digest.finalize()) == expected {
                    Ok(Vec::new())
                } else {
                    Err(BodyError::Digest)
                }
            }
            Form::Chunks(chunks) => chunks.end(),
        }
    }
}

impl Chunks {
    fn take(&mut self, piece: &[u8]) -> Result<Vec<Range<usize>>, BodyError> {
        let mut found = Vec::new();
        let mut from = 0_usize;
        while let Some(rest) = piece.get(from..).filter(|rest| !rest.is_empty()) {
            let taken = match self.at {
                At::Data(left) => {
                    let data = rest.get(..left).unwrap_or(rest);
                    if self.signer.is_some() {
                        self.digest.update(data);
                    }
                    found.push(from..from.saturating_add(data.len()));
                    self.at = At::Data(left.saturating_sub(data.len()));
                    if self.at == At::Data(0) {
                        self.end_chunk()?;
                        self.at = At::AfterData;
                    }
                    data.len()
                }
                At::Size | At::AfterData | At::Trailers => {
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    let part = end.and_then(|end| rest.get(..=end)).unwrap_or(rest);
                    if self.line.len().saturating_add(part.len()) > MOST_LINE {
                        return Err(BodyError::Chunks("a line between chunks is too long"));
                    }
                    self.line.extend_from_slice(part);
                    if end.is_some() {
                        let line = std::mem::take(&mut self.line);
                        let line = std::str::from_utf8(&line).map_err(|_| BodyError::Chunks("a line is no text"))?;
                        self.read(line.trim_end())?;
                    }
                    part.len()
                }
            };
            from = from.saturating_add(taken);
        }
        Ok(found)
    }

    /// Reads a line that is no data.
    fn read(&mut self, line: &str) -> Result<(), BodyError> {
        match self.at {
            At::AfterData if line.is_empty() => self.at = At::Size,
            At::AfterData | At::Data(_) => return Err(BodyError::Chunks("a chunk has another size than it says")),
            At::Size => {
                let (size, extension) = line.split_once(';').unwrap_or((line, ""));
                let size = usize::from_str_radix(size.trim(), 16)
                    .map_err(|_| BodyError::Chunks("a chunk does not begin with its size"))?;
                let signature = extension.trim().strip_prefix("chunk-signature=").unwrap_or_default();
                signature.clone_into(&mut self.signature);
                if size == 0 {
                    self.end_chunk()?;
                    self.at = At::Trailers;
                } else {
                    self.at = At::Data(size);
                }
            }
            At::Trailers if line.is_empty() => {}
            At::Trailers => {
                let (name, value) =
                    line.split_once(':').ok_or(BodyError::Chunks("a line of the trailer is no header"))?;
                if self.trailers.len() >= MOST_TRAILERS {
                    return Err(BodyError::Chunks("the trailer has too many lines"));
                }
                self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), BodyError> {
        let digest = std::mem::take(&mut self.digest);
        match &mut self.signer {
            Some(signer) => signer.chunk(digest, &self.signature),
            None => Ok(()),
        }
    }

    fn end(mut self) -> Result<Vec<Trailer>, BodyError> {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            let line = std::str::from_utf8(&line).map_err(|_| BodyError::Chunks("a line is no text"))?;
            self.read(line.trim_end())?;
        }
        if self.at != At::Trailers {
            return Err(BodyError::Unfinished);
        }
        let (signatures, trailers): (Vec<Trailer>, Vec<Trailer>) =
            self.trailers.into_iter().partition(|(name, _)| name == TRAILER_SIGNATURE);
        if let Some(signer) = &mut self.signer
            && !(trailers.is_empty() && signatures.is_empty())
        {
            let signature = signatures.first().map(|(_, signature)| signature.as_str()).unwrap_or_default();
            let text: String = trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            signer.compare("TRAILER", &hex(&Sha256::digest(text.as_bytes())), signature)?;
        }
        Ok(trailers)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use super::super::sigv4::{Key, verify_object};
    use super::*;
    use crate::request::Request;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    /// 2013-05-24 at midnight, of AWS's examples.
    const SIGNED_MS: f64 = 1_369_353_600_000.0;

    /// AWS's examples of `PUT /examplebucket/chunkObject.txt`: 65 KiB of the letter a, in chunks of 64 KiB.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html> and `sigv4-streaming-trailers.html`.
    fn example(payload: &str, more: &[(&str, &str)], seed: &str) -> Result<SignedBody, super::super::SignatureError> {
        let mut headers = HeaderMap::new();
        let mut all = vec![
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", payload),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
        ];
        all.extend_from_slice(more);
        let mut names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let names = names.join(";");
        for (name, value) in all {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders={names},Signature={seed}"
        );
        headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        let path = "/examplebucket/chunkObject.txt".to_owned();
        let request = Request { method: Method::PUT, secure: true, path, headers, ..Request::default() };
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned();
        verify_object(&request, &Key { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret }, SIGNED_MS)
    }

    fn signed() -> SignedBody {
        let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        example("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", &[("content-length", "66824")], seed).unwrap()
    }

    fn with_trailer() -> SignedBody {
        let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
        let more = [("x-amz-trailer", "x-amz-checksum-crc32c")];
        example("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", &more, seed).unwrap()
    }

    fn body(signatures: [&str; 3], trailer: &str) -> Vec<u8> {
        let [first, second, last] = signatures;
        let (a, b) = ("a".repeat(65_536), "a".repeat(1_024));
        format!(
            "10000;chunk-signature={first}\r\n{a}\r\n400;chunk-signature={second}\r\n{b}\r\n\
             0;chunk-signature={last}\r\n{trailer}\r\n"
        )
        .into_bytes()
    }

    const SIGNED: [&str; 3] = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    const TRAILED: [&str; 3] = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    const TRAILER: &str = "x-amz-checksum-crc32c:sOO8/Q==\r\n\
        x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";

    /// What of a body is the object's, read in pieces of that size; and its trailer.
    fn read(signed: SignedBody, body: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<Trailer>), BodyError> {
        let mut check = BodyCheck::new(signed);
        let mut read = Vec::new();
        for piece in body.chunks(piece) {
            for range in check.take(piece)? {
                read.extend_from_slice(&piece[range]);
            }
        }
        Ok((read, check.end()?))
    }

    #[test]
    fn the_chunks_of_awss_examples_hold_however_they_arrive() {
        let trailer = vec![("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned())];
        for piece in [1, 7, 83, 4_096, 65_536, 1 << 20] {
            let (read_back, trailers) = read(signed(), &body(SIGNED, ""), piece).unwrap();
            assert_eq!(read_back, vec![b'a'; 66_560], "{piece}");
            assert!(trailers.is_empty());
            let (read_back, trailers) = read(with_trailer(), &body(TRAILED, TRAILER), piece).unwrap();
            assert_eq!((read_back.len(), trailers), (66_560, trailer.clone()));
        }
    }

    #[test]
    fn whatever_is_changed_of_a_body_breaks_it() {
        let mut changed = body(SIGNED, "");
        changed[100] = b'b';
        assert_eq!(read(signed(), &changed, 4_096), Err(BodyError::Signature));
        let mut swapped = SIGNED;
        swapped.swap(0, 1);
        assert_eq!(read(signed(), &body(swapped, ""), 4_096), Err(BodyError::Signature));
        let whole = body(SIGNED, "");
        // Without its last chunk, whose signature nobody else can make, it is not whole.
        assert_eq!(read(signed(), &whole[..whole.len() - 200], 4_096), Err(BodyError::Unfinished));
        let other = TRAILER.replace("sOO8", "sOO9");
        assert_eq!(read(with_trailer(), &body(TRAILED, &other), 4_096), Err(BodyError::Signature));
        let unsigned = body(TRAILED, "x-amz-checksum-crc32c:sOO8/Q==\r\n");
        assert_eq!(read(with_trailer(), &unsigned, 4_096), Err(BodyError::Signature));
    }

    #[test]
    fn a_plain_body_has_its_digest() {
        let digest = hex(&Sha256::digest(b"model"));
        let plain = |digest: &str| SignedBody::Plain(Some(digest.to_owned()));
        assert_eq!(read(plain(&digest), b"model", 2).map(|(read, _)| read), Ok(b"model".to_vec()));
        assert_eq!(read(plain(&digest), b"modem", 2), Err(BodyError::Digest));
        assert_eq!(read(SignedBody::Plain(None), b"anything", 3).map(|(read, _)| read), Ok(b"anything".to_vec()));
    }

    #[test]
    fn chunks_that_cannot_be_read_are_told() {
        let good = "5\r\nmodel\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        let (read_back, trailers) = read(SignedBody::Chunks(None), good.as_bytes(), 3).unwrap();
        assert_eq!((read_back.as_slice(), trailers.len()), (&b"model"[..], 1));
        for bad in ["", "5\r\nmodel", "5\r\nmodel\r\n", "4\r\nmodel\r\n0\r\n\r\n", "x\r\n", "5\r\nmodel\r\n0\r\nx\r\n"]
        {
            assert!(read(SignedBody::Chunks(None), bad.as_bytes(), 3).is_err(), "{bad}");
        }
        let long = vec![b'1'; 5_000];
        assert!(read(SignedBody::Chunks(None), &long, 100).is_err());
        let size = format!("{}\r\n", "f".repeat(17));
        assert!(read(SignedBody::Chunks(None), size.as_bytes(), 100).is_err());
    }
}
