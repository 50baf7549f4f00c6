//! SageMaker's protocols, by bearer token: signatures are tested where they are verified, and with real clients.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, ORIGIN, Seen, bench, said};
use crate::platform::ExchangeError;

const CHURN: &[u8] = include_bytes!("../../../models/churn/logistic.onnx");

impl Bench {
    pub(super) fn operate(&self, operation: &str, body: &Value) -> Seen {
        let target = format!("SageMaker.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("authorization", "Bearer root")];
        self.send(Method::POST, "/", &headers, &body.to_string())
    }

    /// The body of an operation that succeeds.
    pub(super) fn done(&self, operation: &str, body: &Value) -> Value {
        let seen = self.operate(operation, body);
        assert_eq!(seen.status, 200, "{operation}: {}", String::from_utf8_lossy(&seen.body));
        assert_eq!(seen.header("content-type"), "application/x-amz-json-1.1");
        assert_eq!(seen.header("x-amzn-requestid").len(), 32);
        seen.json()
    }

    /// The name and the message of an operation that fails.
    pub(super) fn refused(&self, operation: &str, body: &Value) -> (String, String) {
        let seen = self.operate(operation, body);
        let text = |member: &str| seen.json()[member].as_str().unwrap_or_default().to_owned();
        assert_eq!(seen.header("x-amzn-errortype"), text("__type"));
        (text("__type"), text("message"))
    }

    /// An invocation as an SDK sends it, on an endpoint that does not ask for a signature.
    fn invoke_by_sdk(&self, headers: &[(&str, &str)]) -> Seen {
        let mut all = vec![("content-type", "text/csv"), ("amz-sdk-invocation-id", "1")];
        all.extend_from_slice(headers);
        self.send(Method::POST, "/endpoints/e/invocations", &all, "1,2")
    }

    fn make_two_models(&self) {
        self.world.models.borrow_mut().insert("churn.onnx".to_owned(), CHURN.to_vec());
        for (name, location) in [("in-place", "churn.onnx"), ("again", "s3://MODELS/churn.onnx")] {
            self.done("CreateModel", &json!({"ModelName": name, "PrimaryContainer": {"ModelDataUrl": location}}));
        }
        let hosted = json!({"ModelName": "hosted", "ExecutionRoleArn": "arn:aws:iam::1:role/x", "Containers": [{
            "Image": "x", "ModelDataUrl": "https://a.example/x",
            "Environment": {"TURNOUT_TIMEOUT_MS": "250", "TURNOUT_TOKEN": "A_TOKEN"}}]});
        self.done("CreateModel", &hosted);
    }

    fn make_config(&self, name: &str, weights: [f64; 2]) {
        let variant = |name: &str, model: &str, weight: f64| {
            json!({"VariantName": name, "ModelName": model, "InitialVariantWeight": weight,
                "InstanceType": "ml.m5.large", "InitialInstanceCount": 1})
        };
        let variants = [variant("a", "in-place", weights[0]), variant("b", "hosted", weights[1])];
        self.done("CreateEndpointConfig", &json!({"EndpointConfigName": name, "ProductionVariants": variants}));
    }
}

fn weights(described: &Value) -> Vec<(String, f64)> {
    let variants = described["ProductionVariants"].as_array().unwrap().iter();
    variants
        .map(|variant| {
            (variant["VariantName"].as_str().unwrap().to_owned(), variant["CurrentWeight"].as_f64().unwrap())
        })
        .collect()
}

#[test]
fn the_life_of_an_endpoint() {
    let bench = bench(ORIGIN);
    bench.world.now_ms.set(1_000_000.0);
    bench.make_two_models();
    bench.make_config("first", [1.0, 3.0]);
    let made = json!({"EndpointName": "churn", "EndpointConfigName": "first"});
    let arn = "arn:aws:sagemaker:auto:000000000000:endpoint/churn";
    assert_eq!(bench.done("CreateEndpoint", &made)["EndpointArn"], arn);

    let named = json!({"EndpointName": "churn"});
    let described = bench.done("DescribeEndpoint", &named);
    assert_eq!(described["EndpointStatus"], "Creating");
    assert_eq!((&described["CreationTime"], &described["EndpointConfigName"]), (&json!(1000.0), &json!("first")));
    assert_eq!(weights(&described), [("a".to_owned(), 1.0), ("b".to_owned(), 3.0)]);
    // Until its time to live, its grace and the store's delay are over.
    bench.world.now_ms.set(1_149_999.0);
    assert_eq!(bench.done("DescribeEndpoint", &named)["EndpointStatus"], "Creating");
    bench.world.now_ms.set(1_150_000.0);
    assert_eq!(bench.done("DescribeEndpoint", &named)["EndpointStatus"], "InService");

    let change = json!({"EndpointName": "churn", "DesiredWeightsAndCapacities": [
        {"VariantName": "b", "DesiredWeight": 1, "DesiredInstanceCount": 2}]});
    bench.done("UpdateEndpointWeightsAndCapacities", &change);
    let described = bench.done("DescribeEndpoint", &named);
    assert_eq!(described["EndpointStatus"], "Updating");
    assert_eq!((&described["CreationTime"], &described["LastModifiedTime"]), (&json!(1000.0), &json!(1150.0)));
    assert_eq!(weights(&described), [("a".to_owned(), 1.0), ("b".to_owned(), 1.0)]);

    bench.make_config("second", [5.0, 5.0]);
    let update = |keep: bool, exclude: Value| {
        json!({"EndpointName": "churn", "EndpointConfigName": "second", "RetainAllVariantProperties": keep,
            "ExcludeRetainedVariantProperties": exclude})
    };
    bench.done("UpdateEndpoint", &update(true, json!([{"VariantPropertyType": "DesiredInstanceCount"}])));
    let described = bench.done("DescribeEndpoint", &named);
    assert_eq!((&described["EndpointConfigName"], weights(&described)[1].1), (&json!("second"), 1.0));
    bench.done("UpdateEndpoint", &update(true, json!([{"VariantPropertyType": "DesiredWeight"}])));
    assert_eq!(weights(&bench.done("DescribeEndpoint", &named))[1].1, 5.0);

    // Its owner alone may invoke it, until it says otherwise.
    let closed = bench.send(Method::POST, "/endpoints/churn/invocations", &[("content-type", "text/csv")], "1");
    assert_eq!(closed.status, 503); // No such key is set here.

    bench.done("DeleteEndpoint", &named);
    let (name, message) = bench.refused("DescribeEndpoint", &named);
    assert_eq!(name, "ValidationException");
    assert!(message.starts_with("Could not find endpoint \"churn\"."), "{message}");
    for config in ["first", "second"] {
        bench.done("DeleteEndpointConfig", &json!({"EndpointConfigName": config}));
    }
    for model in ["in-place", "again", "hosted"] {
        bench.done("DeleteModel", &json!({"ModelName": model}));
    }
    assert!(bench.world.registry.borrow().is_empty());
}

#[test]
fn access_is_a_tag() {
    let bench = bench(ORIGIN);
    bench.make_two_models();
    bench.make_config("c", [0.0, 1.0]);
    for (name, access, status) in [("open", "open", 200), ("guarded", "bearer:A_TOKEN", 401)] {
        let tags = json!([{"Key": "team", "Value": "x"}, {"Key": "turnout:access", "Value": access}]);
        bench.done("CreateEndpoint", &json!({"EndpointName": name, "EndpointConfigName": "c", "Tags": tags}));
        bench.answers([said(200, "text/csv", "1")]);
        let path = format!("/endpoints/{name}/invocations");
        let invoke = |headers: &[(&str, &str)]| bench.send(Method::POST, &path, headers, "1,2");
        assert_eq!(invoke(&[("content-type", "text/csv")]).status, status);
        assert_ne!(invoke(&[("content-type", "text/csv"), ("authorization", "Bearer hush")]).status, 401);
        // An update does not open what is closed.
        bench.done("UpdateEndpoint", &json!({"EndpointName": name, "EndpointConfigName": "c"}));
        bench.world.answers.borrow_mut().clear();
        bench.answers([said(200, "text/csv", "1")]);
        assert_eq!(invoke(&[("content-type", "text/csv")]).status, status);
    }
}

#[test]
fn what_is_described_and_listed() {
    let bench = bench(ORIGIN);
    bench.make_two_models();
    bench.make_config("c", [1.0, 1.0]);
    let model = bench.done("DescribeModel", &json!({"ModelName": "hosted"}));
    assert_eq!(
        model["PrimaryContainer"],
        json!({"ModelDataUrl": "https://a.example/x", "Environment": {"TURNOUT_TIMEOUT_MS": "250", "TURNOUT_TOKEN": "A_TOKEN"}})
    );
    assert_eq!(bench.done("ListModels", &json!({"SortBy": "Name"}))["Models"].as_array().unwrap().len(), 3);
    let configs = bench.done("ListEndpointConfigs", &json!({"NameContains": "c"}));
    assert_eq!(configs["EndpointConfigs"][0]["EndpointConfigName"], "c");
    // An endpoint that was written by hand is described as if it had been made of a configuration of its own name.
    let endpoint = bench.done("DescribeEndpoint", &json!({"EndpointName": "e"}));
    assert_eq!((&endpoint["EndpointConfigName"], &endpoint["EndpointStatus"]), (&json!("e"), &json!("InService")));
    assert_eq!(endpoint.get("CreationTime"), None);
    let config = bench.done("DescribeEndpointConfig", &json!({"EndpointConfigName": "e"}));
    assert_eq!(config["ProductionVariants"][0], json!({"VariantName": "a", "InitialVariantWeight": 3.0}));
    bench.world.endpoints.borrow_mut().insert("broken".to_owned(), b"{".to_vec());
    let listed = bench.done("ListEndpoints", &json!({"SortBy": "Name", "SortOrder": "Ascending"}));
    let status = |at: usize| listed["Endpoints"][at]["EndpointStatus"].as_str().unwrap().to_owned();
    assert_eq!((status(0), status(1)), ("Failed".to_owned(), "InService".to_owned()));
    let failed = bench.done("ListEndpoints", &json!({"StatusEquals": "Failed"}));
    assert_eq!(failed["Endpoints"].as_array().unwrap().len(), 1);
    assert!(bench.done("DescribeEndpoint", &json!({"EndpointName": "broken"}))["FailureReason"].is_string());
}

#[test]
fn what_cannot_be_done_is_said() {
    let bench = bench(ORIGIN);
    bench.make_two_models();
    bench.make_config("c", [1.0, 1.0]);
    let container = |container: Value| json!({"ModelName": "m", "PrimaryContainer": container});
    let config = |variants: Value| json!({"EndpointConfigName": "d", "ProductionVariants": variants});
    let a = json!({"VariantName": "a", "ModelName": "hosted"});
    bench.world.models.borrow_mut().insert("garbage".to_owned(), b"garbage".to_vec());
    for (operation, body, expected) in [
        (
            "CreateModel",
            json!({"ModelName": "in-place", "PrimaryContainer": {"ModelDataUrl": "churn.onnx"}}),
            "already existing",
        ),
        ("CreateModel", json!({"ModelName": "m"}), "Containers"),
        ("CreateModel", container(json!({})), "ModelDataUrl` is missing"),
        ("CreateModel", container(json!({"ModelDataUrl": "nowhere"})), "nothing under `nowhere`"),
        ("CreateModel", container(json!({"ModelDataUrl": "garbage"})), "not an ONNX file"),
        (
            "CreateModel",
            container(json!({"ModelDataUrl": "s3://bucket/model.tar.gz"})),
            "models are in the bucket `models`",
        ),
        ("CreateModel", container(json!({"ModelDataUrl": "https://user:pw@a.example"})), "credentials"),
        ("CreateModel", container(json!({"ModelDataUrl": "churn.onnx", "Mode": "MultiModel"})), "Mode"),
        (
            "CreateModel",
            container(json!({"ModelDataUrl": "churn.onnx", "Environment": {"TURNOUT_OUTPUT": "x"}})),
            "no output `x`",
        ),
        (
            "CreateModel",
            container(json!({"ModelDataUrl": "churn.onnx", "Environment": {"TURNOUT_CHECK": "nowhere"}})),
            "no check rows `nowhere`",
        ),
        (
            "CreateModel",
            container(json!({"ModelDataUrl": "churn.onnx", "Environment": {"TURNOUT_CHECK": "garbage"}})),
            "checked against `garbage`: it cannot be read",
        ),
        (
            "CreateModel",
            container(json!({"ModelDataUrl": "churn.onnx", "Environment": {"TURNOUT_CHECK": ""}})),
            "1 to 512 bytes",
        ),
        (
            "CreateModel",
            container(json!({"ModelDataUrl": "https://a.example", "Environment": {"TURNOUT_TIMEOUT_MS": "soon"}})),
            "timeout_ms",
        ),
        ("CreateEndpointConfig", config(json!([])), "the list is empty"),
        ("CreateEndpointConfig", config(json!([a, a])), "used twice"),
        ("CreateEndpointConfig", config(json!([{"VariantName": "a", "ModelName": "none"}])), "Could not find model"),
        (
            "CreateEndpointConfig",
            config(json!([{"VariantName": "a", "ModelName": "hosted", "InitialVariantWeight": -1}])),
            "weight -1",
        ),
        ("CreateEndpointConfig", config(json!([{"VariantName": "a_b", "ModelName": "hosted"}])), "is not a name"),
        (
            "CreateEndpointConfig",
            json!({"EndpointConfigName": "d", "ProductionVariants": [a], "ShadowProductionVariants": [a]}),
            "used twice",
        ),
        ("CreateEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "c"}), "already existing endpoint"),
        (
            "CreateEndpoint",
            json!({"EndpointName": "f", "EndpointConfigName": "none"}),
            "Could not find endpoint configuration",
        ),
        (
            "CreateEndpoint",
            json!({"EndpointName": "f", "EndpointConfigName": "c", "Tags": [{"Key": "turnout:access", "Value": "all"}]}),
            "turnout:access",
        ),
        ("UpdateEndpoint", json!({"EndpointName": "none", "EndpointConfigName": "c"}), "Could not find endpoint"),
        // The fallback stays, so it has to be one of the variants.
        (
            "UpdateEndpoint",
            json!({"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": {}}),
            "`DeploymentConfig` has no BlueGreenUpdatePolicy",
        ),
        (
            "UpdateEndpointWeightsAndCapacities",
            json!({"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "z", "DesiredWeight": 1}]}),
            "there is no variant `z`",
        ),
        (
            "UpdateEndpointWeightsAndCapacities",
            json!({"EndpointName": "none", "DesiredWeightsAndCapacities": []}),
            "Could not find endpoint",
        ),
        ("DeleteEndpoint", json!({"EndpointName": "none"}), "Could not find endpoint"),
        ("DescribeEndpoint", json!({}), "missing field `EndpointName`"),
        ("DescribeEndpoint", json!([]), "EndpointName"),
        ("ListEndpoints", json!({"MaxResults": 0}), "MaxResults"),
    ] {
        let (name, message) = bench.refused(operation, &body);
        assert_eq!(name, "ValidationException", "{operation}: {message}");
        assert!(message.contains(expected), "{operation} {body}\n  gave: {message}\n  expected: {expected}");
    }
    assert_eq!(bench.refused("CreateTrainingJob", &json!({})).0, "UnknownOperationException");
    let deep = "[".repeat(100_000);
    for body in ["", "{", "nonsense", deep.as_str()] {
        let headers = [("x-amz-target", "SageMaker.ListEndpoints"), ("authorization", "Bearer root")];
        assert_eq!(bench.send(Method::POST, "/", &headers, body).status, 400);
    }
    // Whoever is not the administrator learns nothing else.
    for (authorization, name) in [
        ("", "UnrecognizedClientException"),
        ("Bearer wrong", "UnrecognizedClientException"),
        ("AWS4-HMAC-SHA256 Credential=x", "ServiceUnavailable"), // No key is set here.
    ] {
        let headers = [("x-amz-target", "SageMaker.ListEndpoints"), ("authorization", authorization)];
        let seen = bench.send(Method::POST, "/", &headers, "{}");
        assert_eq!(seen.json()["__type"], name, "{authorization}");
    }
    let seen = bench.send(Method::POST, "/", &[("x-amz-target", "SageMaker.ListEndpoints")], "{}");
    assert_eq!((seen.status, &seen.json()["__type"]), (403, &json!("MissingAuthenticationTokenException")));
}

#[test]
fn an_sdk_is_told_errors_in_its_own_form() {
    let bench = bench(ORIGIN);
    bench.answers([said(200, "text/csv", "0.5")]);
    let seen = bench.invoke_by_sdk(&[("x-amzn-sagemaker-target-variant", "b")]);
    assert_eq!((seen.status, seen.record().protocol), (200, "sagemaker"));
    assert_eq!(seen.header("x-amzn-invoked-production-variant"), "b");
    assert_eq!(seen.header("x-amzn-requestid"), seen.record().inference_id);

    let failed = |answer| {
        bench.world.answers.borrow_mut().clear();
        bench.answers([answer]);
        bench.invoke_by_sdk(&[("x-amzn-sagemaker-target-variant", "b")])
    };
    let seen = failed(said(418, "text/plain", "I am a teapot"));
    assert_eq!((seen.status, seen.header("x-amzn-errortype")), (424, "ModelError"));
    assert_eq!(
        (&seen.json()["OriginalStatusCode"], &seen.json()["OriginalMessage"]),
        (&json!(418), &json!("I am a teapot"))
    );
    assert_eq!(failed(Err(ExchangeError::Timeout)).json()["OriginalStatusCode"], 0);

    for (header, value) in [
        ("x-amzn-sagemaker-target-variant", "z"),
        ("x-amzn-sagemaker-target-model", "m"),
        ("x-amzn-sagemaker-inference-component", "m"),
        ("x-amzn-sagemaker-inference-id", ""),
        ("x-amzn-sagemaker-custom-attributes", &"x".repeat(1025)),
        ("content-encoding", "gzip"),
    ] {
        let seen = bench.invoke_by_sdk(&[(header, value)]);
        assert_eq!((seen.status, seen.header("x-amzn-errortype")), (400, "ValidationError"), "{header}");
        assert!(seen.json()["Message"].is_string());
    }
    let sdk = [("amz-sdk-invocation-id", "1")];
    let seen = bench.send(Method::POST, "/endpoints/none/invocations", &sdk, "");
    assert_eq!((seen.status, seen.header("x-amzn-errortype")), (400, "ValidationError"));
    let seen = bench.send(Method::POST, "/endpoints/e/invocations-response-stream", &sdk, "");
    assert_eq!((seen.status, seen.header("x-amzn-errortype")), (400, "ValidationError"));
    bench.world.store_down.set(true);
    let seen = bench.send(Method::POST, "/endpoints/other/invocations", &sdk, "");
    assert_eq!((seen.status, seen.header("x-amzn-errortype")), (503, "ServiceUnavailable"));
}

#[test]
fn a_listing_stays_within_what_a_request_may_ask_of_the_store() {
    let bench = bench(ORIGIN);
    for number in 0..59 {
        bench.world.endpoints.borrow_mut().insert(format!("e{number}"), ORIGIN.as_bytes().to_vec());
    }
    let (mut seen, mut asked) = (Vec::new(), json!({"MaxResults": 100}));
    loop {
        bench.world.endpoint_reads.set(0);
        let page = bench.done("ListEndpoints", &asked);
        assert!(bench.world.endpoint_reads.get() <= 40, "{}", bench.world.endpoint_reads.get());
        let names = page["Endpoints"].as_array().unwrap().iter().map(|endpoint| endpoint["EndpointName"].clone());
        seen.extend(names.map(|name| name.as_str().unwrap().to_owned()));
        let Some(token) = page.get("NextToken") else { break };
        asked["NextToken"] = token.clone();
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 60);
}

#[test]
fn an_endpoint_written_by_hand_is_never_being_created() {
    let bench = bench(ORIGIN);
    bench.world.now_ms.set(1_000_000.0);
    let weights = json!([{"VariantName": "a", "DesiredWeight": 2}]);
    bench.done(
        "UpdateEndpointWeightsAndCapacities",
        &json!({"EndpointName": "e", "DesiredWeightsAndCapacities": weights}),
    );
    let described = bench.done("DescribeEndpoint", &json!({"EndpointName": "e"}));
    assert_eq!(described["EndpointStatus"], "Updating");
    assert_eq!((described.get("CreationTime"), &described["LastModifiedTime"]), (None, &json!(1000.0)));
}

#[test]
fn a_fallback_that_would_be_gone_is_told_of_the_endpoint() {
    let bench = bench(ORIGIN);
    bench.make_two_models();
    let variants = json!([{"VariantName": "a", "ModelName": "hosted", "InitialVariantWeight": 1}]);
    bench.done("CreateEndpointConfig", &json!({"EndpointConfigName": "only-a", "ProductionVariants": variants}));
    let (name, message) =
        bench.refused("UpdateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "only-a"}));
    assert_eq!(name, "ValidationException");
    assert!(message.contains("endpoint \"e\" falls back on `b`") && message.contains("fallback_missing"), "{message}");
}

#[test]
fn a_model_is_created_with_the_check_rows_that_it_has_reproduced() {
    let bench = bench(ORIGIN);
    let check = include_bytes!("../../../models/churn/logistic.check.json");
    let files = [("churn.onnx", CHURN), ("check", &check[..])];
    bench.world.models.borrow_mut().extend(files.map(|(key, bytes)| (key.to_owned(), bytes.to_vec())));
    let container = json!({"ModelDataUrl": "churn.onnx", "Environment": {"TURNOUT_CHECK": "check"}});
    bench.done("CreateModel", &json!({"ModelName": "checked", "PrimaryContainer": container}));
    assert_eq!(bench.done("DescribeModel", &json!({"ModelName": "checked"}))["PrimaryContainer"], container);
    let variants = json!([{"VariantName": "a", "ModelName": "checked"}]);
    bench.done("CreateEndpointConfig", &json!({"EndpointConfigName": "c", "ProductionVariants": variants}));
    let open = json!([{"Key": "turnout:access", "Value": "open"}]);
    bench.done("CreateEndpoint", &json!({"EndpointName": "made", "EndpointConfigName": "c", "Tags": open}));
    assert_eq!(bench.get("/endpoints/made").json()["variants"][0]["backend"]["checked"], true);
}
