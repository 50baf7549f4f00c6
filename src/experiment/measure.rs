//! How good variants are, by outcomes as they come: sums for the metrics, and by unit for the verdict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::hashed::hashed;
use super::tables::{Row, set_state, state_number, state_text};
use crate::assignment::Reason;
use crate::endpoint::{Classes, Endpoint, Failures, Metric, Outcome, OutcomeKind, Segment, Truth};
use crate::payload::Predicted;
use crate::platform::{Cell, Database, DatabaseError};
use crate::statistics::{Confusion, Effects, Numbers, Scores, Sums, brier, log_loss};

/// All requests, whatever segment they are of.
pub(super) const WHOLE: u8 = 0;

const MEASURED: &str = "measured";
const SINCE_MS: &str = "measured_since_ms";

/// What is measured: outcomes of what kind, by which metric, in which segments. Where this changes, measuring begins anew.
#[derive(Debug)]
pub(super) struct Measure<'a> {
    pub outcome: &'a Outcome,
    pub metric: Metric,
    /// Whether variants are compared on the same requests.
    pub has_shadows: bool,
    /// What counts for a variant where it failed.
    pub failures: Failures,
    segments: usize,
    text: String,
}

/// Whom an outcome belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// To a request of one row that carried no unit: nobody else's outcome depends on it.
    Alone,
    /// To a unit, or a request of many rows.
    Of(u64),
}

impl Unit {
    /// That of a request: its unit, where it carried one; else the request itself, as its rows depend on each other.
    pub fn of_request(unit: Option<u64>, id: &str, has_many_rows: bool) -> Self {
        match unit {
            Some(unit) => Unit::Of(unit),
            None if has_many_rows => Unit::Of(hashed(id).0 | 1 << 48),
            None => Unit::Alone,
        }
    }
}

/// How a prediction came about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assigned {
    pub variant: String,
    pub reason: Reason,
    pub propensity: f64,
    pub segment: u8,
    pub unit: Unit,
}

/// Who answered a request, and what was predicted, as far as that is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answered {
    /// The variant that was assigned.
    Assigned(Option<Predicted>),
    /// The fallback, as that variant failed.
    Fallback(Option<Predicted>),
    /// Nobody.
    Nobody,
}

/// What counts as a variant's answer.
enum Counted {
    Prediction(Option<Predicted>),
    /// It failed, and that is as bad as a wrong prediction can be.
    Wrong,
}

/// How good one variant's predictions were, whoever was assigned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Quality {
    /// Outcomes of requests that named the variant, which count nowhere else.
    pub targeted: u64,
    /// Outcomes of requests that it failed, whether they count or not.
    pub failed: u64,
    /// Outcomes that count nowhere, as there was no prediction that could be compared with them.
    pub left_out: u64,
    /// Of classes.
    pub confusion: Confusion,
    /// Of the positive class.
    pub scores: Scores,
    /// Of numbers: true and predicted; of rewards the reward, and 0.
    pub numbers: Numbers,
}

/// What has been measured, as far as a batch of outcomes changes it.
pub(super) struct Measured<'a, D> {
    database: &'a D,
    measure: &'a Measure<'a>,
    effects: BTreeMap<u8, Effects>,
    quality: BTreeMap<String, Quality>,
}

