//! What is counted, told and changed where endpoints have experiments, by each protocol.
#![allow(clippy::panic)]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::{Bench, ORIGIN, Seen, bench, said};
use crate::request::Request;

pub(super) fn with_experiments() -> Bench {
    let bench = bench(ORIGIN);
    *bench.world.experiments.borrow_mut() = Some(Default::default());
    bench.world.now_ms.set(1_800_000_000_000.0);
    bench
}

impl Bench {
    pub(super) fn asked(&self, method: Method, path: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let request = Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            secure: true,
            ..Request::default()
        };
        // What is to be sent on is waited for.
        let mut begun = self.begin(request, Ok(body.as_bytes().to_vec()));
        for _ in 0..100 {
            if let Some(seen) = begun.poll() {
                return seen;
            }
            self.world.now_ms.set(self.world.now_ms.get() + 500.0);
        }
        panic!("{path} waits for ever");
    }

    fn decide(&self) -> Value {
        self.asked(Method::POST, "/endpoints/e/assignments", "", &[], "").json()
    }
}

const ADMIN: (&str, &str) = ("authorization", "Bearer root");

#[test]
fn decisions_and_failures_are_counted_by_the_variant_that_was_chosen() {
    let bench = with_experiments();
    bench.answers([said(500, "text/plain", "no"), said(200, "application/json", "[1]")]);
    let headers = [("content-type", "application/json"), ("x-target-variant", "a")];
    let seen = bench.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1], [2]]");
    assert_eq!((seen.status, seen.header("x-assignment-reason")), (200, "fallback"));
    let drawn: Vec<Value> = (0..20).map(|_| bench.decide()).collect();
    let board = bench.asked(Method::GET, "/endpoints/e/scoreboard", "", &[], "").json();
    let [a, b] = board["lines"].as_array().unwrap().as_slice() else { panic!("{board}") };
    let count = |name: &str| drawn.iter().filter(|decision| decision["variant"] == name).count();
    assert_eq!(
        (&a["by_reason"], &a["errors"]["variant"], &a["fallbacks"]),
        (&json!({"target": 1, "weighted": count("a")}), &json!(1), &json!(1))
    );
    assert_eq!((&b["invocations"], &b["stood_in"]), (&json!(count("b")), &json!(1)));
    assert_eq!((&a["expected_share"], &board["lost"]), (&json!(0.75), &json!(0)));
    assert_eq!(board["split"]["alarm"], false);
    assert_eq!(bench.asked(Method::GET, "/endpoints/e/scoreboard", "by=nobody", &[], "").status, 400);
    assert_eq!(bench.asked(Method::GET, "/endpoints/e/scoreboard", "from=yesterday", &[], "").status, 400);
    let early = bench.asked(Method::GET, "/endpoints/e/scoreboard", "to=2020-01-01T00:00:00Z", &[], "").json();
    assert_eq!(early["lines"], json!([]));
}

#[test]
fn an_experiment_that_is_down_costs_no_answer_and_what_it_missed_is_sent_later() {
    let bench = with_experiments();
    bench.world.experiments_down.set(true);
    for _ in 0..5 {
        assert!(bench.decide()["variant"].is_string());
    }
    assert_eq!(
        bench.asked(Method::GET, "/endpoints/e/scoreboard", "", &[], "").header("x-error-code"),
        "experiment_unavailable"
    );
    let metrics = bench.asked(Method::GET, "/metrics", "", &[], "");
    assert!(String::from_utf8(metrics.body).unwrap().contains("turnout_experiment_up{endpoint=\"e\"} 0\n"));
    bench.world.experiments_down.set(false);
    bench.decide();
    let board = bench.asked(Method::GET, "/endpoints/e/scoreboard", "", &[], "").json();
    let sum: u64 = board["lines"].as_array().unwrap().iter().map(|line| line["invocations"].as_u64().unwrap()).sum();
    assert_eq!(sum, 6);
}

