//! `ReduceLogSumExp`, of ONNX's own domain: naive Bayes needs it, and tract's overflows.

use std::borrow::Cow;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_ndarray::{ArrayD, Axis};

use super::axes::Reduced;
use super::kernel::Kernel;
use super::values::elements;
use crate::signature::Signature;

/// [ReduceLogSumExp](https://onnx.ai/onnx/operators/onnx__ReduceLogSumExp.html): `max + ln(sum(exp(x - max)))`.
#[derive(Debug)]
pub struct ReduceLogSumExp {
    over: Reduced,
}

impl ReduceLogSumExp {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        Ok(ReduceLogSumExp { over: Reduced::read(model, node)? })
    }
}

/// Over one axis after the other, which comes to the same.
fn reduce<T: Datum + Copy + Into<f64>>(input: &Tensor, over: &Reduced) -> TractResult<Tensor> {
    let values: Vec<f64> = elements::<T>(input)?.iter().map(|x| (*x).into()).collect();
    let mut array = ArrayD::from_shape_vec(input.shape(), values)?;
    for axis in over.axes(input.rank())? {
        array = array
            .map_axis(Axis(axis), |lane| {
                let max = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum = |max: f64| lane.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
                // A missing value makes a sum that is missing; of infinite ones, the greatest decides.
                if max.is_finite() || lane.iter().any(|x| x.is_nan()) { max + sum(max) } else { max }
            })
            .insert_axis(Axis(axis));
    }
    array.into_tensor().into_shape(&over.shape(input.shape())?)?.cast_to_dt(input.datum_type()).map(Cow::into_owned)
}

impl Kernel for ReduceLogSumExp {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        ensure!([f32::datum_type(), f64::datum_type()].contains(&input.datum), "takes no {:?}", input.datum);
        Ok(tvec!(Signature::new(input.datum, self.over.shape(&input.shape)?)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        let double = input.datum_type() == f64::datum_type();
        Ok(tvec!(if double { reduce::<f64>(input, &self.over)? } else { reduce::<f32>(input, &self.over)? }))
    }
}
