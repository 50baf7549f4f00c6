//! What tract's kernels take for granted of values, and panic without. It is checked before they see them.

use tract_onnx::tract_core::ops::array::{Gather, GatherElements, GatherNd, OneHot, Range, ScatterElements, ScatterNd};
use tract_onnx::tract_core::ops::binary::{OptBinByScalar, OptBinUnicast, TypedBinOp};
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_hir::internal::*;

use crate::bytes::bytes;
use crate::signature::Signature;

/// A check of an operator's values, before each run of it.
#[derive(Clone, Debug)]
pub enum Guard {
    /// Indices, the second input, lie within that dimension of the first.
    Indices(usize),
    /// Each row of indices, the second input, lies within the first's dimensions from the given one on.
    Places(usize),
    /// Indices, the first input, lie within so many.
    Depth(usize),
    /// No divisor is 0.
    Divisor,
    /// It ends, and is not too long.
    Range,
    /// Numbers that become integers of 64 bits, which tract takes through 32.
    Narrow,
    /// Of a size that depends on values, once that is known.
    Size(Signature),
}

/// The most numbers of a `Range`.
const MOST: f64 = (1 << 20) as f64;

/// The most bytes of a value whose size depends on other values.
const MOST_BYTES: u64 = 16 << 20;

impl Guard {
    /// The checks that a node of a plan needs; `rows` is what sizes may depend on otherwise than by values.
    pub fn of(node: &TypedNode, rows: &Symbol) -> Vec<Guard> {
        let depends = |outlet: &&Outlet<TypedFact>| {
            outlet.fact.shape.iter().any(|size| size.symbols().iter().any(|symbol| symbol != rows))
        };
        let sizes = node.outputs.iter().filter(depends);
        let sizes =
            sizes.map(|outlet| Guard::Size(Signature::new(outlet.fact.datum_type, outlet.fact.shape.iter().cloned())));
        Self::of_operator(node).into_iter().chain(sizes).collect()
    }

    fn of_operator(node: &TypedNode) -> Option<Guard> {
        let is_division = |name: &str| matches!(name, "Div" | "Rem");
        Some(if let Some(op) = node.op_as::<Gather>() {
            Guard::Indices(op.axis)
        } else if let Some(op) = node.op_as::<GatherElements>() {
            Guard::Indices(op.axis)
        } else if let Some(op) = node.op_as::<ScatterElements>() {
            Guard::Indices(op.axis)
        } else if let Some(op) = node.op_as::<GatherNd>() {
            Guard::Places(op.batch_dims)
        } else if node.op_is::<ScatterNd>() {
            Guard::Places(0)
        } else if let Some(op) = node.op_as::<OneHot>() {
            Guard::Depth(op.dim)
        } else if node.op_is::<Range>() {
            Guard::Range
        } else if node.op_as::<Cast>().is_some_and(|op| op.to == TDim::datum_type()) {
            Guard::Narrow
        } else {
            let binary = node.op_as::<TypedBinOp>().map(|op| op.0.name());
            let binary = binary.or_else(|| node.op_as::<OptBinByScalar>().map(|op| op.binop.name()));
            let binary = binary.or_else(|| node.op_as::<OptBinUnicast>().map(|op| op.binop.name()));
            return binary.filter(|name| is_division(name)).map(|_| Guard::Divisor);
        })
    }

    /// Checks the values that a node is about to be run on.
    ///
    /// # Errors
    /// If one is none that it takes.
    pub fn check(&self, inputs: &[TValue], symbols: &SymbolValues) -> TractResult<()> {
        let value = |at: usize| inputs.get(at).map(|value| &**value).context("a value is missing");
        match self {
            Guard::Indices(axis) => {
                let size = *value(0)?.shape().get(*axis).context("an axis that there is not")?;
                indices(value(1)?, size)
            }
            Guard::Places(from) => places(value(1)?, value(0)?.shape(), *from),
            Guard::Depth(depth) => indices(value(0)?, *depth),
            Guard::Divisor => divisor(value(1)?),
            Guard::Range => range(value(0)?, value(1)?, value(2)?),
            Guard::Narrow => narrow(value(0)?),
            Guard::Size(signature) => {
                let shape: TVec<TDim> = signature.shape.iter().map(|size| size.eval(symbols)).collect();
                let bytes = bytes(signature.datum, &shape);
                ensure!(bytes <= MOST_BYTES, "it makes {bytes} bytes, more than {MOST_BYTES}");
                Ok(())
            }
        }
    }
}

