//! Which variant is better, and whether one may say so now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measure::{self, Measure, WHOLE};
use super::outcomes;
use super::pairs::{self, Paired};
use super::tables::{Row, set_state, state_number};
use super::wording::{Basis, Phrase, Word, log_e_of_worse, more_outcomes, word};
use crate::endpoint::{Endpoint, Failures, Label, Margin, Metric, Name, OutcomeKind};
use crate::platform::{Cell, Database, DatabaseError};
use crate::statistics::{
    CalibrationBin, Effects, Estimate, LEAST_UNITS, Look, Mean, Roc, TUNED_FOR_UNITS, Tuning, rate_always, welch,
};

/// What one may say of an endpoint's variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// When it was told, in milliseconds since the Unix epoch.
    pub as_of_ms: f64,
    /// The revision that is served.
    pub revision: Option<String>,
    /// The mean that is compared.
    pub metric: Metric,
    /// Whether more of it is better.
    pub is_better_higher: bool,
    /// What counts for a variant where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Failures>,
    /// The variant that the others are compared with.
    pub baseline: Name,
    /// Anything false is said with this probability at most, over all looks and comparisons together.
    pub alpha: f64,
    /// Each comparison's part of it.
    pub alpha_each: f64,
    /// The difference that does not matter.
    pub margin: Option<f64>,
    /// Since when outcomes have been counted, in milliseconds since the Unix epoch.
    pub since_ms: Option<f64>,
    /// Outcomes that wait: for their prediction, or until the time is over in which an outcome may come.
    pub waiting: u64,
    /// The variants, in the document's order.
    pub variants: Vec<Scored>,
    /// The others against the baseline.
    pub comparisons: Vec<Compared>,
    /// The same by segment, where the document names some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentVerdict>,
}

/// What is said of one segment. All segments together have one alpha more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentVerdict {
    /// Its value.
    pub segment: String,
    /// Each comparison's part of alpha.
    pub alpha_each: f64,
    /// The others against the baseline.
    pub comparisons: Vec<Compared>,
}

/// What a policy asks of the verdict on a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What may be said.
    pub verdict: Word,
    /// The same as a sentence.
    pub says: String,
    /// Its mean less the baseline's.
    pub difference: Option<f64>,
    /// Where the difference is, at every look.
    pub interval: Option<(f64, f64)>,
    /// About how many more outcomes of all variants it will take until something may be said.
    pub more_outcomes: Option<f64>,
    /// The logarithm of the e-value against its being no worse; 0 where it is not.
    pub log_e_of_worse: f64,
}

/// How good one variant is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Its name.
    pub variant: Name,
    /// Outcomes of requests that were drawn.
    pub outcomes: u64,
    /// Of so many units; where requests have none, each is its own.
    pub units: u64,
    /// Outcomes of requests that named it, which count nowhere else.
    pub targeted: u64,
    /// Outcomes of requests that it failed, whether a fallback answered or nobody did.
    #[serde(default)]
    pub failed: u64,
    /// Outcomes that count nowhere, as there was no prediction that could be compared with them.
    #[serde(default)]
    pub left_out: u64,
    /// What the metric would be if all had been assigned to it; absent without outcomes.
    pub mean: Option<f64>,
    /// Where that is, at every look; absent below 100 units.
    pub interval: Option<(f64, f64)>,
    /// The same for a share of independent outcomes with one rate, exact from the first on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_interval: Option<(f64, f64)>,
    /// Metrics of all its outcomes, whatever their weights.
    pub metrics: BTreeMap<String, f64>,
    /// Predicted, right, how often: classes by their names, where an outcome has named them. Where it failed, nothing was
    /// predicted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<(Option<String>, String, u64)>,
    /// The ROC curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc: Option<Roc>,
    /// Whether scores are what they say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<CalibrationBin>,
}

