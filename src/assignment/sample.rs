//! Whether a request is part of a sample, such as of those that are captured.

use rand_core::Rng;
use sha2::{Digest, Sha256};

use super::random::unit_interval;

/// Whether a request is one of a share of all, 0 to 1: by its unit's hash where it has one, so that a unit is in the sample
/// with all of its requests or with none, else by a draw. `purpose` names the sample.
///
/// A unit is in it where the first 8 bytes, big-endian, of SHA-256(unit hash + LF + LF + purpose), shifted right by 11 bits
/// and divided by 2^53, are less than the share. No variant's name begins with a line feed: of which variant the unit is
/// says nothing of whether it is in the sample.
///
/// ```
/// use turnout::assignment::{sampled, seeded};
///
/// let mut randomness = seeded([7; 32]);
/// let unit = Some("00112233445566778899aabbccddeeff");
/// assert!(sampled(1.0, None, "capture", &mut randomness) && !sampled(0.0, unit, "capture", &mut randomness));
/// let first = sampled(0.5, unit, "capture", &mut randomness);
/// assert_eq!(sampled(0.5, unit, "capture", &mut randomness), first);
/// ```
pub fn sampled(share: f64, unit: Option<&str>, purpose: &str, randomness: &mut impl Rng) -> bool {
    if share >= 1.0 {
        return true;
    }
    let bits = match unit {
        Some(hash) => {
            let digest = Sha256::new().chain_update(hash).chain_update("\n\n").chain_update(purpose).finalize();
            digest.iter().take(8).fold(0, |bits: u64, byte| (bits << 8) | u64::from(*byte))
        }
        None => randomness.next_u64(),
    };
    unit_interval(bits) < share
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::assignment::{UnitHash, assign, seeded};
    use crate::endpoint::{Endpoint, Salt};

    #[test]
    fn a_share_of_requests_and_of_units_is_sampled_whatever_their_variant() {
        let document = br#"{"variants": [{"name": "a", "weight": 1, "origin": {"url": "https://a.example"}},
            {"name": "b", "weight": 1, "origin": {"url": "https://b.example"}}]}"#;
        let endpoint = Endpoint::parse(document).unwrap();
        let salt = Salt::try_from("s".to_owned()).unwrap();
        let mut randomness = seeded([7; 32]);
        let (mut drawn, mut of_units, mut both) = (0, 0, 0);
        const N: usize = 20_000;
        for number in 0..N {
            let unit = UnitHash::new(&salt, &number.to_string());
            let is_a = assign(&endpoint, None, Some(&unit), &mut randomness).unwrap().variant.name.as_str() == "a";
            let is_sampled = sampled(0.3, Some(&unit.to_string()), "capture", &mut randomness);
            drawn += usize::from(sampled(0.3, None, "capture", &mut randomness));
            of_units += usize::from(is_sampled);
            both += usize::from(is_sampled && is_a);
        }
        // Within five standard deviations.
        let is_near = |count: usize, share: f64| {
            let n = N as f64;
            (count as f64 - n * share).abs() < 5.0 * (n * share * (1.0 - share)).sqrt()
        };
        assert!(is_near(drawn, 0.3) && is_near(of_units, 0.3) && is_near(both, 0.15), "{drawn} {of_units} {both}");
    }

    #[test]
    fn a_unit_s_sample_can_be_computed_elsewhere() {
        // hashlib.sha256(b"00112233445566778899aabbccddeeff\n\ncapture").digest()[:8] as a number, over 2^64.
        let place = 0.13415767695004044;
        let mut randomness = seeded([7; 32]);
        let mut is_in = |share| sampled(share, Some("00112233445566778899aabbccddeeff"), "capture", &mut randomness);
        assert!(is_in(place + 1e-9) && !is_in(place - 1e-9));
    }
}
