//! A policy that is tried on made-up traffic: when it would step, when it would turn back, and how often for nothing.
//!
//! What decides is what decides in earnest ([`decide`]); only the counts are drawn at random, from rates that are assumed.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand_distr::{Binomial, Distribution, Normal, Poisson};
use serde::{Deserialize, Serialize};

use super::arms::arms;
use super::decide::{Decision, Waiting, decide};
use super::evidence::{Evidence, Requests, Segment};
use super::guard::Guarded;
use super::plan::{Course, Plan, Shares};
use super::run::Run;
use crate::assignment::Randomness;
use crate::endpoint::{Endpoint, Margin, Metric};
use crate::experiment::status::Status;
use crate::experiment::verdict::Judged;
use crate::experiment::wording::{Word, log_e_of_worse, word};
use crate::statistics::{Effects, LEAST_UNITS, Tuning};

/// What is assumed of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// Requests of all variants together, in a minute.
    pub requests_per_minute: f64,
    /// What each variant does.
    pub variants: BTreeMap<String, Rates>,
    /// How much the rates of errors go up and down: at 0.5, from half as many to one and a half times as many.
    #[serde(default)]
    pub swing: f64,
    /// Minutes from one time that they are up to the next.
    #[serde(default = "a_day")]
    pub swing_minutes: f64,
}

/// What a variant does, as is assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// The share of its requests that it fails, 0 to 1.
    #[serde(default)]
    pub errors: f64,
    /// The share of its answers that are slow, 0 to 1.
    #[serde(default)]
    pub slow: f64,
    /// The share of its requests whose outcome becomes known, 0 to 1.
    #[serde(default)]
    pub told: f64,
    /// The mean of the metric.
    #[serde(default)]
    pub mean: f64,
    /// Its standard deviation from outcome to outcome; that of a share where the metric is one.
    #[serde(default)]
    pub deviation: f64,
}

/// Minutes of a day.
pub(super) const A_DAY: f64 = 1_440.0;

fn a_day() -> f64 {
    A_DAY
}

/// By what the variants are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The metric.
    pub metric: Metric,
    /// The variant that the others are compared with.
    pub baseline: String,
    /// The probability with which anything false is said, of each comparison.
    pub alpha: f64,
    /// The difference that does not matter.
    pub margin: Option<Margin>,
}

impl Compared {
    /// As an endpoint's document has it; `None` where it says nothing of outcomes.
    pub fn of(endpoint: &Endpoint) -> Option<Self> {
        Some(Compared {
            metric: endpoint.metric()?,
            baseline: endpoint.baseline()?.to_string(),
            alpha: endpoint.alpha_each(),
            margin: endpoint.goal().margin,
        })
    }
}

/// How one rehearsal went.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    /// How it ended; [`Status::Running`] where it had not when the time was over.
    pub status: Status,
    /// Why.
    pub says: String,
    /// What turned it back, as the document has it; absent where nothing did.
    pub breached: Option<String>,
    /// When it ended, in minutes from its start.
    pub minutes: f64,
    /// When each of its steps began, the first at 0.
    pub steps: Vec<f64>,
    /// What the variants got in all.
    pub requests: BTreeMap<String, Requests>,
    /// The sum of what was lost for the better variant's not having all of the traffic, by outcome: of a bandit.
    pub regret: f64,
}

/// How often a policy is looked at in a rehearsal: so many times while a step lasts.
const LOOKS_A_STEP: f64 = 20.0;