/// A variant against the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The variant.
    pub variant: Name,
    /// By what they are compared.
    #[serde(default)]
    pub basis: Basis,
    /// What may be said.
    pub verdict: Word,
    /// The same as a sentence.
    pub says: String,
    /// Its mean less the baseline's; absent where either has no outcome.
    pub difference: Option<f64>,
    /// Where the difference is, at every look; absent below 100 units each.
    pub interval: Option<(f64, f64)>,
    /// May be looked at at any time; absent below 100 units each.
    pub p_value: Option<f64>,
    /// Outcomes of both.
    pub outcomes: u64,
    /// About how many more it will take until something may be said, if the difference is what it seems; absent where that is
    /// said already, or cannot be told.
    pub more_outcomes: Option<u64>,
    /// What a test says that may be looked at once, at a size that was chosen before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_sample: Option<FixedSample>,
    /// Of a shadow: what is known by pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairedFigures>,
    /// How the difference has come about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Point>,
}

/// Outcomes of requests that the baseline answered and a shadow was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedFigures {
    /// Outcomes.
    pub outcomes: u64,
    /// Of so many units; where requests have none, each is its own.
    pub units: u64,
    /// The baseline's mean on these requests.
    pub baseline_mean: Option<f64>,
    /// The shadow's.
    pub variant_mean: Option<f64>,
    /// Who was right; absent where the metric is no share of right answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<RightBy>,
}

/// Who was right on the same requests, and McNemar's test of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RightBy {
    /// Both.
    pub both: u64,
    /// Only the baseline.
    pub only_baseline: u64,
    /// Only the shadow.
    pub only_variant: u64,
    /// Neither.
    pub neither: u64,
    /// McNemar's test that both are right equally often, exact at any look. Of each unit the first request alone on which only one
    /// was right counts.
    pub p_value: f64,
    /// The shadow's share of these requests, at every look; absent where there are none.
    pub share_always: Option<(f64, f64)>,
    /// What the exact test says that may be looked at once, at a size that was chosen before.
    pub fixed_sample_p_value: f64,
    /// The same with half of the probability of what was seen.
    pub fixed_sample_mid_p: f64,
}

/// Welch's t-test of the plain means, by unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedSample {
    /// The difference of the plain means.
    pub difference: f64,
    /// Its interval, for one look.
    pub interval: (f64, f64),
    /// Its p-value, for one look.
    pub p_value: f64,
}

/// What was known at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Outcomes of all variants.
    pub outcomes: f64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: f64,
    /// The difference.
    pub difference: f64,
    /// Its interval.
    pub low: f64,
    /// Its interval.
    pub high: f64,
    /// The variant's share of the traffic then.
    pub share: Option<f64>,
}

/// What the metric would be under other weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// The shares.
    pub shares: Vec<(Name, f64)>,
    /// SNIPS: weighted by the probabilities, over the sum of the weights.
    pub snips: Option<f64>,
    /// Where that is, at every look; absent below 100 units of a variant that has a share.
    pub interval: Option<(f64, f64)>,
    /// IPS: the same over the number of outcomes.
    pub ips: Option<f64>,
    /// Where that is, at every look.
    pub ips_interval: Option<(f64, f64)>,
}

/// What the metric would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimates {
    /// When it was told, in milliseconds since the Unix epoch.
    pub as_of_ms: f64,
    /// The metric.
    pub metric: Metric,
    /// Each interval is wrong with this probability at most, at any look.
    pub alpha: f64,
    /// Outcomes.
    pub outcomes: u64,
    /// Under the weights that were asked for, where some were.
    pub asked: Option<Hypothesis>,
    /// If every request had one variant: the first is the best so far.
    pub always: Vec<Hypothesis>,
}

/// A comparison, as what is known allows it.
#[derive(Clone, Copy)]
struct Pair<'a> {
    effects: &'a Effects,
    segment: u8,
    baseline: &'a Name,
    variant: &'a Name,
    alpha: f64,
}

