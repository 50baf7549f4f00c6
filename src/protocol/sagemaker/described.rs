//! What descriptions of different things have in common.

use serde_json::Value;

use crate::platform::Platform;
use crate::service::{Configured, Service};

/// Until a deployment is decided, and a change has reached every isolate, the endpoint is still updating, and waiters wait.
pub(super) fn status<P: Platform>(service: &Service<'_, P>, configured: &Configured) -> &'static str {
    let Configured { endpoint, times, deployment } = configured;
    let times = *times;
    match endpoint {
        Err(_) => "Failed",
        Ok(_) if deployment.as_ref().is_some_and(|deployment| deployment.status.is_open()) => "Updating",
        Ok(_) if service.is_settled(times) => "InService",
        Ok(_) if times.is_some_and(|times| times.created_ms == Some(times.modified_ms)) => "Creating",
        Ok(_) => "Updating",
    }
}

/// With a member more, where there is something to say.
pub(super) fn with(mut described: Value, member: &str, value: Option<impl Into<Value>>) -> Value {
    if let (Some(members), Some(value)) = (described.as_object_mut(), value) {
        members.insert(member.to_owned(), value.into());
    }
    described
}
