//! Who may: bearer tokens, and AWS's signatures.

mod canonical;
mod compare;
mod sigv4;

pub use sigv4::SignatureError;

use compare::same;

use crate::endpoint::{Access, SecretName};
use crate::platform::{Clock, Secrets};
use crate::request::Request;

/// The secret that is the administrator's bearer token.
const ADMIN_TOKEN: &str = "ADMIN_TOKEN";
/// The name of the administrator's key.
const ADMIN_KEY: &str = "ADMIN";

/// Why somebody may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// What the caller should prove to know is not set, so nobody may.
    #[error("the secret {0} is not set, so nobody may")]
    Unset(String),
    /// The request carries no credentials.
    #[error("the request carries no credentials")]
    Missing,
    /// The bearer token is another.
    #[error("the bearer token is wrong")]
    Token,
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Whether the request may be answered, by what the endpoint says.
///
/// # Errors
/// If it may not.
pub fn allow<P: Secrets + Clock>(platform: &P, access: &Access, request: &Request) -> Result<(), AccessError> {
    match access {
        Access::Open => Ok(()),
        Access::Bearer(name) => bearer(request, secret(platform, name.as_str())?),
        Access::SigV4(name) => signed(platform, name.as_str(), request),
    }
}

/// Whether the request comes from the administrator: by token, or by signature.
///
/// # Errors
/// If it does not.
pub fn allow_admin<P: Secrets + Clock>(platform: &P, request: &Request) -> Result<(), AccessError> {
    if request.is_signed() {
        signed(platform, ADMIN_KEY, request)
    } else {
        bearer(request, secret(platform, ADMIN_TOKEN)?)
    }
}

/// The access of an endpoint that is made by a client that signs: the administrator alone.
pub fn administrators() -> Option<Access> {
    SecretName::try_from(ADMIN_KEY.to_owned()).ok().map(Access::SigV4)
}

fn secret<P: Secrets>(platform: &P, name: &str) -> Result<String, AccessError> {
    platform.secret(name).filter(|secret| !secret.is_empty()).ok_or_else(|| AccessError::Unset(name.to_owned()))
}

fn bearer(request: &Request, expected: String) -> Result<(), AccessError> {
    let authorization = request.header("authorization").ok_or(AccessError::Missing)?;
    let (scheme, given) = authorization.split_once(' ').ok_or(AccessError::Token)?;
    let same = same(given.trim(), &expected);
    if scheme.eq_ignore_ascii_case("bearer") && same { Ok(()) } else { Err(AccessError::Token) }
}

fn signed<P: Secrets + Clock>(platform: &P, name: &str, request: &Request) -> Result<(), AccessError> {
    let id = secret(platform, &format!("{name}_ACCESS_KEY_ID"))?;
    let secret = secret(platform, &format!("{name}_SECRET_ACCESS_KEY"))?;
    if !request.is_signed() {
        return Err(AccessError::Missing);
    }
    Ok(sigv4::verify(request, &sigv4::Key { id, secret }, platform.now_ms())?)
}
