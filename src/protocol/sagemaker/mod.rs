//! SageMaker, as AWS's clients speak it: the runtime's REST and JSON, and the control plane's JSON 1.1.

mod control;
mod error;
mod list;
mod requests;
mod runtime;

pub(super) use control::Control;
pub(super) use runtime::Runtime;
