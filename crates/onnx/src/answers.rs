//! From the tensors that a run gives to outputs by row.

use std::sync::Arc;

use tract_onnx::pb::GraphProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, bail};
use turnout_tables::{Datatype, Output, OutputSignature, Values};

use crate::signature::{Batch, Signature, datatype};
use crate::{half, inputs, ml};

/// What is made of one output's tensor.
#[derive(Debug)]
pub struct Answer {
    pub signature: OutputSignature,
    /// The batch dimension is the second, behind one of size 1.
    batch_second: bool,
}

/// What is made of the outputs of a graph, which has those signatures when it is run for so many rows. `halves` says which
/// are of 16 bits, though they are computed in 32.
///
/// # Errors
/// If one is of a type that is not written.
pub fn answers(
    graph: &GraphProto,
    signatures: &[Signature],
    batch: Batch,
    halves: &[bool],
) -> TractResult<Vec<Answer>> {
    let is_batch = |size: &TDim| match batch {
        Batch::Any => !size.symbols().is_empty(),
        Batch::Of(rows) => *size == rows.to_dim(),
    };
    let outputs = graph.output.iter().zip(signatures).zip(halves);
    let answers = outputs.map(|((output, Signature { datum, shape }), is_half)| {
        let name = output.name.clone();
        let keys = ml::zip_map_keys(graph, &name)?.map(Arc::from);
        let second = matches!(shape.as_slice(), [one, batch, ..] if one.is_one() && is_batch(batch));
        // Of one row, both dimensions are 1: then it is as the file says.
        let batch_second = second && (batch != Batch::Of(1) || inputs::is_batch_second(output));
        let datatype = match datatype(*datum) {
            Some(Datatype::F32) if *is_half => Datatype::F16,
            Some(datatype) => datatype,
            None => bail!("output `{name}` is of type {datum:?}, which cannot be written"),
        };
        let row_shape = shape.iter().skip(if batch_second { 2 } else { 1 }).map(|size| size.to_usize().ok()).collect();
        Ok(Answer { signature: OutputSignature { name, datatype, row_shape, keys }, batch_second })
    });
    answers.collect()
}

impl Answer {
    /// The rows of a tensor that was computed for `batch` of them, of which the first `rows` were asked for.
    ///
    /// # Errors
    /// If it does not have as many, or is of a type that is not written.
    pub fn output(&self, batch: usize, rows: usize, tensor: &Tensor) -> TractResult<Output> {
        let OutputSignature { name, datatype, keys, .. } = &self.signature;
        let shape = match tensor.shape() {
            [1, shape @ ..] if self.batch_second => shape,
            shape => shape,
        };
        let row_shape = match shape.split_first() {
            Some((found, row_shape)) if *found == batch => row_shape.to_vec(),
            // A model of one row may leave the batch dimension out.
            _ if batch == 1 => shape.to_vec(),
            _ => bail!("output `{name}` has shape {:?} for {batch} rows", tensor.shape()),
        };
        let count = row_shape.iter().fold(rows, |product, size| product.saturating_mul(*size));
        let datum = tensor.datum_type();
        let values = if datum == f32::datum_type() {
            let values = first::<f32>(tensor, count)?;
            let is_half = *datatype == Datatype::F16;
            Values::F32(if is_half { values.into_iter().map(half::rounded).collect() } else { values })
        } else if datum.is_float() {
            Values::F64(first(&*tensor.cast_to::<f64>()?, count)?)
        } else if datum.is_integer() || datum == TDim::datum_type() {
            Values::I64(first(&*tensor.cast_to::<i64>()?, count)?)
        } else if datum == bool::datum_type() {
            Values::Bool(first(tensor, count)?)
        } else if datum == String::datum_type() {
            Values::Text(first(tensor, count)?)
        } else {
            bail!("output `{name}` is of type {datum:?}, which cannot be written");
        };
        Ok(Output { name: name.clone(), datatype: *datatype, row_shape, keys: keys.clone(), values })
    }
}

/// The first values of a tensor of that very type.
fn first<T: Datum + Clone>(tensor: &Tensor, count: usize) -> TractResult<Vec<T>> {
    let values = ml::elements::<T>(tensor)?;
    Ok(values.get(..count).unwrap_or(values).to_vec())
}
