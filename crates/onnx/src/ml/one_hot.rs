//! `OneHotEncoder`.

use std::collections::HashMap;

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::values::{check_numeric, elements, list, tensor};
use crate::signature::Signature;

/// [OneHotEncoder](https://onnx.ai/onnx/operators/onnx_aionnxml_OneHotEncoder.html): a value becomes a 1 at its category's
/// place among noughts.
#[derive(Debug)]
pub struct OneHotEncoder {
    categories: Categories,
    count: usize,
    /// Whether a value that is no category becomes all noughts; else it is refused.
    zeros: bool,
}

#[derive(Debug)]
enum Categories {
    Ints(HashMap<i64, usize>),
    Strings(HashMap<String, usize>),
}

impl OneHotEncoder {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let (ints, strings): (Vec<i64>, Vec<String>) = (list(node, "cats_int64s")?, list(node, "cats_strings")?);
        let zeros = node.get_attr_opt::<i64>("zeros")?.unwrap_or(1) != 0;
        let (categories, count) = match (ints.is_empty(), strings.is_empty()) {
            (false, true) => (Categories::Ints(ints.iter().copied().zip(0..).collect()), ints.len()),
            (true, false) => (Categories::Strings(strings.iter().cloned().zip(0..).collect()), strings.len()),
            _ => bail!("it has to have either cats_int64s or cats_strings"),
        };
        Ok(OneHotEncoder { categories, count, zeros })
    }
}

impl Kernel for OneHotEncoder {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        match self.categories {
            Categories::Ints(_) => check_numeric(input.datum)?,
            Categories::Strings(_) => {
                ensure!(input.datum == String::datum_type(), "takes strings, not {:?}", input.datum)
            }
        }
        ensure!(input.shape.len() <= 2, "takes two dimensions at most, not {:?}", input.shape);
        let shape = input.shape.iter().cloned().chain([self.count.to_dim()]);
        Ok(tvec!(Signature::new(f32::datum_type(), shape)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let places: Vec<Option<usize>> = match &self.categories {
            Categories::Strings(places) => {
                elements::<String>(input)?.iter().map(|value| places.get(value).copied()).collect()
            }
            Categories::Ints(places) => {
                // Fractions are cut off; a missing value is no category.
                let input = input.cast_to::<f64>()?;
                let place = |x: &f64| if x.is_nan() { None } else { places.get(&(*x as i64)).copied() };
                elements::<f64>(&input)?.iter().map(place).collect()
            }
        };
        let mut encoded = vec![0f32; places.len().saturating_mul(self.count)];
        for (row, place) in encoded.chunks_exact_mut(self.count.max(1)).zip(places) {
            match place.and_then(|place| row.get_mut(place)) {
                Some(one) => *one = 1.0,
                None => ensure!(self.zeros, "a value is none of its categories"),
            }
        }
        let shape: TVec<usize> = input.shape().iter().copied().chain([self.count]).collect();
        Ok(tvec!(tensor(&shape, encoded)?))
    }
}
