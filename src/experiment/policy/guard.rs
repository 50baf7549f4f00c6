//! Whether guardrails hold.
//!
//! Each is a test that may be looked at at any time: its e-value is above 1/alpha at any look with a probability of at most alpha,
//! if there is nothing wrong. The alpha of a policy is shared out evenly among its tests (Bonferroni), so that all of them
//! together turn it back for nothing with a probability of at most alpha, over its whole life.

use serde::{Deserialize, Serialize};

use super::evidence::{Alarmed, Evidence};
use super::plan::{Plan, share_of};
use crate::endpoint::{Guardrail, Then, Watch};
use crate::experiment::alarm::State;
use crate::experiment::tally::Event;
use crate::statistics::{Mismatch, Segment as Counted, Trials, log_e_of_odds_since_any, ratio_estimate};

/// From there on a ratio is only a sign that hardly any of the others' requests went wrong.
const FAR_MORE: f64 = 1_000.0;

/// What a guardrail says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guarded {
    /// What is watched, as the document has it.
    pub metric: String,
    /// Of whom; absent of what is watched of the whole endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What is done where it is breached.
    pub then: Then,
    /// Whether it is.
    pub breached: bool,
    /// What was found, in the limit's own unit; absent where nothing is known yet.
    pub value: Option<f64>,
    /// Up to what it is allowed; absent where there is no figure for that.
    pub limit: Option<f64>,
    /// The logarithm of the e-value; absent of what is no test, and where it is infinite.
    pub log_e: Option<f64>,
    /// At which it is breached.
    pub log_e_limit: Option<f64>,
    /// It is breached for nothing with this probability at most, over all looks.
    pub alpha: Option<f64>,
    /// The same as a sentence.
    pub says: String,
}

/// A test's outcome, as far as it is told apart by what is watched.
struct Tested {
    log_e: f64,
    value: Option<f64>,
    limit: Option<f64>,
    found: String,
}

/// What all guardrails of a policy say.
pub(super) fn guard(plan: &Plan, evidence: &Evidence, since_ms: f64) -> Vec<Guarded> {
    let mut guarded: Vec<Guarded> = evidence.alarms.iter().map(alarmed).collect();
    for guardrail in &plan.guardrails {
        match guardrail.watch {
            Watch::NoTraffic { minutes } => guarded.push(no_traffic(guardrail, minutes.ms(), evidence, since_ms)),
            Watch::Mismatch => guarded.push(judged(guardrail, plan, None, mismatch(evidence))),
            watch => {
                for (name, variants) in plan.watched() {
                    let tested = test(watch, plan, evidence, &name, &variants);
                    guarded.push(judged(guardrail, plan, Some(name), tested));
                }
            }
        }
    }
    guarded
}

/// An alarm is no test: whoever made it said when it goes off. Where nothing is known it does not.
pub(super) fn alarmed(alarm: &Alarmed) -> Guarded {
    let Alarmed { name, threshold, evaluated } = alarm;
    let breached = evaluated.state == State::Alarm;
    let state = match evaluated.state {
        State::Alarm => "has gone off",
        State::Ok => "is quiet",
        State::InsufficientData => "knows nothing",
    };
    Guarded {
        metric: "alarm".to_owned(),
        variant: None,
        then: Then::RollBack,
        breached,
        value: evaluated.datapoints.iter().flatten().next().copied(),
        limit: Some(*threshold),
        log_e: None,
        log_e_limit: None,
        alpha: None,
        says: format!("the alarm `{name}` {state}: {}.", evaluated.reason),
    }
}

fn judged(guardrail: &Guardrail, plan: &Plan, variant: Option<String>, tested: Tested) -> Guarded {
    let Tested { log_e, value, limit, found } = tested;
    let alpha = plan.alpha_each();
    let log_e_limit = -alpha.ln();
    let breached = log_e >= log_e_limit;
    let percent = (alpha * 1e4).round() / 100.0;
    let says = match breached {
        true => format!("{found}; by chance alone that would be so at most {percent} % of the time."),
        false => format!("{found}: nothing that chance could not do."),
    };
    Guarded {
        metric: guardrail.watch.as_str().to_owned(),
        variant,
        then: guardrail.then,
        breached,
        value,
        limit,
        log_e: Some(log_e).filter(|log_e| log_e.is_finite()),
        log_e_limit: Some(log_e_limit),
        alpha: Some(alpha),
        says,
    }
}