impl Pair<'_> {
    fn names(&self) -> [Cell; 2] {
        [self.baseline.as_str().into(), self.variant.as_str().into()]
    }

    fn units(&self) -> (f64, f64) {
        (self.effects.units_of(self.baseline.as_str()), self.effects.units_of(self.variant.as_str()))
    }

    fn is_known(&self) -> bool {
        let (a, b) = self.units();
        a >= LEAST_UNITS && b >= LEAST_UNITS
    }

    fn difference(&self) -> Option<Estimate> {
        self.effects.cautious_difference(self.baseline.as_str(), self.variant.as_str())
    }

    /// The comparison's tuning, chosen when there are units enough, and then kept.
    fn tuning(&self, database: &impl Database) -> Result<Option<Tuning>, DatabaseError> {
        let key = format!("tuned/{}/{}/{}", self.segment, self.baseline, self.variant);
        kept_tuning(database, &key, || {
            let difference = self.difference().filter(|_| self.is_known())?;
            let (a, b) = self.units();
            Tuning::new(difference, self.effects.outcomes(), a + b, self.alpha)
        })
    }

    fn look(&self, database: &impl Database) -> Result<Option<(Estimate, Tuning, Look)>, DatabaseError> {
        let Some(tuning) = self.tuning(database)? else { return Ok(None) };
        let Some(difference) = self.difference() else { return Ok(None) };
        Ok(Some((difference, tuning, tuning.look(difference, self.effects.outcomes(), self.alpha))))
    }
}

/// The tuning that was chosen; else the one that is chosen now, which is kept.
fn kept_tuning(
    database: &impl Database,
    key: &str,
    choose: impl FnOnce() -> Option<Tuning>,
) -> Result<Option<Tuning>, DatabaseError> {
    if let Some(r_squared) = state_number(database, key)? {
        return Ok(Some(Tuning::of(r_squared)));
    }
    let Some(tuning) = choose() else { return Ok(None) };
    set_state(database, key, tuning.r_squared().into())?;
    Ok(Some(tuning))
}

/// What an endpoint compares.
struct Plan<'a> {
    measure: &'a Measure<'a>,
    endpoint: &'a Endpoint,
    baseline: &'a Name,
    alpha_each: f64,
}

impl<'a> Plan<'a> {
    fn of(measure: &'a Measure<'a>, endpoint: &'a Endpoint) -> Option<Self> {
        let baseline = endpoint.baseline()?;
        Some(Plan { measure, endpoint, baseline, alpha_each: endpoint.alpha_each() })
    }

    fn pairs(&self, effects: &'a Effects, segment: u8, alpha: f64) -> impl Iterator<Item = Pair<'a>> {
        let baseline = self.baseline;
        let others = self.endpoint.answering().filter(move |variant| variant.name != *baseline);
        others.map(move |variant| Pair { effects, segment, baseline, variant: &variant.name, alpha })
    }

    fn shadows(&self) -> impl Iterator<Item = &'a Name> {
        self.endpoint.shadows().map(|(variant, _)| &variant.name)
    }

    fn margin(&self) -> Option<f64> {
        self.endpoint.goal().margin.map(Margin::get)
    }

    /// -1 where less is better.
    fn sign(&self) -> f64 {
        if self.measure.metric.is_better_higher() { 1.0 } else { -1.0 }
    }

