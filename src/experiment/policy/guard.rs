//! Whether guardrails hold.
//!
//! Each is a test that may be looked at at any time: its e-value is above 1/alpha at any look with a probability of at most alpha,
//! if there is nothing wrong. The alpha of a policy is shared out evenly among its tests (Bonferroni), so that all of them
//! together turn it back for nothing with a probability of at most alpha, over its whole life.

use serde::{Deserialize, Serialize};

use super::evidence::{Alarmed, Evidence, Requests};
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
            let trials = evidence.segments.iter().map(|segment| {
                let Requests { invocations, errors, .. } = segment.requests_of(variants);
                vec![Trials { hits: errors, misses: invocations.saturating_sub(errors), null: at_most }]
            });
            let trials: Vec<_> = trials.collect();
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
        Some(_) => format!(
            "{name} {does} {how_often} ({hits} of {all} {events} were its, where {} % would be by its share of the traffic; {} times are allowed)",
            short(expected * 100.0),
            short(at_most_times)
        ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::PromoteWhen;
    use crate::experiment::policy::plan::{Climb, Course};
    use crate::experiment::verdict::{Judged, Word};

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
