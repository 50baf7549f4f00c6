//! What is captured of requests, where it goes, what is lost on the way, and how it is read back.
#![allow(clippy::panic)]

use http::Method;
use serde_json::{Value, json};

use super::{Bench, Seen, bench, said};

const ADMIN: (&str, &str) = ("authorization", "Bearer root");
/// 2027-01-15T08:00:00Z
const NOW_MS: f64 = 1_800_000_000_000.0;
const HOUR: &str = "2027/01/15/08";

/// An endpoint of two origins, `a` alone with traffic, and the members that a test adds.
fn capturing(members: Value) -> Bench {
    let origin = |name: &str, weight: u32| json!({ "name": name, "weight": weight, "origin": { "url": format!("https://{name}.example") } });
    let mut document = json!({ "variants": [origin("a", 1), origin("b", 0)] });
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    let bench = bench(&document.to_string());
    *bench.world.experiments.borrow_mut() = Some(Default::default());
    bench.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), "k".repeat(32));
    bench.world.now_ms.set(NOW_MS);
    bench
}

impl Bench {
    fn post(&self, headers: &[(&str, &str)], body: &str) -> Seen {
        self.answers([said(200, "text/csv; charset=utf-8", "0.5\n")]);
        let seen = self.asked(Method::POST, "/endpoints/e/invocations", "", headers, body);
        assert_eq!(seen.status, 200);
        seen
    }

