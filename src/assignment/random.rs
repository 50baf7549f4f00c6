//! Random choice by weight.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::endpoint::{Endpoint, Variant};

/// The generator of the draws, seeded once in each isolate: xoshiro256++. A draw takes a few instructions, where the
/// platform's generator would take a call out of WebAssembly. Draws have to be independent, not secret.
pub type Randomness = Xoshiro256PlusPlus;

/// Draws a variant with the probability of its weight's share; `None` if all weights are 0.
pub(super) fn choose<'a>(endpoint: &'a Endpoint, randomness: &mut impl Rng) -> Option<&'a Variant> {
    // Below the sum of the weights: a draw is at most 1 - 2^-53.
    let mut rest = unit_interval(randomness.next_u64()) * endpoint.total_weight();
    let mut last = None;
    for variant in endpoint.variants() {
        let weight = variant.weight.get();
        if weight > 0.0 {
            if rest < weight {
                return Some(variant);
            }
            rest -= weight;
            last = Some(variant);
        }
    }
    // Reached only through rounding in the subtractions: the last variant with a weight has the rest.
    last
}

/// Makes a generator from a seed of the platform's randomness.
pub fn seeded(seed: [u8; 32]) -> Randomness {
    Xoshiro256PlusPlus::from_seed(seed)
}

/// The top 53 bits as a number in [0, 1): every multiple of 2^-53 is as likely as every other.
pub(super) fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}
