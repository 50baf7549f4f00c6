//! Nodes and trees in memory.

use std::fmt::Debug;

/// A branch, or a leaf that leads to itself: eight bytes where a threshold has four and a place two. Aligned, so that none
/// lies in two cache lines, which would make the loop half as slow again.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct Packed<T, P> {
    /// A leaf's is its value, where there is one target, else its number.
    pub threshold: T,
    pub column: P,
    /// The place of the first child, counted from the root; the second stands behind it.
    pub child: P,
}

/// The type of places within a tree and of columns: 16 bits do for all but huge trees.
pub trait Place: Copy + Debug + TryFrom<usize> + Into<u32> {}

impl Place for u16 {}
impl Place for u32 {}

impl<T, P: Place> Packed<T, P> {
    /// `None` if a place does not fit.
    pub fn new(threshold: T, column: usize, child: usize) -> Option<Self> {
        Some(Packed { threshold, column: P::try_from(column).ok()?, child: P::try_from(child).ok()? })
    }
}

/// Where a tree stands in the array of nodes.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    pub first: u32,
    /// How many steps lead from the root to any leaf.
    pub depth: u32,
}
