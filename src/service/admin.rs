//! Changing weights through the API.

use subtle::ConstantTimeEq;

use super::Service;
use super::describe::described;
use crate::endpoint::{EndpointError, Name, Revision, Sha256, WeightChange};
use crate::error::{AdminError, Error};
use crate::platform::Platform;
use crate::protocol::Response;

/// The secret that lets its holder change weights.
const ADMIN_TOKEN: &str = "ADMIN_TOKEN";

impl<P: Platform> Service<'_, P> {
    /// Writes new weights into the endpoint's document, if it is still the one that the caller means, and serves it in
    /// this isolate at once; others follow within their time to live and the store's own delay.
    ///
    /// The store has no compare-and-set: two changes within its delay of each other may both be accepted, and the later
    /// one stays.
    pub(super) async fn set_weights(
        &self,
        name: &Name,
        authorization: Option<&str>,
        if_match: Option<&str>,
        body: &[u8],
    ) -> Result<Response, Error> {
        self.authorize(authorization)?;
        let if_match = if_match.ok_or(AdminError::NoRevision)?;
        let change = WeightChange::parse(body)?;
        let document = self.platform.read_endpoint(name).await?;
        let document = document.ok_or_else(|| Error::Endpoint(name.clone(), EndpointError::NotFound))?;
        let current = Revision::of(&document);
        if !matches(if_match, &current) {
            let given = if_match.chars().take(100).collect();
            return Err(AdminError::Conflict { given, current: current.as_str().to_owned() }.into());
        }
        let edited = change.apply(&document)?;
        self.platform.write_endpoint(name, &edited).await?;
        let now_ms = self.platform.now_ms();
        let served = self.isolate.endpoints.borrow_mut().store(name, Ok(Some(edited.into_bytes())), now_ms);
        let served = served.map_err(|error| Error::Endpoint(name.clone(), error))?;
        Ok(described(name, &served))
    }

    /// Digests are compared, in constant time, so that neither the token nor its length can be measured.
    fn authorize(&self, authorization: Option<&str>) -> Result<(), AdminError> {
        let expected =
            self.platform.secret(ADMIN_TOKEN).filter(|token| !token.is_empty()).ok_or(AdminError::Disabled)?;
        let (scheme, given) = authorization.and_then(|value| value.split_once(' ')).ok_or(AdminError::Unauthorized)?;
        let digest = |token: &str| Sha256::of(token.as_bytes()).0;
        let same = digest(given.trim()).ct_eq(&digest(&expected));
        if scheme.eq_ignore_ascii_case("bearer") && bool::from(same) { Ok(()) } else { Err(AdminError::Unauthorized) }
    }
}

/// Whether `If-Match` names the revision: an entity tag among others, or the star (RFC 9110, section 13.1.1).
fn matches(if_match: &str, current: &Revision) -> bool {
    if_match.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_matches('"') == current.as_str())
}
