//! How often the verdict is wrong where there is no difference, looked at after every outcome, and how soon it sees one that is
//! there; beside GrowthBook's sequential test and a t-test that is peeked at. The tables and the picture of docs/verdict.md.

use std::collections::BTreeMap;
use std::f64::consts::{PI, SQRT_2};
use std::fmt::Write;
use std::time::Instant;

use turnout::statistics::{Effects, LEAST_UNITS, Mean, Sums, TUNED_FOR_UNITS, Tuning, welch};

use crate::figures::{number, percent, shown};
use crate::picture::{Area, Group, OURS, SECOND, THIRD, bars, below, drawn, grid, heading, legend, note};
use crate::random::{Random, runs};

const ALPHA: f64 = 0.05;
/// The product's first; the others to compare.
const TUNED_FOR: [f64; 3] = [TUNED_FOR_UNITS, 2_000.0, 20_000.0];
const OUTCOMES: u32 = 20_000;
const MOST_OUTCOMES: u32 = 60_000;
const UNITS: u32 = 3_000;
const BANDIT_EVERY: u32 = 500;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Weights {
    /// The share of b.
    Fixed(f64),
    /// 5, 10, 25, 50 %, a quarter of the outcomes each.
    Ramp,
    /// 50 %, and 5 % after a thousand outcomes.
    Back,
    /// New weights every 500 outcomes: the probability that b is better, and at least 10 % each.
    Bandit,
}

/// A way in which requests are assigned and outcomes come about.
#[derive(Clone, Copy, Debug)]
struct Setting {
    title: &'static str,
    /// Below the bars.
    label: [&'static str; 2],
    /// Units of unequal activity that stay in their arm, or requests that are each drawn.
    is_sticky: bool,
    weights: Weights,
    drifts: bool,
    /// Of a and b. Where units are sticky each has its own rate, of mean 1/4, and these multiply it.
    rates: [f64; 2],
    outcomes: u32,
}

const NO_DIFFERENCE: [Setting; 9] = {
    const DRAWN: Setting = Setting {
        title: "each request drawn, fixed 50/50",
        label: ["fixed", ""],
        is_sticky: false,
        weights: Weights::Fixed(0.5),
        drifts: false,
        rates: [0.2, 0.2],
        outcomes: OUTCOMES,
    };
    const STICKY: Setting = Setting { title: "sticky units, fixed 50/50", is_sticky: true, rates: [1.0, 1.0], ..DRAWN };
    const RAMP: Setting = Setting { label: ["ramp,", "drift"], weights: Weights::Ramp, drifts: true, ..DRAWN };
    const BANDIT: Setting = Setting { label: ["bandit,", "drift"], weights: Weights::Bandit, drifts: true, ..DRAWN };
    [
        DRAWN,
        Setting { title: "each request drawn, ramp, drift", ..RAMP },
        Setting { title: "each request drawn, bandit, drift", ..BANDIT },
        STICKY,
        Setting { title: "sticky units, ramp, drift", is_sticky: true, rates: [1.0, 1.0], ..RAMP },
        Setting { title: "sticky units, bandit, drift", is_sticky: true, rates: [1.0, 1.0], ..BANDIT },
        Setting {
            title: "each request drawn, fixed 95/5, rate .02",
            weights: Weights::Fixed(0.05),
            rates: [0.02, 0.02],
            ..DRAWN
        },
        Setting {
            title: "each request drawn, 50/50, then 95/5, rate .05",
            weights: Weights::Back,
            rates: [0.05, 0.05],
            ..DRAWN
        },
        Setting {
            title: "sticky units, fixed 95/5, mean rate .025",
            weights: Weights::Fixed(0.05),
            rates: [0.1, 0.1],
            ..STICKY
        },
    ]
};

const DIFFERENCES: [Setting; 4] = {
    const DRAWN: Setting = Setting { outcomes: MOST_OUTCOMES, ..NO_DIFFERENCE[0] };
    [
        Setting { title: ".10 against .12", rates: [0.10, 0.12], ..DRAWN },
        Setting { title: ".85 against .88", rates: [0.85, 0.88], ..DRAWN },
        Setting { title: ".20 against .22", rates: [0.20, 0.22], ..DRAWN },
        Setting {
            title: ".25 against .35, sticky units",
            rates: [1.0, 1.4],
            outcomes: MOST_OUTCOMES,
            ..NO_DIFFERENCE[3]
        },
    ]
};

// Data.

struct Unit {
    /// It is in b while the share of b is above.
    threshold: f64,
    rate: f64,
    /// Sum of the activities up to its own.
    activity: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Arm {
    A,
    B,
}

impl Arm {
    fn of<T>(self, [a, b]: &mut [T; 2]) -> &mut T {
        match self {
            Arm::A => a,
            Arm::B => b,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Arm::A => "a",
            Arm::B => "b",
        }
    }
}

#[derive(Clone, Copy)]
struct Outcome {
    /// Where requests are not each drawn.
    unit: Option<usize>,
    arm: Arm,
    propensity: f64,
    y: f64,
}

struct World<'a> {
    setting: &'a Setting,
    random: Random,
    units: Vec<Unit>,
    share_of_b: f64,
    /// What the bandit knows.
    seen: [Rate; 2],
}

impl<'a> World<'a> {
    fn new(setting: &'a Setting, run: u64) -> Self {
        let mut random = Random::of_run(run);
        let mut activity = 0.0;
        let units = (0..if setting.is_sticky { UNITS } else { 0 }).map(|_| {
            activity += (1.5 * random.normal()).exp();
            Unit { threshold: random.uniform(), rate: random.rate(), activity }
        });
        let units = units.collect();
        World { setting, random, units, share_of_b: 0.5, seen: [Rate::default(); 2] }
    }

