//! The Open Inference Protocol on a real model, and whatever may come in.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, ORIGIN, Seen, bench, said};
use crate::endpoint::Sha256;

const CHURN: &[u8] = include_bytes!("../../../models/churn/logistic.onnx");
const DIGITS: &[u8] = include_bytes!("../../../models/digits/logistic.onnx");

/// `digits` with a model and an origin, `churn` with a model of nineteen inputs.
fn models() -> Bench {
    let bench = bench(ORIGIN);
    for (name, onnx) in [("digits", DIGITS), ("churn", CHURN)] {
        bench.world.models.borrow_mut().insert(name.to_owned(), onnx.to_vec());
        let sha256 = Sha256::of(onnx).to_string();
        let document = json!({"variants": [
            {"name": "origin", "weight": 0, "origin": {"url": "https://a.example/infer"}},
            {"name": "logistic", "model": {"key": name, "sha256": sha256}}]});
        bench.world.endpoints.borrow_mut().insert(name.to_owned(), document.to_string().into_bytes());
    }
    bench
}

impl Bench {
    fn infer(&self, body: &Value) -> Seen {
        self.send(Method::POST, "/v2/models/digits/infer", &[], &body.to_string())
    }
}

fn pixels() -> Vec<f64> {
    (0..64).map(|at| f64::from(at % 16)).collect()
}

#[test]
fn metadata_are_the_models_own() {
    let bench = models();
    let digits = bench.get("/v2/models/digits");
    assert_eq!(
        digits.json(),
        json!({"name": "digits", "versions": ["origin", "logistic"], "platform": "onnx_tract",
            "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}],
            "outputs": [{"name": "label", "datatype": "INT64", "shape": [-1]},
                {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]})
    );
    let churn = bench.get("/v2/models/churn/versions/logistic").json();
    let inputs = churn["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 19);
    assert_eq!(inputs[0], json!({"name": "state", "datatype": "BYTES", "shape": [-1, 1]}));
    assert_eq!(inputs[1], json!({"name": "account_length", "datatype": "FP32", "shape": [-1, 1]}));
    assert_eq!(bench.get("/v2/models/digits/versions/origin").json()["platform"], "origin");
    assert_eq!(bench.get("/v2/models/digits/versions/none").status, 400);
    assert_eq!(bench.get("/v2/models/none").status, 404);
    assert_eq!(bench.get("/v2").json()["extensions"], json!(["binary_tensor_data"]));
}

#[test]
fn what_triton_has_beyond_the_protocol_is_answered_or_refused_with_the_reason() {
    let bench = models();
    assert_eq!(
        bench.get("/v2/models/digits/config").json(),
        json!({"name": "digits", "platform": "onnx_tract", "backend": "turnout", "version_policy": {"all": {}},
            "max_batch_size": 65_536,
            "input": [{"name": "pixels", "data_type": "TYPE_FP32", "dims": [64]}],
            "output": [{"name": "label", "data_type": "TYPE_INT64", "dims": [1]},
                {"name": "probabilities", "data_type": "TYPE_FP32", "dims": [10]}]})
    );
    let churn = bench.get("/v2/models/churn/versions/logistic/config").json();
    assert_eq!(churn["input"][0], json!({"name": "state", "data_type": "TYPE_STRING", "dims": [1]}));
    let line = |name: &str, version: &str| json!({"name": name, "version": version, "state": "READY", "reason": ""});
    let mut private: Value = serde_json::from_str(ORIGIN).unwrap();
    private["access"] = json!({"bearer": "A_TOKEN"});
    bench.world.endpoints.borrow_mut().insert("e".to_owned(), private.to_string().into());
    assert_eq!(
        bench.send(Method::POST, "/v2/repository/index", &[], "").json(),
        json!([
            line("churn", "origin"),
            line("churn", "logistic"),
            line("digits", "origin"),
            line("digits", "logistic")
        ])
    );
    for (method, path) in [
        (Method::GET, "/v2/models/digits/versions/origin/config"),
        (Method::GET, "/v2/models/stats"),
        (Method::GET, "/v2/models/digits/stats"),
        (Method::GET, "/v2/models/digits/versions/logistic/stats"),
        (Method::POST, "/v2/repository/models/digits/load"),
        (Method::POST, "/v2/repository/models/digits/unload"),
        (Method::GET, "/v2/systemsharedmemory/status"),
        (Method::POST, "/v2/cudasharedmemory/region/x/register"),
        (Method::GET, "/v2/trace/setting"),
        (Method::POST, "/v2/logging"),
        (Method::POST, "/v2/models/digits/generate"),
    ] {
        let seen = bench.send(method, path, &[], "");
        assert_eq!((seen.status, seen.header("x-error-code")), (501, "not_supported"), "{path}");
        assert!(seen.json()["error"].as_str().is_some_and(|error| error.len() > 40), "{path}");
    }
    assert_eq!(bench.get("/v2/models/digits/other").status, 404);
}

#[test]
fn health_is_looked_at() {
    let bench = models();
    for path in
        ["/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready", "/v2/models/digits/versions/origin/ready"]
    {
        assert_eq!(bench.get(path).status, 200, "{path}");
    }
    bench.world.models.borrow_mut().remove("churn");
    assert_eq!(bench.get("/v2/models/churn/ready").status, 424);
    bench.world.store_down.set(true);
    assert_eq!(bench.get("/v2/health/live").status, 200);
    // It answered a moment ago.
    assert_eq!(bench.get("/v2/health/ready").status, 200);
    bench.world.now_ms.set(10_000.0);
    assert_eq!(bench.get("/v2/health/ready").status, 503);
}

#[test]
fn one_prediction_in_each_form() {
    let bench = models();
    let nested: Vec<Vec<f64>> = vec![pixels()];
    let asked = |data: Value| json!({"id": "mine", "inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": data}]});
    let seen = bench.infer(&asked(json!(pixels())));
    let answer = seen.json();
    assert_eq!(
        (seen.status, &answer["model_name"], &answer["model_version"]),
        (200, &json!("digits"), &json!("logistic"))
    );
    assert_eq!((&answer["id"], seen.record().inference_id.as_str()), (&json!("mine"), "mine"));
    assert_eq!((seen.record().protocol, seen.record().rows), ("open-inference", Some(1)));
    assert_eq!(seen.header("x-invoked-variant"), "logistic");
    assert_eq!(answer["outputs"][1]["shape"], json!([1, 10]));
    assert_eq!(bench.infer(&asked(json!(nested))).json()["outputs"], answer["outputs"]);

    // As bytes, both ways.
    let head = json!({"inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32", "parameters": {"binary_data_size": 256}}],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": true}}]})
    .to_string();
    let mut body = head.clone().into_bytes();
    body.extend(pixels().iter().flat_map(|x| (*x as f32).to_le_bytes()));
    let seen = bench.send_bytes(
        Method::POST,
        "/v2/models/digits/infer",
        &[("inference-header-content-length", &head.len().to_string())],
        body,
    );
    let length: usize = seen.header("inference-header-content-length").parse().unwrap();
    let (json_part, tensor) = seen.body.split_at(length);
    let written: Value = serde_json::from_slice(json_part).unwrap();
    assert_eq!(written["outputs"][0]["parameters"]["binary_data_size"], 40);
    let values: Vec<f32> = tensor.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let expected: Vec<f32> = serde_json::from_value(answer["outputs"][1]["data"].clone()).unwrap();
    assert_eq!(values, expected);
}