impl<'a> Measure<'a> {
    /// What an endpoint measures; `None` where its document says nothing of outcomes.
    pub fn of(endpoint: &'a Endpoint) -> Option<Self> {
        #[derive(Serialize)]
        struct Defined<'a> {
            outcome: &'a Outcome,
            metric: Metric,
            // What others count cannot be chosen.
            #[serde(skip_serializing_if = "Option::is_none")]
            failures: Option<Failures>,
            segment: Option<&'a Segment>,
        }
        let outcome = endpoint.outcome()?;
        let goal = endpoint.goal();
        let (metric, failures) = (endpoint.metric()?, endpoint.failures()?);
        let chosen = metric.worst().map(|_| failures);
        let defined = Defined { outcome: &outcome.meaning(), metric, failures: chosen, segment: goal.segment() };
        let text = serde_json::to_string(&defined).unwrap_or_default();
        let segments = goal.segment().map_or(0, |segment| segment.values.len());
        let has_shadows = endpoint.shadows().next().is_some();
        Some(Measure { outcome, metric, has_shadows, failures, segments, text })
    }

    fn counted(&self, answered: Answered) -> Counted {
        match (answered, self.failures) {
            (Answered::Assigned(predicted), _) | (Answered::Fallback(predicted), Failures::AsAnswered) => {
                Counted::Prediction(predicted)
            }
            (Answered::Fallback(_), Failures::Wrong) | (Answered::Nobody, _) => Counted::Wrong,
        }
    }

    /// Forgets what was measured, where it was something else.
    pub fn begin(&self, database: &impl Database, now_ms: f64) -> Result<(), DatabaseError> {
        if state_text(database, MEASURED)?.as_deref() == Some(&self.text) {
            return Ok(());
        }
        for table in ["unit_sums", "effects", "quality", "points", "paired", "paired_units"] {
            database.execute(&format!("DELETE FROM {table}"), &[])?;
        }
        database.execute("DELETE FROM state WHERE name LIKE 'tuned/%'", &[])?;
        set_state(database, MEASURED, self.text.as_str().into())?;
        set_state(database, SINCE_MS, now_ms.into())
    }

    /// The metric's value of one outcome; `None` where what was predicted cannot be compared with it.
    pub fn value(&self, answered: Answered, truth: &Truth) -> Option<f64> {
        use Counted::{Prediction, Wrong};
        let is = |right: bool| f64::from(u8::from(right));
        match (&self.outcome.kind, self.counted(answered), truth) {
            (OutcomeKind::Reward, _, Truth::Number(reward)) => Some(*reward),
            (OutcomeKind::Label(_), Wrong, Truth::Label(_)) => self.metric.worst(),
            (OutcomeKind::Value(_), Prediction(Some(Predicted::Number(predicted))), Truth::Number(truth)) => {
                let error = (truth - predicted).abs();
                // What is beyond all measure would leave nothing of the others' sums.
                Some(if self.metric == Metric::Mse { error * error } else { error }).filter(|error| *error <= 1e30)
            }
            (OutcomeKind::Label(classes), Prediction(Some(Predicted::Class { class, score })), Truth::Label(truth)) => {
                let right = classes.class(truth);
                let is_positive = classes.positive_class() == Some(right);
                let score = score.filter(|score| (0.0..=1.0).contains(score));
                match self.metric {
                    Metric::LogLoss => score.map(|score| log_loss(score, is_positive)),
                    Metric::Brier => score.map(|score| brier(score, is_positive)),
                    _ => Some(is(class == right)),
                }
            }
            _ => None,
        }
    }
}

impl Measure<'_> {
    /// Whether the metric is the share of right answers.
    pub fn is_accuracy(&self) -> bool {
        self.metric == Metric::Accuracy
    }

    /// How far apart the metric's values of two predictions can be, whatever the outcome is; 0 where nothing bounds it.
    pub fn reach(&self, a: Option<Predicted>, b: Option<Predicted>) -> f64 {
        let scores = |of: fn(f64, bool) -> f64| match (a, b) {
            (Some(Predicted::Class { score: Some(a), .. }), Some(Predicted::Class { score: Some(b), .. })) => {
                let apart = |is_positive| (of(b, is_positive) - of(a, is_positive)).abs();
                apart(true).max(apart(false))
            }
            _ => 0.0,
        };
        match (self.metric, a, b) {
            (Metric::Accuracy, ..) => 1.0,
            (Metric::LogLoss, ..) => scores(log_loss),
            (Metric::Brier, ..) => scores(brier),
            (Metric::Mae, Some(Predicted::Number(a)), Some(Predicted::Number(b))) => (a - b).abs(),
            _ => 0.0,
        }
    }
}

impl Assigned {
    /// Whether it was drawn: what a caller named was not, and what has no probability cannot have been.
    fn is_drawn(&self) -> bool {
        self.reason != Reason::Target && self.propensity > 0.0
    }
}

impl Answered {
    /// Whether the variant that was assigned failed.
    fn has_failed(self) -> bool {
        !matches!(self, Answered::Assigned(_))
    }
}

/// When measuring began, in milliseconds since the Unix epoch.
pub(super) fn since_ms(database: &impl Database) -> Result<Option<f64>, DatabaseError> {
    state_number(database, SINCE_MS)
}

