//! Who answered how often and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::capture::CaptureCounts;
use super::fleets::Fleets;
use super::history;
use super::pairs::PairLine;
use super::percentiles::Percentiles;
use super::shares::Shares;
use super::split::Split;
use super::status::Status;
use super::sums::{Latency, Sums};
use super::tables::Row;
use super::tally::Share;
use crate::assignment::Reason;
use crate::endpoint::Endpoint;
use crate::platform::{Cell, Database, DatabaseError};

/// Milliseconds of the spans that sums are kept by; 0 stands for all time.
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const ALL: u64 = 0;

/// The most lines of an answer.
const MOST_LINES: usize = 5_000;
/// The most rows of sums that are merged at once.
const MOST_MERGED: u64 = 2_000;

/// By what the lines of a scoreboard are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A line a variant.
    #[default]
    Variant,
    /// A line a revision and variant.
    Revision,
    /// A line a span of time and variant: minutes, and what they were merged into.
    Minute,
}

/// What is asked of a scoreboard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Requests from then on: milliseconds since the Unix epoch, of which the minute counts.
    pub from_ms: Option<f64>,
    /// Requests until then.
    pub to_ms: Option<f64>,
    /// The lines.
    pub by: By,
    /// Of lines a span of time: how many milliseconds each of them is to have at least.
    #[serde(default)]
    pub step_ms: Option<u64>,
    /// Quantiles, 0 to 1, that are told beside the usual ones.
    #[serde(default)]
    pub quantiles: Vec<f64>,
    /// The lines of one variant alone, whatever name it has while traffic is shifted to its endpoint configuration.
    #[serde(default)]
    pub variant: Option<String>,
    /// Requests that revisions made of this endpoint configuration decided.
    #[serde(default)]
    pub config: Option<String>,
}

/// What the records say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scoreboard {
    /// When it was told, in milliseconds since the Unix epoch.
    pub as_of_ms: f64,
    /// The revision that is served; absent where the endpoint was removed, or nothing is known of it.
    pub revision: Option<String>,
    /// By what the lines are told apart.
    pub by: By,
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// Whether there are more lines than these.
    pub cut: bool,
    /// Whether the traffic is split as it should be, of all time, whatever was asked.
    pub split: Split,
    /// Where the policy that was started last is; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Status>,
    /// Shadows beside the variants whose requests they were shown, of all time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairLine>,
    /// Requests whose sums isolates had to drop.
    pub lost: u64,
    /// What became of captured lines, of all time; absent where none was.
    #[serde(default, skip_serializing_if = "CaptureCounts::is_empty")]
    pub capture: CaptureCounts,
    /// Bytes of the database, of the 10 GB that one may have.
    pub bytes: u64,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Of a line a revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The variant; absent for requests for which none was chosen.
    pub variant: Option<String>,
    /// Of a line a span of time: when it begins, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// And how long it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_ms: Option<u64>,
    /// Requests for which the variant was chosen.
    pub invocations: u64,
    /// The same by why it was chosen: `target`, `sticky`, `weighted`; none of them counts what follows twice.
    pub by_reason: BTreeMap<String, u64>,
    /// Its share of the requests that were drawn, by weight or by unit; absent where none were.
    pub share: Option<f64>,
    /// What that should be by the weights of the revisions that drew them; absent where one of these is not known.
    pub expected_share: Option<f64>,
    /// Rows that were predicted.
    pub rows: u64,
    /// Of the invocations, those that the variant did not answer, by the party at fault.
    pub errors: Errors,
    /// Invocations that failed for the variant's sake, of all of them; absent where there are none.
    pub error_rate: Option<f64>,
    /// Of the variant's errors, those that the fallback answered.
    pub fallbacks: u64,
    /// Requests that the variant answered in place of another.
    pub stood_in: u64,
    /// What it was asked as a shadow, which counts nowhere else; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadowed: Option<AsShadow>,
    /// Bytes of the requests' bodies.
    pub bytes_in: u64,
    /// Bytes of the responses' bodies.
    pub bytes_out: u64,
    /// What was waited for origins; absent where none was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_ms: Option<Percentiles>,
}

/// What a variant made of requests that others answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AsShadow {
    /// Requests that it was asked about.
    pub invocations: u64,
    /// Rows that it predicted.
    pub rows: u64,
    /// Of the requests, those that it failed.
    pub errors: u64,
    /// What was waited for its origin; absent of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_ms: Option<Percentiles>,
}

/// Errors by the party at fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// Who sent the request.
    pub caller: u64,
    /// The variant.
    pub variant: u64,
    /// Neither.
    pub other: u64,
}

