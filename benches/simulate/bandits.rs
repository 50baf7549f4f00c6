//! What bandits lose to the best variant, beside mabwiser's on the same rewards, and whether the verdict holds while they move
//! the weights.

use std::f64::consts::TAU;
use std::time::Instant;

use serde::Deserialize;
use turnout::experiment::{ComparedBy, Decision, Evidence, Judging, Plan, Run, Segment, Shares, arms, decide};
use turnout::statistics::{Effects, Method, regret};

use crate::figures::shown;
use crate::policies::{parsed, share};
use crate::random::{Random, runs};

const OUTCOMES: u32 = 20_000;
/// New weights after so many outcomes, each a minute here.
const EVERY: u32 = 500;
/// The verdict is looked at after so many.
const LOOK_EVERY: u32 = 10;
const FLOOR: f64 = 0.01;

/// What mabwiser lost, as `tests/vectors/policy.py` has recorded it.
#[derive(Deserialize)]
struct Recorded {
    regret: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    rates: Vec<f64>,
    policy: String,
    regrets: Vec<f64>,
}

const METHODS: [(&str, &str, &str, Method); 4] = [
    ("Thompson", "thompson", r#""method": "thompson""#, Method::Thompson),
    ("top two", "", r#""method": "top_two""#, Method::TopTwo),
    (
        "epsilon-greedy, .1",
        "epsilon_greedy",
        r#""method": "epsilon_greedy", "epsilon": 0.1"#,
        Method::EpsilonGreedy { epsilon: 0.1 },
    ),
    ("UCB1, explore .1", "ucb1", r#""method": "ucb1", "explore": 0.1"#, Method::Ucb1 { alpha: 1.0, explore: 0.1 }),
];

fn mean(figures: &[f64]) -> (f64, f64) {
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

fn print_regret(began: Instant) {
    let text = include_str!("../../tests/vectors/policy.json");
    let recorded = serde_json::from_str(text).unwrap_or(Recorded { regret: Vec::new() });
    let mut tables: Vec<Vec<f64>> = recorded.regret.iter().map(|case| case.rates.clone()).collect();
    tables.dedup();
    println!("\n| rates | method | ours: lost of 10,000 decisions | mabwiser's | what an even split loses |");
    println!("|---|---|---|---|---|");
    for rates in tables {
        let even = 10_000.0 * (rates.iter().copied().fold(0.0, f64::max) - mean(&rates).0);
        for (name, theirs, _, method) in METHODS {
            let case = recorded.regret.iter().find(|case| case.policy == theirs && case.rates == rates);
            let told = |figures: &[f64]| {
                let (mean, error) = mean(figures);
                format!("{mean:.0} ± {error:.0}")
            };
            let seeds = case.map_or(100, |case| case.regrets.len()) as u64;
            let ours = runs(&format!("regret of {name}"), seeds, began, |seed| regret(method, &rates, FLOOR, seed));
            println!(
                "| {rates:?} | {name} | {} | {} | {even:.0} |",
                told(&ours),
                case.map_or_else(|| "has none".to_owned(), |case| told(&case.regrets))
            );
        }
    }
}

fn bandit(method: &str, floor: f64) -> (Plan, Shares, Option<ComparedBy>) {
    let document = format!(
        r#"{{"variants": [{{"name": "a", "weight": 1, "origin": {{"url": "https://a.example"}}}},
            {{"name": "b", "weight": 1, "origin": {{"url": "https://b.example"}}}}],
            "outcome": {{"kind": "label", "label": {{}}}}, "guardrails": [],
            "policy": {{"bandit": {{{method}, "floor": {floor}, "interval_minutes": {EVERY}}}}}}}"#
    );
    let endpoint = parsed(&document);
    let plan = Plan::of(&endpoint).unwrap_or_else(|error| unreachable!("{error}"));
    let begin = plan.begin(&endpoint);
    (plan, begin, ComparedBy::of(&endpoint))
}

/// One test without a difference: whether one was found at any look, and the least share that a variant had.
fn found(method: &str, floor: f64, rate: f64, run: u64) -> (bool, f64) {
    let random = &mut Random::of_run(run);
    let (plan, begin, compared) = bandit(method, floor);
    let Some(compared) = compared else { return (false, 0.0) };
    let names = ["a".to_owned(), "b".to_owned()];
    let mut judging = Judging::by(&compared);
    let mut effects = Effects::default();
    let mut run = Run::begun(plan, String::new(), 0.0);
    let mut evidence = Evidence::default();
    let mut share_of_b = begin.last().map_or(0.5, |(_, share)| *share);
    evidence.segments.push(Segment { shares: begin, ..Segment::default() });
    let (mut counts, mut least) = ([0u32; 2], 0.5f64);
    // What came since the last look, of each variant: how many, and how many were right.
    let mut new = [(0.0, 0.0); 2];
    for at in 1..=OUTCOMES {
        let drift = 1.0 + 0.8 * (3.0 * TAU * f64::from(at) / f64::from(OUTCOMES)).sin();
        let is_b = random.uniform() < share_of_b;
        let y = f64::from(u8::from(random.uniform() < rate * drift));
        if let Some((n, sum)) = new.get_mut(usize::from(is_b)) {
            (*n, *sum) = (*n + 1.0, *sum + y);
        }
        if at % LOOK_EVERY != 0 {
            continue;
        }
        for ((name, (n, sum)), (propensity, count)) in
            names.iter().zip(&mut new).zip([1.0 - share_of_b, share_of_b].into_iter().zip(&mut counts))
        {
            effects.add_units(name, (*n, *sum, *sum), propensity);
            *count = count.saturating_add(*n as u32);
            (*n, *sum) = (0.0, 0.0);
        }
        judging.judge(&effects, &names, &mut evidence);
        let interval = evidence.judged.get("b").and_then(|judged| judged.interval);
        if interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0) {
            return (true, least);
        }
        if at % EVERY == 0 {
            evidence.now_ms = f64::from(at) * 60_000.0;
            evidence.outcomes = names.iter().cloned().zip(counts.map(u64::from)).collect();
            evidence.arms = arms(&effects, compared.metric, &names);
            if let Decision::Step { shares, .. } = decide(&run, &evidence).1 {
                run.stepped(&evidence, evidence.now_ms);
                share_of_b = shares.last().map_or(0.5, |(_, share)| *share);
                least = least.min(share_of_b).min(1.0 - share_of_b);
                evidence.segments.push(Segment { shares, ..Segment::default() });
            }
        }
    }
    (false, least)
}

fn print_coverage(count: u64, began: Instant) {
    println!(
        "\n| no difference, a bandit, drift | floor | rate .2: a difference found at any look | rate .05 | its least share, median |"
    );
    println!("|---|---|---|---|---|");
    for (name, _, method, _) in METHODS {
        for floor in [0.01, 0.05] {
            let [often, seldom] = [0.2, 0.05].map(|rate| {
                let title = format!("{name}, floor {floor}, rate {rate}");
                runs(&title, count, began, |run| found(method, floor, rate, run))
            });
            let mut least: Vec<f64> = often.iter().map(|(_, least)| *least).collect();
            least.sort_by(f64::total_cmp);
            let shown = |all: &[(bool, f64)]| shown(share(all, |(found, _)| *found), all.len() as f64);
            println!(
                "| {name} | {floor} | **{}** | **{}** | {:.1} % |",
                shown(&often),
                shown(&seldom),
                100.0 * least.get(least.len() / 2).copied().unwrap_or_default()
            );
        }
    }
}

pub fn print(count: u64, began: Instant) {
    print_regret(began);
    print_coverage(count, began);
}