    /// The outcome after `before` others.
    fn next(&mut self, before: u32) -> Outcome {
        let passed = f64::from(before) / f64::from(self.setting.outcomes);
        match self.setting.weights {
            Weights::Fixed(share) => self.share_of_b = share,
            Weights::Back => self.share_of_b = if before < 1_000 { 0.5 } else { 0.05 },
            Weights::Ramp => {
                let step = [(0.25, 0.05), (0.5, 0.10), (0.75, 0.25)].into_iter().find(|(until, _)| passed < *until);
                self.share_of_b = step.map_or(0.5, |(_, share)| share);
            }
            Weights::Bandit => {
                if before > 0 && before.is_multiple_of(BANDIT_EVERY) {
                    let [a, b] = self.seen;
                    let error = (a.variance_of_mean() + b.variance_of_mean()).sqrt();
                    let b_is_better = if error > 0.0 { normal_below((b.mean() - a.mean()) / error) } else { 0.5 };
                    self.share_of_b = b_is_better.clamp(0.1, 0.9);
                }
            }
        }
        let unit = self.units.last().map(|last| last.activity).map(|all| {
            let at = all * self.random.uniform();
            self.units.partition_point(|unit| unit.activity < at)
        });
        let known = unit.and_then(|unit| self.units.get(unit));
        let (draw, rate) = known.map_or_else(|| (self.random.uniform(), 1.0), |unit| (unit.threshold, unit.rate));
        let is_b = draw < self.share_of_b;
        let (arm, propensity) = if is_b { (Arm::B, self.share_of_b) } else { (Arm::A, 1.0 - self.share_of_b) };
        let drift = if self.setting.drifts { 1.0 + 0.8 * (3.0 * 2.0 * PI * passed).sin() } else { 1.0 };
        let rate = (rate * drift * *arm.of(&mut self.setting.rates.clone())).min(1.0);
        let y = f64::from(self.random.uniform() < rate);
        arm.of(&mut self.seen).add(y);
        Outcome { unit, arm, propensity, y }
    }
}

/// The standard normal distribution.
fn normal_below(z: f64) -> f64 {
    libm::erfc(-z / SQRT_2) / 2.0
}

/// A share of successes.
#[derive(Clone, Copy, Default)]
struct Rate {
    of: f64,
    sum: f64,
}

impl Rate {
    fn add(&mut self, y: f64) {
        self.of += 1.0;
        self.sum += y;
    }

    fn mean(self) -> f64 {
        self.sum / self.of
    }

    fn variance_of_mean(self) -> f64 {
        self.mean() * (1.0 - self.mean()) / self.of
    }
}

// Tests.

/// What a test said first, and after how many outcomes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Said {
    after: u32,
    b_is_better: bool,
}

