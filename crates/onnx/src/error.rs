//! Why a model cannot be loaded.

use tract_onnx::prelude::TractError;

/// Why bytes are not a model that can be run here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// The bytes are no ONNX file, or not a whole one.
    #[error("it is not an ONNX file, or not a whole one: {0}; upload it again as it was exported")]
    NotOnnx(String),
    /// The bytes are of a form that is known, and not run.
    #[error("it is {what}; {fix}")]
    Form {
        /// What they are.
        what: &'static str,
        /// How the model is saved to be run.
        fix: &'static str,
    },
    /// A booster's file is broken, or asks for what is not predicted as its library does.
    #[error("it is a model of {library} that {problem}")]
    Booster {
        /// Which library saved it.
        library: &'static str,
        /// What is wrong, after the word "that".
        problem: String,
    },
    /// An archive does not have one model file.
    #[error("it is an archive: {0}")]
    Archive(String),
    /// An operator is misused.
    #[error("it cannot be loaded: {0}")]
    Unusable(String),
    /// Its weights stand in another file.
    #[error(
        "its weights are in a file of their own (`{tensor}` is); save it as one file: \
         onnx.save_model(model, path, save_as_external_data=False)"
    )]
    External {
        /// The first tensor that does.
        tensor: String,
    },
    /// A node cannot be prepared, though its operator is known.
    #[error("node `{node}` ({operator}): {problem}")]
    Node {
        /// The node's name, or its first output's.
        node: String,
        /// Its type.
        operator: String,
        /// What is wrong.
        problem: String,
    },
    /// An operator is not known here.
    #[error(
        "node `{node}`: the operator {operator} is not supported; export the model without it, or serve it from a host of \
         its own, as an origin"
    )]
    Operator {
        /// Its type, with its domain unless that is ONNX's own.
        operator: String,
        /// The node's name, or its first output's.
        node: String,
    },
    /// Its operators are older or newer than those that are known here.
    #[error(
        "it is written for version {version} of ONNX's operators; export it for one from 6 to 28 (`opset_version` in PyTorch, \
         `target_opset` in skl2onnx)"
    )]
    Version {
        /// As the model declares it.
        version: i64,
    },
    /// There is nothing that it predicts from.
    #[error("it has no inputs")]
    NoInputs,
    /// An input leaves sizes open that are not the number of rows.
    #[error(
        "its input `{name}` has the shape {declared}, of which only the number of rows may be open: say the shape of a row \
         beside the model's key, as in \"shape\": {{\"{name}\": {example}}}"
    )]
    Shape {
        /// The input.
        name: String,
        /// As the model declares it, with `?` for what is open.
        declared: String,
        /// What might be said.
        example: String,
    },
    /// The shape that is said for an input is none that it may have.
    #[error(
        "its input `{name}` has the shape {declared}, and \"shape\" says {given} for it: say the sizes of one row, without \
         the number of rows, and those that the model has as it has them"
    )]
    OtherShape {
        /// The input.
        name: String,
        /// As the model declares it, with `?` for what is open.
        declared: String,
        /// What is said.
        given: String,
    },
    /// A shape is said for an input that there is not.
    #[error("\"shape\" names `{name}`, which is none of its inputs; they are: {known}")]
    NoSuchInput {
        /// What is named.
        name: String,
        /// What there is.
        known: String,
    },
    /// Two inputs are for another number of rows each.
    #[error("its input `{name}` is for another number of rows than those before it")]
    Batches {
        /// The input.
        name: String,
    },
    /// It can be run for one row at a time only, and its rows may depend on each other.
    #[error(
        "it can only be run a row at a time, and node `{node}` ({operator}) may put rows together; export it so that each \
         row is predicted from its own values"
    )]
    Rows {
        /// The node's name, or its first output's.
        node: String,
        /// Its type.
        operator: String,
    },
    /// A function that the file defines cannot be put in place of its calls.
    #[error("its function `{name}` {problem}; export it without functions (onnx.inliner.inline_local_functions)")]
    Function {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// An input has a size that no memory holds.
    #[error("its input `{name}` has a size of {size}, more than fits here")]
    Size {
        /// The input.
        name: String,
        /// As the model declares it.
        size: i64,
    },
    /// An integer is cut by WebAssembly, whose sizes and places have 32 bits.
    #[error("node `{node}` ({operator}): `{attribute}` has {value}, which does not fit into 32 bits")]
    Integer {
        /// The node's name, or its first output's.
        node: String,
        /// Its type.
        operator: String,
        /// The attribute.
        attribute: String,
        /// The value.
        value: i64,
    },
    /// A constant has a shape that nothing has.
    #[error("its constant `{name}` has shape {shape}, which does not fit into 32 bits")]
    Tensor {
        /// Its name.
        name: String,
        /// Its shape.
        shape: String,
    },
    /// It would take more memory than there is for it.
    #[error(
        "{what} needs {bytes} bytes, more than the {most} that one row may take; use a smaller model or smaller inputs"
    )]
    Memory {
        /// What needs it.
        what: String,
        /// How much.
        bytes: u64,
        /// The bound.
        most: u64,
    },
    /// A row has more values than a request holds.
    #[error("one row has {width} values, more than a request holds; use smaller inputs")]
    Width {
        /// How many.
        width: usize,
    },
    /// It would compute for longer than others can wait.
    #[error("one row takes {millions} million multiplications, more than the {most} that it may; use a smaller model")]
    Work {
        /// How many.
        millions: u64,
        /// The bound.
        most: u64,
    },
    /// An input is neither of numbers nor of strings nor of truth values.
    #[error("its input `{name}` is of type {datum}; numbers, strings and truth values are run")]
    Type {
        /// The input.
        name: String,
        /// As tract names it.
        datum: String,
    },
}

/// An error with its causes in one line, and no backtrace.
pub(crate) fn describe(error: &TractError) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").chars().take(1000).collect()
}
