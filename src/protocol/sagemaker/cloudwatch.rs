//! CloudWatch, as AWS's clients ask it for the metrics of SageMaker's endpoints: AWS JSON 1.0, `POST /` with the operation in
//! `X-Amz-Target`. Metrics are made of the scoreboard's minutes, and so is what [alarms](super::alarms) say.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::alarms;
use super::error::{Api, CloudWatchError, message, named};
use super::requests::parse;
use super::series::{Dimension, NAMESPACE, Series, dimensions};
use crate::endpoint::{Backend, Name};
use crate::experiment::{By, InvocationMetric, Query, Statistic, Statistics};
use crate::isolate::Served;
use crate::platform::Platform;
use crate::protocol::headers;
use crate::protocol::report::Report;
use crate::protocol::respond::{Answer, insert, respond};
use crate::request::{Request, RequestError, Response};
use crate::service::{Error, FollowUps, Service};

const MEDIA_TYPE: &str = "application/x-amz-json-1.0";
const TARGET: &str = "GraniteServiceVersion20100801.";
/// The most points of one series, as CloudWatch has it.
const MOST_POINTS: f64 = 1_440.0;

/// Whether a request is for CloudWatch.
pub(in crate::protocol) fn claims(request: &Request) -> bool {
    request.method == Method::POST
        && request.path == "/"
        && request.header("x-amz-target").is_some_and(|target| target.starts_with(TARGET))
}

/// Answers a request.
pub(in crate::protocol) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    let mut refresh = Vec::new();
    let response = match operate(service, &request, &mut refresh).await {
        Ok(body) => respond(StatusCode::OK, MEDIA_TYPE, body.to_string().into_bytes()),
        Err(CloudWatchError { error, name }) => refused(&error, name),
    };
    Answer { response, follow_ups: FollowUps::refresh(refresh) }
}

/// An error as a response, with the header from which clients of the older protocol take its name.
pub(in crate::protocol) fn refuse(error: &Error) -> Response {
    refused(error, None)
}

fn refused(error: &Error, name: Option<&'static str>) -> Response {
    let (report, named) = (Report::from(error), named(error, Api::Control));
    let usual = if named.name == "ValidationException" { "InvalidParameterValue" } else { named.name };
    let name = name.unwrap_or(usual);
    let body = json!({ "__type": name, "message": message(&report) });
    let mut response = respond(named.status, MEDIA_TYPE, body.to_string().into_bytes());
    insert(response.headers_mut(), headers::AMZN_QUERY_ERROR, &format!("{name};Sender"));
    insert(response.headers_mut(), headers::ERROR_CODE, report.code);
    response
}

async fn operate<P: Platform>(
    service: &Service<'_, P>,
    request: &Request,
    refresh: &mut Vec<Name>,
) -> Result<Value, CloudWatchError> {
    service.allow_admin(request)?;
    let target = request.header("x-amz-target").unwrap_or_default();
    let body = request.body.as_slice();
    match target.strip_prefix(TARGET).unwrap_or_default() {
        "GetMetricStatistics" => Ok(statistics(service, request, parse(body)?, refresh).await?),
        "GetMetricData" => Ok(data(service, request, parse(body)?, refresh).await?),
        "ListMetrics" => Ok(list(service, parse(body)?, refresh).await?),
        "PutMetricAlarm" => alarms::put(service, parse(body)?).await,
        "DescribeAlarms" => alarms::describe(service, parse(body)?).await,
        "DeleteAlarms" => alarms::delete(service, parse(body)?).await,
        operation => Err(not_here(operation).unwrap_or_else(|| strange(target)).into()),
    }
}

/// Why operations on alarms that CloudWatch has are not here.
fn not_here(operation: &str) -> Option<RequestError> {
    let why = match operation {
        "SetAlarmState" => {
            "alarms are judged anew whenever they are asked for, so a state that was set would be gone by then; put the alarm with another threshold"
        }
        "EnableAlarmActions" | "DisableAlarmActions" => "alarms take no actions here",
        "DescribeAlarmsForMetric" => "alarms are found by name: use DescribeAlarms, with AlarmNamePrefix",
        "DescribeAlarmHistory" => "alarms are judged when they are asked for, and what they said is not kept",
        "PutCompositeAlarm" => "an alarm is one metric beside one threshold",
        _ => return None,
    };
    Some(RequestError::NotKept(why))
}

fn strange(target: &str) -> RequestError {
    RequestError::NoSuchOperation(target.chars().take(100).collect())
}