/// Goes through a policy once, for so many looks at most.
pub fn rehearse(
    plan: &Plan,
    begin: &Shares,
    assumed: &Assumed,
    compared: Option<&Compared>,
    most_looks: usize,
    random: &mut Randomness,
) -> Rehearsed {
    let step_ms = match &plan.course {
        Course::Ramp(climb) => climb.step_ms,
        Course::Bandit { bandit, .. } => bandit.interval_minutes.ms(),
    };
    let tick_ms = (step_ms / LOOKS_A_STEP).clamp(500.0, 30_000.0);
    let mut run = Run::begun(plan.clone(), String::new(), 0.0);
    let judging = compared.map(Judging::by);
    let mut world = World { assumed, compared, random, effects: Effects::default(), judging };
    let mut evidence = Evidence { heard_ms: Some(0.0), ..Evidence::default() };
    evidence.segments.push(Segment { shares: begin.clone(), ..Segment::default() });
    let mut went = Rehearsed {
        status: Status::Running,
        says: String::new(),
        breached: None,
        minutes: 0.0,
        steps: vec![0.0],
        requests: BTreeMap::new(),
        regret: 0.0,
    };
    for look in 1..=most_looks {
        let now_ms = tick_ms * look as f64;
        evidence.now_ms = now_ms;
        went.minutes = now_ms / 60_000.0;
        went.regret += world.passes(&mut evidence, tick_ms);
        if let Course::Bandit { variants, .. } = &plan.course {
            let metric = compared.map_or(Metric::Reward, |compared| compared.metric);
            evidence.arms = arms(&world.effects, metric, variants);
        }
        let (guarded, decision) = decide(&run, &evidence);
        match decision {
            Decision::Wait(Waiting { .. }) => {}
            Decision::Step { shares, .. } => {
                run.stepped(&evidence, now_ms);
                went.steps.push(went.minutes);
                evidence.segments.push(Segment { shares, ..Segment::default() });
            }
            Decision::Pause { says } => went.ended(Status::Paused, says, &guarded),
            Decision::RollBack { says } => went.ended(Status::RolledBack, says, &guarded),
            Decision::End { says, .. } => went.ended(Status::Done, says, &[]),
        }
        if went.status != Status::Running {
            break;
        }
    }
    for (name, _) in begin {
        went.requests.insert(name.clone(), evidence.requests(std::slice::from_ref(name)));
    }
    went
}

impl Rehearsed {
    fn ended(&mut self, status: Status, says: String, guarded: &[Guarded]) {
        self.status = status;
        self.says = says;
        self.breached = guarded.iter().find(|guarded| guarded.breached).map(|guarded| guarded.metric.clone());
    }
}

/// The traffic as it is made up.
struct World<'a> {
    assumed: &'a Assumed,
    compared: Option<&'a Compared>,
    random: &'a mut Randomness,
    effects: Effects,
    judging: Option<Judging<'a>>,
}

/// What the verdict says of outcomes that are stored nowhere: each comparison is tuned once, as in earnest.
pub struct Judging<'a> {
    compared: &'a Compared,
    tunings: BTreeMap<String, Tuning>,
}

