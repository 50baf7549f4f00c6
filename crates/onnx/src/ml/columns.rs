//! Columns put together and picked out: `FeatureVectorizer`, `ArrayFeatureExtractor`; and `ZipMap`, which names them.

use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::labels::Labels;
use super::values::{as_f32, check_numeric, elements, list, tensor};
use crate::signature::{Signature, rows_and_columns};

/// [FeatureVectorizer](https://onnx.ai/onnx/operators/onnx_aionnxml_FeatureVectorizer.html): matrices side by side, each
/// cut to its width in `inputdimensions`, or filled up with noughts.
#[derive(Debug)]
pub struct FeatureVectorizer {
    widths: Vec<usize>,
}

impl FeatureVectorizer {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(FeatureVectorizer { widths: list(node, "inputdimensions")? })
    }
}

impl Kernel for FeatureVectorizer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        ensure!(
            inputs.len() == self.widths.len() && !inputs.is_empty(),
            "{} inputs for {} dimensions",
            inputs.len(),
            self.widths.len()
        );
        let mut rows = 1.to_dim();
        for input in inputs {
            check_numeric(input.datum)?;
            (rows, _) = input.rows_and_columns()?;
        }
        let total: usize = self.widths.iter().fold(0, |total, width| total.saturating_add(*width));
        Ok(tvec!(Signature::new(f32::datum_type(), [rows, total.to_dim()])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let inputs: TVec<_> = inputs.iter().map(|input| as_f32(input)).collect::<TractResult<_>>()?;
        let (rows, _) = rows_and_columns(inputs.first().context("takes an input")?)?;
        let mut parts: TVec<_> = inputs
            .iter()
            .map(|input| Ok(elements::<f32>(input)?.chunks_exact(rows_and_columns(input)?.1.max(1))))
            .collect::<TractResult<_>>()?;
        let total = self.widths.iter().fold(0usize, |total, width| total.saturating_add(*width));
        let mut joined = Vec::with_capacity(rows.saturating_mul(total));
        for _ in 0..rows {
            for (part, width) in parts.iter_mut().zip(&self.widths) {
                let row = part.next().unwrap_or_default();
                joined.extend(row.iter().copied().chain(std::iter::repeat(0.0)).take(*width));
            }
        }
        Ok(tvec!(tensor(&[rows, total], joined)?))
    }
}

/// [ArrayFeatureExtractor](https://onnx.ai/onnx/operators/onnx_aionnxml_ArrayFeatureExtractor.html): columns by number.
#[derive(Debug)]
pub struct ArrayFeatureExtractor;

impl ArrayFeatureExtractor {
    pub fn read(_node: &NodeProto) -> TractResult<Self> {
        Ok(ArrayFeatureExtractor)
    }
}

impl Kernel for ArrayFeatureExtractor {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input, indices] = inputs else { bail!("takes two inputs") };
        ensure!(indices.datum == i64::datum_type(), "takes indices that are integers, not {:?}", indices.datum);
        let count: TDim = indices.shape.iter().product();
        let shape = match input.shape.as_slice() {
            [] => bail!("takes one dimension at least"),
            [_] => tvec!(1.to_dim(), count),
            [first @ .., _] => first.iter().cloned().chain([count]).collect(),
        };
        Ok(tvec!(Signature::new(input.datum, shape)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        fn extract<T: Datum + Clone>(input: &Tensor, indices: &[usize]) -> TractResult<TVec<Tensor>> {
            let columns = input.shape().last().copied().context("takes one dimension at least")?;
            let mut extracted = Vec::new();
            for row in elements::<T>(input)?.chunks_exact(columns.max(1)) {
                for index in indices {
                    let value = row.get(*index).with_context(|| format!("column {index} of {columns}"))?;
                    extracted.push(value.clone());
                }
            }
            let shape: TVec<usize> = match input.shape() {
                [first @ .., _] if !first.is_empty() => first.iter().copied().chain([indices.len()]).collect(),
                _ => tvec!(1, indices.len()),
            };
            Ok(tvec!(tensor(&shape, extracted)?))
        }
        let [input, indices] = inputs else { bail!("takes two inputs") };
        let indices: Vec<usize> =
            elements::<i64>(indices)?.iter().map(|index| Ok(usize::try_from(*index)?)).collect::<TractResult<_>>()?;
        match input.datum_type() {
            datum if datum == f32::datum_type() => extract::<f32>(input, &indices),
            datum if datum == f64::datum_type() => extract::<f64>(input, &indices),
            datum if datum == i64::datum_type() => extract::<i64>(input, &indices),
            datum if datum == i32::datum_type() => extract::<i32>(input, &indices),
            datum if datum == bool::datum_type() => extract::<bool>(input, &indices),
            datum if datum == String::datum_type() => extract::<String>(input, &indices),
            datum => bail!("takes no {datum:?}"),
        }
    }
}

/// [ZipMap](https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html): a map a row, from class labels to scores.
///
/// A tensor holds no maps, so the scores are handed on as they are; [`ZipMap::keys`] tells the names of the columns to
/// whoever writes the output. For the same reason nothing but an output of the graph may come after it.
#[derive(Debug)]
pub struct ZipMap {
    keys: usize,
}

impl ZipMap {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(ZipMap { keys: ZipMap::keys(node)?.len() })
    }

    /// The keys of each row's map, in the order of the columns; integers in decimal.
    ///
    /// # Errors
    /// If the node has neither or both of `classlabels_int64s` and `classlabels_strings`.
    pub fn keys(node: &NodeProto) -> TractResult<Vec<String>> {
        Ok(match Labels::read(node, "classlabels_int64s")? {
            Labels::Ints(labels) => labels.iter().map(i64::to_string).collect(),
            Labels::Strings(labels) => labels,
        })
    }
}

impl Kernel for ZipMap {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        ensure!(
            input.datum == f32::datum_type(),
            "takes 32-bit floating point, not {:?}: convert the model with options={{'zipmap': False}}, or with \
             FloatTensorType for its inputs",
            input.datum
        );
        let (rows, columns) = input.rows_and_columns()?;
        ensure!(columns == self.keys.to_dim(), "{} labels for {columns} columns", self.keys);
        Ok(tvec!(Signature::new(input.datum, [rows, columns])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, columns) = rows_and_columns(input)?;
        Ok(tvec!(tensor(&[rows, columns], elements::<f32>(input)?.to_vec())?))
    }
}

/// The names of the columns of a graph's output, where a `ZipMap` makes it: the output is a map from them to its values.
///
/// # Errors
/// If the `ZipMap` has no labels.
pub fn zip_map_keys(graph: &GraphProto, output: &str) -> TractResult<Option<Vec<String>>> {
    let makes = |node: &&NodeProto| node.op_type == "ZipMap" && node.output.iter().any(|name| name == output);
    graph.node.iter().find(makes).map(ZipMap::keys).transpose()
}
