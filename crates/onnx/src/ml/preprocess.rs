//! Numbers in, numbers of the same shape out: `Scaler`, `Normalizer`, `Imputer` and `Binarizer`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::values::{check_numeric, elements, list, tensor};
use crate::signature::{Signature, rows_and_columns};

/// How many values share a row's statistics: the second dimension, or the only one.
fn stride(shape: &[usize]) -> TractResult<usize> {
    let stride = shape.get(1).or(shape.first()).copied().context("takes one dimension at least")?;
    Ok(stride.max(1))
}

/// Per-feature values, or one for all: the attribute's length decides.
///
/// # Errors
/// If there are neither one nor as many as features.
fn check_length(what: &str, length: usize, input: &Signature) -> TractResult<()> {
    let features = input.shape.get(1).or(input.shape.first()).context("takes one dimension at least")?;
    ensure!(length == 1 || *features == length.to_dim(), "{length} {what} for {features} features");
    Ok(())
}

/// [Scaler](https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html): `(x - offset) * scale`.
#[derive(Debug)]
pub struct Scaler {
    offset: Vec<f32>,
    scale: Vec<f32>,
}

impl Scaler {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let (offset, scale): (Vec<f32>, Vec<f32>) = (list(node, "offset")?, list(node, "scale")?);
        ensure!(!scale.is_empty(), "it has no scale");
        ensure!(offset.len() == scale.len(), "{} offsets but {} scales", offset.len(), scale.len());
        Ok(Scaler { offset, scale })
    }
}

