//! The loop: down the trees, several at once.
//!
//! One step is: load a node, load the value it looks at, compare, add. Each waits for the one before, some fifteen cycles
//! in all; so [`LANES`] walks go side by side, and the processor does the others' work while one waits. For one row the
//! lanes are trees of about the same depth, for a block of rows they are rows in the same tree.

use super::node::{Packed, Place, Tree};
use super::real::Real;

/// How many walks go side by side. With four the processor waits; sixteen are more than it has registers for.
const LANES: usize = 8;
/// After so many steps it is seen whether all walks have arrived, which deep and uneven trees have long before the end.
const STRIDE: u32 = 4;

/// Who is told what leaves say. For a row it comes tree after tree, as sums depend on the order.
pub trait Listener<T> {
    /// One tree's leaves, of row `first` and those behind it.
    fn of_rows(&mut self, first: usize, leaves: &[T]);

    /// All trees' leaves, of one row.
    fn of_trees(&mut self, row: usize, leaves: &[T]);
}

/// Takes each row of a block (`stride` values each) through each tree. Its first row is the row `first` of all.
pub fn block<T: Real, P: Place>(
    nodes: &[Packed<T, P>],
    trees: &[Tree],
    by_depth: &[u32],
    values: &[T],
    stride: usize,
    first: usize,
    listener: &mut impl Listener<T>,
) {
    let in_lanes = values.chunks_exact(stride.saturating_mul(LANES).max(1));
    let rest = in_lanes.remainder().chunks_exact(stride.max(1));
    let whole = in_lanes.len().saturating_mul(LANES);
    if whole > 0 {
        let mut leaves = vec![T::default(); whole];
        for tree in trees {
            let nodes = nodes.get(tree.first as usize..).unwrap_or_default();
            one_tree(nodes, tree.depth, values, stride, &mut leaves);
            listener.of_rows(first, &leaves);
        }
    }
    if rest.len() > 0 {
        let mut leaves = vec![T::default(); trees.len()];
        for (row, values) in rest.enumerate() {
            one_row(nodes, trees, by_depth, values, &mut leaves);
            listener.of_trees(first.saturating_add(whole).saturating_add(row), &leaves);
        }
    }
}

/// Takes rows through the tree that `nodes` begin with, [`LANES`] at a time; `leaves` are by row.
///
/// Not inlined, here and below: in a function of many variables, V8 keeps those of the loop in memory, and it takes twice
/// as long.
#[inline(never)]
fn one_tree<T: Real, P: Place>(nodes: &[Packed<T, P>], depth: u32, values: &[T], stride: usize, leaves: &mut [T]) {
    let offsets: [u32; LANES] = std::array::from_fn(|lane| lane.saturating_mul(stride) as u32);
    let groups = values.chunks_exact(stride.saturating_mul(LANES).max(1));
    for (values, leaves) in groups.zip(leaves.chunks_exact_mut(LANES)) {
        leaves.copy_from_slice(&walk(nodes, [0; LANES], values, offsets, depth));
    }
}

/// Takes one row through all trees; `leaves` are by tree.
#[inline(never)]
fn one_row<T: Real, P: Place>(
    nodes: &[Packed<T, P>],
    trees: &[Tree],
    by_depth: &[u32],
    values: &[T],
    leaves: &mut [T],
) {
    for group in by_depth.chunks(LANES) {
        // The last group is filled up with its own last tree.
        let Some(last) = group.last() else { continue };
        let numbers: [u32; LANES] = std::array::from_fn(|lane| *group.get(lane).unwrap_or(last));
        let tree = |number: u32| trees.get(number as usize).copied().unwrap_or(Tree { first: 0, depth: 0 });
        let depth = tree(*last).depth;
        let reached = walk(nodes, numbers.map(|number| tree(number).first), values, [0; LANES], depth);
        for (number, leaf) in numbers.into_iter().zip(reached) {
            if let Some(slot) = leaves.get_mut(number as usize) {
                *slot = leaf;
            }
        }
    }
}

/// What the leaves say to which the walks lead: lane l starts at node `firsts[l]`, and looks at `values` from `offsets[l]`
/// on.
#[inline(always)]
#[expect(unsafe_code, reason = "with checks of bounds it is 1.8 times as slow")]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::neg_cmp_op_on_partial_ord,
    reason = "lanes are below LANES, places within the nodes; a missing value compares false"
)]
fn walk<T: Real, P: Place>(
    nodes: &[Packed<T, P>],
    firsts: [u32; LANES],
    values: &[T],
    offsets: [u32; LANES],
    depth: u32,
) -> [T; LANES] {
    let mut places = [0u32; LANES];
    let node = |lane: usize, place: u32| {
        let at = (firsts[lane] + place) as usize;
        debug_assert!(at < nodes.len());
        // SAFETY: `forest::lay_out` gives a child only places of its own tree, which are all in `nodes`.
        unsafe { *nodes.get_unchecked(at) }
    };
    let step = |places: &mut [u32; LANES]| {
        for lane in 0..LANES {
            let node = node(lane, places[lane]);
            let at = (offsets[lane] + node.column.into()) as usize;
            debug_assert!(at < values.len());
            // SAFETY: `Columns::split` gives only columns below `Columns::width`, and a row has as many values.
            let x = unsafe { values.get_unchecked(at) };
            places[lane] = node.child.into() + u32::from(!(*x <= node.threshold));
        }
    };
    let mut left = depth;
    while left > 2 * STRIDE {
        (0..STRIDE).for_each(|_| step(&mut places));
        left -= STRIDE;
        let before = places;
        step(&mut places);
        left -= 1;
        if before == places {
            left = 0;
        }
    }
    (0..left).for_each(|_| step(&mut places));
    std::array::from_fn(|lane| node(lane, places[lane]).threshold)
}
