//! A node in memory.

use std::fmt::Debug;

use super::Real;

/// A branch, or a leaf that leads to itself.
pub trait Packed<T>: Copy + Debug + Send + Sync + 'static {
    /// `child` is the place of the first child, counted from the root; the second stands behind it. `None` if a place
    /// does not fit.
    fn new(threshold: T, column: usize, child: usize) -> Option<Self>;

    /// A leaf's is its value, where there is one target, else its number.
    fn threshold(self) -> T;

    fn column(self) -> u32;

    fn child(self) -> u32;
}

/// Eight bytes for 32-bit floating point: from the lowest bit on, the threshold, 16 bits of column and 16 of child. One
/// integer, so that it is loaded at once: workerd checks the bounds of each load.
#[derive(Clone, Copy, Debug)]
pub struct Small(u64);

impl Packed<f32> for Small {
    fn new(threshold: f32, column: usize, child: usize) -> Option<Self> {
        let (column, child) = (u16::try_from(column).ok()?, u16::try_from(child).ok()?);
        Some(Small(u64::from(threshold.to_bits()) | u64::from(column) << 32 | u64::from(child) << 48))
    }

    fn threshold(self) -> f32 {
        f32::from_bits(self.0 as u32)
    }

    fn column(self) -> u32 {
        (self.0 >> 32) as u32 & 0xffff
    }

    fn child(self) -> u32 {
        (self.0 >> 48) as u32
    }
}

/// As many bytes as it takes.
#[derive(Clone, Copy, Debug)]
pub struct Large<T> {
    threshold: T,
    column: u32,
    child: u32,
}

impl<T: Real> Packed<T> for Large<T> {
    fn new(threshold: T, column: usize, child: usize) -> Option<Self> {
        Some(Large { threshold, column: u32::try_from(column).ok()?, child: u32::try_from(child).ok()? })
    }

    fn threshold(self) -> T {
        self.threshold
    }

    fn column(self) -> u32 {
        self.column
    }

    fn child(self) -> u32 {
        self.child
    }
}
