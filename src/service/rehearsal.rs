//! A policy that is tried on assumed traffic, before it is started.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::experiment::misunderstood;
use super::{Error, Service};
use crate::assignment::seeded;
use crate::endpoint::{Endpoint, Name};
use crate::experiment::{
    ActError, Answer, Assumed, Command, ComparedBy, Course, Plan, Rates, Refusal, Rehearsed, Shares, Status, rehearse,
};
use crate::isolate::EndpointError;
use crate::platform::Platform;
use crate::request::RequestError;

/// What is to be tried.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trial {
    /// Of all variants together, in a minute; what was recorded of the last hour, where it is absent.
    pub requests_per_minute: Option<f64>,
    /// What variants do, as far as it is to be other than what was recorded.
    pub variants: BTreeMap<Name, TriedRates>,
    /// How much the rates of errors go up and down, 0 to 1.
    pub swing: f64,
    /// Minutes from one time that they are up to the next.
    pub swing_minutes: Option<f64>,
    /// How many times as many errors a fault is.
    pub fault_times: Option<f64>,
    /// How often each case is tried, 1 to 1,000.
    pub runs: Option<u32>,
}

/// What a variant does, as far as it is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TriedRates {
    errors: Option<f64>,
    slow: Option<f64>,
    told: Option<f64>,
    mean: Option<f64>,
    deviation: Option<f64>,
}

/// What a trial has shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialReport {
    /// The same in a few sentences.
    pub says: Vec<String>,
    /// What was assumed.
    pub assumed: Assumed,
    /// How often each case was tried.
    pub runs: u32,
    /// As it is assumed.
    pub expected: Summary,
    /// If all variants were as those are that have the traffic now. Whatever turns back is a false alarm.
    pub no_difference: Summary,
    /// If the variant failed so many times as often. Whatever comes to its end is a missed fault.
    pub fault: Summary,
    /// The share of its requests that the variant fails then.
    pub fault_errors: f64,
}

/// How rehearsals of one case went.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Parts of the runs that came to their end, 0 to 1.
    pub done: f64,
    /// That were rolled back.
    pub rolled_back: f64,
    /// That paused.
    pub paused: f64,
    /// That had not ended when the time was over.
    pub running: f64,
    /// The guardrails that were breached, by the part of the runs.
    pub breached: BTreeMap<String, f64>,
    /// When they ended, in minutes: the tenth, the half and nine tenths of those that did.
    pub minutes: Option<[f64; 3]>,
    /// When the steps began, in minutes: the median of the runs that came so far, and which part that was.
    pub steps: Vec<(f64, f64)>,
}

const RUNS: u32 = 100;
const MOST_RUNS: u32 = 1_000;
/// The most looks of a run: a hundred steps of the least time.
const MOST_LOOKS: usize = 2_000;
/// A fault is at least this share of the requests: twice nothing is nothing.
const LEAST_FAULT: f64 = 0.01;