    fn objects(&self) -> Vec<(String, Vec<Value>)> {
        let read = |bytes: &[u8]| {
            let lines = std::str::from_utf8(bytes).unwrap().lines();
            lines.map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        self.world.bucket.objects.borrow().iter().map(|(key, bytes)| (key.clone(), read(bytes))).collect()
    }

    fn counted(&self) -> Value {
        self.asked(Method::GET, "/endpoints/e/scoreboard", "", &[], "").json()["capture"].clone()
    }
}

const CSV: (&str, &str) = ("content-type", "text/csv");

#[test]
fn requests_and_answers_are_kept_by_variant_and_hour() {
    let bench = capturing(json!({ "capture": { "percent": 100 } }));
    let seen = bench.post(&[CSV], "1,2\n");
    let own = bench.post(&[CSV, ("x-amzn-sagemaker-inference-id", "mine"), ("x-target-variant", "b")], "3,4\n");
    let objects = bench.objects();
    let [(a_key, a), (b_key, b)] = objects.as_slice() else { panic!("{objects:?}") };
    assert!(a_key.starts_with(&format!("e/a/{HOUR}/00-00-000-")) && a_key.ends_with(".jsonl"), "{a_key}");
    assert!(b_key.starts_with(&format!("e/b/{HOUR}/00-")), "{b_key}");
    assert_eq!(
        a.as_slice(),
        [json!({
            "captureData": {
                "endpointInput": { "observedContentType": "text/csv", "mode": "INPUT", "data": "1,2\n", "encoding": "CSV" },
                "endpointOutput": {
                    "observedContentType": "text/csv; charset=utf-8", "mode": "OUTPUT", "data": "0.5\n", "encoding": "CSV",
                },
            },
            "eventMetadata": {
                "eventId": seen.header("x-amzn-sagemaker-inference-id"), "inferenceTime": "2027-01-15T08:00:00Z",
            },
            "eventVersion": "0",
        })]
    );
    assert_eq!(own.header("x-amzn-sagemaker-inference-id"), "mine");
    assert_eq!(b[0]["eventMetadata"]["inferenceId"], "mine");
    assert_eq!(
        bench.counted(),
        json!({ "lines": 2, "lost": { "too_large": 0, "unreadable": 0, "no_room": 0, "failed": 0 } })
    );
    let metrics = bench.get("/metrics");
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(metrics.contains("turnout_captured_lines_total{endpoint=\"e\"} 2"), "{metrics}");
    assert!(metrics.contains("turnout_lost_captures_total{endpoint=\"e\",reason=\"failed\"} 0"), "{metrics}");
}

#[test]
fn nothing_is_kept_unless_it_is_asked_for_and_only_of_what_was_answered() {
    for document in [json!({}), json!({ "capture": { "percent": 0 } })] {
        let bench = capturing(document);
        bench.post(&[CSV], "1,2\n");
        assert!(bench.objects().is_empty() && bench.counted().is_null());
    }
    let bench = capturing(json!({ "capture": { "percent": 100, "input": false } }));
    bench.answers([said(500, "text/plain", "no")]);
    assert_eq!(bench.asked(Method::POST, "/endpoints/e/invocations", "", &[CSV], "1").status, 424);
    bench.asked(Method::POST, "/endpoints/e/assignments", "", &[], "");
    assert!(bench.objects().is_empty());
    bench.post(&[CSV], "1,2\n");
    let objects = bench.objects();
    let captured = &objects[0].1[0]["captureData"];
    assert!(captured["endpointInput"].is_null() && captured["endpointOutput"].is_object());
}

#[test]
fn a_bucket_that_fails_loses_no_request_and_what_is_lost_is_counted() {
    let bench = capturing(json!({ "capture": { "percent": 100 } }));
    bench.world.bucket.failures.set(3);
    bench.post(&[CSV], "1,2\n");
    assert_eq!((bench.objects().len(), bench.world.bucket.puts.get()), (1, 4));
    assert_eq!(bench.counted()["lines"], 1);
    assert!(bench.world.warnings.borrow()[0].contains("1 captured lines of endpoint `e` were not written"));
    bench.world.bucket.failures.set(u32::MAX);
    bench.post(&[CSV], "3,4\n");
    // What is left is tried again with the next request's, and given up after five tries.
    for _ in 0..4 {
        bench.world.now_ms.set(bench.world.now_ms.get() + 40_000.0);
        bench.post(&[CSV], "5,6\n");
    }
    let counted = bench.counted();
    assert_eq!(counted["lines"], 1);
    assert!(counted["lost"]["failed"].as_u64().unwrap() >= 2, "{counted}");
    bench.world.bucket.failures.set(0);
    bench.world.now_ms.set(bench.world.now_ms.get() + 40_000.0);
    bench.post(&[CSV], "7,8\n");
    let counted = bench.counted();
    assert_eq!(counted["lines"].as_u64().unwrap() + counted["lost"]["failed"].as_u64().unwrap(), 7);
    // One that never answers is waited for eight seconds; the response was long on its way.
    bench.world.bucket.hangs.set(true);
    bench.post(&[CSV], "9,9\n");
    let missing = capturing(json!({ "capture": { "percent": 100 } }));
    missing.world.bucket.is_missing.set(true);
    missing.post(&[CSV], "1,2\n");
    assert_eq!(missing.counted()["lost"]["failed"], 1);
}

#[test]
fn columns_are_left_out_and_what_could_hold_them_as_well() {
    let bench = capturing(json!({ "capture": { "percent": 100, "leave_out": ["email"] } }));
    let json_type = ("content-type", "application/json");
    bench.post(&[json_type], r#"{"instances": [{"email": "ada@example.com", "age": 36}]}"#);
    bench.post(&[CSV], "ada@example.com,36\n");
    bench.post(&[("content-type", "application/x-npy")], "ada@example.com");
    bench.post(&[CSV], "email,age\nada@example.com,36\n");
    bench.post(&[("content-type", "text/csv; header=present")], "e-mail,age\n,36\n");
    let objects = bench.objects();
    let inputs: Vec<&Value> =
        objects.iter().flat_map(|(_, lines)| lines).map(|line| &line["captureData"]["endpointInput"]["data"]).collect();
    let kept = [
        json!(r#"{"instances":[{"age":36}]}"#),
        Value::Null,
        Value::Null,
        json!("email,age\n,36\n"),
        json!("e-mail,age\n,36\n"),
    ];
    assert_eq!(inputs, kept.iter().collect::<Vec<_>>());
    assert_eq!(bench.counted()["lost"]["unreadable"], 2);
    assert!(!bench.world.bucket.objects.borrow().values().any(|object| object.windows(4).any(|part| part == b"ada@")));
}

#[test]
fn large_bodies_are_counted_in_place_of_being_kept() {
    let bench = capturing(json!({ "capture": { "percent": 100 } }));
    bench.post(&[CSV], &"1,".repeat(131_073));
    let objects = bench.objects();
    assert!(objects[0].1[0]["captureData"]["endpointInput"].is_null());
    assert_eq!((&bench.counted()["lines"], &bench.counted()["lost"]["too_large"]), (&json!(1), &json!(1)));
}

#[test]
fn a_unit_is_captured_with_all_of_its_requests_or_none() {
    let sticky = json!({ "unit": { "header": "x-user-id" }, "salt": "s" });
    let bench = capturing(json!({ "capture": { "percent": 50 }, "assignment": sticky }));
    for _ in 0..2 {
        for user in 0..20 {
            bench.post(&[CSV, ("x-user-id", &user.to_string())], &user.to_string());
        }
    }
    let objects = bench.objects();
    let mut by_unit = std::collections::BTreeMap::<String, usize>::new();
    for line in objects.iter().flat_map(|(_, lines)| lines) {
        *by_unit.entry(line["captureData"]["endpointInput"]["data"].to_string()).or_default() += 1;
    }
    assert!((3..18).contains(&by_unit.len()) && by_unit.values().all(|count| *count == 2), "{by_unit:?}");
}

#[test]
fn lines_are_read_back_by_the_administrator_alone() {
    let outcome = json!({ "kind": "label" });
    let bench = capturing(json!({ "capture": { "percent": 100, "prefix": "data/capture" }, "outcome": outcome }));
    let ids: Vec<String> = (0..5)
        .map(|row| bench.post(&[CSV], &format!("{row}")).header("x-amzn-sagemaker-inference-id").to_owned())
        .collect();
    assert!(bench.objects().len() == 5 && bench.objects()[0].0.starts_with("data/capture/e/a/"));
    let read = |id: &str, query: &str, headers: &[(&str, &str)]| {
        bench.asked(Method::GET, &format!("/endpoints/e/captured/{id}"), query, headers, "")
    };
    for (row, id) in ids.iter().enumerate() {
        let found = read(id, "", &[ADMIN]);
        assert_eq!((found.status, found.header("cache-control")), (200, "no-store"));
        let found = found.json();
        assert_eq!((&found["complete"], &found["lines"][0]["variant"]), (&json!(true), &json!("a")));
        assert_eq!(found["lines"][0]["line"]["captureData"]["endpointInput"]["data"], row.to_string());
    }
    assert_eq!(read(&ids[0], "", &[]).status, 401);
    assert_eq!(read("no-such-id", "", &[ADMIN]).header("x-error-code"), "bad_operation");
    assert_eq!(read("no-such-id", "time=2027-01-15T08:00:00Z", &[ADMIN]).header("x-error-code"), "not_captured");
    bench.post(&[CSV, ("x-amzn-sagemaker-inference-id", "m/1=+&")], "own");
    let own = read("m%2F1=+&", "time=2027-01-15T08:00:00Z", &[ADMIN]).json();
    assert_eq!(own["lines"][0]["line"]["captureData"]["endpointInput"]["data"], "own", "{own}");
    bench.world.bucket.is_missing.set(true);
    assert_eq!(read(&ids[0], "", &[ADMIN]).header("x-error-code"), "not_supported");
}
