//! What a model takes and gives, as descriptions tell it.

use serde::Serialize;
use turnout_tables::{Description, OutputSignature};

use crate::payload::datatype_name;

/// An input or an output.
#[derive(Serialize)]
pub(super) struct TensorDescription<'a> {
    pub name: &'a str,
    /// By the name that the Open Inference Protocol has for it.
    pub datatype: &'static str,
    /// The batch first; -1 for a size that may be any.
    pub shape: Vec<i64>,
}

/// The inputs, in the model's order.
pub(super) fn inputs(model: &Description) -> Vec<TensorDescription<'_>> {
    let inputs = model.schema.inputs().iter();
    let described = inputs.map(|input| TensorDescription {
        name: &input.name,
        datatype: datatype_name(input.datatype),
        shape: shape(input.row_shape.iter().copied().map(Some)),
    });
    described.collect()
}

/// The outputs that are answered, in the model's order: the one of that name, else the one by default, else all.
pub(super) fn outputs<'a>(model: &'a Description, only: Option<&str>) -> Vec<TensorDescription<'a>> {
    let default = only.is_none().then_some(model.default_output).flatten();
    let is_answered = |place: usize, output: &OutputSignature| {
        only.is_none_or(|only| only == output.name) && default.is_none_or(|default| default == place)
    };
    let outputs = model.outputs.iter().enumerate().filter(|(place, output)| is_answered(*place, output));
    let outputs = outputs.map(|(_, output)| output);
    let described = outputs.map(|output| TensorDescription {
        name: &output.name,
        datatype: datatype_name(output.datatype),
        shape: shape(output.row_shape.iter().copied()),
    });
    described.collect()
}

fn shape(row_shape: impl Iterator<Item = Option<usize>>) -> Vec<i64> {
    let any = std::iter::once(None);
    any.chain(row_shape).map(|size| size.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1)).collect()
}
