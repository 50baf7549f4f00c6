//! What an operator is here, whoever runs it.

use std::fmt::Debug;
use std::sync::Arc;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::prelude::*;

use crate::signature::Signature;

/// One operator, its attributes read.
pub trait Kernel: Debug + Send + Sync + 'static {
    /// The types and shapes of its outputs.
    ///
    /// # Errors
    /// If it does not take such inputs.
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>>;

    /// Another form of itself that is made for inputs of these types, once, when the model is loaded.
    ///
    /// # Errors
    /// If it does not take such inputs.
    fn specialise(&self, _inputs: &[Signature]) -> TractResult<Option<Arc<dyn Kernel>>> {
        Ok(None)
    }

    /// How many multiplications one row takes, where there may be far more than values.
    fn work(&self) -> u64 {
        0
    }

    /// Computes the outputs. Integers come as `i64`, whatever tract had made of them.
    ///
    /// # Errors
    /// If a value is one that it refuses.
    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>>;
}

/// Reads an operator: a node's attributes, and those of its inputs that have to be constants.
pub type Read = fn(&ModelProto, &NodeProto) -> TractResult<Arc<dyn Kernel>>;

/// What is read, as the kernel that it is from then on.
pub fn kernel(read: TractResult<impl Kernel>) -> TractResult<Arc<dyn Kernel>> {
    Ok(Arc::new(read?))
}
