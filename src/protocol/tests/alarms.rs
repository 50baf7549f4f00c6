//! CloudWatch's alarms, from the request to what they say of the traffic.

use http::Method;
use serde_json::{Value, json};

use super::experiments::with_experiments;
use super::{Bench, Seen, bench, said};

const ADMIN: (&str, &str) = ("authorization", "Bearer root");
const START_MS: f64 = 1_800_000_000_000.0;

impl Bench {
    fn watch(&self, operation: &str, body: &Value) -> Seen {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        self.asked(Method::POST, "/", "", &[ADMIN, ("x-amz-target", &target)], &body.to_string())
    }

    /// The body of an operation that succeeds.
    pub(super) fn watched(&self, operation: &str, body: &Value) -> Value {
        let seen = self.watch(operation, body);
        assert_eq!(seen.status, 200, "{operation}: {}", String::from_utf8_lossy(&seen.body));
        seen.json()
    }

    /// The status, the name and the message of an operation that fails.
    fn unwatched(&self, operation: &str, body: &Value) -> (u16, String, String) {
        let seen = self.watch(operation, body);
        let text = |member: &str| seen.json()[member].as_str().unwrap_or_default().to_owned();
        assert_eq!(seen.header("x-amzn-query-error"), format!("{};Sender", text("__type")));
        (seen.status, text("__type"), text("message"))
    }

    pub(super) fn describe_alarms(&self, asked: &Value) -> Vec<Value> {
        self.watched("DescribeAlarms", asked)["MetricAlarms"].as_array().unwrap().clone()
    }

    pub(super) fn invoke_each(&self, endpoint: &str, variant: &str, statuses: &[u16]) {
        let headers = [ADMIN, ("content-type", "application/json"), ("x-target-variant", variant)];
        for status in statuses {
            self.answers([said(*status, "application/json", "[1]")]);
            self.asked(Method::POST, &format!("/endpoints/{endpoint}/invocations"), "", &headers, "[[1]]");
        }
    }
}

pub(super) fn dimensions(endpoint: &str, variant: &str) -> Value {
    json!([{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}])
}

/// An alarm of more than a tenth of failures in a minute, but for what is said otherwise.
pub(super) fn alarm(name: &str, endpoint: &str, more: &Value) -> Value {
    let mut alarm = json!({"AlarmName": name, "Namespace": "AWS/SageMaker", "MetricName": "InvocationModelErrors",
        "Dimensions": dimensions(endpoint, "b"), "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"});
    let members = alarm.as_object_mut().unwrap();
    for (member, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(member)),
            value => drop(members.insert(member.clone(), value.clone())),
        }
    }
    alarm
}

fn names(alarms: &[Value]) -> Vec<&str> {
    alarms.iter().map(|alarm| alarm["AlarmName"].as_str().unwrap()).collect()
}

