//! Which shares of the traffic the variants should have, by what is known of them.
//!
//! What a method proposes are shares, not choices, and they change in batches: each is a weight that is known before the requests
//! that it decides on, and every record says with which probability its variant was chosen. So the verdict holds whatever the
//! proposals were made from, and labels may come late.

use super::posterior::{Posterior, best, normalised, top_two};

/// A variant, by what is to be large: the caller turns round what is to be small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// What is known of its figure. Thompson sampling reads it.
    pub posterior: Posterior,
    /// The figure as it was seen. The others read it.
    pub mean: f64,
    /// Of how many outcomes.
    pub outcomes: f64,
}

/// How shares are proposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The probability of being the best. Loses little to the worse while it learns.
    Thompson,
    /// Half to the best, half to the best of the others, as [`top_two`] has it. Learns sooner which is the best.
    TopTwo,
    /// Most to the best so far, and `epsilon` evenly to all (Sutton and Barto, "Reinforcement Learning", 2018, 2.2).
    EpsilonGreedy {
        /// The part that is spread.
        epsilon: f64,
    },
    /// Most to the one that may be the best yet (Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit
    /// problem", 2002), and `explore` evenly to all, as it would choose one for sure.
    Ucb1 {
        /// How wide "may be" is: 1 in that paper.
        alpha: f64,
        /// The part that is spread.
        explore: f64,
    },
}

/// The share that each arm should have. They sum to 1.
///
/// ```
/// use turnout::statistics::{Arm, Method, Posterior, propose, with_floor};
/// let arm = |successes: f64, outcomes: f64| Arm {
///     posterior: Posterior::Beta { a: 1.0 + successes, b: 1.0 + outcomes - successes },
///     mean: successes / outcomes,
///     outcomes,
/// };
/// let arms = [arm(30.0, 100.0), arm(40.0, 100.0)];
/// let shares = with_floor(&propose(Method::Thompson, &arms), 0.05);
/// assert!((shares[0] - (0.05 + 0.9 * 0.0701506409)).abs() < 1e-9);
/// let shares = propose(Method::EpsilonGreedy { epsilon: 0.1 }, &arms);
/// assert!((shares[1] - 0.95).abs() < 1e-12);
/// ```
pub fn propose(method: Method, arms: &[Arm]) -> Vec<f64> {
    let probabilities = || best(&arms.iter().map(|arm| arm.posterior).collect::<Vec<_>>());
    match method {
        Method::Thompson => probabilities(),
        Method::TopTwo => top_two(&probabilities(), 0.5),
        Method::EpsilonGreedy { epsilon } => with_spread(&arms.iter().map(|arm| arm.mean).collect::<Vec<_>>(), epsilon),
        Method::Ucb1 { alpha, explore } => with_spread(&ucb1(arms, alpha), explore),
    }
}

/// The index that UCB1 takes the largest of: mean + alpha sqrt(2 ln N / n), infinite where there is no outcome.
pub(crate) fn ucb1(arms: &[Arm], alpha: f64) -> Vec<f64> {
    let all: f64 = arms.iter().map(|arm| arm.outcomes).sum();
    let index = |arm: &Arm| {
        if arm.outcomes > 0.0 {
            arm.mean + alpha * (2.0 * all.max(1.0).ln() / arm.outcomes).sqrt()
        } else {
            f64::INFINITY
        }
    };
    arms.iter().map(index).collect()
}

/// All to the largest, but a part that all share. Those that are equal share.
fn with_spread(figures: &[f64], part: f64) -> Vec<f64> {
    let largest = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let greedy = figures.iter().map(|figure| f64::from(u8::from(*figure == largest))).collect();
    with_floor(&normalised(greedy), part / figures.len() as f64)
}

