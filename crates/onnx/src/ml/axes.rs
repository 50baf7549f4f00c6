//! Axes, as attributes and constants name them.

use std::ops::Range;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::values::{elements, list, required_constant};

/// Which axis of that many it is; negative ones are counted from the end.
///
/// # Errors
/// If there is none.
pub fn axis(axis: i64, rank: usize) -> TractResult<usize> {
    place(axis, rank).with_context(|| format!("its axis {axis} is none of {rank}"))
}

/// Which of so many is meant; negative ones are counted from the end.
pub fn place(at: i64, count: usize) -> Option<usize> {
    let from_start = if at < 0 { at.checked_add_unsigned(count as u64) } else { Some(at) };
    from_start.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < count)
}

/// Which are meant.
pub fn places(at: &[i64], count: usize) -> Option<Vec<usize>> {
    at.iter().map(|at| place(*at, count)).collect()
}

/// A part of so many, from a place to before another, as `Shape` and `Slice` have them: cut to what there is.
pub fn part(start: i64, end: i64, count: usize) -> Range<usize> {
    let length = i64::try_from(count).unwrap_or(i64::MAX);
    let edge = |at: i64| {
        let from_start = if at < 0 { at.saturating_add(length) } else { at };
        usize::try_from(from_start.clamp(0, length)).unwrap_or_default()
    };
    let start = edge(start);
    start..edge(end).max(start)
}

/// The axes that a reduction goes over.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// Where none are named: all, or none.
    axes: Vec<i64>,
    keepdims: bool,
    /// Without axes it does nothing.
    noop: bool,
}

impl Reduced {
    /// From the attributes of a node, or from its second input, as newer versions have them.
    ///
    /// # Errors
    /// If they are computed.
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let mut axes: Vec<i64> = list(node, "axes")?;
        if node.input.get(1).is_some_and(|name| !name.is_empty()) {
            axes = elements::<i64>(&required_constant(model, node, 1)?)?.to_vec();
        }
        Ok(Reduced {
            axes,
            keepdims: node.get_attr_opt::<i64>("keepdims")?.unwrap_or(1) == 1,
            noop: node.get_attr_opt::<i64>("noop_with_empty_axes")?.unwrap_or(0) == 1,
        })
    }

    /// From the first on, each once.
    ///
    /// # Errors
    /// If there is none of that number.
    pub fn axes(&self, rank: usize) -> TractResult<Vec<usize>> {
        if self.axes.is_empty() {
            return Ok(if self.noop { Vec::new() } else { (0..rank).collect() });
        }
        let mut axes: Vec<usize> = self.axes.iter().map(|named| axis(*named, rank)).collect::<TractResult<_>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    /// The shape that is left.
    ///
    /// # Errors
    /// As [`Reduced::axes`].
    pub fn shape<D: DimLike>(&self, input: &[D]) -> TractResult<TVec<D>> {
        let axes = self.axes(input.len())?;
        let left = input.iter().enumerate().filter_map(|(axis, size)| match axes.contains(&axis) {
            false => Some(size.clone()),
            true => self.keepdims.then(D::one),
        });
        Ok(left.collect())
    }
}
