//! The layout and the loop, against a walk down the trees as the specification tells it.

#![allow(clippy::arithmetic_side_effects)]

use std::ops::Range;

use proptest::prelude::*;

use super::aggregate::Aggregator;
use super::ensemble::{Aggregate, Ensemble, Node, Test, Weight};
use super::real::Real;

const FEATURES: usize = 5;

/// A tree as it grows; leaves have a value.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(f64),
    Branch { feature: usize, test: Test, missing_is_true: bool, yes: Box<Tree>, no: Box<Tree> },
}

impl Tree {
    /// The leaf's value, by plain recursion.
    fn leaf(&self, row: &[f64]) -> f64 {
        match self {
            Tree::Leaf(value) => *value,
            Tree::Branch { feature, test, missing_is_true, yes, no } => {
                let x = row[*feature];
                let next = if test.holds(x) || (*missing_is_true && x.is_nan()) { yes } else { no };
                next.leaf(row)
            }
        }
    }

    /// Puts the tree's nodes behind those that are there, and gives the place of its root.
    fn put(&self, nodes: &mut Vec<Node>, weights: &mut Vec<Weight>, targets: usize) -> usize {
        let node = match self {
            Tree::Leaf(value) => {
                let first = weights.len();
                weights.extend((0..targets).map(|target| Weight { target, value: value * (target + 1) as f64 }));
                Node::Leaf(Range { start: first, end: weights.len() })
            }
            Tree::Branch { feature, test, missing_is_true, yes, no } => Node::Branch {
                feature: *feature,
                test: test.clone(),
                missing_is_true: *missing_is_true,
                yes: yes.put(nodes, weights, targets),
                no: no.put(nodes, weights, targets),
            },
        };
        nodes.push(node);
        nodes.len() - 1
    }
}

fn ensemble(trees: &[Tree], targets: usize, aggregate: Aggregate) -> Ensemble {
    let (mut nodes, mut weights) = (Vec::new(), Vec::new());
    let roots = trees.iter().map(|tree| tree.put(&mut nodes, &mut weights, targets)).collect();
    Ensemble { nodes, roots, weights, base_values: Vec::new(), aggregate, targets, datum: None }
}

/// Halves around nought, so that rows stand at thresholds, and what is odd.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => (-6i8..=6).prop_map(|x| f64::from(x) / 2.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-0.0),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    (0..7, number(), proptest::collection::vec(number(), 0..4)).prop_map(|(mode, value, members)| match mode {
        0 => Test::AtMost(value),
        1 => Test::Below(value),
        2 => Test::AtLeast(value),
        3 => Test::Above(value),
        4 => Test::Equal(value),
        5 => Test::NotEqual(value),
        _ => Test::Member(members),
    })
}

/// Trees of all shapes, from a leaf alone to deep and uneven ones.
fn tree() -> impl Strategy<Value = Tree> {
    (-8i8..8).prop_map(|x| Tree::Leaf(x.into())).prop_recursive(14, 60, 2, |tree| {
        (0..FEATURES, test(), any::<bool>(), tree.clone(), tree).prop_map(
            |(feature, test, missing_is_true, yes, no)| Tree::Branch {
                feature,
                test,
                missing_is_true,
                yes: Box::new(yes),
                no: Box::new(no),
            },
        )
    })
}

fn check<T: Real>(trees: &[Tree], rows: &[Vec<f64>]) {
    let flat: Vec<T> = rows.concat().into_iter().map(T::from_f64).collect();
    for (aggregate, fold) in [
        (Aggregate::Sum, (|leaves| leaves.iter().sum()) as fn(&[f64]) -> f64),
        (Aggregate::Min, |leaves| leaves.iter().copied().fold(f64::INFINITY, f64::min)),
        (Aggregate::Max, |leaves| leaves.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    ] {
        for targets in [1, 3] {
            let scores = Aggregator::<T>::new(&ensemble(trees, targets, aggregate)).unwrap().scores(&flat, FEATURES);
            let found: Vec<f64> = scores.values.iter().map(|value| value.to_f64()).collect();
            let expected: Vec<f64> = rows
                .iter()
                .map(|row| fold(&trees.iter().map(|tree| tree.leaf(row)).collect::<Vec<f64>>()))
                .flat_map(|value| (0..targets).map(move |target| value * (target + 1) as f64))
                .collect();
            assert_eq!(found, expected, "{aggregate:?}, {targets} targets");
        }
    }
}

proptest! {
    /// Leaves are small whole numbers, so that sums are exact in any precision.
    #[test]
    fn rows_reach_the_leaves_that_the_specification_says(
        trees in proptest::collection::vec(tree(), 1..12),
        // One row, some, and more than a block.
        rows in prop_oneof![Just(1), 1..20usize, 60..150usize].prop_flat_map(|rows| {
            proptest::collection::vec(proptest::collection::vec(number(), FEATURES), rows)
        }),
    ) {
        check::<f32>(&trees, &rows);
        check::<f64>(&trees, &rows);
    }
}

#[test]
fn huge_trees_have_larger_nodes() {
    // A comb of 40,000 branches has more nodes than 16 bits have places for.
    let (mut nodes, mut weights) = (Vec::new(), Vec::new());
    let mut at = 0;
    nodes.push(Node::Leaf(0..1));
    weights.push(Weight { target: 0, value: -1.0 });
    for threshold in 0..40_000 {
        weights.push(Weight { target: 0, value: f64::from(threshold) });
        nodes.push(Node::Leaf(weights.len() - 1..weights.len()));
        let test = Test::AtMost(f64::from(threshold));
        nodes.push(Node::Branch { feature: 0, test, missing_is_true: false, yes: at, no: nodes.len() - 1 });
        at = nodes.len() - 1;
    }
    let ensemble = Ensemble {
        nodes,
        roots: vec![at],
        weights,
        base_values: Vec::new(),
        aggregate: Aggregate::Sum,
        targets: 1,
        datum: None,
    };
    let forest = Aggregator::<f32>::new(&ensemble).unwrap();
    // Above 39,999 at the first branch; between 6 and 7 at the branch of 6; below 0 at the very end.
    let scores = forest.scores(&[50_000.0, 6.5, -3.0], 1);
    assert_eq!(scores.values, [39_999.0, 6.0, -1.0]);
}
