//! Models that come as SageMaker's XGBoost container takes them, and are answered as it answers.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, ORIGIN, Seen, bench};

/// One number a row, which is a probability of the rows below.
const SCORE: &[u8] = include_bytes!("../../../tests/zoo/models/operator-svm-regressor-rbf.onnx");
const KEY: &str = "0123456789abcdef0123456789abcdef";
const IMAGE: &str = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1";

const ROW: &str = "0,0,1.5,3";

/// An endpoint `made` of the model `m`, as boto3 creates both.
fn made(image: &str, output: Option<&str>) -> Bench {
    let bench = bench(ORIGIN);
    bench.world.models.borrow_mut().insert("m.onnx".to_owned(), SCORE.to_vec());
    let environment = output.map_or(json!({}), |output| json!({"TURNOUT_OUTPUT": output}));
    let container = json!({"Image": image, "ModelDataUrl": "s3://models/m.onnx", "Environment": environment});
    bench.done("CreateModel", &json!({"ModelName": "m", "PrimaryContainer": container}));
    let variants = json!([{"VariantName": "a", "ModelName": "m"}]);
    bench.done("CreateEndpointConfig", &json!({"EndpointConfigName": "c", "ProductionVariants": variants}));
    let open = json!([{"Key": "turnout:access", "Value": "open"}]);
    bench.done("CreateEndpoint", &json!({"EndpointName": "made", "EndpointConfigName": "c", "Tags": open}));
    bench
}

impl Bench {
    fn ask(&self, headers: &[(&str, &str)], body: &str) -> Seen {
        self.send(Method::POST, "/endpoints/made/invocations", headers, body)
    }
}

fn text(seen: &Seen) -> String {
    String::from_utf8(seen.body.clone()).unwrap()
}

fn narrow(number: &Value) -> f32 {
    number.as_f64().unwrap() as f32
}

const CSV: (&str, &str) = ("content-type", "text/csv");
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn csv_is_answered_with_a_bare_number_a_row() {
    let bench = made(IMAGE, None);
    let sdk = ("amz-sdk-invocation-id", "1");
    for headers in [&[CSV][..], &[CSV, sdk], &[CSV, ("accept", "*/*")], &[CSV, sdk, ("accept", "text/csv")]] {
        let seen = bench.ask(headers, ROW);
        assert_eq!((seen.status, seen.header("content-type")), (200, "text/csv"), "{}", text(&seen));
        let score: f64 = text(&seen).trim_end().parse().unwrap();
        assert!(score > 0.0 && score < 1.0);
        // The number of 32 bits in full, as Python's `tolist` has it.
        assert_eq!(f64::from(score as f32), score);
        assert_eq!(text(&bench.ask(headers, &format!("{ROW}\n{ROW}\n"))), format!("{score}\n{score}\n"));
    }
}

#[test]
fn json_is_answered_with_scores() {
    let bench = made(IMAGE, None);
    let score: f64 = text(&bench.ask(&[CSV], ROW)).trim_end().parse().unwrap();
    let seen = bench.ask(&[CSV, ("accept", "application/json")], ROW);
    assert_eq!(seen.json(), json!({"predictions": [{"score": score}]}));
    let seen = bench.ask(&[CSV, ("accept", "application/jsonlines")], ROW);
    assert_eq!(text(&seen), format!("{{\"score\":{score}}}\n"));
    // The container reads none, so who sends it is no client of that.
    let instances = json!({"instances": [[0.0, 0.0, 1.5, 3.0]]}).to_string();
    for accept in ["*/*", "application/json"] {
        let seen = bench.ask(&[JSON, ("accept", accept)], &instances);
        assert_eq!(seen.json(), json!({"predictions": [{"score": score}]}));
    }
    assert_eq!(bench.ask(&[JSON, ("accept", "text/csv")], &instances).header("content-type"), "text/csv");
    // Protocols that have one form keep it.
    let seen = bench.send(Method::POST, "/v1/models/made:predict", &[], &instances);
    assert_eq!(narrow(&seen.json()["predictions"][0][0]), score as f32);
    let tensor = json!({"inputs": [{"name": "X", "shape": [1, 4], "datatype": "FP32", "data": [0.0, 0.0, 1.5, 3.0]}]});
    let seen = bench.send(Method::POST, "/v2/models/made/infer", &[], &tensor.to_string());
    assert_eq!(narrow(&seen.json()["outputs"][0]["data"][0]), score as f32);
}

