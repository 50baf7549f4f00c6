//! Outcomes: from the id of a response to the verdict.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, Seen, bench, said};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const ADMIN: (&str, &str) = ("authorization", "Bearer root");
const HOUR_MS: f64 = 3_600_000.0;

/// An endpoint of two origins with an outcome, and what else its document has.
fn with_outcome(outcome: Value, more: Value) -> Bench {
    let mut document = json!({
        "variants": [
            {"name": "a", "origin": {"url": "https://a.example/invocations"}},
            {"name": "b", "origin": {"url": "https://b.example/invocations"}}],
        "outcome": outcome,
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let bench = bench(&document.to_string());
    *bench.world.experiments.borrow_mut() = Some(Default::default());
    bench.world.now_ms.set(1_800_000_000_000.0);
    bench.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), KEY.to_owned());
    bench
}

fn labels() -> Value {
    json!({"kind": "label", "label": {"output": "label"}, "score": {"output": "p"}, "positive": "yes"})
}

impl Bench {
    /// Predicts one row, and gives the response's id and variant.
    fn predicted(&self, answer: &str, headers: &[(&str, &str)]) -> (String, String) {
        self.answers([said(200, "application/json", answer)]);
        let headers = [&[("content-type", "application/json")], headers].concat();
        let seen = self.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1]]");
        assert_eq!(seen.status, 200, "{}", seen.json());
        let header = |name| seen.header(name).to_owned();
        assert_eq!(seen.record().inference_id, seen.header("x-amzn-sagemaker-inference-id"));
        (header("x-amzn-sagemaker-inference-id"), header("x-invoked-variant"))
    }

    fn tell(&self, body: impl ToString) -> Seen {
        self.asked(Method::POST, "/endpoints/e/outcomes", "", &[], &body.to_string())
    }

    fn verdict(&self) -> Value {
        let seen = self.asked(Method::GET, "/endpoints/e/verdict", "", &[], "");
        assert_eq!(seen.status, 200, "{}", seen.json());
        seen.json()
    }
}

fn variant<'a>(verdict: &'a Value, name: &str) -> &'a Value {
    verdict["variants"].as_array().unwrap().iter().find(|each| each["variant"] == name).unwrap()
}

fn counts(seen: &Seen) -> [u64; 4] {
    let told = seen.json();
    ["taken", "waiting", "repeated", "refused"].map(|name| told[name].as_u64().unwrap_or(u64::MAX))
}

const YES: &str = r#"{"predictions": [{"label": "yes", "p": 0.75}]}"#;

#[test]
fn an_outcome_counts_once_for_the_variant_that_was_assigned() {
    let bench = with_outcome(labels(), json!({}));
    let (id, variant_of) = bench.predicted(YES, &[]);
    assert!(id.len() <= 64 && id.len() > 40, "{id}");
    assert_eq!(counts(&bench.tell(json!({"inference_id": id, "label": "yes"}))), [1, 0, 0, 0]);
    let again = bench.tell(json!({"inference_id": id, "label": "no"}));
    assert_eq!((again.status, counts(&again)), (200, [0, 0, 1, 0]));
    let (other, other_variant) = bench.predicted(YES, &[]);
    assert_eq!(counts(&bench.tell(json!([{"inference_id": other, "label": "no"}]))), [1, 0, 0, 0]);
    let told = bench.verdict();
    let right = variant(&told, &variant_of);
    assert_eq!(right["outcomes"], if variant_of == other_variant { 2 } else { 1 });
    if variant_of != other_variant {
        assert_eq!((&right["mean"], &right["metrics"]["accuracy"]), (&json!(1.0), &json!(1.0)));
        assert_eq!(right["metrics"]["brier"], 0.0625);
    }
    assert_eq!((&told["metric"], &told["baseline"], &told["waiting"]), (&json!("accuracy"), &json!("a"), &json!(0)));
    assert_eq!(told["comparisons"][0]["verdict"], "undecided");
    assert!(told["comparisons"][0]["says"].as_str().unwrap().starts_with("Too early: b has outcomes of"));
    assert!(right["confusion"][0][0] == "yes");
    assert!(!told.to_string().contains("-0.0"), "{told}");
}

#[test]
fn targets_are_left_out() {
    let bench = with_outcome(labels(), json!({}));
    let (id, variant_of) = bench.predicted(YES, &[("x-target-variant", "b")]);
    assert_eq!(variant_of, "b");
    assert_eq!(counts(&bench.tell(json!({"inference_id": id, "label": "yes"}))), [1, 0, 0, 0]);
    let told = bench.verdict();
    assert_eq!((&variant(&told, "b")["outcomes"], &variant(&told, "b")["targeted"]), (&json!(0), &json!(1)));
}

