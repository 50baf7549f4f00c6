//! The isolate's models. What runs them is `turnout_onnx`.

mod cache;

pub use cache::{ModelCache, ModelError};
pub use turnout_onnx::{LoadError, Model, OutputSignature, RunError};