#[test]
fn the_life_of_an_alarm() {
    let bench = with_experiments();
    let actions = json!({"AlarmActions": ["arn:aws:sns:x"], "Tags": [{"Key": "a", "Value": "b"}], "Unit": "None",
        "AlarmDescription": "b fails", "ActionsEnabled": true});
    bench.watched("PutMetricAlarm", &alarm("b fails", "e", &actions));
    let only = || {
        let [only] = bench.describe_alarms(&json!({})).try_into().unwrap();
        only
    };
    let fine = only();
    assert_eq!(
        fine,
        json!({"AlarmName": "b fails", "AlarmArn": "arn:aws:cloudwatch:auto:000000000000:alarm:b fails",
            "AlarmDescription": "b fails", "AlarmConfigurationUpdatedTimestamp": 1_800_000_000.0,
            "ActionsEnabled": false, "OKActions": [], "AlarmActions": [], "InsufficientDataActions": [],
            "StateValue": "OK", "StateReason": "no requests in the last 3 periods of 60 seconds",
            "StateUpdatedTimestamp": 1_800_000_000.0, "StateTransitionedTimestamp": 1_800_000_000.0,
            "MetricName": "InvocationModelErrors", "Namespace": "AWS/SageMaker", "Statistic": "Average",
            "Dimensions": dimensions("e", "b"), "Period": 60, "EvaluationPeriods": 1, "DatapointsToAlarm": 1,
            "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"})
    );
    bench.invoke_each("e", "b", &[200, 500]);
    bench.world.now_ms.set(START_MS + 64_000.0);
    assert_eq!(only()["StateValue"], "OK");
    bench.world.now_ms.set(START_MS + 65_000.0);
    let alarmed = only();
    assert_eq!(
        (&alarmed["StateValue"], &alarmed["StateReason"], &alarmed["StateUpdatedTimestamp"]),
        (
            &json!("ALARM"),
            &json!("1 of 1 datapoints are above the threshold 0.1, and 1 of 1 make an alarm; the newest first: 0.5"),
            &json!(1_800_000_060.0)
        )
    );
    // Put anew, it says so, and its threshold is another.
    bench.watched("PutMetricAlarm", &alarm("b fails", "e", &json!({"Threshold": 0.5})));
    let anew = only();
    assert_eq!(
        (&anew["StateValue"], &anew["AlarmConfigurationUpdatedTimestamp"], anew.get("AlarmDescription")),
        (&json!("OK"), &json!(1_800_000_065.0), None)
    );
    bench.watched("DeleteAlarms", &json!({"AlarmNames": ["b fails"]}));
    assert_eq!(bench.describe_alarms(&json!({})), [] as [Value; 0]);
    let (status, name, message) = bench.unwatched("DeleteAlarms", &json!({"AlarmNames": ["b fails"]}));
    assert_eq!((status, name.as_str()), (404, "ResourceNotFound"));
    assert!(message.starts_with("there is no alarm `b fails`"), "{message}");
}

