//! Trees laid out for the processor.
//!
//! All nodes of all trees stand in one array, eight bytes each where they fit: a threshold, a column, and the place of the
//! first child within the tree. Children stand side by side, so that the place of the next node is that of
//! the first child plus the outcome of the comparison: no branch of the program depends on the data. Levels follow each
//! other (the upper ones, which all rows pass, share cache lines). A leaf is a node whose test always holds and whose
//! first child is itself; so all lanes of a loop can go on until the last has arrived. Its threshold is what it has to
//! say.

use tract_onnx::tract_hir::internal::*;

use super::columns::Columns;
use super::ensemble::{Ensemble, Node};
use super::node::{Packed, Place, Tree};
use super::real::Real;
use super::walk::{self, Listener};

/// An ensemble, laid out.
#[derive(Debug)]
pub struct Forest<T> {
    columns: Columns,
    nodes: Nodes<T>,
    trees: Vec<Tree>,
    /// Trees by depth, so that those that are walked side by side are of about one depth.
    by_depth: Vec<u32>,
}

#[derive(Debug)]
enum Nodes<T> {
    Small(Vec<Packed<T, u16>>),
    Large(Vec<Packed<T, u32>>),
}

impl<T: Real> Forest<T> {
    /// Rows whose columns are made and held at once: with the tree at hand they fit into the processor's first cache.
    const BLOCK: usize = 64;
    /// The most values in a block: where rows have many columns, as each test of categories has its own, it has fewer rows.
    const BLOCK_VALUES: usize = 1 << 16;

    /// Lays an ensemble out. A leaf's value is that of its first weight where there is one target; else it is the number
    /// of the node in the ensemble.
    ///
    /// # Errors
    /// If it is too large for 32 bits.
    pub fn new(ensemble: &Ensemble) -> TractResult<Self> {
        let columns = Columns::of::<T>(ensemble);
        let (nodes, trees) = match lay_out(ensemble, &columns)? {
            Some((nodes, trees)) => (Nodes::Small(nodes), trees),
            None => {
                let (nodes, trees) = lay_out(ensemble, &columns)?.context("its trees are too large")?;
                (Nodes::Large(nodes), trees)
            }
        };
        let mut by_depth: Vec<u32> = (0u32..).take(trees.len()).collect();
        by_depth.sort_by_key(|tree| trees.get(*tree as usize).map(|tree| tree.depth));
        Ok(Forest { columns, nodes, trees, by_depth })
    }

    /// How many trees.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Takes each row (`width` features) through each tree.
    pub fn each_leaf(&self, rows: &[T], width: usize, listener: &mut impl Listener<T>) {
        let stride = self.columns.width();
        let in_block = Self::BLOCK_VALUES.checked_div(stride).unwrap_or(1).clamp(1, Self::BLOCK);
        let mut values =
            Vec::with_capacity(stride.saturating_mul(rows.len().checked_div(width).unwrap_or(0).min(in_block)));
        for (block, rows) in rows.chunks(width.saturating_mul(in_block).max(1)).enumerate() {
            values.clear();
            rows.chunks_exact(width.max(1)).for_each(|row| self.columns.push_row(row, &mut values));
            let first = block.saturating_mul(in_block);
            match &self.nodes {
                Nodes::Small(nodes) => {
                    walk::block(nodes, &self.trees, &self.by_depth, &values, stride, first, listener)
                }
                Nodes::Large(nodes) => {
                    walk::block(nodes, &self.trees, &self.by_depth, &values, stride, first, listener)
                }
            }
        }
    }
}

/// The arrays; `None` if a place does not fit into such nodes.
#[expect(clippy::type_complexity, reason = "two arrays, unpacked at once")]
fn lay_out<T: Real, P: Place>(
    ensemble: &Ensemble,
    columns: &Columns,
) -> TractResult<Option<(Vec<Packed<T, P>>, Vec<Tree>)>> {
    let mut nodes = Vec::with_capacity(ensemble.nodes.len());
    let mut trees = Vec::with_capacity(ensemble.roots.len());
    for root in &ensemble.roots {
        let start = nodes.len();
        // Nodes of the level at hand, then those of the next: the place of each is known when its parent is written.
        let mut level = vec![*root];
        let mut next_place = 1usize;
        let mut depth = 0u32;
        loop {
            let mut below = Vec::new();
            for at in level {
                let place = nodes.len().saturating_sub(start);
                match ensemble.nodes.get(at).context("a node points outside of the table")? {
                    Node::Leaf(weights) => {
                        let say = if ensemble.targets == 1 {
                            ensemble.weights.get(weights.start).context("a leaf has no weight")?.value
                        } else {
                            at as f64
                        };
                        ensure!(ensemble.targets == 1 || T::from_f64(say).to_f64() == say, "it has too many leaves");
                        let Some(leaf) = Packed::new(T::from_f64(say), columns.leaf_column(), place) else {
                            return Ok(None);
                        };
                        nodes.push(leaf);
                    }
                    Node::Branch { feature, test, missing_is_true, yes, no } => {
                        let split =
                            columns.split(*feature, test, *missing_is_true).context("a test without a column")?;
                        let Some(branch) = Packed::new(split.threshold, split.column, next_place) else {
                            return Ok(None);
                        };
                        nodes.push(branch);
                        below.extend(if split.swapped { [*no, *yes] } else { [*yes, *no] });
                        next_place = next_place.saturating_add(2);
                    }
                }
            }
            if below.is_empty() {
                break;
            }
            level = below;
            depth = depth.saturating_add(1);
        }
        trees.push(Tree { first: u32::try_from(start)?, depth });
    }
    ensure!(u32::try_from(nodes.len()).is_ok(), "it has too many nodes");
    Ok(Some((nodes, trees)))
}
