//! Why a model cannot be loaded, or does not answer.

use tract_onnx::prelude::TractError;

/// Why bytes are not a model that can be run here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// Not ONNX, or an operator is misused.
    #[error("it cannot be loaded: {0}")]
    Unusable(String),
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
    /// An input's shape is not a batch of rows.
    #[error("its input `{name}` has shape {shape}; give it a batch dimension first and a known size for all others")]
    Shape {
        /// The input.
        name: String,
        /// As the model declares it.
        shape: String,
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

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The model failed on the rows.
    #[error("the model failed: {0}")]
    Failed(String),
    /// The endpoint names an output that the model does not have.
    #[error("the model has no output `{name}`; it has: {known}")]
    NoSuchOutput {
        /// What is asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// An error with its causes in one line, and no backtrace.
pub(crate) fn describe(error: &TractError) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").chars().take(1000).collect()
}
