//! Statistics: whether the traffic is split as it should be, and how good the variants are.

mod classification;
mod mismatch;

pub use classification::{Judgement, JudgementError, Roc, judge};
pub use mismatch::{ALPHA, CONCENTRATION, Mismatch, Segment, SharesError, acceptance_always};
