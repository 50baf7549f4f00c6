//! The native protocol, and what all have in common.

use http::{HeaderName, HeaderValue, Method};
use serde_json::json;

use super::{ORIGIN, bench, said};
use crate::assignment::UnitHash;
use crate::endpoint::{Revision, Salt};
use crate::isolate::AllowedOrigins;
use crate::platform::ExchangeError;
use crate::request::{Request, RequestError};

#[test]
fn an_origin_answers_and_everything_is_noted() {
    let bench = bench(ORIGIN);
    bench.answers([said(200, "application/json", r#"{"predictions": [1, 2]}"#)]);
    let seen = bench.invoke(&[("x-target-variant", "a"), ("x-amzn-sagemaker-inference-id", "my-id")]);
    assert_eq!(seen.status, 200);
    assert_eq!(seen.json(), json!({"predictions": [1, 2]}));
    assert_eq!(seen.header("x-invoked-variant"), "a");
    assert_eq!(seen.header("x-amzn-invoked-production-variant"), "a");
    assert_eq!(seen.header("x-assignment-reason"), "target");
    assert_eq!(seen.header("x-amzn-sagemaker-inference-id"), "my-id");
    assert_eq!(seen.header("x-endpoint-revision"), Revision::of(ORIGIN.as_bytes()).as_str());
    let record = serde_json::to_value(seen.record()).unwrap();
    assert_eq!(
        record,
        json!({"time_ms": 0.0, "endpoint": "e", "revision": Revision::of(ORIGIN.as_bytes()).as_str(), "variant": "a",
            "reason": "target", "propensity": 0.75, "protocol": "native", "backend": "origin", "status": 200, "error": null,
            "rows": 2, "bytes_in": 31, "bytes_out": 23, "origin_ms": 10.0, "inference_id": "my-id", "unit": null,
            "failed_variant": null, "failed_reason": null, "caller_gone": false})
    );
    let point = seen.record().data_point();
    assert_eq!(point.index, "e");
    assert_eq!(point.doubles, [0.0, 0.75, 200.0, 2.0, 31.0, 23.0, 10.0, 0.0]);
    assert_eq!(point.blobs[1..7], ["a", "target", "native", "origin", "", "my-id"]);
}

#[test]
fn a_decision_alone_calls_nobody_and_is_recorded() {
    let bench = bench(ORIGIN);
    let seen = bench.send(Method::POST, "/endpoints/e/assignments", &[("x-target-variant", "b")], "");
    assert_eq!(seen.status, 200);
    let mut decision = seen.json();
    assert_eq!(decision["inference_id"].take().as_str().unwrap(), seen.record().inference_id);
    let revision = Revision::of(ORIGIN.as_bytes());
    assert_eq!(
        decision,
        json!({"variant": "b", "reason": "target", "propensity": 0.25, "revision": revision.as_str(), "inference_id": null})
    );
    assert!(bench.world.sent.borrow().is_empty());
    let record = seen.record();
    assert_eq!((record.variant.as_deref(), record.backend, record.rows, record.status), (Some("b"), None, None, 200));
}

#[test]
fn a_decision_that_cannot_be_made_is_an_error_and_recorded() {
    let bench = bench(ORIGIN);
    let seen = bench.send(Method::POST, "/endpoints/e/assignments", &[("x-target-variant", "c")], "");
    assert_eq!(seen.json()["code"], "unknown_variant");
    assert_eq!(seen.record().error, Some("unknown_variant"));
    let by_an_sdk = [("x-target-variant", "c"), ("amz-sdk-invocation-id", "1")];
    let seen = bench.send(Method::POST, "/endpoints/e/assignments", &by_an_sdk, "");
    assert_eq!(seen.json()["code"], "unknown_variant");
    let seen = bench.send(Method::GET, "/endpoints/e/assignments", &[], "");
    assert_eq!((seen.status, seen.header("allow")), (405, "POST"));
}

#[test]
fn what_the_origin_gets() {
    let bench = bench(ORIGIN);
    bench.answers([said(200, "application/json", "{}")]);
    bench.invoke(&[
        ("x-target-variant", "a"),
        ("authorization", "Bearer the caller's own"),
        ("cookie", "session=1"),
        ("connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("x-request-id", "r1"),
        ("accept", "application/json"),
    ]);
    let sent = bench.world.sent.borrow();
    let sent = &sent[0];
    assert_eq!(sent.url, "https://a.example/invocations");
    assert_eq!(sent.body, br#"{"instances": [[1, 2], [3, 4]]}"#);
    assert_eq!(sent.limit_ms, 800.0);
    let mut names: Vec<&str> = sent.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-type", "x-request-id"]);
    assert_eq!(sent.headers["authorization"], "Bearer hush");
}

#[test]
fn each_failure_has_its_code() {
    let only = r#"{"variants": [{"name": "a", "origin": {"url": "https://a.example/x", "timeout_ms": 25, "token": "A_TOKEN"}}]}"#;
    let bench = bench(only);
    let redirect = |status, to: &str| {
        let mut answer = said(status, "text/plain", "").unwrap();
        answer.headers.insert("location", HeaderValue::from_str(to).unwrap());
        Ok(answer)
    };
    for (expected, answers) in [
        ("", vec![said(200, "text/csv", "1\n2\n")]),
        ("", vec![redirect(307, "/y"), said(200, "application/json", "{}")]),
        ("origin_timeout", vec![Err(ExchangeError::Timeout)]),
        // 10 ms each, of 25: the third redirect comes too late.
        (
            "origin_timeout",
            vec![redirect(307, "/y"), redirect(307, "/z"), redirect(307, "/x"), said(200, "application/json", "{}")],
        ),
        ("origin_unreachable", vec![Err(ExchangeError::Unreachable("refused".into()))]),
        ("origin_answer_too_large", vec![Err(ExchangeError::TooLarge)]),
        ("origin_status", vec![said(500, "text/html", "<h1>Oops")]),
        ("origin_status", vec![redirect(302, "/y")]),
        ("origin_redirect", vec![redirect(308, "https://evil.example/x")]),
        ("origin_redirect", vec![redirect(307, "http://a.example/x")]),
        ("origin_redirect", vec![redirect(307, "https://[")]),
        ("origin_garbage", vec![said(200, "application/json", "{\"predictions\": [1")]),
        ("origin_garbage", vec![said(200, "application/xhtml+xml", "<h1>Log in")]),
    ] {
        bench.world.answers.borrow_mut().clear();
        assert_eq!(bench.code(&[], answers), expected);
    }
    bench.answers([said(200, "image/png", "x")]);
    assert_eq!(bench.invoke(&[("accept", "image/png, */*")]).status, 200);
    assert_eq!(bench.code(&[("accept", "*/*")], [said(200, "image/png", "x")]), "origin_garbage");
    bench.world.secrets.borrow_mut().clear();
    assert_eq!(bench.code(&[], []), "origin_secret");
    bench.world.secrets.borrow_mut().insert("A_TOKEN".to_owned(), "line\nfeed".to_owned());
    let seen = bench.invoke(&[]);
    assert_eq!((seen.status, seen.header("x-error-code")), (424, "origin_secret"));
    assert!(!String::from_utf8_lossy(&seen.body).contains("feed"));
}

#[test]
fn the_fallback_answers_where_the_chosen_one_fails() {
    let bench = bench(ORIGIN);
    bench.answers([said(503, "text/plain", "busy"), said(200, "application/json", "{}")]);
    let seen = bench.invoke(&[("x-target-variant", "a")]);
    assert_eq!(
        (seen.status, seen.header("x-invoked-variant"), seen.header("x-assignment-reason")),
        (200, "b", "fallback")
    );
    let record = seen.record();
    assert_eq!(record.failed_variant.as_deref(), Some("a"));
    assert_eq!(record.failed_reason.map(|reason| reason.as_str()), Some("target"));
    assert_eq!((record.propensity, record.origin_ms), (Some(0.75), Some(20.0)));
    assert!(bench.world.warnings.borrow()[0].contains("status 503"));

    bench.answers([said(503, "text/plain", "busy"), said(200, "application/json", "half")]);
    let seen = bench.invoke(&[("x-target-variant", "a")]);
    assert_eq!(
        (seen.status, seen.header("x-error-code"), seen.header("x-invoked-variant")),
        (424, "origin_status", "a")
    );
    let message = seen.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("busy") && message.contains("fallback `b`"), "{message}");

    // The fallback itself fails: there is nobody else.
    bench.answers([said(500, "text/plain", "")]);
    assert_eq!(bench.invoke(&[("x-target-variant", "b")]).status, 424);
}

#[test]
fn choosing() {
    let bench = bench(ORIGIN);
    bench.answers((0..400).map(|_| said(200, "application/json", "{}")));
    let of = |headers: &[(&str, &str)]| {
        let seen = bench.invoke(headers);
        (seen.header("x-invoked-variant").to_owned(), seen.header("x-assignment-reason").to_owned())
    };
    assert_eq!(of(&[("x-target-variant", "off")]), ("off".into(), "target".into()));
    assert_eq!(of(&[("x-amzn-sagemaker-target-variant", "b")]), ("b".into(), "target".into()));
    assert_eq!(of(&[("x-target-variant", "b"), ("x-amzn-sagemaker-target-variant", "b")]).0, "b");
    let first = of(&[("x-user-id", "u1")]);
    assert_eq!(first.1, "sticky");
    assert!((0..20).all(|_| of(&[("x-user-id", "u1")]) == first));
    assert_eq!(of(&[("x-user-id", "")]).1, "weighted");
    let a = (0..200).filter(|_| of(&[]).0 == "a").count();
    assert!((110..190).contains(&a), "{a} of 200 at 3 to 1");

    let seen = bench.invoke(&[("x-target-variant", "c")]);
    assert_eq!((seen.status, seen.header("x-error-code")), (400, "unknown_variant"));
    assert!(seen.json()["message"].as_str().unwrap().ends_with("the variants are: a, b, off"));
    assert_eq!(seen.record().variant, None);
    let seen = bench.invoke(&[("x-target-variant", "a"), ("x-amzn-sagemaker-target-variant", "b")]);
    assert_eq!((seen.status, seen.header("x-error-code")), (400, "two_targets"));
}

#[test]
fn with_all_weights_at_zero_only_targets_are_answered() {
    let bench = bench(r#"{"variants": [{"name": "a", "weight": 0, "origin": {"url": "https://a.example/"}}]}"#);
    assert_eq!(bench.code(&[], []), "no_weight");
    assert_eq!(bench.invoke(&[]).status, 503);
    bench.answers([said(200, "application/json", "{}")]);
    let seen = bench.invoke(&[("x-target-variant", "a")]);
    assert_eq!((seen.status, seen.record().propensity), (200, Some(0.0)));
}

#[test]
fn configuration_is_read_once_and_refreshed_after_the_response() {
    let bench = bench(ORIGIN);
    for _ in 0..5 {
        bench.invoke(&[]);
    }
    assert_eq!(bench.world.endpoint_reads.get(), 1);
    let changed = ORIGIN.replace("\"weight\": 3", "\"weight\": 1");
    bench.world.endpoints.borrow_mut().insert("e".to_owned(), changed.clone().into_bytes());
    bench.world.now_ms.set(40_000.0);
    assert_eq!(bench.invoke(&[]).header("x-endpoint-revision"), Revision::of(ORIGIN.as_bytes()).as_str());
    assert_eq!(bench.invoke(&[]).header("x-endpoint-revision"), Revision::of(changed.as_bytes()).as_str());

    for (fault, code) in [(false, "endpoint_invalid"), (true, "store_unavailable")] {
        bench.world.store_down.set(fault);
        bench.world.endpoints.borrow_mut().insert("e".to_owned(), b"{\"variants\": 1}".to_vec());
        bench.world.now_ms.set(bench.world.now_ms.get() + 40_000.0);
        bench.world.warnings.borrow_mut().clear();
        bench.get("/endpoints/e");
        assert!(bench.world.warnings.borrow()[0].contains("last good"), "{:?}", bench.world.warnings.borrow());
        let described = bench.get("/endpoints/e").json();
        assert_eq!((&described["status"], &described["problem"]["code"]), (&json!("last_good"), &json!(code)));
        assert_eq!(bench.invoke(&[]).header("x-endpoint-revision"), Revision::of(changed.as_bytes()).as_str());
    }
}

#[test]
fn an_isolate_without_a_good_configuration_says_what_is_wrong() {
    let bench = bench(r#"{"variants": [{"name": "a"}]}"#);
    let seen = bench.invoke(&[]);
    assert_eq!((seen.status, seen.header("x-error-code")), (500, "endpoint_invalid"));
    assert!(seen.json()["message"].as_str().unwrap().contains("`variants[0]`"));
    let seen = bench.send(Method::POST, "/endpoints/none/invocations", &[], "");
    assert_eq!((seen.status, seen.header("x-error-code")), (404, "endpoint_not_found"));
    assert!(seen.record.is_none());
    bench.world.store_down.set(true);
    let seen = bench.send(Method::POST, "/endpoints/other/invocations", &[], "");
    assert_eq!((seen.status, seen.header("x-error-code")), (503, "store_unavailable"));
}

#[test]
fn descriptions_hold_no_secrets() {
    let document = ORIGIN.replace("b.example/invocations", "b.example/invocations?key=sesame");
    let bench = bench(&document);
    bench.world.endpoints.borrow_mut().insert("broken".to_owned(), b"{".to_vec());
    let seen = bench.get("/endpoints/e");
    assert_eq!(seen.header("etag"), format!("\"{}\"", Revision::of(document.as_bytes()).as_str()));
    let described = seen.json();
    assert_eq!(described["assignment"], json!({"unit": {"header": "x-user-id"}}));
    assert_eq!(
        described["variants"][1]["backend"],
        json!({"kind": "origin", "origin": "https://b.example", "timeout_ms": 30000})
    );
    assert_eq!(described["variants"][0]["share"], json!(0.75));
    let listed = bench.get("/endpoints");
    // Of one that is broken nobody knows who may read it.
    assert_eq!(listed.json()["endpoints"], json!([described]));
    let listed = bench.send(Method::GET, "/endpoints", &[("authorization", "Bearer root")], "");
    assert_eq!(listed.json()["endpoints"][1], described);
    assert_eq!(listed.json()["endpoints"][0]["problem"]["code"], "endpoint_invalid");
    for seen in [seen, listed] {
        let text = String::from_utf8(seen.body).unwrap();
        assert!(!text.contains("sesame") && !text.contains("hush") && !text.contains("A_TOKEN"), "{text}");
    }
}

#[test]
fn weights_are_changed_on_terms() {
    let bench = bench(ORIGIN);
    let put = |token: &str, if_match: Option<&str>, body: &str| {
        let mut headers = vec![("authorization", token)];
        headers.extend(if_match.map(|revision| ("if-match", revision)));
        bench.send(Method::PUT, "/endpoints/e/weights", &headers, body)
    };
    let revision = bench.get("/endpoints/e").header("etag").to_owned();
    let good = r#"{"a": 1, "b": 9}"#;
    for (status, code, token, if_match, body) in [
        (401, "unauthorized", "", Some("*"), good),
        (401, "unauthorized", "Bearer wrong", Some("*"), good),
        (401, "unauthorized", "Basic root", Some("*"), good),
        (428, "revision_required", "Bearer root", None, good),
        (412, "revision_conflict", "Bearer root", Some("\"000000000000\""), good),
        (400, "bad_weights", "Bearer root", Some(&*revision), r#"{"c": 1}"#),
        (400, "bad_weights", "Bearer root", Some(&*revision), r#"{"a": -1}"#),
    ] {
        let seen = put(token, if_match, body);
        assert_eq!((seen.status, seen.header("x-error-code")), (status, code));
    }
    assert_eq!(bench.world.endpoints.borrow()["e"], ORIGIN.as_bytes());

    let seen = put("Bearer root", Some(&revision), good);
    assert_eq!(seen.status, 200, "{:?}", seen.json());
    assert_eq!(seen.json()["variants"][1]["share"], json!(0.9));
    assert_ne!(seen.header("etag"), revision);
    // Served here at once, without a read.
    assert_eq!(bench.get("/endpoints/e").header("etag"), seen.header("etag"));
    assert_eq!(put("Bearer root", Some(&revision), good).status, 412);

    bench.world.secrets.borrow_mut().remove("ADMIN_TOKEN");
    assert_eq!(put("Bearer ", Some("*"), good).header("x-error-code"), "access_disabled");
}

#[test]
fn models_fail_alone() {
    let sha = "0".repeat(64);
    let document = format!(
        r#"{{"variants": [{{"name": "m", "model": {{"key": "m.onnx", "sha256": "{sha}"}}}}, {{"name": "o", "weight": 0, "origin": {{"url": "https://o.example/"}}}}]}}"#
    );
    let bench = bench(&document);
    assert_eq!(bench.code(&[], []), "model_missing");
    bench.world.models.borrow_mut().insert("m.onnx".to_owned(), b"not a model".to_vec());
    // Remembered for a while, so that a broken variant does not cost a read a request.
    assert_eq!(bench.code(&[], []), "model_missing");
    assert_eq!(bench.world.model_reads.get(), 1);
    bench.world.now_ms.set(60_000.0);
    assert_eq!(bench.code(&[], []), "model_mismatch");
    let right = crate::endpoint::Sha256::of(b"not a model").to_string();
    bench.world.endpoints.borrow_mut().insert("e".to_owned(), document.replace(&sha, &right).into_bytes());
    bench.world.now_ms.set(160_000.0);
    assert_eq!(bench.code(&[], []), "model_unusable");
    bench.answers([said(200, "application/json", "{}")]);
    assert_eq!(bench.invoke(&[("x-target-variant", "o")]).status, 200);

    // Types that cannot be read or written are found before the model is looked at.
    for (headers, status, code) in [
        (("accept", "text/html"), 406, "not_acceptable"),
        (("content-type", "text/plain"), 415, "unsupported_content_type"),
    ] {
        let seen = bench.invoke(&[headers]);
        assert_eq!((seen.status, seen.header("x-error-code")), (status, code));
    }
}

#[test]
fn outputs_are_all_or_the_one_that_the_endpoint_names() {
    const IRIS: &[u8] = include_bytes!("../../../tests/zoo/models/sklearn-logistic-zipmap-strings.onnx");
    let sha = crate::endpoint::Sha256::of(IRIS);
    let variant = |name: &str, output: &str| {
        format!(r#"{{"name": "{name}", "model": {{"key": "iris.onnx", "sha256": "{sha}"{output}}}}}"#)
    };
    let variants = [
        variant("all", ""),
        variant("label", r#", "output": "output_label""#),
        variant("scores", r#", "output": "output_probability""#),
        variant("none", r#", "output": "nothing""#),
    ];
    let bench = bench(&format!(r#"{{"variants": [{}]}}"#, variants.join(",")));
    bench.world.models.borrow_mut().insert("iris.onnx".to_owned(), IRIS.to_vec());
    let invoke = |variant: &str, body: &str| {
        let headers = [("x-target-variant", variant), ("content-type", "application/json")];
        bench.send(Method::POST, "/endpoints/e/invocations", &headers, body)
    };
    let row = r#"{"instances": [[5.1, 3.5, 1.4, 0.2]]}"#;
    let all = invoke("all", row).json()["predictions"][0].clone();
    assert_eq!(all["output_label"], "setosa");
    let scores = all["output_probability"].as_object().unwrap();
    assert_eq!(scores.keys().collect::<Vec<_>>(), ["setosa", "versicolor", "virginica"]);
    assert_eq!(invoke("label", row).json(), json!({"predictions": ["setosa"]}));
    assert_eq!(invoke("scores", row).json(), json!({"predictions": [scores]}));
    let refused = invoke("none", row);
    assert_eq!((refused.status, refused.header("x-error-code")), (424, "output_missing"));

    for (body, code) in [
        (r#"{"instances": [[5.1, 3.5]]}"#, "wrong_width"),
        (r#"{"instances": [{"petal": 1}]}"#, "wrong_columns"),
        (r#"{"instances": [["5.1", 3.5, 1.4, 0.2]]}"#, "bad_payload"),
    ] {
        let seen = invoke("all", body);
        assert_eq!((seen.status, seen.header("x-error-code")), (400, code));
    }
}

#[test]
fn requests_that_mean_nothing() {
    let bench = bench(ORIGIN);
    for (method, path, status, code) in [
        (Method::GET, "/nowhere", 404, "no_such_path"),
        (Method::GET, "/endpoints/e/invocations", 405, "method_not_allowed"),
        (Method::POST, "/endpoints", 405, "method_not_allowed"),
        (Method::GET, "/endpoints/a_b", 400, "bad_name"),
        (Method::GET, "/endpoints/%2e", 400, "bad_name"),
    ] {
        let seen = bench.send(method, path, &[], "");
        assert_eq!((seen.status, seen.header("x-error-code")), (status, code), "{path}");
    }
    assert_eq!(bench.send(Method::PATCH, "/endpoints/e/weights", &[], "").header("allow"), "PUT");
    assert_eq!(
        bench.invoke(&[("x-amzn-sagemaker-inference-id", &"x".repeat(65))]).header("x-error-code"),
        "bad_inference_id"
    );
    assert_eq!(bench.receive(Request::default(), Err(RequestError::BodyTooLarge)).status, 413);
    for id in ["a b", "", " "] {
        assert_eq!(bench.invoke(&[("x-amzn-sagemaker-inference-id", id)]).header("x-error-code"), "bad_inference_id");
    }
}

#[test]
fn a_list_has_the_endpoints_that_its_reader_may_invoke_or_administer() {
    let bench = bench(ORIGIN);
    let mut private: serde_json::Value = serde_json::from_str(ORIGIN).unwrap();
    private["access"] = json!({"bearer": "A_TOKEN"});
    bench.world.endpoints.borrow_mut().insert("private".to_owned(), private.to_string().into());
    for (token, expected) in [
        (None, vec!["e"]),
        (Some("Bearer wrong"), vec!["e"]),
        (Some("Bearer hush"), vec!["e", "private"]),
        (Some("Bearer root"), vec!["e", "private"]),
    ] {
        let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
        let listed = bench.send(Method::GET, "/endpoints", &headers, "").json();
        let names: Vec<_> =
            listed["endpoints"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{token:?}");
        let described = bench.send(Method::GET, "/endpoints/private", &headers, "");
        assert_eq!(described.status == 200, expected.contains(&"private"), "{token:?}");
        assert_eq!(described.json().get("variants").is_some(), described.status == 200);
    }
}

#[test]
fn a_setting_opens_descriptions_and_nothing_else() {
    let mut bench = bench(ORIGIN);
    let mut private: serde_json::Value = serde_json::from_str(ORIGIN).unwrap();
    private["access"] = json!({"bearer": "A_TOKEN"});
    bench.world.endpoints.borrow_mut().insert("private".to_owned(), private.to_string().into());
    bench.isolate.open_descriptions = true;
    assert_eq!(bench.get("/endpoints").json()["endpoints"].as_array().unwrap().len(), 2);
    let described = bench.get("/endpoints/private");
    assert_eq!((described.status, &described.json()["assignment"]), (200, &json!({"unit": {"header": "x-user-id"}})));
    for path in
        ["/endpoints/private/invocations", "/endpoints/private/assignments", "/endpoints/private/assignments/explain"]
    {
        assert_eq!(bench.send(Method::POST, path, &[], "").status, 401, "{path}");
    }
}

#[test]
fn names_are_listed_once_for_many_readers_and_paged_by_name() {
    let bench = bench(ORIGIN);
    for number in 0..99 {
        bench.world.endpoints.borrow_mut().insert(format!("n{number:02}"), ORIGIN.into());
    }
    let (mut cursor, mut names, mut pages) = (Some(String::new()), Vec::new(), 0);
    while let Some(after) = cursor {
        let request = Request { path: "/endpoints".to_owned(), query: format!("cursor={after}"), ..Request::default() };
        let page = bench.receive(request, Ok(Vec::new())).json();
        let listed = page["endpoints"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned());
        names.extend(listed);
        cursor = page.get("cursor").map(|cursor| cursor.as_str().unwrap().to_owned());
        pages += 1;
    }
    assert_eq!((names.len(), names.is_sorted(), pages), (100, true, 3));
    for _ in 0..50 {
        bench.get("/endpoints");
        assert_eq!(bench.get("/v2/health/ready").status, 200);
    }
    assert_eq!(bench.world.lists.get(), 1);
    bench.world.now_ms.set(bench.world.now_ms.get() + 10_000.0);
    bench.get("/endpoints");
    assert_eq!(bench.world.lists.get(), 2);
}

/// What a document says is for who may read it; others learn where it is wrong.
#[test]
fn a_bad_documents_words_are_for_the_log_and_the_administrator() {
    let bad = |members: &str| {
        format!(r#"{{"variants": [{{"name": "a", "weight": 1, "origin": {{"url": "https://a.example"}}}}]{members}}}"#)
    };
    for (document, place) in [
        (bad(r#", "fallback": "hush-hush""#), "`fallback`"),
        (bad(r#", "access": {"bearer": "hush hush"}"#), "`access"),
        (bad(r#", "assignment": {"unit": {"header": "hush hush"}, "salt": "s"}"#), "`assignment"),
        ("{\"hush-hush".to_owned(), "not JSON"),
    ] {
        let broken = bench(&document);
        let told = broken.invoke(&[]).json()["message"].as_str().unwrap().to_owned();
        assert!(told.contains(place) && !told.contains("hush"), "{told}");
        let admin = [("authorization", "Bearer root")];
        let listed = broken.send(Method::GET, "/endpoints", &admin, "").json();
        let in_full = listed["endpoints"][0]["problem"]["message"].as_str().unwrap().to_owned();
        assert!(in_full.len() > told.len() || place == "not JSON", "{in_full}");
        assert!(broken.world.warnings.borrow()[0].ends_with(&in_full), "{:?}", broken.world.warnings.borrow());
        let serving = bench(ORIGIN);
        serving.invoke(&[]);
        serving.world.endpoints.borrow_mut().insert("e".to_owned(), document.into_bytes());
        serving.world.now_ms.set(serving.world.now_ms.get() + 40_000.0);
        serving.get("/endpoints/e");
        let message = |headers: &[(&str, &str)]| {
            let described = serving.send(Method::GET, "/endpoints/e", headers, "").json();
            described["problem"]["message"].as_str().unwrap().to_owned()
        };
        assert!(!message(&[]).contains("hush") && message(&[]).contains(place));
        assert_eq!(message(&admin), in_full);
    }
}

#[test]
fn a_units_variant_is_explained_and_not_recorded() {
    let bench = bench(ORIGIN);
    let explain = |headers: &[(&str, &str)], body: &str| {
        bench.send(Method::POST, "/endpoints/e/assignments/explain", headers, body)
    };
    for unit in ["ada", "grace", "user 7", "Žofie"] {
        let body = json!({ "unit": unit }).to_string();
        let seen = explain(&[], &body);
        let explained = seen.json();
        let decided = bench.send(Method::POST, "/endpoints/e/assignments", &[], &body).json();
        assert_eq!((&explained["variant"], &explained["revision"]), (&decided["variant"], &decided["revision"]));
        assert!(seen.record.is_none());
        let scores = explained["scores"].as_array().unwrap();
        let least = scores
            .iter()
            .filter(|s| s["score"].is_f64())
            .min_by(|a, b| a["score"].as_f64().unwrap().total_cmp(&b["score"].as_f64().unwrap()));
        assert_eq!(least.unwrap()["variant"], explained["variant"]);
        assert_eq!(scores[2], json!({"variant": "off", "share": 0.0, "uniform": null, "score": null}));
        let hash = UnitHash::new(&Salt::try_from("s".to_owned()).unwrap(), unit).to_string();
        assert!(!String::from_utf8(seen.body).unwrap().contains(&hash));
    }
    assert_eq!(explain(&[("x-user-id", "ada")], "").json(), explain(&[], r#"{"unit": "ada"}"#).json());
    for (body, code) in [("", "unit_missing"), (r#"{"unit": ""}"#, "unit_missing"), ("{}", "bad_operation")] {
        assert_eq!(explain(&[], body).header("x-error-code"), code);
    }
    assert_eq!(bench.get("/endpoints/e/assignments/explain").status, 405);
    let by_weight =
        super::bench(r#"{"variants": [{"name": "a", "weight": 1, "origin": {"url": "https://a.example"}}]}"#);
    let seen = by_weight.send(Method::POST, "/endpoints/e/assignments/explain", &[], r#"{"unit": "ada"}"#);
    assert_eq!((seen.status, seen.header("x-error-code")), (400, "no_units"));
}

#[test]
fn pages_of_others_read_nothing_unless_they_are_named() {
    let page = [("origin", "https://page.example")];
    let allowed = |bench: &super::Bench, method, origin| {
        let seen = bench.send(method, "/endpoints/e/weights", origin, "");
        (seen.header("access-control-allow-origin").to_owned(), seen.header("vary").to_owned())
    };
    let mut bench = bench(ORIGIN);
    for method in [Method::GET, Method::OPTIONS] {
        assert_eq!(allowed(&bench, method, &page), (String::new(), String::new()));
    }
    for (setting, expected) in [
        ("https://page.example", "https://page.example"),
        ("https://a.example, HTTPS://page.example/", "https://page.example"),
        ("*", "https://page.example"),
        ("https://page.example.evil.example", ""),
        ("http://page.example", ""),
    ] {
        bench.isolate.allowed_origins = AllowedOrigins::listed(setting);
        for method in [Method::GET, Method::OPTIONS] {
            assert_eq!(allowed(&bench, method, &page), (expected.to_owned(), "Origin".to_owned()), "{setting}");
        }
        assert_eq!(allowed(&bench, Method::GET, &[]), (String::new(), "Origin".to_owned()));
    }
    let preflight = bench.send(Method::OPTIONS, "/endpoints/e/weights", &page, "");
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
}

#[test]
fn inference_ids_are_made_up_and_differ() {
    let bench = bench(ORIGIN);
    let ids: Vec<String> =
        (0..100).map(|_| bench.invoke(&[]).header("x-amzn-sagemaker-inference-id").to_owned()).collect();
    assert!(ids.iter().all(|id| id.len() == 32));
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 100);
}

#[test]
fn a_fallback_that_cannot_read_the_body_is_no_fault_of_the_callers() {
    let model = json!({"key": "digits", "sha256": "00".repeat(32)});
    let variants = json!([
        {"name": "a", "origin": {"url": "https://a.example/"}}, {"name": "b", "weight": 0, "model": model}]);
    let bench = bench(&json!({"variants": variants, "fallback": "b"}).to_string());
    bench.answers([said(503, "text/plain", "busy")]);
    let seen = bench.invoke(&[("content-type", "image/png")]);
    assert_eq!((seen.status, seen.header("x-error-code")), (424, "origin_status"));
    let message = seen.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("busy") && message.contains("fallback `b` cannot read"), "{message}");
    let record = seen.record();
    assert_eq!((record.variant.as_deref(), record.error, record.status), (Some("a"), Some("origin_status"), 424));
}

#[test]
fn a_weakened_entity_tag_is_the_same_revision() {
    let bench = bench(ORIGIN);
    // As Cloudflare's front makes it of the ETag of a response that it compresses.
    let weak = format!("W/\"{}\"", Revision::of(ORIGIN.as_bytes()).as_str());
    let terms = [("authorization", "Bearer root"), ("if-match", weak.as_str())];
    assert_eq!(bench.send(Method::PUT, "/endpoints/e/weights", &terms, r#"{"a": 0}"#).status, 200);
    assert_eq!(bench.send(Method::PUT, "/endpoints/e/weights", &terms, r#"{"a": 1}"#).status, 412);
}

#[test]
fn a_unit_may_be_told_in_the_body_of_a_decision() {
    let bench = bench(ORIGIN);
    let decide = |headers: &[(&str, &str)], body: &str| {
        let seen = bench.send(Method::POST, "/endpoints/e/assignments", headers, body);
        (seen.status, seen.json()["reason"].clone(), seen.json()["variant"].clone(), seen.record.unwrap().unit)
    };
    let told = decide(&[], r#"{"unit": "u1"}"#);
    assert_eq!(told, decide(&[("x-user-id", "u1")], ""));
    assert_eq!((told.0, &told.1), (200, &json!("sticky")));
    for body in [r#"{"user": "u1"}"#, "u1", "unit=u1", r#"{"unit": 7}"#] {
        let refused = bench.send(Method::POST, "/endpoints/e/assignments", &[], body);
        assert_eq!((refused.status, refused.header("x-error-code")), (400, "bad_operation"), "{body}");
    }
    let without = super::bench(r#"{"variants": [{"name": "a", "origin": {"url": "https://a.example/"}}]}"#);
    let refused = without.send(Method::POST, "/endpoints/e/assignments", &[], r#"{"unit": "u1"}"#);
    assert_eq!((refused.status, refused.header("x-error-code")), (400, "no_units"));
}

#[test]
fn a_description_tells_what_models_take_and_give_or_why_they_cannot_be_had() {
    let onnx = include_bytes!("../../../models/digits/logistic.onnx");
    let sha256 = crate::endpoint::Sha256::of(onnx).to_string();
    let document = json!({"variants": [
        {"name": "good", "model": {"key": "digits", "sha256": sha256, "output": "label"}},
        {"name": "gone", "model": {"key": "gone", "sha256": "00".repeat(32)}},
        {"name": "host", "origin": {"url": "https://a.example/"}}]});
    let bench = bench(&document.to_string());
    bench.world.models.borrow_mut().insert("digits".to_owned(), onnx.to_vec());
    let described = bench.get("/endpoints/e").json();
    let backend = |at: usize| &described["variants"][at]["backend"];
    assert_eq!(backend(0)["inputs"], json!([{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}]));
    assert_eq!(backend(0)["outputs"], json!([{"name": "label", "datatype": "INT64", "shape": [-1]}]));
    assert_eq!(backend(1)["problem"]["code"], "model_missing");
    assert!(backend(1)["problem"]["fix"].as_str().unwrap().contains("upload"));
    assert_eq!(backend(2), &json!({"kind": "origin", "origin": "https://a.example", "timeout_ms": 30000}));
    assert_eq!(bench.get("/endpoints").json()["endpoints"][0]["variants"][0]["backend"].get("inputs"), None);
    // Who may not invoke does not have models loaded.
    let mut private = document;
    private["access"] = json!({"bearer": "A_TOKEN"});
    let bench = super::bench(&private.to_string());
    assert_eq!(bench.get("/endpoints/e").json()["variants"][1]["backend"].get("problem"), None);
    assert_eq!(bench.world.model_reads.get(), 0);
    let seen = bench.send(Method::GET, "/endpoints/e", &[("authorization", "Bearer hush")], "");
    assert_eq!(seen.json()["variants"][1]["backend"]["problem"]["code"], "model_missing");
}

#[test]
fn more_rows_than_a_model_takes_at_once_are_the_callers_to_part() {
    let onnx = include_bytes!("../../../tests/crashes/embed-gather.onnx");
    let sha256 = crate::endpoint::Sha256::of(onnx).to_string();
    let variants = json!([
        {"name": "a", "model": {"key": "a", "sha256": sha256}}, {"name": "b", "origin": {"url": "https://b.example/"}}]);
    let bench = bench(&json!({"variants": variants, "fallback": "b"}).to_string());
    bench.world.models.borrow_mut().insert("a".to_owned(), onnx.to_vec());
    let headers = [("content-type", "text/csv"), ("x-target-variant", "a")];
    let seen = bench.send(Method::POST, "/endpoints/e/invocations", &headers, &"1\n".repeat(65_537));
    assert_eq!((seen.status, seen.header("x-error-code")), (413, "too_many_rows"));
    assert!(seen.json()["message"].as_str().unwrap().contains("65536"), "{}", seen.json());
    assert!(bench.world.sent.borrow().is_empty(), "the fallback is not asked");
    assert_eq!(bench.send(Method::POST, "/endpoints/e/invocations", &headers, &"1\n".repeat(65_536)).status, 200);
}

#[test]
fn a_body_may_be_packed_with_gzip() {
    use std::io::Write;

    let pack = |body: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(body).unwrap();
        gzip.finish().unwrap()
    };
    let bench = hosted(json!({"url": "https://a.example/"}));
    let send = |encoding: &str, body: Vec<u8>| {
        bench.world.answers.borrow_mut().clear();
        bench.answers([said(200, "application/json", "{}")]);
        let headers = [("content-type", "text/csv"), ("content-encoding", encoding)];
        bench.send_bytes(Method::POST, "/endpoints/e/invocations", &headers, body)
    };
    for (encoding, body) in [("gzip", pack(b"1,2\n")), ("X-GZip", pack(b"1,2\n")), ("identity", b"1,2\n".to_vec())] {
        assert_eq!(send(encoding, body).status, 200, "{encoding}");
        let sent = bench.world.sent.borrow_mut().pop().unwrap();
        assert_eq!((sent.body.as_slice(), sent.headers.get("content-encoding")), (&b"1,2\n"[..], None));
    }
    let all = pack(b"1,2\n");
    for (encoding, body, expected) in [
        ("gzip", pack(&vec![b'0'; (6 << 20) + 1]), (413, "body_too_large")),
        ("gzip", b"1,2\n".to_vec(), (400, "bad_gzip")),
        ("gzip", all[..all.len() - 9].to_vec(), (400, "bad_gzip")),
        ("br", all.clone(), (415, "unsupported_content_encoding")),
        ("gzip, gzip", all.clone(), (415, "unsupported_content_encoding")),
    ] {
        let seen = send(encoding, body);
        assert_eq!((seen.status, seen.header("x-error-code")), expected, "{encoding}");
    }
}

#[test]
fn kserves_first_protocol() {
    const ONNX: &[u8] = include_bytes!("../../../models/digits/logistic.onnx");
    let model = json!({"key": "m", "sha256": crate::endpoint::Sha256::of(ONNX).to_string()});
    let bench = bench(&json!({"variants": [{"name": "a", "model": model}]}).to_string());
    bench.world.models.borrow_mut().insert("m".to_owned(), ONNX.to_vec());
    let body = json!({"instances": [vec![0; 64], vec![1; 64]]}).to_string();
    // As curl sends it where nobody tells it otherwise.
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/csv")];
    for path in ["/v1/models/e:predict", "/v1/models/e%3Apredict"] {
        let seen = bench.send(Method::POST, path, &headers, &body);
        assert_eq!(seen.status, 200, "{}", seen.json());
        assert_eq!(seen.json()["predictions"].as_array().unwrap().len(), 2);
        assert_eq!((seen.record().protocol, seen.record().rows), ("kserve-v1", Some(2)));
        assert_eq!(seen.header("x-invoked-variant"), "a");
    }
    assert_eq!(bench.get("/v1/models/e").json(), json!({"name": "e", "ready": true}));
    for (method, path, status, code) in [
        (Method::POST, "/v1/models/none:predict", 404, "endpoint_not_found"),
        (Method::GET, "/v1/models/none", 404, "endpoint_not_found"),
        (Method::GET, "/v1/models/e:predict", 405, "method_not_allowed"),
        (Method::POST, "/v1/models/e:explain", 404, "no_such_path"),
        (Method::GET, "/v1/models/e/x", 404, "no_such_path"),
    ] {
        let seen = bench.send(method, path, &[], &body);
        assert_eq!((seen.status, seen.header("x-error-code")), (status, code), "{path}");
        assert!(seen.json()["error"].is_string());
    }
    let seen = bench.send(Method::POST, "/v1/models/e:predict", &[], "{\"instances\": [[1]]}");
    assert_eq!((seen.status, seen.header("x-error-code")), (400, "wrong_width"));
}

#[test]
fn a_caller_without_a_cookie_is_given_one_and_stays() {
    let document = |issue: bool| {
        let variants: Vec<_> = ["a", "b", "c", "d"]
            .map(|name| json!({"name": name, "origin": {"url": format!("https://{name}.example/")}}))
            .into();
        json!({"variants": variants, "assignment": {"unit": {"cookie": "uid"}, "salt": "s", "issue": issue}})
            .to_string()
    };
    let bench = bench(&document(true));
    let answer = || said(200, "application/json", "{}");
    let mut chosen = std::collections::HashSet::new();
    for _ in 0..30 {
        bench.answers([answer()]);
        let first = bench.invoke(&[]);
        assert_eq!((first.status, first.header("x-assignment-reason")), (200, "sticky"));
        let (cookie, attributes) = first.header("set-cookie").split_once("; ").unwrap();
        assert_eq!(attributes, "Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(first.header("cache-control"), "no-store");
        assert!(cookie.starts_with("uid=") && cookie.len() == "uid=".len() + 32, "{cookie}");
        chosen.insert(first.header("x-invoked-variant").to_owned());
        bench.answers([answer()]);
        let second = bench.invoke(&[("cookie", cookie)]);
        assert_eq!(second.header("x-invoked-variant"), first.header("x-invoked-variant"));
        assert_eq!((second.header("set-cookie"), &second.record().unit), ("", &first.record().unit));
    }
    assert!(chosen.len() > 1, "{chosen:?}");
    let decided = bench.send(Method::POST, "/endpoints/e/assignments", &[], "");
    assert!(decided.header("set-cookie").starts_with("uid="));
    let told = bench.send(Method::POST, "/endpoints/e/assignments", &[], r#"{"unit": "u"}"#);
    assert_eq!(told.header("set-cookie"), "");
    // Failures stick as well.
    bench.answers([said(500, "text/plain", "down")]);
    assert!(bench.invoke(&[]).header("set-cookie").starts_with("uid="));

    let without = super::bench(&document(false));
    without.answers([answer()]);
    let seen = without.invoke(&[]);
    assert_eq!((seen.header("set-cookie"), seen.header("x-assignment-reason")), ("", "weighted"));
}

/// An endpoint of one model host.
fn hosted(origin: serde_json::Value) -> super::Bench {
    bench(&json!({"variants": [{"name": "a", "origin": origin}]}).to_string())
}

#[test]
fn text_is_passed_on_to_who_takes_anything_and_to_no_browser_as_a_page() {
    let bench = hosted(json!({"url": "https://a.example/"}));
    for (content_type, accept, status) in [
        ("text/html; charset=utf-8", "*/*", 200),
        ("text/html", "", 200),
        ("text/plain", "text/*", 200),
        ("text/html", "application/json", 424),
        ("text/html", "text/csv, application/json", 424),
        ("application/xhtml+xml", "*/*", 424),
    ] {
        let mut answer = said(200, content_type, "0.93").unwrap();
        for name in
            ["clear-site-data", "refresh", "location", "strict-transport-security", "x-error-code", "link", "nel"]
        {
            answer.headers.insert(name, HeaderValue::from_static("x"));
        }
        answer.headers.insert("x-model", HeaderValue::from_static("7"));
        bench.answers([Ok(answer)]);
        let seen = bench.invoke(&[("accept", accept)]);
        assert_eq!(seen.status, status, "{content_type} for {accept}");
        if status != 200 {
            continue;
        }
        assert_eq!((seen.body.as_slice(), seen.header("x-model")), (&b"0.93"[..], "7"));
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        assert_eq!(seen.header("content-security-policy"), "default-src 'none'; sandbox");
        for name in
            ["clear-site-data", "refresh", "location", "strict-transport-security", "x-error-code", "link", "nel"]
        {
            assert_eq!(seen.header(name), "", "{name}");
        }
    }
}

#[test]
fn a_hosts_refusal_is_the_callers_where_the_endpoint_says_so() {
    let bench = hosted(json!({"url": "https://a.example/", "caller_errors": true}));
    for status in [400, 404, 413, 415, 422] {
        bench.answers([said(status, "text/plain", "no such column")]);
        let seen = bench.invoke(&[]);
        assert_eq!((seen.status, seen.body.as_slice()), (status, &b"no such column"[..]));
        assert_eq!((seen.record().status, seen.record().error), (status, None));
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
    }
    for status in [401, 403, 408, 429, 500, 503] {
        assert_eq!(bench.code(&[], [said(status, "text/plain", "no")]), "origin_status", "{status}");
    }
    let strict = hosted(json!({"url": "https://a.example/"}));
    assert_eq!(strict.code(&[], [said(422, "text/plain", "no")]), "origin_status");
}

#[test]
fn when_to_try_again_comes_through_and_words_are_cut() {
    let bench = hosted(json!({"url": "https://a.example/"}));
    let mut busy = said(503, "text/plain", &"é".repeat(5_000)).unwrap();
    busy.headers.insert("retry-after", HeaderValue::from_static("7"));
    bench.answers([Ok(busy)]);
    let seen = bench.invoke(&[]);
    assert_eq!((seen.status, seen.header("retry-after")), (424, "7"));
    let message = seen.json()["message"].as_str().unwrap().to_owned();
    assert!((900..=1_024).contains(&message.len()) && message.ends_with('…'), "{} bytes", message.len());
    for location in [None, Some("")] {
        let mut redirect = said(307, "text/plain", "").unwrap();
        if let Some(location) = location {
            redirect.headers.insert("location", HeaderValue::from_static(location));
        }
        assert_eq!(bench.code(&[], [Ok(redirect)]), "origin_redirect");
    }
}

#[test]
fn an_endpoint_bounds_the_rows_and_the_answers_of_its_models() {
    const ONNX: &[u8] = include_bytes!("../../../models/digits/logistic.onnx");
    let model = json!({"key": "m", "sha256": crate::endpoint::Sha256::of(ONNX).to_string()});
    let document = |limits: serde_json::Value| {
        let variant = json!({"name": "a", "model": model});
        json!({"variants": [variant], "limits": limits}).to_string()
    };
    let bench = bench(&document(json!({"rows": 2, "answer_bytes": 1024})));
    bench.world.models.borrow_mut().insert("m".to_owned(), ONNX.to_vec());
    let row = vec!["0"; 64].join(",");
    let csv = |rows: usize| {
        bench.send(
            Method::POST,
            "/endpoints/e/invocations",
            &[("content-type", "text/csv")],
            &format!("{row}\n").repeat(rows),
        )
    };
    assert_eq!(csv(2).status, 200);
    let seen = csv(3);
    assert_eq!((seen.status, seen.header("x-error-code")), (413, "too_many_rows"));
    assert!(seen.json()["message"].as_str().unwrap().contains("more than 2 rows"), "{}", seen.json());
    assert_eq!(seen.record().error, Some("too_many_rows"));
    let tensors = |rows: usize| {
        let input = json!({"name": "pixels", "datatype": "FP32", "shape": [rows, 64], "data": vec![0; rows * 64]});
        bench.send(Method::POST, "/v2/models/e/infer", &[], &json!({"inputs": [input]}).to_string())
    };
    assert_eq!(tensors(2).status, 200, "{}", tensors(2).json());
    assert_eq!((tensors(3).status, tensors(3).header("x-error-code").to_owned()), (413, "too_many_rows".to_owned()));
    assert_eq!(bench.get("/endpoints/e").json()["limits"], json!({"rows": 2, "answer_bytes": 1024}));

    // About 200 bytes a row.
    bench.world.endpoints.borrow_mut().insert("e".to_owned(), document(json!({"answer_bytes": 1024})).into());
    bench.world.now_ms.set(3_600_000.0);
    let seen = csv(100);
    assert_eq!((seen.status, seen.header("x-error-code")), (413, "too_many_rows"));
    let message = seen.json()["message"].as_str().unwrap().to_owned();
    let most: usize = message.split("more than the ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((2..100).contains(&most), "{message}");
    assert_eq!(csv(most).status, 200, "{message}");
    assert_eq!(tensors(100).header("x-error-code"), "too_many_rows");
}

#[test]
fn a_model_that_does_not_reproduce_its_check_rows_answers_nobody() {
    const ONNX: &[u8] = include_bytes!("../../../models/digits/logistic.onnx");
    const CHECK: &str = include_str!("../../../models/digits/logistic.check.json");
    let sha256 = crate::endpoint::Sha256::of(ONNX).to_string();
    let variant = |name: &str, check: &str| {
        let mut model = json!({"key": "digits", "sha256": sha256});
        if !check.is_empty() {
            model["check"] = json!(check);
        }
        json!({"name": name, "model": model})
    };
    let variants =
        [variant("right", "right"), variant("wrong", "wrong"), variant("gone", "gone"), variant("unchecked", "")];
    let bench = bench(&json!({"variants": variants}).to_string());
    // The first label is 8.
    let wrong = CHECK.replacen("\"label\": [8", "\"label\": [3", 1);
    let files = [("digits", ONNX), ("right", CHECK.as_bytes()), ("wrong", wrong.as_bytes())];
    bench.world.models.borrow_mut().extend(files.map(|(key, bytes)| (key.to_owned(), bytes.to_vec())));

    let described = bench.get("/endpoints/e").json();
    let backend = |at: usize| &described["variants"][at]["backend"];
    assert_eq!((&backend(0)["check"], &backend(0)["checked"]), (&json!("right"), &json!(true)));
    assert_eq!((backend(3).get("check"), &backend(3)["checked"]), (None, &json!(false)));
    let problem = |at: usize| (backend(at)["problem"]["code"].clone(), backend(at)["problem"]["message"].clone());
    let message = "model `digits`, checked against `wrong`: row 1, output `label`: 8 came, 3 was expected";
    assert_eq!(problem(1), (json!("model_unusable"), json!(message)));
    let message = "there are no check rows `gone` of model `digits` in the store";
    assert_eq!(problem(2), (json!("model_missing"), json!(message)));

    let reads = bench.world.model_reads.get();
    let body = [b"0,".repeat(63), b"1".to_vec()].concat();
    for (variant, status, code) in
        [("right", 200, ""), ("unchecked", 200, ""), ("wrong", 424, "model_unusable"), ("gone", 424, "model_missing")]
    {
        let headers = [("x-target-variant", variant), ("content-type", "text/csv")];
        let seen = bench.send_bytes(Method::POST, "/endpoints/e/invocations", &headers, body.clone());
        assert_eq!((seen.status, seen.header("x-error-code")), (status, code), "{variant}");
    }
    assert_eq!(bench.world.model_reads.get(), reads, "what is known is not read again");
}
