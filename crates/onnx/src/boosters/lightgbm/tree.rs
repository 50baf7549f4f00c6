//! A tree, made into nodes of the kernel.

use std::sync::Arc;

use super::columns::Columns;
use super::error::Error;
use super::fields::Fields;
use crate::ml::trees::{Ensemble, Node, Test, Weight};

/// The bit of a decision's type that says "one of these categories".
const CATEGORICAL: u8 = 1;
/// The bit that says that missing values go to the first child.
const DEFAULT_LEFT: u8 = 2;

/// What counts as missing in a test: two bits of a decision's type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Missing {
    /// Nothing: NaN is taken for 0.
    Nothing,
    /// 0, and NaN.
    Zero,
    /// NaN.
    Nan,
}

impl Missing {
    fn of(decision: u8) -> Option<Self> {
        match decision >> 2 {
            0 => Some(Missing::Nothing),
            1 => Some(Missing::Zero),
            2 => Some(Missing::Nan),
            _ => None,
        }
    }
}

/// Puts the nodes of a tree behind those of an ensemble. Its leaves add to the score `target`.
///
/// # Errors
/// If it is no tree, or is of a kind that is not run.
pub fn push(
    fields: &Fields<'_>,
    features: usize,
    target: usize,
    columns: &mut Columns,
    ensemble: &mut Ensemble,
) -> Result<(), Error> {
    if fields.find("is_linear").is_some_and(|value| value.trim() != "0") {
        return Err(Error::Linear { place: fields.place() });
    }
    let leaves: usize = fields.number("num_leaves")?;
    if leaves == 0 {
        return Err(fields.wrong("num_leaves", "0 leaves"));
    }
    let values: Vec<f64> = fields.list("leaf_value", leaves)?;
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(fields.wrong("leaf_value", format!("{value} in a leaf")));
    }
    let root = ensemble.nodes.len();
    let branches = leaves.saturating_sub(1);
    if branches > 0 {
        let splits = Splits::read(fields, leaves)?;
        let sets = Sets::read(fields)?;
        for at in 0..branches {
            let node = splits.node(fields, at, root, features, &sets, columns)?;
            ensemble.nodes.push(node);
        }
    }
    ensemble.roots.push(root);
    for value in values {
        let weight = ensemble.weights.len();
        ensemble.nodes.push(Node::Leaf(weight..weight.saturating_add(1)));
        ensemble.weights.push(Weight { target, value });
    }
    Ok(())
}

/// The branches, as the file has them: a list a property.
struct Splits {
    features: Vec<usize>,
    thresholds: Vec<f64>,
    decisions: Vec<u8>,
    left: Vec<i64>,
    right: Vec<i64>,
    leaves: usize,
}

impl Splits {
    fn read(fields: &Fields<'_>, leaves: usize) -> Result<Self, Error> {
        let branches = leaves.saturating_sub(1);
        let decisions = match fields.find("decision_type") {
            Some(_) => fields.list("decision_type", branches)?,
            None => vec![0; branches],
        };
        let splits = Splits {
            features: fields.list("split_feature", branches)?,
            thresholds: fields.list("threshold", branches)?,
            decisions,
            left: fields.list("left_child", branches)?,
            right: fields.list("right_child", branches)?,
            leaves,
        };
        splits.check_children(fields)?;
        Ok(splits)
    }

    /// Each node but the root is the child of one branch, and no other.
    fn check_children(&self, fields: &Fields<'_>) -> Result<(), Error> {
        let mut reached = vec![false; self.leaves.saturating_mul(2)];
        if let Some(root) = reached.first_mut() {
            *root = true;
        }
        for (key, children) in [("left_child", &self.left), ("right_child", &self.right)] {
            for child in children {
                let place = self.place(*child).and_then(|place| reached.get_mut(place));
                let place = place.ok_or_else(|| fields.wrong(key, format!("{child}, which is no node of the tree")))?;
                if std::mem::replace(place, true) {
                    return Err(fields.wrong(key, format!("{child}, which is reached in another way as well")));
                }
            }
        }
        Ok(())
    }

