//! How often ramps are turned back for nothing, and how soon for a reason; beside what Flagger and Argo Rollouts do as they are
//! documented, on the very same runs. The tables and the picture of docs/policy.md.
//!
//! What decides is what decides in earnest: `turnout::experiment::rehearse` and `decide`.

use std::time::Instant;

use rand_distr::{Binomial, Distribution, Poisson};
use turnout::assignment::Randomness;
use turnout::endpoint::Endpoint;
use turnout::experiment::{
    Assumed, ComparedBy, Decision, Evidence, Judging, Plan, Rates, Rehearsed, Requests, Run, Segment, Shares, Status,
    decide, rehearse,
};
use turnout::statistics::{Effects, log_e_of_odds};

use crate::figures::{number, percent, shown};
use crate::picture::{Area, Group, OURS, SECOND, THIRD, bars, below, drawn, heading, legend, note};
use crate::random::{Random, runs};
use crate::{bandits, sticky};

pub const ALPHA: f64 = 0.05;
/// All that can be watched by chance, with alpha shared out. What is to pause turns back here, so that it is counted.
pub const ALL: &str = r#"[{"metric": "errors"}, {"metric": "slow", "origin_ms": 500},
    {"metric": "absolute", "at_most": 0.05}, {"metric": "mismatch", "then": "roll_back"}, {"metric": "goal"}]"#;
pub const ERRORS: &str = r#"[{"metric": "errors"}]"#;
pub const STEPS: &str = "[1, 5, 25, 50, 100]";
pub const STEP_MINUTES: f64 = 30.0;

/// A ramp as a document has it.
pub fn ramp(
    (percent, step_minutes): (&str, f64),
    guardrails: &str,
    promote_when: &str,
) -> (Plan, Shares, Option<ComparedBy>) {
    let document = format!(
        r#"{{"variants": [{{"name": "a", "weight": 1, "origin": {{"url": "https://a.example"}}}},
            {{"name": "b", "weight": 0, "origin": {{"url": "https://b.example"}}}}],
            "outcome": {{"kind": "label", "label": {{}}}}, "goal": {{"margin": 0.01}}, "guardrails": {guardrails},
            "policy": {{"ramp": {{"to": "b", "percent": {percent}, "step_minutes": {step_minutes},
                "promote_when": "{promote_when}", "alpha": {ALPHA}}}}}}}"#
    );
    let endpoint = parsed(&document);
    let plan = Plan::of(&endpoint).unwrap_or_else(|error| unreachable!("{error}"));
    let begin = plan.begin(&endpoint);
    (plan, begin, ComparedBy::of(&endpoint))
}

/// A document that was written here.
pub fn parsed(document: &str) -> Endpoint {
    Endpoint::parse(document.as_bytes()).unwrap_or_else(|error| unreachable!("{error}"))
}

// False rollbacks of requests that are each drawn.

struct Drawn {
    title: &'static str,
    per_minute: f64,
    errors: f64,
    swing_minutes: f64,
}

const DRAWN: [Drawn; 5] = [
    Drawn { title: "2 % ± 80 %, up and down in 10 minutes", per_minute: 600.0, errors: 0.02, swing_minutes: 10.0 },
    Drawn { title: "2 % ± 80 %, in 45 minutes", per_minute: 600.0, errors: 0.02, swing_minutes: 45.0 },
    Drawn { title: "2 % ± 80 %, in 8 hours", per_minute: 600.0, errors: 0.02, swing_minutes: 480.0 },
    Drawn { title: "2 % ± 80 %, in 45 minutes, 60 requests/min", per_minute: 60.0, errors: 0.02, swing_minutes: 45.0 },
    Drawn { title: "0.4 % ± 80 %, in 45 minutes", per_minute: 600.0, errors: 0.004, swing_minutes: 45.0 },
];