    fn phrase(&self, variant: &'a Name, alpha: f64, basis: Basis) -> Phrase<'a> {
        let (metric, margin) = (self.measure.metric, self.margin());
        Phrase { metric, margin, baseline: self.baseline, variant, alpha, basis }
    }
}

/// Adds to the picture of the test what is known now, where that is two percent more than before, and fixes how its
/// comparisons are tuned. To be called after outcomes have been counted.
pub(super) fn note(
    database: &impl Database,
    measure: &Measure<'_>,
    endpoint: &Endpoint,
    now_ms: f64,
) -> Result<(), DatabaseError> {
    let Some(plan) = Plan::of(measure, endpoint) else { return Ok(()) };
    let effects = measure::effects(database, WHOLE)?;
    let outcomes = effects.outcomes();
    for pair in plan.pairs(&effects, WHOLE, plan.alpha_each) {
        let Some((difference, _, look)) = pair.look(database)? else { continue };
        let share = endpoint.share_of(pair.variant.as_str());
        note_point(database, pair.names(), (outcomes, now_ms), (difference, look), Some(share))?;
    }
    for shadow in plan.shadows() {
        let pair = ShadowPair::read(database, &plan, shadow)?;
        let Some((difference, _, look)) = pair.look(database)? else { continue };
        let names = [plan.baseline.as_str().into(), shadow.as_str().into()];
        note_point(database, names, (pair.paired.differences.pairs(), now_ms), (difference, look), None)?;
    }
    Ok(())
}

/// Adds a point to the picture of two variants, where it is of two percent more outcomes than the last. A shadow's have no
/// share, by which they are told from those of a time when it had traffic of its own.
fn note_point(
    database: &impl Database,
    names: [Cell; 2],
    (outcomes, now_ms): (f64, f64),
    (difference, look): (Estimate, Look),
    share: Option<f64>,
) -> Result<(), DatabaseError> {
    let [baseline, variant] = names;
    let of = [baseline.clone(), variant.clone(), Cell::count(share.is_none().into())];
    let last = "SELECT MAX(outcomes) FROM points WHERE baseline = ? AND variant = ? AND (share IS NULL) = ?";
    let last = database.execute(last, &of)?.first().map_or(0.0, |cells| Row::of(cells).number());
    if outcomes < last * 1.02 {
        return Ok(());
    }
    database.execute(
        "INSERT OR REPLACE INTO points (baseline, variant, outcomes, at_ms, difference, low, high, share)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            baseline,
            variant,
            outcomes.into(),
            now_ms.into(),
            difference.value.into(),
            look.interval.0.into(),
            look.interval.1.into(),
            share.map_or(Cell::Null, Cell::Real),
        ],
    )?;
    Ok(())
}

/// The verdict; `None` where the document says nothing of outcomes.
pub(super) fn of(
    database: &impl Database,
    measure: &Measure<'_>,
    endpoint: &Endpoint,
    as_of_ms: f64,
) -> Result<Option<Verdict>, DatabaseError> {
    let goal = endpoint.goal();
    let Some(plan) = Plan::of(measure, endpoint) else { return Ok(None) };
    let effects = measure::effects(database, WHOLE)?;
    let names = class_names(database, &measure.outcome.kind)?;
    let mut variants = Vec::new();
    for variant in endpoint.variants() {
        variants.push(scored(database, &plan, &effects, &names, &variant.name)?);
    }
    let mut comparisons = Vec::new();
    for pair in plan.pairs(&effects, WHOLE, plan.alpha_each) {
        let compared = compared(database, &plan, pair)?;
        let says = compared.says.clone() + &remarks(&plan, pair, &variants);
        let series = series(database, (pair.baseline, pair.variant), Basis::Assignment)?;
        comparisons.push(Compared { says, series, ..compared });
    }
    for shadow in plan.shadows() {
        comparisons.push(compared_by_pairs(database, &plan, shadow)?);
    }
    let mut segments = Vec::new();
    let values = goal.segment().map_or(&[][..], |segment| &segment.values);
    for (number, value) in (1u8..).zip(values) {
        let effects = measure::effects(database, number)?;
        let alpha_each = plan.alpha_each / values.len() as f64;
        let mut comparisons = Vec::new();
        for pair in plan.pairs(&effects, number, alpha_each) {
            comparisons.push(compared(database, &plan, pair)?);
        }
        segments.push(SegmentVerdict { segment: value.clone(), alpha_each, comparisons });
    }
    Ok(Some(Verdict {
        as_of_ms,
        revision: Some(endpoint.revision().as_str().to_owned()),
        metric: measure.metric,
        is_better_higher: measure.metric.is_better_higher(),
        failures: Some(measure.failures),
        baseline: plan.baseline.clone(),
        alpha: goal.alpha.get(),
        alpha_each: plan.alpha_each,
        margin: goal.margin.map(Margin::get),
        since_ms: measure::since_ms(database)?,
        waiting: outcomes::waiting(database)?,
        variants,
        comparisons,
        segments,
    }))
}