#[test]
fn what_is_wrong_with_one_outcome_costs_no_other() {
    let bench = with_outcome(labels(), json!({}));
    let ids: Vec<String> = (0..4).map(|_| bench.predicted(YES, &[]).0).collect();
    let mut forged = ids[1].clone().into_bytes();
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let lines = [
        json!({"inference_id": ids[0], "label": true}).to_string(),
        json!({"inference_id": forged, "label": "yes"}).to_string(),
        json!({"inference_id": "my-own", "label": "yes"}).to_string(),
        json!({"inference_id": ids[2], "reward": 1}).to_string(),
        json!({"inference_id": ids[2], "label": [1]}).to_string(),
        json!({"inference_id": ids[2], "label": "yes", "row": 1}).to_string(),
        json!({"inference_id": ids[2], "label": "yes", "lable": "no"}).to_string(),
        json!({"inference_id": "a b", "label": "yes"}).to_string(),
        json!(7).to_string(),
        // A line of SageMaker's ground truth.
        json!({"groundTruthData": {"data": "yes", "encoding": "CSV"}, "eventMetadata": {"eventId": ids[3]}, "eventVersion": "0"}).to_string(),
    ];
    let seen = bench.tell(lines.join("\n"));
    assert_eq!((seen.status, counts(&seen)), (200, [2, 0, 0, 8]), "{}", seen.json());
    let problems = seen.json()["problems"].clone();
    let codes: Vec<(u64, &str)> =
        problems.as_array().unwrap().iter().map(|p| (p["at"].as_u64().unwrap(), p["code"].as_str().unwrap())).collect();
    let bad = "bad_outcome";
    assert_eq!(
        codes,
        [(1, "forged_id"), (2, "unknown_id"), (3, bad), (4, bad), (5, "no_such_row"), (6, bad), (7, bad), (8, bad)]
    );
    let all = bench.tell(json!({"inference_id": forged, "label": "yes"}));
    assert_eq!((all.status, all.header("x-error-code")), (400, "outcomes_refused"));
    assert!(all.json()["message"].as_str().unwrap().contains("was not given by this endpoint"));
    for nothing in ["", "[]", "{", "\u{0}"] {
        let seen = bench.tell(nothing);
        assert_eq!((seen.status, seen.header("x-error-code")), (400, "bad_operation"), "{nothing}: {}", seen.json());
    }
    let many: Vec<Value> = (0..10_001).map(|at| json!({"inference_id": format!("{at}"), "label": "a"})).collect();
    assert_eq!(bench.tell(json!(many)).status, 400);
}

#[test]
fn an_outcome_that_comes_too_late_is_told_so() {
    let mut outcome = labels();
    outcome["within_hours"] = json!(2);
    let bench = with_outcome(outcome, json!({}));
    let (early, late) = (bench.predicted(YES, &[]).0, bench.predicted(YES, &[]).0);
    bench.world.now_ms.set(bench.world.now_ms.get() + 1.9 * HOUR_MS);
    assert_eq!(counts(&bench.tell(json!({"inference_id": early, "label": "yes"}))), [1, 0, 0, 0]);
    bench.world.now_ms.set(bench.world.now_ms.get() + 0.2 * HOUR_MS);
    let seen = bench.tell(json!({"inference_id": late, "label": "yes"}));
    assert_eq!(seen.json()["problems"][0]["code"], "too_late");
}

