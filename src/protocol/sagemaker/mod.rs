//! SageMaker, as AWS's clients speak it: the runtime's REST and JSON, and the control plane's JSON 1.1.

mod alarms;
mod capture;
pub(super) mod cloudwatch;
mod container;
pub(super) mod control;
mod deployment;
mod described;
mod error;
mod inference_experiments;
mod list;
mod requests;
pub(super) mod runtime;
mod series;