/// What may be said of the variants that are compared with the baseline, by name.
pub(super) fn judged(
    database: &impl Database,
    measure: &Measure<'_>,
    endpoint: &Endpoint,
    effects: &Effects,
) -> Result<BTreeMap<String, Judged>, DatabaseError> {
    let Some(plan) = Plan::of(measure, endpoint) else { return Ok(BTreeMap::new()) };
    let sign = plan.sign();
    let mut judged = BTreeMap::new();
    for pair in plan.pairs(effects, WHOLE, plan.alpha_each) {
        let compared = compared(database, &plan, pair)?;
        let known = compared.difference.zip(compared.p_value);
        judged.insert(
            pair.variant.to_string(),
            Judged {
                verdict: compared.verdict,
                says: compared.says,
                difference: compared.difference,
                interval: compared.interval,
                more_outcomes: compared.more_outcomes.map(|more| more as f64),
                log_e_of_worse: known.map_or(0.0, |(difference, p_value)| log_e_of_worse(difference, p_value, sign)),
            },
        );
    }
    Ok(judged)
}

fn count(number: f64) -> u64 {
    number.max(0.0) as u64
}

fn scored(
    database: &impl Database,
    plan: &Plan<'_>,
    effects: &Effects,
    names: &BTreeMap<u32, String>,
    variant: &Name,
) -> Result<Scored, DatabaseError> {
    let name = variant.as_str();
    let quality = measure::quality(database, name)?;
    let (outcomes, units) = (effects.outcomes_of(name), effects.units_of(name));
    let mean = effects.mean(name);
    let known = mean.filter(|_| units >= LEAST_UNITS).map(|mean| effects.cautious(&[(name, 1.0)], mean));
    let bounds = known.and_then(|mean| {
        // By one variant's figure nothing is decided, so that it is tuned as it is asked for.
        let tuning = Tuning::new(mean, effects.outcomes(), units, plan.alpha_each)?;
        Some(tuning.look(mean, effects.outcomes(), plan.alpha_each).interval)
    });
    let is_share = plan.measure.metric == Metric::Accuracy;
    let right = effects.raw_mean(name).filter(|_| is_share && units == outcomes);
    let exact_interval = right.and_then(|right| {
        rate_always(count((right.value * outcomes).round()), count(outcomes), plan.alpha_each, TUNED_FOR_UNITS)
    });
    let told = &plan.measure.outcome.kind;
    let class = |class: u32| names.get(&class).cloned().unwrap_or_else(|| format!("#{class:08x}"));
    let confusion = quality.confusion.counts().iter();
    let confusion = confusion.map(|(predicted, right, count)| (predicted.map(class), class(*right), *count));
    let roc = Some(quality.scores.roc()).filter(|roc| !roc.true_positive_rate.is_empty());
    Ok(Scored {
        variant: variant.clone(),
        outcomes: count(outcomes),
        units: count(units),
        targeted: quality.targeted,
        failed: quality.failed,
        left_out: quality.left_out,
        mean: mean.map(|mean| mean.value),
        interval: bounds,
        exact_interval,
        metrics: quality.metrics(told).into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        confusion: confusion.collect(),
        roc,
        calibration: quality.scores.calibration(),
    })
}