#[test]
fn keys_can_be_rotated_and_without_one_nothing_is_signed() {
    let bench = with_outcome(labels(), json!({}));
    let old = bench.predicted(YES, &[]).0;
    let again = |secrets: &[(&str, &str)]| {
        let next = with_outcome(labels(), json!({}));
        next.world.secrets.borrow_mut().remove("INFERENCE_KEY");
        for (name, value) in secrets {
            next.world.secrets.borrow_mut().insert((*name).to_owned(), (*value).to_owned());
        }
        // As it is after a deployment: the same experiments, another isolate.
        *next.world.experiments.borrow_mut() = bench.world.experiments.borrow_mut().take();
        next
    };
    let new = "f".repeat(32);
    let both = again(&[("INFERENCE_KEY", &new), ("INFERENCE_KEY_PREVIOUS", KEY)]);
    assert_eq!(counts(&both.tell(json!({"inference_id": old, "label": "yes"}))), [1, 0, 0, 0]);
    let one = with_outcome(labels(), json!({}));
    one.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), new);
    assert_eq!(one.tell(json!({"inference_id": old, "label": "yes"})).json()["problems"][0]["code"], "forged_id");
    let none = with_outcome(labels(), json!({}));
    none.world.secrets.borrow_mut().remove("INFERENCE_KEY");
    let id = none.predicted(YES, &[]).0;
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(none.tell(json!({"inference_id": id, "label": "yes"})).json()["problems"][0]["code"], "unknown_id");
    let weak = with_outcome(labels(), json!({}));
    weak.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), "secret".to_owned());
    weak.predicted(YES, &[]);
    let warnings = weak.world.warnings.borrow();
    assert!(warnings.iter().any(|warning| warning.contains("inference ids are not signed")), "{warnings:?}");
    assert!(!warnings.iter().any(|warning| warning.contains("secret:")), "{warnings:?}");
}

#[test]
fn a_callers_own_ids_and_many_rows_are_joined_where_predictions_are_kept() {
    let mut outcome = labels();
    outcome["keep"] = json!(1);
    let bench = with_outcome(outcome, json!({}));
    let own = [("x-amzn-sagemaker-inference-id", "order-7")];
    // One that comes first waits.
    let first = bench.tell(json!({"inference_id": "order-7", "label": "yes"}));
    assert_eq!(counts(&first), [1, 1, 0, 0]);
    assert_eq!(bench.verdict()["waiting"], 1);
    let (_, variant_of) = bench.predicted(YES, &own);
    let told = bench.verdict();
    assert_eq!((&variant(&told, &variant_of)["outcomes"], &told["waiting"]), (&json!(1), &json!(0)));
    assert_eq!(counts(&bench.tell(json!({"inference_id": "order-7", "label": "yes"}))), [0, 0, 1, 0]);
    // Many rows, each by its number.
    let many =
        r#"{"predictions": [{"label": "yes", "p": 0.75}, {"label": "no", "p": 0.25}, {"label": "no", "p": 0.5}]}"#;
    let (id, _) = bench.predicted(many, &[]);
    let row = |row: u32, label: &str| json!({"inference_id": id, "label": label, "row": row});
    let seen = bench.tell(json!([row(0, "yes"), row(2, "yes"), row(2, "yes"), row(3, "no")]));
    assert_eq!(counts(&seen), [2, 0, 1, 1]);
    assert_eq!(seen.json()["problems"][0]["code"], "no_such_row");
    // They are forgotten in time; what is told of them then waits, and is forgotten as well.
    bench.world.now_ms.set(bench.world.now_ms.get() + 30.0 * 24.0 * HOUR_MS);
    assert_eq!(bench.tell(row(1, "no")).json()["problems"][0]["code"], "too_late");
}

