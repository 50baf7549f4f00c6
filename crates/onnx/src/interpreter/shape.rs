//! What moves values: `Reshape`, `Flatten`, `Concat`.

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use crate::ml::{Kernel, elements, required_constant};
use crate::signature::Signature;

/// [Reshape](https://onnx.ai/onnx/operators/onnx__Reshape.html) by a constant: a size of 0 is as it was, the one of -1 is
/// what is left.
#[derive(Debug)]
pub struct Reshape {
    sizes: Vec<i64>,
}

/// [Concat](https://onnx.ai/onnx/operators/onnx__Concat.html).
#[derive(Debug)]
pub struct Concat {
    axis: i64,
}

impl Reshape {
    /// In a row: more than any has here, and far from overflowing.
    const MAX_VALUES: i64 = 1 << 24;

    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        ensure!(node.get_attr_opt::<i64>("allowzero")?.unwrap_or(0) == 0, "a size of 0");
        let sizes = elements::<i64>(&required_constant(model, node, 1)?)?.to_vec();
        ensure!(sizes.iter().all(|size| *size >= -1), "a negative size");
        ensure!(sizes.iter().filter(|size| **size == -1).count() <= 1, "two sizes that are left");
        let known = sizes.iter().filter(|size| **size > 0).try_fold(1i64, |product, size| product.checked_mul(*size));
        ensure!(known.is_some_and(|known| known <= Self::MAX_VALUES), "too many values");
        Ok(Reshape { sizes })
    }

    /// [Flatten](https://onnx.ai/onnx/operators/onnx__Flatten.html) into rows.
    pub fn read_flatten(node: &NodeProto) -> TractResult<Self> {
        ensure!(node.get_attr_opt::<i64>("axis")?.unwrap_or(1) == 1, "not into rows");
        Ok(Reshape { sizes: vec![0, -1] })
    }

    fn shape<D: DimLike>(&self, input: &[D]) -> TractResult<TVec<D>> {
        let size = |(at, size): (usize, &i64)| match size {
            0 => input.get(at).cloned().context("as it was, where there was nothing"),
            -1 => Ok(D::one()),
            size => Ok(D::from(usize::try_from(*size)?)),
        };
        let mut shape = self.sizes.iter().enumerate().map(size).collect::<TractResult<TVec<D>>>()?;
        let (left, rest) = input.iter().cloned().product::<D>().maybe_div(&shape.iter().cloned().product())?;
        ensure!(rest == 1, "what is left is not known");
        match self.sizes.iter().zip(&mut shape).find(|(size, _)| **size == -1) {
            Some((_, open)) => *open = left,
            None => ensure!(left.is_one(), "another number of values"),
        }
        Ok(shape)
    }
}

impl Kernel for Reshape {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        Ok(tvec!(Signature::new(input.datum, self.shape(&input.shape)?)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        Ok(tvec!((*input).clone().into_shape(&self.shape(input.shape())?)?))
    }
}

impl Concat {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(Concat { axis: node.get_attr("axis")? })
    }

    fn axis(&self, rank: usize) -> TractResult<usize> {
        let axis = if self.axis < 0 { self.axis.checked_add_unsigned(rank as u64) } else { Some(self.axis) };
        let axis = axis.and_then(|axis| usize::try_from(axis).ok());
        axis.filter(|axis| *axis < rank).context("an axis that there is not")
    }
}

impl Kernel for Concat {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let first = inputs.first().context("takes an input")?;
        let axis = self.axis(first.shape.len())?;
        let mut joined = first.clone();
        for input in inputs {
            ensure!(input.datum == first.datum && input.shape.len() == first.shape.len(), "inputs of two kinds");
            let others = input.shape.iter().zip(&first.shape).enumerate().filter(|(at, _)| *at != axis);
            ensure!(others.into_iter().all(|(_, (a, b))| a == b), "inputs of two shapes");
        }
        if let Some(to) = joined.shape.get_mut(axis) {
            *to = inputs.iter().filter_map(|input| input.shape.get(axis).cloned()).sum();
        }
        Ok(tvec!(joined))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let axis = self.axis(inputs.first().context("takes an input")?.rank())?;
        Ok(tvec!(Tensor::stack_tensors(axis, inputs)?))
    }
}