#[test]
fn an_experiment_that_hangs_keeps_no_other_endpoints_from_being_told_anything() {
    let bench = with_experiments();
    bench.world.endpoints.borrow_mut().insert("f".to_owned(), ORIGIN.into());
    *bench.world.experiment_hangs.borrow_mut() = Some("e".to_owned());
    let mut hanging = bench.begin(
        Request { method: Method::POST, path: "/endpoints/e/assignments".to_owned(), ..Request::default() },
        Ok(Vec::new()),
    );
    assert!(hanging.poll().is_none());
    bench.world.now_ms.set(bench.world.now_ms.get() + 1_000.0);
    assert!(hanging.poll().is_none());
    let before_ms = bench.world.now_ms.get();
    assert_eq!(bench.asked(Method::POST, "/endpoints/f/assignments", "", &[], "").status, 200);
    assert!(bench.world.now_ms.get() - before_ms <= 1_000.0);
    let board = bench.asked(Method::GET, "/endpoints/f/scoreboard", "", &[], "").json();
    assert_eq!(board["lines"].as_array().unwrap().len(), 1);
}

#[test]
fn the_administrator_reads_a_document_as_it_was_written_with_and_without_an_experiment() {
    for bench in [with_experiments(), bench(ORIGIN)] {
        // What no program would keep: spaces, and the order of members.
        let written = format!(" {}\n\n", ORIGIN.replacen('{', "{ ", 1));
        bench.world.endpoints.borrow_mut().insert("f".to_owned(), written.clone().into());
        let read = |headers: &[(&str, &str)]| bench.asked(Method::GET, "/endpoints/f/document", "", headers, "");
        let seen = read(&[ADMIN]);
        assert_eq!((seen.status, String::from_utf8_lossy(&seen.body).as_ref()), (200, written.as_str()));
        assert_eq!(seen.header("cache-control"), "no-store");
        let described = bench.asked(Method::GET, "/endpoints/f", "", &[ADMIN], "");
        assert_eq!(seen.header("etag"), described.header("etag"));
        // It is what a change of the whole document begins with.
        let changed = written.replacen("\"weight\": 3", "\"weight\": 4", 1);
        let terms = [ADMIN, ("if-match", seen.header("etag"))];
        assert_eq!(bench.asked(Method::PUT, "/endpoints/f", "", &terms, &changed).status, 200);
        assert_eq!(String::from_utf8_lossy(&read(&[ADMIN]).body), changed);
        assert_eq!(bench.asked(Method::PUT, "/endpoints/f", "", &terms, &written).status, 412);

        assert_eq!(read(&[]).status, 401);
        assert_eq!(read(&[("authorization", "Bearer hush")]).status, 401);
        assert_eq!(bench.asked(Method::POST, "/endpoints/f/document", "", &[ADMIN], "").status, 405);
        assert_eq!(bench.asked(Method::GET, "/endpoints/g/document", "", &[ADMIN], "").status, 404);
    }
}

#[test]
fn who_may_not_invoke_reads_no_scoreboard_and_who_is_not_the_administrator_no_history() {
    let bench = with_experiments();
    let mut document: Value = serde_json::from_str(ORIGIN).unwrap();
    document["access"] = json!({"bearer": "A_TOKEN"});
    bench.world.endpoints.borrow_mut().insert("e".to_owned(), document.to_string().into());
    for (token, board, history) in [("", 401, 401), ("Bearer hush", 200, 401), ("Bearer root", 200, 200)] {
        let headers = if token.is_empty() { vec![] } else { vec![("authorization", token)] };
        assert_eq!(bench.asked(Method::GET, "/endpoints/e/scoreboard", "", &headers, "").status, board, "{token}");
        assert_eq!(bench.asked(Method::GET, "/endpoints/e/history", "", &headers, "").status, history, "{token}");
        let metrics = String::from_utf8(bench.asked(Method::GET, "/metrics", "", &headers, "").body).unwrap();
        assert_eq!(metrics.contains("endpoint=\"e\""), board == 200, "{token}");
    }
}

