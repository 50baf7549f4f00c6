//! Which shadows see a request.

use rand_core::Rng;

use super::sample::sampled;
use crate::endpoint::{Endpoint, Variant};

/// The shadows that are to be asked about a request as well: each of a [sample](sampled) of its own, `shadow`, a line feed and
/// the variant's name. `unit` is the unit's hash, where assignment is by unit.
pub fn shadows<'a>(
    endpoint: &'a Endpoint,
    unit: Option<&str>,
    randomness: &mut impl Rng,
) -> impl Iterator<Item = &'a Variant> {
    endpoint.shadows().filter_map(move |(variant, share)| {
        sampled(share.get(), unit, &format!("shadow\n{}", variant.name), randomness).then_some(variant)
    })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::assignment::{UnitHash, seeded};
    use crate::endpoint::Salt;

    fn endpoint(share: f64) -> Endpoint {
        let document = format!(
            r#"{{"variants": [{{"name": "a", "origin": {{"url": "https://a.example"}}}},
                {{"name": "s", "shadow": {share}, "origin": {{"url": "https://s.example"}}}},
                {{"name": "t", "shadow": 1, "origin": {{"url": "https://t.example"}}}}]}}"#
        );
        Endpoint::parse(document.as_bytes()).unwrap()
    }

    #[test]
    fn a_unit_is_shadowed_or_not_and_a_larger_share_adds_units_alone() {
        let mut random = seeded([1; 32]);
        let salt = Salt::try_from("salt".to_owned()).unwrap();
        let mut of = |share: f64, number: u32| {
            let unit = UnitHash::new(&salt, &format!("user-{number}")).to_string();
            shadows(&endpoint(share), Some(&unit), &mut random).any(|variant| variant.name.as_str() == "s")
        };
        let units: Vec<u32> = (0..2_000).filter(|number| of(0.1, *number)).collect();
        // Four standard errors of a binomial of 2,000 at 0.1.
        assert!((146..=254).contains(&units.len()), "{}", units.len());
        assert!(units.iter().all(|number| of(0.1, *number) && of(0.3, *number)));
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
