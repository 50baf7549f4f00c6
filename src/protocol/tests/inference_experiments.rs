//! SageMaker's shadow variants: in configurations, and as inference experiments.

use http::Method;
use serde_json::{Value, json};

use super::experiments::with_experiments;
use super::{Bench, ORIGIN, bench};

const ADMIN: (&str, &str) = ("authorization", "Bearer root");
const START_S: f64 = 1_800_000_000.0;
const DAY_S: f64 = 86_400.0;
/// Until every isolate has seen a change.
const SETTLED_S: f64 = 150.0;

/// The endpoint `churn` of the configuration `plain`, with one variant; `shadowed` has a shadow beside it.
fn shadowable() -> Bench {
    let bench = with_experiments();
    bench.make_models();
    for (name, shadows) in [("plain", json!([])), ("shadowed", json!([variant("shadow", "new", 0.5)]))] {
        let variants = json!([variant("a", "old", 2.0)]);
        bench.done(
            "CreateEndpointConfig",
            &json!({"EndpointConfigName": name, "ProductionVariants": variants, "ShadowProductionVariants": shadows}),
        );
    }
    bench.done("CreateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "plain"}));
    bench.pass(SETTLED_S);
    bench
}

fn variant(name: &str, model: &str, weight: f64) -> Value {
    json!({"VariantName": name, "ModelName": model, "InitialVariantWeight": weight})
}

/// What creates the inference experiment, but for what is said otherwise.
fn experiment(name: &str, more: &Value) -> Value {
    let infrastructure = json!({"InfrastructureType": "RealTimeInference",
        "RealTimeInferenceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}});
    let model = |variant: &str, model: &str| json!({"VariantName": variant, "ModelName": model, "InfrastructureConfig": infrastructure});
    let mut asked = json!({"Name": name, "Type": "ShadowMode", "EndpointName": "churn", "RoleArn": "arn:aws:iam::1:role/x",
        "ModelVariants": [model("a", "old"), model("b", "new")], "ShadowModeConfig": mode(50)});
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    asked
}

fn mode(percent: i64) -> Value {
    json!({"SourceModelVariantName": "a",
        "ShadowModelVariants": [{"ShadowModelVariantName": "b", "SamplingPercentage": percent}]})
}

fn named(name: &str) -> Value {
    json!({ "Name": name })
}

impl Bench {
    fn make_models(&self) {
        for model in ["old", "new"] {
            let container = json!({"ModelDataUrl": format!("https://{model}.example/")});
            self.done("CreateModel", &json!({"ModelName": model, "PrimaryContainer": container}));
        }
    }

    fn pass(&self, seconds: f64) {
        self.world.now_ms.set(self.world.now_ms.get() + seconds * 1_000.0);
    }

    fn endpoint(&self) -> Value {
        self.done("DescribeEndpoint", &json!({"EndpointName": "churn"}))
    }

    /// The variants of `churn` with their weights, and its shadows with their shares.
    fn variants(&self) -> (String, String) {
        let told = self.endpoint();
        let listed = |member: &str| {
            let variants = told[member].as_array().cloned().unwrap_or_default();
            let each =
                |variant: &Value| format!("{} {}", variant["VariantName"].as_str().unwrap(), variant["CurrentWeight"]);
            variants.iter().map(each).collect::<Vec<_>>().join(", ")
        };
        (listed("ProductionVariants"), listed("ShadowProductionVariants"))
    }

    fn has(&self, variants: &str, shadows: &str) {
        assert_eq!(self.variants(), (variants.to_owned(), shadows.to_owned()));
    }

    fn experiment(&self, name: &str) -> Value {
        self.done("DescribeInferenceExperiment", &named(name))
    }

    fn status(&self, name: &str) -> String {
        self.experiment(name)["Status"].as_str().unwrap().to_owned()
    }

    fn stop(&self, name: &str, actions: &Value) {
        self.done("StopInferenceExperiment", &json!({"Name": name, "ModelVariantActions": actions}));
    }

    fn told_reasons(&self) -> Vec<String> {
        let history = self.asked(Method::GET, "/endpoints/churn/history", "", &[ADMIN], "").json();
        let changes = history["changes"].as_array().unwrap().iter().rev();
        changes.map(|change| change["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn refuses(&self, cases: &[(&str, Value, &str, &str)]) {
        for (operation, asked, name, expected) in cases {
            let (told, message) = self.refused(operation, asked);
            assert_eq!(told, *name, "{operation} {asked}: {message}");
            assert!(message.contains(expected), "{operation} {asked}\n  gave: {message}\n  expected: {expected}");
        }
    }
}

#[test]
fn a_configuration_has_a_shadow_and_so_has_its_endpoint() {
    let bench = shadowable();
    let config = bench.done("DescribeEndpointConfig", &json!({"EndpointConfigName": "shadowed"}));
    assert_eq!(config["ProductionVariants"], json!([variant("a", "old", 2.0)]));
    assert_eq!(config["ShadowProductionVariants"], json!([variant("shadow", "new", 0.5)]));
    let plain = bench.done("DescribeEndpointConfig", &json!({"EndpointConfigName": "plain"}));
    assert_eq!(plain.get("ShadowProductionVariants"), None);
    bench.done("UpdateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "shadowed"}));
    let told = bench.endpoint();
    let shadow = json!([{"VariantName": "shadow", "CurrentWeight": 0.5, "DesiredWeight": 0.5}]);
    assert_eq!(told["ShadowProductionVariants"], shadow);
    assert_eq!(told["ProductionVariants"].as_array().unwrap().len(), 1);
    let document = bench.asked(Method::GET, "/endpoints/churn", "", &[ADMIN], "").json();
    let names: Vec<_> = document["variants"].as_array().unwrap().iter().map(|each| each["name"].clone()).collect();
    assert_eq!(names, ["a", "shadow"]);
    let kept: Value = serde_json::from_slice(&bench.world.endpoints.borrow()["churn"]).unwrap();
    assert_eq!((&kept["variants"][1]["shadow"], &kept["variants"][1]["weight"]), (&json!(0.25), &json!(0.0)));
    // Its weight is of no meaning.
    let weights = |weight: f64| {
        json!({"EndpointName": "churn",
        "DesiredWeightsAndCapacities": [{"VariantName": "shadow", "DesiredWeight": weight}]})
    };
    let (name, message) = bench.refused("UpdateEndpointWeightsAndCapacities", &weights(1.0));
    assert!(
        name == "ValidationException" && message.contains("`shadow` is a shadow, which answers nobody"),
        "{message}"
    );
    // A share that somebody changed stays where that is asked for.
    let changed = bench.world.endpoints.borrow()["churn"].clone();
    let changed = String::from_utf8(changed).unwrap().replace("0.25", "0.75");
    bench.world.endpoints.borrow_mut().insert("churn".to_owned(), changed.into_bytes());
    bench.world.times.borrow_mut().remove("churn");
    bench.pass(SETTLED_S);
    for (retain, expected) in [(true, "shadow 1.5"), (false, "shadow 0.5")] {
        let asked =
            json!({"EndpointName": "churn", "EndpointConfigName": "shadowed", "RetainAllVariantProperties": retain});
        bench.done("UpdateEndpoint", &asked);
        bench.has("a 2.0", expected);
    }
}

#[test]
fn an_endpoint_written_by_hand_is_described_with_its_shadows() {
    let bench = bench(&ORIGIN.replace(r#""weight": 0, "#, r#""shadow": 0.5, "#));
    let told = bench.done("DescribeEndpoint", &json!({"EndpointName": "e"}));
    assert_eq!(told["ProductionVariants"].as_array().unwrap().len(), 2);
    let shadow = json!([{"VariantName": "off", "CurrentWeight": 2.0, "DesiredWeight": 2.0}]);
    assert_eq!(told["ShadowProductionVariants"], shadow);
    let config = bench.done("DescribeEndpointConfig", &json!({"EndpointConfigName": "e"}));
    assert_eq!(config["ShadowProductionVariants"], json!([{"VariantName": "off", "InitialVariantWeight": 2.0}]));
}

#[test]
fn shadows_that_have_no_share_are_refused() {
    let bench = bench(ORIGIN);
    bench.make_models();
    let config = |variants: Value, shadows: Value| json!({"EndpointConfigName": "c", "ProductionVariants": variants, "ShadowProductionVariants": shadows});
    let (a, b, c) = (variant("a", "old", 1.0), variant("b", "new", 1.0), variant("c", "new", 0.0));
    let (exactly, above) = ("exactly one production variant and one shadow: it has", "have to be above 0");
    for (asked, expected) in [
        (config(json!([a, b]), json!([c])), exactly),
        (config(json!([a]), json!([b, c])), exactly),
        (config(json!([]), json!([b])), exactly),
        (config(json!([a]), json!([c])), above),
        (config(json!([c]), json!([a])), above),
        (config(json!([c]), json!([c])), above),
        (config(json!([a]), json!([a])), "used twice"),
        (config(json!([a]), json!([variant("b", "none", 1.0)])), "Could not find model"),
    ] {
        bench.refuses(&[("CreateEndpointConfig", asked, "ValidationException", expected)]);
    }
    // More than the production variant's weight is all of the requests.
    bench.done("CreateEndpointConfig", &config(json!([a]), json!([variant("b", "new", 9.0)])));
    bench.done("CreateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "c"}));
    bench.has("a 1.0", "b 1.0");
}

#[test]
fn a_configuration_that_was_kept_before_there_were_shadows_is_read() {
    let bench = bench(ORIGIN);
    let kept = br#"{"variants": [{"name": "a", "model": "old", "weight": 1.0}]}"#.to_vec();
    bench.world.registry.borrow_mut().insert("config.c".to_owned(), kept);
    let told = bench.done("DescribeEndpointConfig", &json!({"EndpointConfigName": "c"}));
    assert_eq!(told["ProductionVariants"], json!([variant("a", "old", 1.0)]));
}

#[test]
fn a_deployment_brings_a_shadow_and_makes_one_answer() {
    let bench = shadowable();
    let promoted = json!([variant("shadow", "new", 1.0)]);
    bench.done("CreateEndpointConfig", &json!({"EndpointConfigName": "promoted", "ProductionVariants": promoted}));
    let size = json!({"Type": "CAPACITY_PERCENT", "Value": 50});
    let routing = json!({"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": size});
    let deployment = json!({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}});
    let update =
        |config: &str| json!({"EndpointName": "churn", "EndpointConfigName": config, "DeploymentConfig": deployment});
    bench.done("UpdateEndpoint", &update("shadowed"));
    bench.has("a 100.0", "");
    let pending = &bench.endpoint()["PendingDeploymentSummary"];
    let shadow = &pending["ShadowProductionVariants"][0];
    assert_eq!(
        (&shadow["VariantName"], &shadow["CurrentWeight"], &shadow["DesiredWeight"]),
        (&json!("shadow"), &json!(25.0), &json!(25.0))
    );
    assert_eq!(pending["ProductionVariants"].as_array().unwrap().len(), 1);
    bench.pass(60.0);
    bench.endpoint();
    bench.pass(60.0);
    bench.has("a 2.0", "shadow 0.5");
    // The same model under the same name, but it answers.
    bench.pass(SETTLED_S);
    bench.done("UpdateEndpoint", &update("promoted"));
    bench.has("a 50.0", "shadow 25.0");
    bench.pass(60.0);
    bench.endpoint();
    bench.pass(60.0);
    bench.has("shadow 1.0", "");
}

#[test]
fn the_life_of_an_inference_experiment() {
    let bench = shadowable();
    let told = bench.done("CreateInferenceExperiment", &experiment("test", &json!({"Description": "is b as good?"})));
    let arn = "arn:aws:sagemaker:auto:000000000000:inference-experiment/test";
    assert_eq!(told, json!({"InferenceExperimentArn": arn}));
    bench.has("a 2.0", "b 1.0");
    let start = START_S + SETTLED_S;
    let told = bench.experiment("test");
    let models = experiment("test", &json!({}))["ModelVariants"].clone();
    let of = |at: usize| {
        let mut model = models[at].clone();
        model["Status"] = json!("InService");
        model
    };
    assert_eq!(
        told,
        json!({"Arn": arn, "Name": "test", "Type": "ShadowMode", "Status": "Running", "Description": "is b as good?",
            "RoleArn": "arn:aws:iam::1:role/x", "CreationTime": start, "LastModifiedTime": start,
            "Schedule": {"StartTime": start, "EndTime": start + 7.0 * DAY_S},
            "EndpointMetadata": {"EndpointName": "churn", "EndpointConfigName": "plain", "EndpointStatus": "Updating"},
            "ModelVariants": [of(0), of(1)], "ShadowModeConfig": mode(50)})
    );
    // One at a time, and one of a name.
    bench.refuses(&[
        (
            "CreateInferenceExperiment",
            experiment("test", &json!({})),
            "ResourceInUse",
            "already existing inference experiment",
        ),
        (
            "CreateInferenceExperiment",
            experiment(
                "other",
                &json!({"ShadowModeConfig": {"SourceModelVariantName": "a",
            "ShadowModelVariants": [{"ShadowModelVariantName": "c", "SamplingPercentage": 1}]},
            "ModelVariants": [{"VariantName": "c", "ModelName": "new", "InfrastructureConfig": {}}]}),
            ),
            "ResourceInUse",
            "endpoint \"churn\" is in the inference experiment \"test\"",
        ),
        ("StartInferenceExperiment", named("test"), "ConflictException", "\"test\" is Running: only one that waits"),
        ("DeleteInferenceExperiment", named("test"), "ConflictException", "stop it first"),
    ]);
    // What was refused has left nothing behind.
    bench.refuses(&[(
        "DescribeInferenceExperiment",
        named("other"),
        "ResourceNotFound",
        "Could not find inference experiment",
    )]);
    bench.pass(DAY_S);
    let more = json!({"Name": "test", "ShadowModeConfig": mode(100), "Description": "all of it",
        "Schedule": {"EndTime": start + 20.0 * DAY_S}});
    bench.done("UpdateInferenceExperiment", &more);
    bench.has("a 2.0", "b 2.0");
    let told = bench.experiment("test");
    assert_eq!((&told["Description"], &told["ShadowModeConfig"]), (&json!("all of it"), &mode(100)));
    assert_eq!(told["Schedule"], json!({"StartTime": start, "EndTime": start + 20.0 * DAY_S}));
    assert_eq!(told["LastModifiedTime"], start + DAY_S);
    let stop = json!({"Name": "test", "ModelVariantActions": {"a": "Retain", "b": "Remove"}, "Reason": "seen enough"});
    bench.done("StopInferenceExperiment", &stop);
    bench.has("a 2.0", "");
    let told = bench.experiment("test");
    assert_eq!((&told["Status"], &told["StatusReason"]), (&json!("Completed"), &json!("seen enough")));
    assert_eq!((&told["CompletionTime"], &told["Schedule"]["EndTime"]), (&json!(start + DAY_S), &json!(start + DAY_S)));
    assert_eq!(told["ModelVariants"][1]["Status"], "Deleted");
    bench.refuses(&[
        ("StopInferenceExperiment", stop, "ConflictException", "is Completed"),
        ("UpdateInferenceExperiment", more, "ConflictException", "is Completed"),
    ]);
    assert_eq!(
        bench.told_reasons()[1..],
        [
            "inference experiment test: it begins",
            "inference experiment test: its share is another",
            "inference experiment test: it was stopped: seen enough"
        ]
    );
    bench.done("DeleteInferenceExperiment", &named("test"));
    bench.refuses(&[("DeleteInferenceExperiment", named("test"), "ResourceNotFound", "Could not find")]);
}

#[test]
fn it_begins_and_ends_at_its_time_though_nobody_looks_at_it() {
    let bench = shadowable();
    let at = |days: f64| START_S + SETTLED_S + days * DAY_S;
    let schedule = json!({"Schedule": {"StartTime": at(1.0), "EndTime": at(3.0)}});
    bench.done("CreateInferenceExperiment", &experiment("test", &schedule));
    bench.has("a 2.0", "");
    let told = bench.experiment("test");
    assert_eq!((&told["Status"], &told["ModelVariants"][1]["Status"]), (&json!("Created"), &json!("Creating")));
    assert_eq!(bench.refused("CreateInferenceExperiment", &experiment("other", &json!({}))).0, "ResourceInUse");
    bench.pass(DAY_S - 1.0);
    bench.has("a 2.0", "");
    bench.pass(1.0);
    bench.has("a 2.0", "b 1.0");
    assert_eq!(bench.status("test"), "Running");
    let late = json!({"Name": "test", "Schedule": {"StartTime": at(2.0), "EndTime": at(3.0)}});
    assert_eq!(bench.refused("UpdateInferenceExperiment", &late).0, "ConflictException");
    bench.pass(2.0 * DAY_S);
    bench.has("a 2.0", "");
    let told = bench.experiment("test");
    assert_eq!((&told["Status"], &told["CompletionTime"]), (&json!("Completed"), &json!(at(3.0))));
    assert_eq!(
        bench.told_reasons()[1..],
        ["inference experiment test: it begins", "inference experiment test: its time is over"]
    );
}

#[test]
fn one_that_waits_is_started_changed_or_given_up() {
    let bench = shadowable();
    let at = |days: f64| START_S + SETTLED_S + days * DAY_S;
    let schedule = |from: f64, to: f64| json!({"Schedule": {"StartTime": at(from), "EndTime": at(to)}});
    bench.done("CreateInferenceExperiment", &experiment("test", &schedule(1.0, 3.0)));
    let mut later = schedule(2.0, 3.0);
    later["Name"] = json!("test");
    later["ShadowModeConfig"] = mode(100);
    bench.done("UpdateInferenceExperiment", &later);
    bench.pass(1.5 * DAY_S);
    bench.has("a 2.0", "");
    assert_eq!(bench.status("test"), "Created");
    bench.done("StartInferenceExperiment", &named("test"));
    bench.has("a 2.0", "b 2.0");
    assert_eq!(bench.experiment("test")["Schedule"], json!({"StartTime": at(1.5), "EndTime": at(3.0)}));
    bench.stop("test", &json!({"b": "Remove"}));
    bench.done("CreateInferenceExperiment", &experiment("again", &schedule(2.0, 3.0)));
    let stop = json!({"Name": "again", "ModelVariantActions": {"b": "Promote"}, "DesiredState": "Cancelled"});
    bench.done("StopInferenceExperiment", &stop);
    bench.pass(DAY_S);
    bench.has("a 2.0", "");
    assert_eq!((bench.status("again"), bench.status("test")), ("Cancelled".to_owned(), "Completed".to_owned()));
}

#[test]
fn a_stop_keeps_removes_or_promotes() {
    for (actions, variants) in [
        (json!({"a": "Retain"}), "a 2.0"),
        (json!({"b": "Remove"}), "a 2.0"),
        (json!({"a": "Retain", "b": "Retain"}), "a 2.0, b 0.0"),
        (json!({"b": "Promote"}), "b 2.0"),
        (json!({"a": "Remove", "b": "Promote"}), "b 2.0"),
        (json!({"a": "Retain", "b": "Promote"}), "a 0.0, b 2.0"),
    ] {
        let bench = shadowable();
        bench.done("CreateInferenceExperiment", &experiment("test", &json!({})));
        for (bad, expected) in [
            (json!({"a": "Promote"}), "answers already"),
            (json!({"a": "Remove", "b": "Retain"}), "nobody would answer"),
            (json!({"a": "Remove"}), "is empty"),
            (json!({"c": "Retain"}), "one action each for `a` and `b`"),
            (json!({}), "one action each"),
        ] {
            let asked = json!({"Name": "test", "ModelVariantActions": bad});
            bench.refuses(&[("StopInferenceExperiment", asked, "ValidationException", expected)]);
            assert_eq!(bench.status("test"), "Running");
        }
        bench.stop("test", &actions);
        bench.has(variants, "");
        assert_eq!(bench.status("test"), "Completed");
        bench.pass(8.0 * DAY_S);
        bench.has(variants, "");
    }
}

#[test]
fn a_variant_that_was_there_becomes_the_shadow_and_stays() {
    let bench = shadowable();
    bench.done("CreateInferenceExperiment", &experiment("first", &json!({})));
    bench.stop("first", &json!({"b": "Retain"}));
    bench.done("CreateInferenceExperiment", &experiment("second", &json!({})));
    bench.has("a 2.0", "b 1.0");
    bench.pass(7.0 * DAY_S);
    bench.has("a 2.0, b 0.0", "");
    assert_eq!(bench.status("second"), "Completed");
}

#[test]
fn one_whose_shadow_somebody_took_away_is_cancelled() {
    let update = json!({"EndpointName": "churn", "EndpointConfigName": "plain"});
    for (operation, asked, expected) in [
        ("UpdateEndpoint", update, "its document has no shadow `b` any more"),
        ("DeleteEndpoint", json!({"EndpointName": "churn"}), "it was deleted"),
    ] {
        let bench = shadowable();
        bench.done("CreateInferenceExperiment", &experiment("test", &json!({})));
        bench.pass(SETTLED_S);
        bench.done(operation, &asked);
        if operation == "UpdateEndpoint" {
            // It could be that it was stopped, and the store does not show it yet.
            assert_eq!(bench.status("test"), "Stopping");
        }
        bench.pass(60.0);
        let told = bench.experiment("test");
        assert_eq!(told["Status"], "Cancelled", "{operation}");
        assert!(told["StatusReason"].as_str().unwrap().contains(expected), "{told}");
        assert_eq!(told["EndpointMetadata"]["EndpointName"], "churn");
        // The endpoint has no other any more.
        if operation == "DeleteEndpoint" {
            bench.done("CreateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "plain"}));
        }
        bench.done("CreateInferenceExperiment", &experiment("next", &json!({})));
        bench.has("a 2.0", "b 1.0");
        assert_eq!(bench.status("test"), "Cancelled");
    }
}

#[test]
fn in_a_deployment_it_waits() {
    let bench = shadowable();
    let routing = json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600});
    let deployment = json!({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}});
    let soon = json!({"Schedule": {"StartTime": START_S + SETTLED_S + 300.0}});
    bench.done("CreateInferenceExperiment", &experiment("test", &soon));
    let update = json!({"EndpointName": "churn", "EndpointConfigName": "plain", "DeploymentConfig": deployment});
    bench.done("UpdateEndpoint", &update);
    assert_eq!(bench.refused("StartInferenceExperiment", &named("test")).0, "ValidationException");
    bench.pass(400.0);
    assert_eq!(bench.status("test"), "Starting");
    bench.pass(300.0);
    assert_eq!(bench.status("test"), "Running");
    bench.has("a 2.0", "b 1.0");
    assert_eq!(bench.status("test"), "Running");
}

#[test]
fn they_are_listed_in_pages_by_what_is_asked_for() {
    let bench = shadowable();
    for number in 0..25 {
        let name = format!("test-{number:02}");
        bench.done("CreateInferenceExperiment", &experiment(&name, &json!({})));
        if number < 24 {
            bench.stop(&name, &json!({"b": "Remove"}));
        }
        bench.pass(1.0);
    }
    let names = |page: &Value| -> Vec<String> {
        let listed = page["InferenceExperiments"].as_array().unwrap().iter();
        listed.map(|each| each["Name"].as_str().unwrap().to_owned()).collect()
    };
    let page = bench.done("ListInferenceExperiments", &json!({}));
    assert_eq!((names(&page).len(), names(&page)[0].as_str()), (10, "test-24"));
    let (mut seen, mut asked) =
        (Vec::new(), json!({"MaxResults": 100, "SortBy": "Name", "SortOrder": "Ascending", "Type": "ShadowMode"}));
    loop {
        let page = bench.done("ListInferenceExperiments", &asked);
        seen.extend(names(&page));
        let Some(token) = page.get("NextToken") else { break };
        asked["NextToken"] = token.clone();
    }
    assert_eq!((seen.len(), seen.is_sorted()), (25, true));
    let running = bench.done("ListInferenceExperiments", &json!({"StatusEquals": "Running"}));
    assert_eq!(names(&running), ["test-24"]);
    let summary = &running["InferenceExperiments"][0];
    assert_eq!(
        (&summary["Type"], &summary["CreationTime"]),
        (&json!("ShadowMode"), &json!(START_S + SETTLED_S + 24.0))
    );
    let found = bench.done("ListInferenceExperiments", &json!({"NameContains": "t-0"}));
    assert_eq!(names(&found).len(), 10);
    let recent = bench.done("ListInferenceExperiments", &json!({"CreationTimeAfter": START_S + SETTLED_S + 22.5}));
    assert_eq!(names(&recent).len(), 2);
    bench.refuses(&[
        (
            "ListInferenceExperiments",
            json!({"SortBy": "Status"}),
            "ValidationException",
            "`SortBy` is Name or CreationTime",
        ),
        ("ListInferenceExperiments", json!({"Type": "Other"}), "ValidationException", "unknown variant"),
    ]);
}

#[test]
fn what_makes_no_experiment_is_refused_and_changes_nothing() {
    let bench = shadowable();
    let model =
        |variant: &str, model: &str| json!({"VariantName": variant, "ModelName": model, "InfrastructureConfig": {}});
    let shadows = |source: &str, shadows: &[(&str, i64)]| {
        let shadows = shadows
            .iter()
            .map(|(name, percent)| json!({"ShadowModelVariantName": name, "SamplingPercentage": percent}));
        json!({"SourceModelVariantName": source, "ShadowModelVariants": shadows.collect::<Vec<_>>()})
    };
    let schedule = |start: f64, end: f64| json!({"Schedule": {"StartTime": START_S + start, "EndTime": START_S + end}});
    for (more, expected) in [
        (json!({"Name": "-"}), "is not a name"),
        (json!({"Type": "Other"}), "unknown variant"),
        (json!({"EndpointName": "none"}), "Could not find endpoint"),
        (json!({"ModelVariants": [model("b", "none")]}), "Could not find model"),
        (json!({"ModelVariants": [model("a", "old")]}), "does not have the shadow `b`"),
        (json!({"ModelVariants": [model("b", "new"), model("c", "new")]}), "each once: `a`, `b`"),
        (json!({"ModelVariants": [model("a", "new"), model("b", "new")]}), "is not the model `new`"),
        (
            json!({"ShadowModeConfig": shadows("z", &[("b", 5)]), "ModelVariants": [model("b", "new")]}),
            "no variant `z` that answers: name one of a",
        ),
        (json!({"ShadowModeConfig": shadows("a", &[("a", 5)]), "ModelVariants": [model("a", "old")]}), "each once"),
        (json!({"ShadowModeConfig": shadows("a", &[])}), "exactly one"),
        (json!({"ShadowModeConfig": shadows("a", &[("b", 5), ("c", 5)])}), "exactly one"),
        (json!({"ShadowModeConfig": mode(0)}), "1 to 100 here"),
        (json!({"ShadowModeConfig": mode(101)}), "1 to 100 here"),
        (json!({"ShadowModeConfig": mode(-1)}), "1 to 100 here"),
        (json!({"DataStorageConfig": {"Destination": "s3://x"}}), "`DataStorageConfig` is not served here"),
        (json!({"Description": "x".repeat(1_025)}), "at most 1024"),
        (schedule(DAY_S, DAY_S), "`EndTime` is after `StartTime`"),
        (schedule(DAY_S, 0.0), "`EndTime` is after `StartTime`"),
        (schedule(0.0, 31.0 * DAY_S), "by 30 days at most"),
    ] {
        bench.refuses(&[("CreateInferenceExperiment", experiment("test", &more), "ValidationException", expected)]);
    }
    bench.has("a 2.0", "");
    bench.done("CreateInferenceExperiment", &experiment("test", &json!({})));
    for (more, expected) in [
        (json!({"ShadowModeConfig": shadows("a", &[("c", 5)])}), "the variants of an inference experiment stay"),
        (json!({"ModelVariants": [model("b", "old")]}), "the models of an inference experiment stay"),
        (json!({"DataStorageConfig": {}}), "DataStorageConfig"),
        (json!({"Schedule": {"EndTime": START_S}}), "`EndTime` is after"),
    ] {
        let mut asked = named("test");
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bench.refuses(&[("UpdateInferenceExperiment", asked, "ValidationException", expected)]);
    }
    bench.has("a 2.0", "b 1.0");
    // Nothing keeps a timetable without experiments.
    let bench = super::bench(ORIGIN);
    bench.make_models();
    let (_, message) = bench.refused("CreateInferenceExperiment", &experiment("test", &json!({"EndpointName": "e"})));
    assert!(message.contains("no binding EXPERIMENTS"), "{message}");
}