    /// Where a child stands among the tree's nodes: branches, then leaves, which are told as -1, -2, ...
    fn place(&self, child: i64) -> Option<usize> {
        let branches = self.leaves.checked_sub(1)?;
        match usize::try_from(child) {
            Ok(branch) => (branch < branches).then_some(branch),
            Err(_) => {
                let leaf = usize::try_from(!child).ok().filter(|leaf| *leaf < self.leaves)?;
                branches.checked_add(leaf)
            }
        }
    }

    fn node(
        &self,
        fields: &Fields<'_>,
        at: usize,
        root: usize,
        features: usize,
        sets: &Sets,
        columns: &mut Columns,
    ) -> Result<Node, Error> {
        let cut = || fields.wrong("num_leaves", "more leaves than there are branches for");
        let feature = *self.features.get(at).ok_or_else(cut)?;
        if feature >= features {
            return Err(fields.wrong("split_feature", format!("{feature}, and rows have {features} values")));
        }
        let threshold = *self.thresholds.get(at).ok_or_else(cut)?;
        if threshold.is_nan() {
            return Err(fields.wrong("threshold", "NaN"));
        }
        let decision = *self.decisions.get(at).ok_or_else(cut)?;
        let missing = Missing::of(decision).ok_or_else(|| {
            fields.wrong("decision_type", format!("{decision}, a kind of decision that is not known"))
        })?;
        let default_left = decision & DEFAULT_LEFT != 0;
        let child = |child: Option<&i64>| {
            let place = child.and_then(|child| self.place(*child)).ok_or_else(cut)?;
            Ok(root.saturating_add(place))
        };
        let (feature, test, missing_is_true) = if decision & CATEGORICAL != 0 {
            // A missing value is in no set.
            (feature, Test::InBits(sets.get(fields, threshold)?), false)
        } else {
            let test = Test::AtMost(threshold);
            match missing {
                Missing::Nothing => (feature, test, 0.0 <= threshold),
                Missing::Nan => (feature, test, default_left),
                // 0 goes where it would go anyway.
                Missing::Zero if default_left == (0.0 <= threshold) => (feature, test, default_left),
                Missing::Zero => (columns.without_zeros(feature), test, default_left),
            }
        };
        Ok(Node::Branch {
            feature,
            test,
            missing_is_true,
            yes: child(self.left.get(at))?,
            no: child(self.right.get(at))?,
        })
    }
}

/// The sets of categories that a tree's branches test for, as bits.
struct Sets(Vec<Arc<[u32]>>);

impl Sets {
    fn read(fields: &Fields<'_>) -> Result<Self, Error> {
        let count: usize = fields.number("num_cat")?;
        if count == 0 {
            return Ok(Sets(Vec::new()));
        }
        let ends: Vec<usize> = fields.list("cat_boundaries", count.saturating_add(1))?;
        let words: Vec<u32> = fields.list("cat_threshold", ends.last().copied().unwrap_or(0))?;
        let sets = ends.windows(2).map(|range| match range {
            [start, end] => words.get(*start..*end).map(Arc::from),
            _ => None,
        });
        let sets: Option<Vec<Arc<[u32]>>> = sets.collect();
        Ok(Sets(sets.ok_or_else(|| fields.wrong("cat_boundaries", "a boundary below the one before it"))?))
    }

    /// The set whose number stands in place of a threshold.
    fn get(&self, fields: &Fields<'_>, number: f64) -> Result<Arc<[u32]>, Error> {
        let at = number as usize;
        let set = self.0.get(at).filter(|_| at as f64 == number).cloned();
        set.ok_or_else(|| fields.wrong("threshold", format!("{number}, which is no set of categories of the tree")))
    }
}