#[test]
fn without_keeping_many_rows_have_nothing_to_be_compared_with() {
    let bench = with_outcome(labels(), json!({}));
    let (id, _) = bench.predicted(r#"{"predictions": [{"label": "yes", "p": 1}, {"label": "no", "p": 0}]}"#, &[]);
    let seen = bench.tell(json!({"inference_id": id, "label": "yes"}));
    assert_eq!(seen.json()["problems"][0]["code"], "no_prediction");
    assert!(seen.json()["message"].as_str().unwrap().contains("`outcome.keep`"));
}

#[test]
fn rewards_need_no_prediction_and_none_may_mean_nothing_came() {
    let bench = with_outcome(json!({"kind": "reward"}), json!({}));
    let (id, variant_of) = bench.predicted("[1]", &[]);
    assert_eq!(counts(&bench.tell(json!({"inference_id": id, "reward": 2.5}))), [1, 0, 0, 0]);
    assert_eq!(variant(&bench.verdict(), &variant_of)["metrics"], json!({"reward": 2.5}));
    let decided = bench.asked(Method::POST, "/endpoints/e/assignments", "", &[], "").json();
    assert_eq!(counts(&bench.tell(json!({"inference_id": decided["inference_id"], "reward": 1}))), [1, 0, 0, 0]);
    for strange in [json!("1"), json!(null), json!(1e13)] {
        let seen = bench.tell(json!({"inference_id": decided["inference_id"], "reward": strange}));
        assert_eq!(seen.json()["problems"][0]["code"], "bad_outcome", "{strange}");
    }

    // None within an hour is 0. Nothing is counted before, as those that come are not to be ahead of those that do not.
    let bench = with_outcome(json!({"kind": "reward", "within_hours": 1, "absent": 0}), json!({}));
    let ids: Vec<(String, String)> = (0..8).map(|_| bench.predicted("[1]", &[])).collect();
    assert_eq!(counts(&bench.tell(json!({"inference_id": ids[0].0, "reward": 4}))), [1, 1, 0, 0]);
    let sum = |told: &Value, name: &str| -> u64 {
        told["variants"].as_array().unwrap().iter().map(|each| each[name].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(&bench.verdict(), "outcomes"), 0);
    bench.world.now_ms.set(bench.world.now_ms.get() + 1.01 * HOUR_MS);
    let told = bench.verdict();
    assert_eq!((sum(&told, "outcomes"), &told["waiting"]), (8, &json!(0)));
    let of_first = ids.iter().filter(|(_, name)| *name == ids[0].1).count();
    assert_eq!(variant(&told, &ids[0].1)["metrics"]["reward"], 4.0 / of_first as f64);
    assert_eq!(bench.tell(json!({"inference_id": ids[1].0, "reward": 4})).json()["problems"][0]["code"], "too_late");
}

#[test]
fn a_variant_that_fails_answers_for_what_its_fallback_does() {
    let bench = with_outcome(labels(), json!({"fallback": "a"}));
    let mut of_b = None;
    for _ in 0..40 {
        let mut told = bench.world.answers.borrow_mut();
        told.clear();
        drop(told);
        // Whoever is asked first fails; the fallback answers.
        bench.answers([said(500, "text/plain", "no"), said(200, "application/json", YES)]);
        let headers = [("content-type", "application/json")];
        let seen = bench.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1]]");
        if seen.status == 200 {
            assert_eq!(seen.header("x-invoked-variant"), "a");
            of_b = Some(seen.header("x-amzn-sagemaker-inference-id").to_owned());
            break;
        }
    }
    bench.tell(json!({"inference_id": of_b.expect("b is drawn once in forty"), "label": "yes"}));
    let told = bench.verdict();
    assert_eq!((&variant(&told, "b")["outcomes"], &variant(&told, "a")["outcomes"]), (&json!(1), &json!(0)));
    // The fallback was right, which is not b's doing.
    let b = variant(&told, "b");
    assert_eq!((&b["mean"], &b["metrics"]["accuracy"], &b["failed"]), (&json!(0.0), &json!(0.0), &json!(1)));
    assert_eq!((&b["confusion"], &told["failures"]), (&json!([[null, "yes", 1]]), &json!("wrong")));
}

impl Bench {
    /// Sends rows that whoever is asked fails on; gives the id of the response, and the variant that failed.
    fn failed(&self, headers: &[(&str, &str)], rows: &str) -> (String, String) {
        self.answers([said(500, "text/plain", "out of memory")]);
        let headers = [&[("content-type", "application/json")], headers].concat();
        let seen = self.asked(Method::POST, "/endpoints/e/invocations", "", &headers, rows);
        assert_eq!(seen.status, 424, "{}", seen.json());
        let header = |name| seen.header(name).to_owned();
        (header("x-amzn-sagemaker-inference-id"), header("x-invoked-variant"))
    }
}

#[test]
fn an_outcome_of_what_nobody_answered_counts_as_wrong() {
    let bench = with_outcome(labels(), json!({}));
    let (id, failed) = bench.failed(&[], "[[1]]");
    assert!(id.len() <= 64, "{id}");
    assert_eq!(counts(&bench.tell(json!({"inference_id": id, "label": "yes"}))), [1, 0, 0, 0]);
    assert_eq!(counts(&bench.tell(json!({"inference_id": id, "label": "no"}))), [0, 0, 1, 0]);
    let told = bench.verdict();
    let of_it = variant(&told, &failed);
    assert_eq!((&of_it["outcomes"], &of_it["failed"], &of_it["mean"]), (&json!(1), &json!(1), &json!(0.0)));
    // Who is named fails as well, and that counts no more than its answers do.
    let (id, failed) = bench.failed(&[("x-target-variant", "b")], "[[1]]");
    assert_eq!(counts(&bench.tell(json!({"inference_id": id, "label": "yes"}))), [1, 0, 0, 0]);
    let (before, after) = (variant(&told, &failed).clone(), bench.verdict());
    assert_eq!(variant(&after, "b")["targeted"], 1);
    assert_eq!(variant(&after, "b")["failed"], before["failed"]);
}

