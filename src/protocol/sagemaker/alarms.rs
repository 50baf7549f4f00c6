//! CloudWatch's alarms on the metrics that are here. Nothing is kept of their states: an alarm is judged whenever it is asked
//! for. What would be done about an alarm is passed over, as nothing is; what would judge it in another way is refused.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::error::CloudWatchError;
use super::series::{Dimension, NAMESPACE, Series, dimensions};
use crate::experiment::{Alarm, AlarmName, Evaluated, MissingData, State, Statistic};
use crate::platform::{Platform, Times};
use crate::protocol::report::Report;
use crate::request::RequestError;
use crate::service::{Error, MOST_JUDGED, Service, Stored};

/// Members that are refused where they are present.
type Refused = Option<IgnoredAny>;

/// What the token of the next page begins with; the last name of the page before follows.
const AFTER: &str = "after:";
/// The most names that a request has.
const MOST_NAMES: usize = 100;
const MOST_DESCRIPTION: usize = 1_024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutMetricAlarm {
    alarm_name: AlarmName,
    alarm_description: Option<String>,
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    period: Option<u32>,
    unit: Option<String>,
    evaluation_periods: Option<u32>,
    datapoints_to_alarm: Option<u32>,
    threshold: Option<f64>,
    comparison_operator: Option<String>,
    treat_missing_data: Option<String>,
    evaluate_low_sample_count_percentile: Option<String>,
    metrics: Refused,
    threshold_metric_id: Refused,
    evaluation_window: Refused,
    warm_up_configuration: Refused,
    evaluation_criteria: Refused,
    evaluation_interval: Refused,
}

impl PutMetricAlarm {
    fn alarm(self) -> Result<Alarm, CloudWatchError> {
        self.refuse()?;
        let series = Series::of(
            &required(self.namespace, "Namespace")?,
            &required(self.metric_name, "MetricName")?,
            &self.dimensions,
        )?;
        let unit = series.metric.unit();
        if self.unit.is_some_and(|asked| asked != unit) {
            return Err(wrong(format!("the `Unit` of {} is {unit}", series.metric.name())).into());
        }
        let statistic = match (self.statistic, self.extended_statistic) {
            (Some(name), None) | (None, Some(name)) => {
                Statistic::try_from(name).map_err(|error| wrong(error.to_string()))?
            }
            _ => return Err(CloudWatchError::combination("name one of `Statistic` and `ExtendedStatistic`")),
        };
        if self.alarm_description.as_ref().is_some_and(|text| text.chars().count() > MOST_DESCRIPTION) {
            return Err(wrong(format!("`AlarmDescription` has at most {MOST_DESCRIPTION} characters")).into());
        }
        let evaluation_periods = required(self.evaluation_periods, "EvaluationPeriods")?;
        let alarm = Alarm {
            name: self.alarm_name,
            description: self.alarm_description,
            metric: series.metric,
            endpoint: series.endpoint,
            variant: series.variant,
            config: series.config,
            statistic,
            period_s: required(self.period, "Period")?,
            evaluation_periods,
            datapoints_to_alarm: self.datapoints_to_alarm.unwrap_or(evaluation_periods),
            comparison: named(required(self.comparison_operator, "ComparisonOperator")?, "ComparisonOperator")?,
            threshold: required(self.threshold, "Threshold")?,
            missing_data: match self.treat_missing_data {
                Some(name) => named(name, "TreatMissingData")?,
                None => MissingData::default(),
            },
        };
        alarm.check().map_err(|problem| wrong(problem.to_string()))?;
        Ok(alarm)
    }

