//! `ReduceLogSumExp`, of ONNX's own domain: naive Bayes needs it, and tract's overflows.

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_ndarray::{ArrayD, Axis};

use super::kernel::Kernel;
use super::values::{elements, list, required_constant};
use crate::signature::Signature;

/// [ReduceLogSumExp](https://onnx.ai/onnx/operators/onnx__ReduceLogSumExp.html): `max + ln(sum(exp(x - max)))`.
#[derive(Debug)]
pub struct ReduceLogSumExp {
    /// None for all.
    axes: Vec<i64>,
    keepdims: bool,
}

impl ReduceLogSumExp {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let mut axes: Vec<i64> = list(node, "axes")?;
        // Since version 18 they are an input.
        if node.input.get(1).is_some_and(|name| !name.is_empty()) {
            axes = elements::<i64>(&required_constant(model, node, 1)?)?.to_vec();
        }
        ensure!(
            node.get_attr_opt::<i64>("noop_with_empty_axes")?.unwrap_or(0) == 0,
            "noop_with_empty_axes is not known"
        );
        Ok(ReduceLogSumExp { axes, keepdims: node.get_attr_opt::<i64>("keepdims")?.unwrap_or(1) == 1 })
    }

    /// From the first on, each once.
    fn axes(&self, rank: usize) -> TractResult<Vec<usize>> {
        if self.axes.is_empty() {
            return Ok((0..rank).collect());
        }
        let from_start = |axis: &i64| if *axis < 0 { axis.checked_add_unsigned(rank as u64) } else { Some(*axis) };
        let axis = |axis: &i64| {
            let axis = from_start(axis).and_then(|axis| usize::try_from(axis).ok());
            axis.filter(|axis| *axis < rank).context("an axis that there is not")
        };
        let mut axes: Vec<usize> = self.axes.iter().map(axis).collect::<TractResult<_>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }
}

/// Over one axis after the other, which comes to the same.
fn reduce<T: Datum + Copy + Into<f64>>(input: &Tensor, axes: &[usize], keepdims: bool) -> TractResult<Tensor> {
    let values: Vec<f64> = elements::<T>(input)?.iter().map(|x| (*x).into()).collect();
    let mut array = ArrayD::from_shape_vec(input.shape(), values)?;
    for axis in axes {
        array = array
            .map_axis(Axis(*axis), |lane| {
                let max = lane.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                if max.is_finite() { max + lane.iter().map(|x| (x - max).exp()).sum::<f64>().ln() } else { max }
            })
            .insert_axis(Axis(*axis));
    }
    if !keepdims {
        for axis in axes.iter().rev() {
            array = array.remove_axis(Axis(*axis));
        }
    }
    Ok(array.into_tensor().cast_to_dt(input.datum_type())?.into_owned())
}

impl Kernel for ReduceLogSumExp {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        ensure!([f32::datum_type(), f64::datum_type()].contains(&input.datum), "takes no {:?}", input.datum);
        let axes = self.axes(input.shape.len())?;
        let shape = input.shape.iter().enumerate().filter_map(|(axis, size)| match axes.contains(&axis) {
            false => Some(size.clone()),
            true => self.keepdims.then(|| 1.to_dim()),
        });
        Ok(tvec!(Signature::new(input.datum, shape)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        let axes = self.axes(input.shape().len())?;
        Ok(tvec!(if input.datum_type() == f64::datum_type() {
            reduce::<f64>(input, &axes, self.keepdims)?
        } else {
            reduce::<f32>(input, &axes, self.keepdims)?
        }))
    }
}