/// When, in seconds since the Unix epoch, and by how many seconds.
struct Span {
    start: f64,
    end: f64,
    period: f64,
}

impl Span {
    fn check(&self) -> Result<(), RequestError> {
        let wrong = |what: &str| Err(RequestError::Operation(what.to_owned()));
        let Span { start, end, period } = *self;
        if !(start.is_finite() && end.is_finite() && start < end) {
            return wrong("`StartTime` is to be before `EndTime`");
        }
        if !(period >= 60.0 && period % 60.0 == 0.0 && period <= 86_400.0 * 365.0) {
            return wrong("`Period` is a multiple of 60 seconds");
        }
        if (end - start) / period > MOST_POINTS {
            return wrong("these would be more than 1440 points: ask for a shorter time or a longer `Period`");
        }
        Ok(())
    }
}

/// `p99` and `p99.9` as 0.99 and 0.999.
fn quantile(name: &str) -> Option<f64> {
    Statistic::try_from(name).ok()?.quantile()
}

/// The points of a series: when each begins, in seconds since the Unix epoch, and what it says. The oldest comes first.
async fn points<P: Platform>(
    service: &Service<'_, P>,
    proof: &Request,
    series: &Series,
    span: &Span,
    quantiles: Vec<f64>,
    refresh: &mut Vec<Name>,
) -> Result<Vec<(f64, Statistics)>, Error> {
    // A point begins at a multiple of its period, and so does the first.
    let start = (span.start / span.period).floor() * span.period;
    let query = Query {
        from_ms: Some(start * 1000.0),
        to_ms: Some(span.end * 1000.0),
        by: By::Minute,
        step_ms: Some((span.period * 1000.0) as u64),
        quantiles,
        variant: Some(series.variant.clone()),
        config: series.config.clone(),
    };
    let scoreboard = match service.scoreboard(&series.endpoint, query, proof, refresh).await {
        Ok(scoreboard) => scoreboard,
        // CloudWatch does not know whether there is such an endpoint.
        Err(Error::Endpoint(..)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = scoreboard.lines.iter().filter(|line| line.variant.as_ref() == Some(&series.variant));
    let points = lines.filter_map(|line| Some((line.since_ms? as f64 / 1000.0, series.metric.statistics(line)?)));
    Ok(points.collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricStatistics {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: f64,
    end_time: f64,
    period: f64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
}

async fn statistics<P: Platform>(
    service: &Service<'_, P>,
    proof: &Request,
    asked: GetMetricStatistics,
    refresh: &mut Vec<Name>,
) -> Result<Value, Error> {
    let wrong = |what: &str| RequestError::Operation(what.to_owned());
    let span = Span { start: asked.start_time, end: asked.end_time, period: asked.period };
    span.check()?;
    if asked.statistics.is_empty() && asked.extended_statistics.is_empty() {
        return Err(wrong("name `Statistics` or `ExtendedStatistics`").into());
    }
    let mut plain = Vec::new();
    for name in &asked.statistics {
        match Statistic::try_from(name.as_str()) {
            Ok(statistic) if statistic.quantile().is_none() => plain.push((name, statistic)),
            _ => return Err(wrong("`Statistics` are SampleCount, Average, Sum, Minimum and Maximum").into()),
        }
    }
    let quantiles: Option<Vec<f64>> = asked.extended_statistics.iter().map(|name| quantile(name)).collect();
    let quantiles = quantiles.ok_or_else(|| wrong("`ExtendedStatistics` are percentiles such as p99"))?;
    let series = Series::of(&asked.namespace, &asked.metric_name, &asked.dimensions);
    let mut datapoints = Vec::new();
    if let Ok(series) = series {
        for (at, statistics) in points(service, proof, &series, &span, quantiles, refresh).await? {
            let mut point = Map::new();
            point.insert("Timestamp".to_owned(), at.into());
            point.insert("Unit".to_owned(), series.metric.unit().into());
            for (name, statistic) in &plain {
                point.insert((*name).clone(), statistics.get(*statistic).into());
            }
            let extended =
                asked.extended_statistics.iter().cloned().zip(statistics.quantiles.iter().map(|q| (*q).into()));
            let extended: Map<String, Value> = extended.collect();
            if !extended.is_empty() {
                point.insert("ExtendedStatistics".to_owned(), extended.into());
            }
            datapoints.push(Value::from(point));
        }
    }
    Ok(json!({ "Label": asked.metric_name, "Datapoints": datapoints }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricData {
    metric_data_queries: Vec<DataQuery>,
    start_time: f64,
    end_time: f64,
    scan_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataQuery {
    id: String,
    label: Option<String>,
    metric_stat: Option<MetricStat>,
    expression: Option<IgnoredAny>,
    #[serde(default = "yes")]
    return_data: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: AskedMetric,
    period: f64,
    stat: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AskedMetric {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

/// The most series that are asked for at once, as CloudWatch has it.
const MOST_QUERIES: usize = 500;

async fn data<P: Platform>(
    service: &Service<'_, P>,
    proof: &Request,
    asked: GetMetricData,
    refresh: &mut Vec<Name>,
) -> Result<Value, Error> {
    let wrong = |what: String| Error::from(RequestError::Operation(what));
    if asked.metric_data_queries.len() > MOST_QUERIES {
        return Err(wrong(format!("at most {MOST_QUERIES} `MetricDataQueries` are taken")));
    }
    let newest_first = match asked.scan_by.as_deref() {
        None | Some("TimestampDescending") => true,
        Some("TimestampAscending") => false,
        Some(_) => return Err(wrong("`ScanBy` is TimestampDescending or TimestampAscending".to_owned())),
    };
    let mut results = Vec::new();
    for query in asked.metric_data_queries {
        let DataQuery { id, label, metric_stat, expression, return_data } = query;
        let (Some(MetricStat { metric, period, stat }), None) = (metric_stat, expression) else {
            return Err(wrong(format!(
                "`{id}` is an expression, and these are not computed here: ask for its metrics"
            )));
        };
        let span = Span { start: asked.start_time, end: asked.end_time, period };
        span.check()?;
        let statistic = Statistic::try_from(stat).map_err(|error| wrong(format!("`Stat` of `{id}`: {error}")))?;
        if !return_data {
            continue;
        }
        let mut found = match Series::of(&metric.namespace, &metric.metric_name, &metric.dimensions) {
            Ok(series) => {
                let quantiles = statistic.quantile().into_iter().collect();
                points(service, proof, &series, &span, quantiles, refresh).await?
            }
            // What there is not has no points.
            Err(_) => Vec::new(),
        };
        if newest_first {
            found.reverse();
        }
        let told = found.iter().filter_map(|(at, statistics)| Some((*at, statistics.get(statistic)?)));
        let (timestamps, values): (Vec<f64>, Vec<f64>) = told.unzip();
        results.push(json!({
            "Id": id,
            "Label": label.unwrap_or(metric.metric_name),
            "Timestamps": timestamps,
            "Values": values,
            "StatusCode": "Complete",
        }));
    }
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListMetrics {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    next_token: Option<String>,
}

/// The metrics of a page of endpoints, each of which is one read.
async fn list<P: Platform>(
    service: &Service<'_, P>,
    asked: ListMetrics,
    refresh: &mut Vec<Name>,
) -> Result<Value, Error> {
    let page = service.list(asked.next_token.as_deref(), refresh).await?;
    let mut metrics = Vec::new();
    let is_asked = |name: &str, value: &str| {
        let named = asked.dimensions.iter().filter(|dimension| dimension.name == name);
        named.into_iter().all(|dimension| dimension.value.as_deref().is_none_or(|wanted| wanted == value))
    };
    let strange =
        asked.dimensions.iter().any(|dimension| !["EndpointName", "VariantName"].contains(&dimension.name.as_str()));
    let none = strange || asked.namespace.as_deref().is_some_and(|namespace| namespace != NAMESPACE);
    for (name, served) in page.endpoints.iter().filter(|_| !none) {
        let Ok(Served { endpoint, .. }) = served else { continue };
        for variant in endpoint.variants() {
            let variant_name = variant.name.as_str();
            if !is_asked("EndpointName", name.as_str()) || !is_asked("VariantName", variant_name) {
                continue;
            }
            let has_host = matches!(variant.backend, Backend::Origin(_));
            let kept = InvocationMetric::ALL
                .into_iter()
                .filter(|metric| *metric != InvocationMetric::ModelLatency || has_host);
            for metric in kept.filter(|metric| asked.metric_name.as_deref().is_none_or(|name| name == metric.name())) {
                metrics.push(json!({
                    "Namespace": NAMESPACE,
                    "MetricName": metric.name(),
                    "Dimensions": dimensions(name, variant_name, None),
                }));
            }
        }
    }
    let mut answer = Map::from_iter([("Metrics".to_owned(), metrics.into())]);
    if let Some(next) = page.cursor {
        answer.insert("NextToken".to_owned(), next.as_str().into());
    }
    Ok(answer.into())
}