fn rehearsed(setting: &Drawn, guardrails: &str, run: u64) -> Rehearsed {
    let (plan, begin, compared) = ramp((STEPS, STEP_MINUTES), guardrails, "no_breach");
    let rates = Rates { errors: setting.errors, slow: 0.01, told: 0.2, mean: 0.8, deviation: 0.4 };
    let assumed = Assumed {
        requests_per_minute: setting.per_minute,
        variants: [("a".to_owned(), rates), ("b".to_owned(), rates)].into(),
        swing: 0.8,
        swing_minutes: setting.swing_minutes,
    };
    rehearse(&plan, &begin, &assumed, compared.as_ref(), 100_000, &mut Random::of_run(run).0)
}

fn print_drawn(count: u64, began: Instant) {
    println!(
        "\n| no difference, each request drawn | all five guardrails, alpha 5 % shared out | errors alone, alpha 5 % |"
    );
    println!("|---|---|---|");
    for setting in &DRAWN {
        let both = runs(setting.title, count, began, |run| {
            [ALL, ERRORS].map(|guardrails| rehearsed(setting, guardrails, run).status == Status::RolledBack)
        });
        let share = |at: usize| share(&both, |turned| turned.get(at) == Some(&true));
        let n = both.len() as f64;
        println!("| {} | **{}** | {} |", setting.title, shown(share(0), n), shown(share(1), n));
    }
}

pub fn share<T>(all: &[T], is_so: impl Fn(&T) -> bool) -> f64 {
    all.iter().filter(|one| is_so(one)).count() as f64 / all.len() as f64
}

// Power, on the same runs as others.

struct Setting {
    title: &'static str,
    label: [&'static str; 2],
    /// Of a and b.
    errors: [f64; 2],
    /// Before this share b has the errors that a has.
    from_share: f64,
    accuracy: [f64; 2],
    promote_when: &'static str,
}

const SETTINGS: [Setting; 6] = {
    const SAME: Setting = Setting {
        title: "none: 2 % ± 80 % both",
        label: ["2 %", "± 80 %"],
        errors: [0.02, 0.02],
        from_share: 0.0,
        accuracy: [0.8, 0.8],
        promote_when: "no_breach",
    };
    [
        SAME,
        Setting { title: "none: 0.4 % ± 80 % both", label: ["0.4 %", "± 80 %"], errors: [0.004, 0.004], ..SAME },
        Setting { title: "doubled errors: 2 % to 4 %", label: ["2 to 4 %", ""], errors: [0.02, 0.04], ..SAME },
        Setting { title: "tenfold errors: 0.4 % to 4 %", label: ["0.4 to", "4 %"], errors: [0.004, 0.04], ..SAME },
        Setting {
            title: "2 % to 6 %, from the step of 50 % on",
            label: ["2 to 6 %", "at 50 %"],
            errors: [0.02, 0.06],
            from_share: 0.5,
            ..SAME
        },
        Setting {
            title: "accuracy .80 to .77",
            label: ["accuracy", ".80, .77"],
            accuracy: [0.8, 0.77],
            promote_when: "not_worse",
            ..SAME
        },
    ]
};

impl Setting {
    fn is_of_errors(&self) -> bool {
        let [a, b] = self.accuracy;
        a == b
    }

