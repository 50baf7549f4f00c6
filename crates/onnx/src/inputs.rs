//! The inputs that a graph declares, as a table's columns.

use std::collections::BTreeMap;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::Dimension;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto};
use tract_onnx::tract_hir::internal::*;
use turnout_tables::Input;

use crate::error::LoadError;
use crate::signature::{Batch, Signature, datatype};
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

/// The inputs of a graph, but for its constants, in its order. `shapes` says what their rows' are where the file leaves them
/// open.
///
/// # Errors
/// If one is of no type or shape that a table's columns have, or a shape is of no input or none that it may have.
pub fn read(graph: &GraphProto, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Vec<Declared>, LoadError> {
    let is_constant = |value: &ValueInfoProto| graph.initializer.iter().any(|constant| constant.name == value.name);
    let values: Vec<&ValueInfoProto> = graph.input.iter().filter(|value| !is_constant(value)).collect();
    if let Some(name) = shapes.keys().find(|name| values.iter().all(|value| value.name != **name)) {
        let known: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
        return Err(LoadError::NoSuchInput { name: name.clone(), known: known.join(", ") });
    }
    values.into_iter().map(|value| declared(graph, value, shapes.get(&value.name).map(Vec::as_slice))).collect()
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

fn declared(graph: &GraphProto, value: &ValueInfoProto, given: Option<&[usize]>) -> Result<Declared, LoadError> {
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
    let shown = |sizes: &[Option<usize>], open: &str| {
        let sizes: Vec<String> =
            sizes.iter().map(|size| size.map_or(open.to_owned(), |size| size.to_string())).collect();
        format!("[{}]", sizes.join(", "))
    };
    let shape = || sizes.as_ref().map_or("of any number of dimensions".to_owned(), |sizes| shown(sizes, "?"));
    let refused_shape = || {
        let row = sizes.as_deref().and_then(|sizes| sizes.get(1..)).unwrap_or(&[None]);
        LoadError::Shape { name: name.clone(), declared: shape(), example: shown(row, "SIZE") }
    };
    let width = || widths::width(graph, name).ok_or_else(refused_shape);
    let (row_shape, batch_axis, batch) = match (given, sizes.as_deref()) {
        (Some(given), sizes) => {
            let (batch_axis, batch) = placed(given, sizes).ok_or_else(|| LoadError::OtherShape {
                name: name.clone(),
                declared: shape(),
                given: format!("{given:?}"),
            })?;
            (given.to_vec(), batch_axis, batch)
        }
        // One value for a whole run, so each row's is a run of its own.
        (None, Some([])) => (Vec::new(), None, Batch::Of(1)),
        (None, None) => (vec![width()?], Some(0), Batch::Any),
        (None, Some([batch, None])) => (vec![width()?], Some(0), batch.map_or(Batch::Any, Batch::Of)),
        (None, Some([batch, row @ ..])) => {
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

/// Where the rows' dimension is among those declared, so that the others are as given, and how many rows there are along it;
/// `None` if they cannot be.
fn placed(given: &[usize], declared: Option<&[Option<usize>]>) -> Option<(Option<usize>, Batch)> {
    let Some(declared) = declared else { return Some((Some(0), Batch::Any)) };
    let fits = |sizes: &[Option<usize>], given: &[usize]| {
        sizes.len() == given.len()
            && sizes.iter().zip(given).all(|(size, given)| size.is_none_or(|size| size == *given))
    };
    // One row, without a dimension for others.
    if fits(declared, given) {
        return Some((None, Batch::Of(1)));
    }
    let (batch, row) = declared.split_first()?;
    // As states of recurrent operators have it: layers, rows, values. Then each row is a run of its own.
    if let ([Some(first), None, rest @ ..], [given_first, given_rest @ ..]) = (declared, given)
        && first == given_first
        && fits(rest, given_rest)
    {
        return Some((Some(1), Batch::Of(1)));
    }
    fits(row, given).then_some((Some(0), batch.map_or(Batch::Any, Batch::Of)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_shape_leaves_the_rows_where_the_file_has_them() {
        let place = |given: &[usize], declared: &[Option<usize>]| placed(given, Some(declared));
        assert_eq!(placed(&[3, 4], None), Some((Some(0), Batch::Any)));
        assert_eq!(place(&[3, 48, 320], &[None, Some(3), None, None]), Some((Some(0), Batch::Any)));
        assert_eq!(place(&[3, 48, 320], &[Some(1), Some(3), Some(48), None]), Some((Some(0), Batch::Of(1))));
        assert_eq!(place(&[3, 48, 320], &[None, Some(1), None, None]), None);
        assert_eq!(place(&[16_000], &[None]), Some((None, Batch::Of(1))));
        assert_eq!(place(&[2, 128], &[Some(2), None, Some(128)]), Some((Some(1), Batch::Of(1))));
        assert_eq!(place(&[2, 3, 4], &[None]), None);
        assert_eq!(place(&[2], &[]), None);
    }
}
