//! Inference ids that say what they are of, and cannot be forged.
//!
//! An id is base64url (RFC 4648, section 5, without padding) of at most 48 bytes, which is 64 characters. Numbers are big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | flags, from the highest bit on: version (2 bits, 01); reason (2 bits: 0 target, 1 sticky, 2 weighted); whether a unit follows (1 bit); what was predicted (2 bits: 0 nothing that is told, 1 a class, 2 a class and a score, 3 a number); whether the fallback answered (1 bit) |
//! | 1 | whether the variant that was assigned failed a request of one row and nobody answered (the highest bit); its position in the revision's document (7 bits: a document has at most 100) |
//! | 1 | the number of the segment, from 1 on; 0 is none |
//! | 5 | when the request came in: milliseconds since 2026-01-01T00:00:00Z |
//! | 4 | a random number, which tells ids of one millisecond apart |
//! | 4 | the propensity, as a single |
//! | 6 | the revision |
//! | 6 | the first bits of the unit's hash, where the flags say so |
//! | 4 | the class that was predicted: the first bytes of SHA-256 of its text, where the flags say so |
//! | 4 | the score, as a single, where the flags say so |
//! | 8 | the number that was predicted, as a double, where the flags say so |
//! | 12 | the first bytes of HMAC-SHA-256, under the key, of `turnout inference id`, a line feed, the endpoint's name, a line feed, and all bytes before |
//!
//! `tests/vectors/inference_id.py` reads them; `tests/vectors/inference_ids.json` has some.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::assignment::Reason;
use crate::endpoint::Name;
use crate::payload::Predicted;

/// 2026-01-01T00:00:00Z, in milliseconds since the Unix epoch.
const EPOCH_MS: u64 = 1_767_225_600_000;
const MAC_BYTES: usize = 12;
const VERSION: u8 = 1;
/// In the byte of the variant.
const UNANSWERED: u8 = 1 << 7;

/// What an inference id says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// When the request came in, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Tells ids of one millisecond apart.
    pub nonce: u32,
    /// The configuration that decided.
    pub revision: String,
    /// The position of the variant that was assigned, in that configuration.
    pub variant: u8,
    /// The number of the segment, from 1 on; 0 is none.
    pub segment: u8,
    /// With which probability it was assigned.
    pub propensity: f64,
    /// Why it was.
    pub reason: Reason,
    /// Whether it failed, and the fallback answered in its place.
    pub stood_in: bool,
    /// Whether it failed a request of one row, and nobody answered.
    #[serde(default)]
    pub unanswered: bool,
    /// The first 48 bits of the unit's hash.
    pub unit: Option<u64>,
    /// What was predicted, for a single row.
    pub predicted: Option<Predicted>,
}

/// Keys that ids are signed with: the newest signs, all are taken.
#[derive(Clone)]
pub struct IdKeys {
    newest: Hmac<Sha256>,
    before: Option<Hmac<Sha256>>,
}

/// A secret is too short to be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has fewer than {} characters, so that it could be guessed: make one with `openssl rand -hex 32`",
    IdKeys::LEAST_BYTES
)]
pub struct WeakKey;

/// Why an id is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has another form.
    #[error("this is no id of a response")]
    Form,
    /// It has the form, and was not made for this endpoint with a key that is known.
    #[error("this id was not given by this endpoint, or with a key that has been taken back")]
    Forged,
}

impl fmt::Debug for IdKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKeys")
    }
}

impl IdKeys {
    /// The fewest bytes of a key.
    const LEAST_BYTES: usize = 32;

    /// From the secrets: the newest, and the one before it while ids that it signed may come.
    ///
    /// # Errors
    /// If one is too short.
    pub fn new(newest: &str, before: Option<&str>) -> Result<Self, WeakKey> {
        let key = |secret: &str| {
            let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok();
            keyed.filter(|_| secret.len() >= Self::LEAST_BYTES).ok_or(WeakKey)
        };
        Ok(IdKeys { newest: key(newest)?, before: before.map(key).transpose()? })
    }