#[test]
fn without_experiments_there_is_nothing_to_tell_and_documents_are_changed_all_the_same() {
    let bench = bench(ORIGIN);
    for path in ["/endpoints/e/scoreboard", "/endpoints/e/history", "/metrics"] {
        assert_eq!(bench.asked(Method::GET, path, "", &[ADMIN], "").header("x-error-code"), "not_supported", "{path}");
    }
    let put = |headers: &[(&str, &str)], body: &str| bench.asked(Method::PUT, "/endpoints/new", "", headers, body);
    assert_eq!(put(&[ADMIN], ORIGIN).header("x-error-code"), "revision_required");
    assert_eq!(put(&[("if-none-match", "*")], ORIGIN).status, 401);
    assert_eq!(put(&[ADMIN, ("if-none-match", "*")], "{}").header("x-error-code"), "bad_document");
    let made = put(&[ADMIN, ("if-none-match", "*")], ORIGIN);
    assert_eq!((made.status, made.json()["name"].clone()), (200, json!("new")));
    assert_eq!(put(&[ADMIN, ("if-none-match", "*")], ORIGIN).header("x-error-code"), "revision_conflict");
    let removed = bench.asked(Method::DELETE, "/endpoints/new", "", &[ADMIN, ("if-match", made.header("etag"))], "");
    assert_eq!(removed.status, 204);
    assert_eq!(bench.get("/endpoints/new").status, 404);
    let back = bench.asked(
        Method::POST,
        "/endpoints/e/rollback",
        "",
        &[ADMIN, ("if-match", "*")],
        r#"{"to": "0123456789ab"}"#,
    );
    assert_eq!((back.status, back.header("x-error-code")), (404, "revision_unknown"));
}

