//! `If-Match`: which revision a change is of.

use http::header::{IF_MATCH, IF_NONE_MATCH};

use crate::experiment::Condition;
use crate::request::Request;
use crate::service::RevisionError;

/// The entity tags that the request names, or the star (RFC 9110, section 13.1.1).
///
/// Weak tags are taken for strong ones: a revision is a digest of the document, and Cloudflare's front weakens the tags of
/// responses that it compresses.
///
/// # Errors
/// If the request has no `If-Match`.
pub(super) fn condition(request: &Request) -> Result<Condition, RevisionError> {
    let header = request.header(IF_MATCH).ok_or(RevisionError::Missing)?;
    let tags: Vec<&str> = header.split(',').map(str::trim).collect();
    if tags.contains(&"*") {
        return Ok(Condition::Any);
    }
    let revision = |tag: &&str| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned();
    Ok(Condition::OneOf(tags.iter().map(revision).collect()))
}

/// The same, or that there must be none: `If-None-Match: *`.
///
/// # Errors
/// If the request has neither.
pub(super) fn condition_or_absence(request: &Request) -> Result<Condition, RevisionError> {
    if request.header(IF_NONE_MATCH).is_some_and(|header| header.trim() == "*") {
        return Ok(Condition::Absent);
    }
    condition(request)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn of(header: &'static str) -> Condition {
        let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static(header))]);
        condition(&Request { headers, ..Request::default() }).unwrap()
    }

    #[test]
    fn tags_strong_and_weak_and_the_star() {
        let some = |revisions: &[&str]| Condition::OneOf(revisions.iter().map(|tag| (*tag).to_owned()).collect());
        assert_eq!(of("\"abc\""), some(&["abc"]));
        assert_eq!(of("W/\"abc\", \"def\""), some(&["abc", "def"]));
        assert_eq!(of("*"), Condition::Any);
        assert_eq!(condition(&Request::default()), Err(RevisionError::Missing));
    }
}
