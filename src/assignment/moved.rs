//! What a change of weights would do to units, before it is made.

use serde::Serialize;

use super::UnitHash;
use crate::endpoint::{Endpoint, Name, Salt, Variant};

/// How many units of a sample would get another variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// How many were looked at.
    pub units: u32,
    /// How many of them would move.
    pub moved: u32,
    /// The fewest that have to, by any rule that follows the shares: half the sum of what the shares differ by, of all
    /// units. A sample may fall a little below.
    pub least: f64,
    /// From which variant to which, the most first.
    pub flows: Vec<Flow>,
}

/// Units that would move from one variant to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The variant that they have; absent where all weights are 0.
    pub from: Option<Name>,
    /// The variant that they would get.
    pub to: Option<Name>,
    /// How many.
    pub units: u32,
}

/// Looks at the units `user-1` to `user-N`.
pub fn moved(from: &Endpoint, to: &Endpoint, salt: &Salt, units: u32) -> Moved {
    let mut flows: Vec<Flow> = Vec::new();
    for number in 1..=units {
        let unit = UnitHash::new(salt, &format!("user-{number}"));
        let name = |endpoint: &Endpoint| unit.choose(endpoint.variants()).map(|variant| variant.name.clone());
        let (from, to) = (name(from), name(to));
        if from == to {
            continue;
        }
        match flows.iter_mut().find(|flow| flow.from == from && flow.to == to) {
            Some(flow) => flow.units = flow.units.saturating_add(1),
            None => flows.push(Flow { from, to, units: 1 }),
        }
    }
    flows.sort_by_key(|flow| std::cmp::Reverse(flow.units));
    let share_before =
        |variant: &Variant| from.variant(variant.name.as_str()).map_or(0.0, |variant| from.share(variant));
    let gained: f64 = to.variants().iter().map(|variant| (to.share(variant) - share_before(variant)).max(0.0)).sum();
    let moved = flows.iter().fold(0u32, |sum, flow| sum.saturating_add(flow.units));
    Moved { units, moved, least: gained * f64::from(units), flows }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn endpoint(weights: [f64; 3]) -> Endpoint {
        let variant = |name: &str, weight: f64| {
            format!(r#"{{"name": "{name}", "weight": {weight}, "origin": {{"url": "https://x.example"}}}}"#)
        };
        let [a, b, c] = weights;
        let variants = [variant("a", a), variant("b", b), variant("c", c)].join(",");
        Endpoint::parse(format!(r#"{{"variants": [{variants}]}}"#).as_bytes()).unwrap()
    }

    fn between(from: [f64; 3], to: [f64; 3]) -> Moved {
        let salt = Salt::try_from("salt".to_owned()).unwrap();
        moved(&endpoint(from), &endpoint(to), &salt, 10_000)
    }

    #[test]
    fn nobody_moves_where_the_shares_stay() {
        let same = between([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]);
        assert_eq!((same.moved, same.least, same.flows), (0, 0.0, vec![]));
    }

    #[test]
    fn a_variant_that_is_raised_takes_from_the_others_alone() {
        // From thirds to 3 of 5: 4/15 of all have to move. Five standard deviations of that share.
        let raised = between([1.0, 1.0, 1.0], [3.0, 1.0, 1.0]);
        assert!((raised.least - 10_000.0 * 4.0 / 15.0).abs() < 1e-6);
        assert!((f64::from(raised.moved) - raised.least).abs() < 5.0 * 44.3, "{}", raised.moved);
        assert!(raised.flows.iter().all(|flow| flow.to.as_ref().is_some_and(|to| to.as_str() == "a")));
    }

    #[test]
    fn a_variant_that_is_switched_off_loses_all_of_its_own() {
        let off = between([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]);
        assert_eq!(off.flows.len(), 1);
        assert_eq!(off.flows[0].from.as_ref().map(Name::as_str), Some("b"));
        assert!((f64::from(off.moved) - 5000.0).abs() < 250.0);
    }
}
