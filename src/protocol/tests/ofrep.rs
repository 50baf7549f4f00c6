//! OpenFeature's remote evaluation: the decision alone, as feature flags' providers ask for it.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, ORIGIN, Seen, bench};
use crate::isolate::{AllowedOrigins, Isolate, Settings};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const DRAWN: &str = r#"{"variants": [{"name": "a", "origin": {"url": "https://a.example/"}},
    {"name": "b", "origin": {"url": "https://b.example/"}}]}"#;
const ONLY: &str = r#"{"variants": [{"name": "a", "origin": {"url": "https://a.example/"}},
    {"name": "b", "weight": 0, "origin": {"url": "https://b.example/"}}]}"#;
const OFF: &str = r#"{"variants": [{"name": "a", "weight": 0, "origin": {"url": "https://a.example/"}}]}"#;
const GUARDED: &str = r#"{"variants": [{"name": "a", "origin": {"url": "https://a.example/"}}],
    "access": {"bearer": "A_TOKEN"}}"#;

/// `e` assigns by unit, the others are named as the documents above.
fn flags() -> Bench {
    let bench = bench(ORIGIN);
    bench.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), KEY.to_owned());
    for (name, document) in [("drawn", DRAWN), ("only", ONLY), ("off", OFF), ("guarded", GUARDED), ("broken", "{")] {
        bench.world.endpoints.borrow_mut().insert(name.to_owned(), document.as_bytes().to_vec());
    }
    bench
}

impl Bench {
    fn evaluate(&self, key: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        self.send(Method::POST, &format!("/ofrep/v1/evaluate/flags/{key}"), headers, body)
    }

    fn evaluate_all(&self, headers: &[(&str, &str)], body: &str) -> Seen {
        self.send(Method::POST, "/ofrep/v1/evaluate/flags", headers, body)
    }
}

fn context(targeting_key: &str) -> String {
    json!({"context": {"targetingKey": targeting_key, "plan": "premium"}}).to_string()
}

#[test]
fn a_flag_is_the_decision_that_the_native_protocol_makes() {
    let bench = flags();
    let mut variants = Vec::new();
    for number in 0..20 {
        let user = format!("user-{number}");
        let seen = bench.evaluate("e", &[], &context(&user));
        let told = seen.json();
        let native = bench.send(Method::POST, "/endpoints/e/assignments", &[("x-user-id", &user)], "");
        assert_eq!((seen.status, &told["key"], &told["value"]), (200, &json!("e"), &native.json()["variant"]));
        assert_eq!((&told["variant"], &told["reason"]), (&told["value"], &json!("SPLIT")));
        let metadata = &told["metadata"];
        assert_eq!(metadata["propensity"], native.json()["propensity"]);
        assert_eq!(metadata["revision"], native.json()["revision"]);
        assert_eq!(metadata["assignmentReason"], "sticky");
        assert_eq!(metadata["inferenceId"], seen.record().inference_id);
        assert_eq!((seen.record().protocol, seen.record().unit.clone()), ("ofrep", native.record().unit.clone()));
        assert_eq!(seen.record().backend, None, "nobody was asked");
        // Providers take what is no text, number or truth value for nothing.
        assert!(metadata.as_object().unwrap().values().all(|value| !value.is_array() && !value.is_object()));
        variants.push(told["value"].clone());
    }
    assert!(variants.contains(&json!("a")) && variants.contains(&json!("b")));
}

