//! The Open Inference Protocol, version 2, over HTTP, as KServe, Triton and MLServer speak it: a model is an endpoint, a
//! version a variant, and a version in the path the explicit target.

use std::io::Write;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use turnout_tables::RowsError;

use super::headers;
use super::report::Report;
use super::respond::{Answer, describe_decision, insert, json as json_response, respond};
use super::signature::{inputs, outputs};
use super::{tabular, triton};
use crate::endpoint::{MostBytes, Name};
use crate::payload::{
    BINARY, BodyForm, Flat, Inference, Outputs, Schema, Table, bounded, count_tensor_rows, datatype_name, tensor_bytes,
};
use crate::platform::Platform;
use crate::request::{Request, RequestError, Response, segments};
use crate::service::{
    Asked, Error, FollowUps, Inspected, Invocation, Payload, Relay, Reply, Service, UnitIn, Unreadable,
};

/// Whether a request is of this protocol.
pub(super) fn claims(request: &Request) -> bool {
    request.path == "/v2" || request.path.starts_with("/v2/")
}

/// Answers a request.
pub(super) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    let mut refresh = Vec::new();
    let response = match route(service, &request, &mut refresh).await {
        Ok(Answered::Looked(body)) => json_response(StatusCode::OK, &body),
        Ok(Answered::Infer(endpoint, version)) => match infer(service, endpoint, version, request).await {
            Ok(answer) => return answer,
            Err(error) => refuse(&error),
        },
        Err(error) => refuse(&error),
    };
    Answer { response, follow_ups: FollowUps::refresh(refresh) }
}

enum Answered {
    /// A prediction is asked for, of an endpoint and perhaps a variant of it.
    Infer(Name, Option<String>),
    /// What can be said without one.
    Looked(Value),
}

async fn route<P: Platform>(
    service: &Service<'_, P>,
    request: &Request,
    refresh: &mut Vec<Name>,
) -> Result<Answered, Error> {
    let path = request.plain_path();
    let segments = segments(&path);
    if let ["v2", asked @ ..] = segments.as_slice()
        && let Some(refused) = triton::refused(asked)
    {
        return Err(refused.into());
    }
    let (model, version, operation) = match segments.as_slice() {
        ["v2"] => {
            request.allow(&Method::GET, "GET")?;
            let version = env!("CARGO_PKG_VERSION");
            let extensions = ["binary_tensor_data"];
            return Ok(Answered::Looked(json!({ "name": "turnout", "version": version, "extensions": extensions })));
        }
        ["v2", "health", "live"] => {
            request.allow(&Method::GET, "GET")?;
            return Ok(Answered::Looked(json!({ "live": true })));
        }
        ["v2", "health", "ready"] => {
            request.allow(&Method::GET, "GET")?;
            service.ready().await?;
            return Ok(Answered::Looked(json!({ "ready": true })));
        }
        ["v2", "repository", "index"] => {
            request.allow(&Method::POST, "POST")?;
            return Ok(Answered::Looked(triton::index(service, request, refresh).await?));
        }
        ["v2", "models", model, "versions", version, operation @ ..] => (*model, Some(*version), operation),
        ["v2", "models", model, operation @ ..] => (*model, None, operation),
        _ => return Err(RequestError::NoSuchPath.into()),
    };
    let endpoint = Name::try_from(model).map_err(RequestError::Name)?;
    match operation {
        [] => {
            request.allow(&Method::GET, "GET")?;
            let inspected = service.inspect(&endpoint, version, request, refresh).await?;
            Ok(Answered::Looked(metadata(&endpoint, &inspected)))
        }
        ["config"] => {
            request.allow(&Method::GET, "GET")?;
            let inspected = service.inspect(&endpoint, version, request, refresh).await?;
            Ok(Answered::Looked(triton::config(&endpoint, &inspected)?))
        }
        ["ready"] => {
            request.allow(&Method::GET, "GET")?;
            service.ready_to_answer(&endpoint, version, request, refresh).await?;
            Ok(Answered::Looked(json!({ "name": endpoint, "ready": true })))
        }
        ["infer"] => {
            request.allow(&Method::POST, "POST")?;
            Ok(Answered::Infer(endpoint, version.map(str::to_owned)))
        }
        _ => Err(RequestError::NoSuchPath.into()),
    }
}

/// The model's inputs and outputs. An origin's are not known here: its lists are empty.
fn metadata(endpoint: &Name, inspected: &Inspected) -> Value {
    let model = inspected.model.as_deref();
    json!({
        "name": endpoint,
        "versions": inspected.variants,
        "platform": if model.is_some() { "onnx_tract" } else { "origin" },
        "inputs": model.map(inputs).unwrap_or_default(),
        "outputs": model.map(|model| outputs(model, inspected.output.as_deref())).unwrap_or_default(),
    })
}