#[test]
fn a_version_is_a_target_and_an_origin_is_passed_on() {
    let bench = models();
    let body = json!({"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [1, 2]}]}).to_string();
    bench.answers([said(200, "application/json", r#"{"outputs": []}"#)]);
    let seen = bench.send(Method::POST, "/v2/models/digits/versions/origin/infer", &[], &body);
    assert_eq!((seen.json(), seen.record().rows), (json!({"outputs": []}), Some(2)));
    assert_eq!(seen.header("x-assignment-reason"), "target");
    assert_eq!(bench.world.sent.borrow()[0].body, body.as_bytes());
    // Tensors behind JSON are not asked for by their media type.
    bench.answers([said(200, "application/octet-stream", "{}...")]);
    let seen = bench.send(Method::POST, "/v2/models/digits/versions/origin/infer", &[], &body);
    assert_eq!((seen.status, seen.body.as_slice()), (200, b"{}...".as_slice()));
    let headers = [("x-target-variant", "logistic")];
    let seen = bench.send(Method::POST, "/v2/models/digits/versions/origin/infer", &headers, &body);
    assert_eq!(seen.header("x-error-code"), "two_targets");
}

#[test]
fn hostile_tensors_are_told_and_nothing_breaks() {
    let bench = models();
    let tensor = |change: Value| {
        let mut tensor = json!({"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": pixels()});
        for (name, value) in change.as_object().unwrap() {
            tensor[name] = value.clone();
        }
        json!({ "inputs": [tensor] })
    };
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let size = |size: i64| json!({"data": null, "parameters": {"binary_data_size": size}});
    for (body, expected) in [
        (json!([]), "cannot be read"),
        (json!({}), "missing field `inputs`"),
        (json!({"inputs": []}), "it is missing"),
        (tensor(json!({"name": "x"})), "there is no input `x`; the model takes: pixels"),
        (tensor(json!({"shape": [64]})), "its shape is [64]; the model takes [rows, 64]"),
        (tensor(json!({"shape": [2, 64]})), "64 values where its shape has 128"),
        (tensor(json!({"shape": [0, 64]})), "at least one row"),
        (tensor(json!({"shape": [-1, 64]})), "cannot be read"),
        (tensor(json!({"shape": [1.5, 64]})), "cannot be read"),
        (
            tensor(json!({"datatype": "FP64", "data": vec![0.1; 64]})),
            "its datatype is FP64; the model takes FP32, which cannot hold these values unchanged",
        ),
        (tensor(json!({"datatype": "INT32", "data": vec![16_777_217; 64]})), "cannot hold these values unchanged"),
        (tensor(json!({"datatype": "BYTES", "data": vec!["1"; 64]})), "cannot hold these values unchanged"),
        (tensor(json!({"parameters": {"content_type": "base64"}})), "content type `base64` are not decoded here"),
        (tensor(json!({"parameters": {"sequence_start": true}})), "sequence_start"),
        (
            json!({"inputs": tensor(json!({}))["inputs"], "parameters": {"content_type": "datetime"}}),
            "content type `datetime` are not decoded here; send them as np, pd, pd_series, str",
        ),
        (
            json!({"inputs": tensor(json!({}))["inputs"], "outputs": [{"name": "label"}, {"name": "label"}]}),
            "output `label` is asked for twice",
        ),
        (tensor(json!({"datatype": "FLOAT"})), "`FLOAT` is no datatype"),
        (tensor(json!({"data": [1, 2]})), "2 values where its shape has 64"),
        (tensor(json!({"data": [[1, 2], [3]]})), "where its shape has"),
        (tensor(json!({"data": "x"})), "value 1: the string `x`"),
        (tensor(json!({"data": 1})), "one value stands where a list belongs"),
        (tensor(json!({"data": {"x": 1}})), "expected a list of values"),
        (tensor(json!({"data": ["x"]})), "value 1: the string `x` stands where a number belongs"),
        (tensor(json!({"data": [1e39]})), "more than 32-bit floating point holds"),
        (tensor(json!({"data": deep})), "nested deeper than the shape"),
        (tensor(json!({"data": null})), "neither `data` nor `binary_data_size`"),
        (tensor(size(256)), "should have 256 bytes, and have 0"),
        (tensor(size(-1)), "no number of bytes"),
        (tensor(size(0)), "it has 0 bytes; 64 values of 4 bytes are wanted"),
        (tensor(json!({"parameters": {"shared_memory_region": "r"}})), "shared_memory_region"),
        (json!({"inputs": [tensor(json!({}))["inputs"][0], tensor(json!({}))["inputs"][0]]}), "it stands twice"),
        (
            json!({"inputs": tensor(json!({}))["inputs"], "outputs": [{"name": "y"}]}),
            "there is no output `y`; the model gives: label, probabilities",
        ),
    ] {
        let seen = bench.infer(&body);
        let message = seen.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!((seen.status, seen.header("x-error-code")), (400, "bad_tensors"), "{body}: {message}");
        assert!(message.contains(expected), "{body}\n  gave: {message}\n  expected: {expected}");
        assert!(seen.record.is_none_or(|record| record.error == Some("bad_tensors") && record.status == 400));
    }
    for change in [
        json!({"datatype": "FP64"}),
        json!({"datatype": "INT64", "data": vec![7; 64]}),
        json!({"parameters": null}),
        json!({"parameters": {"content_type": "np", "sequence_id": 0, "sequence_start": false, "sequence_end": null}}),
    ] {
        assert_eq!(bench.infer(&tensor(change.clone())).status, 200, "{change}");
    }
    for rows in [65_537, u64::from(u32::MAX), u64::MAX] {
        let seen = bench.infer(&tensor(json!({"shape": [rows, 64]})));
        assert_eq!((seen.status, seen.header("x-error-code")), (413, "too_many_rows"));
        assert_eq!(seen.record().rows, None, "what is claimed is not counted");
    }
    let deep = "[".repeat(1_000_000);
    let nan = r#"{"inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": [NaN]}]}"#;
    for body in ["", "{", nan, &deep, &format!(r#"{{"inputs": [{{"data": {deep}"#)] {
        assert_eq!(bench.send(Method::POST, "/v2/models/digits/infer", &[], body).status, 400);
    }
    for length in ["0", "-1", "x", "99", "18446744073709551616"] {
        let headers = [("inference-header-content-length", length)];
        assert_eq!(bench.send(Method::POST, "/v2/models/digits/infer", &headers, "{}").status, 400, "{length}");
    }
    assert_eq!(bench.get("/v2/models/digits/infer").status, 405);
    assert_eq!(bench.infer(&tensor(json!({}))).status, 200);
}

#[test]
fn rows_of_a_forwarded_request_are_counted_not_claimed() {
    let bench = bench(ORIGIN);
    let rows = |shape: Value| {
        bench.answers([said(200, "application/json", "{}")]);
        let body = json!({"inputs": [{"name": "x", "datatype": "FP32", "shape": shape, "data": [1, 2, 3, 4]}]});
        bench.send(Method::POST, "/v2/models/e/versions/a/infer", &[], &body.to_string()).record().rows
    };
    assert_eq!(rows(json!([2, 2])), Some(2));
    assert_eq!(rows(json!([4_294_967_295_u32, 2])), None);
}
