//! The decision alone, for callers that reach the variants by themselves: on a device, in a batch, as a stream.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::refuse::refuse;
use crate::assignment::Reason;
use crate::platform::Platform;
use crate::protocol::respond::{Answer, describe_decision, issue, json};
use crate::protocol::tabular;
use crate::record::Record;
use crate::request::{Request, RequestError};
use crate::service::{Error, Service, UnitIn};

/// What the body may tell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// In place of the header or cookie that the endpoint names.
    unit: String,
}

/// All that the headers of a prediction tell, and the propensity.
#[derive(Serialize)]
struct Decision<'a> {
    variant: Option<&'a str>,
    reason: Option<Reason>,
    propensity: Option<f64>,
    revision: &'a str,
    inference_id: &'a str,
}

impl<'a> From<&'a Record> for Decision<'a> {
    fn from(record: &'a Record) -> Self {
        Decision {
            variant: record.variant.as_deref(),
            reason: record.reason,
            propensity: record.propensity,
            revision: &record.revision,
            inference_id: &record.inference_id,
        }
    }
}

/// Answers with the variant that has the request, and records that it was given.
pub(super) async fn decide<P: Platform>(
    service: &Service<'_, P>,
    endpoint: &str,
    request: &Request,
) -> Result<Answer, Error> {
    let mut invocation = tabular::invocation("native", endpoint, request)?;
    let unit = asked_unit(&request.body)?;
    if let Some(unit) = &unit {
        invocation.unit = UnitIn::Told(unit);
    }
    let (decided, noted) = service.decide(&invocation).await;
    let response = match decided {
        Ok(()) => {
            let mut response = json(StatusCode::OK, &noted.record().map(Decision::from));
            issue(&mut response, request, &noted);
            response
        }
        Err(error) => {
            let mut response = refuse(&error);
            describe_decision(&mut response, request, &noted);
            response
        }
    };
    let follow_ups = noted.sent(&response, None);
    Ok(Answer { response, follow_ups })
}

/// The unit that a body tells; none in an empty one.
pub(super) fn asked_unit(body: &[u8]) -> Result<Option<String>, RequestError> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let refused = |error| RequestError::Operation(format!("the body is not {{\"unit\": \"...\"}}: {error}"));
    let asked: Asked = serde_json::from_slice(body).map_err(refused)?;
    Ok(Some(asked.unit))
}
