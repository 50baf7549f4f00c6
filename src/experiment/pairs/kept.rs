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
    if share.disagreements.is_empty() {
        return Ok(());
    }
    let least = least_kept(database, &shadow, now_ms)?;
    // Most are not among the largest for long: what would be dropped again is not written.
    for disagreement in share.disagreements.iter().filter(|disagreement| disagreement.size >= least) {
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
    // Old ones first, then those that differ least.
    database.execute(
        "DELETE FROM disagreements WHERE shadow = ?1 AND (at_ms < ?2 OR (id, row) IN
            (SELECT id, row FROM disagreements WHERE shadow = ?1 AND at_ms >= ?2
                ORDER BY size DESC, at_ms DESC LIMIT -1 OFFSET ?3))",
        &[shadow, (now_ms - KEEP_MS).into(), Cell::count(MOST_KEPT)],
    )?;
    Ok(())
}

/// How large a disagreement has to be to be kept; 0 where there are fewer than are kept.
fn least_kept(database: &impl Database, shadow: &Cell, now_ms: f64) -> Result<f64, DatabaseError> {
    let rows = database.execute(
        "SELECT COUNT(*), MIN(size) FROM disagreements WHERE shadow = ? AND at_ms >= ?",
        &[shadow.clone(), (now_ms - KEEP_MS).into()],
    )?;
    let Some(cells) = rows.first() else { return Ok(0.0) };
    let mut row = Row::of(cells);
    Ok(if row.count() < MOST_KEPT { 0.0 } else { row.number() })
}

/// The sums of a variant and a shadow; `None` where there are none.
fn of(database: &impl Database, key: &[Cell; 2]) -> Result<Option<PairSums>, DatabaseError> {
    let rows = database.execute("SELECT sums FROM pairs WHERE variant = ? AND shadow = ?", key)?;
    Ok(rows.first().and_then(|cells| serde_json::from_str(&Row::of(cells).text()).ok()))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::endpoint::Name;
    use crate::experiment::tables::prepare;
    use crate::payload::Predicted;
    use crate::platform::sqlite::Sqlite;

    #[test]
    fn the_hundred_on_which_they_differ_most_are_kept_for_a_week() {
        let database = Sqlite::default();
        prepare(&database, &Name::try_from("e").unwrap()).unwrap();
        let disagreement = |id: u32, time_ms: f64| Disagreement {
            id: id.to_string(),
            row: 0,
            time_ms,
            size: f64::from(id),
            variant: Predicted::Number(0.0),
            shadow: Predicted::Number(f64::from(id)),
        };
        let count_all = |ids: std::ops::Range<u32>, now_ms: f64| {
            let disagreements = ids.map(|id| disagreement(id, now_ms)).collect();
            let (variant, shadow) = ("a".to_owned(), "s".to_owned());
            count(&database, &PairShare { variant, shadow, sums: PairSums::default(), disagreements }, now_ms).unwrap();
        };
        let kept = || {
            let rows = database.execute("SELECT MIN(size), MAX(size), COUNT(*) FROM disagreements", &[]).unwrap();
            let mut row = Row::of(rows.first().unwrap());
            [row.number(), row.number(), row.number()]
        };
        count_all(1..61, 0.0);
        assert_eq!(kept(), [1.0, 60.0, 60.0]);
        count_all(61..161, 1.0);
        assert_eq!(kept(), [61.0, 160.0, 100.0]);
        // Smaller ones change nothing, until the larger are old.
        count_all(1..50, 2.0);
        assert_eq!(kept(), [61.0, 160.0, 100.0]);
        count_all(1..50, KEEP_MS + 2.0);
        assert_eq!(kept(), [1.0, 49.0, 49.0]);
    }
}