impl Quality {
    fn add(&mut self, told: &OutcomeKind, counted: Counted, truth: &Truth) {
        use Counted::{Prediction, Wrong};
        match (told, counted, truth) {
            (OutcomeKind::Reward, _, Truth::Number(reward)) => self.numbers.add(*reward, 0.0),
            (OutcomeKind::Value(_), Prediction(Some(Predicted::Number(predicted))), Truth::Number(truth)) => {
                self.numbers.add(*truth, predicted);
            }
            (OutcomeKind::Label(classes), Wrong, Truth::Label(truth)) => {
                self.confusion.add(None, classes.class(truth));
                self.scores.add_failure();
            }
            (OutcomeKind::Label(classes), Prediction(Some(Predicted::Class { class, score })), Truth::Label(truth)) => {
                let right = classes.class(truth);
                self.confusion.add(Some(class), right);
                if let (Some(score), Some(positive)) = (score, classes.positive_class()) {
                    self.scores.add(score, right == positive);
                }
            }
            _ => {}
        }
    }

    /// The metrics, by SageMaker's names where it has them; those that cannot be told are left out.
    pub fn metrics(&self, told: &OutcomeKind) -> BTreeMap<&'static str, f64> {
        let mut metrics: BTreeMap<&'static str, Option<f64>> = BTreeMap::new();
        match told {
            OutcomeKind::Reward => drop(metrics.insert("reward", self.numbers.mean())),
            OutcomeKind::Value(_) => {
                metrics.insert("mae", self.numbers.mae());
                metrics.insert("mse", self.numbers.mse());
                metrics.insert("rmse", self.numbers.mse().map(f64::sqrt));
                metrics.insert("r2", self.numbers.r2());
            }
            OutcomeKind::Label(Classes { score, positive, .. }) => {
                metrics.insert("accuracy", self.confusion.accuracy());
                if let Some(positive) = positive {
                    let one = self.confusion.of(positive.class());
                    metrics.insert("precision", one.precision);
                    metrics.insert("recall", one.recall);
                    metrics.insert("f1", one.f1);
                }
                if score.is_some() {
                    let auc = self.scores.auc();
                    metrics.insert("log_loss", self.scores.log_loss());
                    metrics.insert("brier", self.scores.brier());
                    metrics.insert("auc", auc.map(|auc| auc.value));
                    metrics.insert("auc_within", auc.map(|auc| auc.within));
                }
            }
        }
        metrics.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| value.is_finite())?))).collect()
    }
}

impl<'a, D: Database> Measured<'a, D> {
    /// What the database has, to be added to.
    pub fn new(database: &'a D, measure: &'a Measure<'a>) -> Self {
        Measured { database, measure, effects: BTreeMap::new(), quality: BTreeMap::new() }
    }

    /// Counts an outcome; leaves it out, where what was predicted cannot be compared with it.
    pub fn add(&mut self, assigned: &Assigned, answered: Answered, truth: &Truth) -> Result<(), DatabaseError> {
        let measure = self.measure;
        let Some(y) = measure.value(answered, truth) else { return self.leave_out(assigned, answered) };
        let quality = self.quality(&assigned.variant)?;
        if !assigned.is_drawn() {
            quality.targeted = quality.targeted.saturating_add(1);
            return Ok(());
        }
        quality.failed = quality.failed.saturating_add(answered.has_failed().into());
        quality.add(&measure.outcome.kind, measure.counted(answered), truth);
        self.add_to(WHOLE, assigned, y)?;
        if assigned.segment != WHOLE && usize::from(assigned.segment) <= self.measure.segments {
            self.add_to(assigned.segment, assigned, y)?;
        }
        Ok(())
    }

    /// Notes an outcome that nothing can be compared with.
    pub fn leave_out(&mut self, assigned: &Assigned, answered: Answered) -> Result<(), DatabaseError> {
        if assigned.is_drawn() {
            let quality = self.quality(&assigned.variant)?;
            quality.failed = quality.failed.saturating_add(answered.has_failed().into());
            quality.left_out = quality.left_out.saturating_add(1);
        }
        Ok(())
    }

    fn quality(&mut self, variant: &str) -> Result<&mut Quality, DatabaseError> {
        if !self.quality.contains_key(variant) {
            self.quality.insert(variant.to_owned(), quality(self.database, variant)?);
        }
        Ok(self.quality.entry(variant.to_owned()).or_default())
    }

    fn add_to(&mut self, segment: u8, assigned: &Assigned, y: f64) -> Result<(), DatabaseError> {
        if !self.effects.contains_key(&segment) {
            self.effects.insert(segment, effects(self.database, segment)?);
        }
        let new = self.effects.entry(segment).or_default().outcome(y, assigned.propensity);
        let before = match assigned.unit {
            Unit::Alone => BTreeMap::new(),
            Unit::Of(unit) => self.add_to_unit(segment, unit, &assigned.variant, new)?,
        };
        self.effects.entry(segment).or_default().add(&assigned.variant, new, &before);
        Ok(())
    }

