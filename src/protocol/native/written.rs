//! An endpoint's document as it was written, for who is to change it as a whole.

use http::{Method, StatusCode, header};

use crate::endpoint::{Name, Revision};
use crate::platform::Platform;
use crate::protocol::respond::{Answer, insert, respond};
use crate::request::{Request, RequestError};
use crate::service::{Error, Service};

/// Answers with the document, byte by byte, and its revision as the `ETag`. It may hold what is nobody else's business, such as
/// a salt, so it is the administrator's alone. One that is not valid is told as well: it can only be mended by who sees it.
pub(super) async fn document<P: Platform>(
    service: &Service<'_, P>,
    name: &str,
    request: &Request,
) -> Result<Answer, Error> {
    request.allow(&Method::GET, "GET")?;
    let name = Name::try_from(name).map_err(RequestError::Name)?;
    service.allow_admin(request)?;
    let document = service.written(&name).await?;
    let etag = format!("\"{}\"", Revision::of(&document).as_str());
    let mut response = respond(StatusCode::OK, "application/json", document);
    insert(response.headers_mut(), header::ETAG, &etag);
    insert(response.headers_mut(), header::CACHE_CONTROL, "no-store");
    Ok(response.into())
}