#[test]
fn reasons_are_those_of_the_protocol() {
    let bench = flags();
    for (key, headers, reason, ours) in [
        ("e", &[][..], "SPLIT", "sticky"),
        ("drawn", &[], "SPLIT", "weighted"),
        ("only", &[], "STATIC", "weighted"),
        ("drawn", &[("x-target-variant", "b")], "TARGETING_MATCH", "target"),
    ] {
        let told = bench.evaluate(key, headers, &context("ada")).json();
        assert_eq!((&told["reason"], &told["metadata"]["assignmentReason"]), (&json!(reason), &json!(ours)), "{key}");
    }
    // Where no unit is needed, none has to be told.
    assert_eq!(bench.evaluate("drawn", &[], r#"{"context": {}}"#).status, 200);
}

#[test]
fn an_evaluation_that_fails_says_why_in_the_protocols_words() {
    let bench = flags();
    let ada = context("ada");
    for (key, body, status, code) in [
        ("e", r#"{"context": {}}"#, 400, "TARGETING_KEY_MISSING"),
        ("e", r#"{"context": {"targetingKey": ""}}"#, 400, "TARGETING_KEY_MISSING"),
        ("e", r#"{"context": {"targetingKey": null}}"#, 400, "TARGETING_KEY_MISSING"),
        ("e", r#"{"context": {"targetingKey": 7}}"#, 400, "INVALID_CONTEXT"),
        ("e", r#"{"context": "ada"}"#, 400, "INVALID_CONTEXT"),
        ("e", "{}", 400, "INVALID_CONTEXT"),
        ("e", "", 400, "PARSE_ERROR"),
        ("e", "{", 400, "PARSE_ERROR"),
        ("e", "[]", 400, "PARSE_ERROR"),
        ("nobody", ada.as_str(), 404, "FLAG_NOT_FOUND"),
        ("not_a_name", ada.as_str(), 404, "FLAG_NOT_FOUND"),
        ("off", ada.as_str(), 400, "GENERAL"),
        ("broken", ada.as_str(), 500, "GENERAL"),
        ("guarded", ada.as_str(), 401, "GENERAL"),
    ] {
        let seen = bench.evaluate(key, &[], body);
        let told = seen.json();
        assert_eq!(
            (seen.status, &told["errorCode"], &told["key"]),
            (status, &json!(code), &json!(key)),
            "{key} {body}"
        );
        assert!(told["errorDetails"].as_str().unwrap().contains(": "), "{told}");
        assert!(!seen.header("x-error-code").is_empty());
    }
    let seen = bench.send(Method::GET, "/ofrep/v1/evaluate/flags/e", &[], "");
    assert_eq!((seen.status, seen.header("allow")), (405, "POST"));
    assert_eq!(bench.send(Method::POST, "/ofrep/v1/configuration", &[], "{}").status, 404);
    // An endpoint that asks for a token takes it in either header.
    for (name, value, status) in
        [("authorization", "Bearer hush", 200), ("x-api-key", "hush", 200), ("x-api-key", "wrong", 401)]
    {
        assert_eq!(bench.evaluate("guarded", &[(name, value)], &ada).status, status, "{name}: {value}");
    }
}

fn keys(seen: &Seen) -> Vec<String> {
    let told = seen.json();
    told["flags"].as_array().unwrap().iter().map(|flag| flag["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_flags_are_those_that_the_caller_may_evaluate() {
    let bench = flags();
    let seen = bench.evaluate_all(&[], &context("ada"));
    assert_eq!((seen.status, keys(&seen)), (200, ["drawn", "e", "off", "only"].map(str::to_owned).to_vec()));
    assert!(seen.record.is_none(), "fetching is no exposure");
    let flags = seen.json()["flags"].clone();
    assert_eq!(flags[1]["value"], bench.evaluate("e", &[], &context("ada")).json()["value"]);
    assert_eq!(flags[1]["metadata"]["inferenceId"].as_str().map(|id| id.len() > 40), Some(true));
    assert_eq!(flags[2]["errorCode"], "GENERAL");
    assert!(keys(&bench.evaluate_all(&[("x-api-key", "hush")], &context("ada"))).contains(&"guarded".to_owned()));
    // One flag that cannot be evaluated costs no other.
    let seen = bench.evaluate_all(&[], r#"{"context": {}}"#);
    let missing = &seen.json()["flags"][1];
    assert_eq!((seen.status, &missing["errorCode"]), (200, &json!("TARGETING_KEY_MISSING")));
    for (body, code) in [("{", "PARSE_ERROR"), ("{}", "INVALID_CONTEXT")] {
        let seen = bench.evaluate_all(&[], body);
        assert_eq!((seen.status, &seen.json()["errorCode"]), (400, &json!(code)));
        assert_eq!(seen.json().get("key"), None::<&Value>);
    }
    // Whoever may evaluate none is told so.
    bench.world.endpoints.borrow_mut().retain(|name, _| name == "guarded");
    let bench = Bench { isolate: Isolate::new(Settings::default()), ..bench };
    assert_eq!(bench.evaluate_all(&[], &context("ada")).status, 401);
    bench.world.store_down.set(true);
    let bench = Bench { isolate: Isolate::new(Settings::default()), ..bench };
    assert_eq!(bench.evaluate_all(&[], &context("ada")).status, 500);
}

#[test]
fn flags_that_are_as_they_were_are_not_sent_again() {
    let bench = flags();
    let seen = bench.evaluate_all(&[], &context("ada"));
    let etag = seen.header("etag").to_owned();
    let weak = format!("W/{etag}");
    for tag in [etag.as_str(), weak.as_str(), "*"] {
        let again = bench.evaluate_all(&[("if-none-match", tag)], &context("ada"));
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, etag.as_str()), "{tag}");
        assert_eq!(again.header("content-type"), "");
    }
    let asked = [("if-none-match", etag.as_str())];
    assert_eq!(bench.evaluate_all(&asked, &context("bob")).status, 200, "for somebody else");
    assert_eq!(bench.evaluate_all(&[asked[0], ("x-api-key", "hush")], &context("ada")).status, 200, "with more flags");
    bench.world.endpoints.borrow_mut().insert("only".to_owned(), DRAWN.as_bytes().to_vec());
    let bench = Bench { isolate: Isolate::new(Settings::default()), ..bench };
    assert_eq!(bench.evaluate_all(&asked, &context("ada")).status, 200, "of other documents");
}

#[test]
fn pages_elsewhere_may_ask_where_they_are_allowed() {
    let allowed_origins = AllowedOrigins::listed("https://shop.example");
    let bench = Bench { isolate: Isolate::new(Settings { allowed_origins, ..Settings::default() }), ..flags() };
    let page = ("origin", "https://shop.example");
    let asked = "content-type,if-none-match,x-api-key";
    let headers = [page, ("access-control-request-method", "POST"), ("access-control-request-headers", asked)];
    let preflight = bench.send(Method::OPTIONS, "/ofrep/v1/evaluate/flags", &headers, "");
    assert_eq!((preflight.status, preflight.header("access-control-allow-headers")), (204, "*, authorization"));
    let seen = bench.evaluate_all(&[page], &context("ada"));
    assert_eq!(seen.header("access-control-allow-origin"), "https://shop.example");
    assert!(seen.header("access-control-expose-headers").contains("etag"));
    let again = bench.evaluate_all(&[page, ("if-none-match", seen.header("etag"))], &context("ada"));
    assert_eq!((again.status, again.header("access-control-allow-origin")), (304, "https://shop.example"));
}

#[test]
fn an_outcome_is_told_by_the_id_of_an_evaluation() {
    let bench = flags();
    *bench.world.experiments.borrow_mut() = Some(Default::default());
    bench.world.now_ms.set(1_800_000_000_000.0);
    let document = DRAWN.replace("]}", r#"], "outcome": {"kind": "reward"}}"#);
    bench.world.endpoints.borrow_mut().insert("drawn".to_owned(), document.into_bytes());
    let evaluate = |path: &str| {
        let seen = bench.asked(Method::POST, &format!("/ofrep/v1/evaluate/flags{path}"), "", &[], &context("ada"));
        seen.json()
    };
    let (one, all) = (evaluate("/drawn"), evaluate(""));
    for evaluated in [&one, &all["flags"][0]] {
        let told = json!({"inference_id": evaluated["metadata"]["inferenceId"], "reward": 1});
        let headers = [("authorization", "Bearer root"), ("content-type", "application/json")];
        let seen = bench.asked(Method::POST, "/endpoints/drawn/outcomes", "", &headers, &told.to_string());
        assert_eq!((seen.status, &seen.json()["taken"]), (200, &json!(1)), "{}", seen.json());
    }
    // What was fetched beforehand is no request.
    let board = bench.asked(Method::GET, "/endpoints/drawn/scoreboard", "", &[], "").json();
    let counted = board["lines"].as_array().unwrap().iter().map(|line| line["invocations"].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>(), 1, "{board}");
}
