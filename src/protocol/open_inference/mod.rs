//! The Open Inference Protocol, version 2, over HTTP, as KServe, Triton and MLServer speak it: a model is an endpoint, a
//! version a variant, and a version in the path the explicit target.

mod datatypes;
mod tensors;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

pub use tensors::TensorError;

use super::respond::{describe_decision, insert, json as json_response, respond};
use super::{Invocation, Protocol, Request, RequestError, Response, Unreadable, headers, tabular};
use crate::endpoint::Name;
use crate::error::Error;
use crate::payload::{Flat, Outputs};
use crate::platform::Platform;
use crate::service::{After, Answer, Reply, Service};
use datatypes::{bytes, name as datatype_name};
use tensors::{BINARY, Inference};

/// The Open Inference Protocol.
pub(super) struct OpenInference;

impl<P: Platform> Protocol<P> for OpenInference {
    fn claims(&self, request: &Request) -> bool {
        request.path == "/v2" || request.path.starts_with("/v2/")
    }

    fn refuse(&self, error: &Error) -> Response {
        refuse(error)
    }

    fn answer<'a>(&'a self, service: &'a Service<'_, P>, request: Request) -> LocalBoxFuture<'a, Answer> {
        async move {
            let mut after = After::default();
            match answer(service, &request, &mut after).await {
                Ok(Answered::Invoked(answer)) => *answer,
                Ok(Answered::Looked(body)) => Answer { response: json_response(StatusCode::OK, &body), after },
                Err(error) => Answer { response: refuse(&error), after },
            }
        }
        .boxed_local()
    }
}

enum Answered {
    /// A prediction.
    Invoked(Box<Answer>),
    /// What can be said without one.
    Looked(Value),
}

async fn answer<P: Platform>(
    service: &Service<'_, P>,
    request: &Request,
    after: &mut After,
) -> Result<Answered, Error> {
    let segments = request.segments();
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
        ["v2", "models", model, "versions", version, operation @ ..] => (*model, Some(*version), operation),
        ["v2", "models", model, operation @ ..] => (*model, None, operation),
        _ => return Err(RequestError::NoSuchPath.into()),
    };
    let endpoint = Name::try_from(model).map_err(RequestError::Name)?;
    match operation {
        [] => {
            request.allow(&Method::GET, "GET")?;
            let inspected = service.inspect(&endpoint, version, request, after).await?;
            Ok(Answered::Looked(metadata(&endpoint, &inspected)))
        }
        ["ready"] => {
            request.allow(&Method::GET, "GET")?;
            service.ready_to_answer(&endpoint, version, request, after).await?;
            Ok(Answered::Looked(json!({ "name": endpoint, "ready": true })))
        }
        ["infer"] => {
            request.allow(&Method::POST, "POST")?;
            infer(service, endpoint, version, request).await.map(|answer| Answered::Invoked(Box::new(answer)))
        }
        _ => Err(RequestError::NoSuchPath.into()),
    }
}

/// The model's inputs and outputs. An origin's are not known here: its lists are empty.
fn metadata(endpoint: &Name, inspected: &crate::service::Inspected) -> Value {
    let shape = |sizes: &mut dyn Iterator<Item = Option<usize>>| -> Vec<Value> {
        [json!(-1)].into_iter().chain(sizes.map(|size| size.map_or(json!(-1), |size| json!(size)))).collect()
    };
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    if let Some(model) = &inspected.model {
        inputs.extend(model.schema().inputs().iter().map(|input| {
            let shape = shape(&mut input.row_shape.iter().copied().map(Some));
            json!({ "name": input.name, "datatype": datatype_name(input.datatype), "shape": shape })
        }));
        let given = model.outputs().iter();
        let given = given.filter(|output| inspected.output.as_ref().is_none_or(|only| *only == output.name));
        outputs.extend(given.map(|output| {
            let shape = shape(&mut output.row_shape.iter().copied());
            json!({ "name": output.name, "datatype": datatype_name(output.datatype), "shape": shape })
        }));
    }
    json!({
        "name": endpoint,
        "versions": inspected.variants,
        "platform": if inspected.model.is_some() { "onnx_tract" } else { "origin" },
        "inputs": inputs,
        "outputs": outputs,
    })
}

async fn infer<P: Platform>(
    service: &Service<'_, P>,
    endpoint: Name,
    version: Option<&str>,
    request: &Request,
) -> Result<Answer, Error> {
    let target = tabular::one_target(version.map(str::to_owned), tabular::target(request)?)?;
    let length = request.header(headers::INFERENCE_HEADER_LENGTH.as_str());
    let inference = Inference::parse(&request.body, length).map_err(Unreadable::Tensors)?;
    let own_id =
        inference.id.clone().filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
    let invocation = Invocation {
        endpoint: endpoint.clone(),
        protocol: "open-inference",
        target,
        inference_id: tabular::inference_id(request)?.or(own_id),
        request,
    };
    let (reply, mut invoked) = service.invoke(&invocation, &inference).await;
    let mut response = match reply {
        Ok(Reply::Outputs(outputs)) => {
            let record = invoked.record();
            let version = record.and_then(|record| record.variant.as_deref());
            let id = inference.id.as_deref().or(record.map(|record| record.inference_id.as_str()));
            let head = Head { model_name: endpoint.as_str(), model_version: version, id };
            encode(&head, &inference, &outputs).unwrap_or_else(|error| {
                let error = Unreadable::Tensors(error).into();
                invoked.note(&error);
                refuse(&error)
            })
        }
        Ok(Reply::Relayed(answer)) => tabular::relayed(answer),
        Err(error) => refuse(&error),
    };
    describe_decision(&mut response, invoked.record());
    Ok(invoked.answer(response, None))
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
fn encode(head: &Head<'_>, inference: &Inference<'_>, outputs: &Outputs) -> Result<Response, TensorError> {
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
            let tensor = bytes(output.datatype, &output.values);
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
    if binary.is_empty() {
        return Ok(json_response(StatusCode::OK, &written));
    }
    // Numbers and texts have no way to fail.
    let mut body = serde_json::to_vec(&written).unwrap_or_default();
    let length = body.len().to_string();
    body.extend(binary);
    let mut response = respond(StatusCode::OK, BINARY, body);
    insert(response.headers_mut(), headers::INFERENCE_HEADER_LENGTH, &length);
    Ok(response)
}

fn refuse(error: &Error) -> Response {
    let report = error.report();
    let mut response = json_response(report.status, &json!({ "error": format!("{}; {}", report.message, report.fix) }));
    insert(response.headers_mut(), headers::ERROR_CODE, report.code);
    if let Some(methods) = report.allow {
        insert(response.headers_mut(), http::header::ALLOW, methods);
    }
    response
}