    fn is_none(&self) -> bool {
        let [a, b] = self.errors;
        a == b && self.is_of_errors()
    }
}

/// Requests in a minute, and seconds from one look to the next.
const TRAFFIC: [(f64, f64); 2] = [(60.0, 60.0), (6_000.0, 20.0)];
/// A ramp that waits for a verdict is left alone after so long.
const MOST_MINUTES: f64 = 4_320.0;

/// Who may turn a ramp back.
#[derive(Clone, Copy, PartialEq)]
enum Judge {
    Turnout,
    /// The same canary test from the beginning on only.
    FromTheBeginning,
    Flagger,
    FlaggerOfTheDocs,
    Argo,
    ArgoOfTheDocs,
}

const JUDGES: [(Judge, &str); 6] = [
    (Judge::Turnout, "**Turnout**"),
    (Judge::FromTheBeginning, "Turnout's test of errors, from the beginning only"),
    (Judge::Flagger, "Flagger, threshold 1"),
    (Judge::FlaggerOfTheDocs, "Flagger, threshold 10"),
    (Judge::Argo, "Argo Rollouts, failureLimit 0"),
    (Judge::ArgoOfTheDocs, "Argo Rollouts, failureLimit 3"),
];

/// When a ramp was turned back.
#[derive(Clone, Copy, Debug)]
struct Turned {
    minutes: f64,
    requests: f64,
    failed: f64,
}

#[derive(Clone, Debug, Default)]
struct Went {
    turned: [Option<Turned>; 6],
}

impl Went {
    fn of(&self, judge: Judge) -> Option<Turned> {
        self.turned.get(judge as usize).copied().flatten()
    }
}

/// Checks of a success rate that count how often it was too low. A time without a request of the canary counts for nothing, which
/// is kinder than either is.
struct Checks {
    every_minutes: f64,
    least: f64,
    /// The ramp is turned back at so many failed checks.
    threshold: u32,
    /// Flagger turns back when it looks the next time.
    is_late: bool,
    before: Requests,
    failed: u32,
    next_minutes: f64,
}

impl Checks {
    fn new(every_minutes: f64, least: f64, threshold: u32, is_late: bool) -> Self {
        let before = Requests::default();
        Checks { every_minutes, least, threshold, is_late, before, failed: 0, next_minutes: every_minutes }
    }

