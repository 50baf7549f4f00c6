//! Choice, judged as a statistician would: draws against weights, published vectors, units moved by changes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use proptest::prelude::*;
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;
use std::collections::HashMap;
use turnout::assignment::{Reason, UnitHash, assign};
use turnout::endpoint::{DocumentError, Endpoint, Salt, Variant};

fn parse(weights: &[(&str, f64)]) -> Result<Endpoint, DocumentError> {
    let variants: Vec<String> = weights
        .iter()
        .map(|(name, weight)| {
            format!(r#"{{"name": "{name}", "weight": {weight:?}, "origin": {{"url": "https://x.example"}}}}"#)
        })
        .collect();
    Endpoint::parse(format!(r#"{{"variants": [{}]}}"#, variants.join(",")).as_bytes())
}

fn endpoint(weights: &[(&str, f64)]) -> Endpoint {
    parse(weights).unwrap()
}

fn salt(text: &str) -> Salt {
    Salt::try_from(text.to_owned()).unwrap()
}

/// Pearson's statistic of counts against shares, over the variants that have a share.
fn chi_square(counts: &[u64], shares: &[f64]) -> f64 {
    let total: u64 = counts.iter().sum();
    counts
        .iter()
        .zip(shares)
        .filter(|(_, share)| **share > 0.0)
        .map(|(count, share)| {
            let expected = share * total as f64;
            (*count as f64 - expected).powi(2) / expected
        })
        .sum()
}

/// Upper 1e-6 quantiles of the chi-square distribution by degrees of freedom, from scipy.stats.chi2.isf(1e-6, df).
const CHI_SQUARE_LIMIT: [f64; 10] = [0.0, 23.93, 27.63, 30.66, 33.38, 35.89, 38.26, 40.52, 42.70, 44.81];

/// The number in a name such as `v3`.
fn number(variant: &Variant) -> usize {
    variant.name.as_str()[1..].parse().unwrap()
}

fn weight_vectors() -> Vec<Vec<f64>> {
    vec![
        vec![1.0],
        vec![50.0, 50.0],
        vec![90.0, 10.0],
        vec![0.999, 0.001],
        vec![1.0, 0.0, 3.0],
        vec![0.1, 0.2, 0.3, 0.4],
        vec![5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        vec![1e300, 3e300],
        vec![1e308, 5e307],
        vec![1e-100, 3e-100],
    ]
}

fn check_shares(kind: &str, draws: usize, mut choose: impl FnMut(&Endpoint, usize) -> usize) {
    for weights in weight_vectors() {
        let names: Vec<String> = (0..weights.len()).map(|i| format!("v{i}")).collect();
        let named: Vec<(&str, f64)> = names.iter().map(String::as_str).zip(weights.iter().copied()).collect();
        let endpoint = endpoint(&named);
        let mut counts = vec![0u64; weights.len()];
        for draw in 0..draws {
            counts[choose(&endpoint, draw)] += 1;
        }
        let shares: Vec<f64> = endpoint.variants().iter().map(|variant| endpoint.share(variant)).collect();
        let used = shares.iter().filter(|share| **share > 0.0).count();
        let statistic = chi_square(&counts, &shares);
        assert!(statistic <= CHI_SQUARE_LIMIT[used - 1], "{kind} {weights:?}: {counts:?}, chi-square {statistic}");
        for (count, share) in counts.iter().zip(&shares) {
            assert!(*share > 0.0 || *count == 0, "{kind} {weights:?}: a variant without weight was chosen");
        }
    }
}

#[test]
fn weighted_draws_follow_the_weights() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(2026);
    check_shares("weighted", 1_000_000, |endpoint, _| {
        let assignment = assign(endpoint, None, None, &mut random).unwrap();
        assert_eq!(assignment.reason, Reason::Weighted);
        assert_eq!(assignment.propensity, endpoint.share(assignment.variant));
        number(assignment.variant)
    });
}

#[test]
fn sticky_shares_follow_the_weights() {
    let salt = salt("shares");
    check_shares("sticky", 100_000, |endpoint, draw| {
        let unit = UnitHash::new(&salt, &draw.to_string());
        number(unit.choose(endpoint.variants()).unwrap())
    });
}

/// 0, or a number of any size that a double has, subnormal ones included; near each other, or not.
fn weights() -> impl Strategy<Value = Vec<f64>> {
    let spread = prop_oneof![Just(1.0), Just(20.0), Just(600.0)];
    (-330.0..309.0f64, spread).prop_flat_map(|(exponent, spread)| {
        let weight = prop_oneof![1 => Just(0.0), 6 => (0.0..spread).prop_map(move |by| 10f64.powf(exponent + by))];
        proptest::collection::vec(weight, 2..6)
    })
}

proptest! {
    /// Weights are refused, or they can be chosen by: what is logged is what is done.
    #[test]
    fn weights_of_any_size_are_refused_or_followed(weights in weights()) {
        let names = ["a", "b", "c", "d", "e"];
        let named: Vec<(&str, f64)> = names.into_iter().zip(weights.iter().copied()).collect();
        let finite = weights.iter().all(|weight| weight.is_finite());
        let Ok(endpoint) = parse(&named) else {
            let total: f64 = weights.iter().sum();
            let small = weights.iter().any(|weight| *weight > 0.0 && (*weight < 1e-100 || *weight / total < 1e-12));
            prop_assert!(small || !total.is_finite(), "refused for no reason: {weights:?}");
            return Ok(());
        };
        prop_assert!(finite);
        let shares: Vec<f64> = endpoint.variants().iter().map(|variant| endpoint.share(variant)).collect();
        let positive = weights.iter().filter(|weight| **weight > 0.0).count();
        prop_assert!(positive == 0 || (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{weights:?}: {shares:?}");
        prop_assert_eq!(shares.iter().filter(|share| **share >= 1e-12).count(), positive);
        let salt = salt("any size");
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let (mut sticky, mut drawn) = (vec![0.0; shares.len()], vec![0.0; shares.len()]);
        for unit in 0..1000 {
            let unit = UnitHash::new(&salt, &format!("user-{unit}"));
            let mut scores: Vec<f64> = unit.scores(endpoint.variants()).map(|score| score.score).collect();
            prop_assert!(scores.iter().all(|score| score.is_finite() && *score >= 0.0), "{weights:?}: {scores:?}");
            scores.sort_by(f64::total_cmp);
            scores.dedup();
            prop_assert_eq!(scores.len(), positive, "equal scores: {:?}", weights);
            for (counts, unit) in [(&mut sticky, Some(&unit)), (&mut drawn, None)] {
                if let Ok(assignment) = assign(&endpoint, None, unit, &mut random) {
                    prop_assert!(assignment.propensity >= 1e-12);
                    let position = endpoint.variants().iter().position(|variant| variant == assignment.variant);
                    counts[position.unwrap()] += 1.0;
                }
            }
        }
        // Seven standard deviations of a share's count, and what is rare at all.
        for (count, share) in sticky.iter().chain(&drawn).zip(shares.iter().cycle()) {
            let expected = 1000.0 * share;
            let tolerance = 7.0 * (expected * (1.0 - share)).sqrt() + 7.0;
            prop_assert!((count - expected).abs() <= tolerance, "{weights:?}: {shares:?}, {sticky:?}, {drawn:?}");
        }
    }
}

#[derive(Deserialize)]
struct Vector {
    salt: String,
    unit: String,
    /// In the order of the file: serde_json is built to keep it.
    weights: serde_json::Map<String, serde_json::Value>,
    hash: String,
    variant: String,
}

#[test]
fn published_vectors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/assignment.json")).unwrap();
    assert!(vectors.len() > 1000);
    for vector in vectors {
        let weights: Vec<(&str, f64)> =
            vector.weights.iter().map(|(name, weight)| (name.as_str(), weight.as_f64().unwrap())).collect();
        let endpoint = endpoint(&weights);
        let unit = UnitHash::new(&salt(&vector.salt), &vector.unit);
        assert_eq!(unit.to_string(), vector.hash);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
        let assignment = assign(&endpoint, None, Some(&unit), &mut random).unwrap();
        assert_eq!((assignment.variant.name.as_str(), assignment.reason), (vector.variant.as_str(), Reason::Sticky));
    }
}

/// Changes of weights, and by how much the units moved may exceed the total-variation distance of the two policies,
/// below which no scheme can stay. Where only one variant's weight changes, relative to the others, the hash is on that
/// floor; where several change against each other it is above it, here by up to a quarter. Tolerance: 4 standard deviations of the count.
#[test]
fn changes_move_hardly_more_units_than_they_must() {
    const UNITS: usize = 200_000;
    let cases: [(&[f64], &[f64], f64); 7] = [
        (&[90.0, 10.0], &[90.0, 10.0], 0.0),
        (&[90.0, 10.0], &[50.0, 50.0], 0.0),
        (&[90.0, 10.0], &[9.0, 1.0], 0.0),
        (&[1.0, 1.0, 1.0], &[2.0, 1.0, 1.0], 0.0),
        (&[1.0, 1.0, 1.0], &[1.0, 1.0, 0.0], 0.0),
        (&[1.0, 1.0, 0.0], &[1.0, 1.0, 1.0], 0.0),
        (&[0.5, 0.3, 0.2], &[0.2, 0.3, 0.5], 0.25),
    ];
    let salt = salt("moves");
    let units: Vec<UnitHash> = (0..UNITS).map(|unit| UnitHash::new(&salt, &format!("user-{unit}"))).collect();
    for (before, after, excess) in cases {
        let named = |weights: &[f64]| {
            let names = ["a", "b", "c"];
            endpoint(&names.into_iter().zip(weights.iter().copied()).collect::<Vec<_>>())
        };
        let (from, to) = (named(before), named(after));
        let mut moves: HashMap<(String, String), usize> = HashMap::new();
        for unit in &units {
            let (old, new) = (unit.choose(from.variants()).unwrap(), unit.choose(to.variants()).unwrap());
            if old.name != new.name {
                *moves.entry((old.name.to_string(), new.name.to_string())).or_default() += 1;
            }
        }
        let moved = moves.values().sum::<usize>() as f64 / UNITS as f64;
        let floor: f64 = from
            .variants()
            .iter()
            .zip(to.variants())
            .map(|(old, new)| (from.share(old) - to.share(new)).max(0.0))
            .sum();
        let tolerance = 4.0 * (floor * (1.0 - floor) / UNITS as f64).sqrt();
        assert!(
            (floor - tolerance..=floor * (1.0 + excess) + tolerance).contains(&moved),
            "{before:?} -> {after:?}: moved {moved}, floor {floor}, {moves:?}"
        );
    }
}
