//! ONNX models, run in place by tract.

mod cache;
mod check;
mod convolution;
mod model;

pub use cache::{ModelCache, ModelError};
pub use model::{LoadError, Model, OutputSignature, RunError};
