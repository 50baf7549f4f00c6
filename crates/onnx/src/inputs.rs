//! The inputs that a graph declares, as a table's columns.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::*;

use crate::error::LoadError;
use crate::signature::{Batch, Signature, datatype};
use crate::table::Input;

/// One input.
#[derive(Clone, Debug)]
pub struct Declared {
    pub input: Input,
    pub datum: DatumType,
    /// How many rows it takes.
    pub batch: Batch,
    /// Whether its first dimension is the rows'; else it is the shape of a row alone.
    pub has_batch: bool,
}

impl Declared {
    /// What is known of it when it has so many rows.
    pub fn signature(&self, rows: TDim) -> Signature {
        let batch = self.has_batch.then_some(rows);
        let row = self.input.row_shape.iter().map(|size| size.to_dim());
        Signature::new(self.datum, batch.into_iter().chain(row))
    }

    /// How many dimensions it has.
    pub fn rank(&self) -> usize {
        self.input.row_shape.len().saturating_add(usize::from(self.has_batch))
    }
}

/// The inputs of a graph, but for its constants, in its order.
///
/// # Errors
/// If one is of no type or shape that a table's columns have.
pub fn read(graph: &GraphProto) -> Result<Vec<Declared>, LoadError> {
    let is_constant = |value: &ValueInfoProto| graph.initializer.iter().any(|constant| constant.name == value.name);
    graph.input.iter().filter(|value| !is_constant(value)).map(declared).collect()
}

/// How many rows a run of all these inputs takes.
///
/// # Errors
/// If they do not agree.
pub fn batch(declared: &[Declared]) -> Result<Batch, LoadError> {
    let mut batch = Batch::Any;
    for Declared { input, batch: one, .. } in declared {
        batch = match (batch, *one) {
            (found, Batch::Any) => found,
            (Batch::Any, one) => one,
            (found, one) if found == one => found,
            _ => return Err(LoadError::Batches { name: input.name.clone() }),
        };
    }
    Ok(batch)
}

/// Whether a value is declared with its batch dimension, of any number of rows, behind one of size 1.
pub fn is_batch_second(value: &ValueInfoProto) -> bool {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|of| of.value.as_ref()) else {
        return false;
    };
    let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let is_open = |value: &Option<Value>| !matches!(value, Some(Value::DimValue(_)));
    matches!(dims, [one, batch, ..] if one.value == Some(Value::DimValue(1)) && is_open(&batch.value))
}

fn declared(value: &ValueInfoProto) -> Result<Declared, LoadError> {
    let name = &value.name;
    let refused_type = |datum: &str| LoadError::Type { name: name.clone(), datum: datum.to_owned() };
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|of| of.value.as_ref()) else {
        return Err(refused_type("something else than a tensor"));
    };
    let element = DataType::try_from(tensor.elem_type).map_err(|_| refused_type("an unknown one"))?;
    let datum = DatumType::try_from(element).map_err(|_| refused_type(element.as_str_name()))?;
    let datatype = datatype(datum).ok_or_else(|| refused_type(element.as_str_name()))?;

    let sizes: Option<Vec<Option<usize>>> = tensor.shape.as_ref().map(|shape| {
        let size = |value: &Option<Value>| match value {
            Some(Value::DimValue(size)) => usize::try_from(*size).ok(),
            Some(Value::DimParam(_)) | None => None,
        };
        shape.dim.iter().map(|dim| size(&dim.value)).collect()
    });
    let refused_shape = || {
        let shown = |size: &Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
        let shape =
            sizes.as_ref().map_or("?".to_owned(), |sizes| sizes.iter().map(shown).collect::<Vec<_>>().join(", "));
        LoadError::Shape { name: name.clone(), shape: format!("[{shape}]") }
    };
    let (batch, row) = sizes.as_deref().and_then(<[_]>::split_first).ok_or_else(refused_shape)?;
    let row_shape = row.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(refused_shape)?;
    let batch = match batch {
        None => Batch::Any,
        Some(1) => Batch::Of(1),
        Some(_) => return Err(refused_shape()),
    };
    let input = Input::new(name.clone(), datatype, row_shape).ok_or_else(refused_shape)?;
    Ok(Declared { input, datum, batch, has_batch: true })
}