    /// Adds to what is kept of a unit; gives what was.
    fn add_to_unit(
        &self,
        segment: u8,
        unit: u64,
        variant: &str,
        new: Sums,
    ) -> Result<BTreeMap<String, Sums>, DatabaseError> {
        let key = [Cell::count(segment.into()), Cell::count(unit)];
        let rows =
            self.database.execute("SELECT variant, n, y, ty, w FROM unit_sums WHERE segment = ? AND unit = ?", &key)?;
        let known = rows.iter().map(|cells| {
            let mut row = Row::of(cells);
            (row.text(), Sums([row.number(), row.number(), row.number(), row.number()]))
        });
        let known: BTreeMap<String, Sums> = known.collect();
        let [segment, unit] = key;
        let mut parameters = vec![segment, unit, variant.into()];
        parameters.extend(new.0.map(Cell::Real));
        self.database.execute(
            "INSERT INTO unit_sums (segment, unit, variant, n, y, ty, w) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (segment, unit, variant)
                DO UPDATE SET n = n + excluded.n, y = y + excluded.y, ty = ty + excluded.ty, w = w + excluded.w",
            &parameters,
        )?;
        Ok(known)
    }

    /// Puts what has changed into the database.
    pub fn save(self) -> Result<(), DatabaseError> {
        for (segment, effects) in &self.effects {
            self.database.execute(
                "INSERT OR REPLACE INTO effects (segment, sums) VALUES (?, ?)",
                &[Cell::count((*segment).into()), json(effects)?],
            )?;
        }
        for (variant, quality) in &self.quality {
            self.database.execute(
                "INSERT OR REPLACE INTO quality (variant, sums) VALUES (?, ?)",
                &[variant.as_str().into(), json(quality)?],
            )?;
        }
        Ok(())
    }
}

/// What variants achieved in a segment.
pub(super) fn effects(database: &impl Database, segment: u8) -> Result<Effects, DatabaseError> {
    read(database, "SELECT sums FROM effects WHERE segment = ?", &Cell::count(segment.into()))
}

/// How good a variant's predictions were.
pub(super) fn quality(database: &impl Database, variant: &str) -> Result<Quality, DatabaseError> {
    read(database, "SELECT sums FROM quality WHERE variant = ?", &variant.into())
}

fn json(value: &impl Serialize) -> Result<Cell, DatabaseError> {
    let text = serde_json::to_string(value);
    text.map(Cell::Text).map_err(|error| DatabaseError(format!("what was measured cannot be written: {error}")))
}

/// One value that is kept as JSON; nothing where there is none.
fn read<T: DeserializeOwned + Default>(database: &impl Database, sql: &str, key: &Cell) -> Result<T, DatabaseError> {
    let rows = database.execute(sql, std::slice::from_ref(key))?;
    let Some(text) = rows.first().map(|cells| Row::of(cells).text()) else { return Ok(T::default()) };
    serde_json::from_str(&text).map_err(|error| DatabaseError(format!("what was measured cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(members: &str) -> String {
        let variant = r#"{"name": "a", "origin": {"url": "https://a.example"}}"#;
        let document = format!(r#"{{"variants": [{variant}], {members}}}"#);
        let endpoint = Endpoint::parse(document.as_bytes()).unwrap();
        Measure::of(&endpoint).unwrap().text
    }

    #[test]
    fn what_is_measured_reads_as_it_did_where_failures_count_as_they_did() {
        let value = r#"{"outcome":{"kind":"value","value":{},"within_hours":720.0},"metric":"mae","segment":null}"#;
        assert_eq!(text(r#""outcome": {"kind": "value"}"#), value);
        assert_eq!(text(r#""outcome": {"kind": "value"}, "goal": {"failures": "as_answered"}"#), value);
        let scored = r#""outcome": {"kind": "label", "score": {}, "positive": "yes"}"#;
        let log_loss = text(&format!(r#"{scored}, "goal": {{"metric": "log_loss"}}"#));
        assert!(log_loss.ends_with(r#""metric":"log_loss","segment":null}"#), "{log_loss}");
        // A right answer in the place of a failure is none any more.
        let accuracy = text(scored);
        assert!(accuracy.ends_with(r#""metric":"accuracy","failures":"wrong","segment":null}"#), "{accuracy}");
    }
}
