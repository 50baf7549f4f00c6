//! Authorization: bearer tokens, and AWS's signatures.

mod canonical;
mod compare;
mod mac;
mod signed_body;
mod sigv4;

pub use mac::hex;
pub use signed_body::{BodyCheck, BodyError, SignedBody, Trailer};
pub use sigv4::SignatureError;

use compare::same;

use crate::endpoint::{Access, SecretName};
use crate::experiment::Author;
use crate::platform::{Clock, Secrets};
use crate::request::Request;

/// The secret that is the administrator's bearer token.
const ADMIN_TOKEN: &str = "ADMIN_TOKEN";
/// The name of the administrator's key.
const ADMIN_KEY: SecretName = SecretName::from_static("ADMIN");

/// The name of a key for the bucket of models, and nothing else.
const MODELS_KEY: SecretName = SecretName::from_static("MODELS");

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The secret that the caller should know is not set, so every request is refused.
    #[error("the secret {0} is not set, so every request is refused")]
    Unset(String),
    /// The request carries no credentials.
    #[error("the request carries no credentials")]
    Missing,
    /// The bearer token is wrong.
    #[error("the bearer token is wrong")]
    Token,
    /// The signature is refused.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Checks a request against the access that its endpoint gives.
///
/// # Errors
/// If it is refused.
pub fn allow<P: Secrets + Clock>(platform: &P, access: &Access, request: &Request) -> Result<(), AccessError> {
    match access {
        Access::Open => Ok(()),
        Access::Bearer(name) => bearer(request, secret(platform, name.as_str())?),
        Access::SigV4(name) => signed(platform, name, request),
    }
}

/// Checks that a request comes from the administrator, by token or by signature, and tells which.
///
/// # Errors
/// If it is refused.
pub fn allow_admin<P: Secrets + Clock>(platform: &P, request: &Request) -> Result<Author, AccessError> {
    if request.is_signed() {
        signed(platform, &ADMIN_KEY, request)?;
        Ok(Author::Key(secret(platform, &format!("{}_ACCESS_KEY_ID", ADMIN_KEY.as_str()))?))
    } else {
        bearer(request, secret(platform, ADMIN_TOKEN)?)?;
        Ok(Author::Token)
    }
}

/// Checks that a request to a bucket comes from the administrator, by token or by signature, or, where `models` says so, from
/// who has the key of the models. What its body has to be is checked while it is read.
///
/// # Errors
/// If it is refused.
pub fn allow_bucket<P: Secrets + Clock>(
    platform: &P,
    models: bool,
    request: &Request,
) -> Result<SignedBody, AccessError> {
    if !request.is_signed() {
        bearer(request, secret(platform, ADMIN_TOKEN)?)?;
        return Ok(SignedBody::Plain(None));
    }
    let of_models = key(platform, &MODELS_KEY)
        .ok()
        .filter(|key| models && sigv4::key_id(request).is_some_and(|given| same(given, &key.id)));
    let key = of_models.map_or_else(|| key(platform, &ADMIN_KEY), Ok)?;
    Ok(sigv4::verify_object(request, &key, platform.now_ms())?)
}

/// The access of an endpoint that is made by a client that signs: the administrator alone.
pub fn administrators() -> Access {
    Access::SigV4(ADMIN_KEY)
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

fn signed<P: Secrets + Clock>(platform: &P, name: &SecretName, request: &Request) -> Result<(), AccessError> {
    let key = key(platform, name)?;
    if !request.is_signed() {
        return Err(AccessError::Missing);
    }
    Ok(sigv4::verify(request, &key, platform.now_ms())?)
}

fn key<P: Secrets>(platform: &P, name: &SecretName) -> Result<sigv4::Key, AccessError> {
    let name = name.as_str();
    let id = secret(platform, &format!("{name}_ACCESS_KEY_ID"))?;
    let secret = secret(platform, &format!("{name}_SECRET_ACCESS_KEY"))?;
    Ok(sigv4::Key { id, secret })
}
