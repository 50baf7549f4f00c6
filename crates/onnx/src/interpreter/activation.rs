//! Functions of one number, of all of a tensor.
#![allow(clippy::arithmetic_side_effects, reason = "floating-point numbers do not overflow")]

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::tract_num_traits::Float;
use tract_onnx::tract_hir::internal::*;

use crate::ml::Kernel;
use crate::signature::Signature;

/// [Exp](https://onnx.ai/onnx/operators/onnx__Exp.html) and its like, of floating-point numbers; `Identity` of anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    Exp,
    Identity,
    Neg,
    Relu,
    Sigmoid,
    Sqrt,
    Tanh,
}

impl Activation {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(match node.op_type.as_str() {
            "Exp" => Activation::Exp,
            "Identity" => Activation::Identity,
            "Neg" => Activation::Neg,
            "Relu" => Activation::Relu,
            "Sigmoid" => Activation::Sigmoid,
            "Sqrt" => Activation::Sqrt,
            "Tanh" => Activation::Tanh,
            other => bail!("{other} is no activation"),
        })
    }

    fn apply<T: Float>(self, values: &mut [T]) {
        let mut each = |f: fn(T) -> T| values.iter_mut().for_each(|x| *x = f(*x));
        match self {
            Activation::Exp => each(T::exp),
            Activation::Identity => {}
            Activation::Neg => each(T::neg),
            // A comparison, so that it vectorises; NaN stays.
            Activation::Relu => values.iter_mut().for_each(|x| *x = if *x < T::zero() { T::zero() } else { *x }),
            Activation::Sigmoid => each(|x| T::one() / (T::one() + (-x).exp())),
            Activation::Sqrt => each(T::sqrt),
            Activation::Tanh => each(T::tanh),
        }
    }
}

impl Kernel for Activation {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        let real = [f32::datum_type(), f64::datum_type()].contains(&input.datum);
        ensure!(real || *self == Activation::Identity, "{self:?} of {:?}", input.datum);
        Ok(tvec!(input.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let mut output = (*input).clone();
        if *self == Activation::Identity {
            return Ok(tvec!(output));
        }
        let datum = output.datum_type();
        let mut values = output.try_as_plain_ram_mut()?;
        if datum == f64::datum_type() {
            self.apply(values.as_slice_mut::<f64>()?);
        } else {
            self.apply(values.as_slice_mut::<f32>()?);
        }
        Ok(tvec!(output))
    }
}