impl World<'_> {
    /// Lets some time pass; what was lost in it for the best variant's not having all.
    fn passes(&mut self, evidence: &mut Evidence, ms: f64) -> f64 {
        evidence.heard_ms = Some(evidence.now_ms);
        let mut regret = 0.0;
        let phase = evidence.now_ms / 60_000.0 / self.assumed.swing_minutes.max(1e-9) * TAU;
        let swing = 1.0 + self.assumed.swing * phase.sin();
        let sign = if self.compared.is_some_and(|compared| !compared.metric.is_better_higher()) { -1.0 } else { 1.0 };
        let best = self.assumed.variants.values().map(|rates| sign * rates.mean).fold(f64::NEG_INFINITY, f64::max);
        let Some(segment) = evidence.segments.last_mut() else { return 0.0 };
        for (name, share) in &segment.shares {
            let rates = self.assumed.variants.get(name).copied().unwrap_or_default();
            let invocations = self.poisson(self.assumed.requests_per_minute * ms / 60_000.0 * share);
            let errors = self.binomial(invocations, rates.errors * swing);
            let slow = self.binomial(invocations.saturating_sub(errors), rates.slow * swing);
            let told = self.binomial(invocations, rates.told);
            let counted = segment.requests.entry(name.clone()).or_default();
            counted.invocations = counted.invocations.saturating_add(invocations);
            counted.errors = counted.errors.saturating_add(errors);
            counted.drawn = counted.invocations;
            counted.drawn_errors = counted.errors;
            counted.drawn_slow = counted.drawn_slow.saturating_add(slow);
            if told > 0 {
                let (sum, squares) = self.outcomes(told, rates);
                self.effects.add_units(name, (told as f64, sum, squares), *share);
                let outcomes = evidence.outcomes.entry(name.clone()).or_default();
                *outcomes = outcomes.saturating_add(told);
                regret += told as f64 * (best - sign * rates.mean);
            }
        }
        if let Some(judging) = &mut self.judging {
            judging.judge(&self.effects, self.assumed.variants.keys(), evidence);
        }
        regret
    }

    /// The sum of so many outcomes, and of their squares.
    fn outcomes(&mut self, told: u64, rates: Rates) -> (f64, f64) {
        let n = told as f64;
        if self.compared.is_some_and(|compared| compared.metric == Metric::Accuracy) {
            let right = self.binomial(told, rates.mean) as f64;
            return (right, right);
        }
        let Ok(normal) = Normal::new(0.0, 1.0) else { return (n * rates.mean, n * rates.mean * rates.mean) };
        let mean = rates.mean + rates.deviation / n.sqrt() * normal.sample(self.random);
        // The squares' own chance is small beside the mean's.
        (n * mean, n * (mean * mean + rates.deviation * rates.deviation))
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        // Beyond that the library refuses, and nobody would wait for it.
        Poisson::new(mean.min(1e12)).map_or(0, |poisson| poisson.sample(self.random).max(0.0) as u64)
    }

    fn binomial(&mut self, trials: u64, rate: f64) -> u64 {
        Binomial::new(trials, rate.clamp(0.0, 1.0)).map_or(0, |binomial| binomial.sample(self.random))
    }
}

impl<'a> Judging<'a> {
    /// Nothing has been looked at yet.
    pub fn by(compared: &'a Compared) -> Self {
        Judging { compared, tunings: BTreeMap::new() }
    }

