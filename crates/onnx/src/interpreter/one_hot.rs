//! `OneHot`. tract takes for granted that each index has a place, and panics.

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::wide;
use crate::ml::{self, Kernel, elements, required_constant};
use crate::signature::Signature;

/// [OneHot](https://onnx.ai/onnx/operators/onnx__OneHot.html), of a constant depth. An index beyond it has no place.
#[derive(Debug)]
pub struct OneHot {
    depth: usize,
    axis: i64,
}

impl OneHot {
    /// More than any table here has.
    const MAX_DEPTH: i64 = 1 << 20;

    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let depth = required_constant(model, node, 1)?.cast_to::<i64>()?.into_owned();
        let [depth] = *elements::<i64>(&depth)? else { bail!("a depth of several numbers") };
        ensure!((1..=Self::MAX_DEPTH).contains(&depth), "a depth of {depth}, where 1 to {} are taken", Self::MAX_DEPTH);
        Ok(OneHot { depth: usize::try_from(depth)?, axis: node.get_attr_opt("axis")?.unwrap_or(-1) })
    }

    fn axis(&self, rank: usize) -> TractResult<usize> {
        ml::axis(self.axis, rank.saturating_add(1))
    }
}

/// For each place in a column of indices, the values of each depth.
fn one_hot<T: Datum + Clone>(kernel: &OneHot, indices: &Tensor, values: &Tensor, axis: usize) -> TractResult<Tensor> {
    let [off, on] = elements::<T>(values)? else { bail!("takes two values") };
    let depth = kernel.depth;
    let (outer, inner) = indices.shape().split_at_checked(axis).context("an axis that there is not")?;
    let inner_size = inner.iter().product::<usize>().max(1);
    let shape: TVec<usize> = outer.iter().copied().chain([depth]).chain(inner.iter().copied()).collect();
    let mut made = vec![off.clone(); indices.len().checked_mul(depth).context("too many values")?];
    let indices = indices.cast_to::<i64>()?;
    let blocks = elements::<i64>(&indices)?.chunks_exact(inner_size);
    for (block, made) in blocks.zip(made.chunks_exact_mut(depth.saturating_mul(inner_size).max(1))) {
        for (at, index) in block.iter().enumerate() {
            let from_start = if *index < 0 { index.saturating_add_unsigned(depth as u64) } else { *index };
            let place = usize::try_from(from_start).ok().filter(|place| *place < depth);
            let place = place.map(|place| place.saturating_mul(inner_size).saturating_add(at));
            if let Some(to) = place.and_then(|place| made.get_mut(place)) {
                *to = on.clone();
            }
        }
    }
    ml::tensor(&shape, made)
}

impl Kernel for OneHot {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [indices, _, values] = inputs else { bail!("takes three inputs") };
        ensure!(indices.datum.is_number(), "indices of {:?}", indices.datum);
        let is_known = [DatumType::String, DatumType::Bool].contains(&values.datum) || wide::of(values.datum).is_ok();
        ensure!(is_known, "values of {:?}", values.datum);
        ensure!(values.shape.as_slice() == [2.to_dim()], "values of {:?}", values.shape);
        let mut shape = indices.shape.clone();
        shape.insert(self.axis(shape.len())?, self.depth.to_dim());
        Ok(tvec!(Signature::new(values.datum, shape)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [indices, _, values] = inputs else { bail!("takes three inputs") };
        let axis = self.axis(indices.rank())?;
        let datum = values.datum_type();
        let made = match datum {
            DatumType::String => one_hot::<String>(self, indices, values, axis),
            DatumType::Bool => one_hot::<bool>(self, indices, values, axis),
            DatumType::F32 => one_hot::<f32>(self, indices, values, axis),
            DatumType::F64 => one_hot::<f64>(self, indices, values, axis),
            DatumType::U64 => one_hot::<u64>(self, indices, values, axis),
            _ => one_hot::<i64>(self, indices, &*wide::widened(values)?, axis),
        };
        Ok(tvec!(wide::narrowed(made?, datum)?))
    }
}
