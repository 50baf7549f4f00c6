//! Bodies as people's clients have sent them, from public reports (tests/bodies/bodies.json): each right, or told in words.

use serde::Deserialize;

use super::*;
use crate::endpoint::Sha256;

#[derive(Deserialize)]
struct Case {
    case: String,
    model: String,
    path: String,
    content_type: String,
    #[serde(default)]
    accept: String,
    body: String,
    status: u16,
    /// What stands in the answer.
    says: String,
}

#[test]
fn bodies_that_people_have_sent() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../tests/bodies/bodies.json")).unwrap();
    assert!(cases.len() >= 15);
    for case in cases {
        let onnx = std::fs::read(format!("tests/bodies/{}", case.model)).unwrap();
        let variant = serde_json::json!({"name": "a", "model": {"key": "m", "sha256": Sha256::of(&onnx).to_string()}});
        let document = serde_json::json!({ "variants": [variant] }).to_string();
        let bench = bench(&document);
        bench.world.endpoints.borrow_mut().insert("a-b".to_owned(), document.into());
        bench.world.models.borrow_mut().insert("m".to_owned(), onnx);
        let path = case.path.replace("{e}", "a-b").replace("{e%2D}", "a%2Db");
        let headers = [("content-type", case.content_type.as_str()), ("accept", case.accept.as_str())];
        let seen = bench.send(Method::POST, &path, &headers, &case.body);
        let said = String::from_utf8_lossy(&seen.body);
        assert_eq!(seen.status, case.status, "{}: {said}", case.case);
        assert!(said.contains(&case.says), "{}\n  said: {said}\n  expected: {}", case.case, case.says);
        if case.status == 200 {
            assert_eq!(seen.record().rows, Some(1), "{}", case.case);
        }
        if !case.accept.is_empty() {
            assert_eq!(seen.header("content-type"), "text/csv", "{}", case.case);
        }
    }
}
