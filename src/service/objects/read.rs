//! Objects that are read.

use std::ops::Range;

use super::checksum::Sums;
use super::object::{Conditions, Facts, Object, ObjectError, check_key};
use crate::access::{self, SignedBody};
use crate::platform::{Objects, Place, Platform};
use crate::request::Request;
use crate::service::Service;

/// An object, and its bytes on their way.
pub struct Opened<S> {
    /// What it is.
    pub object: Object,
    stream: S,
}

impl<P: Platform> Service<'_, P> {
    /// Whether who sent the request may use the buckets, and how its body is signed.
    ///
    /// # Errors
    /// If not.
    pub fn allow_bucket(&self, place: Place, request: &Request) -> Result<SignedBody, ObjectError> {
        Ok(access::allow_bucket(&*self.platform, place == Place::Models, request)?)
    }

    /// What an object is.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn object(&self, place: Place, key: &str) -> Result<Object, ObjectError> {
        let (told, stream) = self.open(place, key).await?;
        match Object::told(told) {
            Some(object) => Ok(object),
            None => self.looked_at(stream).await,
        }
    }

    /// An object whose bytes can be sent.
    ///
    /// # Errors
    /// If there is none, the store fails, or the conditions do not hold.
    pub async fn open_object(
        &self,
        place: Place,
        key: &str,
        conditions: &Conditions,
    ) -> Result<Opened<<P as Objects>::Stream>, ObjectError> {
        let (told, stream) = self.open(place, key).await?;
        let (object, stream) = match Object::told(told) {
            Some(object) => (object, stream),
            // Its size and tag come first in a response, so it is read twice.
            None => (self.looked_at(stream).await?, self.open(place, key).await?.1),
        };
        conditions.check(Some(&object.etag))?;
        Ok(Opened { object, stream })
    }

    /// Sends an object's bytes, or a part of them, as the response's body.
    pub fn send_object(&self, opened: Opened<<P as Objects>::Stream>, part: Range<u64>) {
        self.platform.respond_with(opened.stream, part);
    }

    async fn open(
        &self,
        place: Place,
        key: &str,
    ) -> Result<(crate::platform::Told, <P as Objects>::Stream), ObjectError> {
        check_key(key)?;
        self.platform.open_object(place, key).await?.ok_or_else(|| ObjectError::NotFound(key.to_owned()))
    }

    /// What an object is that nobody has said anything of: as much of it as its bytes tell.
    pub(super) async fn looked_at(&self, stream: <P as Objects>::Stream) -> Result<Object, ObjectError> {
        let mut sums = Sums::new(None);
        while let Some(piece) = self.platform.next_piece(&stream).await? {
            sums.update(&piece);
        }
        let summed = sums.finish();
        Ok(Object { size: summed.bytes, etag: summed.etag(), modified_ms: None, facts: Facts::default() })
    }
}
