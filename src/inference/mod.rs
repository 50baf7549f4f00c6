//! ONNX models, run in place: small ones of common operators by an interpreter of our own, all others by tract.

mod check;
mod interpreter;
mod model;
mod plan;

pub use model::{LoadError, Model, OutputSignature, RunError};
