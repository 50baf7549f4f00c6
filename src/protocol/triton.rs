//! What Triton's clients ask beyond the Open Inference Protocol: the model's configuration and the repository's index are
//! answered, the rest is refused with the reason
//! (<https://github.com/triton-inference-server/server/tree/main/docs/protocol>).

use serde_json::{Value, json};

use super::signature::{TensorDescription, inputs, outputs};
use crate::endpoint::Name;
use crate::platform::Platform;
use crate::request::{Request, RequestError};
use crate::service::{Error, Inspected, Service};

/// The configuration of a model. Of an origin nothing is known that could stand in it.
pub(super) fn config(endpoint: &Name, inspected: &Inspected) -> Result<Value, Error> {
    let Some(model) = inspected.model.as_deref() else {
        return Err(RequestError::NotKept("the configuration of a model host is not known here").into());
    };
    let tensors = |described: Vec<TensorDescription<'_>>| -> Vec<Value> { described.iter().map(tensor).collect() };
    Ok(json!({
        "name": endpoint,
        "platform": "onnx_tract",
        "backend": "turnout",
        "version_policy": { "all": {} },
        // The batch is then no part of the dimensions.
        "max_batch_size": model.rows.most,
        "input": tensors(inputs(model)),
        "output": tensors(outputs(model, inspected.output.as_deref())),
    }))
}

fn tensor(described: &TensorDescription<'_>) -> Value {
    let datatype = match described.datatype {
        "BYTES" => "STRING",
        other => other,
    };
    let dims = described.shape.get(1..).filter(|dims| !dims.is_empty()).unwrap_or(&[1]);
    json!({ "name": described.name, "data_type": format!("TYPE_{datatype}"), "dims": dims })
}

/// The endpoints that the caller may invoke or administer, a line a variant.
pub(super) async fn index<P: Platform>(
    service: &Service<'_, P>,
    request: &Request,
    refresh: &mut Vec<Name>,
) -> Result<Value, Error> {
    let page = service.list(None, refresh).await?;
    if page.cursor.is_some() {
        return Err(
            RequestError::NotKept("there are more endpoints than an index has; GET /endpoints has pages").into()
        );
    }
    let mut lines = Vec::new();
    for (name, served) in &page.endpoints {
        let Ok(served) = served else { continue };
        if service.reader(&served.endpoint, request).is_ok() {
            let variants = served.endpoint.variants().iter();
            lines.extend(
                variants
                    .map(|variant| json!({ "name": name, "version": variant.name, "state": "READY", "reason": "" })),
            );
        }
    }
    Ok(lines.into())
}

/// Why something of Triton's is not answered; `None` where it has nothing of that name.
pub(super) fn refused(operation: &[&str]) -> Option<RequestError> {
    let why = match operation {
        ["models", "stats"] | ["models", _, "stats"] | ["models", _, "versions", _, "stats"] => {
            "no statistics are kept here: each request is a record in the sink"
        }
        ["repository", "models", _, "load" | "unload"] => {
            "models are loaded when they are asked for; variants are changed in the endpoint's document"
        }
        ["systemsharedmemory" | "cudasharedmemory", ..] => {
            "there is no shared memory with a caller; send tensors in the body"
        }
        ["logging"] | ["trace", "setting"] | ["models", _, "trace", "setting"] => {
            "logging and tracing are set where the worker is deployed"
        }
        ["models", _, "generate" | "generate_stream"] => "models here give tensors, and no text; use infer",
        _ => return None,
    };
    Some(RequestError::NotKept(why))
}