    fn turns_back(&mut self, minutes: f64, of_b: Requests) -> bool {
        if minutes + 1e-9 < self.next_minutes {
            return false;
        }
        self.next_minutes += self.every_minutes;
        if self.is_late && self.failed >= self.threshold {
            return true;
        }
        let new = of_b.since(self.before);
        self.before = of_b;
        if new.invocations > 0 && 1.0 - new.errors as f64 / (new.invocations as f64) < self.least {
            self.failed = self.failed.saturating_add(1);
        }
        !self.is_late && self.failed >= self.threshold
    }
}

/// Flagger's interval (60 s) and window (1m) if nothing is said, its documents' 99 % for `request-success-rate`; the threshold if
/// nothing is said is 1, that of the documents' first example 10. Argo Rollouts' documents have 95 % over 5 minutes, a failure
/// limit of 0 if nothing is said, and 3 in the first example.
fn others() -> [(Judge, Checks); 4] {
    [
        (Judge::Flagger, Checks::new(1.0, 0.99, 1, true)),
        (Judge::FlaggerOfTheDocs, Checks::new(1.0, 0.99, 10, true)),
        (Judge::Argo, Checks::new(5.0, 0.95, 1, false)),
        (Judge::ArgoOfTheDocs, Checks::new(5.0, 0.95, 4, false)),
    ]
}

fn poisson(mean: f64, random: &mut Randomness) -> u64 {
    Poisson::new(mean).map_or(0, |poisson| poisson.sample(random).max(0.0) as u64)
}

fn binomial(trials: u64, rate: f64, random: &mut Randomness) -> u64 {
    Binomial::new(trials, rate.clamp(0.0, 1.0)).map_or(0, |binomial| binomial.sample(random))
}

/// One ramp, that nothing turns back, until all have said whether they would have, or it is over.
fn went(setting: &Setting, (per_minute, look_seconds): (f64, f64), run: u64) -> Went {
    let random = &mut Random::of_run(run).0;
    // What steps, and what turns back: the same ramp without guardrails and with them.
    let (bare, begin, compared) = ramp((STEPS, STEP_MINUTES), "[]", setting.promote_when);
    let bare = Plan { guardrails: Vec::new(), ..bare };
    let (watched, ..) = ramp(
        (STEPS, STEP_MINUTES),
        r#"[{"metric": "errors"}, {"metric": "mismatch", "then": "roll_back"}, {"metric": "goal"}]"#,
        setting.promote_when,
    );
    let alpha_each = watched.alpha_each();
    let (mut stepping, judged) = (Run::begun(bare, String::new(), 0.0), Run::begun(watched, String::new(), 0.0));
    let mut judging = compared.as_ref().map(Judging::by);
    let (names, b) = (["a".to_owned(), "b".to_owned()], ["b".to_owned()]);
    let mut effects = Effects::default();
    let mut evidence = Evidence { heard_ms: Some(0.0), ..Evidence::default() };
    evidence.segments.push(Segment { shares: begin, ..Segment::default() });
    let (mut others, mut went) = (others(), Went::default());
    let mut minutes = 0.0;
    while minutes < MOST_MINUTES {
        minutes += look_seconds / 60.0;
        evidence.now_ms = minutes * 60_000.0;
        evidence.heard_ms = Some(evidence.now_ms);
        let swing = 1.0 + 0.8 * (minutes / 45.0 * std::f64::consts::TAU).sin();
        let Some(segment) = evidence.segments.last_mut() else { break };
        let share_of_b = segment.shares.iter().find(|(name, _)| name == "b").map_or(0.0, |(_, share)| *share);
        for (at, (name, share)) in segment.shares.iter().enumerate() {
            let of = |[a, b]: [f64; 2]| if at == 0 { a } else { b };
            let errors = if share_of_b < setting.from_share { of([setting.errors[0]; 2]) } else { of(setting.errors) };
            let invocations = poisson(per_minute * look_seconds / 60.0 * share, random);
            let failed = binomial(invocations, errors * swing, random);
            let counted = segment.requests.entry(name.clone()).or_default();
            counted.invocations = counted.invocations.saturating_add(invocations);
            counted.errors = counted.errors.saturating_add(failed);
            (counted.drawn, counted.drawn_errors) = (counted.invocations, counted.errors);
            if invocations > 0 {
                let right = binomial(invocations, of(setting.accuracy), random) as f64;
                effects.add_units(name, (invocations as f64, right, right), *share);
                let outcomes = evidence.outcomes.entry(name.clone()).or_default();
                *outcomes = outcomes.saturating_add(invocations);
            }
        }
        if let Some(judging) = &mut judging {
            judging.judge(&effects, &names, &mut evidence);
        }
        let of_b = evidence.requests(&b);
        let now =
            Turned { minutes, requests: evidence.requests(&names).invocations as f64, failed: of_b.errors as f64 };
        let mut note = |judge: Judge, turns_back: bool| {
            if let Some(turned) = went.turned.get_mut(judge as usize).filter(|turned| turned.is_none() && turns_back) {
                *turned = Some(now);
            }
        };
        note(Judge::Turnout, matches!(decide(&judged, &evidence).1, Decision::RollBack { .. }));
        let all: Vec<_> = evidence.trials(turnout::experiment::Event::Error, &b, true).into_iter().flatten().collect();
        note(Judge::FromTheBeginning, log_e_of_odds(&all, 1.0) >= -alpha_each.ln());
        for (judge, checks) in &mut others {
            note(*judge, checks.turns_back(minutes, of_b));
        }
        // The others do not look at outcomes, and such a ramp waits for the verdict.
        if !setting.is_of_errors() && went.of(Judge::Turnout).is_some() {
            break;
        }
        match decide(&stepping, &evidence).1 {
            Decision::Step { shares, .. } => {
                stepping.stepped(&evidence, evidence.now_ms);
                evidence.segments.push(Segment { shares, ..Segment::default() });
            }
            // Without guardrails it pauses where the verdict is worse; with them it waits for the guardrail.
            Decision::Wait(_) | Decision::Pause { .. } => {}
            Decision::RollBack { .. } | Decision::End { .. } => break,
        }
    }
    went
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

struct Tried {
    setting: &'static Setting,
    per_minute: f64,
    went: Vec<Went>,
}

fn print_power(tried: &[Tried]) {
    println!(
        "\n| fault | requests/min | who | turned back | after minutes | after requests | of which the canary failed |"
    );
    println!("|---|---|---|---|---|---|---|");
    for Tried { setting, per_minute, went } in tried {
        for (judge, name) in JUDGES {
            // Of interest where a good time came before.
            if judge == Judge::FromTheBeginning && setting.from_share == 0.0 {
                continue;
            }
            if judge != Judge::Turnout && !setting.is_of_errors() {
                continue;
            }
            let turned: Vec<Turned> = went.iter().filter_map(|went| went.of(judge)).collect();
            let share = share(went, |went| went.of(judge).is_some());
            let figure = |of: fn(&Turned) -> f64| median(turned.iter().map(of).collect()).map(number);
            let [minutes, requests, failed] =
                [figure(|turned| turned.minutes), figure(|turned| turned.requests), figure(|turned| turned.failed)]
                    .map(|figure| figure.unwrap_or_default());
            let share = if setting.is_none() { shown(share, went.len() as f64) } else { percent(share) };
            println!(
                "| {} | {} | {name} | {share} | {minutes} | {requests} | {failed} |",
                setting.title,
                number(*per_minute)
            );
        }
    }
}

fn group(tried: &Tried) -> Group {
    let of = |judge: Judge| share(&tried.went, |went| went.of(judge).is_some());
    Group {
        label: tried.setting.label,
        bars: if tried.setting.is_of_errors() {
            vec![(OURS, of(Judge::Turnout)), (SECOND, of(Judge::Flagger)), (THIRD, of(Judge::Argo))]
        } else {
            // The others do not look at it.
            vec![(OURS, of(Judge::Turnout)), (SECOND, 0.0), (THIRD, 0.0)]
        },
    }
}

fn picture(tried: &[Tried]) -> Result<String, std::fmt::Error> {
    let groups = |range: std::ops::Range<usize>| -> Vec<Group> {
        let of_traffic = |per_minute: f64| {
            let range = range.clone();
            SETTINGS.iter().enumerate().filter(move |(at, _)| range.contains(at)).filter_map(move |(_, setting)| {
                tried.iter().find(|tried| std::ptr::eq(tried.setting, setting) && tried.per_minute == per_minute)
            })
        };
        TRAFFIC.iter().flat_map(|(per_minute, _)| of_traffic(*per_minute)).map(group).collect()
    };
    let traffic = ["60 requests/min", "6,000 requests/min"];
    drawn("Ramps that were turned back for nothing, and for a fault", |out| {
        heading(out, 20.0, "Turned back, where nothing is wrong")?;
        let area = Area { left: 56.0, right: 326.0, top: 84.0, bottom: 332.0 };
        for (x, colour, name) in [
            (20.0, OURS, "Turnout"),
            (98.0, SECOND, "Flagger, if nothing is said"),
            (272.0, THIRD, "Argo Rollouts, if nothing is said"),
        ] {
            legend(out, x, 46.0, colour, name)?;
        }
        bars(out, area, &groups(0..2), Some(ALPHA))?;
        below(out, area, &traffic)?;
        heading(out, 358.0, "Turned back, where the canary is worse")?;
        let area = Area { left: 394.0, right: 884.0, top: 84.0, bottom: 332.0 };
        bars(out, area, &groups(2..SETTINGS.len()), None)?;
        below(out, area, &traffic)?;
        note(
            out,
            20.0,
            408.0,
            "Share of ramps, in %: 1, 5, 25, 50, 100 % for 30 minutes each, error rates up and down by 80 %. Flagger and Argo Rollouts do not look at outcomes.",
        )
    })
}

/// Prints the tables of docs/policy.md, and draws its picture.
pub fn simulate(count: u64, began: Instant) -> Result<String, std::fmt::Error> {
    print_drawn(count, began);
    sticky::print(count, began);
    let mut tried = Vec::new();
    for setting in &SETTINGS {
        for (per_minute, look_seconds) in TRAFFIC {
            // Where nothing is wrong, as many as tell 5 % well.
            let count = if setting.is_none() { count } else { count / 2 };
            let title = format!("{}, {per_minute} requests/min", setting.title);
            let went = runs(&title, count, began, |run| went(setting, (per_minute, look_seconds), run));
            tried.push(Tried { setting, per_minute, went });
        }
    }
    print_power(&tried);
    bandits::print(count / 2, began);
    picture(&tried)
}