/// Shares of which none is below `floor`, which every one gets before the rest is given out: f + (1 - K f) p_i, as GrowthBook
/// does it. Shares that are raised to a floor and then scaled to 1 would be below it again.
///
/// A floor above 1/K counts as 1/K.
pub fn with_floor(shares: &[f64], floor: f64) -> Vec<f64> {
    let even = 1.0 / shares.len() as f64;
    let floor = floor.max(0.0).min(even);
    let rest = (1.0 - floor / even).max(0.0);
    shares.iter().map(|share| floor + rest * share).collect()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arm(successes: f64, outcomes: f64) -> Arm {
        let posterior = Posterior::Beta { a: 1.0 + successes, b: 1.0 + outcomes - successes };
        Arm { posterior, mean: if outcomes > 0.0 { successes / outcomes } else { 0.0 }, outcomes }
    }

    #[test]
    fn greed_is_for_the_largest_and_shared_by_those_that_are_equal() {
        let greedy = |arms: &[Arm]| propose(Method::EpsilonGreedy { epsilon: 0.2 }, arms);
        assert_eq!(greedy(&[arm(30.0, 100.0), arm(20.0, 50.0)]), [0.1, 0.9]);
        assert_eq!(greedy(&[arm(40.0, 100.0), arm(20.0, 50.0)]), [0.5, 0.5]);
        assert_eq!(greedy(&[arm(1.0, 1.0)]), [1.0]);
    }

    #[test]
    fn ucb1_is_as_mabwiser_has_it_and_begins_with_what_was_never_tried() {
        let arms = [arm(30.0, 100.0), arm(20.0, 50.0)];
        let index = ucb1(&arms, 1.0);
        assert!((index[0] - 0.6165639049).abs() < 1e-10 && (index[1] - 0.8476889677).abs() < 1e-10, "{index:?}");
        let propose = |arms: &[Arm]| propose(Method::Ucb1 { alpha: 1.0, explore: 0.1 }, arms);
        assert!((propose(&arms)[1] - 0.95).abs() < 1e-15);
        let told = propose(&[arms[0], arms[1], arm(0.0, 0.0)]);
        assert!((told[0] - 0.1 / 3.0).abs() < 1e-15 && (told[2] - 0.9 - 0.1 / 3.0).abs() < 1e-15, "{told:?}");
    }

    #[test]
    fn a_floor_is_given_before_the_rest() {
        assert_eq!(with_floor(&[0.0, 1.0], 0.1), [0.1, 0.9]);
        assert_eq!(with_floor(&[0.25, 0.75], 0.7), [0.5, 0.5]);
        assert_eq!(with_floor(&[0.25, 0.75], f64::NAN), [0.25, 0.75]);
        assert!(with_floor(&[], 0.1).is_empty());
    }

    fn any_arm() -> impl Strategy<Value = Arm> {
        let number = || prop_oneof![any::<f64>(), 0.0..1.0, Just(0.0), Just(f64::MAX)];
        (any::<bool>(), number(), number(), number(), number()).prop_map(|(is_rate, one, other, mean, outcomes)| {
            let posterior = if is_rate {
                Posterior::Beta { a: one, b: other }
            } else {
                Posterior::Normal { mean: one, deviation: other }
            };
            Arm { posterior, mean, outcomes }
        })
    }

    fn any_method() -> impl Strategy<Value = Method> {
        let part = || 0.0..=1.0;
        prop_oneof![
            Just(Method::Thompson),
            Just(Method::TopTwo),
            part().prop_map(|epsilon| Method::EpsilonGreedy { epsilon }),
            (any::<f64>(), part()).prop_map(|(alpha, explore)| Method::Ucb1 { alpha, explore }),
        ]
    }

    proptest! {
        #[test]
        fn shares_are_shares_whatever_is_known(
            method in any_method(),
            arms in proptest::collection::vec(any_arm(), 1..6),
            floor in 0.0..0.3,
        ) {
            let floor = f64::min(floor, 1.0 / arms.len() as f64);
            let shares = with_floor(&propose(method, &arms), floor);
            prop_assert_eq!(shares.len(), arms.len());
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", shares);
            prop_assert!(shares.iter().all(|share| *share >= floor * (1.0 - 1e-12)), "{:?}", shares);
        }
    }
}
