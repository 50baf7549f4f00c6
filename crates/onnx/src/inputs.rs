//! The inputs that a graph declares, as a table's columns.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto};
use tract_onnx::tract_hir::internal::*;

use crate::error::LoadError;
use crate::signature::{Batch, Signature, datatype};
use crate::table::Input;
use crate::widths;

/// One input.
#[derive(Clone, Debug)]
pub struct Declared {
    pub input: Input,
    pub datum: DatumType,
    /// How many rows it takes.
    pub batch: Batch,
    /// Which of its dimensions is the rows'; none where it has the shape of a row alone.
    pub batch_axis: Option<usize>,
}

impl Declared {
    /// What is known of it when it has so many rows. 16-bit floating point is computed in 32.
    pub fn signature(&self, rows: TDim) -> Signature {
        let datum = if self.datum == f16::datum_type() { f32::datum_type() } else { self.datum };
        Signature::new(datum, self.shape(rows))
    }

    /// Its shape, with so many rows.
    pub fn shape<D: DimLike>(&self, rows: D) -> TVec<D> {
        let mut shape: TVec<D> = self.input.row_shape.iter().map(|size| D::from(*size)).collect();
        if let Some(axis) = self.batch_axis {
            shape.insert(axis, rows);
        }
        shape
    }

    /// How many dimensions it has.
    pub fn rank(&self) -> usize {
        self.input.row_shape.len().saturating_add(usize::from(self.batch_axis.is_some()))
    }
}

/// The inputs of a graph, but for its constants, in its order.
///
/// # Errors
/// If one is of no type or shape that a table's columns have.
pub fn read(graph: &GraphProto) -> Result<Vec<Declared>, LoadError> {
    let is_constant = |value: &ValueInfoProto| graph.initializer.iter().any(|constant| constant.name == value.name);
    graph.input.iter().filter(|value| !is_constant(value)).map(|value| declared(graph, value)).collect()
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

fn declared(graph: &GraphProto, value: &ValueInfoProto) -> Result<Declared, LoadError> {
    let name = &value.name;
    let refused_type = |datum: &str| LoadError::Type { name: name.clone(), datum: datum.to_owned() };
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|of| of.value.as_ref()) else {
        return Err(refused_type("something else than a tensor"));
    };
    let element = DataType::try_from(tensor.elem_type).map_err(|_| refused_type("an unknown one"))?;
    let datum = DatumType::try_from(element).map_err(|_| refused_type(element.as_str_name()))?;
    let datatype = datatype(datum).ok_or_else(|| refused_type(element.as_str_name()))?;

    let size = |dim: &Dimension| match dim.value {
        // Exporters write -1 for what is open.
        Some(Value::DimValue(size)) if size >= 0 => {
            let fits = u32::try_from(size).ok().and_then(|size| usize::try_from(size).ok());
            fits.map(Some).ok_or(LoadError::Size { name: name.clone(), size })
        }
        _ => Ok(None),
    };
    let sizes = tensor.shape.as_ref().map(|shape| shape.dim.iter().map(size).collect::<Result<Vec<_>, _>>());
    let sizes: Option<Vec<Option<usize>>> = sizes.transpose()?;
    let refused_shape = || {
        let shown = |size: &Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
        let shape =
            sizes.as_ref().map_or("?".to_owned(), |sizes| sizes.iter().map(shown).collect::<Vec<_>>().join(", "));
        LoadError::Shape { name: name.clone(), shape: format!("[{shape}]") }
    };
    let width = || widths::width(graph, name).ok_or_else(refused_shape);
    let (row_shape, batch_axis, batch) = match sizes.as_deref() {
        // One value for a whole run, so each row's is a run of its own.
        Some([]) => (Vec::new(), None, Batch::Of(1)),
        None => (vec![width()?], Some(0), Batch::Any),
        Some([batch, None]) => (vec![width()?], Some(0), batch.map_or(Batch::Any, Batch::Of)),
        Some([batch, row @ ..]) => {
            let row = row.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(refused_shape)?;
            (row, Some(0), batch.map_or(Batch::Any, Batch::Of))
        }
    };
    if batch == Batch::Of(0) {
        return Err(refused_shape());
    }
    let input = Input::new(name.clone(), datatype, row_shape).ok_or_else(refused_shape)?;
    Ok(Declared { input, datum, batch, batch_axis })
}
