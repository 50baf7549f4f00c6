//! Trees as their attributes tell them, checked.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use tract_onnx::pb::{NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;

use crate::ml::values::{elements, list, load_tensor, tensor_list};

/// Binary trees over one table of nodes. Each root leads to a tree: no node but a leaf is reached twice.
///
/// All numbers are doubles here, which hold 32-bit ones exactly.
#[derive(Debug)]
pub struct Ensemble {
    pub nodes: Vec<Node>,
    pub roots: Vec<usize>,
    pub weights: Vec<Weight>,
    pub base_values: Vec<f64>,
    pub aggregate: Aggregate,
    /// How many targets or classes.
    pub targets: usize,
    /// The type that the attributes have where they are tensors; the input is to be of the same.
    pub datum: Option<DatumType>,
}

#[derive(Debug)]
pub enum Node {
    Branch {
        feature: usize,
        test: Test,
        /// A missing value goes where a true test goes; else where a false one goes.
        missing_is_true: bool,
        yes: usize,
        no: usize,
    },
    /// Never without a weight.
    Leaf(Range<usize>),
}

/// What a leaf adds to a target.
#[derive(Clone, Debug)]
pub struct Weight {
    pub target: usize,
    pub value: f64,
}

/// The modes of a branch.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    Above(f64),
    Equal(f64),
    NotEqual(f64),
    Member(Vec<f64>),
    /// The value without its fraction is the number of a bit that is 1, counted from the lowest of the first word.
    InBits(Arc<[u32]>),
    /// The value is not below 0, and without its fraction one of these, which are in ascending order.
    Among(Arc<[u32]>),
}

/// How the trees' weights for a target are put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

impl Test {
    fn new(mode: &str, value: f64) -> TractResult<Option<Self>> {
        Ok(Some(match mode {
            "BRANCH_LEQ" => Test::AtMost(value),
            "BRANCH_LT" => Test::Below(value),
            "BRANCH_GTE" => Test::AtLeast(value),
            "BRANCH_GT" => Test::Above(value),
            "BRANCH_EQ" => Test::Equal(value),
            "BRANCH_NEQ" => Test::NotEqual(value),
            "LEAF" => return Ok(None),
            other => bail!("node mode `{other}` is none that the specification has"),
        }))
    }

    /// Whether a value that is there passes; of a missing one, the plain comparison.
    pub fn holds(&self, x: f64) -> bool {
        match self {
            Test::AtMost(value) => x <= *value,
            Test::Below(value) => x < *value,
            Test::AtLeast(value) => x >= *value,
            Test::Above(value) => x > *value,
            Test::Equal(value) => x == *value,
            Test::NotEqual(value) => x != *value,
            Test::Member(values) => values.contains(&x),
            Test::Among(members) => x >= 0.0 && x < f64::from(u32::MAX) && members.binary_search(&(x as u32)).is_ok(),
            Test::InBits(words) => x > -1.0 && x < f64::from(u32::MAX) && has_bit(words, x as u32),
        }
    }
}

fn has_bit(words: &[u32], bit: u32) -> bool {
    words.get((bit / u32::BITS) as usize).is_some_and(|word| word >> (bit % u32::BITS) & 1 == 1)
}

/// An attribute that may be a list of 32-bit numbers or a tensor, and the tensor's type.
fn numbers(node: &NodeProto, name: &str, datum: &mut Option<DatumType>) -> TractResult<Vec<f64>> {
    let plain: Vec<f32> = list(node, name)?;
    if !plain.is_empty() {
        return Ok(plain.into_iter().map(f64::from).collect());
    }
    tensor_numbers(node, &format!("{name}_as_tensor"), datum)
}

fn tensor_numbers(node: &NodeProto, name: &str, datum: &mut Option<DatumType>) -> TractResult<Vec<f64>> {
    let Some(proto) = node.get_attr_opt::<&TensorProto>(name)? else { return Ok(Vec::new()) };
    *datum = Some(load_tensor(proto)?.datum_type());
    tensor_list(node, name)
}

