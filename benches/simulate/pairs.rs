//! Two models that are asked about the same requests: how often a difference is found where there is none, how often one that is
//! there is told as smaller than it is, and how many requests it takes beside a split of them. The tables of docs/verdict.md.

use std::collections::BTreeMap;
use std::time::Instant;

use turnout::statistics::{Effects, Estimate, LEAST_UNITS, McNemar, PairedSums, Tuning};

use crate::figures::{number, percent, shown};
use crate::random::{Random, runs};

const ALPHA: f64 = 0.05;
const PAIRS: u32 = 20_000;
const UNITS: u32 = 3_000;
/// After so many requests both tests are compared.
const AT: u32 = 2_000;

/// What requests are like.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Each by itself.
    Drawn,
    /// Of units of unequal activity. Which model is right on all requests of a unit is the unit's.
    Sticky,
    /// The same, on half of the requests.
    HalfSticky,
    /// Scores of a label that so many requests have, which are judged by Brier's.
    Brier,
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    title: &'static str,
    kind: Kind,
    /// On which share of the requests exactly one model is right; the label's share.
    discordant: f64,
    /// Of these, on which the variant is.
    wins: f64,
}

const EQUAL: [Setting; 13] = {
    const DRAWN: Setting = Setting { title: "", kind: Kind::Drawn, discordant: 0.002, wins: 0.5 };
    const STICKY: Setting = Setting { kind: Kind::Sticky, discordant: 0.01, ..DRAWN };
    const HALF: Setting = Setting { kind: Kind::HalfSticky, ..STICKY };
    const BRIER: Setting = Setting { kind: Kind::Brier, ..DRAWN };
    [
        Setting { title: "each request by itself, 0.2 % differ", ..DRAWN },
        Setting { title: "each request by itself, 1 % differ", discordant: 0.01, ..DRAWN },
        Setting { title: "each request by itself, 5 % differ", discordant: 0.05, ..DRAWN },
        Setting { title: "each request by itself, 30 % differ", discordant: 0.3, ..DRAWN },
        Setting { title: "units, 1 % differ, always", ..STICKY },
        Setting { title: "units, 5 % differ, always", discordant: 0.05, ..STICKY },
        Setting { title: "units, 30 % differ, always", discordant: 0.3, ..STICKY },
        Setting { title: "units, 1 % differ, on half of the requests", ..HALF },
        Setting { title: "units, 5 % differ, on half of the requests", discordant: 0.05, ..HALF },
        Setting { title: "units, 30 % differ, on half of the requests", discordant: 0.3, ..HALF },
        Setting { title: "Brier's, a label of 1 %", discordant: 0.01, ..BRIER },
        Setting { title: "Brier's, a label of 5 %", discordant: 0.05, ..BRIER },
        Setting { title: "Brier's, a label of 30 %", discordant: 0.3, ..BRIER },
    ]
};

/// Where the variant is never the better one.
const WORSE: [Setting; 7] = {
    const DRAWN: Setting = Setting { title: "", kind: Kind::Drawn, discordant: 0.002, wins: 0.0 };
    const STICKY: Setting = Setting { kind: Kind::Sticky, discordant: 0.01, ..DRAWN };
    const HALF: Setting = Setting { kind: Kind::HalfSticky, ..STICKY };
    [
        Setting { title: "each request by itself, on 0.2 %", ..DRAWN },
        Setting { title: "each request by itself, on 1 %", discordant: 0.01, ..DRAWN },
        Setting { title: "each request by itself, on 5 %", discordant: 0.05, ..DRAWN },
        Setting { title: "1 % of units, on all requests", ..STICKY },
        Setting { title: "5 % of units, on all requests", discordant: 0.05, ..STICKY },
        Setting { title: "1 % of units, on half of their requests, and 1 % of the other half", ..HALF },
        Setting {
            title: "5 % of units, on half of their requests, and 5 % of the other half",
            discordant: 0.05,
            ..HALF
        },
    ]
};

/// How often the baseline is right, and the variant, and on which share of the requests exactly one is.
const BETTER: [(f64, f64, f64); 4] = [(0.90, 0.92, 0.05), (0.90, 0.92, 0.10), (0.90, 0.91, 0.03), (0.70, 0.73, 0.15)];

impl Setting {
    /// How much better the variant is.
    fn truth(&self) -> f64 {
        match self.kind {
            Kind::Brier => 0.0,
            _ => self.discordant * (2.0 * self.wins - 1.0),
        }
    }
}

/// One request: its unit, how much better the variant was, and how much it could have been.
struct Pair {
    unit: Option<usize>,
    d: f64,
    reach: f64,
}

struct World<'a> {
    setting: &'a Setting,
    random: Random,
    /// The sum of the activities up to a unit's own, and its d.
    units: Vec<(f64, f64)>,
}

