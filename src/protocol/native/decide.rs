//! The decision alone, for callers that reach the variants by themselves: on a device, in a batch, as a stream.

use http::StatusCode;
use serde::Serialize;

use super::refuse;
use crate::assignment::Reason;
use crate::error::Error;
use crate::platform::Platform;
use crate::protocol::respond::{describe_decision, json};
use crate::protocol::{Request, tabular};
use crate::record::Record;
use crate::service::{Answer, Service};

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
    let invocation = tabular::invocation("native", endpoint, request)?;
    let (decided, invoked) = service.decide(&invocation).await;
    let response = match decided {
        Ok(()) => json(StatusCode::OK, &invoked.record().map(Decision::from)),
        Err(error) => {
            let mut response = refuse(&error);
            describe_decision(&mut response, invoked.record());
            response
        }
    };
    Ok(invoked.answer(response, None))
}
