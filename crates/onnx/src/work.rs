//! How long others may have to wait for a model.

use turnout_tables::Limits;

use crate::error::LoadError;

/// Checks how many multiplications a run takes.
///
/// # Errors
/// If they are too many.
pub fn check(multiplications: u64, limits: &Limits) -> Result<(), LoadError> {
    let (millions, most) = (multiplications / 1_000_000, limits.run_millions as u64);
    if millions > most { Err(LoadError::Work { millions, most }) } else { Ok(()) }
}