fn series(
    database: &impl Database,
    (baseline, variant): (&Name, &Name),
    basis: Basis,
) -> Result<Vec<Point>, DatabaseError> {
    let is_by_pairs = Cell::count((basis == Basis::Pairs).into());
    let rows = database.execute(
        "SELECT outcomes, at_ms, difference, low, high, share FROM points
            WHERE baseline = ? AND variant = ? AND (share IS NULL) = ? ORDER BY outcomes",
        &[baseline.as_str().into(), variant.as_str().into(), is_by_pairs],
    )?;
    let points = rows.iter().map(|cells| {
        let mut row = Row::of(cells);
        Point {
            outcomes: row.number(),
            at_ms: row.number(),
            difference: row.number(),
            low: row.number(),
            high: row.number(),
            share: row.optional_number(),
        }
    });
    Ok(points.collect())
}

fn compared(database: &impl Database, plan: &Plan<'_>, pair: Pair<'_>) -> Result<Compared, DatabaseError> {
    let effects = pair.effects;
    let known = pair.look(database)?;
    let (sign, margin) = (plan.sign(), plan.margin());
    let verdict = known.as_ref().map_or(Word::Undecided, |(.., look)| word(look.interval, sign, margin));
    let more = known.as_ref().filter(|_| verdict == Word::Undecided).and_then(|(difference, tuning, _)| {
        more_outcomes(*difference, effects.outcomes(), |estimate, outcomes| {
            word(tuning.look(estimate, outcomes, pair.alpha).interval, sign, margin) != Word::Undecided
        })
    });
    let mean = |name: &Name| {
        let estimate = effects.raw_mean(name.as_str())?;
        Some(Mean { value: estimate.value, error: estimate.error, of: effects.units_of(name.as_str()) })
    };
    let fixed = mean(pair.baseline).zip(mean(pair.variant)).and_then(|(a, b)| welch(a, b, pair.alpha));
    let outcomes = effects.outcomes_of(pair.baseline.as_str()) + effects.outcomes_of(pair.variant.as_str());
    let shown = known.as_ref().map(|(difference, _, look)| (*difference, look.interval));
    Ok(Compared {
        variant: pair.variant.clone(),
        basis: Basis::Assignment,
        verdict,
        says: plan.phrase(pair.variant, pair.alpha, Basis::Assignment).says(verdict, shown, pair.units(), more),
        difference: pair.difference().map(|difference| difference.value),
        interval: known.as_ref().map(|(.., look)| look.interval),
        p_value: known.as_ref().map(|(.., look)| look.p_value),
        outcomes: count(outcomes),
        more_outcomes: more.map(count),
        fixed_sample: fixed.map(|fixed| FixedSample {
            difference: fixed.difference,
            interval: fixed.interval,
            p_value: fixed.p_value,
        }),
        pairs: None,
        series: Vec::new(),
    })
}

/// A shadow against the baseline, on the same requests.
fn compared_by_pairs(database: &impl Database, plan: &Plan<'_>, shadow: &Name) -> Result<Compared, DatabaseError> {
    let pair = ShadowPair::read(database, plan, shadow)?;
    let sums = &pair.paired.differences;
    let known = pair.look(database)?;
    let (sign, margin) = (plan.sign(), plan.margin());
    let verdict = known.as_ref().map_or(Word::Undecided, |(.., look)| word(look.interval, sign, margin));
    let more = known.as_ref().filter(|_| verdict == Word::Undecided).and_then(|(difference, tuning, _)| {
        more_outcomes(*difference, sums.pairs(), |estimate, outcomes| {
            word(tuning.look(estimate, outcomes, plan.alpha_each).interval, sign, margin) != Word::Undecided
        })
    });
    let shown = known.as_ref().map(|(difference, _, look)| (*difference, look.interval));
    let units = (sums.units(), sums.units());
    Ok(Compared {
        variant: shadow.clone(),
        basis: Basis::Pairs,
        verdict,
        says: plan.phrase(shadow, plan.alpha_each, Basis::Pairs).says(verdict, shown, units, more),
        difference: sums.difference().map(|difference| difference.value),
        interval: known.as_ref().map(|(.., look)| look.interval),
        p_value: known.as_ref().map(|(.., look)| look.p_value),
        outcomes: count(sums.pairs()),
        more_outcomes: more.map(count),
        fixed_sample: None,
        pairs: Some(pair.figures(plan)),
        series: series(database, (plan.baseline, shadow), Basis::Pairs)?,
    })
}

