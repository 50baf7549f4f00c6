//! The loop: down the trees, several at once.
//!
//! One step is: load a node, load the value it looks at, compare, add. Each waits for the one before, some fifteen cycles
//! in all; so [`LANES`] walks go side by side, and the processor does the others' work while one waits. For one row the
//! lanes are trees of about the same depth, for a block of rows they are rows in the same tree.

use super::Real;
use super::forest::{Packed, Tree};

/// How many walks go side by side.
const LANES: usize = 8;
/// After so many steps it is seen whether all walks have arrived, which deep and uneven trees have long before the end.
const STRIDE: u32 = 4;

/// The type of places within a tree and of columns.
pub trait Place: Copy + TryFrom<usize> + Into<u32> {}

impl Place for u16 {}
impl Place for u32 {}

/// Takes each row of a block (`stride` values each) through each tree, and tells what the leaves say: for a row, tree
/// after tree.
pub fn block<T: Real, P: Place>(
    nodes: &[Packed<T, P>],
    trees: &[Tree],
    by_depth: &[u32],
    values: &[T],
    stride: usize,
    mut say: impl FnMut(usize, T),
) {
    let lanes_of_rows = values.chunks_exact(stride.saturating_mul(LANES).max(1));
    let rest = lanes_of_rows.remainder().chunks_exact(stride.max(1));
    let whole = lanes_of_rows.len().saturating_mul(LANES);
    let offsets: [u32; LANES] = std::array::from_fn(|lane| lane.saturating_mul(stride) as u32);
    for tree in trees {
        for (group, values) in lanes_of_rows.clone().enumerate() {
            let leaves = walk(nodes, [tree.first; LANES], values, offsets, tree.depth);
            for (lane, leaf) in leaves.into_iter().enumerate() {
                say(group.saturating_mul(LANES).saturating_add(lane), leaf);
            }
        }
    }
    let mut leaves = vec![T::default(); if rest.len() == 0 { 0 } else { trees.len() }];
    for (row, values) in rest.enumerate() {
        one_row(nodes, trees, by_depth, values, &mut leaves);
        leaves.iter().for_each(|leaf| say(whole.saturating_add(row), *leaf));
    }
}

/// Takes one row through all trees; `leaves` are by tree.
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
#[expect(unsafe_code, reason = "checks of bounds take as long as all the rest")]
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
        unsafe { nodes.get_unchecked(at) }
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
