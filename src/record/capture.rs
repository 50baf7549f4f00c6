//! What is captured of an invocation: a line of JSON as SageMaker's data capture writes it, and the key of the object that it
//! goes to.
//!
//! ```text
//! {"captureData": {"endpointInput":  {"observedContentType", "mode": "INPUT",  "data", "encoding"},
//!                  "endpointOutput": {"observedContentType", "mode": "OUTPUT", "data", "encoding"}},
//!  "eventMetadata": {"eventId", "inferenceId", "inferenceTime"}, "eventVersion": "0"}
//! ```

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::endpoint::{KeyPrefix, Name, TextTypes};
use crate::payload::essence;

/// What is captured of one invocation.
#[derive(Clone, Copy, Debug)]
pub struct CapturedLine<'a> {
    /// The inference id of its response.
    pub event_id: &'a str,
    /// The caller's own id, where it gave one.
    pub inference_id: Option<&'a str>,
    /// When it came in: milliseconds since the Unix epoch.
    pub time_ms: f64,
    /// The request's body.
    pub input: Option<Observed<'a>>,
    /// The answer's.
    pub output: Option<Observed<'a>>,
}

/// A body as it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// What its `Content-Type` said.
    pub content_type: Option<&'a str>,
    /// The body, unpacked.
    pub body: &'a [u8],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    capture_data: Data<'a>,
    event_metadata: Metadata<'a>,
    event_version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_input: Option<Side<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_output: Option<Side<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Side<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_content_type: Option<&'a str>,
    mode: &'static str,
    data: Cow<'a, str>,
    encoding: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    event_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_id: Option<&'a str>,
    inference_time: String,
}

impl CapturedLine<'_> {
    /// The line, with its end. `types` says which bodies are text; where absent, CSV, JSON and JSON lines are.
    pub fn to_json(&self, types: Option<&TextTypes>) -> String {
        // A line of texts: serialising it cannot fail.
        let line = Line {
            capture_data: Data {
                endpoint_input: self.input.map(|input| side(input, "INPUT", types)),
                endpoint_output: self.output.map(|output| side(output, "OUTPUT", types)),
            },
            event_metadata: Metadata {
                event_id: self.event_id,
                inference_id: self.inference_id,
                inference_time: second(self.time_ms),
            },
            event_version: "0",
        };
        let mut json = serde_json::to_string(&line).unwrap_or_default();
        json.push('\n');
        json
    }
}

fn side<'a>(Observed { content_type, body }: Observed<'a>, mode: &'static str, types: Option<&TextTypes>) -> Side<'a> {
    let encoding = encoding(content_type, types);
    // A text that is none is kept as it is all the same.
    let (data, encoding) = match std::str::from_utf8(body) {
        Ok(text) if encoding != BASE64 => (Cow::Borrowed(text), encoding),
        _ => (Cow::Owned(STANDARD.encode(body)), BASE64),
    };
    Side { observed_content_type: content_type, mode, data, encoding }
}

const CSV: &str = "CSV";
const JSON: &str = "JSON";
const BASE64: &str = "BASE64";

/// How a body of that type is written.
fn encoding(content_type: Option<&str>, types: Option<&TextTypes>) -> &'static str {
    let essence = content_type.map(essence).unwrap_or_default();
    let is = |name: &str| name.trim().eq_ignore_ascii_case(essence);
    let (is_csv, is_json) = match types {
        Some(types) => (types.csv.iter().any(|name| is(name)), types.json.iter().any(|name| is(name))),
        None => (is("text/csv"), JSON_TYPES.iter().any(|name| is(name))),
    };
    if is_csv {
        CSV
    } else if is_json {
        JSON
    } else {
        BASE64
    }
}

const JSON_TYPES: [&str; 4] =
    ["application/json", "application/jsonlines", "application/jsonl", "application/x-ndjson"];

/// What the keys of an endpoint's objects begin with.
pub fn endpoint_prefix(prefix: Option<&KeyPrefix>, endpoint: &Name) -> String {
    match prefix {
        Some(prefix) => format!("{}/{endpoint}/", prefix.as_str()),
        None => format!("{endpoint}/"),
    }
}

/// What the keys of a variant's objects of an hour begin with, behind the endpoint's prefix: `variant/yyyy/mm/dd/hh/`.
pub fn hour_prefix(variant: &str, time_ms: f64) -> String {
    let form = format_description!("[year]/[month]/[day]/[hour]");
    format!("{variant}/{}/", moment(time_ms).format(form).unwrap_or_default())
}

/// The name of an object whose first line is of that time: minute, second and millisecond, and an id.
pub fn object_name(time_ms: f64, id: &str) -> String {
    let form = format_description!("[minute]-[second]-[subsecond digits:3]");
    format!("{}-{id}.jsonl", moment(time_ms).format(form).unwrap_or_default())
}

