//! Models as LightGBM saves them.

use super::Saved;
use crate::error::LoadError;

/// Reads the text that `Booster.save_model` writes.
///
/// # Errors
/// If it is broken, or asks for something that is not predicted as LightGBM does.
pub fn read(_text: &[u8]) -> Result<Saved, LoadError> {
    Err(LoadError::Booster { library: "LightGBM", problem: "is not run yet".to_owned() })
}
