//! An alarm: a metric of a variant beside a threshold, judged as CloudWatch documents it.
//!
//! Time is cut into periods that begin at multiples of their length since the Unix epoch. The newest that counts is the last
//! one that was over [`LATE_MS`] ago: what isolates send of it has arrived by then. The state is a function of the periods
//! alone, judged again for each of the last [`REPLAYED`] ends of a period, so that nothing has to be kept between two looks.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alarm_name::AlarmName;
use super::invocation_metric::{InvocationMetric, Statistic};
use super::scoreboard::{By, Line, Query};
use crate::endpoint::Name;

/// After the end of a period, so long it is waited for what isolates have not sent yet: they send within about a second.
const LATE_MS: f64 = 5_000.0;
/// So many periods more than it judges an alarm looks at, for those that have no data. CloudWatch does not say how many it
/// takes; in its examples there are two.
const SPARE: u64 = 2;
/// The most ends of a period at which the state is judged, to tell since when it has been what it is.
const REPLAYED: u64 = 60;
/// The most datapoints that a reason tells.
const MOST_TOLD: usize = 10;

const MINUTE_S: u32 = 60;
const HOUR_S: u32 = 3_600;
const DAY_S: u64 = 86_400;

/// An alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its name.
    pub name: AlarmName,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is measured.
    pub metric: InvocationMetric,
    /// Of which endpoint.
    pub endpoint: Name,
    /// Of which variant.
    pub variant: String,
    /// Of requests that revisions made of this endpoint configuration decided; of all where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// What a period says of it.
    pub statistic: Statistic,
    /// How long a period is, in seconds.
    pub period_s: u32,
    /// How many periods are judged.
    pub evaluation_periods: u32,
    /// How many of them have to breach the threshold.
    pub datapoints_to_alarm: u32,
    /// What breaching it means.
    pub comparison: Comparison,
    /// The threshold.
    pub threshold: f64,
    /// What a period without requests says.
    pub missing_data: MissingData,
}

/// How a datapoint stands to the threshold if it breaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `>=`
    #[serde(rename = "GreaterThanOrEqualToThreshold")]
    GreaterOrEqual,
    /// `>`
    #[serde(rename = "GreaterThanThreshold")]
    Greater,
    /// `<`
    #[serde(rename = "LessThanThreshold")]
    Less,
    /// `<=`
    #[serde(rename = "LessThanOrEqualToThreshold")]
    LessOrEqual,
}

/// What a period without data counts as, where there is not enough data without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// It breaches the threshold.
    Breaching,
    /// It does not.
    NotBreaching,
    /// The state stays as it is.
    Ignore,
    /// Nothing.
    #[default]
    Missing,
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The threshold is not breached often enough.
    #[serde(rename = "OK")]
    Ok,
    /// It is.
    #[serde(rename = "ALARM")]
    Alarm,
    /// Nothing is known.
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

/// What an alarm says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Its state.
    pub state: State,
    /// Since when, in milliseconds since the Unix epoch: the end of the period that brought it, or earlier than can be told.
    pub since_ms: f64,
    /// Why.
    pub reason: String,
    /// The datapoints that were looked at, the newest first; `None` of a period without requests.
    pub datapoints: Vec<Option<f64>>,
}

/// Why an alarm makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmProblem {
    /// Minutes are the finest there is.
    #[error("the period is a multiple of 60 seconds")]
    Period,
    /// As many as can be judged, and at least one.
    #[error(
        "of 1 or more evaluation periods, 1 or more are the datapoints to alarm, and no more than there are periods"
    )]
    Counts,
    /// Beyond that, minutes have been merged.
    #[error("all evaluation periods together last a day at most, or seven where each is a multiple of an hour")]
    TooLong,
    /// It could never be breached, or never not.
    #[error("the threshold is a finite number")]
    Threshold,
    /// Of what is 1 or 0 a request there are none.
    #[error("percentiles are told of ModelLatency alone; of errors, Average is the rate")]
    Percentile,
}