impl Kernel for Scaler {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        check_numeric(input.datum)?;
        check_length("scales", self.scale.len(), input)?;
        Ok(tvec!(Signature::new(f32::datum_type(), input.shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let parameters = self.offset.iter().zip(&self.scale).cycle();
        // Doubles are scaled as such, and rounded once.
        let scaled = if input.datum_type() == f64::datum_type() {
            let scale =
                |(x, (offset, scale)): (&f64, (&f32, &f32))| ((x - f64::from(*offset)) * f64::from(*scale)) as f32;
            elements::<f64>(input)?.iter().zip(parameters).map(scale).collect()
        } else {
            let input = input.cast_to::<f32>()?;
            let scale = |(x, (offset, scale)): (&f32, (&f32, &f32))| (x - offset) * scale;
            elements::<f32>(&input)?.iter().zip(parameters).map(scale).collect::<Vec<f32>>()
        };
        Ok(tvec!(tensor(input.shape(), scaled)?))
    }
}

/// [Normalizer](https://onnx.ai/onnx/operators/onnx_aionnxml_Normalizer.html): each row divided by its norm, unless that
/// is nought.
#[derive(Clone, Copy, Debug)]
pub enum Normalizer {
    /// The largest value, which may be negative, as ONNX Runtime has it.
    Max,
    /// The sum of magnitudes.
    L1,
    /// The root of the sum of squares.
    L2,
}

impl Normalizer {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(match node.get_attr_opt::<&str>("norm")?.unwrap_or("MAX") {
            "MAX" => Normalizer::Max,
            "L1" => Normalizer::L1,
            "L2" => Normalizer::L2,
            other => bail!("norm `{other}` is none of MAX, L1 and L2"),
        })
    }

    fn divisor(self, row: &[f32]) -> f32 {
        match self {
            Normalizer::Max => row.iter().copied().fold(f32::MIN, f32::max),
            Normalizer::L1 => row.iter().map(|x| x.abs()).sum(),
            Normalizer::L2 => row.iter().map(|x| x * x).sum::<f32>().sqrt(),
        }
    }
}

impl Kernel for Normalizer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        check_numeric(input.datum)?;
        input.rows_and_columns()?;
        Ok(tvec!(Signature::new(f32::datum_type(), input.shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (_, columns) = rows_and_columns(input)?;
        let mut values = elements::<f32>(&*input.cast_to::<f32>()?)?.to_vec();
        for row in values.chunks_exact_mut(columns.max(1)) {
            let divisor = self.divisor(row);
            if divisor != 0.0 {
                row.iter_mut().for_each(|x| *x /= divisor);
            }
        }
        Ok(tvec!(tensor(input.shape(), values)?))
    }
}

/// [Imputer](https://onnx.ai/onnx/operators/onnx_aionnxml_Imputer.html): another value in place of one that stands for
/// a missing one, such as NaN.
#[derive(Debug)]
pub enum Imputer {
    /// Of floating-point tensors.
    Floats {
        /// The value that is replaced.
        replaced: f32,
        /// By what: one value, or one a feature.
        imputed: Vec<f32>,
    },
    /// Of integers.
    Ints {
        /// The value that is replaced.
        replaced: i64,
        /// By what: one value, or one a feature.
        imputed: Vec<i64>,
    },
}

impl Imputer {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let floats: Vec<f32> = list(node, "imputed_value_floats")?;
        let ints: Vec<i64> = list(node, "imputed_value_int64s")?;
        match (floats.is_empty(), ints.is_empty()) {
            (false, true) => Ok(Imputer::Floats {
                replaced: node.get_attr_opt("replaced_value_float")?.unwrap_or(0.0),
                imputed: floats,
            }),
            (true, false) => {
                Ok(Imputer::Ints { replaced: node.get_attr_opt("replaced_value_int64")?.unwrap_or(0), imputed: ints })
            }
            _ => bail!("it has to have either imputed_value_floats or imputed_value_int64s"),
        }
    }

    fn datum(&self) -> DatumType {
        match self {
            Imputer::Floats { .. } => f32::datum_type(),
            Imputer::Ints { .. } => i64::datum_type(),
        }
    }
}

impl Kernel for Imputer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        ensure!(input.datum == self.datum(), "imputes {:?}, and its input is {:?}", self.datum(), input.datum);
        let length = match self {
            Imputer::Floats { imputed, .. } => imputed.len(),
            Imputer::Ints { imputed, .. } => imputed.len(),
        };
        check_length("imputed values", length, input)?;
        Ok(tvec!(input.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        fn impute<T: Datum + Copy>(
            input: &Tensor,
            imputed: &[T],
            is_replaced: impl Fn(&T) -> bool,
        ) -> TractResult<TVec<Tensor>> {
            let values = elements::<T>(input)?.iter().zip(imputed.iter().cycle());
            let values = values.map(|(x, imputed)| if is_replaced(x) { *imputed } else { *x }).collect();
            Ok(tvec!(tensor(input.shape(), values)?))
        }
        let [input] = inputs else { bail!("takes one input") };
        match self {
            Imputer::Floats { replaced, imputed } => {
                impute(input, imputed, |x: &f32| x == replaced || (x.is_nan() && replaced.is_nan()))
            }
            Imputer::Ints { replaced, imputed } => impute(input, imputed, |x| x == replaced),
        }
    }
}

/// [Binarizer](https://onnx.ai/onnx/operators/onnx_aionnxml_Binarizer.html): 1 above the threshold, else 0.
#[derive(Debug)]
pub struct Binarizer {
    threshold: f32,
}

impl Binarizer {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        // ONNX Runtime's default is 1, the specification's is 0.
        let threshold = node.get_attr_opt("threshold")?.context("it has no threshold")?;
        Ok(Binarizer { threshold })
    }
}

impl Kernel for Binarizer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        ensure!(input.datum == f32::datum_type(), "takes 32-bit floating point, not {:?}", input.datum);
        Ok(tvec!(input.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let columns = stride(input.shape())?;
        let values = elements::<f32>(input)?;
        if let Some(at) = values.iter().position(|x| x.is_nan()) {
            let column = at.checked_rem(columns).unwrap_or(0);
            bail!("a value is missing in column {}, where the Binarizer takes none", column.saturating_add(1));
        }
        let values = values.iter().map(|x| f32::from(u8::from(*x > self.threshold))).collect();
        Ok(tvec!(tensor(input.shape(), values)?))
    }
}