#[test]
fn alarms_are_found_by_name_beginning_and_state_a_page_at_a_time() {
    let bench = with_experiments();
    bench.invoke_each("e", "b", &[500]);
    bench.world.now_ms.set(START_MS + 65_000.0);
    for name in ["x/1", "x/2", "x/3", "y 100%"] {
        bench.watched("PutMetricAlarm", &alarm(name, "e", &json!({})));
    }
    bench.watched("PutMetricAlarm", &alarm("quiet", "e", &json!({"Dimensions": dimensions("e", "a")})));
    let found = |asked: Value| names(&bench.describe_alarms(&asked)).join(", ");
    assert_eq!(found(json!({})), "quiet, x/1, x/2, x/3, y 100%");
    assert_eq!(found(json!({"AlarmNamePrefix": "x/"})), "x/1, x/2, x/3");
    assert_eq!(found(json!({"AlarmNames": ["y 100%", "nobody", "x/1", "x/1"]})), "x/1, y 100%");
    assert_eq!(found(json!({"StateValue": "OK"})), "quiet");
    assert_eq!(found(json!({"StateValue": "ALARM", "AlarmTypes": ["MetricAlarm"]})), "x/1, x/2, x/3, y 100%");
    assert_eq!(found(json!({"AlarmTypes": ["CompositeAlarm"]})), "");
    let (mut pages, mut asked) = (Vec::new(), json!({"MaxRecords": 2}));
    loop {
        let page = bench.watched("DescribeAlarms", &asked);
        pages.push(names(page["MetricAlarms"].as_array().unwrap()).join(", "));
        match page.get("NextToken") {
            Some(next) => asked["NextToken"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(pages, ["quiet, x/1", "x/2, x/3", "y 100%"]);
    // All or none.
    let (_, name, _) = bench.unwatched("DeleteAlarms", &json!({"AlarmNames": ["x/1", "nobody"]}));
    assert_eq!((name.as_str(), found(json!({"AlarmNamePrefix": "x/1"}))), ("ResourceNotFound", "x/1".to_owned()));
    bench.watched("DeleteAlarms", &json!({"AlarmNames": ["x/1", "x/2"]}));
    assert_eq!(found(json!({"AlarmNamePrefix": "x"})), "x/3");
}

#[test]
fn an_alarm_of_a_configuration_is_of_its_requests_alone() {
    let bench = with_experiments();
    let ask = |operation: &str, body: &Value| {
        let target = format!("SageMaker.{operation}");
        let seen = bench.asked(Method::POST, "/", "", &[ADMIN, ("x-amz-target", &target)], &body.to_string());
        assert_eq!(seen.status, 200, "{operation}: {}", String::from_utf8_lossy(&seen.body));
    };
    ask(
        "CreateModel",
        &json!({"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": "https://m.example/", "Environment": {"TURNOUT_TIMEOUT_MS": "100"}}}),
    );
    let variant = json!({"VariantName": "b", "ModelName": "m"});
    for config in ["blue", "green"] {
        ask("CreateEndpointConfig", &json!({"EndpointConfigName": config, "ProductionVariants": [variant]}));
    }
    let open = json!([{"Key": "turnout:access", "Value": "open"}]);
    ask("CreateEndpoint", &json!({"EndpointName": "f", "EndpointConfigName": "blue", "Tags": open}));
    bench.invoke_each("f", "b", &[200, 200, 200]);
    ask("UpdateEndpoint", &json!({"EndpointName": "f", "EndpointConfigName": "green"}));
    bench.invoke_each("f", "b", &[500]);
    bench.world.now_ms.set(START_MS + 65_000.0);
    let of = |config: &str| {
        let mut named = dimensions("f", "b").as_array().unwrap().clone();
        named.push(json!({"Name": "EndpointConfigName", "Value": config}));
        bench.watched("PutMetricAlarm", &alarm("of", "f", &json!({"Dimensions": named, "Threshold": 0.5})));
        let [of] = bench.describe_alarms(&json!({})).try_into().unwrap();
        assert_eq!(of["Dimensions"], Value::Array(named));
        of["StateReason"].as_str().unwrap().rsplit(": ").next().unwrap().to_owned()
    };
    assert_eq!((of("blue"), of("green")), ("0".to_owned(), "1".to_owned()));
    assert_eq!(of("none"), "no requests in the last 3 periods of 60 seconds");
    bench.watched("PutMetricAlarm", &alarm("of", "f", &json!({})));
    let reason = bench.describe_alarms(&json!({}))[0]["StateReason"].clone();
    assert!(reason.as_str().unwrap().ends_with(": 0.25"), "{reason}");
}

#[test]
fn an_experiment_that_does_not_answer_keeps_no_other_alarm_from_being_judged() {
    let bench = with_experiments();
    *bench.world.experiment_hangs.borrow_mut() = Some("f".to_owned());
    bench.watched("PutMetricAlarm", &alarm("hangs", "f", &json!({})));
    bench.watched("PutMetricAlarm", &alarm("judged", "e", &json!({})));
    bench.world.registry.borrow_mut().insert("alarm.by hand".to_owned(), b"{".to_vec());
    let alarms = bench.describe_alarms(&json!({}));
    assert_eq!(names(&alarms), ["hangs", "judged"]);
    assert_eq!(
        (&alarms[0]["StateValue"], &alarms[0]["EvaluationState"]),
        (&json!("INSUFFICIENT_DATA"), &json!("EVALUATION_FAILURE"))
    );
    assert!(alarms[0]["StateReason"].as_str().unwrap().contains("does not answer"));
    assert_eq!(alarms[1]["StateValue"], "OK");
    assert!(bench.world.warnings.borrow().iter().any(|warning| warning.contains("the alarm `by hand` is broken")));
    assert_eq!(names(&bench.describe_alarms(&json!({"StateValue": "INSUFFICIENT_DATA"}))), ["hangs"]);
}

#[test]
fn what_cannot_be_judged_is_refused_in_words() {
    let bench = with_experiments();
    for (more, name, words) in [
        (json!({"AlarmName": ""}), "InvalidParameterValue", "is no name of an alarm"),
        (json!({"Metrics": []}), "InvalidParameterValue", "`Metrics` is not judged here"),
        (json!({"ThresholdMetricId": "m"}), "InvalidParameterValue", "`ThresholdMetricId` is not judged here"),
        (json!({"Namespace": "AWS/EC2"}), "InvalidParameterValue", "AWS/SageMaker"),
        (json!({"Namespace": null}), "InvalidParameterValue", "`Namespace` is missing"),
        (json!({"MetricName": "CPUUtilization"}), "InvalidParameterValue", "Invocations, Invocation4XXErrors"),
        (json!({"Dimensions": []}), "InvalidParameterValue", "EndpointName and VariantName"),
        (json!({"Dimensions": dimensions("-", "b")}), "InvalidParameterValue", "is not a name"),
        (json!({"Unit": "Percent"}), "InvalidParameterValue", "is None"),
        (json!({"ExtendedStatistic": "p99"}), "InvalidParameterCombination", "one of `Statistic`"),
        (json!({"Statistic": null}), "InvalidParameterCombination", "one of `Statistic`"),
        (json!({"Statistic": null, "ExtendedStatistic": "tm90"}), "InvalidParameterValue", "`tm90` is no statistic"),
        (json!({"Statistic": null, "ExtendedStatistic": "p99"}), "InvalidParameterValue", "of ModelLatency alone"),
        (json!({"Period": 30}), "InvalidParameterValue", "multiple of 60 seconds"),
        (json!({"DatapointsToAlarm": 2}), "InvalidParameterValue", "no more than there are periods"),
        (json!({"Threshold": null}), "InvalidParameterValue", "`Threshold` is missing"),
        (json!({"ComparisonOperator": "LessThanLowerThreshold"}), "InvalidParameterValue", "`ComparisonOperator`"),
        (json!({"TreatMissingData": "zero"}), "InvalidParameterValue", "`TreatMissingData`"),
        (json!({"EvaluateLowSampleCountPercentile": "ignore"}), "InvalidParameterValue", "percentiles of few"),
        (json!({"AlarmDescription": "x".repeat(1_025)}), "InvalidParameterValue", "1024 characters"),
    ] {
        let (status, told, message) = bench.unwatched("PutMetricAlarm", &alarm("a", "e", &more));
        assert_eq!((status, told.as_str()), (400, name), "{more}: {message}");
        assert!(message.contains(words), "{more}: {message}");
    }
    for (asked, name) in [
        (json!({"AlarmNames": ["a"], "AlarmNamePrefix": "a"}), "InvalidParameterCombination"),
        (json!({"NextToken": "x"}), "InvalidNextToken"),
        (json!({"MaxRecords": 0}), "InvalidParameterValue"),
        (json!({"MaxRecords": 101}), "InvalidParameterValue"),
        (json!({"StateValue": "FINE"}), "InvalidParameterValue"),
        (json!({"ActionPrefix": "arn"}), "InvalidParameterValue"),
        (json!({"ChildrenOfAlarmName": "a"}), "InvalidParameterValue"),
        (json!({"AlarmNames": vec!["a"; 101]}), "InvalidParameterValue"),
    ] {
        assert_eq!(bench.unwatched("DescribeAlarms", &asked).1, name, "{asked}");
    }
    assert_eq!(bench.unwatched("DeleteAlarms", &json!({"AlarmNames": []})).1, "InvalidParameterValue");
    for operation in [
        "SetAlarmState",
        "EnableAlarmActions",
        "DisableAlarmActions",
        "DescribeAlarmsForMetric",
        "DescribeAlarmHistory",
        "PutCompositeAlarm",
    ] {
        assert_eq!(bench.watch(operation, &json!({})).header("x-error-code"), "not_supported", "{operation}");
    }
    assert_eq!(bench.watch("PutDashboard", &json!({})).header("x-error-code"), "no_such_operation");
    assert!(bench.world.registry.borrow().is_empty());
}

#[test]
fn alarms_are_bounded_the_administrators_and_of_what_is_counted() {
    let bench = with_experiments();
    for at in 0..1_000 {
        bench.world.registry.borrow_mut().insert(format!("alarm.{at}"), b"{}".to_vec());
    }
    let (status, name, _) = bench.unwatched("PutMetricAlarm", &alarm("one more", "e", &json!({})));
    assert_eq!((status, name.as_str()), (400, "LimitExceeded"));
    bench.watched("PutMetricAlarm", &alarm("999", "e", &json!({})));
    let target = ("x-amz-target", "GraniteServiceVersion20100801.DescribeAlarms");
    assert_eq!(bench.asked(Method::POST, "/", "", &[target], "{}").status, 403);
    let uncounted = self::bench(super::ORIGIN);
    for (operation, body) in [("PutMetricAlarm", alarm("a", "e", &json!({}))), ("DescribeAlarms", json!({}))] {
        assert_eq!(uncounted.watch(operation, &body).header("x-error-code"), "not_supported");
    }
}
