//! Invocations at `/endpoints/NAME/invocations`, with rows as CSV, JSON or JSON lines: what the native protocol and
//! SageMaker's runtime have in common. They differ in how they tell errors.

use std::borrow::Borrow;

use http::{HeaderName, Method, StatusCode, header};
use turnout_tables::RowsError;

use super::headers;
use super::respond::{Answer, describe_decision, respond};
use crate::endpoint::{AnswerForm, MostBytes, Name};
use crate::experiment::{Author, Cause};
use crate::payload::{self, BodyForm, ContentType, Format, Outputs, Schema, Table, count_rows};
use crate::platform::{HttpAnswer, Platform};
use crate::request::{Request, RequestError, Response};
use crate::service::{Asked, Error, Invocation, Payload, Relay, Reply, Service, UnitIn, Unreadable};

/// Rows in the format that the request's headers name.
struct Rows<R>(R);

impl<R: Borrow<Request>> Payload for Rows<R> {
    fn check(&self) -> Result<(), Unreadable> {
        self.written(AnswerForm::default())?;
        self.sent()?;
        Ok(())
    }

    fn table(&self, schema: &Schema, most_rows: usize) -> Result<Table, Unreadable> {
        Ok(payload::decode(self.sent()?, &self.request().body, schema, most_rows)?)
    }

    fn rows(&self) -> Option<usize> {
        count_rows(self.sent().ok()?, &self.request().body)
    }

    fn form(&self) -> BodyForm {
        BodyForm::Rows(self.sent().ok())
    }
}

impl<R: Borrow<Request>> Asked for Rows<R> {
    fn relay(&self) -> Relay<'_> {
        Relay { headers: &self.request().headers, body: &self.request().body }
    }
}

impl<R: Borrow<Request>> Rows<R> {
    fn request(&self) -> &Request {
        self.0.borrow()
    }

    /// What is said of the body.
    fn sent(&self) -> Result<ContentType, Unreadable> {
        Ok(ContentType::of(self.request().header(header::CONTENT_TYPE))?)
    }

    /// The format to answer in. SageMaker's XGBoost container answers in CSV unless it is asked for something else; it
    /// reads no JSON, and who sends that means to read it.
    fn written(&self, form: AnswerForm) -> Result<Format, Unreadable> {
        let is_json = || self.sent().is_ok_and(|sent| sent.format != Format::Csv);
        let preferred = match form {
            AnswerForm::SageMakerXGBoost if !is_json() => Format::Csv,
            _ => Format::Json,
        };
        Ok(Format::accepted(self.request().header(header::ACCEPT), preferred)?)
    }
}

/// Writes what a model answers in a format and form, in so many bytes at most.
type Encode = fn(&Outputs, Format, AnswerForm, usize) -> Result<Vec<u8>, RowsError>;

/// In what the protocols that send rows differ.
pub(super) struct Dialect {
    /// The protocol's name, for the record.
    pub protocol: &'static str,
    /// Tells an error.
    pub refuse: fn(&Error) -> Response,
    /// Writes what a model answers.
    pub encode: Encode,
}

/// Answers an invocation.
pub(super) async fn invoke<P: Platform>(
    service: &Service<'_, P>,
    dialect: Dialect,
    endpoint: &str,
    request: Request,
) -> Answer {
    let Dialect { protocol, refuse, encode } = dialect;
    let rows = Rows(&request);
    let invocation = match invocation(protocol, endpoint, &request) {
        Ok(invocation) => invocation,
        Err(error) => return refuse(&error.into()).into(),
    };
    let (reply, mut noted) = service.invoke(&invocation, &rows).await;
    let answered = match reply {
        Ok(Reply::Outputs(outputs, form, most_bytes)) => predicted(&rows, encode, &outputs, (form, most_bytes)),
        Ok(Reply::Relayed(answer)) => Ok(relayed(answer)),
        Err(error) => Err(error),
    };
    let mut response = answered.unwrap_or_else(|error| {
        noted.failed(&error);
        refuse(&error)
    });
    describe_decision(&mut response, &request, &noted);
    let follow_ups = noted.sent(&response, Some(Box::new(Rows(request))));
    Answer { response, follow_ups }
}