/// Ours: the product's own code, put together as src/experiment/verdict.rs does.
struct Ours {
    effects: Effects,
    by_unit: bool,
    units: BTreeMap<usize, BTreeMap<String, Sums>>,
    tunings: Vec<Option<Tuning>>,
}

impl Ours {
    fn new(by_unit: bool, tunings: usize) -> Self {
        Ours { effects: Effects::default(), by_unit, units: BTreeMap::new(), tunings: vec![None; tunings] }
    }

    fn add(&mut self, outcome: Outcome) {
        let sums = self.effects.outcome(outcome.y, outcome.propensity);
        let name = outcome.arm.name();
        match outcome.unit.filter(|_| self.by_unit) {
            Some(unit) => {
                let unit = self.units.entry(unit).or_default();
                self.effects.add(name, sums, unit);
                match unit.get_mut(name) {
                    Some(known) => known.add(sums),
                    None => drop(unit.insert(name.to_owned(), sums)),
                }
            }
            None => self.effects.add(name, sums, &BTreeMap::new()),
        }
    }

    /// For each tuning whether b is better, where that may be said.
    fn look(&mut self) -> impl Iterator<Item = Option<bool>> {
        let (of_a, of_b) = (self.effects.units_of("a"), self.effects.units_of("b"));
        let is_known = of_a >= LEAST_UNITS && of_b >= LEAST_UNITS;
        let difference = if is_known { self.effects.cautious_difference("a", "b") } else { None };
        let n = self.effects.outcomes();
        self.tunings.iter_mut().zip(TUNED_FOR).map(move |(tuning, tuned_for)| {
            let difference = difference?;
            if tuning.is_none() {
                // What is tuned for fewer units is tuned as though there were more already.
                let units = (of_a + of_b) * TUNED_FOR_UNITS / tuned_for;
                *tuning = Tuning::new(difference, n, units, ALPHA);
            }
            let (low, high) = (*tuning)?.look(difference, n, ALPHA).interval;
            (low > 0.0 || high < 0.0).then_some(low > 0.0)
        })
    }
}

/// GrowthBook's sequential test (gbstats, `SequentialTwoSidedTTest`), of means with a variance.
fn growthbook(difference: f64, variance: f64, n: f64) -> Option<bool> {
    let log = -2.0 * ALPHA.ln();
    let rho_squared = (log + (1.0 + log).ln()) / 5_000.0;
    let grown = n * rho_squared + 1.0;
    let half = (variance * n * 2.0 * grown / (n * n * rho_squared) * (grown.sqrt() / ALPHA).ln()).sqrt();
    (difference.abs() > half).then_some(difference > 0.0)
}

/// Sums over units of m (their sum of y) and d (their outcomes).
#[derive(Clone, Copy, Default)]
struct UnitSums {
    units: f64,
    m: f64,
    d: f64,
    mm: f64,
    dd: f64,
    md: f64,
}

impl UnitSums {
    fn add(&mut self, sign: f64, Rate { of: d, sum: m }: Rate) {
        for (sum, more) in [
            (&mut self.units, 1.0),
            (&mut self.m, m),
            (&mut self.d, d),
            (&mut self.mm, m * m),
            (&mut self.dd, d * d),
            (&mut self.md, m * d),
        ] {
            *sum += sign * more;
        }
    }

    /// The ratio of m to d, and its variance by the delta method.
    fn ratio(self) -> (f64, f64) {
        let n = self.units;
        let (m, d) = (self.m / n, self.d / n);
        let spread = |sum: f64, product: f64| (sum / n - product) * n / (n - 1.0);
        let (vm, vd, cov) = (spread(self.mm, m * m), spread(self.dd, d * d), spread(self.md, m * d));
        (m / d, (vm / d.powi(2) + vd * m.powi(2) / d.powi(4) - 2.0 * cov * m / d.powi(3)) / n)
    }
}

/// GrowthBook's by unit: a ratio metric. It drops units that were in both arms.
#[derive(Default)]
struct GrowthBookByUnit {
    arms: [UnitSums; 2],
    units: BTreeMap<usize, Option<(Arm, Rate)>>,
}

impl GrowthBookByUnit {
    fn add(&mut self, unit: usize, outcome: Outcome) {
        let Some((arm, rate)) = self.units.entry(unit).or_insert(Some((outcome.arm, Rate::default()))) else { return };
        let of_arm = arm.of(&mut self.arms);
        if rate.of > 0.0 {
            of_arm.add(-1.0, *rate);
        }
        if *arm == outcome.arm {
            rate.add(outcome.y);
            of_arm.add(1.0, *rate);
        } else {
            self.units.insert(unit, None);
        }
    }

