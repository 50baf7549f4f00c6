//! Operators of two numbers of several types: `Pow`, `BitShift`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::wide;
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

fn too_large(base: i64, exponent: f64) -> TractError {
    format_err!("{base} to the power of {exponent} does not fit into its type")
}

/// A whole number's power.
fn power(base: i64, exponent: f64) -> TractResult<i64> {
    if exponent >= 0.0 && exponent <= u32::MAX.into() && exponent.fract() == 0.0 {
        return base.checked_pow(exponent as u32).ok_or_else(|| too_large(base, exponent));
    }
    let power = (base as f64).powf(exponent);
    // Of 2^63 on it would be cut.
    ensure!(power.abs() < 9.2e18, too_large(base, exponent));
    Ok(power as i64)
}

const NUMBERS: [DatumType; 4] = [DatumType::F32, DatumType::F64, DatumType::I32, DatumType::I64];

impl Kernel for Pow {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        ensure!(inputs.iter().all(|input| NUMBERS.contains(&input.datum)), "takes no {inputs:?}");
        broadcast(inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [a, b] = inputs else { bail!("takes two inputs") };
        let exponent = b.cast_to::<f64>()?;
        let real = |base: f32, exponent: f64| {
            // By far the most common.
            Ok(if exponent == 2.0 { base * base } else { f64::from(base).powf(exponent) as f32 })
        };
        let whole = |base: i64, exponent: f64| {
            let power = power(base, exponent)?;
            ensure!(a.datum_type() == DatumType::I64 || i32::try_from(power).is_ok(), too_large(base, exponent));
            Ok(power)
        };
        Ok(tvec!(match a.datum_type() {
            DatumType::F32 => wide::each(a, &exponent, real)?,
            DatumType::F64 => wide::each(a, &exponent, |base: f64, exponent: f64| Ok(base.powf(exponent)))?,
            datum => wide::narrowed(wide::each(&*wide::widened(a)?, &exponent, whole)?, datum)?,
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
        let datum = a.datum_type();
        let width = datum.size_of().saturating_mul(8) as u64;
        let greatest = u64::MAX.checked_shr(64u32.saturating_sub(width as u32)).unwrap_or(0);
        let shifted = |a: u64, by: u64| {
            let shifted = if self.left { a.checked_shl(by as u32) } else { a.checked_shr(by as u32) };
            Ok(if by < width { shifted.unwrap_or(0) & greatest } else { 0 })
        };
        let shifted = wide::each(&*a.cast_to::<u64>()?, &*b.cast_to::<u64>()?, shifted)?;
        Ok(tvec!(wide::narrowed(shifted, datum)?))
    }
}