/// What is known of the baseline and a shadow.
struct ShadowPair<'a> {
    baseline: &'a Name,
    shadow: &'a Name,
    alpha: f64,
    paired: Paired,
}

impl<'a> ShadowPair<'a> {
    fn read(database: &impl Database, plan: &Plan<'a>, shadow: &'a Name) -> Result<Self, DatabaseError> {
        let paired = pairs::paired(database, plan.baseline.as_str(), shadow.as_str())?;
        Ok(ShadowPair { baseline: plan.baseline, shadow, alpha: plan.alpha_each, paired })
    }

    fn look(&self, database: &impl Database) -> Result<Option<(Estimate, Tuning, Look)>, DatabaseError> {
        let sums = &self.paired.differences;
        let Some(difference) = sums.cautious_difference().filter(|_| sums.units() >= LEAST_UNITS) else {
            return Ok(None);
        };
        let key = format!("tuned/pairs/{}/{}", self.baseline, self.shadow);
        let choose = || Tuning::new(difference, sums.pairs(), sums.units(), self.alpha);
        let Some(tuning) = kept_tuning(database, &key, choose)? else { return Ok(None) };
        Ok(Some((difference, tuning, tuning.look(difference, sums.pairs(), self.alpha))))
    }

    fn figures(&self, plan: &Plan<'_>) -> PairedFigures {
        let Paired { differences, of_variant, of_shadow, both, only_variant, only_shadow, neither, discordant } =
            &self.paired;
        let mean = |sum: f64| (differences.pairs() > 0.0).then(|| sum / differences.pairs());
        PairedFigures {
            outcomes: count(differences.pairs()),
            units: count(differences.units()),
            baseline_mean: mean(*of_variant),
            variant_mean: mean(*of_shadow),
            right: plan.measure.is_accuracy().then(|| RightBy {
                both: *both,
                only_baseline: *only_variant,
                only_variant: *only_shadow,
                neither: *neither,
                p_value: discordant.p_value_always(),
                share_always: discordant.share_always(self.alpha),
                fixed_sample_p_value: discordant.exact_p(),
                fixed_sample_mid_p: discordant.mid_p(),
            }),
        }
    }
}

/// What a comparison leaves out, and how it takes failures, where there are any.
fn remarks(plan: &Plan<'_>, pair: Pair<'_>, variants: &[Scored]) -> String {
    let (variant, baseline) = (pair.variant, pair.baseline);
    let of = |name: &Name, count: fn(&Scored) -> u64| {
        variants.iter().find(|scored| scored.variant == *name).map_or(0, count)
    };
    let both = |count| Some((of(variant, count), of(baseline, count))).filter(|counts| *counts != (0, 0));
    let mut remarks = String::new();
    if let Some((b, a)) = both(|scored| scored.failed) {
        let taken = match plan.measure.failures {
            Failures::Wrong => "which count as wrong",
            Failures::AsAnswered => "where what the caller got counts",
        };
        remarks = format!(" {variant} failed {b} of its outcomes' requests and {baseline} {a}, {taken}.");
    }
    if let Some((b, a)) = both(|scored| scored.left_out) {
        remarks += &format!(" Left out, as no prediction is known: {b} outcomes of {variant} and {a} of {baseline}.");
    }
    remarks
}

