//! How many units a change of weights would move, before it is made.

use serde::Serialize;

use super::UnitHash;
use crate::endpoint::{Endpoint, Name, Salt};

/// How many units of a sample would get another variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// How many were looked at.
    pub units: u32,
    /// How many of them would move. To get a variant where there was none, all weights being 0, or to lose it, is a
    /// move.
    pub moved: u32,
    /// Lower bound of `moved`: any rule that splits these units in the same numbers, before and after, moves at least
    /// so many (the total-variation distance of the two splits, times `units`).
    pub least: u32,
    /// From which variant to which, the most first.
    pub flows: Vec<Flow>,
}

/// Units that would move from one variant to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The variant that they have; absent where all weights are 0.
    pub from: Option<Name>,
    /// The variant that they would get; absent where all weights are 0.
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
    let sum = |chosen: &dyn Fn(&Flow) -> bool| {
        flows.iter().filter(|flow| chosen(flow)).fold(0u32, |sum, flow| sum.saturating_add(flow.units))
    };
    // What the outcomes gain that have more units afterwards; to have no variant is an outcome as well.
    let outcomes = to.variants().iter().map(|variant| Some(&variant.name)).chain([None]);
    let gains = outcomes.map(|outcome| {
        let (gained, lost) = (sum(&|flow| flow.to.as_ref() == outcome), sum(&|flow| flow.from.as_ref() == outcome));
        gained.saturating_sub(lost)
    });
    let least = gains.fold(0u32, u32::saturating_add);
    Moved { units, moved: sum(&|_| true), least, flows }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!((same.moved, same.least, same.flows), (0, 0, vec![]));
    }

    #[test]
    fn a_variant_that_is_raised_takes_from_the_others_alone() {
        // From thirds to 3 of 5: 4/15 of all have to move. Five standard deviations of that share.
        let raised = between([1.0, 1.0, 1.0], [3.0, 1.0, 1.0]);
        assert!((f64::from(raised.moved) - 10_000.0 * 4.0 / 15.0).abs() < 5.0 * 44.3, "{}", raised.moved);
        assert_eq!(raised.least, raised.moved);
        assert!(raised.flows.iter().all(|flow| flow.to.as_ref().is_some_and(|to| to.as_str() == "a")));
    }

    #[test]
    fn where_several_weights_change_more_may_move_than_must() {
        // 37 % move, where 30 % have to (docs/assignment.md). Five standard deviations of each.
        let turned = between([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]);
        assert!((f64::from(turned.moved) - 3700.0).abs() < 5.0 * 48.3, "{}", turned.moved);
        assert!((f64::from(turned.least) - 3000.0).abs() < 5.0 * 65.0, "{}", turned.least);
    }

    #[test]
    fn a_variant_that_is_switched_off_loses_all_of_its_own() {
        let off = between([1.0, 1.0, 0.0], [1.0, 0.0, 0.0]);
        assert_eq!(off.flows.len(), 1);
        assert_eq!(off.flows[0].from.as_ref().map(Name::as_str), Some("b"));
        assert!((f64::from(off.moved) - 5000.0).abs() < 250.0);
    }

    #[test]
    fn to_get_a_variant_or_to_lose_it_is_a_move() {
        let lost = between([1.0, 2.0, 0.0], [0.0, 0.0, 0.0]);
        assert_eq!((lost.moved, lost.least, lost.flows.len()), (10_000, 10_000, 2));
        assert!(lost.flows.iter().all(|flow| flow.to.is_none()));
        let got = between([0.0, 0.0, 0.0], [0.0, 0.0, 1.0]);
        assert_eq!((got.moved, got.least, got.flows.len()), (10_000, 10_000, 1));
        let none = between([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]);
        assert_eq!((none.moved, none.least, none.flows), (0, 0, vec![]));
    }

    proptest! {
        #[test]
        fn the_bound_is_never_above_what_moves(from: [u8; 3], to: [u8; 3]) {
            let salt = Salt::try_from("salt".to_owned()).unwrap();
            let moved = moved(&endpoint(from.map(f64::from)), &endpoint(to.map(f64::from)), &salt, 300);
            prop_assert!(moved.least <= moved.moved && moved.moved <= moved.units);
            prop_assert_eq!(moved.moved, moved.flows.iter().map(|flow| flow.units).sum::<u32>());
        }
    }
}