fn test(watch: Watch, plan: &Plan, evidence: &Evidence, name: &str, variants: &[String]) -> Tested {
    let one_way = plan.climb().is_some();
    match watch {
        Watch::Errors { at_most_times } => {
            let trials = evidence.trials(Event::Error, variants, one_way);
            more_often(&trials, at_most_times, name, ("fails", "failures"))
        }
        Watch::Slow { at_most_times, origin_ms } => {
            let trials = evidence.trials(Event::Slow, variants, one_way);
            let slow = format!("takes more than {origin_ms} ms");
            more_often(&trials, at_most_times, name, (&slow, "slow answers"))
        }
        Watch::Absolute { at_most } => {
            let requests = evidence.requests(variants);
            let trials = evidence.failures(variants, at_most);
            let rate = requests.errors as f64 / requests.invocations as f64;
            Tested {
                log_e: log_e_of_odds_since_any(&trials, 1.0),
                value: Some(rate).filter(|rate| rate.is_finite()),
                limit: Some(at_most),
                found: format!(
                    "{name} has failed {} of {} requests; {} % are allowed",
                    requests.errors,
                    requests.invocations,
                    short(at_most * 100.0)
                ),
            }
        }
        Watch::Goal => match evidence.judged.get(alone(name, variants)) {
            Some(judged) => Tested {
                log_e: judged.log_e_of_worse,
                value: judged.difference,
                limit: Some(0.0),
                found: judged.says.trim_end_matches('.').to_owned(),
            },
            None => Tested { log_e: 0.0, value: None, limit: Some(0.0), found: format!("{name} has no outcomes yet") },
        },
        // These are not about one variant.
        Watch::Mismatch | Watch::NoTraffic { .. } => mismatch(evidence),
    }
}

/// Who is judged: the variant, where the name stands for that one alone.
pub(super) fn alone<'a>(name: &'a str, variants: &'a [String]) -> &'a str {
    match variants {
        [only] => only,
        _ => name,
    }
}

fn more_often(segments: &[Vec<Trials>], at_most_times: f64, name: &str, (does, events): (&str, &str)) -> Tested {
    let trials: Vec<Trials> =
        segments.iter().flatten().copied().filter(|trials| trials.null > 0.0 && trials.null < 1.0).collect();
    let (hits, all) = trials.iter().fold((0u64, 0u64), |(hits, all), trial| {
        (hits.saturating_add(trial.hits), all.saturating_add(trial.hits).saturating_add(trial.misses))
    });
    let times = ratio_estimate(&trials);
    let expected: f64 =
        trials.iter().map(|trial| (trial.hits as f64 + trial.misses as f64) * trial.null).sum::<f64>() / all as f64;
    let how_often = match times {
        Some(times) if times > FAR_MORE => "far more often than the others".to_owned(),
        Some(times) => format!("about {} times as often as the others", short(times)),
        None => String::new(),
    };
    let found = match times {
        Some(_) => {
            let allowed = match at_most_times {
                1.0 => String::new(),
                times => format!("; {} times are allowed", short(times)),
            };
            let share = short(expected * 100.0);
            format!(
                "{name} {does} {how_often} ({hits} of {all} {events} were its, where {share} % would be by its share of the traffic{allowed})"
            )
        }
        None => format!("there were no {events} to compare {name} by"),
    };
    Tested { log_e: log_e_of_odds_since_any(segments, at_most_times), value: times, limit: Some(at_most_times), found }
}

/// The sample ratio of what the policy itself has split.
fn mismatch(evidence: &Evidence) -> Tested {
    let counts = evidence.segments.iter().flat_map(|segment| {
        let drawn = segment.requests.iter().map(|(name, requests)| (name, requests.drawn));
        let units = segment.units.iter().map(|(name, units)| (name, *units));
        // Who draws request by request, and who by unit, are two samples.
        [(segment, drawn.collect::<Vec<_>>()), (segment, units.collect())]
    });
    let segments: Vec<Counted> = counts
        .filter_map(|(segment, counts)| {
            let counted = |name: &str| counts.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count);
            let strangers = counts.iter().filter(|(name, _)| share_of(&segment.shares, name) <= 0.0);
            let stray: u64 = strangers.fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
            let known = segment.shares.iter().filter(|(_, share)| *share > 0.0);
            Counted::new(known.map(|(name, share)| (counted(name), *share)).chain([(stray, 0.0)])).ok()
        })
        .collect();
    let log_e = Mismatch::of(&segments).log_e;
    let found = match log_e > 0.0 {
        true => "the traffic is not divided as the weights say, or requests of one variant are lost".to_owned(),
        false => "the traffic is divided as the weights say".to_owned(),
    };
    Tested { log_e, value: None, limit: None, found }
}

