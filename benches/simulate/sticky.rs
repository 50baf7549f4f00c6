//! Ramps of sticky units: a unit is in the canary while the canary's share is above the unit's number, as weighted rendezvous
//! hashing has it. Each has its own activity and its own rate of errors, and these are very unequal.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::time::Instant;

use turnout::experiment::{Decision, Event, Evidence, Judging, Plan, Run, Segment, Shares, Status, UnitEvents, decide};
use turnout::statistics::{Effects, Sums, Trials, log_e_of_odds_since_any};

use crate::figures::shown;
use crate::policies::{ALL, ERRORS, STEP_MINUTES, STEPS, ramp, share};
use crate::random::{Random, runs};

const UNITS: usize = 3_000;
const REQUESTS_PER_MINUTE: f64 = 300.0;
/// What the absolute rate may be, as `ALL` has it.
const AT_MOST: f64 = 0.05;
const LOOK_MINUTES: f64 = 2.0;

pub struct Setting {
    title: &'static str,
    /// Of the units' activities and rates: of the logarithm.
    sigmas: [f64; 2],
    swing_minutes: f64,
    /// How many times as often the canary fails.
    times: f64,
    /// Two of a hundred units fail always, and all others never.
    is_broken: bool,
    ramp: (&'static str, f64),
}

const FEW: (&str, f64) = (STEPS, STEP_MINUTES);
const MANY: (&str, f64) = ("[5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100]", 10.0);

const SETTINGS: [Setting; 8] = {
    const EVEN: Setting =
        Setting { title: "", sigmas: [1.5, 1.5], swing_minutes: 45.0, times: 1.0, is_broken: false, ramp: FEW };
    const BROKEN: Setting = Setting { title: "two of 100 units always fail, others never", is_broken: true, ..EVEN };
    [
        Setting { title: "activity unequal, rates equal, in 45 minutes", sigmas: [1.5, 0.0], ..EVEN },
        Setting { title: "both unequal, in 10 minutes", swing_minutes: 10.0, ..EVEN },
        Setting { title: "both unequal, in 45 minutes", ..EVEN },
        Setting { title: "both unequal, in 8 hours", swing_minutes: 480.0, ..EVEN },
        BROKEN,
        Setting { title: "the same, 20 steps of 10 minutes", ramp: MANY, ..BROKEN },
        Setting { title: "both unequal, the canary fails twice as often", times: 2.0, ..EVEN },
        Setting { title: "both unequal, the canary fails four times as often", times: 4.0, ..EVEN },
    ]
};

struct Unit {
    /// It is in the canary while the canary's share is above.
    number: f64,
    errors: f64,
    slow: f64,
    /// How often what it is answered is right.
    right: f64,
    /// Sum of the activities up to its own.
    activity: f64,
    is_seen: bool,
    /// By event, where something went wrong last: the segment, and whether it was the canary.
    wronged: [Option<(usize, bool)>; 2],
    sums: BTreeMap<String, Sums>,
}

/// What turned the ramp back.
#[derive(Clone, Copy, Debug, Default)]
struct Went {
    /// All guardrails, with alpha shared out.
    all: bool,
    /// The absolute rate alone, with its part of alpha.
    absolute: bool,
    /// The absolute rate as though each request were by itself.
    absolute_by_request: bool,
    errors: bool,
    /// Each unit anew in each segment.
    anew: bool,
    /// Each error.
    by_request: bool,
}

/// Counts as `wronged` in the database does: the first event of a unit in each segment, and the one before.
#[derive(Default)]
struct Wronged(BTreeMap<Kind, u64>);

/// The segment, whether it was slow, whether it was the canary, and where something went wrong before.
type Kind = (usize, bool, bool, Option<(usize, bool)>);

impl Wronged {
    fn add(&mut self, unit: &mut Unit, event: Event, segment: usize, is_b: bool) {
        let at = usize::from(event == Event::Slow);
        let Some(before) = unit.wronged.get_mut(at) else { return };
        if before.is_some_and(|(known, _)| known == segment) {
            return;
        }
        let count = self.0.entry((segment, event == Event::Slow, is_b, *before)).or_default();
        *count = count.saturating_add(1);
        *before = Some((segment, is_b));
    }

