//! What is known of tensors before there are any.

use tract_onnx::tract_hir::internal::*;

use crate::table::Datatype;

/// What is known of a tensor before there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The type of its elements.
    pub datum: DatumType,
    /// Its shape; the batch dimension is a symbol.
    pub shape: TVec<TDim>,
}

impl Signature {
    pub fn new(datum: DatumType, shape: impl IntoIterator<Item = TDim>) -> Self {
        Signature { datum, shape: shape.into_iter().collect() }
    }

    /// Rows and columns, as every operator of `ai.onnx.ml` reads a matrix: one dimension alone is one row.
    ///
    /// # Errors
    /// If there are none or more than two dimensions.
    pub fn rows_and_columns(&self) -> TractResult<(TDim, TDim)> {
        match self.shape.as_slice() {
            [columns] => Ok((1.to_dim(), columns.clone())),
            [rows, columns] => Ok((rows.clone(), columns.clone())),
            shape => bail!("takes one or two dimensions, not {shape:?}"),
        }
    }
}

/// Rows and columns of a tensor: see [`Signature::rows_and_columns`].
pub fn rows_and_columns(tensor: &Tensor) -> TractResult<(usize, usize)> {
    match tensor.shape() {
        [columns] => Ok((1, *columns)),
        [rows, columns] => Ok((*rows, *columns)),
        shape => bail!("takes one or two dimensions, not {shape:?}"),
    }
}

/// An output, as far as it is known before the model is run.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSignature {
    /// The model's name for it.
    pub name: String,
    /// What its values are.
    pub datatype: Datatype,
    /// Shape of one row's share; `None` for a size that depends on the values.
    pub row_shape: Vec<Option<usize>>,
}
