//! Sticky assignment: where a request carries its unit, and the salt of the hash.

use serde::{Deserialize, Serialize};

/// Sticky assignment: where the unit comes from, and the salt of its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "assignment", try_from = "StickinessDocument")]
pub struct Stickiness {
    /// Where a request carries its unit.
    pub unit: UnitSource,
    /// Part of the hash, so that endpoints with different salts assign independently of each other.
    pub salt: Salt,
    /// Whether a caller without the cookie is given one, so that the next request finds the same variant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub issue: bool,
}

/// Sticky assignment as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "assignment")]
struct StickinessDocument {
    unit: UnitSource,
    salt: Salt,
    #[serde(default)]
    issue: bool,
}

/// A header cannot be given to a caller.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`issue` gives callers a cookie, and the unit is a header: name a cookie as the unit, or leave `issue` out")]
pub struct IssueError;

impl TryFrom<StickinessDocument> for Stickiness {
    type Error = IssueError;

    fn try_from(StickinessDocument { unit, salt, issue }: StickinessDocument) -> Result<Self, IssueError> {
        match unit {
            UnitSource::Header(_) if issue => Err(IssueError),
            _ => Ok(Stickiness { unit, salt, issue }),
        }
    }
}

/// Where a request carries its unit: `{"header": NAME}` or `{"cookie": NAME}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitSource {
    /// A request header, by name.
    Header(Token),
    /// A cookie, by name.
    Cookie(Token),
}

/// An HTTP token (RFC 9110, section 5.6.2): the name of a header or a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);

/// A salt: 1 to 200 characters, none of them a control character (the hash separates its parts by line feeds).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(String);

/// Why a text is not a [`Token`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not the name of a header or cookie: use letters, digits and any of !#$%&'*+-.^_`|~")]
pub struct TokenError(String);

/// Why a text is not a [`Salt`].
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a salt has 1 to 200 characters and no control characters: write, for example, \"churn-2026-11\"")]
pub struct SaltError;

impl Token {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Token {
    type Error = TokenError;

    fn try_from(name: String) -> Result<Self, TokenError> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if (1..=128).contains(&name.len()) && name.bytes().all(is_token) {
            Ok(Token(name))
        } else {
            Err(TokenError(name.chars().take(80).collect()))
        }
    }
}

impl From<Token> for String {
    fn from(name: Token) -> String {
        name.0
    }
}

impl Salt {
    /// The salt as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Salt {
    type Error = SaltError;

    fn try_from(salt: String) -> Result<Self, SaltError> {
        let good = (1..=200).contains(&salt.chars().count()) && !salt.chars().any(char::is_control);
        if good { Ok(Salt(salt)) } else { Err(SaltError) }
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> String {
        salt.0
    }
}
