//! `DataCaptureConfig`: what SageMaker's clients say of capture, and what they are told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Capture, KeyPrefix, SamplePercent, TextTypes};
use crate::request::RequestError;
use crate::service::ConfiguredCapture;

/// `DataCaptureConfig` of an endpoint configuration.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DataCaptureConfig {
    #[serde(default = "yes")]
    enable_capture: bool,
    initial_sampling_percentage: u8,
    destination_s3_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    capture_options: Vec<CaptureOption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capture_content_type_header: Option<ContentTypeHeader>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CaptureOption {
    capture_mode: CaptureMode,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum CaptureMode {
    Input,
    Output,
    InputAndOutput,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContentTypeHeader {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    csv_content_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    json_content_types: Vec<String>,
}

fn yes() -> bool {
    true
}

impl DataCaptureConfig {
    /// What is to be captured, and what was asked for in SageMaker's words. Of `DestinationS3Uri` the part behind the bucket's
    /// name counts: objects go to the bucket that the worker has.
    pub fn configured(self) -> Result<ConfiguredCapture, RequestError> {
        let wrong = |problem: String| RequestError::Operation(format!("`DataCaptureConfig`: {problem}"));
        if self.kms_key_id.as_ref().is_some_and(|key| !key.is_empty()) {
            let problem = "KmsKeyId is not served here: R2 encrypts all objects with keys of its own; leave it out";
            return Err(wrong(problem.to_owned()));
        }
        if !(1..=32).contains(&self.capture_options.len()) {
            return Err(wrong("CaptureOptions has 1 to 32 items, such as {\"CaptureMode\": \"Input\"}".to_owned()));
        }
        let percent = SamplePercent::try_from(f64::from(self.initial_sampling_percentage))
            .map_err(|error| wrong(format!("InitialSamplingPercentage: {error}")))?;
        let address = self.destination_s3_uri.strip_prefix("s3://").filter(|address| !address.starts_with('/'));
        let address =
            address.ok_or_else(|| wrong("DestinationS3Uri is an address such as s3://CAPTURE/churn".to_owned()))?;
        let behind = address.split_once('/').map(|(_, behind)| behind.trim_matches('/')).unwrap_or_default();
        let prefix = (!behind.is_empty()).then(|| KeyPrefix::try_from(behind.to_owned())).transpose();
        let prefix = prefix.map_err(|error| wrong(format!("DestinationS3Uri: {error}")))?;
        let has = |mode| {
            self.capture_options.iter().any(|option| [mode, CaptureMode::InputAndOutput].contains(&option.capture_mode))
        };
        let content_types = self
            .capture_content_type_header
            .as_ref()
            .map(|types| TextTypes { csv: types.csv_content_types.clone(), json: types.json_content_types.clone() });
        let (input, output) = (has(CaptureMode::Input), has(CaptureMode::Output));
        let capture = Capture { percent, input, output, leave_out: Vec::new(), prefix, content_types };
        let capture = if self.enable_capture { capture } else { capture.stopped() };
        // It came as JSON.
        Ok(ConfiguredCapture { capture, terms: serde_json::to_value(&self).unwrap_or_default() })
    }
}

/// The `DataCaptureConfig` of an endpoint, with where its objects are.
pub(super) fn described(capture: &Capture) -> Value {
    json!({
        "EnableCapture": capture.is_on(),
        "CaptureStatus": if capture.is_on() { "Started" } else { "Stopped" },
        "CurrentSamplingPercentage": percent(capture),
        "DestinationS3Uri": destination(capture),
        // Required in an answer; there is none.
        "KmsKeyId": "",
    })
}

/// The `DataCaptureConfig` that an endpoint written by hand could have been made of.
pub(super) fn terms_of(capture: &Capture) -> Value {
    let modes = [("Input", capture.input), ("Output", capture.output)];
    let options = modes.into_iter().filter(|(_, is_on)| *is_on).map(|(mode, _)| json!({ "CaptureMode": mode }));
    json!({
        "EnableCapture": capture.is_on(),
        "InitialSamplingPercentage": percent(capture),
        "DestinationS3Uri": destination(capture),
        "CaptureOptions": options.collect::<Value>(),
    })
}

fn destination(capture: &Capture) -> String {
    capture
        .prefix
        .as_ref()
        .map_or_else(|| "s3://CAPTURE".to_owned(), |prefix| format!("s3://CAPTURE/{}", prefix.as_str()))
}

/// As clients know it, a whole number: one below is told as the next above, so that what is captured never seems less.
fn percent(capture: &Capture) -> u8 {
    capture.percent.get().ceil() as u8
}