/// What sums are kept by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    span: u64,
    since: u64,
    revision: String,
    variant: String,
    reason: String,
}

/// Which row of the sums is meant: the parameters of [`Place::key`].
const PLACE: &str = "span = ? AND since = ? AND revision = ? AND variant = ? AND reason = ?";

impl Place {
    fn key(&self) -> [Cell; 5] {
        [
            Cell::count(self.span),
            Cell::count(self.since),
            self.revision.as_str().into(),
            self.variant.as_str().into(),
            self.reason.as_str().into(),
        ]
    }
}

const SUMS: &str =
    "invocations, predicted_rows, caller_errors, variant_errors, other_errors, fallbacks, bytes_in, bytes_out, slow";

/// Counts a share of a tally.
pub(super) fn count(database: &impl Database, share: &Share) -> Result<(), DatabaseError> {
    let Share { of, sums } = share;
    let place = |span, since| Place {
        span,
        since,
        revision: of.revision.clone(),
        variant: of.variant.clone().unwrap_or_default(),
        reason: of.reason.map_or("", Reason::as_str).to_owned(),
    };
    add(database, &place(ALL, 0), sums)?;
    add(database, &place(MINUTE, of.minute.saturating_mul(MINUTE)), sums)
}

fn add(database: &impl Database, place: &Place, sums: &Sums) -> Result<(), DatabaseError> {
    let key = place.key();
    let mut latency = Cell::Null;
    if !sums.origin_ms.is_empty() {
        let kept = database.execute(&format!("SELECT origin_ms FROM sums WHERE {PLACE}"), &key)?;
        let mut merged = sums.origin_ms.clone();
        merged.merge(&kept.first().map(|row| Row::of(row).latency()).unwrap_or_default());
        latency = Cell::text_or_null(serde_json::to_string(&merged).ok().as_deref());
    }
    let counts = [
        sums.invocations,
        sums.rows,
        sums.caller_errors,
        sums.variant_errors,
        sums.other_errors,
        sums.fallbacks,
        sums.bytes_in,
        sums.bytes_out,
        sums.slow,
    ];
    let mut parameters = key.to_vec();
    parameters.extend(counts.map(Cell::count));
    parameters.push(latency);
    let added =
        SUMS.split(", ").map(|name| format!("{name} = {name} + excluded.{name}")).collect::<Vec<_>>().join(", ");
    database.execute(
        &format!(
            "INSERT INTO sums (span, since, revision, variant, reason, {SUMS}, origin_ms)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (span, since, revision, variant, reason)
                DO UPDATE SET {added}, origin_ms = coalesce(excluded.origin_ms, origin_ms)"
        ),
        &parameters,
    )?;
    Ok(())
}

/// How long sums are kept in which detail, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detail {
    /// Minutes are merged into hours then.
    pub minutes_ms: f64,
    /// And hours into days.
    pub hours_ms: f64,
}

impl Default for Detail {
    /// Two days, and sixty.
    fn default() -> Self {
        Detail { minutes_ms: 2.0 * DAY as f64, hours_ms: 60.0 * DAY as f64 }
    }
}

/// Merges what is too old for its detail; whether there is more to merge.
pub(super) fn merge(database: &impl Database, detail: Detail, now_ms: f64) -> Result<bool, DatabaseError> {
    let mut more = false;
    for (from, to, age_ms) in [(MINUTE, HOUR, detail.minutes_ms), (HOUR, DAY, detail.hours_ms)] {
        // Whole spans alone, so that each is merged at once.
        let before = ((now_ms - age_ms).max(0.0) as u64).checked_div(to).unwrap_or(0).saturating_mul(to);
        let parameters = [Cell::count(from), Cell::count(before), Cell::count(MOST_MERGED)];
        let rows = select(database, "WHERE span = ? AND since < ? ORDER BY since LIMIT ?", &parameters)?;
        for (place, sums) in &rows {
            let since = place.since.checked_div(to).unwrap_or(0).saturating_mul(to);
            add(database, &Place { span: to, since, ..place.clone() }, sums)?;
            database.execute(&format!("DELETE FROM sums WHERE {PLACE}"), &place.key())?;
        }
        more |= u64::try_from(rows.len()).is_ok_and(|merged| merged >= MOST_MERGED);
    }
    Ok(more)
}

/// Forgets the oldest spans of time; whether there were any. The sums over all time stay.
pub(super) fn forget(database: &impl Database) -> Result<bool, DatabaseError> {
    let forgotten = database.execute(
        "DELETE FROM sums WHERE span > 0 AND since <= (SELECT MAX(since) FROM
            (SELECT since FROM sums WHERE span > 0 ORDER BY since LIMIT ?)) RETURNING 1",
        &[Cell::count(MOST_MERGED)],
    )?;
    Ok(!forgotten.is_empty())
}

