//! Statistics: whether the traffic is split as it should be, and how good the variants are.

mod binomial;
mod classification;
mod mismatch;

pub use binomial::acceptance;
pub use classification::{Judgement, JudgementError, Roc, judge};
pub use mismatch::{ALPHA, CONCENTRATION, Mismatch, Segment, SharesError, acceptance_always};
