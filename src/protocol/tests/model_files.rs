//! Files in the store of models, described before a variant names them.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, ORIGIN, Seen, bench};
use crate::endpoint::Sha256;

const DIGITS: &[u8] = include_bytes!("../../../models/digits/logistic.onnx");
const ROWS: &[u8] = include_bytes!("../../../models/digits/logistic.check.json");
const ADMIN: (&str, &str) = ("authorization", "Bearer root");

fn described(bench: &Bench, query: &str) -> Seen {
    bench.asked(Method::GET, "/model", query, &[ADMIN], "")
}

#[test]
fn a_file_is_described_as_the_endpoint_will_describe_it() {
    let bench = bench(ORIGIN);
    let put = |key: &str, bytes: &[u8]| bench.world.models.borrow_mut().insert(key.to_owned(), bytes.to_vec());
    put("mine/a b.onnx", DIGITS);
    put("mine/a.check.json", ROWS);
    let seen = described(&bench, "key=mine/a%20b.onnx");
    assert_eq!((seen.status, seen.header("cache-control")), (200, "no-store"));
    let sha256 = Sha256::of(DIGITS).to_string();
    let inputs = json!([{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}]);
    let told = seen.json();
    assert_eq!((&told["key"], &told["sha256"]), (&json!("mine/a b.onnx"), &json!(sha256)));
    assert_eq!((&told["bytes"], &told["inputs"]), (&json!(DIGITS.len()), &inputs));
    assert_eq!((&told["checked"], told.get("check")), (&json!(false), None));
    assert!(told["rows"].as_u64().unwrap() > 1_000, "{told}");
    let checked = described(&bench, "key=mine/a%20b.onnx&check=mine/a.check.json").json();
    assert_eq!((&checked["checked"], &checked["check"]), (&json!(true), &json!("mine/a.check.json")));

    // As a variant it says the same.
    let model = json!({"key": "mine/a b.onnx", "sha256": sha256});
    let document = json!({"variants": [{"name": "a", "model": model}]}).to_string();
    bench.world.endpoints.borrow_mut().insert("f".to_owned(), document.into());
    let backend = bench.asked(Method::GET, "/endpoints/f", "", &[], "").json()["variants"][0]["backend"].clone();
    assert_eq!((&backend["inputs"], &backend["outputs"]), (&told["inputs"], &told["outputs"]));
}

#[test]
fn what_cannot_be_run_is_refused_with_the_reason() {
    let bench = bench(ORIGIN);
    let put = |key: &str, bytes: &[u8]| bench.world.models.borrow_mut().insert(key.to_owned(), bytes.to_vec());
    put("text", b"Dear model");
    put("good", DIGITS);
    let mut rows: Value = serde_json::from_slice(ROWS).unwrap();
    let label = rows["outputs"]["label"][2].as_i64().unwrap();
    rows["outputs"]["label"][2] = json!(label + 1);
    put("rows", rows.to_string().as_bytes());
    for (query, status, code) in [
        ("key=none", 424, "model_missing"),
        ("key=text", 424, "model_unusable"),
        ("key=good&check=none", 424, "model_missing"),
        ("key=good&check=rows", 424, "model_unusable"),
        ("", 400, "bad_operation"),
        ("key=", 400, "bad_operation"),
        ("key=good&check=", 400, "bad_operation"),
    ] {
        let seen = described(&bench, query);
        assert_eq!((seen.status, seen.header("x-error-code")), (status, code), "{query}");
        let told = seen.json();
        assert!(told["message"].is_string() && told["fix"].is_string(), "{told}");
    }
    // Another file under the key is another answer at once.
    put("text", DIGITS);
    assert_eq!(described(&bench, "key=text").status, 200);
    for headers in [&[][..], &[("authorization", "Bearer hush")]] {
        let reads = bench.world.model_reads.get();
        assert_eq!(bench.asked(Method::GET, "/model", "key=good", headers, "").status, 401);
        assert_eq!(bench.world.model_reads.get(), reads, "it is not read for everybody");
    }
    assert_eq!(bench.asked(Method::POST, "/model", "key=good", &[ADMIN], "").status, 405);
}
