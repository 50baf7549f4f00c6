//! Random ids of this isolate's own.

use std::fmt;

use sha2::{Digest, Sha256};

/// Makes ids that nobody can guess from others: SHA-256 of a secret seed and a counter. They are no outputs of the generator that
/// variants are drawn with, whose next draws could be computed from a few of them.
pub struct Ids {
    seed: [u8; 32],
    counter: u64,
}

impl Ids {
    /// From the platform's randomness.
    pub fn new(seed: [u8; 32]) -> Self {
        Ids { seed, counter: 0 }
    }

    /// 128 bits that no other id of this isolate has.
    pub fn next_bits(&mut self) -> u128 {
        self.counter = self.counter.wrapping_add(1);
        let digest: [u8; 32] =
            Sha256::new_with_prefix(self.seed).chain_update(self.counter.to_be_bytes()).finalize().into();
        digest.first_chunk().map_or(0, |first| u128::from_be_bytes(*first))
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}
