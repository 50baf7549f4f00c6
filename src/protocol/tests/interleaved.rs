//! Requests that meet while one of them waits.

use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;

use super::{Bench, InFlight, ORIGIN, bench, said};
use crate::endpoint::{Revision, Sha256};
use crate::request::Request;

const DIGITS: &[u8] = include_bytes!("../../../models/digits/logistic.onnx");

/// `digits` with one model, which is not there yet.
fn digits() -> Bench {
    let bench = bench(ORIGIN);
    let model = json!({"key": "digits", "sha256": Sha256::of(DIGITS).to_string()});
    let document = json!({"variants": [{"name": "logistic", "model": model}]});
    bench.world.endpoints.borrow_mut().insert("digits".to_owned(), document.to_string().into_bytes());
    bench
}

impl Bench {
    fn predict(&self) -> InFlight<'_> {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/csv"))]);
        let path = "/endpoints/digits/invocations".to_owned();
        let request = Request { method: Method::POST, path, headers, ..Request::default() };
        self.begin(request, Ok([b"0,".repeat(63), b"1".to_vec()].concat()))
    }

    fn invoke_at(&self, path: &str) -> InFlight<'_> {
        self.begin(Request { method: Method::POST, path: path.to_owned(), ..Request::default() }, Ok(Vec::new()))
    }
}

#[test]
fn requests_that_miss_a_model_together_load_it_once() {
    let bench = digits();
    bench.get("/endpoints");
    bench.world.gated.set(true);
    bench.world.models.borrow_mut().insert("digits".to_owned(), DIGITS.to_vec());
    let mut first = bench.predict();
    assert!(first.poll().is_none());
    // Were these bytes loaded as well, they would be told to be the wrong ones.
    bench.world.models.borrow_mut().insert("digits".to_owned(), b"an upload since".to_vec());
    let mut second = bench.predict();
    assert!(second.poll().is_none());
    bench.world.open(0);
    assert_eq!(first.poll().map(|seen| seen.status), Some(200));
    bench.world.open(1);
    assert_eq!(second.poll().map(|seen| seen.status), Some(200));
}

#[test]
fn a_record_does_not_wait_for_a_store_that_hangs() {
    let bench = bench(ORIGIN);
    bench.invoke(&[]);
    bench.world.now_ms.set(40_000.0);
    bench.world.gated.set(true);
    let mut stale = bench.invoke_at("/endpoints/e/assignments");
    assert!(stale.poll().is_none(), "the configuration is being read anew");
    assert!(stale.is_recorded());
}

#[test]
fn a_refresh_does_not_undo_a_change_made_meanwhile() {
    let bench = bench(ORIGIN);
    bench.invoke(&[]);
    bench.world.now_ms.set(40_000.0);
    bench.world.gated.set(true);
    let mut stale = bench.invoke_at("/endpoints/e/assignments");
    assert!(stale.poll().is_none());
    bench.world.gated.set(false);
    let etag = format!("\"{}\"", Revision::of(ORIGIN.as_bytes()).as_str());
    let terms = [("authorization", "Bearer root"), ("if-match", etag.as_str())];
    let changed = bench.send(Method::PUT, "/endpoints/e/weights", &terms, r#"{"a": 0}"#);
    assert_eq!(changed.status, 200);
    bench.world.open(0);
    assert!(stale.poll().is_some());
    bench.answers([said(200, "application/json", "{}")]);
    assert_eq!(bench.invoke(&[]).header("x-endpoint-revision"), changed.json()["revision"].as_str().unwrap());
}

#[test]
fn a_read_that_outlives_its_endpoint_does_not_bring_it_back() {
    let bench = bench(ORIGIN);
    bench.world.gated.set(true);
    let mut cold = bench.invoke_at("/endpoints/e/assignments");
    assert!(cold.poll().is_none());
    bench.world.gated.set(false);
    let target = [("x-amz-target", "SageMaker.DeleteEndpoint"), ("authorization", "Bearer root")];
    assert_eq!(bench.send(Method::POST, "/", &target, r#"{"EndpointName": "e"}"#).status, 200);
    bench.world.open(0);
    assert_eq!(cold.poll().map(|seen| seen.status), Some(404));
    assert_eq!(bench.invoke(&[]).status, 404);
}

#[test]
fn after_an_idle_time_nobody_is_answered_by_an_old_configuration() {
    let bench = bench(ORIGIN);
    bench.answers([said(200, "application/json", "{}"), said(200, "application/json", "{}")]);
    assert_eq!(bench.invoke(&[]).status, 200);
    let closed = ORIGIN.replace("\"fallback\"", "\"access\": {\"bearer\": \"A_TOKEN\"}, \"fallback\"");
    bench.world.endpoints.borrow_mut().insert("e".to_owned(), closed.into_bytes());
    bench.world.now_ms.set(90_000.0);
    assert_eq!(bench.invoke(&[]).header("x-error-code"), "unauthorized");
    bench.world.endpoints.borrow_mut().remove("e");
    bench.world.now_ms.set(180_000.0);
    assert_eq!(bench.invoke(&[("authorization", "Bearer hush")]).header("x-error-code"), "endpoint_not_found");
}

#[test]
fn a_store_that_hangs_is_waited_for_two_seconds_and_the_last_good_configuration_serves_on() {
    let bench = bench(ORIGIN);
    bench.invoke(&[]);
    bench.world.gated.set(true);
    bench.world.now_ms.set(90_000.0);
    let mut idle = bench.invoke_at("/endpoints/e/assignments");
    assert!(idle.poll().is_none());
    bench.world.now_ms.set(91_999.0);
    assert!(idle.poll().is_none());
    bench.world.now_ms.set(92_000.0);
    assert_eq!(idle.poll().map(|seen| seen.status), Some(200));
    // The next need not wait for it again.
    assert_eq!(bench.invoke_at("/endpoints/e/assignments").poll().map(|seen| seen.status), Some(200));
    let warnings = bench.world.warnings.borrow();
    assert!(warnings.last().is_some_and(|warning| warning.contains("last good")), "{warnings:?}");
}

#[test]
fn whatever_is_asked_of_a_store_that_hangs_has_an_end() {
    let bench = digits();
    bench.get("/endpoints");
    bench.world.now_ms.set(10_000.0);
    bench.world.gated.set(true);
    let headers: HeaderMap = [("authorization", "Bearer root"), ("if-match", "*")]
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .into_iter()
        .collect();
    let ask = |method: Method, path: &str| {
        let request = Request { method, path: path.to_owned(), headers: headers.clone(), ..Request::default() };
        bench.begin(request, Ok(br#"{"a": 1}"#.to_vec()))
    };
    for (method, path) in [
        (Method::POST, "/endpoints/unknown/invocations"),
        (Method::PUT, "/endpoints/e/weights"),
        (Method::GET, "/endpoints/other"),
        (Method::GET, "/v2/health/ready"),
        (Method::GET, "/endpoints"),
    ] {
        let mut asked = ask(method, path);
        assert!(asked.poll().is_none(), "{path}");
        bench.world.now_ms.set(bench.world.now_ms.get() + 2_000.0);
        let seen = asked.poll().expect(path);
        assert_eq!((seen.status, seen.header("x-error-code")), (503, "store_unavailable"), "{path}");
    }
    let mut model = bench.predict();
    assert!(model.poll().is_none());
    bench.world.now_ms.set(bench.world.now_ms.get() + 15_000.0);
    let seen = model.poll().unwrap();
    assert_eq!((seen.status, seen.header("x-error-code")), (424, "model_unavailable"));
}
