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
    bench.world.now_ms.set(100_000.0);
    bench.world.gated.set(true);
    let mut stale = bench.invoke_at("/endpoints/e/assignments");
    assert!(stale.poll().is_none(), "the configuration is being read anew");
    assert!(stale.is_recorded());
}

#[test]
fn a_refresh_does_not_undo_a_change_made_meanwhile() {
    let bench = bench(ORIGIN);
    bench.invoke(&[]);
    bench.world.now_ms.set(100_000.0);
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