#[test]
fn metrics_are_told_in_both_formats() {
    let bench = with_experiments();
    bench.answers([said(200, "application/json", "[1]")]);
    let headers = [("content-type", "application/json"), ("x-target-variant", "b")];
    bench.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1], [2]]");
    let plain = bench.asked(Method::GET, "/metrics", "", &[], "");
    assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(plain.body).unwrap();
    for line in [
        "# TYPE turnout_invocations_total counter",
        "turnout_invocations_total{endpoint=\"e\",variant=\"b\",reason=\"target\"} 1",
        "turnout_errors_total{endpoint=\"e\",variant=\"b\",party=\"variant\"} 0",
        "turnout_predicted_rows_total{endpoint=\"e\",variant=\"b\"} 2",
        "turnout_origin_duration_seconds_count{endpoint=\"e\",variant=\"b\"} 1",
        "turnout_origin_duration_seconds{endpoint=\"e\",variant=\"b\",quantile=\"0.5\"} 0.01",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    let open = bench.asked(
        Method::GET,
        "/metrics",
        "",
        &[("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")],
        "",
    );
    assert_eq!(open.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = String::from_utf8(open.body).unwrap();
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE turnout_invocations counter\n"), "{text}");
    assert_eq!(bench.asked(Method::POST, "/metrics", "", &[], "").status, 405);
}

#[test]
fn sagemakers_control_plane_goes_through_the_experiment() {
    let bench = with_experiments();
    let ask = |operation: &str, body: &Value| {
        let target = format!("SageMaker.{operation}");
        bench.asked(
            Method::POST,
            "/",
            "",
            &[ADMIN, ("x-amz-target", &target), ("x-change-reason", "by boto3")],
            &body.to_string(),
        )
    };
    let weights =
        json!({"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "a", "DesiredWeight": 9}]});
    assert_eq!(ask("UpdateEndpointWeightsAndCapacities", &weights).status, 200);
    let model = json!({"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": "https://m.example/"}});
    assert_eq!(ask("CreateModel", &model).status, 200);
    let config = json!({"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "a", "ModelName": "m", "InitialVariantWeight": 1}]});
    assert_eq!(ask("CreateEndpointConfig", &config).status, 200);
    let endpoint = json!({"EndpointName": "f", "EndpointConfigName": "c"});
    assert_eq!(ask("CreateEndpoint", &endpoint).status, 200);
    assert_eq!(ask("CreateEndpoint", &endpoint).header("x-error-code"), "exists");
    assert_eq!(ask("UpdateEndpoint", &endpoint).status, 200);
    assert_eq!(ask("DeleteEndpoint", &json!({"EndpointName": "f"})).status, 200);
    assert_eq!(ask("DeleteEndpoint", &json!({"EndpointName": "f"})).header("x-error-code"), "not_found");
    let history = |name: &str| bench.asked(Method::GET, &format!("/endpoints/{name}/history"), "", &[ADMIN], "").json();
    let changes = history("e")["changes"].clone();
    assert_eq!(
        (changes.as_array().unwrap().len(), &changes[0]["author"], &changes[0]["reason"]),
        (2, &json!("token"), &json!("by boto3"))
    );
    assert_eq!(history("f")["changes"].as_array().unwrap().len(), 3);
    assert_eq!(history("nobody").get("changes"), None);
}

#[test]
fn cloudwatch_tells_what_the_minutes_say() {
    let bench = with_experiments();
    let ask = |operation: &str, body: Value| {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        bench.asked(Method::POST, "/", "", &[ADMIN, ("x-amz-target", &target)], &body.to_string())
    };
    let headers = [("content-type", "application/json"), ("x-target-variant", "b")];
    for minute in 0..3 {
        bench.world.now_ms.set(1_800_000_000_000.0 + 60_000.0 * f64::from(minute));
        for _ in 0..=minute {
            bench.answers([said(200, "application/json", "[1]")]);
            bench.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1]]");
        }
    }
    bench.answers([said(500, "application/json", "[1]")]);
    assert_eq!(bench.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1]]").status, 424);
    let dimensions = json!([{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "b"}]);
    let statistics = |metric: &str, period: u32, statistics: Value| {
        let body = json!({"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions, "Period": period,
            "StartTime": 1_799_999_999, "EndTime": 1_800_000_600, "Statistics": statistics, "ExtendedStatistics": ["p50"]});
        ask("GetMetricStatistics", body).json()["Datapoints"].clone()
    };
    let point = |at: u32, sum: f64| json!({"Timestamp": f64::from(at), "Sum": sum, "Unit": "None"});
    assert_eq!(
        statistics("Invocations", 60, json!(["Sum"])),
        json!([point(1_800_000_000, 1.0), point(1_800_000_060, 2.0), point(1_800_000_120, 4.0)])
    );
    let whole =
        &statistics("InvocationModelErrors", 300, json!(["Sum", "Average", "SampleCount", "Minimum", "Maximum"]))[0];
    assert_eq!(
        whole,
        &json!({"Timestamp": 1_800_000_000.0, "Unit": "None", "Sum": 1.0, "Average": 1.0 / 7.0, "SampleCount": 7.0, "Minimum": 0.0, "Maximum": 1.0})
    );
    assert_eq!(statistics("Invocation4XXErrors", 300, json!(["Sum"]))[0]["Sum"], json!(0.0));
    let latency = &statistics("ModelLatency", 300, json!(["Average", "Maximum"]))[0];
    assert_eq!((&latency["Unit"], &latency["Maximum"]), (&json!("Microseconds"), &json!(10_000.0)));
    assert_eq!(latency["ExtendedStatistics"]["p50"], json!(10_000.0));
    let query = |id: &str, stat: &str| json!({"Id": id, "MetricStat": {"Metric": {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions}, "Period": 60, "Stat": stat}});
    let data = |queries: Value| {
        ask(
            "GetMetricData",
            json!({"MetricDataQueries": queries, "StartTime": 1_800_000_000, "EndTime": 1_800_000_600}),
        )
    };
    let answer = data(json!([query("m1", "Sum")])).json();
    assert_eq!(
        answer["MetricDataResults"][0],
        json!({"Id": "m1", "Label": "Invocations", "StatusCode": "Complete",
        "Timestamps": [1_800_000_120.0, 1_800_000_060.0, 1_800_000_000.0], "Values": [4.0, 2.0, 1.0]})
    );
    let refused = data(json!([{"Id": "e1", "Expression": "m1 * 2"}]));
    assert_eq!((refused.status, refused.header("x-amzn-query-error")), (400, "InvalidParameterValue;Sender"));
    assert!(refused.json()["message"].as_str().unwrap().contains("`e1` is an expression"));
    let listed = ask("ListMetrics", json!({"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency"})).json();
    assert_eq!(listed["Metrics"].as_array().unwrap().len(), 3);
    assert_eq!(ask("ListMetrics", json!({"Namespace": "AWS/EC2"})).json()["Metrics"], json!([]));
    assert_eq!(
        bench
            .asked(Method::POST, "/", "", &[("x-amz-target", "GraniteServiceVersion20100801.ListMetrics")], "{}")
            .status,
        403
    );
}
