//! What proposed shares lose on made-up rewards, by which they are compared with other implementations.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

use super::bandit::{Arm, Method, propose, with_floor};
use super::posterior::Posterior;

/// Shares are proposed anew so many times.
const BATCHES: u32 = 20;
/// After so many decisions.
const BATCH: u32 = 500;

/// Which arms have a reward at one decision after another, as `tests/vectors/policy.py` makes them: the next output of
/// splitmix64 for each arm, as a number in [0, 1) that is below the arm's rate.
pub fn rewards(rates: &[f64], seed: u64) -> impl FnMut() -> Vec<bool> {
    let mut random = SplitMix64::from_seed(seed.to_le_bytes());
    move || rates.iter().map(|rate| uniform(random.next_u64()) < *rate).collect()
}

/// What is lost to the best arm in 10,000 decisions (the sum of the rates' differences), by shares that are proposed anew after
/// every 500.
pub fn regret(method: Method, rates: &[f64], floor: f64, seed: u64) -> f64 {
    let mut rewards = rewards(rates, seed);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sums = vec![(0.0, 0.0); rates.len()];
    let best_rate = rates.iter().copied().fold(0.0, f64::max);
    let mut lost = 0.0;
    for _ in 0..BATCHES {
        let arms: Vec<Arm> = sums.iter().map(|(successes, outcomes)| arm(*successes, *outcomes)).collect();
        let shares = with_floor(&propose(method, &arms), floor);
        for _ in 0..BATCH {
            let mut left = uniform(random.next_u64());
            let is_chosen = |share: &f64| {
                left -= share;
                left < 0.0
            };
            let chosen = shares.iter().position(is_chosen).unwrap_or(rates.len().saturating_sub(1));
            let is_rewarded = rewards().get(chosen).copied().unwrap_or(false);
            if let Some((successes, outcomes)) = sums.get_mut(chosen) {
                *successes += f64::from(u8::from(is_rewarded));
                *outcomes += 1.0;
            }
            lost += best_rate - rates.get(chosen).copied().unwrap_or(best_rate);
        }
    }
    lost
}

/// An arm of rewards that come or do not.
pub(super) fn arm(successes: f64, outcomes: f64) -> Arm {
    let posterior = Posterior::Beta { a: 1.0 + successes, b: 1.0 + outcomes - successes };
    Arm { posterior, mean: if outcomes > 0.0 { successes / outcomes } else { 0.0 }, outcomes }
}

fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