#[test]
fn many_rows_that_nobody_answered_are_so_many() {
    let rows = "[[1], [2], [3]]";
    // Without keeping they could not have been told apart, had they been answered.
    let bench = with_outcome(labels(), json!({}));
    let (id, failed) = bench.failed(&[], rows);
    let seen = bench.tell(json!({"inference_id": id, "label": "yes"}));
    assert_eq!(seen.json()["problems"][0]["code"], "no_prediction");
    assert_eq!(variant(&bench.verdict(), &failed)["left_out"], 1);
    let mut outcome = labels();
    outcome["keep"] = json!(1);
    let bench = with_outcome(outcome, json!({}));
    for headers in [&[][..], &[("x-amzn-sagemaker-inference-id", "order-7")]] {
        let before = bench.verdict();
        let (id, failed) = bench.failed(headers, rows);
        let row = |row: u32| json!({"inference_id": id, "label": "yes", "row": row});
        assert_eq!(counts(&bench.tell(json!([row(0), row(1), row(2), row(3)]))), [3, 0, 0, 1]);
        let failures = |told: &Value| variant(told, &failed)["failed"].as_u64().unwrap();
        assert_eq!(failures(&bench.verdict()), failures(&before) + 3);
    }
}

#[test]
fn what_never_came_of_what_nobody_answered_counts_as_well() {
    let mut outcome = labels();
    (outcome["within_hours"], outcome["absent"]) = (json!(1), json!("no"));
    let bench = with_outcome(outcome, json!({}));
    let (_, failed) = bench.failed(&[], "[[1]]");
    assert_eq!(variant(&bench.verdict(), &failed)["outcomes"], 0);
    bench.world.now_ms.set(bench.world.now_ms.get() + 1.01 * HOUR_MS);
    let told = bench.verdict();
    let of_it = variant(&told, &failed);
    assert_eq!((&of_it["outcomes"], &of_it["failed"], &of_it["mean"]), (&json!(1), &json!(1), &json!(0.0)));
}

#[test]
fn an_answer_that_cannot_be_read_is_no_failure_but_left_out() {
    let bench = with_outcome(labels(), json!({}));
    let (id, answered) = bench.predicted(r#"{"error": "no such customer"}"#, &[]);
    for _ in 0..2 {
        let seen = bench.tell(json!({"inference_id": id, "label": "yes"}));
        assert_eq!(seen.json()["problems"][0]["code"], "no_prediction");
    }
    let told = bench.verdict();
    let of_it = variant(&told, &answered);
    assert_eq!((&of_it["left_out"], &of_it["failed"], &of_it["outcomes"]), (&json!(1), &json!(0), &json!(0)));
    let says = format!("Left out, as no prediction is known: {} outcomes of b", u8::from(answered == "b"));
    assert!(told["comparisons"][0]["says"].as_str().unwrap().contains(&says), "{told}");
    // What no variant was chosen for says nothing of any.
    let headers = [("content-type", "application/json"), ("x-target-variant", "c")];
    let seen = bench.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1]]");
    assert_eq!(seen.status, 400);
    let id = seen.header("x-amzn-sagemaker-inference-id").to_owned();
    assert_eq!(bench.tell(json!({"inference_id": id, "label": "yes"})).json()["problems"][0]["code"], "unknown_id");
    assert_eq!(bench.verdict()["variants"], told["variants"]);
}

#[test]
fn who_may_tell_and_who_may_read() {
    let mut outcome = labels();
    outcome["token"] = json!("TRUTH_TOKEN");
    let bench = with_outcome(outcome, json!({}));
    bench.world.secrets.borrow_mut().insert("TRUTH_TOKEN".to_owned(), "truth".to_owned());
    let id = bench.predicted(YES, &[]).0;
    let body = json!({"inference_id": id, "label": "yes"}).to_string();
    let tell = |headers: &[(&str, &str)]| bench.asked(Method::POST, "/endpoints/e/outcomes", "", headers, &body).status;
    assert_eq!(tell(&[]), 401);
    assert_eq!(tell(&[("authorization", "Bearer wrong")]), 401);
    assert_eq!(tell(&[("authorization", "Bearer truth")]), 200);
    assert_eq!(tell(&[ADMIN]), 200);
    let private = with_outcome(labels(), json!({"access": {"bearer": "A_TOKEN"}}));
    let get = |path, headers: &[(&str, &str)]| private.asked(Method::GET, path, "", headers, "").status;
    for path in ["/endpoints/e/verdict", "/endpoints/e/estimate"] {
        assert_eq!(
            (get(path, &[]), get(path, &[("authorization", "Bearer hush")]), get(path, &[ADMIN])),
            (401, 200, 200)
        );
    }
    assert_eq!(private.tell(&body).status, 401);
    assert_eq!(bench.asked(Method::GET, "/endpoints/e/outcomes", "", &[], "").status, 405);
    assert_eq!(bench.asked(Method::GET, "/endpoints/none/verdict", "", &[], "").status, 404);
    let plain = super::experiments::with_experiments();
    let seen = plain.asked(Method::GET, "/endpoints/e/verdict", "", &[], "");
    assert_eq!((seen.status, seen.header("x-error-code")), (409, "no_outcomes"));
    assert_eq!(plain.tell(&body).header("x-error-code"), "no_outcomes");
}

