//! Objects that are written: their bodies are read in pieces, checked as they come, and kept outside of the worker's memory.

use super::checksum::{Algorithm, Checksum, Summed, Sums};
use super::object::{Conditions, Facts, MAX_OBJECT_BYTES, Object, ObjectError, check_key};
use crate::access::{BodyCheck, SignedBody};
use crate::platform::{Objects, Place, Platform};
use crate::service::Service;

/// The most bytes of a document that an operation takes.
const MOST_XML: u64 = 1 << 20;

/// A body that is to be kept, and what the request says of it.
#[derive(Clone, Debug)]
pub struct NewBody {
    /// How it is signed.
    pub signed: SignedBody,
    /// How many bytes the object has, as the request says.
    pub length: Option<u64>,
    /// Its MD5 in hexadecimal digits, as the request says.
    pub md5: Option<String>,
    /// The checksum that the request has in its head.
    pub checksum: Option<Checksum>,
    /// The one that is to come behind the body.
    pub announced: Option<Algorithm>,
    /// The one that is to be made, where none comes.
    pub wanted: Option<Algorithm>,
}

/// What was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its checksum, where one was asked for.
    pub checksum: Option<Checksum>,
}

/// A body that has been read.
pub(super) struct Received<B> {
    pub blob: B,
    pub summed: Summed,
}

impl<P: Platform> Service<'_, P> {
    /// Puts an object in place of what is there.
    ///
    /// # Errors
    /// If its body is not what the request says of it, or is too large, or a condition does not hold.
    pub async fn put_model(
        &self,
        key: &str,
        body: NewBody,
        mut facts: Facts,
        conditions: &Conditions,
    ) -> Result<Stored, ObjectError> {
        check_key(key)?;
        // Before a body is sent that nobody wants; what is said is no larger by its checksum.
        facts.check()?;
        self.check_before_write(key, conditions).await?;
        let Received { blob, summed } = self.receive(body, MAX_OBJECT_BYTES).await?;
        let etag = summed.etag();
        facts.checksum.clone_from(&summed.checksum);
        self.write_model(key, &blob, Object { size: summed.bytes, etag: etag.clone(), modified_ms: None, facts })
            .await?;
        Ok(Stored { etag, checksum: summed.checksum })
    }

    /// Writes an object's bytes and what is said of them.
    pub(super) async fn write_model(
        &self,
        key: &str,
        blob: &<P as Objects>::Blob,
        mut object: Object,
    ) -> Result<(), ObjectError> {
        object.modified_ms = Some(self.platform.now_ms());
        Ok(self.platform.write_object(key, blob, &object.metadata()?, None).await?)
    }

    /// Whether the conditions of a change hold. The store compares nothing by itself, so that of two at once both may be
    /// made.
    pub(super) async fn check_before_write(&self, key: &str, conditions: &Conditions) -> Result<(), ObjectError> {
        if conditions.is_empty() {
            return Ok(());
        }
        let etag = match self.object(Place::Models, key).await {
            Ok(object) => Some(object.etag),
            Err(ObjectError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        match conditions.check(etag.as_deref()) {
            Err(ObjectError::Unmodified) => Err(ObjectError::Precondition("If-None-Match")),
            checked => checked,
        }
    }

    /// Reads the request's body into a blob.
    pub(super) async fn receive(
        &self,
        body: NewBody,
        most: u64,
    ) -> Result<Received<<P as Objects>::Blob>, ObjectError> {
        let NewBody { signed, length, md5, checksum, announced, wanted } = body;
        let said = length.ok_or(ObjectError::NoLength)?;
        let bytes = usize::try_from(said).ok().filter(|_| said <= most).ok_or(ObjectError::TooLarge(said))?;
        let blob = self.room_for(bytes)?;
        let algorithm = checksum.as_ref().map(|checksum| checksum.algorithm).or(announced).or(wanted);
        let mut sums = Sums::new(algorithm);
        let mut check = BodyCheck::new(signed);
        let stream = self.platform.body();
        while let Some(piece) = self.platform.next_piece(&stream).await? {
            for part in check.take(&piece)? {
                sums.update(piece.get(part.clone()).unwrap_or_default());
                if sums.bytes > said {
                    return Err(ObjectError::Length { said, came: sums.bytes });
                }
                self.platform.keep(&stream, part, &blob);
            }
        }
        let trailers = check.end()?;
        let summed = sums.finish();
        if summed.bytes != said {
            return Err(ObjectError::Length { said, came: summed.bytes });
        }
        if md5.is_some_and(|md5| md5 != summed.etag()) {
            return Err(ObjectError::Checksum("Content-MD5"));
        }
        let came = match announced {
            None => checksum.map(|checksum| checksum.value),
            Some(algorithm) => {
                let trailer = trailers.into_iter().find(|(name, _)| name == algorithm.header());
                let missing =
                    || ObjectError::Argument(format!("{} was announced and did not come", algorithm.header()));
                Some(trailer.ok_or_else(missing)?.1)
            }
        };
        match (&summed.checksum, came) {
            (Some(made), Some(came)) if made.value != came => Err(ObjectError::Checksum(made.algorithm.as_str())),
            _ => Ok(Received { blob, summed }),
        }
    }

    /// Room for so many bytes in the isolate's memory. Models that were used longest ago make way for it, and are loaded again
    /// when they are asked for.
    pub(super) fn room_for(&self, bytes: usize) -> Result<<P as Objects>::Blob, ObjectError> {
        let blob = self.platform.room(bytes).ok_or(ObjectError::NoRoom)?;
        self.isolate.models.borrow_mut().make_way(bytes);
        Ok(blob)
    }

    /// Reads the request's body as a document, which is small.
    ///
    /// # Errors
    /// If it is not what was signed, or is too large.
    pub async fn receive_document(&self, signed: SignedBody) -> Result<Vec<u8>, ObjectError> {
        let mut document = Vec::new();
        let mut check = BodyCheck::new(signed);
        let stream = self.platform.body();
        while let Some(piece) = self.platform.next_piece(&stream).await? {
            for part in check.take(&piece)? {
                document.extend_from_slice(piece.get(part).unwrap_or_default());
            }
            if document.len() as u64 > MOST_XML {
                return Err(ObjectError::Xml(format!("it has more than {MOST_XML} bytes")));
            }
        }
        check.end()?;
        Ok(document)
    }
}