    fn told(&self, is_anew: bool) -> Vec<UnitEvents> {
        let name = |is_b: bool| if is_b { "b" } else { "a" }.to_owned();
        let each = self.0.iter().map(|((segment, is_slow, is_b, before), count)| UnitEvents {
            event: if *is_slow { Event::Slow } else { Event::Error },
            segment: *segment,
            variant: name(*is_b),
            before: before.filter(|_| !is_anew).map(|(segment, was_b)| (segment, name(was_b))),
            count: *count,
        });
        each.collect()
    }
}

fn units(setting: &Setting, random: &mut Random) -> Vec<Unit> {
    let mut activity = 0.0;
    let [of_activity, of_rates] = setting.sigmas;
    let units = (0..UNITS).map(|_| {
        activity += (of_activity * random.normal()).exp();
        Unit {
            number: random.uniform(),
            // Of mean 2 %, but for those that would be above 1.
            errors: if setting.is_broken {
                if random.uniform() < 0.02 { 10.0 } else { 0.0 }
            } else {
                0.02 * (of_rates * random.normal() - of_rates * of_rates / 2.0).exp()
            },
            slow: 0.02 * random.uniform(),
            right: 0.6 + 0.4 * random.uniform(),
            activity,
            is_seen: false,
            wronged: [None; 2],
            sums: BTreeMap::new(),
        }
    });
    units.collect()
}

fn segment(shares: Shares) -> Segment {
    let mut segment = Segment { shares, ..Segment::default() };
    for name in ["a", "b"] {
        segment.requests.insert(name.to_owned(), Default::default());
        segment.units.insert(name.to_owned(), 0);
    }
    segment
}

/// One ramp, that nothing turns back.
fn went(setting: &Setting, run: u64) -> Went {
    let random = &mut Random::of_run(run);
    let mut units = units(setting, random);
    let all_activity = units.last().map_or(0.0, |unit| unit.activity);
    let (all, begin, compared) = ramp(setting.ramp, ALL, "no_breach");
    let (errors, ..) = ramp(setting.ramp, ERRORS, "no_breach");
    let mut stepping = Run::begun(Plan { guardrails: Vec::new(), ..all.clone() }, String::new(), 0.0);
    let [all, errors] = [all, errors].map(|plan| Run::begun(plan, String::new(), 0.0));
    let turned = |run: &Run, evidence: &Evidence| matches!(decide(run, evidence).1, Decision::RollBack { .. });
    let mut judging = compared.as_ref().map(Judging::by);
    let (names, b) = (["a".to_owned(), "b".to_owned()], ["b".to_owned()]);
    let (mut effects, mut wronged) = (Effects::default(), Wronged::default());
    let mut evidence = Evidence { heard_ms: Some(0.0), ..Evidence::default() };
    evidence.segments.push(segment(begin));
    let mut went = Went::default();
    let mut minutes = 0.0;
    while stepping.status == Status::Running {
        let at = evidence.segments.len().saturating_sub(1);
        let swing = 1.0 + 0.8 * (minutes / setting.swing_minutes * TAU).sin();
        let Some(now) = evidence.segments.last_mut() else { break };
        let share_of_b = now.shares.iter().find(|(name, _)| name == "b").map_or(0.0, |(_, share)| *share);
        for _ in 0..(REQUESTS_PER_MINUTE * LOOK_MINUTES) as u32 {
            let place = all_activity * random.uniform();
            let chosen = units.partition_point(|unit| unit.activity < place);
            let Some(unit) = units.get_mut(chosen) else { continue };
            let is_b = unit.number < share_of_b;
            let [of_a, of_b] = &names;
            let (name, propensity) = if is_b { (of_b, share_of_b) } else { (of_a, 1.0 - share_of_b) };
            if !unit.is_seen {
                unit.is_seen = true;
                if let Some(units) = now.units.get_mut(name) {
                    *units = units.saturating_add(1);
                }
            }
            let fails = random.uniform() < unit.errors * swing * if is_b { setting.times } else { 1.0 };
            if let Some(requests) = now.requests.get_mut(name) {
                requests.invocations = requests.invocations.saturating_add(1);
                requests.errors = requests.errors.saturating_add(u64::from(fails));
            }
            if fails {
                wronged.add(unit, Event::Error, at, is_b);
            }
            if random.uniform() < unit.slow {
                wronged.add(unit, Event::Slow, at, is_b);
            }
            // Of one in ten the outcome becomes known.
            if random.uniform() < 0.1 {
                let y = f64::from(u8::from(random.uniform() < unit.right));
                let sums = effects.outcome(y, propensity);
                effects.add(name, sums, &unit.sums);
                unit.sums.entry(name.clone()).or_default().add(sums);
                let outcomes = evidence.outcomes.entry(name.clone()).or_default();
                *outcomes = outcomes.saturating_add(1);
            }
        }
        minutes += LOOK_MINUTES;
        evidence.now_ms = minutes * 60_000.0;
        evidence.heard_ms = Some(evidence.now_ms);
        if let Some(judging) = &mut judging {
            judging.judge(&effects, &names, &mut evidence);
        }
        evidence.units = wronged.told(false);
        went.all = went.all || turned(&all, &evidence);
        let is_breached = |rate: &[Vec<Trials>]| log_e_of_odds_since_any(rate, 1.0) >= -all.plan.alpha_each().ln();
        went.absolute = went.absolute || is_breached(&evidence.failures(&b, AT_MOST));
        if !went.absolute_by_request {
            let rate = evidence.segments.iter().map(|segment| {
                let requests = segment.requests.get("b").copied().unwrap_or_default();
                let misses = requests.invocations.saturating_sub(requests.errors);
                vec![Trials { hits: requests.errors, misses, null: AT_MOST }]
            });
            went.absolute_by_request = is_breached(&rate.collect::<Vec<_>>());
        }
        went.errors = went.errors || turned(&errors, &evidence);
        if !went.anew || !went.by_request {
            let mut naive = evidence.clone();
            naive.units = wronged.told(true);
            went.anew = went.anew || turned(&errors, &naive);
            naive.units = Vec::new();
            for requests in naive.segments.iter_mut().flat_map(|segment| segment.requests.values_mut()) {
                requests.drawn_errors = requests.errors;
            }
            went.by_request = went.by_request || turned(&errors, &naive);
        }
        match decide(&stepping, &evidence).1 {
            Decision::Step { shares, .. } => {
                stepping.stepped(&evidence, evidence.now_ms);
                evidence.segments.push(segment(shares));
            }
            Decision::Wait(_) => {}
            _ => stepping.status = Status::Done,
        }
    }
    went
}

pub fn print(count: u64, began: Instant) {
    println!(
        "\n| sticky units, 2 % ± 80 % | all five guardrails, alpha 5 % shared out | the absolute rate alone, alpha 1 % | the same, every failure | errors alone, alpha 5 % | the same, each unit anew in each step | the same, every error |"
    );
    println!("|---|---|---|---|---|---|---|");
    for setting in &SETTINGS {
        let count = if setting.times > 1.0 || setting.ramp == MANY { count / 4 } else { count };
        let all = runs(setting.title, count, began, |run| went(setting, run));
        let n = all.len() as f64;
        let shown = |is_so: fn(&Went) -> bool| shown(share(&all, is_so), n);
        println!(
            "| {} | **{}** | **{}** | {} | **{}** | {} | {} |",
            setting.title,
            shown(|went| went.all),
            shown(|went| went.absolute),
            shown(|went| went.absolute_by_request),
            shown(|went| went.errors),
            shown(|went| went.anew),
            shown(|went| went.by_request)
        );
    }
}
