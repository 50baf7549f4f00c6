//! From scores to probabilities and to the best: `Softmax`, `LogSoftmax`, `ArgMax`, `ArgMin`.
#![allow(clippy::arithmetic_side_effects, reason = "floating-point numbers do not overflow")]

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::tract_num_traits::Float;
use tract_onnx::tract_hir::internal::*;

use crate::ml::{self, Kernel, elements, tensor};
use crate::signature::Signature;

/// [Softmax](https://onnx.ai/onnx/operators/onnx__Softmax.html), or its logarithm.
#[derive(Debug)]
pub struct Softmax {
    axis: i64,
    /// Of all axes from that one on, as before version 13.
    flattened: bool,
    logarithm: bool,
}

/// [ArgMax](https://onnx.ai/onnx/operators/onnx__ArgMax.html) and `ArgMin`. Of equal ones, the first, or the last.
#[derive(Debug)]
pub struct ArgBest {
    axis: i64,
    keepdims: bool,
    least: bool,
    last: bool,
}

fn check_real(datum: DatumType) -> TractResult<()> {
    ensure!([f32::datum_type(), f64::datum_type()].contains(&datum), "takes no {datum:?}");
    Ok(())
}

/// How many values lie along an axis, and from one of them to the next.
fn lanes(shape: &[usize], axis: usize) -> (usize, usize) {
    let after = shape.iter().skip(axis.saturating_add(1)).product();
    (shape.get(axis).copied().unwrap_or(1), after)
}

impl Softmax {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let flattened = ml::version(model, "").is_some_and(|version| version < 13);
        let axis = node.get_attr_opt("axis")?.unwrap_or(if flattened { 1 } else { -1 });
        Ok(Softmax { axis, flattened, logarithm: node.op_type == "LogSoftmax" })
    }

    /// How many values lie along the axis, and from one of them to the next.
    fn lanes(&self, shape: &[usize]) -> TractResult<(usize, usize)> {
        let axis = self.axis(shape.len())?;
        Ok(if self.flattened { (shape.iter().skip(axis).product(), 1) } else { lanes(shape, axis) })
    }

    fn axis(&self, rank: usize) -> TractResult<usize> {
        // Before version 13 it may be the one behind the last.
        if self.flattened && usize::try_from(self.axis) == Ok(rank) { Ok(rank) } else { ml::axis(self.axis, rank) }
    }

    fn apply<T: Float + std::iter::Sum>(&self, values: &mut [T], (count, step): (usize, usize)) {
        if step == 1 {
            return values.chunks_exact_mut(count.max(1)).for_each(|row| self.apply_row(row));
        }
        let mut row = vec![T::zero(); count];
        for block in values.chunks_exact_mut(count.saturating_mul(step).max(1)) {
            for lane in 0..step {
                row.iter_mut().zip(block.iter().skip(lane).step_by(step)).for_each(|(to, from)| *to = *from);
                self.apply_row(&mut row);
                block.iter_mut().skip(lane).step_by(step).zip(&row).for_each(|(to, from)| *to = *from);
            }
        }
    }

    fn apply_row<T: Float + std::iter::Sum>(&self, row: &mut [T]) {
        let max = row.iter().copied().fold(T::neg_infinity(), T::max);
        if self.logarithm {
            let sum: T = row.iter().map(|x| (*x - max).exp()).sum();
            let ln = sum.ln();
            row.iter_mut().for_each(|x| *x = *x - max - ln);
            return;
        }
        row.iter_mut().for_each(|x| *x = (*x - max).exp());
        let sum: T = row.iter().copied().sum();
        row.iter_mut().for_each(|x| *x = *x / sum);
    }
}

impl Kernel for Softmax {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        check_real(input.datum)?;
        self.axis(input.shape.len())?;
        Ok(tvec!(input.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let mut output = (*input).clone();
        let (datum, lanes) = (output.datum_type(), self.lanes(input.shape())?);
        let mut values = output.try_as_plain_ram_mut()?;
        if datum == f64::datum_type() {
            self.apply(values.as_slice_mut::<f64>()?, lanes);
        } else {
            self.apply(values.as_slice_mut::<f32>()?, lanes);
        }
        Ok(tvec!(output))
    }
}

impl ArgBest {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(ArgBest {
            axis: node.get_attr_opt("axis")?.unwrap_or(0),
            keepdims: node.get_attr_opt::<i64>("keepdims")?.unwrap_or(1) == 1,
            least: node.op_type == "ArgMin",
            last: node.get_attr_opt::<i64>("select_last_index")?.unwrap_or(0) == 1,
        })
    }

    fn shape<D: DimLike>(&self, input: &[D]) -> TractResult<TVec<D>> {
        let axis = ml::axis(self.axis, input.len())?;
        let size = |(at, size): (usize, &D)| match at == axis {
            true => self.keepdims.then(D::one),
            false => Some(size.clone()),
        };
        Ok(input.iter().enumerate().filter_map(size).collect())
    }

    fn best<'a, T: Datum + PartialOrd>(&self, row: impl Iterator<Item = &'a T>) -> i64 {
        let (mut best, mut place) = (None, 0);
        for (at, x) in row.enumerate() {
            let better = |best: &T| if self.least { x < best } else { x > best } || (self.last && x == best);
            if best.is_none_or(better) {
                (best, place) = (Some(x), at);
            }
        }
        place as i64
    }

    fn places<T: Datum + PartialOrd>(&self, input: &Tensor) -> TractResult<Vec<i64>> {
        let (count, step) = lanes(input.shape(), ml::axis(self.axis, input.rank())?);
        ensure!(count > 0, "the best of nothing");
        let values = elements::<T>(input)?;
        if step == 1 {
            return Ok(values.chunks_exact(count).map(|row| self.best(row.iter())).collect());
        }
        let blocks = values.chunks_exact(count.saturating_mul(step).max(1));
        let lane = |block: &[T], lane: usize| self.best(block.iter().skip(lane).step_by(step));
        Ok(blocks.flat_map(|block| (0..step).map(move |at| lane(block, at))).collect())
    }
}

impl Kernel for ArgBest {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        check_real(input.datum)?;
        Ok(tvec!(Signature::new(i64::datum_type(), self.shape(&input.shape)?)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let double = input.datum_type() == f64::datum_type();
        let places = if double { self.places::<f64>(input)? } else { self.places::<f32>(input)? };
        Ok(tvec!(tensor(&self.shape(input.shape())?, places)?))
    }
}