impl Alarm {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self) -> Result<(), AlarmProblem> {
        let is_multiple = |of: u32| self.period_s > 0 && self.period_s.checked_rem(of) == Some(0);
        let lasts_s = u64::from(self.period_s).saturating_mul(self.evaluation_periods.into());
        let most_s = if is_multiple(HOUR_S) { DAY_S.saturating_mul(7) } else { DAY_S };
        if !is_multiple(MINUTE_S) {
            Err(AlarmProblem::Period)
        } else if !(1..=self.evaluation_periods).contains(&self.datapoints_to_alarm) {
            Err(AlarmProblem::Counts)
        } else if lasts_s > most_s {
            Err(AlarmProblem::TooLong)
        } else if !self.threshold.is_finite() {
            Err(AlarmProblem::Threshold)
        } else if self.statistic.quantile().is_some() && self.metric != InvocationMetric::ModelLatency {
            Err(AlarmProblem::Percentile)
        } else {
            Ok(())
        }
    }

    /// The lines of the scoreboard that it is judged by.
    pub fn query(&self, now_ms: f64) -> Query {
        let ended = self.ended(now_ms);
        let first = ended.saturating_sub(self.range()).saturating_sub(REPLAYED);
        Query {
            from_ms: Some(self.begin_ms(first)),
            to_ms: Some(self.begin_ms(ended)),
            by: By::Minute,
            step_ms: Some(self.period_ms()),
            quantiles: self.statistic.quantile().into_iter().collect(),
            variant: Some(self.variant.clone()),
            config: self.config.clone(),
        }
    }

    /// The state, by the lines that its query gave. `before` is what it was before the first of them, where that is known.
    pub fn state(&self, lines: &[Line], now_ms: f64, before: Option<State>) -> Evaluated {
        let values: BTreeMap<u64, f64> = lines.iter().filter_map(|line| self.value(line)).collect();
        // The periods before number `end`, the newest first.
        let range = |end: u64| {
            (1..=self.range()).map(move |age| end.checked_sub(age)).map(|at| at.and_then(|at| values.get(&at).copied()))
        };
        let ended = self.ended(now_ms);
        let first = ended.saturating_sub(REPLAYED);
        let (mut state, mut since) = (before.unwrap_or(State::InsufficientData), first);
        for end in first..=ended {
            let next = self.judge(&range(end).collect::<Vec<_>>(), state);
            if next != state {
                (state, since) = (next, end);
            }
        }
        let datapoints: Vec<Option<f64>> = range(ended).collect();
        Evaluated { state, since_ms: self.begin_ms(since), reason: self.reason(&datapoints), datapoints }
    }

    /// The number of a line's period, and what it says.
    fn value(&self, line: &Line) -> Option<(u64, f64)> {
        let (since, span, period) = (line.since_ms?, line.span_ms?, self.period_ms());
        // What was merged into more than a period cannot be told apart any more.
        if line.variant.as_ref() != Some(&self.variant) || span > period {
            return None;
        }
        Some((since.checked_div(period)?, self.metric.statistics(line)?.get(self.statistic)?))
    }

    /// The state by datapoints, the newest first.
    fn judge(&self, datapoints: &[Option<f64>], before: State) -> State {
        let present = self.counted(datapoints);
        let breaching = present.iter().filter(|(_, value)| self.is_breach(*value)).count();
        let (wanted, judged) = (as_count(self.datapoints_to_alarm), as_count(self.evaluation_periods));
        let absent = judged.saturating_sub(present.len());
        let all_breach = breaching == present.len();
        // Where only breaches are known, an alarm waits until the oldest of them would have been answered by others.
        let oldest = present.iter().map(|(age, _)| *age).rfind(|age| *age < judged);
        let is_old = oldest.is_some_and(|age| age.saturating_add(1) >= wanted);
        match self.missing_data {
            _ if breaching >= wanted => State::Alarm,
            _ if absent == 0 => State::Ok,
            MissingData::Breaching if breaching.saturating_add(absent) >= wanted => State::Alarm,
            MissingData::Breaching | MissingData::NotBreaching => State::Ok,
            MissingData::Ignore if all_breach => before,
            MissingData::Missing if present.is_empty() => State::InsufficientData,
            MissingData::Missing if all_breach && is_old => State::Alarm,
            MissingData::Ignore | MissingData::Missing => State::Ok,
        }
    }

    /// The datapoints that count, with their age in periods: the newest that there are, as many as are judged.
    fn counted(&self, datapoints: &[Option<f64>]) -> Vec<(usize, f64)> {
        let present = datapoints.iter().enumerate().filter_map(|(age, value)| Some((age, (*value)?)));
        present.take(as_count(self.evaluation_periods)).collect()
    }

    fn is_breach(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::GreaterOrEqual => value >= self.threshold,
            Comparison::Greater => value > self.threshold,
            Comparison::Less => value < self.threshold,
            Comparison::LessOrEqual => value <= self.threshold,
        }
    }

    fn reason(&self, datapoints: &[Option<f64>]) -> String {
        let present = self.counted(datapoints);
        if present.is_empty() {
            return format!("no requests in the last {} periods of {} seconds", datapoints.len(), self.period_s);
        }
        let breaching = present.iter().filter(|(_, value)| self.is_breach(*value)).count();
        let told: Vec<String> = present.iter().take(MOST_TOLD).map(|(_, value)| value.to_string()).collect();
        let more = if present.len() > MOST_TOLD { ", ..." } else { "" };
        let than = match self.comparison {
            Comparison::GreaterOrEqual => "at or above",
            Comparison::Greater => "above",
            Comparison::Less => "below",
            Comparison::LessOrEqual => "at or below",
        };
        format!(
            "{breaching} of {} datapoints are {than} the threshold {}, and {} of {} make an alarm; the newest first: {}{more}",
            present.len(),
            self.threshold,
            self.datapoints_to_alarm,
            self.evaluation_periods,
            told.join(", "),
        )
    }

    /// How many periods are looked at.
    fn range(&self) -> u64 {
        u64::from(self.evaluation_periods).saturating_add(SPARE)
    }

    fn period_ms(&self) -> u64 {
        u64::from(self.period_s).saturating_mul(1_000)
    }

    /// How many periods are over since the Unix epoch, and all of their requests counted.
    fn ended(&self, now_ms: f64) -> u64 {
        ((now_ms - LATE_MS).max(0.0) as u64).checked_div(self.period_ms()).unwrap_or(0)
    }

    /// When the period of this number begins.
    fn begin_ms(&self, number: u64) -> f64 {
        number.saturating_mul(self.period_ms()) as f64
    }
}