impl Row<'_> {
    fn latency(&mut self) -> Latency {
        self.optional_text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn place_and_sums(mut self) -> (Place, Sums) {
        let place = Place {
            span: self.count(),
            since: self.count(),
            revision: self.text(),
            variant: self.text(),
            reason: self.text(),
        };
        let sums = Sums {
            invocations: self.count(),
            rows: self.count(),
            caller_errors: self.count(),
            variant_errors: self.count(),
            other_errors: self.count(),
            fallbacks: self.count(),
            bytes_in: self.count(),
            bytes_out: self.count(),
            slow: self.count(),
            origin_ms: self.latency(),
        };
        (place, sums)
    }
}

/// Rows of the sums.
fn select(database: &impl Database, rest: &str, parameters: &[Cell]) -> Result<Vec<(Place, Sums)>, DatabaseError> {
    let columns = "span, since, revision, variant, reason";
    let rows = database.execute(&format!("SELECT {columns}, {SUMS}, origin_ms FROM sums {rest}"), parameters)?;
    Ok(rows.iter().map(|cells| Row::of(cells).place_and_sums()).collect())
}

/// A revision, a variant and a reason, and their sums over all time.
#[cfg(all(test, not(target_arch = "wasm32")))]
type Total = ((String, String, String), Sums);

/// All sums over all time.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(super) fn all_time(database: &impl Database) -> Result<Vec<Total>, DatabaseError> {
    let sums = select(database, "WHERE span = 0", &[])?.into_iter();
    Ok(sums.map(|(place, sums)| ((place.revision, place.variant, place.reason), sums)).collect())
}

/// A line as it is summed up: its key, and what is known of it.
type Key = (u64, u64, String, String);

/// The lines that are asked for; whether there are more. `shares` learns those of the revisions that are met.
pub(super) fn lines(
    database: &impl Database,
    query: &Query,
    fleets: &Fleets,
    shares: &mut Shares,
) -> Result<(Vec<Line>, bool), DatabaseError> {
    let whole_time = query.from_ms.is_none() && query.to_ms.is_none() && query.by != By::Minute;
    let at = |ms: Option<f64>, otherwise: u64| ms.map_or(otherwise, |ms| ms.max(0.0) as u64);
    let (from, to) = (at(query.from_ms, 0), at(query.to_ms, u64::MAX >> 11));
    // The minute in which the time from which they are asked for lies counts whole.
    let from = from.checked_div(MINUTE).unwrap_or(0).saturating_mul(MINUTE);
    let spans = if whole_time { "span = 0" } else { "span > 0 AND since >= ? AND since < ?" };
    let range = if whole_time { Vec::new() } else { vec![Cell::count(from), Cell::count(to)] };
    let most = Cell::count(u64::try_from(MOST_LINES.saturating_mul(8)).unwrap_or(u64::MAX));
    let rest = format!("WHERE {spans} ORDER BY since DESC, revision, variant, reason LIMIT ?");
    let rows = select(database, &rest, &[range, vec![most.clone()]].concat())?;
    let mut cut = Some(Cell::count(u64::try_from(rows.len()).unwrap_or(u64::MAX))) == Some(most);
    let mut made_of: BTreeMap<&str, bool> = BTreeMap::new();
    let mut summed: BTreeMap<Key, Summed> = BTreeMap::new();
    for (place, sums) in &rows {
        let is_asked = |own: &&str| query.variant.as_deref() == Some(*own);
        let own = fleets.own_name(&place.revision, &place.variant).filter(is_asked);
        let own = own.filter(|_| query.config.as_ref().is_none_or(|config| *config == fleets.config));
        if let (Some(config), None) = (&query.config, own) {
            let revision = place.revision.as_str();
            let is_made_of_it = match made_of.get(revision) {
                Some(known) => *known,
                None => is_made_of(database, revision, config)?,
            };
            made_of.insert(revision, is_made_of_it);
            if !is_made_of_it {
                continue;
            }
        }
        let (span, since) = match query.step_ms {
            _ if query.by != By::Minute => (0, 0),
            Some(step) if step > place.span => {
                (step, place.since.saturating_sub(place.since.checked_rem(step).unwrap_or(0)))
            }
            Some(_) | None => (place.span, place.since),
        };
        let revision = if query.by == By::Revision { place.revision.clone() } else { String::new() };
        let line = summed.entry((since, span, revision, own.unwrap_or(&place.variant).to_owned())).or_default();
        line.add(place, sums);
        shares.see(database, &place.revision)?;
    }
    let drawn = drawn_by_group(&summed);
    let mut lines = Vec::new();
    let is_asked = |variant: &str| query.variant.as_ref().is_none_or(|asked| asked == variant);
    for ((since, span, revision, variant), summed) in summed {
        if !is_asked(&variant) {
            continue;
        }
        if lines.len() >= MOST_LINES {
            cut = true;
            break;
        }
        let group = drawn.get(&(since, span, revision.clone()));
        lines.push(summed.line(query, (since, span, revision, variant), group, shares));
    }
    Ok((lines, cut))
}