    fn look(&self) -> Option<bool> {
        let [a, b] = self.arms;
        if a.units < LEAST_UNITS || b.units < LEAST_UNITS {
            return None;
        }
        let ((of_a, va), (of_b, vb)) = (a.ratio(), b.ratio());
        growthbook(of_b - of_a, va + vb, a.units + b.units)
    }
}

/// Welch's t-test as though it were looked at once.
fn peeked([a, b]: [Rate; 2]) -> Option<bool> {
    let mean = |rate: Rate| Mean {
        value: rate.mean(),
        error: (rate.mean() * (1.0 - rate.mean()) / (rate.of - 1.0)).sqrt(),
        of: rate.of,
    };
    let (a, b) = (mean(a), mean(b));
    // A t is above its quantile only where it is above the normal distribution's, which takes less time to tell.
    if (b.value - a.value).abs() < 1.959 * a.error.hypot(b.error) {
        return None;
    }
    let p_value = welch(a, b, ALPHA)?.p_value;
    (p_value < ALPHA).then_some(b.value > a.value)
}

/// What each test said in one run.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// By tuning.
    ours: [Option<Said>; 3],
    ours_by_request: Option<Said>,
    growthbook: Option<Said>,
    growthbook_by_unit: Option<Said>,
    peeked: Option<Said>,
}

impl Run {
    fn of(setting: &Setting, run: u64) -> Run {
        let is_power = setting.rates.first() != setting.rates.last();
        let mut world = World::new(setting, run);
        let (mut ours, mut by_request) = (Ours::new(true, 3), Ours::new(false, 1));
        let mut by_unit = GrowthBookByUnit::default();
        let mut said = Run::default();
        for (before, after) in (0..setting.outcomes).zip(1..) {
            let outcome = world.next(before);
            let note = |said: &mut Option<Said>, b_is_better: Option<bool>| {
                if said.is_none() {
                    *said = b_is_better.map(|b_is_better| Said { after, b_is_better });
                }
            };
            ours.add(outcome);
            for (said, look) in said.ours.iter_mut().zip(ours.look()) {
                note(said, look);
            }
            if let Some(unit) = outcome.unit {
                by_unit.add(unit, outcome);
                note(&mut said.growthbook_by_unit, by_unit.look());
            }
            let [a, b] = world.seen;
            if a.of >= LEAST_UNITS && b.of >= LEAST_UNITS {
                let variance = a.variance_of_mean() + b.variance_of_mean();
                note(&mut said.growthbook, growthbook(b.mean() - a.mean(), variance, a.of + b.of));
                if !is_power && said.peeked.is_none() {
                    note(&mut said.peeked, peeked(world.seen));
                }
            }
            if !is_power && setting.is_sticky && said.ours_by_request.is_none() {
                by_request.add(outcome);
                note(&mut said.ours_by_request, by_request.look().next().flatten());
            }
            if is_power && said.ours.iter().all(Option::is_some) && said.growthbook_best(setting).is_some() {
                break;
            }
        }
        if !setting.is_sticky {
            // Each request is a unit.
            let [first, ..] = said.ours;
            said.ours_by_request = first;
        }
        said
    }

    /// By unit, where there are units.
    fn growthbook_best(&self, setting: &Setting) -> Option<Said> {
        if setting.is_sticky { self.growthbook_by_unit } else { self.growthbook }
    }
}

// What is printed.

fn share(runs: &[Run], is_so: impl Fn(&Run) -> bool) -> f64 {
    runs.iter().filter(|run| is_so(run)).count() as f64 / runs.len() as f64
}

