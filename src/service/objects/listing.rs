//! Lists of objects.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::object::{HIDDEN, Object, ObjectError};
use crate::platform::{Place, Platform};
use crate::service::Service;

/// The most entries of a page.
const MOST_KEYS: usize = 1_000;
/// The most pages of the store that one list takes: each is a request of its own.
const MOST_PAGES: usize = 20;
/// The most objects of a list that are read because nobody has said what they are.
const MOST_LOOKED_AT: usize = 20;

/// What is to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What keys begin with.
    pub prefix: String,
    /// What ends the part of a key behind the prefix that many have in common.
    pub delimiter: String,
    /// The most entries, keys and common prefixes together.
    pub most: usize,
    /// Only keys behind this one.
    pub after: String,
    /// Where the last page ended.
    pub token: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// By key, in order.
    pub objects: Vec<(String, Object)>,
    /// What several keys begin with, up to the delimiter.
    pub prefixes: Vec<String>,
    /// Where the next page begins; `None` at the end.
    pub token: Option<String>,
    /// The last key or prefix of the page.
    pub last: Option<String>,
}

/// Where a page ends: at which page of the store, and behind which key or common prefix.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    cursor: Option<String>,
    #[serde(rename = "a")]
    after: String,
}

impl Position {
    fn read(token: &str) -> Result<Self, ObjectError> {
        let read = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|text| serde_json::from_slice(&text).ok());
        read.ok_or_else(|| ObjectError::Argument("the continuation token is not one that was given here".to_owned()))
    }

    fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Whether a key was on a page before.
    fn is_past(&self, key: &str, delimiter: &str) -> bool {
        let in_common = !delimiter.is_empty() && self.after.ends_with(delimiter) && key.starts_with(&self.after);
        !self.after.is_empty() && (key <= self.after.as_str() || in_common)
    }
}

impl<P: Platform> Service<'_, P> {
    /// A page of a bucket's objects.
    ///
    /// # Errors
    /// If the token is none, or the store fails.
    pub async fn list_objects(&self, place: Place, listing: &Listing) -> Result<Listed, ObjectError> {
        let Listing { prefix, delimiter, most, after, token } = listing;
        let most = (*most).min(MOST_KEYS);
        let mut at = match token {
            Some(token) => Position::read(token)?,
            None => Position { cursor: None, after: after.clone() },
        };
        let mut listed = Listed::default();
        if most == 0 {
            return Ok(listed);
        }
        let mut looked_at = 0_usize;
        for _ in 0..MOST_PAGES {
            let page = self.platform.object_page(place, prefix, at.cursor.as_deref()).await?;
            for (key, told) in page.objects {
                let is_hidden = place == Place::Models && key.starts_with(HIDDEN);
                if is_hidden || at.is_past(&key, delimiter) {
                    continue;
                }
                let full = listed.objects.len().saturating_add(listed.prefixes.len()) >= most;
                let known = Object::told(told);
                let common = common_prefix(&key, prefix, delimiter);
                let too_many = common.is_none() && known.is_none() && looked_at >= MOST_LOOKED_AT;
                if full || too_many {
                    listed.token = Some(at.token());
                    return Ok(listed);
                }
                if let Some(common) = common {
                    common.clone_into(&mut at.after);
                    listed.prefixes.push(common.to_owned());
                } else {
                    key.clone_into(&mut at.after);
                    let object = match known {
                        Some(object) => object,
                        None => {
                            looked_at = looked_at.saturating_add(1);
                            match self.object(place, &key).await {
                                Ok(object) => object,
                                // It has gone meanwhile.
                                Err(ObjectError::NotFound(_)) => continue,
                                Err(error) => return Err(error),
                            }
                        }
                    };
                    listed.objects.push((key, object));
                }
                listed.last = Some(at.after.clone());
            }
            match page.cursor {
                None => return Ok(listed),
                cursor => at.cursor = cursor,
            }
        }
        listed.token = Some(at.token());
        Ok(listed)
    }
}

/// What a key has in common with others, up to the delimiter behind the prefix.
fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: &str) -> Option<&'k str> {
    if delimiter.is_empty() {
        return None;
    }
    let behind = key.strip_prefix(prefix)?;
    let end = behind.find(delimiter)?.checked_add(prefix.len())?.checked_add(delimiter.len())?;
    key.get(..end)
}
