//! The service for one request, and the randomness that all its parts draw from.

use super::Error;
use crate::assignment::{Randomness, seeded};
use crate::isolate::Isolate;
use crate::platform::{Limited, Platform};

/// The service for one request: a platform, and what the isolate already has.
#[derive(Debug)]
pub struct Service<'a, P> {
    pub(super) platform: Limited<P>,
    pub(super) isolate: &'a Isolate,
}

impl<'a, P: Platform> Service<'a, P> {
    /// The service on a platform.
    pub fn new(platform: P, isolate: &'a Isolate) -> Self {
        Service { platform: Limited::new(platform, isolate.store_limit_ms), isolate }
    }

    /// The platform.
    pub fn platform(&self) -> &P {
        &self.platform
    }

    /// What the isolate keeps.
    pub fn isolate(&self) -> &'a Isolate {
        self.isolate
    }

    /// Draws from the isolate's generator, which is seeded by the platform at the first draw: Workers give no
    /// randomness before the first request.
    pub(super) fn with_randomness<T>(&self, draw: impl FnOnce(&mut Randomness) -> T) -> Result<T, Error> {
        let mut randomness = self.isolate.randomness.borrow_mut();
        let generator = match &mut *randomness {
            Some(generator) => generator,
            unseeded => unseeded.insert(seeded(self.platform.entropy()?)),
        };
        Ok(draw(generator))
    }
}
