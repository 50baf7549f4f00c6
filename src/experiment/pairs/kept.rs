//! Sums and disagreements as they come in with tallies.

use super::sums::{Disagreement, PairShare, PairSums};
use crate::experiment::tables::Row;
use crate::platform::{Cell, Database, DatabaseError};

/// The most disagreements that are kept of a shadow, and for how long.
const MOST_KEPT: u64 = 100;
const KEEP_MS: f64 = 7.0 * 86_400_000.0;

/// Counts what two variants made of the same requests.
pub fn count(database: &impl Database, share: &PairShare, now_ms: f64) -> Result<(), DatabaseError> {
    let key = [share.variant.as_str().into(), share.shadow.as_str().into()];
    let mut sums = of(database, &key)?.unwrap_or_default();
    sums.merge(&share.sums);
    let text = serde_json::to_string(&sums).map_err(|error| DatabaseError(error.to_string()))?;
    let [variant, shadow] = key;
    database.execute(
        "INSERT OR REPLACE INTO pairs (variant, shadow, sums) VALUES (?, ?, ?)",
        &[variant.clone(), shadow.clone(), text.into()],
    )?;
    for disagreement in &share.disagreements {
        let Disagreement { id, row, time_ms, size, variant: a, shadow: b } = disagreement;
        let said = serde_json::to_string(&(a, b)).map_err(|error| DatabaseError(error.to_string()))?;
        database.execute(
            "INSERT OR REPLACE INTO disagreements (shadow, id, row, variant, at_ms, size, said) VALUES (?, ?, ?, ?, ?, ?, ?)",
            &[
                shadow.clone(),
                id.as_str().into(),
                Cell::count((*row).into()),
                variant.clone(),
                (*time_ms).into(),
                (*size).into(),
                said.into(),
            ],
        )?;
    }
    if !share.disagreements.is_empty() {
        // Old ones first, then those that differ least.
        database.execute(
            "DELETE FROM disagreements WHERE shadow = ?1 AND (at_ms < ?2 OR (id, row) IN
                (SELECT id, row FROM disagreements WHERE shadow = ?1 ORDER BY size DESC, at_ms DESC LIMIT -1 OFFSET ?3))",
            &[shadow, (now_ms - KEEP_MS).into(), Cell::count(MOST_KEPT)],
        )?;
    }
    Ok(())
}

/// The sums of a variant and a shadow; `None` where there are none.
fn of(database: &impl Database, key: &[Cell; 2]) -> Result<Option<PairSums>, DatabaseError> {
    let rows = database.execute("SELECT sums FROM pairs WHERE variant = ? AND shadow = ?", key)?;
    Ok(rows.first().and_then(|cells| serde_json::from_str(&Row::of(cells).text()).ok()))
}