/// A whole test: a thousand outcomes of two variants of which one is better.
#[test]
fn a_verdict_is_reached_and_told_in_a_sentence() {
    let goal = json!({"goal": {"metric": "reward", "alpha": 0.05, "margin": 0.3,
        "segment": {"header": "x-country", "values": ["de", "fr"]}}});
    let bench = with_outcome(json!({"kind": "reward"}), goal);
    let mut outcomes = Vec::new();
    for at in 0..1_200u32 {
        let country = if at.is_multiple_of(3) { "de" } else { "it" };
        let (id, variant) = bench.predicted("[1]", &[("x-country", country)]);
        let reward = f64::from(at % 5) / 4.0 + if variant == "b" { 0.4 } else { 0.0 };
        outcomes.push(json!({"inference_id": id, "reward": reward}));
    }
    let seen = bench.tell(json!(outcomes));
    assert_eq!(counts(&seen), [1_200, 0, 0, 0]);
    let told = bench.verdict();
    let b = &told["comparisons"][0];
    let b_less_a = b["difference"].as_f64().unwrap();
    assert_eq!((&b["variant"], &b["verdict"]), (&json!("b"), &json!("better")));
    let [low, high] = [0, 1].map(|at| b["interval"][at].as_f64().unwrap());
    assert!(low > 0.2 && low < 0.4 && high > 0.4 && high < 0.6, "{b}");
    assert!(b["p_value"].as_f64().unwrap() < 1e-6 && b["fixed_sample"]["p_value"].as_f64().unwrap() < 1e-6);
    assert!(b["says"].as_str().unwrap().starts_with("b is better than a: +0."), "{b}");
    assert!(!b["series"].as_array().unwrap().is_empty());
    let segments = &told["segments"];
    assert_eq!((&segments[0]["segment"], &segments[0]["comparisons"][0]["outcomes"]), (&json!("de"), &json!(400)));
    assert_eq!(segments[1]["comparisons"][0]["outcomes"], 0);
    assert_eq!(segments[0]["alpha_each"], 0.025);

    let estimate = |query| bench.asked(Method::GET, "/endpoints/e/estimate", query, &[], "");
    let told = estimate("weights=a:1,b:3").json();
    let [a, b] = ["a", "b"].map(|name| variant(&bench.verdict(), name)["mean"].as_f64().unwrap());
    let asked = told["asked"]["snips"].as_f64().unwrap();
    assert!((asked - (a + 3.0 * b) / 4.0).abs() < 0.05, "{told}");
    assert_eq!(told["always"][0]["shares"], json!([["b", 1.0]]));
    for wrong in ["weights=", "weights=a", "weights=a:-1", "weights=a:0", "weights=c:1", "weights=a:1e999"] {
        assert_eq!(estimate(wrong).status, 400, "{wrong}");
    }

    // The same outcomes against another baseline, with another certainty: nothing begins anew.
    let mut document: Value = serde_json::from_slice(&bench.world.endpoints.borrow()["e"]).unwrap();
    document["goal"]["baseline"] = json!("b");
    document["goal"]["alpha"] = json!(0.01);
    let headers = [ADMIN, ("if-match", "*")];
    assert_eq!(bench.asked(Method::PUT, "/endpoints/e", "", &headers, &document.to_string()).status, 200);
    let told = bench.verdict();
    let turned = &told["comparisons"][0];
    assert_eq!(
        (&turned["variant"], &turned["verdict"], &turned["outcomes"]),
        (&json!("a"), &json!("worse"), &json!(1_200))
    );
    assert_eq!((turned["series"].as_array().map(Vec::len), &told["alpha"]), (Some(1), &json!(0.01)));
    assert!((turned["difference"].as_f64().unwrap() + b_less_a).abs() < 1e-12, "{turned}");
}
