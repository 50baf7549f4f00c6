//! What an isolate sends of its records.

use serde::{Deserialize, Serialize};

use super::capture::CaptureCounts;
use super::outcomes::KeptPrediction;
use super::pairs::{PairShare, Shadowed};
use super::sums::Sums;
use crate::assignment::Reason;

/// Sums of an isolate's records of one endpoint. Messages of an isolate are numbered; each counts once, however often and in
/// whatever order it comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Names the isolate.
    pub isolate: String,
    /// The number of this message, from 0 on.
    pub sequence: u64,
    /// Every message with a smaller number has been acknowledged, so that none of them will come again.
    pub settled: u64,
    /// The sums.
    pub shares: Vec<Share>,
    /// Units of sticky requests that this isolate has not sent before, by their revision and variant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<(String, String, String)>,
    /// Units of sticky requests that went wrong, while a policy may be running.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wronged: Vec<Wronged>,
    /// Predictions that are kept for their outcomes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<KeptPrediction>,
    /// What shadows made of requests, beside the variants that answered them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairShare>,
    /// The same by request, kept for the outcomes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadowed: Vec<Shadowed>,
    /// The revision that the isolate serves; absent where it serves none any more.
    pub revision: Option<String>,
    /// Which of the endpoint's changes that is, where the isolate was told.
    pub number: Option<u64>,
    /// Requests whose sums were dropped since the last message, for want of room.
    #[serde(default)]
    pub lost: u64,
    /// What became of captured lines since the last message.
    #[serde(default, skip_serializing_if = "CaptureCounts::is_empty")]
    pub captured: CaptureCounts,
}

/// A unit one of whose requests went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wronged {
    /// What went wrong.
    pub event: Event,
    /// The configuration that decided.
    pub revision: String,
    /// The variant that was chosen.
    pub variant: String,
    /// The first bits of the unit's hash, as [`unit_number`](super::unit_number) has them.
    pub unit: u64,
}

/// What can go wrong with a request that guardrails watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The variant failed.
    Error,
    /// An origin answered late.
    Slow,
}

/// Some of the sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Of what.
    pub of: Counted,
    /// How many of it.
    pub sums: Sums,
}

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The minute in which the requests came in, since the Unix epoch.
    pub minute: u64,
    /// The configuration that decided.
    pub revision: String,
    /// The variant that was chosen, though it may have failed; of [`Reason::Fallback`], the one that answered instead. Absent
    /// where none was chosen.
    pub variant: Option<String>,
    /// Why that one. The requests of [`Reason::Fallback`] stand under the variant that was chosen as well.
    pub reason: Option<Reason>,
}

/// Who is at fault where a request was not answered as it should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Who sent it.
    Caller,
    /// The variant that was to answer.
    Variant,
    /// Neither.
    Other,
}

impl Party {
    /// By the response's status.
    pub fn of_status(status: u16) -> Option<Self> {
        match status {
            // That is how protocols here tell of a variant.
            424 => Some(Party::Variant),
            400..=499 => Some(Party::Caller),
            500.. => Some(Party::Other),
            _ => None,
        }
    }
}