impl<P: Platform> Service<'_, P> {
    /// Tries an endpoint's policy, or the one of the document that is given, on traffic as it was recorded or is assumed. Only
    /// the administrator is to do that.
    ///
    /// # Errors
    /// If there is no policy to try, or something is assumed that cannot be.
    pub async fn try_policy(&self, name: &Name, document: Option<&str>, trial: &Trial) -> Result<TrialReport, Error> {
        let endpoint = match document {
            Some(document) => {
                Endpoint::parse(document.as_bytes()).map_err(|error| Refusal::Document(error.to_string()))
            }
            None => {
                let configured = self.configured(name).await?;
                configured.endpoint.map_err(|error| Refusal::Broken(error.in_full()))
            }
        };
        let endpoint = endpoint.map_err(Error::Refused)?;
        let plan = Plan::of(&endpoint).map_err(ActError::from)?;
        let recorded = match self.asked(name, &Command::Recorded { document: endpoint.to_json() }).await? {
            Answer::Recorded(recorded) => recorded,
            Answer::Refused(_) => return Err(Error::Endpoint(name.clone(), EndpointError::NotFound)),
            other => return Err(misunderstood(&other)),
        };
        let assumed = assumed(recorded, trial)?;
        let runs = trial.runs.unwrap_or(RUNS).clamp(1, MOST_RUNS);
        let begin = plan.begin(&endpoint);
        let alike = alike(&assumed, &plan, &begin);
        let (faulty, fault_errors) = faulty(&alike, &plan, trial.fault_times.unwrap_or(2.0));
        let compared = ComparedBy::of(&endpoint);
        let mut summaries = Vec::new();
        for case in [&assumed, &alike, &faulty] {
            let mut all = Vec::new();
            for run in 0..runs {
                // Others are served in between: nobody waits for this.
                self.platform.sleep(0.0).await;
                let mut seed = [0; 32];
                for (byte, part) in seed.iter_mut().zip(run.wrapping_add(1).to_le_bytes().into_iter().cycle()) {
                    *byte = part ^ 0x5a;
                }
                let mut random = seeded(seed);
                all.push(rehearse(&plan, &begin, case, compared.as_ref(), MOST_LOOKS, &mut random));
            }
            summaries.push(Summary::of(&all));
        }
        let mut summaries = summaries.into_iter();
        let mut next = || summaries.next().unwrap_or_default();
        let (expected, no_difference, fault) = (next(), next(), next());
        let says = says(&plan, &expected, &no_difference, &fault, fault_errors);
        Ok(TrialReport { says, assumed, runs, expected, no_difference, fault, fault_errors })
    }
}

fn assumed(recorded: Assumed, trial: &Trial) -> Result<Assumed, Error> {
    let wrong = |problem: String| Error::from(RequestError::Operation(problem));
    let mut assumed = recorded;
    assumed.requests_per_minute = trial.requests_per_minute.unwrap_or(assumed.requests_per_minute);
    assumed.swing = trial.swing;
    assumed.swing_minutes = trial.swing_minutes.unwrap_or(assumed.swing_minutes);
    for (name, tried) in &trial.variants {
        let Some(rates) = assumed.variants.get_mut(name.as_str()) else {
            return Err(wrong(format!("there is no variant `{name}` to assume anything of")));
        };
        let TriedRates { errors, slow, told, mean, deviation } = *tried;
        rates.errors = errors.unwrap_or(rates.errors);
        rates.slow = slow.unwrap_or(rates.slow);
        rates.told = told.unwrap_or(rates.told);
        rates.mean = mean.unwrap_or(rates.mean);
        rates.deviation = deviation.unwrap_or(rates.deviation);
    }
    let part = |number: f64| (0.0..=1.0).contains(&number);
    let is_good = |rates: &Rates| {
        part(rates.errors) && part(rates.slow) && part(rates.told) && rates.mean.is_finite() && rates.deviation >= 0.0
    };
    if let Some((name, _)) = assumed.variants.iter().find(|(_, rates)| !is_good(rates)) {
        return Err(wrong(format!(
            "`{name}`: errors, slow and told are parts, from 0 to 1, and the deviation is not below 0"
        )));
    }
    if !(part(assumed.swing) && assumed.swing_minutes > 0.0 && assumed.swing_minutes.is_finite()) {
        return Err(wrong("`swing` is a part, from 0 to 1, and `swing_minutes` a time above 0".to_owned()));
    }
    if !(assumed.requests_per_minute > 0.0 && assumed.requests_per_minute <= 1e9) {
        return Err(wrong(
            "no request has come in the last hour: say in `requests_per_minute` how many there will be".to_owned(),
        ));
    }
    Ok(assumed)
}

/// All variants as those are on average that have the traffic before.
fn alike(assumed: &Assumed, plan: &Plan, begin: &Shares) -> Assumed {
    let watched: Vec<String> = plan.watched().into_iter().flat_map(|(_, variants)| variants).collect();
    let others = || begin.iter().filter(|(name, share)| *share > 0.0 && !watched.contains(name));
    let sum: f64 = others().map(|(_, share)| share).sum();
    let average = |of: fn(&Rates) -> f64| -> f64 {
        let parts = others().filter_map(|(name, share)| Some(share * of(assumed.variants.get(name)?)));
        if sum > 0.0 { parts.sum::<f64>() / sum } else { 0.0 }
    };
    let rates = Rates {
        errors: average(|rates| rates.errors),
        slow: average(|rates| rates.slow),
        told: average(|rates| rates.told),
        mean: average(|rates| rates.mean),
        deviation: average(|rates| rates.deviation),
    };
    let variants = assumed.variants.keys().map(|name| (name.clone(), rates)).collect();
    Assumed { variants, ..assumed.clone() }
}