fn no_traffic(guardrail: &Guardrail, limit_ms: f64, evidence: &Evidence, since_ms: f64) -> Guarded {
    let quiet_ms = (evidence.now_ms - evidence.heard_ms.unwrap_or(0.0).max(since_ms)).max(0.0);
    let breached = quiet_ms > limit_ms;
    let minutes = |ms: f64| short(ms / 60_000.0);
    let says = match breached {
        true => format!("no request has come for {} minutes.", minutes(quiet_ms)),
        false => format!("requests come; {} minutes without any are allowed.", minutes(limit_ms)),
    };
    Guarded {
        metric: guardrail.watch.as_str().to_owned(),
        variant: None,
        then: guardrail.then,
        breached,
        value: Some(quiet_ms / 60_000.0),
        limit: Some(limit_ms / 60_000.0),
        log_e: None,
        log_e_limit: None,
        alpha: None,
        says,
    }
}

/// A number with three digits, as people read it.
pub(super) fn short(number: f64) -> String {
    if !number.is_finite() || number == 0.0 {
        return format!("{number}");
    }
    let decimals = (2.0 - number.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use rand_core::Rng;

    use super::super::evidence::{Requests, Segment, UnitEvents};
    use super::super::plan::{Climb, Course};
    use super::*;
    use crate::assignment::{Randomness, seeded};
    use crate::endpoint::{Endpoint, PromoteWhen};
    use crate::experiment::verdict::Judged;
    use crate::experiment::wording::Word;

    const UNITS: usize = 1_000;
    const STEPS: [f64; 5] = [0.01, 0.05, 0.25, 0.5, 1.0];
    const REQUESTS_A_STEP: usize = 2_000;
    const LOOK_EVERY: usize = 200;

    /// Where it is on the ring, how often it fails (2 % on average), and in which segment and variant it failed last.
    type Unit = (f64, f64, Option<(usize, bool)>);

    fn uniform(random: &mut Randomness) -> f64 {
        (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn plan(guardrails: &str) -> Plan {
        let document = format!(
            r#"{{"variants": [{{"name": "a", "weight": 1, "origin": {{"url": "https://a.example"}}}},
                {{"name": "b", "weight": 0, "origin": {{"url": "https://b.example"}}}}], "guardrails": {guardrails},
                "policy": {{"ramp": {{"to": "b", "percent": [1, 5, 25, 50, 100], "step_minutes": 1}}}}}}"#
        );
        Plan::of(&Endpoint::parse(document.as_bytes()).unwrap()).unwrap()
    }

    /// Which of these turned a ramp back: errors as they are counted, every error by itself, the absolute rate as it is counted,
    /// and every failure by itself.
    fn ramp(seed: u64, times: f64) -> [bool; 4] {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut random = seeded(bytes);
        // Seeds that are nearly alike begin nearly alike.
        (0..20).for_each(|_| {
            random.next_u64();
        });
        let errors = plan(r#"[{"metric": "errors"}]"#);
        let absolute = plan(r#"[{"metric": "absolute", "at_most": 0.05}]"#);
        let mut units: Vec<Unit> =
            (0..UNITS).map(|_| (uniform(&mut random), 0.02 * 10.0 * uniform(&mut random).powi(9), None)).collect();
        let mut evidence = Evidence::default();
        let mut turned = [false; 4];
        let name = |is_b: bool| if is_b { "b" } else { "a" }.to_owned();
        for (step, share) in STEPS.into_iter().enumerate() {
            let shares = vec![("a".to_owned(), 1.0 - share), ("b".to_owned(), share)];
            let requests = [false, true].map(|is_b| (name(is_b), Requests::default()));
            evidence.segments.push(Segment { shares, requests: requests.into(), ..Segment::default() });
            for at in 0..REQUESTS_A_STEP {
                // The third power of a uniform number: some units send many times as many as others.
                let unit = (uniform(&mut random).powi(3) * UNITS as f64) as usize;
                let (place, rate, failed) = &mut units[unit];
                let is_b = *place < share;
                let swing = 1.0 + 0.8 * (at as f64 / 900.0 * std::f64::consts::TAU).sin();
                let counted = evidence.segments[step].requests.get_mut(&name(is_b)).unwrap();
                counted.invocations += 1;
                if uniform(&mut random) < *rate * swing * if is_b { times } else { 1.0 } {
                    counted.errors += 1;
                    if failed.is_none_or(|(known, _)| known != step) {
                        let before = failed.map(|(segment, was_b)| (segment, name(was_b)));
                        let variant = name(is_b);
                        evidence.units.push(UnitEvents {
                            event: Event::Error,
                            segment: step,
                            variant,
                            before,
                            count: 1,
                        });
                        *failed = Some((step, is_b));
                    }
                }
                if at % LOOK_EVERY != 0 {
                    continue;
                }
                let breached = |plan: &Plan, evidence: &Evidence| guard(plan, evidence, 0.0)[0].breached;
                let mut naive = evidence.clone();
                naive.units.clear();
                for requests in naive.segments.iter_mut().flat_map(|segment| segment.requests.values_mut()) {
                    (requests.drawn, requests.drawn_errors) = (requests.invocations, requests.errors);
                }
                turned[0] |= breached(&errors, &evidence);
                turned[1] |= breached(&errors, &naive);
                turned[2] |= breached(&absolute, &evidence);
                turned[3] |= breached(&absolute, &naive);
            }
        }
        turned
    }

    fn count(times: f64, runs: u64) -> [usize; 4] {
        let all: Vec<_> = (0..runs).map(|seed| ramp(seed, times)).collect();
        std::array::from_fn(|at| all.iter().filter(|turned| turned[at]).count())
    }

    /// `benches/simulate/sticky.rs` does it at length.
    #[test]
    fn sticky_units_that_fail_again_and_again_turn_no_ramp_back() {
        let [errors, every_error, absolute, every_failure] = count(1.0, 300);
        // Three standard errors above 5 %.
        let most = 300.0 * 0.05 + 3.0 * (300.0f64 * 0.05 * 0.95).sqrt();
        assert!(errors as f64 <= most && absolute as f64 <= most, "{errors} and {absolute}");
        // Or there would be nothing to be careful about.
        assert!(every_error as f64 > most && every_failure > absolute, "{every_error} and {every_failure}");
    }

    #[test]
    fn a_variant_that_fails_more_often_is_turned_back_with_sticky_units_as_well() {
        let [errors, _, absolute, _] = count(6.0, 30);
        assert!(errors >= 29 && absolute >= 27, "{errors} and {absolute}");
    }

    #[test]
    fn failures_of_one_unit_count_as_one() {
        let requests = Requests { invocations: 110, errors: 20, drawn: 10, drawn_errors: 2, drawn_slow: 0 };
        let segment = Segment { requests: [("b".to_owned(), requests)].into(), ..Segment::default() };
        let failed = |segment: usize, variant: &str, before: Option<(usize, String)>, count: u64| UnitEvents {
            event: Event::Error,
            segment,
            variant: variant.to_owned(),
            before,
            count,
        };
        let mut evidence = Evidence { segments: vec![segment], ..Evidence::default() };
        evidence.units = vec![failed(0, "b", None, 2), failed(0, "b", Some((0, "a".to_owned())), 1)];
        // What failed before, and what others failed, says nothing of how many units of these did.
        evidence.units.push(failed(0, "b", Some((0, "b".to_owned())), 5));
        evidence.units.push(failed(0, "a", None, 7));
        let of = |hits, misses| Trials { hits, misses, null: 0.05 };
        // 18 failures of 3 units: six each. 82 others.
        assert_eq!(evidence.failures(&["b".to_owned()], 0.05), [[of(2, 8), of(3, 14)]]);
        // Nobody was told which units they were.
        evidence.units.clear();
        assert_eq!(evidence.failures(&["b".to_owned()], 0.05), [[of(2, 8), of(1, 5)]]);
    }

    #[test]
    fn a_deployment_of_one_variant_is_judged_by_its_verdict() {
        let climb = Climb {
            to_name: "configuration new".to_owned(),
            from: vec![("a".to_owned(), 1.0), ("a-2".to_owned(), 0.0)],
            to: vec![("a".to_owned(), 0.0), ("a-2".to_owned(), 1.0)],
            percent: vec![10.0, 100.0],
            step_ms: 0.0,
            step_invocations: 0,
            step_outcomes: 0,
            promote_when: PromoteWhen::NoBreach,
        };
        let guardrails = vec![Guardrail { watch: Watch::Goal, then: Then::RollBack }];
        let plan = Plan { course: Course::Ramp(climb), guardrails, alpha: 0.05, deployment: None };
        let judged = Judged {
            verdict: Word::Worse,
            says: "a-2 is worse than a.".to_owned(),
            difference: Some(-0.1),
            interval: None,
            more_outcomes: None,
            log_e_of_worse: 5.0,
        };
        let judged = [("a-2".to_owned(), judged)].into();
        let evidence = Evidence { judged, ..Evidence::default() };
        let [guarded] = guard(&plan, &evidence, 0.0).try_into().unwrap();
        assert_eq!((guarded.breached, guarded.variant.as_deref()), (true, Some("configuration new")));
        assert!(guarded.says.starts_with("a-2 is worse than a;"), "{}", guarded.says);
    }
}
