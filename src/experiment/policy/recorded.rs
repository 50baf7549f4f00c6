//! What the records say of the rates that a rehearsal assumes.

use std::collections::BTreeMap;

use super::rehearsal::{A_DAY, Assumed, Rates};
use crate::endpoint::Endpoint;
use crate::experiment::measure::{self, Measure, WHOLE};
use crate::experiment::tables::Row;
use crate::platform::{Cell, Database, DatabaseError};

/// Over so long the traffic is looked at.
const LATELY_MS: f64 = 3_600_000.0;
const MINUTE_MS: f64 = 60_000.0;

/// What was counted of each variant.
#[derive(Clone, Copy, Default)]
struct Counted {
    invocations: f64,
    errors: f64,
    slow: f64,
}

impl Counted {
    fn add(&mut self, other: Counted) {
        self.invocations += other.invocations;
        self.errors += other.errors;
        self.slow += other.slow;
    }
}

/// The rates that variants have had, and the traffic of the last hour. Of a variant that has had no requests, those of all
/// others together.
pub(in crate::experiment) fn recorded(
    database: &impl Database,
    endpoint: &Endpoint,
    now_ms: f64,
) -> Result<Assumed, DatabaseError> {
    let rows = database.execute(
        "SELECT variant, SUM(invocations), SUM(variant_errors), SUM(slow) FROM sums
            WHERE span = 0 AND reason IN ('weighted', 'sticky') GROUP BY variant",
        &[],
    )?;
    let counted: BTreeMap<String, Counted> = rows
        .iter()
        .map(|cells| {
            let mut row = Row::of(cells);
            (row.text(), Counted { invocations: row.number(), errors: row.number(), slow: row.number() })
        })
        .collect();
    let mut all = Counted::default();
    counted.values().for_each(|each| all.add(*each));
    let effects = measure::effects(database, WHOLE)?;
    let measured = Measure::of(endpoint).is_some();
    // Of all outcomes together, for variants that have had none.
    let names: Vec<String> = endpoint.answering().map(|variant| variant.name.to_string()).collect();
    let known: Vec<(f64, f64, f64)> = names
        .iter()
        .filter_map(|name| {
            let (mean, n) = (effects.raw_mean(name).filter(|_| measured)?, effects.outcomes_of(name));
            Some((n, mean.value, mean.error * n.sqrt()))
        })
        .collect();
    let outcomes: f64 = known.iter().map(|(n, ..)| n).sum();
    let average = |of: fn(&(f64, f64, f64)) -> f64| {
        let sum: f64 = known.iter().map(|each| each.0 * of(each)).sum();
        if outcomes > 0.0 { sum / outcomes } else { 0.0 }
    };
    let told = if all.invocations > 0.0 { (outcomes / all.invocations).min(1.0) } else { 0.0 };
    let mut variants = BTreeMap::new();
    for name in names {
        let own = counted.get(&name).copied().filter(|own| own.invocations > 0.0).unwrap_or(all);
        let part = |count: f64| if own.invocations > 0.0 { count / own.invocations } else { 0.0 };
        let estimate = effects.raw_mean(&name).filter(|_| measured);
        let deviation = estimate.map(|mean| mean.error * effects.outcomes_of(&name).sqrt());
        let rates = Rates {
            errors: part(own.errors),
            slow: part(own.slow),
            told,
            mean: estimate.map_or_else(|| average(|each| each.1), |mean| mean.value),
            deviation: deviation.unwrap_or_else(|| average(|each| each.2)),
        };
        variants.insert(name, rates);
    }
    let since = (now_ms - LATELY_MS).max(0.0);
    let lately = database.execute(
        "SELECT SUM(invocations), MIN(since) FROM sums
            WHERE span = 60000 AND since >= ? AND reason IN ('weighted', 'sticky')",
        &[Cell::count(since as u64)],
    )?;
    let (requests, first_ms) =
        lately.first().map(|cells| Row::of(cells)).map_or((0.0, 0.0), |mut row| (row.number(), row.number()));
    let minutes = ((now_ms - first_ms.max(since)) / MINUTE_MS).max(1.0);
    Ok(Assumed { requests_per_minute: requests / minutes, variants, swing: 0.0, swing_minutes: A_DAY })
}
