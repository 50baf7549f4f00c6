//! Models as XGBoost saves them.

use super::Saved;
use crate::error::LoadError;

/// Reads the JSON that `Booster.save_model` writes.
///
/// # Errors
/// If it is broken, or asks for something that is not predicted as XGBoost does.
pub fn read_json(_json: &[u8]) -> Result<Saved, LoadError> {
    Err(refused("is not run yet"))
}

/// The same of UBJSON.
///
/// # Errors
/// As [`read_json`] has them.
pub fn read_ubjson(_ubjson: &[u8]) -> Result<Saved, LoadError> {
    Err(refused("is not run yet"))
}

fn refused(problem: impl Into<String>) -> LoadError {
    LoadError::Booster { library: "XGBoost", problem: problem.into() }
}