fn as_count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::experiment::{Errors, Percentiles};

    fn alarm(missing_data: MissingData, wanted: u32, judged: u32) -> Alarm {
        Alarm {
            name: AlarmName::try_from("a".to_owned()).unwrap(),
            description: None,
            metric: InvocationMetric::ModelErrors,
            endpoint: Name::try_from("e").unwrap(),
            variant: "v".to_owned(),
            config: None,
            statistic: Statistic::Average,
            period_s: 60,
            evaluation_periods: judged,
            datapoints_to_alarm: wanted,
            comparison: Comparison::Greater,
            threshold: 0.1,
            missing_data,
        }
    }

    /// Minute 1,000 has just begun.
    const NOW_MS: f64 = 60_000_000.0 + LATE_MS;

    /// A minute with ten requests, of which so many failed.
    fn line(minute: u64, errors: u64) -> Line {
        Line {
            variant: Some("v".to_owned()),
            since_ms: Some(minute * 60_000),
            span_ms: Some(60_000),
            invocations: 10,
            errors: Errors { variant: errors, ..Errors::default() },
            ..Line::default()
        }
    }

    /// The minutes before 1,000 as CloudWatch's documentation draws them, the oldest first: X breaches, 0 does not, - is missing.
    fn drawn(minutes: &str) -> Vec<Line> {
        let first = 1_000 - minutes.len() as u64;
        let lines = (first..).zip(minutes.chars()).filter_map(|(minute, drawn)| match drawn {
            'X' => Some(line(minute, 5)),
            '0' => Some(line(minute, 0)),
            _ => None,
        });
        lines.collect()
    }

    #[test]
    fn missing_data_count_as_cloudwatchs_tables_say() {
        use State::{Alarm as A, InsufficientData as I, Ok as O};
        let treatments = [MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching];
        for (wanted, judged, minutes, states) in [
            (3, 3, "0-X-X", [O, O, O, O]),
            (3, 3, "----0", [O, O, O, O]),
            (3, 3, "-----", [I, I, A, O]),
            (3, 3, "0XX-X", [A, A, A, A]),
            (3, 3, "--X--", [A, I, A, O]),
            (2, 3, "0-X-X", [A, A, A, A]),
            (2, 3, "00X0X", [A, A, A, A]),
            (2, 3, "0-X--", [O, O, A, O]),
            (2, 3, "----0", [O, O, A, O]),
            (2, 3, "---X-", [A, I, A, O]),
            // Too early to say.
            (3, 3, "----X", [O, I, A, O]),
            (3, 3, "---X-", [O, I, A, O]),
            // Whatever is missing, one is enough.
            (1, 1, "----X", [A, A, A, A]),
            (1, 1, "-X0--", [O, O, O, O]),
        ] {
            for (treatment, state) in treatments.into_iter().zip(states) {
                let alarm = alarm(treatment, wanted, judged);
                // What came before is not looked at here: a state that is kept is the one before.
                let datapoints: Vec<Option<f64>> = alarm.state(&drawn(minutes), NOW_MS, None).datapoints;
                assert_eq!(alarm.judge(&datapoints, I), state, "{wanted} of {judged}, {minutes}, {treatment:?}");
            }
        }
    }

    #[test]
    fn the_state_changes_with_the_period_that_brings_it() {
        let alarm = alarm(MissingData::NotBreaching, 2, 3);
        let state = |minutes: &str| alarm.state(&drawn(minutes), NOW_MS, None);
        let evaluated = state("000XX00");
        assert_eq!((evaluated.state, evaluated.since_ms), (State::Ok, 60_000_000.0));
        let evaluated = state("000XX0");
        assert_eq!((evaluated.state, evaluated.since_ms), (State::Alarm, 999.0 * 60_000.0));
        assert_eq!(
            evaluated.reason,
            "2 of 3 datapoints are above the threshold 0.1, and 2 of 3 make an alarm; the newest first: 0, 0.5, 0.5"
        );
        assert_eq!(evaluated.datapoints[..3], [Some(0.0), Some(0.5), Some(0.5)]);
        assert_eq!(state("").reason, "no requests in the last 5 periods of 60 seconds");
    }

    #[test]
    fn a_state_that_is_kept_is_the_last_that_data_gave() {
        let alarm = alarm(MissingData::Ignore, 1, 1);
        for (minutes, before, state) in [
            ("0X-----", None, State::Alarm),
            ("X0-----", Some(State::Alarm), State::Ok),
            ("", Some(State::Alarm), State::Alarm),
            ("", None, State::InsufficientData),
        ] {
            assert_eq!(alarm.state(&drawn(minutes), NOW_MS, before).state, state, "{minutes} after {before:?}");
        }
    }

    #[test]
    fn a_period_counts_once_it_is_over_and_what_is_late_has_come() {
        let alarm = alarm(MissingData::NotBreaching, 1, 1);
        let lines = [line(999, 10)];
        let state = |now_ms| alarm.state(&lines, now_ms, None).state;
        assert_eq!(state(NOW_MS - 1.0), State::Ok);
        assert_eq!(state(NOW_MS), State::Alarm);
        // One and two more, as far as it looks for data, and no further.
        assert_eq!(state(NOW_MS + 120_000.0), State::Alarm);
        assert_eq!(state(NOW_MS + 180_000.0), State::Ok);
        let query = alarm.query(NOW_MS);
        assert_eq!(
            (query.from_ms, query.to_ms, query.step_ms),
            (Some(937.0 * 60_000.0), Some(60_000_000.0), Some(60_000))
        );
        // Long before there was anything.
        assert_eq!(alarm.state(&[], 0.0, None).state, State::Ok);
        assert_eq!(alarm.query(0.0).from_ms, Some(0.0));
    }

    #[test]
    fn lines_of_others_and_of_longer_spans_say_nothing() {
        let alarm = alarm(MissingData::Missing, 1, 1);
        let others = Line { variant: Some("w".to_owned()), ..line(999, 10) };
        let merged = Line { span_ms: Some(3_600_000), ..line(999, 10) };
        assert_eq!(alarm.state(&[others, merged], NOW_MS, None).state, State::InsufficientData);
        let hourly = Alarm { period_s: 3_600, ..alarm };
        let hour = Line { span_ms: Some(3_600_000), ..line(900, 10) };
        assert_eq!(hourly.state(&[hour], NOW_MS, None).state, State::Alarm);
    }

    #[test]
    fn each_comparison_has_its_own_edge() {
        for (comparison, at, above, below) in [
            (Comparison::GreaterOrEqual, true, true, false),
            (Comparison::Greater, false, true, false),
            (Comparison::Less, false, false, true),
            (Comparison::LessOrEqual, true, false, true),
        ] {
            let alarm = Alarm { comparison, threshold: 0.5, ..alarm(MissingData::Missing, 1, 1) };
            for (errors, breaches) in [(5, at), (6, above), (4, below)] {
                let state = alarm.state(&[line(999, errors)], NOW_MS, None).state;
                assert_eq!(state == State::Alarm, breaches, "{comparison:?} {errors}");
            }
        }
    }

    #[test]
    fn each_metric_and_statistic_is_told() {
        let told = Line {
            invocations: 20,
            errors: Errors { caller: 1, variant: 2, other: 3 },
            origin_ms: Some(Percentiles {
                count: 4,
                sum: 10.0,
                min: 1.0,
                max: 5.0,
                asked: vec![4.5],
                ..Percentiles::default()
            }),
            ..line(999, 0)
        };
        for (metric, statistic, value) in [
            (InvocationMetric::Invocations, "Sum", 20.0),
            (InvocationMetric::Errors4xx, "Average", 0.05),
            (InvocationMetric::Errors5xx, "Sum", 5.0),
            (InvocationMetric::ModelErrors, "SampleCount", 20.0),
            (InvocationMetric::ModelErrors, "Maximum", 1.0),
            (InvocationMetric::ModelErrors, "Minimum", 0.0),
            (InvocationMetric::ModelLatency, "Average", 2_500.0),
            (InvocationMetric::ModelLatency, "p99", 4_500.0),
        ] {
            let statistic = Statistic::try_from(statistic).unwrap();
            let alarm = Alarm { metric, statistic, ..alarm(MissingData::Missing, 1, 1) };
            assert_eq!(alarm.state(std::slice::from_ref(&told), NOW_MS, None).datapoints[0], Some(value), "{metric:?}");
        }
        let percentile = Alarm {
            metric: InvocationMetric::ModelLatency,
            statistic: Statistic::Percentile(99.0),
            ..alarm(MissingData::Missing, 1, 1)
        };
        assert_eq!(percentile.query(NOW_MS).quantiles, [0.99]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let good = || alarm(MissingData::Missing, 1, 3);
        for (bad, problem) in [
            (Alarm { period_s: 0, ..good() }, AlarmProblem::Period),
            (Alarm { period_s: 90, ..good() }, AlarmProblem::Period),
            (Alarm { datapoints_to_alarm: 0, ..good() }, AlarmProblem::Counts),
            (Alarm { datapoints_to_alarm: 4, ..good() }, AlarmProblem::Counts),
            (Alarm { evaluation_periods: 1_441, ..good() }, AlarmProblem::TooLong),
            (Alarm { period_s: 3_600, evaluation_periods: 169, ..good() }, AlarmProblem::TooLong),
            (Alarm { threshold: f64::NAN, ..good() }, AlarmProblem::Threshold),
            (Alarm { statistic: Statistic::Percentile(50.0), ..good() }, AlarmProblem::Percentile),
        ] {
            assert_eq!(bad.check(), Err(problem));
        }
        for good in [good(), Alarm { period_s: 3_600, evaluation_periods: 168, ..good() }] {
            assert_eq!(good.check(), Ok(()));
            assert_eq!(serde_json::from_str::<Alarm>(&serde_json::to_string(&good).unwrap()).unwrap(), good);
        }
    }
}
