//! `TreeEnsembleClassifier`, `TreeEnsembleRegressor` and `TreeEnsemble`.
//!
//! [`ensemble`] reads the attributes of any of them into one checked form; [`forest`] lays that out for speed, once,
//! when the type of the input is known; [`walk`] is the loop that all time goes into; [`aggregate`] makes scores of the
//! leaves that were reached.

mod aggregate;
mod classifier;
mod columns;
mod ensemble;
mod forest;
mod head;
mod node;
mod real;
mod regressor;
#[cfg(test)]
mod tests;
mod walk;

pub use aggregate::Aggregator;
pub use classifier::TreeEnsembleClassifier;
pub use ensemble::{Ensemble, Node, Test, Weight};
pub use regressor::TreeEnsembleRegressor;
