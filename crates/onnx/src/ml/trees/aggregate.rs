//! From leaves to scores.

use tract_onnx::tract_hir::internal::*;

use super::ensemble::{Aggregate, Ensemble, Node, Weight};
use super::forest::Forest;
use super::real::Real;
use super::walk::Listener;

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
        let mut scores = if self.targets == 1 {
            self.one_target(rows, width, count)
        } else {
            let size = count.saturating_mul(self.targets);
            self.targets(rows, width, vec![T::default(); size], vec![false; size])
        };
        if self.aggregate == Aggregate::Average {
            let trees = self.forest.len() as f64;
            scores.values.iter_mut().for_each(|value| *value = T::from_f64(value.to_f64() / trees));
        }
        scores
    }

    /// The sums of rows of `width` features: each begins with its target's base, and the trees are added in their order.
    pub fn sums(&self, rows: &[T], width: usize, bases: &[T]) -> Vec<T> {
        let count = rows.len().checked_div(width).unwrap_or(0);
        let starts = bases.iter().copied().cycle().take(count.saturating_mul(bases.len())).collect();
        if self.targets == 1 {
            self.fold(rows, width, starts, T::plus)
        } else {
            self.targets(rows, width, starts, Vec::new()).values
        }
    }

    fn one_target(&self, rows: &[T], width: usize, count: usize) -> Scores<T> {
        let values = match self.aggregate {
            Aggregate::Sum | Aggregate::Average => self.fold(rows, width, vec![T::default(); count], T::plus),
            Aggregate::Min => {
                self.fold(
                    rows,
                    width,
                    vec![T::from_f64(f64::INFINITY); count],
                    |value, leaf| {
                        if leaf < value { leaf } else { value }
                    },
                )
            }
            Aggregate::Max => self
                .fold(rows, width, vec![T::NEG_INFINITY; count], |value, leaf| if leaf > value { leaf } else { value }),
        };
        Scores { values, scored: Vec::new() }
    }

    fn fold(&self, rows: &[T], width: usize, values: Vec<T>, put: impl Fn(T, T) -> T) -> Vec<T> {
        let mut one = OneTarget { values, put };
        self.forest.each_leaf(rows, width, &mut one);
        one.values
    }

    fn targets(&self, rows: &[T], width: usize, values: Vec<T>, scored: Vec<bool>) -> Scores<T> {
        let mut many = ManyTargets { trees: self, values, scored };
        self.forest.each_leaf(rows, width, &mut many);
        Scores { values: many.values, scored: many.scored }
    }
}

/// A value a row; leaves are values.
struct OneTarget<T, P> {
    values: Vec<T>,
    put: P,
}

impl<T: Real, P: Fn(T, T) -> T> Listener<T> for OneTarget<T, P> {
    fn of_rows(&mut self, first: usize, leaves: &[T]) {
        for (value, leaf) in self.values.iter_mut().skip(first).zip(leaves) {
            *value = (self.put)(*value, *leaf);
        }
    }

    fn of_trees(&mut self, row: usize, leaves: &[T]) {
        if let Some(value) = self.values.get_mut(row) {
            *value = leaves.iter().fold(*value, |value, leaf| (self.put)(value, *leaf));
        }
    }
}

/// A value a row and target; leaves are numbers of nodes, which have weights.
struct ManyTargets<'a, T> {
    trees: &'a Aggregator<T>,
    values: Vec<T>,
    /// Empty where nobody asks.
    scored: Vec<bool>,
}

impl<T: Real> ManyTargets<'_, T> {
    fn add(&mut self, row: usize, leaf: T) {
        let node = leaf.to_f64() as usize;
        let weights = match self.trees.starts.get(node..) {
            Some([start, end, ..]) => self.trees.weights.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        };
        let first = row.saturating_mul(self.trees.targets);
        for (target, weight) in weights {
            let at = first.saturating_add(*target as usize);
            let Some(value) = self.values.get_mut(at) else { continue };
            let scored = self.scored.get_mut(at);
            let is_scored = scored.as_deref().copied().unwrap_or(false);
            match self.trees.aggregate {
                Aggregate::Sum | Aggregate::Average => *value = value.plus(*weight),
                Aggregate::Min if is_scored && *weight >= *value => {}
                Aggregate::Max if is_scored && *weight <= *value => {}
                Aggregate::Min | Aggregate::Max => *value = *weight,
            }
            if let Some(scored) = scored {
                *scored = true;
            }
        }
    }
}

impl<T: Real> Listener<T> for ManyTargets<'_, T> {
    fn of_rows(&mut self, first: usize, leaves: &[T]) {
        leaves.iter().zip(first..).for_each(|(leaf, row)| self.add(row, *leaf));
    }

    fn of_trees(&mut self, row: usize, leaves: &[T]) {
        leaves.iter().for_each(|leaf| self.add(row, *leaf));
    }
}
