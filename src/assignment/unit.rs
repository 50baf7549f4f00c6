//! Sticky choice: weighted rendezvous hashing of units.
//!
//! The assignment is a function of (salt, unit, variant names, weights) alone, so every isolate gives the same
//! answer without any state, and an analyst can recompute it. In words, with `+` for joining texts and `LF` for
//! a line feed:
//!
//! 1. `unit hash` = the first 32 hexadecimal digits of SHA-256(salt + LF + unit), in lower case. This, not the
//!    unit, is what a record holds.
//! 2. For each variant of weight above 0: `h` = the first 8 bytes, big-endian, of SHA-256(unit hash + LF +
//!    variant name), shifted right by 12 bits; `u` = (h + 0.5) / 2^52, exact in a double, and neither 0 nor 1.
//! 3. `score` = -ln(u) / weight. The variant of the smallest score is chosen; of equal ones, the first.
//!
//! -ln(u) of a uniform u is exponentially distributed with rate 1, and the smallest of independent exponentials
//! of rates w1, w2, ... is the i-th with probability wi / (w1 + w2 + ...): units are shared out by weight. Raising
//! one variant's weight moves units to it alone, and lowering it moves them from it alone. SHA-256 is used because
//! every database and language has it. (Weighted rendezvous hashing: Resch and Tardas, "Weighted Distributed Hash
//! Tables", 2015; the construction is the exponential race of Efraimidis and Spirakis, 2006.)

use std::fmt;

use sha2::{Digest, Sha256};

use crate::endpoint::{Salt, Variant};

/// A unit as records hold it: 128 bits of a salted hash, written as 32 hexadecimal digits.
///
/// A pseudonym, not anonymity: whoever knows the salt and can guess unit ids can look them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitHash([u8; 16]);

impl UnitHash {
    /// Hashes a unit.
    pub fn new(salt: &Salt, unit: &str) -> Self {
        let digest = Sha256::new().chain_update(salt.as_str()).chain_update("\n").chain_update(unit).finalize();
        let mut hash = [0; 16];
        hash.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        UnitHash(hash)
    }

    /// The 32 digits, in ASCII.
    fn digits(&self) -> [u8; 32] {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).map_or(0, |digit| digit as u8);
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        digits
    }

    /// The unit's variant; `None` if all weights are 0.
    pub fn choose<'a>(&self, variants: &'a [Variant]) -> Option<&'a Variant> {
        let mut best: Option<Score<'a>> = None;
        for score in self.scores(variants) {
            if best.is_none_or(|best| score.score < best.score) {
                best = Some(score);
            }
        }
        best.map(|best| best.variant)
    }

    /// The scores of the variants whose weight is above 0, in order.
    pub fn scores<'a>(&self, variants: &'a [Variant]) -> impl Iterator<Item = Score<'a>> {
        let prefix = Sha256::new().chain_update(self.digits()).chain_update("\n");
        variants.iter().filter(|variant| variant.weight.get() > 0.0).map(move |variant| {
            let digest = prefix.clone().chain_update(variant.name.as_str()).finalize();
            let high = digest.iter().take(8).fold(0, |bits: u64, byte| (bits << 8) | u64::from(*byte));
            let uniform = ((high >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
            Score { variant, uniform, score: -uniform.ln() / variant.weight.get() }
        })
    }
}

/// A variant's score for a unit: the variant with the smallest score gets the unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score<'a> {
    /// The variant.
    pub variant: &'a Variant,
    /// What the unit and the variant's name hash to, between 0 and 1.
    pub uniform: f64,
    /// -ln(uniform) / weight.
    pub score: f64,
}

impl fmt::Display for UnitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Digits are ASCII.
        f.write_str(std::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}