/// Checks what is known of an ONNX operator's inputs when a model is loaded, before tract reasons about it.
///
/// # Errors
/// If a value is none that it takes.
pub fn check_known(operator: &str, values: &[Option<&Tensor>], shapes: &[Option<TVec<TDim>>]) -> TractResult<()> {
    let value = |at: usize| values.get(at).copied().flatten();
    let shape = || shapes.first().and_then(Option::as_ref);
    let empty = || shape().is_some_and(|shape| shape.iter().any(|size| *size == 0.to_dim()));
    for at in shape_inputs(operator) {
        value(*at).map_or(Ok(()), narrow)?;
    }
    match operator {
        "Range" => match (value(0), value(1), value(2)) {
            (Some(start), Some(end), Some(step)) => range(start, end, step),
            (_, _, Some(step)) => {
                ensure!(step.cast_to::<f64>()?.cast_to_scalar::<f64>()? != 0.0, "its step is 0");
                Ok(())
            }
            _ => Ok(()),
        },
        "Div" | "Mod" => value(1).map_or(Ok(()), divisor),
        "Flatten" | "Reshape" => {
            // A shape that is a constant may well be empty: that of a scalar.
            ensure!(!empty() || value(0).is_some(), "its input has no values");
            Ok(())
        }
        // ONNX leaves the mean of nothing open. ONNX Runtime has 0 for it, tract what 0 / 0 is.
        "ReduceMean" => {
            ensure!(!empty(), "its input has no values");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Which inputs of an operator are shapes, places in them, or how many.
fn shape_inputs(operator: &str) -> &'static [usize] {
    match operator {
        "ConstantOfShape" => &[0],
        "CumSum" | "Expand" | "OneHot" | "Pad" | "Reshape" | "Split" | "Squeeze" | "Tile" | "TopK" | "Unsqueeze" => {
            &[1]
        }
        "Range" => &[0, 1, 2],
        "Resize" => &[3],
        _ => &[],
    }
}

/// Every number fits into an integer of 32 bits.
///
/// # Errors
/// If one does not.
pub fn narrow(values: &Tensor) -> TractResult<()> {
    let datum = values.datum_type();
    if !(datum.is_float() || datum.is_integer()) {
        return Ok(());
    }
    let beyond = |value: &&f64| **value < f64::from(i32::MIN) || **value > f64::from(i32::MAX);
    match values.cast_to::<f64>()?.try_as_plain_ram()?.as_slice::<f64>()?.iter().find(beyond) {
        Some(value) => bail!("{value} does not fit into 32 bits"),
        None => Ok(()),
    }
}

fn indices(indices: &Tensor, size: usize) -> TractResult<()> {
    let size = i64::try_from(size)?;
    let indices = indices.cast_to::<i64>()?;
    let beyond = |index: &&i64| **index >= size || **index < size.saturating_neg();
    match indices.try_as_plain_ram()?.as_slice::<i64>()?.iter().find(beyond) {
        Some(index) => bail!("index {index} is beyond the {size} that there are"),
        None => Ok(()),
    }
}

fn places(places: &Tensor, shape: &[usize], from: usize) -> TractResult<()> {
    let sizes = shape.get(from..).unwrap_or_default();
    let width = places.shape().last().copied().unwrap_or(0);
    ensure!(width <= sizes.len(), "indices of {width} dimensions into {}", sizes.len());
    let places = places.cast_to::<i64>()?;
    for place in places.try_as_plain_ram()?.as_slice::<i64>()?.chunks(width.max(1)) {
        for (index, size) in place.iter().zip(sizes) {
            let size = i64::try_from(*size)?;
            ensure!((size.saturating_neg()..size).contains(index), "index {index} is beyond the {size} that there are");
        }
    }
    Ok(())
}

fn divisor(divisor: &Tensor) -> TractResult<()> {
    if !divisor.datum_type().is_integer() {
        return Ok(());
    }
    let divisor = divisor.cast_to::<i64>()?;
    ensure!(!divisor.try_as_plain_ram()?.as_slice::<i64>()?.contains(&0), "an integer is divided by 0");
    Ok(())
}

fn range(start: &Tensor, end: &Tensor, step: &Tensor) -> TractResult<()> {
    let numbers = [start, end, step].map(|value| {
        // One that goes by the number of rows has no value yet.
        let number = value.cast_to::<f64>().ok()?;
        number.cast_to_scalar::<f64>().ok()
    });
    let [start, end, step] = numbers;
    ensure!(step != Some(0.0), "its step is 0");
    if let (Some(start), Some(end), Some(step)) = (start, end, step) {
        let length = (end - start) / step;
        ensure!(length.is_finite() && length <= MOST, "it is of {length} numbers, more than {MOST}");
    }
    Ok(())
}