fn print_false(settings: &[(&Setting, Vec<Run>)]) {
    println!(
        "| no difference | ours | ours by request | GrowthBook, by request | GrowthBook, by unit | t-test, peeking |"
    );
    println!("|---|---|---|---|---|---|");
    for (setting, runs) in settings {
        let n = runs.len() as f64;
        let share = |said: Test<'_>| share(runs, |run| said(run).is_some());
        let shown = |share: f64| shown(share, n);
        let sticky = |text: String| if setting.is_sticky { text } else { "the same".to_owned() };
        println!(
            "| {} | **{}** | {} | {} | {} | {} |",
            setting.title,
            shown(share(&first)),
            sticky(shown(share(&|run| run.ours_by_request))),
            shown(share(&|run| run.growthbook)),
            sticky(shown(share(&|run| run.growthbook_by_unit))),
            shown(share(&|run| run.peeked)),
        );
    }
    println!("\n| no difference, ours tuned for | 2,000 units | 5,000 units | 20,000 units |");
    println!("|---|---|---|---|");
    for (setting, runs) in settings {
        let [at_5_000, at_2_000, at_20_000] = tunings().map(|said| percent(share(runs, |run| said(run).is_some())));
        println!("| {} | {at_2_000} | {at_5_000} | {at_20_000} |", setting.title);
    }
}

/// What a test said in a run.
type Test<'a> = &'a dyn Fn(&Run) -> Option<Said>;

fn first(run: &Run) -> Option<Said> {
    run.ours.first().copied().flatten()
}

/// What ours said, by tuning.
fn tunings() -> [fn(&Run) -> Option<Said>; 3] {
    [first, |run| run.ours.get(1).copied().flatten(), |run| run.ours.get(2).copied().flatten()]
}

/// Outcomes that a z-test of two shares needs that is looked at once, two-sided at 5 %.
fn fixed_size([a, b]: [f64; 2], z_of_power: f64) -> f64 {
    let per_arm = (1.959_964 + z_of_power).powi(2) * (a * (1.0 - a) + b * (1.0 - b)) / (b - a).powi(2);
    2.0 * per_arm.ceil()
}

const Z_80: f64 = 0.841_621;
const Z_90: f64 = 1.281_552;

/// After how many outcomes so many of the runs had been decided rightly.
fn quantile(runs: &[Run], said: impl Fn(&Run) -> Option<Said>, at: f64) -> String {
    let mut after: Vec<u32> =
        runs.iter().filter_map(said).filter(|said| said.b_is_better).map(|said| said.after).collect();
    after.sort_unstable();
    let needed = (at * runs.len() as f64).ceil() as usize;
    after
        .get(needed.saturating_sub(1))
        .map_or_else(|| format!("> {}", number(f64::from(MOST_OUTCOMES))), |n| number(f64::from(*n)))
}