/// How many milliseconds of its hour the name of an object says; `None` of a name that is none of ours.
pub fn ms_in_hour(object_name: &str) -> Option<f64> {
    let mut parts = object_name.split('-').map(|part| part.parse::<u32>().ok());
    let (minute, second, ms) = (parts.next()??, parts.next()??, parts.next()??);
    Some(f64::from(minute) * 60_000.0 + f64::from(second) * 1000.0 + f64::from(ms))
}

/// Milliseconds of an hour.
pub const HOUR_MS: f64 = 3_600_000.0;

/// UTC, in whole seconds.
fn second(time_ms: f64) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    moment(time_ms).format(form).unwrap_or_default()
}

/// A time that is none is that of the epoch.
fn moment(time_ms: f64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos((time_ms.max(0.0) as i128).saturating_mul(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2022-02-14T17:25:49.042Z
    const TIME_MS: f64 = 1_644_859_549_042.0;

    fn csv(content_type: &'static str, body: &'static str) -> Option<Observed<'static>> {
        Some(Observed { content_type: Some(content_type), body: body.as_bytes() })
    }

    #[test]
    fn a_line_is_as_sagemaker_s_guide_shows_it() {
        // The data is cut; the rest is the guide's, "Capture data from real-time endpoint".
        let golden = concat!(
            r#"{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"69,0,153.7,109\n","encoding":"CSV"},"#,
            r#""endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"0.0254181120544672","encoding":"CSV"}},"#,
            r#""eventMetadata":{"eventId":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","inferenceTime":"2022-02-14T17:25:49Z"},"eventVersion":"0"}"#,
            "\n"
        );
        let line = CapturedLine {
            event_id: "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            inference_id: None,
            time_ms: TIME_MS,
            input: csv("text/csv", "69,0,153.7,109\n"),
            output: csv("text/csv; charset=utf-8", "0.0254181120544672"),
        };
        assert_eq!(line.to_json(None), golden);
        let own = CapturedLine { inference_id: Some("mine"), input: None, ..line }.to_json(None);
        assert!(own.contains(r#""inferenceId":"mine""#) && !own.contains("endpointInput"), "{own}");
    }

    #[test]
    fn what_is_no_text_is_base64() {
        let types = TextTypes { csv: vec!["text/tab".to_owned()], json: vec!["application/x-own".to_owned()] };
        let json = |content_type, body: &[u8], types: Option<&TextTypes>| {
            let input = Some(Observed { content_type, body });
            let line = CapturedLine { event_id: "e", inference_id: None, time_ms: 0.0, input, output: None };
            let line: serde_json::Value = serde_json::from_str(&line.to_json(types)).unwrap();
            let side = line.pointer("/captureData/endpointInput").unwrap();
            let text = |name| side.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            (text("encoding"), text("data"))
        };
        let pair = |encoding: &str, data: &str| (encoding.to_owned(), data.to_owned());
        assert_eq!(json(Some("application/JSON; charset=utf-8"), b"[1]", None), pair("JSON", "[1]"));
        assert_eq!(json(Some("application/jsonlines"), b"[1]\n[2]", None), pair("JSON", "[1]\n[2]"));
        assert_eq!(json(Some("text/csv"), b"\xff", None), pair("BASE64", "/w=="));
        assert_eq!(json(Some("application/octet-stream"), b"abc", None), pair("BASE64", "YWJj"));
        assert_eq!(json(None, b"abc", None), pair("BASE64", "YWJj"));
        // Where types are named, others are no text.
        assert_eq!(json(Some("text/csv"), b"1", Some(&types)), pair("BASE64", "MQ=="));
        assert_eq!(json(Some("text/tab"), b"1", Some(&types)), pair("CSV", "1"));
        assert_eq!(json(Some("application/x-own"), b"1", Some(&types)), pair("JSON", "1"));
    }

    #[test]
    fn keys_have_the_hour_of_the_invocation() {
        let key = |prefix: Option<&str>| {
            let prefix = prefix.map(|prefix| KeyPrefix::try_from(prefix.to_owned()).unwrap());
            let endpoint = endpoint_prefix(prefix.as_ref(), &Name::try_from("churn").unwrap());
            format!("{endpoint}{}{}", hour_prefix("logistic", TIME_MS), object_name(TIME_MS, "0a1b"))
        };
        assert_eq!(key(None), "churn/logistic/2022/02/14/17/25-49-042-0a1b.jsonl");
        assert_eq!(
            key(Some("model-monitor/data-capture")),
            "model-monitor/data-capture/churn/logistic/2022/02/14/17/25-49-042-0a1b.jsonl"
        );
        assert_eq!(ms_in_hour("25-49-042-0a1b.jsonl"), Some(TIME_MS % HOUR_MS));
        assert_eq!((ms_in_hour("readme.txt"), hour_prefix("a", -1.0).as_str()), (None, "a/1970/01/01/00/"));
    }
}
