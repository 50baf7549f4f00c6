//! The engine: everything that runs a model, and nothing else.
//!
//! [`Model::load`] reads an ONNX file or what a booster's library saves, [`Model::run`] takes a [`turnout_tables::Table`] of rows and gives
//! [`turnout_tables::Outputs`]. Small models of common operators are run by an interpreter of our own, all others by tract;
//! the operators of [`ml`] serve both. Formats, HTTP and the platform are not known here.
//!
//! All `unsafe` of the project is here and in `turnout-engine`: each block says why it is sound, and what it is worth.

mod answers;
mod archive;
mod attributes;
mod boosters;
mod bounded;
mod bytes;
mod check;
#[cfg(target_arch = "wasm32")]
pub mod constructors;
mod copies;
mod doing;
mod engine;
mod error;
mod file;
mod functions;
mod graph;
mod guard;
mod half;
mod inputs;
mod integers;
mod interpreter;
mod loops;
pub mod ml;
mod model;
mod names;
mod plan;
mod rows;
mod shown;
mod signature;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod testing;
mod widths;
mod work;

pub use doing::node_at_work;
pub use error::LoadError;
pub use model::Model;
