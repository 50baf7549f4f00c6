//! Shadows and the variants that answered, compared on the same requests.

mod attempt;
mod kept;
mod outcomes;
mod report;
mod sums;

pub use attempt::{Attempt, Shadowed};
pub(super) use kept::count;
pub(super) use outcomes::{Paired, Pairing, forget, keep, paired};
pub use report::{Agreement, DifferenceOfScores, Disagreed, PairFailures, PairLine, Pairs, Said};
pub(super) use report::{lines, report};
pub use sums::{Differences, Disagreement, PairShare, PairSums};