/// The same, but the variants that get more traffic fail more often; and how often.
fn faulty(alike: &Assumed, plan: &Plan, times: f64) -> (Assumed, f64) {
    let mut faulty = alike.clone();
    let mut worst = 0.0f64;
    for name in plan.watched().into_iter().flat_map(|(_, variants)| variants) {
        if let Some(rates) = faulty.variants.get_mut(&name) {
            rates.errors = (rates.errors * times).clamp(LEAST_FAULT, 1.0);
            worst = worst.max(rates.errors);
        }
    }
    (faulty, worst)
}

impl Summary {
    fn of(all: &[Rehearsed]) -> Self {
        let part = |is: &dyn Fn(&Rehearsed) -> bool| {
            all.iter().filter(|went| is(went)).count() as f64 / all.len().max(1) as f64
        };
        let mut ended: Vec<f64> =
            all.iter().filter(|went| went.status != Status::Running).map(|went| went.minutes).collect();
        ended.sort_by(f64::total_cmp);
        let mut breached = BTreeMap::new();
        for metric in all.iter().filter_map(|went| went.breached.as_ref()) {
            *breached.entry(metric.clone()).or_default() += 1.0 / all.len() as f64;
        }
        let most = all.iter().map(|went| went.steps.len()).max().unwrap_or(0);
        let steps = (0..most).filter_map(|at| {
            let mut times: Vec<f64> = all.iter().filter_map(|went| went.steps.get(at).copied()).collect();
            times.sort_by(f64::total_cmp);
            Some((quantile(&times, 0.5)?, times.len() as f64 / all.len() as f64))
        });
        Summary {
            done: part(&|went| went.status == Status::Done),
            rolled_back: part(&|went| went.status == Status::RolledBack),
            paused: part(&|went| went.status == Status::Paused),
            running: part(&|went| went.status == Status::Running),
            breached,
            minutes: [0.1, 0.5, 0.9]
                .map(|q| quantile(&ended, q))
                .into_iter()
                .collect::<Option<Vec<f64>>>()
                .and_then(|three| <[f64; 3]>::try_from(three).ok()),
            steps: steps.collect(),
        }
    }
}

/// Of sorted numbers.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    sorted.get((sorted.len().saturating_sub(1) as f64 * q).round() as usize).copied()
}

fn says(plan: &Plan, expected: &Summary, alike: &Summary, fault: &Summary, fault_errors: f64) -> Vec<String> {
    let percent = |part: f64| format!("{} %", (part * 1000.0).round() / 10.0);
    let minutes = |summary: &Summary| {
        summary.minutes.map_or_else(String::new, |[_, median, _]| {
            let median = (median * 10.0).round() / 10.0;
            format!(", half of them within {median} {}", if median == 1.0 { "minute" } else { "minutes" })
        })
    };
    let what = match plan.course {
        Course::Ramp(_) => "the ramp comes to its end",
        Course::Bandit { .. } => "the bandit comes to its end",
    };
    vec![
        format!(
            "As assumed, {what} in {} of the runs, turns back or pauses in {}, and has not ended in {}{}.",
            percent(expected.done),
            percent(expected.rolled_back + expected.paused),
            percent(expected.running),
            minutes(expected)
        ),
        format!(
            "If there were no difference, it would turn back or pause for nothing in {} of the runs; {} is allowed.",
            percent(alike.rolled_back + alike.paused),
            percent(plan.alpha)
        ),
        format!(
            "If {} of the requests failed, it would turn back or pause in {} of the runs{}, and miss it in {}.",
            percent(fault_errors),
            percent(fault.rolled_back + fault.paused),
            minutes(fault),
            percent(fault.done)
        ),
    ]
}