    /// The id that says all this.
    pub fn sign(&self, endpoint: &Name, claims: &Claims) -> String {
        let mut bytes = claims.to_bytes();
        let mac = mac(&self.newest, endpoint, &bytes);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What an id says.
    ///
    /// # Errors
    /// If it is none, or not of this endpoint.
    pub fn verify(&self, endpoint: &Name, id: &str) -> Result<Claims, IdError> {
        let bytes = URL_SAFE_NO_PAD.decode(id).map_err(|_| IdError::Form)?;
        let (said, given) = bytes.split_last_chunk::<MAC_BYTES>().ok_or(IdError::Form)?;
        // The form is no secret.
        let claims = Claims::of_bytes(said).ok_or(IdError::Form)?;
        let is_by = |key: &Hmac<Sha256>| bool::from(mac(key, endpoint, said).ct_eq(given));
        let is_ours = is_by(&self.newest) || self.before.as_ref().is_some_and(is_by);
        if is_ours { Ok(claims) } else { Err(IdError::Forged) }
    }
}

fn mac(key: &Hmac<Sha256>, endpoint: &Name, said: &[u8]) -> [u8; MAC_BYTES] {
    let mut mac = key.clone();
    for part in [b"turnout inference id\n".as_slice(), endpoint.as_str().as_bytes(), b"\n", said] {
        mac.update(part);
    }
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    whole.first_chunk().copied().unwrap_or_default()
}

/// The 48 bits of a hash that ids have; `None` of what is no hash.
pub fn unit_bits(hash: &str) -> Option<u64> {
    u64::from_str_radix(hash.get(..12)?, 16).ok()
}

impl Claims {
    fn to_bytes(&self) -> Vec<u8> {
        let reason = match self.reason {
            Reason::Target => 0,
            Reason::Sticky => 1,
            // What a fallback stands in for was assigned otherwise; see `stood_in`.
            Reason::Weighted | Reason::Fallback | Reason::Shadow => 2,
        };
        let kind = match self.predicted {
            None => 0,
            Some(Predicted::Class { score: None, .. }) => 1,
            Some(Predicted::Class { score: Some(_), .. }) => 2,
            Some(Predicted::Number(_)) => 3,
        };
        let flags =
            VERSION << 6 | reason << 4 | u8::from(self.unit.is_some()) << 3 | kind << 1 | u8::from(self.stood_in);
        let variant = self.variant & !UNANSWERED | if self.unanswered { UNANSWERED } else { 0 };
        let mut bytes = vec![flags, variant, self.segment];
        let last = |number: u64, count: usize| -> Vec<u8> {
            number.to_be_bytes().into_iter().skip(8usize.saturating_sub(count)).collect()
        };
        bytes.extend(last(self.time_ms.saturating_sub(EPOCH_MS), 5));
        bytes.extend(self.nonce.to_be_bytes());
        bytes.extend((self.propensity as f32).to_be_bytes());
        bytes.extend(last(u64::from_str_radix(&self.revision, 16).unwrap_or_default(), 6));
        if let Some(unit) = self.unit {
            bytes.extend(last(unit, 6));
        }
        match self.predicted {
            None => {}
            Some(Predicted::Class { class, score }) => {
                bytes.extend(class.to_be_bytes());
                bytes.extend(score.iter().flat_map(|score| (*score as f32).to_be_bytes()));
            }
            Some(Predicted::Number(number)) => bytes.extend(number.to_be_bytes()),
        }
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let [flags, variant, segment] = take(&mut rest)?;
        let (variant, unanswered) = (variant & !UNANSWERED, variant & UNANSWERED != 0);
        let whole = |bytes: &[u8]| bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let reason = match flags >> 4 & 3 {
            0 => Reason::Target,
            1 => Reason::Sticky,
            2 => Reason::Weighted,
            _ => return None,
        };
        let time_ms = whole(&take::<5>(&mut rest)?).saturating_add(EPOCH_MS);
        let nonce = u32::from_be_bytes(take(&mut rest)?);
        let propensity = f64::from(f32::from_be_bytes(take(&mut rest)?));
        let revision = format!("{:012x}", whole(&take::<6>(&mut rest)?));
        let unit = match flags >> 3 & 1 {
            0 => None,
            _ => Some(whole(&take::<6>(&mut rest)?)),
        };
        let mut class = || Some(u32::from_be_bytes(take(&mut rest)?));
        let predicted = match flags >> 1 & 3 {
            0 => None,
            1 => Some(Predicted::Class { class: class()?, score: None }),
            2 => {
                let class = class()?;
                Some(Predicted::Class { class, score: Some(f64::from(f32::from_be_bytes(take(&mut rest)?))) })
            }
            _ => Some(Predicted::Number(f64::from_be_bytes(take(&mut rest)?))),
        };
        let stood_in = flags & 1 == 1;
        // Who got the fallback's answer, or any prediction, got one.
        let is_one = !(unanswered && (stood_in || predicted.is_some()));
        let is_whole = flags >> 6 == VERSION && rest.is_empty() && is_one;
        is_whole.then_some(Claims {
            time_ms,
            nonce,
            revision,
            variant,
            segment,
            propensity,
            reason,
            stood_in,
            unanswered,
            unit,
            predicted,
        })
    }
}

/// Takes the first bytes off.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn name(text: &str) -> Name {
        Name::try_from(text).unwrap()
    }

    fn claims() -> impl Strategy<Value = Claims> {
        let predicted = prop_oneof![
            Just(None),
            (any::<u32>(), proptest::option::of(any::<f32>())).prop_map(|(class, score)| {
                Some(Predicted::Class { class, score: score.filter(|score| !score.is_nan()).map(f64::from) })
            }),
            any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(|n| Some(Predicted::Number(n))),
        ];
        let reason = prop_oneof![Just(Reason::Target), Just(Reason::Sticky), Just(Reason::Weighted)];
        let numbers = (any::<u32>(), 0u8..128, any::<u8>(), 0u64..1 << 40, 0.0f32..=1.0, 0u64..1 << 48);
        let failed = prop_oneof![Just((false, false)), Just((true, false)), Just((false, true))];
        (numbers, reason, failed, proptest::option::of(0u64..1 << 48), predicted).prop_map(
            |((nonce, variant, segment, time, propensity, revision), reason, failed, unit, predicted)| Claims {
                time_ms: EPOCH_MS + time,
                nonce,
                revision: format!("{revision:012x}"),
                variant,
                segment,
                propensity: f64::from(propensity),
                reason,
                stood_in: failed.0,
                unanswered: failed.1,
                unit,
                predicted: predicted.filter(|_| !failed.1),
            },
        )
    }

    #[derive(Deserialize)]
    struct Vector {
        key: String,
        endpoint: String,
        id: String,
        claims: Claims,
    }

    #[test]
    fn ids_are_as_they_are_documented() {
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../../tests/vectors/inference_ids.json")).unwrap();
        assert!(vectors.len() >= 9);
        for Vector { key, endpoint, id, claims } in vectors {
            let keys = IdKeys::new(&key, None).unwrap();
            assert_eq!(keys.sign(&name(&endpoint), &claims), id);
            assert_eq!(keys.verify(&name(&endpoint), &id), Ok(claims));
        }
    }

    #[test]
    fn an_id_of_what_nobody_answered_tells_of_no_answer() {
        let keys = IdKeys::new(KEY, None).unwrap();
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../../tests/vectors/inference_ids.json")).unwrap();
        for Vector { claims, .. } in vectors {
            let is_one = !claims.stood_in && claims.predicted.is_none();
            let id = keys.sign(&name("e"), &Claims { unanswered: true, ..claims });
            assert_eq!(keys.verify(&name("e"), &id).is_ok(), is_one, "{id}");
        }
    }

    #[test]
    fn keys_are_rotated_two_at_a_time_and_are_no_words() {
        let (old, new) = (IdKeys::new(KEY, None).unwrap(), "f".repeat(32));
        let claims = Claims {
            time_ms: EPOCH_MS,
            nonce: 1,
            revision: "0".repeat(12),
            variant: 0,
            segment: 0,
            propensity: 0.5,
            reason: Reason::Weighted,
            stood_in: false,
            unanswered: false,
            unit: None,
            predicted: None,
        };
        let id = old.sign(&name("e"), &claims);
        assert_eq!(IdKeys::new(&new, Some(KEY)).unwrap().verify(&name("e"), &id), Ok(claims.clone()));
        assert_eq!(IdKeys::new(&new, None).unwrap().verify(&name("e"), &id), Err(IdError::Forged));
        assert_eq!(old.verify(&name("f"), &id), Err(IdError::Forged));
        assert!(IdKeys::new("short", None).is_err() && IdKeys::new(KEY, Some("short")).is_err());
        for strange in ["", "abc", "0123456789abcdef0123456789abcdef", "\u{e9}", &"A".repeat(64), &format!("{id}A")] {
            assert_eq!(old.verify(&name("e"), strange), Err(IdError::Form), "{strange}");
        }
    }

    proptest! {
        #[test]
        fn an_id_says_what_was_signed_in_64_characters(claims in claims()) {
            let keys = IdKeys::new(KEY, None).unwrap();
            let id = keys.sign(&name("churn"), &claims);
            prop_assert!(id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(keys.verify(&name("churn"), &id), Ok(claims));
        }

        #[test]
        fn a_bit_that_is_changed_is_seen(claims in claims(), at in any::<proptest::sample::Index>(), bit in 0..8u8) {
            let keys = IdKeys::new(KEY, None).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(keys.sign(&name("churn"), &claims)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(keys.verify(&name("churn"), &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let keys = IdKeys::new(KEY, None).unwrap();
            prop_assert!(keys.verify(&name("churn"), &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }
    }
}
