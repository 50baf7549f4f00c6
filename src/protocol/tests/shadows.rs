//! Shadows: asked once the answer is out, and compared with who gave it.

use http::Method;
use serde_json::{Value, json};

use super::{Bench, Seen, bench, said};
use crate::assignment::Reason;
use crate::platform::ExchangeError;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// An endpoint that `a` answers, with the shadow `s`, and what else its document has.
fn shadowed(more: Value) -> Bench {
    let mut document = json!({
        "variants": [
            {"name": "a", "origin": {"url": "https://a.example/invocations"}},
            {"name": "s", "shadow": 1, "origin": {"url": "https://s.example/invocations", "timeout_ms": 60_000}}],
        "outcome": {"kind": "label", "label": {"output": "label"}, "score": {"output": "p"}, "positive": "yes"},
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let bench = bench(&document.to_string());
    *bench.world.experiments.borrow_mut() = Some(Default::default());
    bench.world.now_ms.set(1_800_000_000_000.0);
    bench.world.secrets.borrow_mut().insert("INFERENCE_KEY".to_owned(), KEY.to_owned());
    bench
}

/// What an origin answers: a row for each label, with its score.
fn labels(rows: &[(&str, f64)]) -> String {
    let rows: Vec<Value> = rows.iter().map(|(label, p)| json!({"label": label, "p": p})).collect();
    json!({ "predictions": rows }).to_string()
}

impl Bench {
    /// Asks for a prediction, and lets what comes after it be done.
    fn predicts(&self, headers: &[(&str, &str)]) -> Seen {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.asked(Method::POST, "/endpoints/e/invocations", "", &headers, "[[1]]")
    }

    /// The same, where both answer as they are told to.
    fn answered(&self, a: (&str, f64), s: (&str, f64), headers: &[(&str, &str)]) -> String {
        self.answers([a, s].map(|row| said(200, "application/json", &labels(&[row]))));
        let seen = self.predicts(headers);
        assert_eq!((seen.status, seen.header("x-invoked-variant")), (200, "a"), "{}", seen.json());
        seen.header("x-amzn-sagemaker-inference-id").to_owned()
    }

    fn truth(&self, id: &str, label: &str) -> Value {
        let body = json!({"inference_id": id, "label": label}).to_string();
        self.asked(Method::POST, "/endpoints/e/outcomes", "", &[], &body).json()
    }

    fn reads(&self, what: &str) -> Value {
        let seen = self.asked(Method::GET, &format!("/endpoints/e/{what}"), "", &[], "");
        assert_eq!(seen.status, 200, "{}", seen.json());
        seen.json()
    }

    fn only_pair(&self) -> Value {
        let told = self.reads("scoreboard");
        let pairs = told["pairs"].as_array().cloned().unwrap_or_default();
        assert_eq!(pairs.len(), 1, "{told}");
        pairs[0].clone()
    }

    fn by_pairs(&self) -> Value {
        self.reads("verdict")["comparisons"]
            .as_array()
            .unwrap()
            .iter()
            .find(|each| each["basis"] == "pairs")
            .unwrap()
            .clone()
    }
}

#[test]
fn a_shadow_is_asked_the_same_and_what_it_says_is_compared() {
    let bench = shadowed(json!({}));
    bench.answered(("yes", 0.75), ("yes", 0.5), &[("x-request-id", "r1")]);
    let id = bench.answered(("no", 0.25), ("yes", 0.75), &[]);
    {
        let sent = bench.world.sent.borrow();
        let urls: Vec<&str> = sent.iter().map(|sent| sent.url.as_str()).collect();
        assert_eq!(urls[..2], ["https://a.example/invocations", "https://s.example/invocations"]);
        assert_eq!(sent[0].body, sent[1].body);
        assert_eq!(sent[1].headers["x-request-id"], "r1");
        // What is done after a response ends after half a minute.
        assert_eq!(sent[1].limit_ms, 15_000.0);
    }
    let pair = bench.only_pair();
    assert_eq!((&pair["variant"], &pair["shadow"], &pair["requests"]), (&json!("a"), &json!("s"), &json!(2)));
    assert_eq!(pair["agreement"], json!({"rows": 2, "same": 1, "rate": 0.5}));
    assert_eq!(pair["difference"]["mean"], 0.125);
    assert_eq!(pair["shadow_ms"]["count"], 2);
    let told = bench.reads("scoreboard");
    let lines = told["lines"].as_array().unwrap();
    let of = |name: &str| lines.iter().find(|line| line["variant"] == name).unwrap();
    assert_eq!((&of("a")["invocations"], &of("a")["share"]), (&json!(2), &json!(1.0)));
    assert_eq!((&of("s")["invocations"], &of("s")["share"]), (&json!(0), &json!(0.0)));
    assert_eq!(of("s")["shadowed"]["invocations"], 2);
    assert_eq!(of("a").get("shadowed"), None);
    // Whoever reads what is configured is told which one is a shadow.
    let described = bench.asked(Method::GET, "/endpoints/e", "", &[], "").json();
    assert_eq!((described["variants"][0].get("shadow"), &described["variants"][1]["shadow"]), (None, &json!(1.0)));
    // The row on which they differ most comes first; an outcome has named the class.
    bench.truth(&id, "no");
    let worst = &bench.reads("pairs")["disagreements"][0];
    assert_eq!((&worst["inference_id"], &worst["size"]), (&json!(id), &json!(1.5)));
    assert_eq!(worst["variant_said"]["label"], "no");
    assert_eq!(worst["shadow_said"], json!({"label": "yes", "score": 0.75}));
}

#[test]
fn whatever_a_shadow_does_the_caller_sees_nothing_of_it() {
    let bench = shadowed(json!({}));
    let faults = [
        Err(ExchangeError::Timeout),
        Err(ExchangeError::Unreachable("refused".to_owned())),
        Err(ExchangeError::TooLarge),
        said(500, "text/html", "<h1>Oops"),
        said(200, "application/json", "{\"predictions\": ["),
    ];
    for fault in faults {
        bench.answers([said(200, "application/json", &labels(&[("yes", 0.75)])), fault]);
        let seen = bench.predicts(&[]);
        assert_eq!((seen.status, seen.json()["predictions"][0]["label"].as_str()), (200, Some("yes")));
        let headers: Vec<&str> = seen.headers.keys().map(|name| name.as_str()).collect();
        assert!(!headers.iter().any(|name| name.contains("shadow")), "{headers:?}");
        assert_eq!(seen.record().error, None);
    }
    let pair = bench.only_pair();
    assert_eq!(
        (&pair["requests"], &pair["failed"]["shadow"], &pair["failed"]["variant"]),
        (&json!(5), &json!(5), &json!(0))
    );
    assert_eq!(pair.get("agreement"), None);
    let told = bench.reads("scoreboard");
    assert!(told["lines"].as_array().unwrap().iter().all(|line| line["errors"]["variant"] == 0), "{told}");
}

#[test]
fn what_a_caller_named_or_did_wrong_is_shown_to_no_shadow() {
    let bench = shadowed(json!({}));
    let asked = || bench.world.sent.borrow().iter().filter(|sent| sent.url.contains("s.example")).count();
    bench.answers([said(200, "application/json", &labels(&[("yes", 0.75)]))]);
    bench.predicts(&[("x-target-variant", "a")]);
    assert_eq!(asked(), 0);
    // A shadow can be named, and answers then.
    bench.answers([said(200, "application/json", &labels(&[("no", 0.25)]))]);
    let seen = bench.predicts(&[("x-target-variant", "s")]);
    assert_eq!((seen.header("x-invoked-variant"), seen.record().reason), ("s", Some(Reason::Target)));
    assert_eq!(asked(), 1);
    bench.asked(Method::POST, "/endpoints/e/assignments", "", &[], "");
    assert_eq!(asked(), 1);
    assert_eq!(bench.reads("scoreboard").get("pairs"), None);
}

#[test]
fn a_variant_that_fails_is_compared_as_one_that_failed_whoever_answered() {
    let more = json!({
        "variants": [
            {"name": "a", "origin": {"url": "https://a.example/invocations"}},
            {"name": "b", "weight": 0, "origin": {"url": "https://b.example/invocations"}},
            {"name": "s", "shadow": 1, "origin": {"url": "https://s.example/invocations"}}],
        "fallback": "b",
    });
    let bench = shadowed(more);
    let dead = || Err(ExchangeError::Unreachable("refused".to_owned()));
    bench.answers([
        dead(),
        said(200, "application/json", &labels(&[("yes", 0.75)])),
        said(200, "application/json", &labels(&[("yes", 0.5)])),
    ]);
    let seen = bench.predicts(&[]);
    assert_eq!((seen.status, seen.header("x-invoked-variant")), (200, "b"));
    let pair = bench.only_pair();
    assert_eq!((&pair["variant"], &pair["failed"]["variant"], pair.get("agreement")), (&json!("a"), &json!(1), None));
    // The fallback was right, and so was the shadow; the variant was not.
    bench.truth(seen.header("x-amzn-sagemaker-inference-id"), "yes");
    assert_eq!(bench.by_pairs()["pairs"]["right"]["only_variant"], 1);
    // Both fail: the request is failed, and compared.
    bench.answers([dead(), dead(), dead()]);
    assert_eq!(bench.predicts(&[]).status, 424);
    assert_eq!(bench.only_pair()["failed"], json!({"variant": 2, "shadow": 1, "both": 1, "unread": 0}));
}

#[test]
fn outcomes_compare_both_on_the_same_requests_whenever_they_come() {
    let bench = shadowed(json!({}));
    let id = bench.answered(("no", 0.25), ("yes", 0.75), &[]);
    bench.truth(&id, "yes");
    bench.truth(&id, "yes");
    // One that is told before the isolate has told what the shadow said.
    let known = || bench.by_pairs()["pairs"]["right"].clone();
    assert_eq!((&known()["only_variant"], &known()["only_baseline"]), (&json!(1), &json!(0)));
    bench.answers([
        said(200, "application/json", &labels(&[("yes", 0.75)])),
        said(200, "application/json", &labels(&[("yes", 0.75)])),
    ]);
    let request = super::Request {
        method: Method::POST,
        secure: true,
        path: "/endpoints/e/invocations".to_owned(),
        headers: [(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))]
            .into_iter()
            .collect(),
        ..Default::default()
    };
    let mut on_its_way = bench.begin(request, Ok(b"[[1]]".to_vec()));
    assert!(on_its_way.poll().is_none(), "its sums are being collected");
    let first = bench.world.sent.borrow().len();
    assert_eq!(first, 4, "the shadow was asked");
    assert_eq!(known()["both"], 0);
    bench.world.now_ms.set(bench.world.now_ms.get() + 1_000.0);
    let seen = on_its_way.poll().unwrap();
    bench.truth(seen.header("x-amzn-sagemaker-inference-id"), "yes");
    assert_eq!(known()["both"], 1);
}

#[test]
fn many_pairs_give_a_verdict_and_a_unit_stands_for_itself() {
    let bench = shadowed(json!({"assignment": {"unit": {"header": "x-user-id"}, "salt": "s"}}));
    for request in 0..360u32 {
        let user = format!("u{}", request % 120);
        // The shadow is right where `a` is not, for a tenth of the users.
        let a = if request % 10 == 0 { ("no", 0.25) } else { ("yes", 0.75) };
        let id = bench.answered(a, ("yes", 0.75), &[("x-user-id", &user)]);
        bench.truth(&id, "yes");
    }
    let told = bench.by_pairs();
    assert_eq!((&told["variant"], &told["outcomes"], &told["pairs"]["units"]), (&json!("s"), &json!(360), &json!(120)));
    let right = &told["pairs"]["right"];
    assert_eq!((&right["both"], &right["only_variant"], &right["only_baseline"]), (&json!(324), &json!(36), &json!(0)));
    // Of 12 units, three requests each: twelve coins that fell alike.
    assert_eq!(right["fixed_sample_p_value"], 2.0 / 4096.0);
    assert!((told["difference"].as_f64().unwrap() - 0.1).abs() < 1e-12, "{told}");
    assert_eq!((&told["pairs"]["baseline_mean"], &told["pairs"]["variant_mean"]), (&json!(0.9), &json!(1.0)));
    assert!(told["says"].as_str().unwrap().contains("on the same requests"), "{told}");
    assert!(!told["series"].as_array().unwrap().is_empty());
    // Alpha is shared with whoever is compared otherwise; here there is nobody else.
    assert_eq!(bench.reads("verdict")["alpha_each"], 0.05);
}

#[test]
fn what_a_shadow_does_not_take_is_told_and_rows_are_compared_one_by_one() {
    let bench = shadowed(json!({}));
    bench.answers([
        said(200, "application/json", &labels(&[("yes", 0.75), ("no", 0.25)])),
        said(200, "application/json", &labels(&[("yes", 0.75), ("yes", 0.75)])),
    ]);
    bench.predicts(&[]);
    let pair = bench.only_pair();
    assert_eq!(
        (&pair["requests"], &pair["agreement"]["rows"], &pair["agreement"]["same"]),
        (&json!(1), &json!(2), &json!(1))
    );
    assert_eq!(bench.reads("pairs")["disagreements"][0]["row"], 1);
}

#[test]
fn too_much_at_once_is_skipped_and_told() {
    let bench = shadowed(json!({}));
    let held: Vec<_> =
        (0..16).map(|_| crate::isolate::Shadows::begin(&bench.isolate.shadows, 1, bench.world.now_ms.get())).collect();
    bench.answers([said(200, "application/json", &labels(&[("yes", 0.75)]))]);
    assert_eq!(bench.predicts(&[]).status, 200);
    drop(held);
    let pair = bench.only_pair();
    assert_eq!((&pair["requests"], &pair["skipped"]), (&json!(0), &json!(1)));
}
