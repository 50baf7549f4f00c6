//! Gradient boosters as their libraries save them: no conversion stands between training and serving.
//!
//! [`kind`] recognises a file by its bytes. Each library's folder reads its own form into a [`Saved`] model, whose predictions
//! are the library's own. [`run`] puts such a model behind the schema and the limits that every model has.

mod kind;
mod lightgbm;
mod run;
mod saved;
mod xgboost;

use crate::error::LoadError;

pub use kind::Kind;
pub use run::Booster;
pub use saved::{Categories, Predictor, Saved, Unseen, names, output};

/// Reads a file of that kind; `None` if no booster's library saves such files.
///
/// # Errors
/// If the file is broken, or asks for something that is not predicted as the library does.
pub fn read(kind: Kind, bytes: &[u8]) -> Option<Result<Saved, LoadError>> {
    match kind {
        Kind::XgboostJson => Some(xgboost::read_json(bytes)),
        Kind::XgboostUbjson => Some(xgboost::read_ubjson(bytes)),
        Kind::LightGbm => Some(lightgbm::read(bytes)),
        _ => None,
    }
}