impl<'a> World<'a> {
    fn new(setting: &'a Setting, run: u64) -> Self {
        let mut world = World { setting, random: Random::of_run(run), units: Vec::new() };
        if matches!(setting.kind, Kind::Sticky | Kind::HalfSticky) {
            let mut activity = 0.0;
            for _ in 0..UNITS {
                activity += (1.5 * world.random.normal()).exp();
                let d = world.right();
                world.units.push((activity, d));
            }
        }
        world
    }

    /// -1, 0 or 1.
    fn right(&mut self) -> f64 {
        let draw = self.random.uniform() / self.setting.discordant;
        if draw < self.setting.wins {
            1.0
        } else if draw < 1.0 {
            -1.0
        } else {
            0.0
        }
    }

    fn next(&mut self) -> Pair {
        let unit = self.units.last().map(|(all, _)| *all).map(|all| {
            let at = all * self.random.uniform();
            self.units.partition_point(|(activity, _)| *activity < at)
        });
        let always = unit.and_then(|unit| self.units.get(unit)).map_or(0.0, |(_, d)| *d);
        let d = match self.setting.kind {
            Kind::Sticky => always,
            Kind::HalfSticky if self.random.uniform() < 0.5 => always,
            Kind::HalfSticky | Kind::Drawn => self.right(),
            Kind::Brier => {
                // As far below the label's share as the other's is above: on average both lose as much.
                let a = self.setting.discordant * (0.45 + 0.1 * self.random.uniform());
                let b = 2.0 * self.setting.discordant - a;
                let d = |y: f64| (a - y).powi(2) - (b - y).powi(2);
                let has_label = self.random.uniform() < self.setting.discordant;
                return Pair { unit, d: d(f64::from(u8::from(has_label))), reach: d(0.0).abs().max(d(1.0).abs()) };
            }
        };
        Pair { unit, d, reach: 1.0 }
    }
}

/// A test, and whether it has said that the difference is not the one that it is.
#[derive(Default)]
struct Test {
    tuning: Option<Tuning>,
    is_wrong: bool,
}

impl Test {
    /// Whether the interval leaves out `truth`, and then whether the difference is above.
    fn look(&mut self, estimate: Option<Estimate>, n: f64, units: f64, truth: f64) -> Option<bool> {
        if units < LEAST_UNITS {
            return None;
        }
        let estimate = estimate?;
        if self.tuning.is_none() {
            self.tuning = Tuning::new(estimate, n, units, ALPHA);
        }
        let (low, high) = self.tuning?.look(estimate, n, ALPHA).interval;
        let said = (low > truth || high < truth).then_some(low > truth);
        self.is_wrong = self.is_wrong || said.is_some();
        said
    }
}

/// Whether each test was wrong at some look.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    ours: bool,
    plain: bool,
    by_request: bool,
    e_value: bool,
    peeked: bool,
}

fn wrong(setting: &Setting, run: u64) -> Wrong {
    let mut world = World::new(setting, run);
    let (mut sums, mut alone) = (PairedSums::default(), PairedSums::default());
    let mut units = vec![None; world.units.len()];
    let [mut ours, mut plain, mut by_request] = [(); 3].map(|()| Test::default());
    let mut counts = McNemar::default();
    let (mut e_value, mut peeked) = (false, false);
    for _ in 0..PAIRS {
        let Pair { unit, d, reach } = world.next();
        let known = unit.and_then(|unit| units.get_mut(unit));
        sums.add(d, reach, known.as_deref().copied().flatten());
        if let Some(known) = known {
            let (n, sum) = known.unwrap_or((0.0, 0.0));
            *known = Some((n + 1.0, sum + d));
        }
        alone.add(d, reach, None);
        let truth = setting.truth();
        ours.look(sums.cautious_difference(), sums.pairs(), sums.units(), truth);
        plain.look(sums.difference(), sums.pairs(), sums.units(), truth);
        by_request.look(alone.cautious_difference(), alone.pairs(), alone.units(), truth);
        if d == 0.0 || matches!(setting.kind, Kind::Brier) {
            continue;
        }
        let side = if d > 0.0 { &mut counts.only_variant } else { &mut counts.only_baseline };
        *side = side.saturating_add(1);
        e_value = e_value || counts.p_value_always() <= ALPHA;
        peeked = peeked || counts.exact_p() <= ALPHA;
    }
    Wrong { ours: ours.is_wrong, plain: plain.is_wrong, by_request: by_request.is_wrong, e_value, peeked }
}

/// After how many requests each test has said that the variant is better.
#[derive(Clone, Copy, Debug)]
struct Found {
    ours: Option<u32>,
    e_value: Option<u32>,
    split: Option<u32>,
}

