//! What is known of tensors before there are any.

use tract_onnx::tract_hir::internal::*;

use turnout_tables::Datatype;

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

/// How many rows a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// As many as there are.
    Any,
    /// So many, no more and no fewer: at least 1.
    Of(usize),
}

/// How a table holds values of that type; `None` if it cannot.
pub fn datatype(datum: DatumType) -> Option<Datatype> {
    Some(match datum {
        DatumType::F64 => Datatype::F64,
        DatumType::F32 => Datatype::F32,
        DatumType::F16 => Datatype::F16,
        DatumType::Bool => Datatype::Bool,
        DatumType::String => Datatype::Text,
        DatumType::I64 => Datatype::I64,
        DatumType::I32 => Datatype::I32,
        DatumType::I16 => Datatype::I16,
        DatumType::I8 => Datatype::I8,
        DatumType::U64 => Datatype::U64,
        DatumType::U32 => Datatype::U32,
        DatumType::U16 => Datatype::U16,
        DatumType::U8 => Datatype::U8,
        // What shapes are counted in.
        DatumType::TDim => Datatype::I64,
        _ => return None,
    })
}
