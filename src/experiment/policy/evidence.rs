//! What a policy decides by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::{Shares, share_of};
use crate::experiment::alarm::Evaluated;
use crate::experiment::alarm_name::AlarmName;
use crate::experiment::tally::Event;
use crate::experiment::verdict::Judged;
use crate::statistics::{Arm, Trials};

/// What a policy decides by. All counts are of what came in since it began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// When it was gathered, in milliseconds since the Unix epoch.
    pub now_ms: f64,
    /// When an isolate was heard of last.
    pub heard_ms: Option<f64>,
    /// What was counted, by the document's version that decided.
    pub segments: Vec<Segment>,
    /// Units of which a request went wrong.
    pub units: Vec<UnitEvents>,
    /// Units' events before this segment say nothing of those from it on: somebody has changed the weights in between.
    pub units_anew_from: usize,
    /// Outcomes so far, by variant.
    pub outcomes: BTreeMap<String, u64>,
    /// What the verdict says of those who are watched.
    pub judged: BTreeMap<String, Judged>,
    /// What a bandit chooses by, in the order of its variants; larger is better.
    pub arms: Vec<Arm>,
    /// Whether these figures are turned round: less of the metric is better.
    pub lower_is_better: bool,
    /// What the alarms of a deployment say.
    pub alarms: Vec<Alarmed>,
}

/// What an alarm says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarmed {
    /// Its name.
    pub name: AlarmName,
    /// Its threshold.
    pub threshold: f64,
    /// What it says.
    pub evaluated: Evaluated,
}

/// What was counted under one version of the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Its shares.
    pub shares: Shares,
    /// Requests, by variant.
    pub requests: BTreeMap<String, Requests>,
    /// Units that no earlier version saw, by variant.
    pub units: BTreeMap<String, u64>,
}

/// Requests for which one variant was chosen by weight or unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// All of them.
    pub invocations: u64,
    /// Of these, those that the variant failed.
    pub errors: u64,
    /// Those that were drawn one by one.
    pub drawn: u64,
    /// Of these, those that the variant failed.
    pub drawn_errors: u64,
    /// And those that were slow.
    pub drawn_slow: u64,
}

/// Units of which a request went wrong, in one segment; how they are told apart by what went wrong with them before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitEvents {
    /// What went wrong.
    pub event: Event,
    /// In which segment, from 0 on.
    pub segment: usize,
    /// The variant.
    pub variant: String,
    /// In which segment, and in which variant, it went wrong before.
    pub before: Option<(usize, String)>,
    /// How many units.
    pub count: u64,
}

impl Requests {
    /// Those that came since.
    pub fn since(self, before: Requests) -> Requests {
        Requests {
            invocations: self.invocations.saturating_sub(before.invocations),
            errors: self.errors.saturating_sub(before.errors),
            drawn: self.drawn.saturating_sub(before.drawn),
            drawn_errors: self.drawn_errors.saturating_sub(before.drawn_errors),
            drawn_slow: self.drawn_slow.saturating_sub(before.drawn_slow),
        }
    }
}

impl Segment {
    /// Requests of some variants: all, and those that failed; of these, those that were drawn.
    pub fn requests_of(&self, variants: &[String]) -> Requests {
        let mut sum = Requests::default();
        for (_, requests) in self.requests.iter().filter(|(name, _)| variants.contains(name)) {
            sum.invocations = sum.invocations.saturating_add(requests.invocations);
            sum.errors = sum.errors.saturating_add(requests.errors);
            sum.drawn = sum.drawn.saturating_add(requests.drawn);
            sum.drawn_errors = sum.drawn_errors.saturating_add(requests.drawn_errors);
        }
        sum
    }

    /// The share of some variants together.
    fn share(&self, variants: &[String]) -> f64 {
        variants.iter().map(|name| share_of(&self.shares, name)).sum()
    }
}

