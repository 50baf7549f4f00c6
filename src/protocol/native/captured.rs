//! Captured lines, as they are read back: by the inference id of their request.

use http::{Method, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use super::experiment::moment;
use super::refuse::refuse;
use crate::endpoint::Name;
use crate::platform::Platform;
use crate::protocol::respond::{Answer, insert, json};
use crate::protocol::tabular;
use crate::request::{Request, RequestError};
use crate::service::{Error, FollowUps, Service};

/// A line, and the variant that answered.
#[derive(Serialize)]
struct Line {
    variant: Name,
    line: Value,
}

/// Answers with the lines of an inference id. They are payloads: nobody but an administrator may read them, and no cache may
/// keep them.
pub(super) async fn lines<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    id: &str,
    request: &Request,
) -> Result<Answer, Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        endpoint: &'a Name,
        inference_id: &'a str,
        lines: Vec<Line>,
        complete: bool,
    }
    request.allow(&Method::GET, "GET")?;
    let name = Name::try_from(name).map_err(RequestError::Name)?;
    service.allow_admin(request)?;
    let id = percent_decoded(id).filter(|id| tabular::is_id(id)).ok_or(RequestError::InferenceId)?;
    let time_ms = moment(&request.query, "time")?;
    let mut refresh = Vec::new();
    let mut response = match service.captured(&name, &id, time_ms, &mut refresh).await {
        Ok(found) => {
            let lines = found.lines.into_iter().map(|(variant, line)| Line { variant, line }).collect();
            let told = Told { endpoint: &name, inference_id: &id, lines, complete: found.complete };
            json(StatusCode::OK, &told)
        }
        Err(error) => refuse(&error),
    };
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    Ok(Answer { response, follow_ups: FollowUps::refresh(refresh) })
}

/// An id as a part of a path has it.
fn percent_decoded(id: &str) -> Option<String> {
    // Decoded as a form, whose own signs are to be left alone.
    let form = id.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(id, _)| id.into_owned())
}
