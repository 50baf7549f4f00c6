//! Statistics: whether the traffic is split as it should be, and how good the variants are.

mod binomial;
mod classification;

pub use binomial::acceptance;
pub use classification::{Judgement, JudgementError, Roc, judge};
