//! Deployment guardrails, from `UpdateEndpoint` to what becomes of it.

use http::Method;
use serde_json::{Value, json};

use super::alarms::{alarm, dimensions};
use super::experiments::with_experiments;
use super::{Bench, ORIGIN, bench, said};

const ADMIN: (&str, &str) = ("authorization", "Bearer root");
/// Until every isolate has seen a change.
const SETTLED_S: f64 = 150.0;

/// The endpoint `churn` of the configuration `old`, with two variants, and the configuration `new` with one that is the same
/// and one that is another.
fn deployable() -> Bench {
    let bench = with_experiments();
    for model in ["kept", "old", "new"] {
        let container = json!({"ModelDataUrl": format!("https://{model}.example/")});
        bench.done("CreateModel", &json!({"ModelName": model, "PrimaryContainer": container}));
    }
    let variant = |name: &str, model: &str, weight: f64| json!({"VariantName": name, "ModelName": model, "InitialVariantWeight": weight});
    for (config, variants) in [
        ("old", json!([variant("a", "kept", 1.0), variant("b", "old", 3.0)])),
        ("new", json!([variant("a", "kept", 1.0), variant("b", "new", 1.0)])),
        ("off", json!([variant("a", "kept", 0.0)])),
    ] {
        bench.done("CreateEndpointConfig", &json!({"EndpointConfigName": config, "ProductionVariants": variants}));
    }
    let open = json!([{"Key": "turnout:access", "Value": "open"}]);
    bench.done("CreateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "old", "Tags": open}));
    bench
}

fn routed(routing: Value, more: &Value) -> Value {
    let mut policy = json!({ "TrafficRoutingConfiguration": routing });
    let members = policy.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    json!({ "BlueGreenUpdatePolicy": policy })
}

fn canary(percent: u32, wait_s: u32, more: &Value) -> Value {
    let size = json!({"Type": "CAPACITY_PERCENT", "Value": percent});
    routed(json!({"Type": "CANARY", "WaitIntervalInSeconds": wait_s, "CanarySize": size}), more)
}

fn with_alarms(mut config: Value, names: &[&str]) -> Value {
    let alarms: Value = names.iter().map(|name| json!({ "AlarmName": name })).collect();
    config["AutoRollbackConfiguration"] = json!({ "Alarms": alarms });
    config
}

fn update(config: &str, deployment: &Value) -> Value {
    json!({"EndpointName": "churn", "EndpointConfigName": config, "DeploymentConfig": deployment})
}

impl Bench {
    fn later(&self, seconds: f64) {
        self.world.now_ms.set(self.world.now_ms.get() + seconds * 1_000.0);
    }

    fn describe(&self) -> Value {
        self.done("DescribeEndpoint", &json!({"EndpointName": "churn"}))
    }

    /// The status, the configuration, and the weights of its variants and of those that get the traffic.
    fn standing(&self) -> (String, String, Vec<f64>, Vec<f64>) {
        let told = self.describe();
        let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
        let weights = |of: &Value| {
            let variants = of["ProductionVariants"].as_array().cloned().unwrap_or_default();
            variants.iter().map(|variant| variant["CurrentWeight"].as_f64().unwrap()).collect()
        };
        let pending = weights(&told["PendingDeploymentSummary"]);
        (text("EndpointStatus"), text("EndpointConfigName"), weights(&told), pending)
    }

    fn stands(&self, status: &str, config: &str, weights: &[f64], pending: &[f64]) {
        let wanted = (status.to_owned(), config.to_owned(), weights.to_vec(), pending.to_vec());
        assert_eq!(self.standing(), wanted);
    }

    fn move_policy(&self, action: &str) {
        let body = json!({ "action": action }).to_string();
        let seen = self.asked(Method::POST, "/endpoints/churn/policy", "", &[ADMIN], &body);
        assert_eq!(seen.status, 200, "{action}: {}", seen.json());
    }

    fn reasons(&self) -> Vec<String> {
        let history = self.asked(Method::GET, "/endpoints/churn/history", "", &[ADMIN], "").json();
        let changes = history["changes"].as_array().unwrap().iter().rev();
        changes.map(|change| change["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[test]
fn a_canary_gets_all_of_the_traffic_and_then_takes_over() {
    let bench = deployable();
    let config = canary(20, 60, &json!({"TerminationWaitInSeconds": 30}));
    bench.done("UpdateEndpoint", &update("new", &config));
    bench.stands("Updating", "old", &[30.0, 60.0], &[30.0, 10.0]);
    let told = bench.describe();
    let pending = &told["PendingDeploymentSummary"];
    assert_eq!((&pending["EndpointConfigName"], &pending["StartTime"]), (&json!("new"), &json!(1_800_000_000.0)));
    assert_eq!(
        pending["ProductionVariants"][1],
        json!({"VariantName": "b", "CurrentWeight": 10.0, "DesiredWeight": 50.0, "VariantStatus": [{
            "Status": "ActivatingTraffic", "StartTime": 1_800_000_000.0,
            "StatusMessage": "the deployment begins: configuration new gets 20 % of the traffic."}]})
    );
    assert_eq!((told.get("FailureReason"), &told["LastDeploymentConfig"]), (None, &config));
    let listed = bench.done("ListEndpoints", &json!({"StatusEquals": "Updating"}))["Endpoints"].clone();
    assert_eq!(listed[0]["EndpointName"], "churn");
    // What would change it meanwhile is refused.
    let weights = json!([{"VariantName": "a", "DesiredWeight": 1}]);
    for (operation, asked) in [
        ("UpdateEndpoint", update("old", &config)),
        ("UpdateEndpoint", json!({"EndpointName": "churn", "EndpointConfigName": "old"})),
        (
            "UpdateEndpointWeightsAndCapacities",
            json!({"EndpointName": "churn", "DesiredWeightsAndCapacities": weights}),
        ),
    ] {
        let (name, message) = bench.refused(operation, &asked);
        assert_eq!(name, "ValidationException");
        let wanted = "Cannot update in-progress endpoint \"churn\": its deployment is running: ";
        assert!(message.starts_with(wanted) && message.contains("in_progress"), "{message}");
    }
    bench.later(59.0);
    bench.stands("Updating", "old", &[30.0, 60.0], &[30.0, 10.0]);
    bench.later(1.0);
    bench.stands("Updating", "old", &[50.0, 0.0], &[50.0, 50.0]);
    let baking = &bench.describe()["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0];
    assert_eq!((&baking["Status"], &baking["StartTime"]), (&json!("Baking"), &json!(1_800_000_060.0)));
    // The wait of the step, and the one before the old variants are gone.
    bench.later(89.0);
    bench.stands("Updating", "old", &[50.0, 0.0], &[50.0, 50.0]);
    bench.later(1.0);
    bench.stands("Updating", "new", &[1.0, 1.0], &[]);
    bench.later(SETTLED_S);
    bench.stands("InService", "new", &[1.0, 1.0], &[]);
    let told = bench.describe();
    assert_eq!((told.get("FailureReason"), &told["LastDeploymentConfig"]), (None, &config));
    let variants = bench.asked(Method::GET, "/endpoints/churn", "", &[ADMIN], "").json()["variants"].clone();
    assert_eq!((variants.as_array().unwrap().len(), &variants[1]["name"]), (2, &json!("b")));
    assert_eq!(
        bench.reasons()[1..],
        [
            "the deployment begins: configuration new gets 20 % of the traffic.",
            "configuration new gets 100 % of the traffic: no guardrail is breached after 0 requests and 0 outcomes of it.",
            "configuration new has 100 % of the traffic, and no guardrail was breached: the deployment has ended."
        ]
    );
}

#[test]
fn a_line_of_steps_is_gone_again_and_back_as_before() {
    let bench = deployable();
    let size = json!({"Type": "CAPACITY_PERCENT", "Value": 40});
    let linear = json!({"Type": "LINEAR", "WaitIntervalInSeconds": 10, "LinearStepSize": size});
    bench.done("UpdateEndpoint", &update("new", &routed(linear, &json!({}))));
    for shifted in [0.4, 0.8, 1.0] {
        let (status, _, weights, pending) = bench.standing();
        let kept = 25.0 + 25.0 * shifted;
        let close = |told: &[f64], wanted: [f64; 2]| told.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(status == "Updating" && close(&weights, [kept, 75.0 - 75.0 * shifted]), "{shifted}: {weights:?}");
        assert!(close(&pending, [kept, 50.0 * shifted]), "{shifted}: {pending:?}");
        bench.later(10.0);
    }
    bench.stands("Updating", "new", &[1.0, 1.0], &[]);
    let back = json!({"EndpointName": "churn", "EndpointConfigName": "old", "RetainDeploymentConfig": true});
    bench.done("UpdateEndpoint", &back);
    bench.stands("Updating", "new", &[40.0, 30.0], &[40.0, 30.0]);
    for _ in 0..3 {
        bench.later(10.0);
        bench.describe();
    }
    bench.stands("Updating", "old", &[1.0, 3.0], &[]);
}

#[test]
fn an_alarm_on_what_is_new_puts_back_what_was_there() {
    let bench = deployable();
    let of_config = |config: &str| {
        let mut dimensions = dimensions("churn", "b");
        dimensions.as_array_mut().unwrap().push(json!({"Name": "EndpointConfigName", "Value": config}));
        json!({ "Dimensions": dimensions })
    };
    bench.watched("PutMetricAlarm", &alarm("b", "churn", &json!({})));
    bench.watched("PutMetricAlarm", &alarm("new b", "churn", &of_config("new")));
    bench.watched("PutMetricAlarm", &alarm("old b", "churn", &of_config("old")));
    let unknown = json!({"Dimensions": dimensions("churn", "nobody"), "TreatMissingData": "missing"});
    bench.watched("PutMetricAlarm", &alarm("unknown", "churn", &unknown));
    for names in [["unknown", "b"], ["unknown", "new b"]] {
        let config = with_alarms(canary(10, 600, &json!({})), &names);
        bench.done("UpdateEndpoint", &update("new", &config));
        bench.invoke_each("churn", "b", &[200; 5]);
        bench.invoke_each("churn", "b-2", &[200, 500, 500]);
        bench.later(59.0);
        assert_eq!(bench.standing().0, "Updating");
        bench.later(6.0);
        // The one of the old configuration knows that its own variant has not failed.
        let asked = json!({"AlarmNames": ["b", "new b", "old b", "unknown"]});
        let alarms = bench.describe_alarms(&asked);
        let states: Vec<_> = alarms.iter().map(|alarm| alarm["StateValue"].as_str().unwrap()).collect();
        assert_eq!(states, ["ALARM", "ALARM", "OK", "INSUFFICIENT_DATA"]);
        let told = bench.describe();
        assert_eq!((&told["EndpointStatus"], &told["EndpointConfigName"]), (&json!("Updating"), &json!("old")));
        let wanted = format!(
            "The deployment of \"new\" was rolled back: the alarm `{}` has gone off: 1 of 1 datapoints are above the threshold 0.1",
            names[1]
        );
        assert!(told["FailureReason"].as_str().unwrap().starts_with(&wanted), "{told}");
        assert_eq!(told["LastDeploymentConfig"], config);
        // As long as it is not quiet, no other is begun.
        let (name, message) = bench.refused("UpdateEndpoint", &update("new", &config));
        assert_eq!(name, "ValidationException");
        assert!(message.contains("rolled back at once: the alarm") && message.contains("alarmed"), "{message}");
        bench.later(SETTLED_S);
        bench.stands("InService", "old", &[1.0, 3.0], &[]);
        assert!(bench.describe()["FailureReason"].is_string());
        // A minute with requests counts for two more.
        bench.later(60.0);
    }
    // Whatever is done next is no failure.
    bench.done("UpdateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "new"}));
    assert_eq!(bench.describe().get("FailureReason"), None);
}

#[test]
fn one_that_takes_too_long_is_rolled_back() {
    let bench = deployable();
    let config = canary(10, 60, &json!({"MaximumExecutionTimeoutInSeconds": 600}));
    bench.done("UpdateEndpoint", &update("new", &config));
    bench.move_policy("pause");
    bench.later(599.0);
    bench.stands("Updating", "old", &[27.5, 67.5], &[27.5, 5.0]);
    let message = bench.refused("UpdateEndpoint", &update("old", &config)).1;
    assert!(message.contains("its deployment is paused: the administrator paused it"), "{message}");
    // A pause holds its steps, not its limit.
    bench.later(2.0);
    bench.stands("Updating", "old", &[1.0, 3.0], &[]);
    let reason = bench.describe()["FailureReason"].as_str().unwrap().to_owned();
    assert!(reason.contains("was to last 600 seconds at most"), "{reason}");
}

#[test]
fn it_ends_with_its_endpoint_and_by_a_hand_that_stops_it() {
    let bench = deployable();
    let config = canary(10, 60, &json!({}));
    bench.done("UpdateEndpoint", &update("new", &config));
    bench.move_policy("stop");
    bench.later(SETTLED_S);
    bench.stands("InService", "old", &[27.5, 67.5, 5.0], &[]);
    bench.done("UpdateEndpoint", &update("new", &config));
    bench.done("DeleteEndpoint", &json!({"EndpointName": "churn"}));
    assert!(bench.refused("DescribeEndpoint", &json!({"EndpointName": "churn"})).1.starts_with("Could not find"));
    bench.later(600.0);
    bench.done("CreateEndpoint", &json!({"EndpointName": "churn", "EndpointConfigName": "old"}));
    bench.stands("Creating", "old", &[1.0, 3.0], &[]);
    assert_eq!(bench.describe().get("LastDeploymentConfig"), None);
}

#[test]
fn guardrails_of_the_document_hold_as_well_and_no_others() {
    for (guardrails, config) in [(None, "new"), (Some(json!([{"metric": "absolute", "at_most": 0.01}])), "old")] {
        let bench = deployable();
        let mut document: Value = serde_json::from_slice(&bench.world.endpoints.borrow()["churn"]).unwrap();
        if let Some(guardrails) = guardrails {
            document["guardrails"] = guardrails;
        }
        let terms = [ADMIN, ("if-match", "*")];
        assert_eq!(bench.asked(Method::PUT, "/endpoints/churn", "", &terms, &document.to_string()).status, 200);
        bench.done("UpdateEndpoint", &update("new", &canary(50, 600, &json!({}))));
        for _ in 0..40 {
            // Whoever is chosen by weight fails.
            bench.answers([said(500, "text/plain", "no")]);
            bench.asked(
                Method::POST,
                "/endpoints/churn/invocations",
                "",
                &[("content-type", "application/json")],
                "[[1]]",
            );
        }
        for _ in 0..2 {
            bench.later(600.0);
            bench.describe();
        }
        assert_eq!(bench.describe()["EndpointConfigName"], config);
    }
}

#[test]
fn what_cannot_be_deployed_is_refused_before_anything_is_changed() {
    let bench = deployable();
    bench.watched("PutMetricAlarm", &alarm("of e", "e", &json!({})));
    let canary = canary(10, 60, &json!({}));
    let retained = |config: Option<&Value>| json!({"EndpointName": "churn", "EndpointConfigName": "new", "RetainDeploymentConfig": true, "DeploymentConfig": config});
    for (operation, asked, expected) in [
        ("UpdateEndpoint", update("new", &with_alarms(canary.clone(), &["nobody"])), "there is no alarm `nobody`"),
        (
            "UpdateEndpoint",
            update("new", &with_alarms(canary.clone(), &["of e"])),
            "of endpoint `e`: name alarms of `churn`",
        ),
        ("UpdateEndpoint", update("off", &canary), "the weights of the variants of off are all 0"),
        ("UpdateEndpoint", update("none", &canary), "Could not find endpoint configuration"),
        ("UpdateEndpoint", retained(None), "has had no deployment"),
        ("UpdateEndpoint", retained(Some(&canary)), "leave one of them out"),
        (
            "CreateEndpoint",
            json!({"EndpointName": "f", "EndpointConfigName": "new", "DeploymentConfig": canary}),
            "give it to UpdateEndpoint",
        ),
    ] {
        let (name, message) = bench.refused(operation, &asked);
        assert_eq!(name, "ValidationException", "{message}");
        assert!(message.contains(expected), "{message}\n  expected: {expected}");
    }
    assert_eq!(bench.reasons().len(), 1);
    bench.world.endpoints.borrow_mut().insert("broken".to_owned(), b"{".to_vec());
    let asked = json!({"EndpointName": "broken", "EndpointConfigName": "new", "DeploymentConfig": canary});
    assert!(bench.refused("UpdateEndpoint", &asked).1.contains("nothing to shift traffic from"));
}

#[test]
fn without_experiments_all_of_the_traffic_is_shifted_at_once_or_none() {
    let bench = bench(ORIGIN);
    bench.done("CreateModel", &json!({"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": "https://m.example/"}}));
    let variants = json!([{"VariantName": "b", "ModelName": "m", "InitialVariantWeight": 1}]);
    bench.done("CreateEndpointConfig", &json!({"EndpointConfigName": "c", "ProductionVariants": variants}));
    let at_once = |wait: u32| routed(json!({"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": wait}), &json!({}));
    let asked = |config: Value| json!({"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": config});
    for config in [at_once(1), canary(10, 0, &json!({})), with_alarms(at_once(0), &["a"])] {
        assert_eq!(bench.operate("UpdateEndpoint", &asked(config)).header("x-error-code"), "not_supported");
    }
    bench.done("UpdateEndpoint", &asked(at_once(0)));
    let told = bench.done("DescribeEndpoint", &json!({"EndpointName": "e"}));
    assert_eq!((&told["EndpointConfigName"], told.get("LastDeploymentConfig")), (&json!("c"), None));
}
