//! Operators of two numbers of several types: `Pow`, `BitShift`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::tract_ndarray::ArrayViewD;

use crate::ml::Kernel;
use crate::signature::Signature;

/// [Pow](https://onnx.ai/onnx/operators/onnx__Pow.html). A whole number's power that does not fit into its type is refused.
#[derive(Debug)]
pub struct Pow;

/// [BitShift](https://onnx.ai/onnx/operators/onnx__BitShift.html). Beyond the width nothing is left.
#[derive(Debug)]
pub struct BitShift {
    left: bool,
}

fn broadcast(inputs: &[Signature]) -> TractResult<TVec<Signature>> {
    let [a, b] = inputs else { bail!("takes two inputs") };
    let shape = tract_core::broadcast::multi_broadcast(&[a.shape.as_slice(), b.shape.as_slice()])?;
    Ok(tvec!(Signature::new(a.datum, shape)))
}

/// Each value of the one with its value of the other.
fn each<A: Datum + Copy, B: Datum + Copy, C: Datum>(
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(A, B) -> TractResult<C>,
) -> TractResult<Tensor> {
    let shape = tract_core::broadcast::multi_broadcast(&[a.shape(), b.shape()])?;
    let (a, b): (ArrayViewD<'_, A>, ArrayViewD<'_, B>) = (a.to_plain_array_view()?, b.to_plain_array_view()?);
    let (a, b) = (a.broadcast(&*shape), b.broadcast(&*shape));
    let (a, b) = (a.context("shapes that do not fit")?, b.context("shapes that do not fit")?);
    let values = a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect::<TractResult<Vec<C>>>()?;
    crate::ml::tensor(&shape, values)
}

/// A whole number's power.
fn power(base: i64, exponent: f64) -> TractResult<i64> {
    let too_large = || format_err!("{base} to the power of {exponent} does not fit into its type");
    if exponent >= 0.0 && exponent <= u32::MAX.into() && exponent.fract() == 0.0 {
        return base.checked_pow(exponent as u32).ok_or_else(too_large);
    }
    let power = (base as f64).powf(exponent);
    // Of 2^63 on it would be cut.
    ensure!(power.abs() < 9.2e18, too_large());
    Ok(power as i64)
}

fn of_whole<B: Datum + Copy>(base: &Tensor, exponent: &Tensor, number: impl Fn(B) -> f64) -> TractResult<Tensor> {
    if base.datum_type() == i32::datum_type() {
        return each::<i32, B, i32>(base, exponent, |a, b| Ok(i32::try_from(power(a.into(), number(b))?)?));
    }
    each::<i64, B, i64>(base, exponent, |a, b| power(a, number(b)))
}

fn of_real<B: Datum + Copy>(base: &Tensor, exponent: &Tensor, number: impl Fn(B) -> f64) -> TractResult<Tensor> {
    if base.datum_type() == f32::datum_type() {
        return each::<f32, B, f32>(base, exponent, |a, b| {
            // By far the most common.
            let exponent = number(b);
            Ok(if exponent == 2.0 { a * a } else { f64::from(a).powf(exponent) as f32 })
        });
    }
    each::<f64, B, f64>(base, exponent, |a, b| Ok(a.powf(number(b))))
}

fn of<B: Datum + Copy>(base: &Tensor, exponent: &Tensor, number: impl Fn(B) -> f64) -> TractResult<Tensor> {
    if base.datum_type().is_float() { of_real(base, exponent, number) } else { of_whole(base, exponent, number) }
}

const NUMBERS: [DatumType; 4] = [DatumType::F32, DatumType::F64, DatumType::I32, DatumType::I64];

impl Kernel for Pow {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        ensure!(inputs.iter().all(|input| NUMBERS.contains(&input.datum)), "takes no {inputs:?}");
        broadcast(inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [a, b] = inputs else { bail!("takes two inputs") };
        Ok(tvec!(match b.datum_type() {
            DatumType::F32 => of::<f32>(a, b, f64::from)?,
            DatumType::F64 => of::<f64>(a, b, |x| x)?,
            DatumType::I32 => of::<i32>(a, b, f64::from)?,
            _ => of::<i64>(a, b, |x| x as f64)?,
        }))
    }
}

impl BitShift {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(BitShift {
            left: match node.get_attr::<&str>("direction")? {
                "LEFT" => true,
                "RIGHT" => false,
                other => bail!("its direction `{other}` is none"),
            },
        })
    }
}

impl Kernel for BitShift {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let unsigned = [DatumType::U8, DatumType::U16, DatumType::U32, DatumType::U64];
        ensure!(inputs.iter().all(|input| unsigned.contains(&input.datum)), "takes no {inputs:?}");
        ensure!(inputs.windows(2).all(|pair| matches!(pair, [a, b] if a.datum == b.datum)), "inputs of two types");
        broadcast(inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [a, b] = inputs else { bail!("takes two inputs") };
        macro_rules! shift {
            ($integer:ty) => {
                each::<$integer, $integer, $integer>(a, b, |a, b| {
                    let by = u32::try_from(b).unwrap_or(u32::MAX);
                    Ok(if self.left { a.checked_shl(by) } else { a.checked_shr(by) }.unwrap_or(0))
                })?
            };
        }
        Ok(tvec!(match a.datum_type() {
            DatumType::U8 => shift!(u8),
            DatumType::U16 => shift!(u16),
            DatumType::U32 => shift!(u32),
            _ => shift!(u64),
        }))
    }
}
