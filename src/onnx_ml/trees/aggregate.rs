//! From leaves to scores.

use tract_onnx::tract_hir::internal::*;

use super::Real;
use super::ensemble::{Aggregate, Ensemble, Node, Weight};
use super::forest::Forest;

/// What the trees say of each row and target, put together, before base values and post-transform.
#[derive(Debug)]
pub struct Scores<T> {
    /// Row by row; an average is divided already. 0 where no leaf said anything.
    pub values: Vec<T>,
    /// Whether a leaf said anything; empty where there is one target, of which every leaf does.
    pub scored: Vec<bool>,
}

/// An ensemble laid out, with what its leaves weigh.
#[derive(Debug)]
pub struct Aggregator<T> {
    forest: Forest<T>,
    aggregate: Aggregate,
    targets: usize,
    /// By number of the node, for more than one target: weights from `starts[n]` to `starts[n + 1]`.
    starts: Vec<u32>,
    weights: Vec<(u32, T)>,
}

impl<T: Real> Aggregator<T> {
    /// # Errors
    /// If the ensemble is too large, or its attributes are of another type than its input.
    pub fn new(ensemble: &Ensemble) -> TractResult<Self> {
        let double = ensemble.datum == Some(f64::datum_type());
        ensure!(!double || T::datum_type() == f64::datum_type(), "its attributes are doubles, and its input is not");
        let (mut starts, mut weights) = (vec![0], Vec::new());
        if ensemble.targets > 1 {
            for node in &ensemble.nodes {
                if let Node::Leaf(range) = node {
                    let own = ensemble.weights.get(range.clone()).context("a leaf has no weight")?;
                    let packed = |weight: &Weight| Ok((u32::try_from(weight.target)?, T::from_f64(weight.value)));
                    weights.extend(own.iter().map(packed).collect::<TractResult<Vec<_>>>()?);
                }
                starts.push(u32::try_from(weights.len())?);
            }
        }
        let forest = Forest::new(ensemble)?;
        Ok(Aggregator { forest, aggregate: ensemble.aggregate, targets: ensemble.targets, starts, weights })
    }

    /// The scores of rows of `width` features.
    pub fn scores(&self, rows: &[T], width: usize) -> Scores<T> {
        let count = rows.len().checked_div(width).unwrap_or(0);
        let mut scores =
            if self.targets == 1 { self.one_target(rows, width, count) } else { self.targets(rows, width, count) };
        if self.aggregate == Aggregate::Average {
            let trees = self.forest.len() as f64;
            scores.values.iter_mut().for_each(|value| *value = T::from_f64(value.to_f64() / trees));
        }
        scores
    }

    fn one_target(&self, rows: &[T], width: usize, count: usize) -> Scores<T> {
        let start = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => T::default(),
            Aggregate::Min => T::from_f64(f64::INFINITY),
            Aggregate::Max => T::NEG_INFINITY,
        };
        let mut values = vec![start; count];
        match self.aggregate {
            Aggregate::Sum | Aggregate::Average => {
                self.fold(rows, width, &mut values, |value, leaf| *value = value.plus(leaf))
            }
            Aggregate::Min => self.fold(rows, width, &mut values, |value, leaf| {
                if leaf < *value {
                    *value = leaf;
                }
            }),
            Aggregate::Max => self.fold(rows, width, &mut values, |value, leaf| {
                if leaf > *value {
                    *value = leaf;
                }
            }),
        }
        Scores { values, scored: Vec::new() }
    }

    fn fold(&self, rows: &[T], width: usize, values: &mut [T], put: impl Fn(&mut T, T)) {
        self.forest.each_leaf(rows, width, |row, leaf| {
            if let Some(value) = values.get_mut(row) {
                put(value, leaf);
            }
        });
    }

    fn targets(&self, rows: &[T], width: usize, count: usize) -> Scores<T> {
        let mut values = vec![T::default(); count.saturating_mul(self.targets)];
        let mut scored = vec![false; values.len()];
        self.forest.each_leaf(rows, width, |row, leaf| {
            let node = leaf.to_f64() as usize;
            let own = match self.starts.get(node..) {
                Some([start, end, ..]) => self.weights.get(*start as usize..*end as usize).unwrap_or_default(),
                _ => &[],
            };
            let first = row.saturating_mul(self.targets);
            for (target, weight) in own {
                let at = first.saturating_add(*target as usize);
                let (Some(value), Some(scored)) = (values.get_mut(at), scored.get_mut(at)) else { continue };
                match self.aggregate {
                    Aggregate::Sum | Aggregate::Average => *value = value.plus(*weight),
                    Aggregate::Min if *scored && *weight >= *value => {}
                    Aggregate::Max if *scored && *weight <= *value => {}
                    Aggregate::Min | Aggregate::Max => *value = *weight,
                }
                *scored = true;
            }
        });
        Scores { values, scored }
    }
}