/// A model's answer, in the format that is asked for.
fn predicted(
    rows: &Rows<&Request>,
    encode: Encode,
    outputs: &Outputs,
    (form, most_bytes): (AnswerForm, MostBytes),
) -> Result<Response, Error> {
    let format = rows.written(form)?;
    let body = encode(outputs, format, form, most_bytes.get()).map_err(Unreadable::Rows)?;
    let mut response = respond(StatusCode::OK, format.media_type(), body);
    // A model here has nothing to add to them, so what they are for, such as tracing, gets them back.
    if let Some(attributes) = rows.0.headers.get(headers::CUSTOM_ATTRIBUTES) {
        response.headers_mut().insert(headers::CUSTOM_ATTRIBUTES, attributes.clone());
    }
    Ok(response)
}

/// A model host's answer, as it is.
pub(super) fn relayed(answer: HttpAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = respond(status, "application/json", answer.body);
    response.headers_mut().extend(answer.headers);
    response
}

/// What a request at an endpoint's path asks for.
pub(super) fn invocation<'a>(
    protocol: &'static str,
    endpoint: &str,
    request: &'a Request,
) -> Result<Invocation<'a>, RequestError> {
    request.allow(&Method::POST, "POST")?;
    if let Some(name) = headers::UNSUPPORTED.iter().find(|name| request.headers.contains_key(*name)) {
        return Err(RequestError::Unsupported(name.as_str()));
    }
    let attributes = request.headers.get(headers::CUSTOM_ATTRIBUTES);
    if attributes.is_some_and(|value| value.len() > 1024 || value.to_str().is_err()) {
        return Err(RequestError::CustomAttributes);
    }
    Ok(Invocation {
        endpoint: Name::try_from(endpoint)?,
        protocol,
        target: target(request)?,
        inference_id: inference_id(request)?,
        unit: UnitIn::Headers(&request.headers),
        proof: request,
        relay: Relay { headers: &request.headers, body: &request.body },
    })
}

/// The variant that a header names.
pub(super) fn target(request: &Request) -> Result<Option<String>, RequestError> {
    let named = |header: HeaderName| {
        let value = request.headers.get(header)?;
        // What is not text cannot be a variant's name, but was meant as one: it must not fall back on the weights.
        Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
    };
    one_target(named(headers::TARGET_VARIANT), named(headers::SAGEMAKER_TARGET_VARIANT))
}

/// The one that is named, if only one is, or both are the same.
pub(super) fn one_target(a: Option<String>, b: Option<String>) -> Result<Option<String>, RequestError> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => Err(RequestError::TwoTargets { a, b }),
        (target, None) | (None, target) | (target, Some(_)) => Ok(target),
    }
}

/// Whether a text can be an id: visible ASCII, so that it stands in a header and in a line of a log as it is.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Who makes a change, and what for, as a header may say.
pub(super) fn cause(request: &Request, author: Author) -> Result<Cause, RequestError> {
    let Some(value) = request.headers.get(headers::CHANGE_REASON) else { return Ok(Cause::of(author, None)) };
    match value.to_str() {
        Ok(reason) if reason.len() <= MOST_REASON => Ok(Cause::of(author, Some(reason.to_owned()))),
        _ => {
            Err(RequestError::Operation(format!("X-Change-Reason has at most {MOST_REASON} visible ASCII characters")))
        }
    }
}

/// The most characters of what a change is for.
const MOST_REASON: usize = 500;

/// The caller's own id.
pub(super) fn inference_id(request: &Request) -> Result<Option<String>, RequestError> {
    let Some(value) = request.headers.get(headers::INFERENCE_ID) else { return Ok(None) };
    match value.to_str() {
        Ok(id) if is_id(id) => Ok(Some(id.to_owned())),
        _ => Err(RequestError::InferenceId),
    }
}