#[test]
fn the_form_is_chosen_by_how_the_model_was_created() {
    for (image, output, plain, told) in [
        (IMAGE, None, false, Some("sagemaker-xgboost:")),
        (IMAGE, Some("plain:"), true, None),
        (IMAGE, Some("Y"), false, Some("sagemaker-xgboost:Y")),
        (IMAGE, Some("plain:Y"), true, Some("Y")),
        ("x", None, true, None),
        ("x", Some("Y"), true, Some("Y")),
        ("x", Some("sagemaker-xgboost:"), false, Some("sagemaker-xgboost:")),
    ] {
        let bench = made(image, output);
        let is_json = bench.ask(&[CSV], ROW).header("content-type") == "application/json";
        assert_eq!(is_json, plain, "{image} {output:?}");
        let described = bench.done("DescribeModel", &json!({"ModelName": "m"}));
        let environment = &described["PrimaryContainer"]["Environment"];
        assert_eq!(environment.get("TURNOUT_OUTPUT"), told.map(Value::from).as_ref(), "{image} {output:?}");
        let document = bench.world.endpoints.borrow()["made"].clone();
        let document: Value = serde_json::from_slice(&document).unwrap();
        let answers = document["variants"][0]["model"].get("answers").cloned();
        assert_eq!(answers, (!plain).then(|| json!("sagemaker-xgboost")));
        let described = bench.get("/endpoints/made").json();
        assert_eq!(described["variants"][0]["backend"].get("answers").cloned(), answers);
    }
}

#[test]
fn what_is_not_served_of_the_container_is_refused() {
    let bench = made(IMAGE, None);
    for (url, variables, expected) in [
        ("m.onnx", json!({"SAGEMAKER_INFERENCE_OUTPUT": "probability"}), "TURNOUT_OUTPUT"),
        ("m.onnx", json!({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/json"}), "Accept"),
        ("m.onnx", json!({"TURNOUT_OUTPUT": "sagemaker-xgboost:x"}), "no output `x`"),
        ("s3://churn/m.onnx", json!({}), "`s3://churn` is not served here: models are in the bucket `models`"),
        ("s3://models", json!({}), "models are in the bucket `models`"),
        ("s3://models/", json!({}), "1 to 512 bytes"),
    ] {
        let container = json!({"Image": IMAGE, "ModelDataUrl": url, "Environment": variables});
        let (name, message) = bench.refused("CreateModel", &json!({"ModelName": "n", "PrimaryContainer": container}));
        assert_eq!(name, "ValidationException");
        assert!(message.contains(expected), "{message}");
    }
    // LIBSVM's indices begin at 0 or 1, which a body does not tell.
    let seen = bench.ask(&[("content-type", "text/libsvm")], "1 0:1 3:2");
    assert_eq!((seen.status, &seen.json()["code"]), (415, &json!("unsupported_content_type")));
}

#[test]
fn a_probability_alone_is_a_score_for_outcomes_in_either_form() {
    for answers in ["plain", "sagemaker-xgboost"] {
        let bench = made(IMAGE, None);
        *bench.world.experiments.borrow_mut() = Some(Default::default());
        bench.world.now_ms.set(1_800_000_000_000.0);
        bench.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), KEY.to_owned());
        let mut document: Value = serde_json::from_slice(&bench.world.endpoints.borrow()["made"].clone()).unwrap();
        document["variants"][0]["model"]["answers"] = answers.into();
        document["outcome"] = json!({"kind": "label", "score": {}, "positive": "1", "threshold": 0.5});
        bench.world.endpoints.borrow_mut().insert("scored".to_owned(), document.to_string().into_bytes());
        let path = "/endpoints/scored/invocations";
        let seen = bench.asked(Method::POST, path, "", &[CSV, ("accept", "text/csv")], ROW);
        let score: f64 = text(&seen).trim_end().parse().unwrap();
        let told = json!({"inference_id": seen.header("x-amzn-sagemaker-inference-id"), "label": 1});
        let admin = [("authorization", "Bearer root"), JSON];
        let outcome = bench.asked(Method::POST, "/endpoints/scored/outcomes", "", &admin, &told.to_string());
        assert_eq!(outcome.json()["taken"], 1, "{}", text(&outcome));
        let verdict = bench.asked(Method::GET, "/endpoints/scored/verdict", "", &admin, "").json();
        let metrics = &verdict["variants"][0]["metrics"];
        let right = if score > 0.5 { 1.0 } else { 0.0 };
        assert_eq!(metrics["accuracy"], right, "{verdict}");
        let brier = metrics["brier"].as_f64().unwrap();
        // Ids keep the score to four digits or so.
        assert!((brier - (1.0 - score).powi(2)).abs() < 1e-3, "{brier} of {score}");
    }
}
