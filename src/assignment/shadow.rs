//! Which shadows see a request.
//!
//! Where assignment is by unit, a unit's requests are all shown to a shadow, or none: it is shown those of the units for which
//! `u` is below its share, where `u` is computed as for [sticky choice](super::unit), of `shadow`, a line feed and the variant's
//! name in place of the name. So who is shown has nothing to do with who is assigned, now or later. Other requests are drawn.

use rand_core::Rng;

use super::random::unit_interval;
use super::unit::UnitHash;
use crate::endpoint::{Endpoint, Variant};

/// The shadows that are to be asked about a request as well.
pub fn shadows<'a>(
    endpoint: &'a Endpoint,
    unit: Option<&UnitHash>,
    randomness: &mut impl Rng,
) -> impl Iterator<Item = &'a Variant> {
    endpoint.shadows().filter_map(move |(variant, share)| {
        let place = match unit {
            Some(unit) => unit.uniform(&["shadow\n", variant.name.as_str()]),
            None => unit_interval(randomness.next_u64()),
        };
        (place < share.get()).then_some(variant)
    })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::assignment::seeded;
    use crate::endpoint::Salt;

    fn endpoint(share: f64) -> Endpoint {
        let document = format!(
            r#"{{"variants": [{{"name": "a", "origin": {{"url": "https://a.example"}}}},
                {{"name": "s", "shadow": {share}, "origin": {{"url": "https://s.example"}}}},
                {{"name": "t", "shadow": 1, "origin": {{"url": "https://t.example"}}}}]}}"#
        );
        Endpoint::parse(document.as_bytes()).unwrap()
    }

    fn unit(number: u32) -> UnitHash {
        UnitHash::new(&Salt::try_from("salt".to_owned()).unwrap(), &format!("user-{number}"))
    }

    #[test]
    fn a_unit_is_shadowed_or_not_and_a_larger_share_adds_units_alone() {
        let mut random = seeded([1; 32]);
        let mut of = |share: f64, number: u32| {
            shadows(&endpoint(share), Some(&unit(number)), &mut random).any(|variant| variant.name.as_str() == "s")
        };
        let units: Vec<u32> = (0..2_000).filter(|number| of(0.1, *number)).collect();
        // Four standard errors of a binomial of 2,000 at 0.1.
        assert!((146..=254).contains(&units.len()), "{}", units.len());
        assert!(units.iter().all(|number| of(0.1, *number) && of(0.3, *number)));
        // Computed with Python: (int.from_bytes(sha256(sha256(b"salt\nuser-7").hexdigest()[:32].encode() + b"\nshadow\ns").digest()[:8]) >> 12) + 0.5, over 2**52.
        assert!((unit(7).uniform(&["shadow\n", "s"]) - 0.3845147042843823).abs() < 1e-15);
    }

    #[test]
    fn other_requests_are_drawn_for_each_shadow_by_itself() {
        let mut random = seeded([2; 32]);
        let mut counts = [0u32; 2];
        for _ in 0..4_000 {
            for variant in shadows(&endpoint(0.25), None, &mut random) {
                counts[usize::from(variant.name.as_str() == "t")] += 1;
            }
        }
        // Four standard errors of a binomial of 4,000 at 0.25.
        assert!((890..=1_110).contains(&counts[0]), "{counts:?}");
        assert_eq!(counts[1], 4_000);
    }
}