async fn infer<P: Platform>(
    service: &Service<'_, P>,
    endpoint: Name,
    version: Option<String>,
    request: Request,
) -> Result<Answer, Error> {
    let target = tabular::one_target(version, tabular::target(&request)?)?;
    let length = request.header(headers::INFERENCE_HEADER_LENGTH);
    let inference = Inference::parse(&request.body, length).map_err(Unreadable::Tensors)?;
    let own_id = inference.id.clone().filter(|id| tabular::is_id(id));
    let invocation = Invocation {
        endpoint: endpoint.clone(),
        protocol: "open-inference",
        target,
        inference_id: tabular::inference_id(&request)?.or(own_id),
        unit: UnitIn::Headers(&request.headers),
        proof: &request,
        relay: Relay { headers: &request.headers, body: &request.body },
    };
    let (reply, mut noted) = service.invoke(&invocation, &Tensors(&inference)).await;
    let answered = match reply {
        Ok(Reply::Outputs(outputs, _, most_bytes)) => {
            let record = noted.record();
            let version = record.and_then(|record| record.variant.as_deref());
            let id = inference.id.as_deref().or(record.map(|record| record.inference_id.as_str()));
            let head = Head { model_name: endpoint.as_str(), model_version: version, id };
            encode(&head, &inference, &outputs, most_bytes).map_err(Error::from)
        }
        Ok(Reply::Relayed(answer)) => Ok(tabular::relayed(answer)),
        Err(error) => Err(error),
    };
    let mut response = answered.unwrap_or_else(|error| {
        noted.failed(&error);
        refuse(&error)
    });
    describe_decision(&mut response, &request, &noted);
    let follow_ups = noted.sent(&response, Some(Box::new(Sent(request))));
    Ok(Answer { response, follow_ups })
}

/// A request's tensors, for whichever model is chosen.
struct Tensors<'a>(&'a Inference<'a>);

impl Payload for Tensors<'_> {
    fn table(&self, schema: &Schema, most_rows: usize) -> Result<Table, Unreadable> {
        let rows = self.0.rows();
        if rows > most_rows {
            return Err(RowsError::TooMany { rows, most: most_rows }.into());
        }
        Ok(self.0.table(schema)?)
    }

    fn rows(&self) -> Option<usize> {
        self.0.counted_rows()
    }

    fn form(&self) -> BodyForm {
        BodyForm::Tensors { binary: self.0.has_bytes() }
    }

    fn extra_response_type(&self) -> Option<&'static str> {
        Some(BINARY)
    }
}

/// A request's tensors, read anew after it was answered.
struct Sent(Request);

impl Sent {
    fn length(&self) -> Option<&str> {
        self.0.header(headers::INFERENCE_HEADER_LENGTH)
    }
}

impl Payload for Sent {
    fn table(&self, schema: &Schema, most_rows: usize) -> Result<Table, Unreadable> {
        let inference = Inference::parse(&self.0.body, self.length())?;
        Tensors(&inference).table(schema, most_rows)
    }

    fn rows(&self) -> Option<usize> {
        count_tensor_rows(&self.0.body, self.length())
    }

    fn form(&self) -> BodyForm {
        let inference = Inference::parse(&self.0.body, self.length());
        BodyForm::Tensors { binary: inference.is_ok_and(|inference| inference.has_bytes()) }
    }

    fn extra_response_type(&self) -> Option<&'static str> {
        Some(BINARY)
    }
}

impl Asked for Sent {
    fn relay(&self) -> Relay<'_> {
        Relay { headers: &self.0.headers, body: &self.0.body }
    }
}

/// What stands before the outputs.
struct Head<'a> {
    model_name: &'a str,
    model_version: Option<&'a str>,
    id: Option<&'a str>,
}

#[derive(Serialize)]
struct Written<'a> {
    model_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<WrittenOutput<'a>>,
}

#[derive(Serialize)]
struct WrittenOutput<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: Vec<usize>,
    #[serde(skip_serializing_if = "Value::is_null")]
    parameters: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Flat<'a>>,
}

/// The outputs that are asked for, as JSON, with those behind it that are asked for as bytes.
fn encode(
    head: &Head<'_>,
    inference: &Inference<'_>,
    outputs: &Outputs,
    most_bytes: MostBytes,
) -> Result<Response, Unreadable> {
    let mut binary = Vec::new();
    let mut written = Vec::new();
    for (output, as_bytes) in inference.asked_for(outputs)? {
        let shape = [outputs.rows()].into_iter().chain(output.row_shape.iter().copied()).collect();
        let mut parameters = serde_json::Map::new();
        // The classes of a map's values: a tensor has no other place for them.
        if let Some(keys) = &output.keys {
            parameters.insert("keys".to_owned(), json!(keys.join(",")));
        }
        if as_bytes {
            let tensor = tensor_bytes(output.datatype, &output.values);
            parameters.insert("binary_data_size".to_owned(), json!(tensor.len()));
            binary.extend(tensor);
        }
        written.push(WrittenOutput {
            name: &output.name,
            datatype: datatype_name(output.datatype),
            shape,
            parameters: if parameters.is_empty() { Value::Null } else { parameters.into() },
            data: (!as_bytes).then_some(Flat(&output.values)),
        });
    }
    let Head { model_name, model_version, id } = *head;
    let written = Written { model_name, model_version, id, outputs: written };
    let mut head = 0;
    let body = bounded(outputs.rows(), most_bytes.get(), |body| {
        serde_json::to_writer(&mut *body, &written)?;
        head = body.bytes();
        body.write_all(&binary)
    })?;
    if binary.is_empty() {
        return Ok(respond(StatusCode::OK, "application/json", body));
    }
    let length = head.to_string();
    let mut response = respond(StatusCode::OK, BINARY, body);
    insert(response.headers_mut(), headers::INFERENCE_HEADER_LENGTH, &length);
    Ok(response)
}

/// An error as a response.
pub(super) fn refuse(error: &Error) -> Response {
    let report = Report::from(error);
    let mut response = json_response(report.status, &json!({ "error": format!("{}; {}", report.message, report.fix) }));
    report.describe(response.headers_mut());
    response
}
