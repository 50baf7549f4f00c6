//! Statistics: whether the traffic is split as it should be, how good the variants are, and which is better.

mod bandit;
#[cfg(feature = "serve")]
mod effects;
#[cfg(feature = "serve")]
mod fixed;
#[cfg(feature = "serve")]
mod look;
mod mismatch;
#[cfg(feature = "serve")]
mod odds;
#[cfg(all(test, not(target_arch = "wasm32"), feature = "serve"))]
mod oracles;
#[cfg(feature = "serve")]
mod pairs;
mod posterior;
#[cfg(feature = "serve")]
mod quality;
#[cfg(feature = "serve")]
mod regret;
mod sequential;

pub use bandit::{Arm, Method, propose, with_floor};
#[cfg(feature = "serve")]
pub use effects::{Effects, Estimate, Sums};
#[cfg(feature = "serve")]
pub use fixed::{Comparison, Mean, welch};
#[cfg(feature = "serve")]
pub use look::{LEAST_UNITS, Look, TUNED_FOR_UNITS, Tuning};
pub use mismatch::{ALPHA, CONCENTRATION, Mismatch, Segment, SharesError, acceptance_always};
#[cfg(feature = "serve")]
pub use odds::{MOST_TIMES, Trials, log_e_of_odds, log_e_of_odds_since_any, ratio_estimate};
#[cfg(feature = "serve")]
pub use pairs::{McNemar, PairedSums};
pub use posterior::{Posterior, best, top_two};
#[cfg(feature = "serve")]
pub use quality::{Area, CalibrationBin, Confusion, Numbers, OneClass, Roc, Scores, brier, log_loss};
#[cfg(feature = "serve")]
pub use regret::{regret, rewards};
pub use sequential::{Mixture, p_value, rate_always};
