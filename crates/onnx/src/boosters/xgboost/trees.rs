//! XGBoost's trees, as the kernel's.

use std::sync::Arc;

use super::document::Tree;
use super::error::Error;
use crate::ml::trees::{Aggregator, Ensemble, Node, Test, Weight};

/// Categories from here on are none: 32-bit numbers do not tell them apart.
const CATEGORIES: i64 = 1 << 24;

/// Puts trees together. `groups` is which output each is of, `drops` what its leaves are multiplied by. `None` where there
/// are no trees.
///
/// # Errors
/// If they are none.
pub fn read(
    trees: Vec<Tree>,
    groups: &[u32],
    drops: &[f32],
    features: usize,
    targets: usize,
) -> Result<Option<Aggregator<f32>>, Error> {
    if groups.len() != trees.len() {
        return Err(Error::Count { what: "tree_info", found: groups.len(), expected: trees.len() });
    }
    if drops.len() > trees.len() {
        return Err(Error::Count { what: "weight_drop", found: drops.len(), expected: trees.len() });
    }
    if trees.is_empty() {
        return Ok(None);
    }
    let mut ensemble = Ensemble::of_sums(targets);
    let drops = drops.iter().copied().chain(std::iter::repeat(1.0));
    for (number, ((tree, group), drop)) in trees.into_iter().zip(groups).zip(drops).enumerate() {
        let problem = add(&mut ensemble, &tree, *group as usize, drop, features);
        problem.map_err(|problem| Error::Tree { number, problem })?;
    }
    let laid_out = ensemble.checked().and_then(|ensemble| Aggregator::new(&ensemble));
    laid_out.map(Some).map_err(|error| Error::Kernel(error.to_string()))
}

/// Puts one tree behind the others.
fn add(ensemble: &mut Ensemble, tree: &Tree, group: usize, drop: f32, features: usize) -> Result<(), &'static str> {
    let count = tree.left_children.len();
    let lists =
        [tree.right_children.len(), tree.split_indices.len(), tree.split_conditions.len(), tree.default_left.len()];
    if count == 0 || lists.iter().any(|length| *length != count) {
        return Err("its lists are not of one length");
    }
    let sets = Sets::read(tree)?;
    let leaf_vector: usize = match tree.tree_param.size_leaf_vector.as_str() {
        // 0 is what the first versions wrote for 1.
        "" | "0" => 1,
        text => text.parse().map_err(|_| "`size_leaf_vector` is no number")?,
    };
    let outputs = ensemble.targets;
    if leaf_vector > 1 && leaf_vector != outputs {
        return Err("its leaves have another number of values than the model has outputs");
    }
    if group >= outputs {
        return Err("it is of an output that the model does not have");
    }
    let first = ensemble.nodes.len();
    ensemble.roots.push(first);
    ensemble.nodes.reserve(count);
    let child = |place: i64| {
        let place = usize::try_from(place).ok().filter(|place| *place < count).ok_or("a node points outside of it")?;
        first.checked_add(place).ok_or("it is too large")
    };
    let lists = tree.left_children.iter().zip(&tree.right_children).zip(&tree.split_indices);
    let lists = lists.zip(tree.split_conditions.iter().zip(&tree.default_left));
    for (node, (((left, right), feature), (condition, default_left))) in lists.enumerate() {
        if *left == -1 {
            let start = ensemble.weights.len();
            if leaf_vector == 1 {
                let value = f64::from(*condition * drop);
                ensemble.weights.push(Weight { target: group, value });
            } else {
                let values = leaf_values(tree, node, *right, leaf_vector).ok_or("a leaf has no values")?;
                let weights = values.iter().map(|value| f64::from(*value * drop));
                ensemble.weights.extend(weights.enumerate().map(|(target, value)| Weight { target, value }));
            }
            ensemble.nodes.push(Node::Leaf(start..ensemble.weights.len()));
            continue;
        }
        let feature = usize::try_from(*feature).ok().filter(|feature| *feature < features);
        let feature = feature.ok_or("a node looks at a feature that the model does not have")?;
        let (left, right) = (child(*left)?, child(*right)?);
        ensemble.nodes.push(match sets.of(node)? {
            None => Node::Branch {
                feature,
                test: Test::Below(f64::from(*condition)),
                missing_is_true: default_left.0,
                yes: left,
                no: right,
            },
            // Categories of the set go right.
            Some(set) => {
                Node::Branch { feature, test: Test::Among(set), missing_is_true: !default_left.0, yes: right, no: left }
            }
        });
    }
    Ok(())
}

/// The values of a leaf that has many.
fn leaf_values(tree: &Tree, node: usize, right: i64, width: usize) -> Option<&[f32]> {
    let (values, place) = match &tree.leaf_weights {
        Some(values) => (values, usize::try_from(right).ok()?),
        None => (&tree.base_weights, node),
    };
    let start = place.checked_mul(width)?;
    values.get(start..start.checked_add(width)?)
}

/// The sets of categories that a tree's nodes split by.
struct Sets<'a> {
    tree: &'a Tree,
    /// Node, and where its categories are.
    segments: Vec<(usize, usize, usize)>,
}

impl<'a> Sets<'a> {
    fn read(tree: &'a Tree) -> Result<Self, &'static str> {
        let nodes = &tree.categories_nodes;
        if tree.categories_segments.len() != nodes.len() || tree.categories_sizes.len() != nodes.len() {
            return Err("its lists of categories are not of one length");
        }
        let place = |number: &i64| usize::try_from(*number).map_err(|_| "its categories are not where it says");
        let segments = nodes.iter().zip(tree.categories_segments.iter().zip(&tree.categories_sizes));
        let segments = segments.map(|(node, (start, size))| Ok((place(node)?, place(start)?, place(size)?)));
        let segments: Vec<_> = segments.collect::<Result<_, &'static str>>()?;
        if !segments.is_sorted_by_key(|(node, ..)| *node) {
            return Err("its nodes of categories are not in order");
        }
        Ok(Sets { tree, segments })
    }

    /// The categories that a node splits by, in ascending order; `None` if it splits by a threshold.
    fn of(&self, node: usize) -> Result<Option<Arc<[u32]>>, &'static str> {
        if self.tree.split_type.get(node).copied().unwrap_or(0) != 1 {
            return Ok(None);
        }
        let at = self.segments.binary_search_by_key(&node, |(node, ..)| *node);
        let segment = at.ok().and_then(|at| self.segments.get(at)).ok_or("a node has no categories to split by")?;
        let (_, start, size) = *segment;
        let set = start.checked_add(size).and_then(|end| self.tree.categories.get(start..end));
        let set = set.filter(|set| !set.is_empty()).ok_or("its categories are not where it says")?;
        let number = |category: &i64| u32::try_from(*category).ok().filter(|_| *category < CATEGORIES);
        let set: Option<Vec<u32>> = set.iter().map(number).collect();
        let mut set = set.ok_or("a category is no number from 0 to 16777215")?;
        set.sort_unstable();
        Ok(Some(set.into()))
    }
}
