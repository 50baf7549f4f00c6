//! Telling somebody elsewhere what a policy did.
//!
//! As Standard Webhooks 1.0 has it (<https://www.standardwebhooks.com>), so that its libraries check the signature: the body is
//! signed with HMAC-SHA-256 together with an id, which stays the same when it is sent again, and the time of sending.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use url::Url;

use super::controller::Controller;
use super::policy::{self, Notice};
use crate::platform::{Clock, Database, DatabaseError, Engines, Exchange, HttpCall, Log, Secrets, Store, Timer};

/// How long the other side has for its answer, in milliseconds.
const LIMIT_MS: f64 = 10_000.0;
/// Nobody reads what it answers.
const MOST_ANSWER_BYTES: usize = 1 << 16;
/// What a secret begins with that is written as base64.
const BASE64: &str = "whsec_";

impl<P: Store + Engines + Timer + Clock + Log + Exchange + Secrets, D: Database> Controller<'_, P, D> {
    /// Sends what is due, one after the other. What does not arrive is sent again later. Not to be called while another call
    /// lasts: it would be sent twice.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tell(&self) -> Result<(), DatabaseError> {
        while let Some(notice) = policy::due(self.database, self.platform.now_ms())? {
            match self.send(&notice).await {
                Ok(()) => policy::forget(self.database, notice.number)?,
                Err(problem) => {
                    let again = policy::put_off(self.database, &notice, self.platform.now_ms())?;
                    let then = if again { "it is sent again later" } else { "it is given up" };
                    self.platform.warn(&format!(
                        "notice {} of endpoint `{}` did not arrive: {problem}; {then}",
                        notice.number, self.endpoint
                    ));
                }
            }
        }
        Ok(())
    }

    async fn send(&self, notice: &Notice) -> Result<(), String> {
        let url = Url::parse(&notice.url).map_err(|error| error.to_string())?;
        let secret = self.platform.secret(&notice.secret);
        let secret = secret.ok_or_else(|| format!("the secret {} is not set", notice.secret))?;
        let id = format!("{}-{}", self.endpoint, notice.number);
        let headers = headers(&secret, &id, self.platform.now_ms(), &notice.body)?;
        let body = notice.body.as_bytes();
        let call = HttpCall { url: &url, headers: &headers, body, limit_ms: LIMIT_MS, max_bytes: MOST_ANSWER_BYTES };
        match self.platform.exchange(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("it answered with status {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The headers of a notice, its signature among them.
fn headers(secret: &str, id: &str, now_ms: f64, body: &str) -> Result<HeaderMap, String> {
    let key = match secret.strip_prefix(BASE64) {
        Some(text) => STANDARD.decode(text).map_err(|_| format!("what follows {BASE64} in the secret is no base64"))?,
        None => secret.as_bytes().to_vec(),
    };
    let seconds = (now_ms / 1000.0).max(0.0) as u64;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| error.to_string())?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let mut headers = HeaderMap::new();
    let named = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    for (name, value) in named {
        let value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// The example of Standard Webhooks' own libraries.
    #[test]
    fn notices_are_signed_as_standard_webhooks_has_it() {
        let headers = headers(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330_000.0,
            r#"{"test": 2432232314}"#,
        )
        .unwrap();
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
    }
}