fn found((of_a, of_b, discordant): (f64, f64, f64), most: u32, run: u64) -> Found {
    let mut random = Random::of_run(run);
    let (mut sums, mut effects, mut counts) = (PairedSums::default(), Effects::default(), McNemar::default());
    let [mut ours, mut split] = [(); 2].map(|()| Test::default());
    let mut found = Found { ours: None, e_value: None, split: None };
    let only_b = f64::midpoint(discordant, of_b - of_a);
    for at in 1..=most {
        let draw = random.uniform();
        // On the same request: the variant alone is right, the baseline alone, or both or neither.
        let (a, b) = if draw < only_b {
            (0.0, 1.0)
        } else if draw < discordant {
            (1.0, 0.0)
        } else {
            let both = f64::from(u8::from(draw < of_a + only_b));
            (both, both)
        };
        let note = |found: &mut Option<u32>, is_better: Option<bool>| {
            if found.is_none() && is_better == Some(true) {
                *found = Some(at);
            }
        };
        sums.add(b - a, 1.0, None);
        note(&mut found.ours, ours.look(sums.cautious_difference(), sums.pairs(), sums.units(), 0.0));
        if a != b {
            let side = if b > a { &mut counts.only_variant } else { &mut counts.only_baseline };
            *side = side.saturating_add(1);
            let is_better = counts.only_variant > counts.only_baseline;
            note(&mut found.e_value, (counts.p_value_always() <= ALPHA).then_some(is_better));
        }
        // The same request, where only one of the two is asked.
        let (name, y) = if random.uniform() < 0.5 { ("a", a) } else { ("b", b) };
        let new = effects.outcome(y, 0.5);
        effects.add(name, new, &BTreeMap::new());
        if found.split.is_none() {
            let (units, n) = (effects.units_of("a").min(effects.units_of("b")), effects.outcomes());
            let difference = if units < LEAST_UNITS { None } else { effects.cautious_difference("a", "b") };
            // Each variant has to have 100, and it is tuned for what both have.
            let units = if difference.is_some() { n } else { 0.0 };
            note(&mut found.split, split.look(difference, n, units, 0.0));
        }
        if found.ours.is_some() && found.e_value.is_some() && found.split.is_some() {
            break;
        }
    }
    found
}

fn share<T>(runs: &[T], is_so: impl Fn(&T) -> bool) -> f64 {
    runs.iter().filter(|run| is_so(run)).count() as f64 / runs.len() as f64
}

/// After how many requests so many of the runs had found it.
fn median(runs: &[Found], found: impl Fn(&Found) -> Option<u32>, most: u32) -> String {
    let mut after: Vec<u32> = runs.iter().filter_map(found).collect();
    after.sort_unstable();
    let middle = after.get(runs.len().saturating_sub(1) / 2);
    middle.map_or_else(|| format!("> {}", number(f64::from(most))), |after| number(f64::from(*after)))
}

/// Prints the tables of docs/verdict.md.
pub fn simulate(count: u64, began: Instant) {
    for (what, settings, more) in [
        ("both equally good", &EQUAL[..], Some("e-value of discordant pairs | McNemar's exact test, peeking |")),
        ("the variant never better, and worse", &WORSE[..], None),
    ] {
        println!("\n| {what} | ours | plain error | by request | {}", more.unwrap_or_default());
        println!("|---|---|---|---|{}", more.map_or("", |_| "---|---|"));
        for setting in settings {
            let all = runs(setting.title, count, began, |run| wrong(setting, run));
            let n = all.len() as f64;
            let shown = |is_so: fn(&Wrong) -> bool| shown(share(&all, is_so), n);
            let by_request = match setting.kind {
                Kind::Sticky | Kind::HalfSticky => shown(|wrong| wrong.by_request),
                Kind::Drawn | Kind::Brier => "the same".to_owned(),
            };
            let counted = match (more, setting.kind) {
                (None, _) => String::new(),
                (_, Kind::Brier) => "  |  |".to_owned(),
                _ => format!("{} | {} |", shown(|wrong| wrong.e_value), shown(|wrong| wrong.peeked)),
            };
            let (ours, plain) = (shown(|wrong| wrong.ours), shown(|wrong| wrong.plain));
            println!("| {} | **{ours}** | {plain} | {by_request} | {counted}", setting.title);
        }
    }
    println!(
        "\n| baseline, variant, requests on which they differ | pairs: found by {} requests | e-value | split | pairs: median | e-value | split |",
        number(f64::from(AT))
    );
    println!("|---|---|---|---|---|---|---|");
    for case in BETTER {
        let (of_a, of_b, discordant) = case;
        let title = format!("{of_a:.2}, {of_b:.2}, {:.0} %", 100.0 * discordant);
        let most = 40_000;
        let all = runs(&title, count / 2, began, |run| found(case, most, run));
        let tests: [fn(&Found) -> Option<u32>; 3] = [|run| run.ours, |run| run.e_value, |run| run.split];
        let [ours, e_value, split] = tests.map(|test| percent(share(&all, |run| test(run).is_some_and(|at| at <= AT))));
        let [our_median, e_median, split_median] = tests.map(|test| median(&all, test, most));
        println!("| {title} | **{ours}** | {e_value} | {split} | **{our_median}** | {e_median} | {split_median} |");
    }
}