/// Whether the document of a revision was made of an endpoint configuration.
fn is_made_of(database: &impl Database, revision: &str, config: &str) -> Result<bool, DatabaseError> {
    let document = history::of_revision(database, revision)?.and_then(|version| version.document);
    let endpoint = document.and_then(|document| Endpoint::parse(document.as_bytes()).ok());
    Ok(endpoint.as_ref().and_then(Endpoint::config).is_some_and(|name| name.as_str() == config))
}

/// Requests that were drawn, by the revision that drew them.
type Drawn = BTreeMap<String, u64>;

/// Those of all variants together, by what lines are told apart by but the variant.
fn drawn_by_group(summed: &BTreeMap<Key, Summed>) -> BTreeMap<(u64, u64, String), Drawn> {
    let mut groups: BTreeMap<(u64, u64, String), Drawn> = BTreeMap::new();
    for ((since, span, revision, _), line) in summed {
        let group = groups.entry((*since, *span, revision.clone())).or_default();
        for (revision, count) in &line.drawn {
            let sum = group.entry(revision.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    groups
}

#[derive(Default)]
struct Summed {
    by_reason: BTreeMap<String, u64>,
    chosen: Sums,
    stood_in: u64,
    shadowed: Sums,
    drawn: Drawn,
}

impl Summed {
    fn add(&mut self, place: &Place, sums: &Sums) {
        if place.reason == Reason::Fallback.as_str() {
            self.stood_in = self.stood_in.saturating_add(sums.invocations);
            return;
        }
        if place.reason == Reason::Shadow.as_str() {
            self.shadowed.add(sums);
            return;
        }
        self.chosen.add(sums);
        if !place.reason.is_empty() {
            let count = self.by_reason.entry(place.reason.clone()).or_default();
            *count = count.saturating_add(sums.invocations);
        }
        if is_drawn(&place.reason) {
            let count = self.drawn.entry(place.revision.clone()).or_default();
            *count = count.saturating_add(sums.invocations);
        }
    }

    fn line(
        self,
        query: &Query,
        (since, span, revision, variant): Key,
        group: Option<&Drawn>,
        shares: &Shares,
    ) -> Line {
        let by = query.by;
        let Summed { by_reason, chosen, stood_in, shadowed, drawn } = self;
        let all = group.map_or(0, |group| group.values().fold(0u64, |sum, count| sum.saturating_add(*count)));
        let of_all = |count: f64| (all > 0).then(|| count / all as f64);
        let expected = group.and_then(|group| {
            let parts = group.iter().map(|(revision, count)| Some(shares.of(revision, &variant)? * *count as f64));
            of_all(parts.sum::<Option<f64>>()?)
        });
        let own = drawn.values().fold(0u64, |sum, count| sum.saturating_add(*count));
        Line {
            revision: (by == By::Revision).then_some(revision),
            variant: (!variant.is_empty()).then_some(variant),
            since_ms: (by == By::Minute).then_some(since),
            span_ms: (by == By::Minute).then_some(span),
            invocations: chosen.invocations,
            by_reason,
            share: of_all(own as f64),
            expected_share: expected,
            rows: chosen.rows,
            errors: Errors { caller: chosen.caller_errors, variant: chosen.variant_errors, other: chosen.other_errors },
            error_rate: (chosen.invocations > 0).then(|| chosen.variant_errors as f64 / chosen.invocations as f64),
            fallbacks: chosen.fallbacks,
            stood_in,
            shadowed: (shadowed.invocations > 0).then(|| AsShadow {
                invocations: shadowed.invocations,
                rows: shadowed.rows,
                errors: shadowed.variant_errors,
                origin_ms: Percentiles::of(&shadowed.origin_ms, &query.quantiles),
            }),
            bytes_in: chosen.bytes_in,
            bytes_out: chosen.bytes_out,
            origin_ms: Percentiles::of(&chosen.origin_ms, &query.quantiles),
        }
    }
}

fn is_drawn(reason: &str) -> bool {
    [Reason::Weighted, Reason::Sticky].iter().any(|drawn| drawn.as_str() == reason)
}