    /// One look: what may be said now of each of these variants, but the baseline.
    pub fn judge<'b>(
        &mut self,
        effects: &Effects,
        variants: impl IntoIterator<Item = &'b String>,
        evidence: &mut Evidence,
    ) {
        let compared = self.compared;
        let sign = if compared.metric.is_better_higher() { 1.0 } else { -1.0 };
        let baseline = compared.baseline.as_str();
        let outcomes = effects.outcomes();
        for name in variants.into_iter().filter(|name| *name != baseline) {
            let units = (effects.units_of(baseline), effects.units_of(name));
            let Some(difference) = effects
                .cautious_difference(baseline, name)
                .filter(|_| units.0 >= LEAST_UNITS && units.1 >= LEAST_UNITS)
            else {
                continue;
            };
            let tuning = match self.tunings.get(name) {
                Some(tuning) => *tuning,
                None => match Tuning::new(difference, outcomes, units.0 + units.1, compared.alpha) {
                    Some(tuning) => *self.tunings.entry(name.clone()).or_insert(tuning),
                    None => continue,
                },
            };
            let look = tuning.look(difference, outcomes, compared.alpha);
            let verdict = word(look.interval, sign, compared.margin.map(Margin::get));
            let says = match verdict {
                Word::Better => "it is better",
                Word::Worse => "it is worse",
                Word::NotWorse => "it is not worse",
                Word::Undecided => "it is too early to say",
            };
            let judged = Judged {
                verdict,
                says: says.to_owned(),
                difference: Some(difference.value),
                interval: Some(look.interval),
                more_outcomes: None,
                log_e_of_worse: log_e_of_worse(difference.value, look.p_value, sign),
            };
            evidence.judged.insert(name.clone(), judged);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::assignment::seeded;

    const DOCUMENT: &str = r#"{"variants": [{"name": "a", "weight": 1, "origin": {"url": "https://a.example"}},
        {"name": "b", "weight": 0, "origin": {"url": "https://b.example"}}],
        "outcome": {"kind": "label", "label": {}}, "goal": {"margin": 0.05}, "guardrails": GUARDRAILS, "policy": POLICY}"#;
    const RAMP: &str =
        r#"{"ramp": {"to": "b", "percent": [5, 25, 50, 100], "step_minutes": 10, "promote_when": "better"}}"#;

    fn tried(guardrails: &str, policy: &str, errors: f64, mean: f64) -> Vec<Rehearsed> {
        let document = DOCUMENT.replace("GUARDRAILS", guardrails).replace("POLICY", policy);
        let endpoint = Endpoint::parse(document.as_bytes()).unwrap();
        let plan = Plan::of(&endpoint).unwrap();
        let rates = |errors: f64, mean: f64| Rates { errors, told: 1.0, mean, ..Rates::default() };
        let assumed = Assumed {
            requests_per_minute: 600.0,
            variants: [("a".to_owned(), rates(0.02, 0.8)), ("b".to_owned(), rates(errors, mean))].into(),
            swing: 0.8,
            swing_minutes: 30.0,
        };
        let compared = Compared::of(&endpoint);
        let run = |seed: u8| {
            let mut random = seeded(std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at as u8)));
            rehearse(&plan, &plan.begin(&endpoint), &assumed, compared.as_ref(), 500, &mut random)
        };
        (0..30).map(run).collect()
    }

    fn count(all: &[Rehearsed], status: Status) -> usize {
        all.iter().filter(|went| went.status == status).count()
    }

    #[test]
    fn what_is_better_arrives_and_what_fails_more_often_turns_back() {
        let errors = r#"[{"metric": "errors"}, {"metric": "goal"}]"#;
        let better = tried(errors, RAMP, 0.02, 0.85);
        assert!(count(&better, Status::Done) >= 28, "{better:?}");
        assert_eq!(better[0].steps.len(), 4);
        let faulty = tried(errors, RAMP, 0.06, 0.85);
        assert!(count(&faulty, Status::RolledBack) >= 29, "{faulty:?}");
        assert!(faulty.iter().all(|went| went.breached.as_deref().is_none_or(|breached| breached == "errors")));
        let worse = tried(errors, RAMP, 0.02, 0.7);
        assert!(count(&worse, Status::RolledBack) >= 29, "{worse:?}");
        assert_eq!(worse[0].breached.as_deref(), Some("goal"));
    }

    #[test]
    fn a_ramp_that_watches_the_goal_does_not_rest_where_the_verdict_is_worse_but_turns_back() {
        let both = |guardrails: &str| {
            let worse = tried(guardrails, RAMP, 0.02, 0.75);
            (count(&worse, Status::Paused), count(&worse, Status::RolledBack))
        };
        // The guardrails' alpha is shared by four, so that the verdict is the sooner at it.
        let all = r#"[{"metric": "errors"}, {"metric": "slow", "origin_ms": 100}, {"metric": "absolute", "at_most": 0.5},
            {"metric": "goal"}]"#;
        let (paused, back) = both(all);
        assert!(paused == 0 && back >= 29, "{paused} and {back}");
        let (paused, back) = both(r#"[{"metric": "errors"}]"#);
        assert!(paused >= 29 && back <= 1, "{paused} and {back}");
    }

    #[test]
    fn a_bandit_gives_the_traffic_to_the_better_and_ends() {
        let bandit =
            r#"{"bandit": {"method": "thompson", "floor": 0.05, "interval_minutes": 10, "stop_when": "verdict"}}"#;
        let all = tried("[]", bandit, 0.02, 0.85);
        assert!(count(&all, Status::Done) >= 28, "{all:?}");
        let b: u64 = all.iter().map(|went| went.requests["b"].invocations).sum();
        let a: u64 = all.iter().map(|went| went.requests["a"].invocations).sum();
        // Of about 20 minutes, b has 5 % for the first 10.
        assert!(b * 10 > a * 7, "{a} and {b}");
    }
}