fn check_lengths(lengths: &[(&str, usize)]) -> TractResult<()> {
    let Some((first, expected)) = lengths.first() else { return Ok(()) };
    match lengths.iter().find(|(_, length)| length != expected) {
        Some((name, length)) => bail!("`{first}` has {expected} values but `{name}` has {length}"),
        None => Ok(()),
    }
}

fn get<T: Copy>(list: &[T], at: usize) -> TractResult<T> {
    list.get(at).copied().context("a node points outside of the table")
}

impl Ensemble {
    /// No trees yet, whose weights are to be summed for so many targets.
    pub fn of_sums(targets: usize) -> Self {
        Ensemble {
            nodes: Vec::new(),
            roots: Vec::new(),
            weights: Vec::new(),
            base_values: Vec::new(),
            aggregate: Aggregate::Sum,
            targets,
            datum: None,
        }
    }

    /// Reads `TreeEnsembleClassifier` (`prefix` is `class`) or `TreeEnsembleRegressor` (`target`).
    ///
    /// # Errors
    /// If the attributes do not make trees.
    pub fn read(node: &NodeProto, prefix: &str, targets: usize) -> TractResult<Self> {
        let ints = |name: &str| list::<usize>(node, name);
        let (tree_ids, node_ids) = (ints("nodes_treeids")?, ints("nodes_nodeids")?);
        let (features, yes, no) = (ints("nodes_featureids")?, ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let modes: Vec<&str> = list(node, "nodes_modes")?;
        let mut datum = None;
        let thresholds = numbers(node, "nodes_values", &mut datum)?;
        let mut missing: Vec<i64> = list(node, "nodes_missing_value_tracks_true")?;
        missing.resize(node_ids.len(), 0);
        check_lengths(&[
            ("nodes_nodeids", node_ids.len()),
            ("nodes_treeids", tree_ids.len()),
            ("nodes_featureids", features.len()),
            ("nodes_truenodeids", yes.len()),
            ("nodes_falsenodeids", no.len()),
            ("nodes_modes", modes.len()),
            ("nodes_values", thresholds.len()),
        ])?;

        let mut index = HashMap::with_capacity(node_ids.len());
        let mut roots = Vec::new();
        let mut known_trees = HashMap::new();
        for (at, key) in tree_ids.iter().copied().zip(node_ids).enumerate() {
            ensure!(index.insert(key, at).is_none(), "node {} of tree {} is there twice", key.1, key.0);
            if at.checked_sub(1).and_then(|before| tree_ids.get(before)) != Some(&key.0) {
                ensure!(known_trees.insert(key.0, at).is_none(), "the nodes of tree {} are not side by side", key.0);
                roots.push(at);
            }
        }

        let leaf_ids = |name: &str| ints(&format!("{prefix}_{name}"));
        let (leaf_trees, leaf_nodes, leaf_targets) = (leaf_ids("treeids")?, leaf_ids("nodeids")?, leaf_ids("ids")?);
        let leaf_weights = numbers(node, &format!("{prefix}_weights"), &mut datum)?;
        check_lengths(&[
            ("ids of leaves", leaf_targets.len()),
            ("treeids of leaves", leaf_trees.len()),
            ("nodeids of leaves", leaf_nodes.len()),
            ("weights of leaves", leaf_weights.len()),
        ])?;
        // By leaf, and in the order of the attributes within one.
        let mut by_leaf: Vec<(usize, Weight)> = leaf_trees
            .into_iter()
            .zip(leaf_nodes)
            .zip(leaf_targets.into_iter().zip(leaf_weights))
            .map(|(key, (target, value))| {
                let at = *index.get(&key).with_context(|| format!("node {} of tree {} is missing", key.1, key.0))?;
                Ok((at, Weight { target, value }))
            })
            .collect::<TractResult<_>>()?;
        by_leaf.sort_by_key(|(at, _)| *at);

        let mut weights = by_leaf.iter().peekable();
        let mut first = 0usize;
        let mut nodes = Vec::with_capacity(modes.len());
        for at in 0..modes.len() {
            let mut end = first;
            while weights.next_if(|(leaf, _)| *leaf == at).is_some() {
                end = end.saturating_add(1);
            }
            nodes.push(match Test::new(get(&modes, at)?, get(&thresholds, at)?)? {
                Some(test) => {
                    let child = |id: usize| {
                        let tree = get(&tree_ids, at)?;
                        index.get(&(tree, id)).copied().with_context(|| format!("node {id} of tree {tree} is missing"))
                    };
                    Node::Branch {
                        feature: get(&features, at)?,
                        test,
                        missing_is_true: get(&missing, at)? == 1,
                        yes: child(get(&yes, at)?)?,
                        no: child(get(&no, at)?)?,
                    }
                }
                None => Node::Leaf(first..end),
            });
            first = end;
        }
        let weights = by_leaf.into_iter().map(|(_, weight)| weight).collect();
        let base_values = numbers(node, "base_values", &mut datum)?;
        let aggregate = match node.get_attr_opt::<&str>("aggregate_function")?.unwrap_or("SUM") {
            "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            other => bail!("aggregate_function `{other}` is none of SUM, AVERAGE, MIN and MAX"),
        };
        Ensemble { nodes, roots, weights, base_values, aggregate, targets, datum }.checked()
    }

    /// Reads the `TreeEnsemble` of version 5, whose nodes are branches only, and whose leaves have a table of their own.
    ///
    /// # Errors
    /// If the attributes do not make trees.
    pub fn read_v5(node: &NodeProto) -> TractResult<Self> {
        let ints = |name: &str| list::<usize>(node, name);
        let mut datum = None;
        let features = ints("nodes_featureids")?;
        let splits = tensor_numbers(node, "nodes_splits", &mut datum)?;
        let modes: &TensorProto = node.get_attr("nodes_modes")?;
        let modes = load_tensor(modes)?;
        let modes = elements::<u8>(&modes)?;
        let branches = features.len();
        // Leaves stand behind the branches.
        let child = |ids: &[usize], leaves: &[usize], at: usize| -> TractResult<usize> {
            Ok(get(ids, at)?.saturating_add(if get(leaves, at)? == 0 { 0 } else { branches }))
        };
        let (yes, yes_leaves) = (ints("nodes_truenodeids")?, ints("nodes_trueleafs")?);
        let (no, no_leaves) = (ints("nodes_falsenodeids")?, ints("nodes_falseleafs")?);
        let mut missing: Vec<i64> = list(node, "nodes_missing_value_tracks_true")?;
        missing.resize(branches, 0);
        let leaf_targets = ints("leaf_targetids")?;
        let leaf_weights = tensor_numbers(node, "leaf_weights", &mut datum)?;
        check_lengths(&[
            ("nodes_featureids", branches),
            ("nodes_splits", splits.len()),
            ("nodes_modes", modes.len()),
            ("nodes_truenodeids", yes.len()),
            ("nodes_trueleafs", yes_leaves.len()),
            ("nodes_falsenodeids", no.len()),
            ("nodes_falseleafs", no_leaves.len()),
        ])?;
        check_lengths(&[("leaf_targetids", leaf_targets.len()), ("leaf_weights", leaf_weights.len())])?;
        // The sets of the membership tests, in the order of these, each ended by NaN.
        let members = tensor_numbers(node, "membership_values", &mut datum)?;
        let mut sets = members.split(|x| x.is_nan());

        let mut nodes = Vec::with_capacity(branches.saturating_add(leaf_weights.len()));
        for at in 0..branches {
            let split = get(&splits, at)?;
            let test = match get(modes, at)? {
                0 => Test::AtMost(split),
                1 => Test::Below(split),
                2 => Test::AtLeast(split),
                3 => Test::Above(split),
                4 => Test::Equal(split),
                5 => Test::NotEqual(split),
                6 => Test::Member(sets.next().context("membership_values are too few")?.to_vec()),
                other => bail!("node mode {other} is none that the specification has"),
            };
            nodes.push(Node::Branch {
                feature: get(&features, at)?,
                test,
                missing_is_true: get(&missing, at)? == 1,
                yes: child(&yes, &yes_leaves, at)?,
                no: child(&no, &no_leaves, at)?,
            });
        }
        nodes.extend((0..leaf_weights.len()).map(|leaf| Node::Leaf(leaf..leaf.saturating_add(1))));
        let aggregate = match node.get_attr_opt::<i64>("aggregate_function")?.unwrap_or(1) {
            0 => Aggregate::Average,
            1 => Aggregate::Sum,
            2 => Aggregate::Min,
            3 => Aggregate::Max,
            other => bail!("aggregate_function {other} is none that the specification has"),
        };
        let targets = node.get_attr("n_targets")?;
        let weights =
            leaf_targets.into_iter().zip(leaf_weights).map(|(target, value)| Weight { target, value }).collect();
        let (roots, base_values) = (ints("tree_roots")?, Vec::new());
        Ensemble { nodes, roots, weights, base_values, aggregate, targets, datum }.checked()
    }

    /// What the layout takes for granted. Chains of tests for equality become tests for membership on the way.
    ///
    /// # Errors
    /// If it is not so.
    pub fn checked(mut self) -> TractResult<Self> {
        ensure!(!self.roots.is_empty(), "it has no trees");
        ensure!(self.targets > 0, "it has no targets");
        let beyond = self.weights.iter().find(|weight| weight.target >= self.targets);
        ensure!(beyond.is_none(), "a leaf has a weight for target {:?} of {}", beyond, self.targets);
        ensure!(!self.weights.iter().any(|weight| weight.value.is_nan()), "a leaf's weight is NaN");
        let mut reached = vec![false; self.nodes.len()];
        let mut ahead = self.roots.clone();
        while let Some(at) = ahead.pop() {
            self.merge_chain(at, &mut reached);
            match self.nodes.get(at).context("a node points outside of the table")? {
                Node::Leaf(weights) => ensure!(!weights.is_empty(), "a leaf has no weight"),
                Node::Branch { yes, no, .. } => {
                    let reached = reached.get_mut(at).context("a node points outside of the table")?;
                    ensure!(!std::mem::replace(reached, true), "a node is reached in two ways: this is not a tree");
                    ahead.extend([yes, no]);
                }
            }
        }
        Ok(self)
    }

    /// LightGBM's converter writes "one of a, b, c" as a chain of tests for equality that all lead to one node when they
    /// are true. That is no tree, but one test for membership at the node `at`.
    /// The others of the chain are reached then: a second way to one of them would make another list of what is behind it.
    fn merge_chain(&mut self, at: usize, reached: &mut [bool]) {
        // Feature, value, where missing and equal ones go, where others go.
        let equality = |at: usize| match self.nodes.get(at) {
            Some(Node::Branch { feature, test: Test::Equal(value), missing_is_true, yes, no }) => {
                Some((*value, *no, (*feature, *missing_is_true, *yes)))
            }
            _ => None,
        };
        let Some((first, mut no, rest)) = equality(at) else { return };
        let mut members = vec![first];
        // One that was reached is refused when the way comes to it.
        while let Some((value, next, same)) = equality(no)
            && same == rest
            && no != at
            && let Some(reached) = reached.get_mut(no).filter(|reached| !**reached)
        {
            *reached = true;
            members.push(value);
            no = next;
        }
        if let Some(Node::Branch { test, no: last, .. }) = self.nodes.get_mut(at)
            && members.len() > 1
        {
            (*test, *last) = (Test::Member(members), no);
        }
    }

    /// Makes an ensemble of one target of this one, if every leaf has one weight and all of them are for one target; tells
    /// for which.
    pub fn make_single(&mut self) -> Option<usize> {
        let target = self.weights.first()?.target;
        let one_weight = |node: &Node| !matches!(node, Node::Leaf(weights) if weights.len() != 1);
        if !self.nodes.iter().all(one_weight) || self.weights.iter().any(|weight| weight.target != target) {
            return None;
        }
        self.weights.iter_mut().for_each(|weight| weight.target = 0);
        self.targets = 1;
        Some(target)
    }

    /// One more than the highest feature that a test looks at.
    pub fn features(&self) -> usize {
        let feature = |node: &Node| match node {
            Node::Branch { feature, .. } => feature.saturating_add(1),
            Node::Leaf(_) => 0,
        };
        self.nodes.iter().map(feature).max().unwrap_or(0)
    }
}
