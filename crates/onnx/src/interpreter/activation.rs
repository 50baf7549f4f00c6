//! Functions of one number, of all of a tensor.
#![allow(clippy::arithmetic_side_effects, reason = "floating-point numbers do not overflow")]

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::tract_num_traits::Float;
use tract_onnx::tract_hir::internal::*;

use crate::ml::{self, Kernel};
use crate::signature::Signature;

/// [Exp](https://onnx.ai/onnx/operators/onnx__Exp.html) and its like, of floating-point numbers; `Identity` of anything.
/// A missing value stays one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    Celu { alpha: f32 },
    Exp,
    Gelu,
    GeluTanh,
    HardSigmoid { alpha: f32, beta: f32 },
    Identity,
    Neg,
    Relu,
    Sigmoid,
    Softplus,
    Sqrt,
    Swish { alpha: f32 },
    Tanh,
}

impl Activation {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let factor = |name: &str, default: f32| Ok::<_, TractError>(node.get_attr_opt(name)?.unwrap_or(default));
        Ok(match node.op_type.as_str() {
            "Celu" => {
                let alpha = factor("alpha", 1.0)?;
                ensure!(alpha != 0.0, "alpha is 0, by which it divides");
                Activation::Celu { alpha }
            }
            "Exp" => Activation::Exp,
            "Gelu" => match node.get_attr_opt::<&str>("approximate")?.unwrap_or("none") {
                "none" => Activation::Gelu,
                "tanh" => Activation::GeluTanh,
                other => bail!("its approximation `{other}` is unknown"),
            },
            "HardSigmoid" => Activation::HardSigmoid { alpha: factor("alpha", 0.2)?, beta: factor("beta", 0.5)? },
            "Identity" => Activation::Identity,
            "Neg" => Activation::Neg,
            "Relu" => Activation::Relu,
            "Sigmoid" => Activation::Sigmoid,
            "Softplus" => Activation::Softplus,
            "Sqrt" => Activation::Sqrt,
            "Swish" => {
                ensure!(ml::version(model, "").is_some_and(|version| version >= 24), "there is none before version 24");
                Activation::Swish { alpha: factor("alpha", 1.0)? }
            }
            "Tanh" => Activation::Tanh,
            other => bail!("{other} is no activation"),
        })
    }

    fn apply<T: Real>(self, values: &mut [T]) {
        fn each<T: Copy>(values: &mut [T], f: impl Fn(T) -> T) {
            values.iter_mut().for_each(|x| *x = f(*x));
        }
        let (zero, one, half) = (T::zero(), T::one(), T::real(0.5));
        match self {
            Activation::Celu { alpha } => {
                let alpha = T::real(alpha.into());
                each(values, |x| if x < zero { alpha * (x / alpha).exp_m1() } else { x });
            }
            Activation::Exp => each(values, T::exp),
            Activation::Gelu => {
                each(values, |x| half * x * (one + (x * T::real(std::f64::consts::FRAC_1_SQRT_2)).erf()))
            }
            Activation::GeluTanh => {
                let (scale, cubic) = (T::real((2.0 / std::f64::consts::PI).sqrt()), T::real(0.044_715));
                each(values, |x| half * x * (one + (scale * (x + cubic * x * x * x)).tanh()));
            }
            Activation::HardSigmoid { alpha, beta } => {
                let (alpha, beta) = (T::real(alpha.into()), T::real(beta.into()));
                each(values, |x| {
                    let y = alpha * x + beta;
                    if y < zero {
                        zero
                    } else if y > one {
                        one
                    } else {
                        y
                    }
                });
            }
            Activation::Identity => {}
            Activation::Neg => each(values, T::neg),
            // A comparison, so that it vectorises; NaN stays.
            Activation::Relu => each(values, |x| if x < zero { zero } else { x }),
            Activation::Sigmoid => each(values, sigmoid),
            // In the form that does not overflow.
            Activation::Softplus => each(values, |x| if x > zero { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }),
            Activation::Sqrt => each(values, T::sqrt),
            Activation::Swish { alpha } => {
                let alpha = T::real(alpha.into());
                each(values, |x| x * sigmoid(alpha * x));
            }
            Activation::Tanh => each(values, T::tanh),
        }
    }
}

fn sigmoid<T: Float>(x: T) -> T {
    T::one() / (T::one() + (-x).exp())
}

/// What `Float` lacks.
trait Real: Float {
    fn real(x: f64) -> Self;
    fn erf(self) -> Self;
}

impl Real for f32 {
    fn real(x: f64) -> Self {
        x as f32
    }

    fn erf(self) -> Self {
        erf(self.into()) as f32
    }
}

impl Real for f64 {
    fn real(x: f64) -> Self {
        x
    }

    fn erf(self) -> Self {
        erf(self)
    }
}

/// The error function: its Taylor series where that converges fast, else a continued fraction (Abramowitz and Stegun, 7.1.5
/// and 7.1.14). Of missing values, a missing one.
fn erf(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    if magnitude > 6.0 {
        return x.signum();
    }
    let fraction = (1..=60).rev().fold(0.0, |rest, n| f64::from(n) / 2.0 / (magnitude + rest));
    let complement = (-x * x).exp() / ((magnitude + fraction) * std::f64::consts::PI.sqrt());
    (1.0 - complement).copysign(x)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_as_tables_have_it() {
        // Abramowitz and Stegun, table 7.1; the last two from its complement.
        let known = [(0.0, 0.0), (0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0)];
        for (x, expected) in known.into_iter().chain([(2.6, 0.999_763_965_6), (4.0, 0.999_999_984_6), (9.0, 1.0)]) {
            assert!((erf(x) - expected).abs() < 1e-9 && (erf(-x) + expected).abs() < 1e-9, "{x}: {}", erf(x));
        }
        assert!(erf(f64::NAN).is_nan());
    }
}