fn print_power(settings: &[(&Setting, Vec<Run>)]) {
    println!(
        "\n| difference | test | decided rightly | wrongly | median | 90 % quantile | fixed sample, 80 % power | 90 % power |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (setting, runs) in settings {
        let [tuned_for_5_000, tuned_for_2_000, tuned_for_20_000] = tunings();
        let growthbook = |run: &Run| run.growthbook_best(setting);
        let tests: [(&str, Test<'_>); 4] = [
            ("**ours**", &tuned_for_5_000),
            ("GrowthBook", &growthbook),
            ("ours, tuned for 2,000 units", &tuned_for_2_000),
            ("ours, tuned for 20,000 units", &tuned_for_20_000),
        ];
        let fixed = |z| if setting.is_sticky { "".to_owned() } else { number(fixed_size(setting.rates, z)) };
        for (name, said) in tests {
            println!(
                "| {} | {name} | {} | {} | {} | {} | {} | {} |",
                setting.title,
                percent(share(runs, |run| said(run).is_some_and(|said| said.b_is_better))),
                percent(share(runs, |run| said(run).is_some_and(|said| !said.b_is_better))),
                quantile(runs, said, 0.5),
                quantile(runs, said, 0.9),
                fixed(Z_80),
                fixed(Z_90),
            );
        }
    }
}

// The picture.

fn picture(
    no_difference: &[(&Setting, Vec<Run>)],
    difference: &(&Setting, Vec<Run>),
) -> Result<String, std::fmt::Error> {
    drawn("False verdicts where there is no difference, and how soon a difference is seen", |out| {
        // The first six: two groups of three.
        false_verdicts(out, no_difference.get(..6).unwrap_or(no_difference))?;
        curves(out, difference)
    })
}

/// The left half: false verdicts.
fn false_verdicts(out: &mut String, settings: &[(&Setting, Vec<Run>)]) -> std::fmt::Result {
    let area = Area { left: 56.0, right: 476.0, top: 84.0, bottom: 332.0 };
    heading(out, 20.0, "False verdicts where there is no difference")?;
    for (x, colour, name) in
        [(20.0, OURS, "Turnout"), (98.0, SECOND, "GrowthBook, sequential"), (272.0, THIRD, "t-test, peeked at")]
    {
        legend(out, x, 46.0, colour, name)?;
    }
    let groups = settings.iter().map(|(setting, runs)| Group {
        label: setting.label,
        bars: vec![
            (OURS, share(runs, |run| first(run).is_some())),
            (SECOND, share(runs, |run| run.growthbook_best(setting).is_some())),
            (THIRD, share(runs, |run| run.peeked.is_some())),
        ],
    });
    bars(out, area, &groups.collect::<Vec<_>>(), Some(ALPHA))?;
    below(out, area, &["each request drawn", "sticky units"])?;
    let outcomes = number(f64::from(OUTCOMES));
    note(out, 20.0, 408.0, &format!("Share of runs, in %, of {outcomes} outcomes, looked at after each."))
}

/// The right half: how soon a difference is seen.
fn curves(out: &mut String, (setting, runs): &(&Setting, Vec<Run>)) -> std::fmt::Result {
    let area = Area { left: 550.0, right: 866.0, top: 84.0, bottom: 332.0 };
    let Area { left, right, top, bottom } = area;
    let most = 40_000.0;
    let x = |outcomes: f64| left + outcomes / most * (right - left);
    let y = |share: f64| bottom - share * (bottom - top);
    heading(out, 512.0, &format!("Decided, where it is {}", setting.title))?;
    legend(out, 512.0, 46.0, OURS, "Turnout")?;
    legend(out, 590.0, 46.0, SECOND, "GrowthBook, sequential")?;
    grid(out, area)?;
    for outcomes in [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0] {
        writeln!(
            out,
            r#"<text x="{:.1}" y="{}" text-anchor="middle" font-size="11">{}</text>"#,
            x(outcomes),
            bottom + 16.0,
            number(outcomes)
        )?;
    }
    writeln!(
        out,
        r#"<text x="{}" y="{}" text-anchor="middle">outcomes</text>"#,
        f64::midpoint(left, right),
        bottom + 34.0
    )?;
    for (z, name, dy) in [(Z_80, "80 %", 0.0), (Z_90, "90 %", 13.0)] {
        let at = x(fixed_size(setting.rates, z));
        writeln!(out, r##"<path d="M{at:.1} {top}V{bottom}" stroke="#777" stroke-dasharray="2 3"/>"##)?;
        writeln!(out, r#"<text x="{:.1}" y="{}" font-size="10">{name}</text>"#, at + 3.0, bottom - 18.0 + dy)?;
    }
    let growthbook = |run: &Run| run.growthbook_best(setting);
    let tests: [(&str, &str, Test<'_>); 2] = [(SECOND, "4.5", &growthbook), (OURS, "2", &first)];
    for (colour, width, said) in tests {
        let mut line = String::new();
        for step in 0..=160 {
            let outcomes = most * f64::from(step) / 160.0;
            let decided = share(runs, |run| said(run).is_some_and(|said| f64::from(said.after) <= outcomes));
            write!(line, "{}{:.1} {:.1}", if step == 0 { "M" } else { "L" }, x(outcomes), y(decided))?;
        }
        writeln!(
            out,
            r#"<path d="{line}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>"#
        )?;
    }
    note(out, 512.0, 392.0, "Dotted: the size at which a z-test, looked at only once, would have")?;
    note(out, 512.0, 408.0, "80 % and 90 % power, if the difference were known before.")
}

/// Prints the tables of docs/verdict.md, and draws its picture.
pub fn simulate(count: u64, began: Instant) -> Result<String, std::fmt::Error> {
    let all = |settings: &'static [Setting], count| -> Vec<(&Setting, Vec<Run>)> {
        settings
            .iter()
            .map(|setting| (setting, runs(setting.title, count, began, |run| Run::of(setting, run))))
            .collect()
    };
    let no_difference = all(&NO_DIFFERENCE, count);
    print_false(&no_difference);
    let differences = all(&DIFFERENCES, count / 2);
    print_power(&differences);
    match differences.first() {
        Some(shown) => picture(&no_difference, shown),
        None => Ok(String::new()),
    }
}