impl Evidence {
    /// The events of a kind in each segment, as trials of whose they were: those of `variants`, or of all others. Of a unit whose request went
    /// wrong before, only what is not known yet counts: it had one of the others in a segment in which these had the share v,
    /// so that by now, at a share of w, it has moved to them with the probability (w - v)/(1 - v). That holds where units move
    /// one way, as they do on a ramp; else only the first event of a unit counts.
    pub fn trials(&self, event: Event, variants: &[String], one_way: bool) -> Vec<Vec<Trials>> {
        let drawn = self.segments.iter().map(|segment| {
            let (mut hits, mut misses) = (0u64, 0u64);
            for (name, requests) in &segment.requests {
                let events = match event {
                    Event::Error => requests.drawn_errors,
                    Event::Slow => requests.drawn_slow,
                };
                let sum = if variants.contains(name) { &mut hits } else { &mut misses };
                *sum = sum.saturating_add(events);
            }
            vec![Trials { hits, misses, null: segment.share(variants) }]
        });
        let mut trials: Vec<Vec<Trials>> = drawn.collect();
        let units = self.units.iter().filter(|units| units.event == event).filter_map(|units| {
            let share = self.segments.get(units.segment)?.share(variants);
            let null = match &units.before {
                None => share,
                Some(_) if !one_way => return None,
                Some((segment, _)) if *segment < self.units_anew_from && units.segment >= self.units_anew_from => {
                    return None;
                }
                Some((_, name)) if variants.contains(name) => return None,
                Some((segment, _)) => {
                    let before = self.segments.get(*segment)?.share(variants);
                    (share - before) / (1.0 - before)
                }
            };
            let is_hit = variants.contains(&units.variant);
            let (hits, misses) = if is_hit { (units.count, 0) } else { (0, units.count) };
            Some((units.segment, Trials { hits, misses, null }))
        });
        for (segment, more) in units {
            if let Some(trials) = trials.get_mut(segment) {
                trials.push(more);
            }
        }
        trials
    }

    /// Requests of some variants in each segment, as trials of whether they failed, of which `at_most` may. What one unit fails
    /// again and again is no more than one thing that happened: of sticky requests as many failures count as units failed, and
    /// the requests for as many fewer. Else one unit with many requests that always fail would turn a ramp back.
    pub fn failures(&self, variants: &[String], at_most: f64) -> Vec<Vec<Trials>> {
        let sticky = |segment: &Segment| {
            let requests = segment.requests_of(variants);
            (
                requests.invocations.saturating_sub(requests.drawn),
                requests.errors.saturating_sub(requests.drawn_errors).min(requests.invocations),
            )
        };
        let errors = self.segments.iter().map(|segment| sticky(segment).1).fold(0u64, u64::saturating_add);
        let is_first = |units: &&UnitEvents| {
            let is_of_these = |name: &String| variants.contains(name);
            let was = units.before.as_ref().is_some_and(|(_, name)| is_of_these(name));
            units.event == Event::Error && is_of_these(&units.variant) && !was
        };
        let failed = self.units.iter().filter(is_first).map(|units| units.count).fold(0u64, u64::saturating_add);
        let each = (errors as f64 / failed.max(1) as f64).max(1.0);
        let trials = self.segments.iter().map(|segment| {
            let requests = segment.requests_of(variants);
            let drawn = Trials {
                hits: requests.drawn_errors,
                misses: requests.drawn.saturating_sub(requests.drawn_errors),
                null: at_most,
            };
            let (invocations, errors) = sticky(segment);
            let part = |count: u64| (count as f64 / each).round() as u64;
            let of_units =
                Trials { hits: part(errors), misses: part(invocations.saturating_sub(errors)), null: at_most };
            vec![drawn, of_units]
        });
        trials.collect()
    }

    /// The share of some variants together, as it is now.
    pub fn share(&self, variants: &[String]) -> f64 {
        self.segments.last().map_or(0.0, |segment| segment.share(variants))
    }

    /// Requests of some variants since the policy began.
    pub fn requests(&self, variants: &[String]) -> Requests {
        let mut sum = Requests::default();
        for requests in self.segments.iter().map(|segment| segment.requests_of(variants)) {
            sum.invocations = sum.invocations.saturating_add(requests.invocations);
            sum.errors = sum.errors.saturating_add(requests.errors);
        }
        sum
    }

    /// Outcomes of some variants.
    pub fn outcomes(&self, variants: &[String]) -> u64 {
        let of = variants.iter().filter_map(|name| self.outcomes.get(name));
        of.fold(0u64, |sum, count| sum.saturating_add(*count))
    }
}