    /// Refuses what is not judged here.
    fn refuse(&self) -> Result<(), RequestError> {
        for (member, is_there) in [
            ("Metrics", self.metrics.is_some()),
            ("ThresholdMetricId", self.threshold_metric_id.is_some()),
            ("EvaluationWindow", self.evaluation_window.is_some()),
            ("WarmUpConfiguration", self.warm_up_configuration.is_some()),
            ("EvaluationCriteria", self.evaluation_criteria.is_some()),
            ("EvaluationInterval", self.evaluation_interval.is_some()),
        ] {
            if is_there {
                return Err(wrong(format!(
                    "`{member}` is not judged here: an alarm is one metric beside one threshold, over whole periods"
                )));
            }
        }
        if self.evaluate_low_sample_count_percentile.as_deref().is_some_and(|asked| asked != "evaluate") {
            return Err(wrong(
                "`EvaluateLowSampleCountPercentile` is `evaluate`: percentiles of few count too".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Keeps an alarm.
pub(super) async fn put<P: Platform>(
    service: &Service<'_, P>,
    asked: PutMetricAlarm,
) -> Result<Value, CloudWatchError> {
    service.put_alarm(&asked.alarm()?).await?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteAlarms {
    alarm_names: Vec<AlarmName>,
}

/// Removes alarms.
pub(super) async fn delete<P: Platform>(
    service: &Service<'_, P>,
    asked: DeleteAlarms,
) -> Result<Value, CloudWatchError> {
    check_names(&asked.alarm_names)?;
    service.delete_alarms(&asked.alarm_names).await?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeAlarms {
    #[serde(default)]
    alarm_names: Vec<AlarmName>,
    alarm_name_prefix: Option<String>,
    #[serde(default)]
    alarm_types: Vec<String>,
    state_value: Option<String>,
    max_records: Option<u16>,
    next_token: Option<String>,
    children_of_alarm_name: Refused,
    parents_of_alarm_name: Refused,
    action_prefix: Refused,
}

/// A page of the alarms, by name, with what they say now. Those whose state is not asked for are left out of it.
pub(super) async fn describe<P: Platform>(
    service: &Service<'_, P>,
    asked: DescribeAlarms,
) -> Result<Value, CloudWatchError> {
    let state: Option<State> = asked.state_value.map(|name| named(name, "StateValue")).transpose()?;
    if asked.children_of_alarm_name.is_some() || asked.parents_of_alarm_name.is_some() {
        return Err(wrong("there are no composite alarms here".to_owned()).into());
    }
    if asked.action_prefix.is_some() {
        return Err(wrong("alarms take no actions here, so none is found by `ActionPrefix`".to_owned()).into());
    }
    let size = match asked.max_records {
        None => MOST_JUDGED,
        Some(size @ 1..=100) => MOST_JUDGED.min(size.into()),
        Some(_) => return Err(wrong("`MaxRecords` is 1 to 100".to_owned()).into()),
    };
    let is_asked = asked.alarm_types.is_empty() || asked.alarm_types.iter().any(|kind| kind == "MetricAlarm");
    let mut names = match (asked.alarm_names, asked.alarm_name_prefix) {
        _ if !is_asked => Vec::new(),
        (names, Some(_)) if !names.is_empty() => {
            return Err(CloudWatchError::combination("name one of `AlarmNames` and `AlarmNamePrefix`"));
        }
        (names, None) if !names.is_empty() => {
            check_names(&names)?;
            names
        }
        (_, prefix) => {
            let prefix = prefix.unwrap_or_default();
            let mut names = service.alarm_names().await?;
            names.retain(|name| name.as_str().starts_with(&prefix));
            names
        }
    };
    names.sort_unstable();
    names.dedup();
    if let Some(token) = &asked.next_token {
        let last = token.strip_prefix(AFTER).ok_or_else(CloudWatchError::next_token)?;
        names.retain(|name| name.as_str() > last);
    }
    let page = names.get(..size).unwrap_or(&names);
    let next = page.last().filter(|_| page.len() < names.len()).map(|last| format!("{AFTER}{last}"));
    let judged = service.judge_alarms(page).await?;
    let described = judged.iter().filter_map(|(alarm, evaluated)| {
        let is_asked = state.is_none_or(|state| state_of(evaluated) == state);
        is_asked.then(|| described(alarm, evaluated))
    });
    let described: Vec<Value> = described.collect();
    let mut answer = Map::new();
    answer.insert("MetricAlarms".to_owned(), described.into());
    answer.insert("CompositeAlarms".to_owned(), json!([]));
    if let Some(next) = next {
        answer.insert("NextToken".to_owned(), next.into());
    }
    Ok(answer.into())
}

/// Of an alarm that nobody could judge nothing is known.
fn state_of(evaluated: &Result<Evaluated, Error>) -> State {
    evaluated.as_ref().map_or(State::InsufficientData, |evaluated| evaluated.state)
}

fn described(Stored { value: alarm, times }: &Stored<Alarm>, evaluated: &Result<Evaluated, Error>) -> Value {
    let none = Value::Array(Vec::new());
    let described = json!({
        "AlarmName": alarm.name,
        "AlarmArn": format!("arn:aws:cloudwatch:auto:000000000000:alarm:{}", alarm.name),
        "ActionsEnabled": false,
        "OKActions": none,
        "AlarmActions": none,
        "InsufficientDataActions": none,
        "StateValue": state_of(evaluated),
        "MetricName": alarm.metric.name(),
        "Namespace": NAMESPACE,
        "Dimensions": dimensions(&alarm.endpoint, &alarm.variant, alarm.config.as_deref()),
        "Period": alarm.period_s,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.missing_data,
    });
    let Value::Object(mut members) = described else { return described };
    let mut insert = |member: &str, value: Value| members.insert(member.to_owned(), value);
    let statistic = if alarm.statistic.quantile().is_some() { "ExtendedStatistic" } else { "Statistic" };
    insert(statistic, alarm.statistic.to_string().into());
    if let Some(description) = &alarm.description {
        insert("AlarmDescription", description.as_str().into());
    }
    if let Some(Times { modified_ms, .. }) = times {
        insert("AlarmConfigurationUpdatedTimestamp", (modified_ms / 1000.0).into());
    }
    match evaluated {
        Ok(Evaluated { since_ms, reason, .. }) => {
            // No alarm has a state before it is made.
            let since_ms = times.map_or(*since_ms, |times| since_ms.max(times.modified_ms));
            insert("StateReason", reason.as_str().into());
            for member in ["StateUpdatedTimestamp", "StateTransitionedTimestamp"] {
                insert(member, (since_ms / 1000.0).into());
            }
        }
        Err(error) => {
            insert("StateReason", Report::from(error).message.into());
            insert("EvaluationState", "EVALUATION_FAILURE".into());
        }
    }
    members.into()
}

/// A value by CloudWatch's name of it.
fn named<T: serde::de::DeserializeOwned>(name: String, member: &str) -> Result<T, RequestError> {
    serde_json::from_value(name.into()).map_err(|error| wrong(format!("`{member}`: {error}")))
}

fn required<T>(member: Option<T>, name: &str) -> Result<T, RequestError> {
    member.ok_or_else(|| wrong(format!("`{name}` is missing")))
}

fn check_names(names: &[AlarmName]) -> Result<(), RequestError> {
    if (1..=MOST_NAMES).contains(&names.len()) {
        return Ok(());
    }
    Err(wrong(format!("`AlarmNames` are 1 to {MOST_NAMES}")))
}

fn wrong(what: String) -> RequestError {
    RequestError::Operation(what)
}
