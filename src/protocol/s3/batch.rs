//! Many objects removed at once.

use futures_util::future::join_all;

use super::error::named;
use super::list::document;
use super::xml::groups;
use crate::access::SignedBody;
use crate::platform::Platform;
use crate::request::Response;
use crate::service::{ObjectError, Service};

/// The most keys of a request. Each is a request to the store, of which one on the free plan may make 50.
const MOST_KEYS: usize = 1_000;
/// So many are removed at once.
const AT_ONCE: usize = 6;

/// Removes objects, and tells of each.
pub(super) async fn delete<P: Platform>(service: &Service<'_, P>, signed: SignedBody) -> Result<Response, ObjectError> {
    let groups = groups(&service.receive_document(signed).await?)?;
    let is_quiet = groups.iter().any(|group| group.name == "Quiet" && group.text("") == Some("true"));
    let objects = groups.iter().filter(|group| group.name == "Object");
    let keys: Option<Vec<&str>> = objects.map(|object| object.text("Key")).collect();
    let keys = keys.filter(|keys| !keys.is_empty() && keys.len() <= MOST_KEYS);
    let keys = keys.ok_or_else(|| ObjectError::Xml(format!("it names 1 to {MOST_KEYS} objects, each by its Key")))?;
    let mut removed = Vec::new();
    for keys in keys.chunks(AT_ONCE) {
        let answers = join_all(keys.iter().map(|key| service.delete_model(key))).await;
        removed.extend(keys.iter().zip(answers));
    }
    Ok(document("DeleteResult", |xml| {
        for (key, answer) in &removed {
            match answer {
                Ok(()) if is_quiet => {}
                Ok(()) => xml.element("Deleted", |xml| xml.text("Key", key)),
                Err(error) => xml.element("Error", |xml| {
                    xml.text("Key", key);
                    xml.text("Code", named(error).0);
                    xml.text("Message", &error.to_string());
                }),
            }
        }
    }))
}
