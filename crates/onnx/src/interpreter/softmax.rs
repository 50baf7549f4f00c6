//! From scores to probabilities and to the best: `Softmax`, `ArgMax`, `ArgMin`, of the last axis.
#![allow(clippy::arithmetic_side_effects, reason = "floating-point numbers do not overflow")]

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::tract_num_traits::Float;
use tract_onnx::tract_hir::internal::*;

use crate::ml::{self, Kernel, elements, tensor};
use crate::signature::Signature;

/// [Softmax](https://onnx.ai/onnx/operators/onnx__Softmax.html).
#[derive(Debug)]
pub struct Softmax {
    axis: i64,
}

/// [ArgMax](https://onnx.ai/onnx/operators/onnx__ArgMax.html) and `ArgMin`: the first of equal ones.
#[derive(Debug)]
pub struct ArgBest {
    axis: i64,
    keepdims: bool,
    least: bool,
}

/// # Errors
/// If the axis is not the last, or may be that of the rows, which may be run in turns.
fn check_last<D>(axis: i64, shape: &[D]) -> TractResult<()> {
    let rank = i64::try_from(shape.len())?;
    ensure!(rank > 1 && (axis == -1 || axis.checked_add(1) == Some(rank)), "axis {axis} of {rank}");
    Ok(())
}

fn check_real(datum: DatumType) -> TractResult<()> {
    ensure!([f32::datum_type(), f64::datum_type()].contains(&datum), "takes no {datum:?}");
    Ok(())
}

/// The size of the last axis.
fn width(tensor: &Tensor) -> usize {
    tensor.shape().last().copied().unwrap_or(1).max(1)
}

impl Softmax {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        // Before version 13 it was of all axes from this one on, which for two axes is the same.
        let default = if ml::version(model, "").is_some_and(|version| version < 13) { 1 } else { -1 };
        Ok(Softmax { axis: node.get_attr_opt("axis")?.unwrap_or(default) })
    }

    fn apply<T: Float + std::iter::Sum>(row: &mut [T]) {
        let max = row.iter().copied().fold(T::neg_infinity(), T::max);
        row.iter_mut().for_each(|x| *x = (*x - max).exp());
        let sum: T = row.iter().copied().sum();
        row.iter_mut().for_each(|x| *x = *x / sum);
    }
}

impl Kernel for Softmax {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        check_real(input.datum)?;
        check_last(self.axis, &input.shape)?;
        Ok(tvec!(input.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let mut output = (*input).clone();
        let (datum, width) = (output.datum_type(), width(input));
        let mut values = output.try_as_plain_ram_mut()?;
        if datum == f64::datum_type() {
            values.as_slice_mut::<f64>()?.chunks_exact_mut(width).for_each(Self::apply);
        } else {
            values.as_slice_mut::<f32>()?.chunks_exact_mut(width).for_each(Self::apply);
        }
        Ok(tvec!(output))
    }
}

impl ArgBest {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let last = node.get_attr_opt::<i64>("select_last_index")?.unwrap_or(0);
        ensure!(last == 0, "the last of equal ones");
        Ok(ArgBest {
            axis: node.get_attr_opt("axis")?.unwrap_or(0),
            keepdims: node.get_attr_opt::<i64>("keepdims")?.unwrap_or(1) == 1,
            least: node.op_type == "ArgMin",
        })
    }

    fn shape<D: DimLike>(&self, input: &[D]) -> TVec<D> {
        let outer = input.split_last().map_or(&[][..], |(_, outer)| outer);
        outer.iter().cloned().chain(self.keepdims.then(D::one)).collect()
    }

    fn places<T: Datum + PartialOrd>(&self, input: &Tensor) -> TractResult<Vec<i64>> {
        let place = |row: &[T]| {
            let mut best = 0;
            for (at, x) in row.iter().enumerate() {
                if row.get(best).is_some_and(|best| if self.least { x < best } else { x > best }) {
                    best = at;
                }
            }
            best as i64
        };
        Ok(elements::<T>(input)?.chunks_exact(width(input)).map(place).collect())
    }
}

impl Kernel for ArgBest {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        check_real(input.datum)?;
        check_last(self.axis, &input.shape)?;
        Ok(tvec!(Signature::new(i64::datum_type(), self.shape(&input.shape))))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let double = input.datum_type() == f64::datum_type();
        let places = if double { self.places::<f64>(input)? } else { self.places::<f32>(input)? };
        Ok(tvec!(tensor(&self.shape(input.shape()), places)?))
    }
}