/// Names of classes, as far as outcomes have told them.
pub(super) fn class_names(
    database: &impl Database,
    told: &OutcomeKind,
) -> Result<BTreeMap<u32, String>, DatabaseError> {
    let mut names = BTreeMap::new();
    if let OutcomeKind::Label(classes) = told {
        if let Some(positive) = &classes.positive {
            names.insert(positive.class(), positive.as_str().to_owned());
            names.insert(positive.others(), format!("not {}", positive.as_str()));
        }
        let rows = database.execute("SELECT label FROM labels", &[])?;
        let known = rows.iter().filter_map(|cells| Label::of_text(&Row::of(cells).text()));
        names.extend(known.map(|label| (label.class(), label.as_str().to_owned())));
    }
    Ok(names)
}

/// What the metric would be under other weights, and if every request had one variant.
pub(super) fn estimates(
    database: &impl Database,
    measure: &Measure<'_>,
    endpoint: &Endpoint,
    asked: Option<&[(Name, f64)]>,
    as_of_ms: f64,
) -> Result<Estimates, DatabaseError> {
    let effects = measure::effects(database, WHOLE)?;
    let alpha = endpoint.goal().alpha.get();
    let hypothesis = |shares: Vec<(Name, f64)>| {
        let named: Vec<(&str, f64)> = shares.iter().map(|(name, share)| (name.as_str(), *share)).collect();
        let units: Vec<f64> =
            named.iter().filter(|(_, share)| *share > 0.0).map(|(name, _)| effects.units_of(name)).collect();
        let is_known = units.iter().all(|units| *units >= LEAST_UNITS);
        let bounds = |estimate: Option<Estimate>| {
            let estimate = effects.cautious(&named, estimate.filter(|_| is_known)?);
            let tuning = Tuning::new(estimate, effects.outcomes(), units.iter().sum(), alpha)?;
            Some(tuning.look(estimate, effects.outcomes(), alpha).interval)
        };
        let (snips, ips) = (effects.mean_under(&named), effects.plain_mean_under(&named));
        Hypothesis {
            snips: snips.map(|estimate| estimate.value),
            interval: bounds(snips),
            ips: ips.map(|estimate| estimate.value),
            ips_interval: bounds(ips),
            shares,
        }
    };
    let mut always: Vec<Hypothesis> =
        endpoint.answering().map(|variant| hypothesis(vec![(variant.name.clone(), 1.0)])).collect();
    let sign = if measure.metric.is_better_higher() { -1.0 } else { 1.0 };
    let rank = |hypothesis: &Hypothesis| hypothesis.snips.map_or(f64::INFINITY, |value| sign * value);
    always.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    Ok(Estimates {
        as_of_ms,
        metric: measure.metric,
        alpha,
        outcomes: count(effects.outcomes()),
        asked: asked.map(|shares| hypothesis(shares.to_vec())),
        always,
    })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::experiment::tables;
    use crate::platform::sqlite::Sqlite;

    #[test]
    fn what_was_known_of_a_variant_with_traffic_is_no_part_of_what_is_known_of_it_as_a_shadow() {
        let (database, [a, b]) = (Sqlite::default(), ["a", "b"].map(|name| Name::try_from(name).unwrap()));
        tables::prepare(&database, &a).unwrap();
        let difference = Estimate { value: 0.1, error: 0.01 };
        let look = Tuning::of(1.0).look(difference, 1_000.0, 0.05);
        for (outcomes, share) in [(1_000.0, Some(0.5)), (120.0, None), (121.0, None), (240.0, None)] {
            let names = [a.as_str().into(), b.as_str().into()];
            note_point(&database, names, (outcomes, 0.0), (difference, look), share).unwrap();
        }
        let of =
            |basis| series(&database, (&a, &b), basis).unwrap().iter().map(|point| point.outcomes).collect::<Vec<_>>();
        assert_eq!(of(Basis::Pairs), [120.0, 240.0]);
        assert_eq!(of(Basis::Assignment), [1_000.0]);
    }
}
