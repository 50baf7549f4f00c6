//! Which of several figures is the largest, as far as is known: the probabilities of Thompson sampling, by quadrature.
//!
//! Thompson sampling draws a number from each posterior and takes the largest (Thompson, "On the likelihood that one unknown
//! probability exceeds another in view of the evidence of two samples", 1933). What it takes how often is
//!
//! ```text
//! P_i = integral f_i(t) prod_{j != i} F_j(t) dt
//! ```
//!
//! with densities f and distribution functions F. As probabilities they can be weights, and every record then says how likely
//! its variant was.
//!
//! The line is cut where any density has fallen from its mode by one of some powers of e, so that each panel is smooth for all,
//! however different their widths are. F is integrated along with f: no incomplete beta function is needed, whose continued
//! fraction takes thousands of steps where there are millions of outcomes.

use std::f64::consts::TAU;

/// Nodes of a panel.
const NODES: usize = 8;
/// Of ln f, below its mode: where a normal density has them at each half or whole deviation. The last is 10^-18 of the mode.
const DROPS: [f64; 10] = [0.125, 0.5, 2.0, 4.5, 8.0, 12.5, 18.0, 24.5, 32.0, 41.0];
/// What a beta distribution's a and b count as, if they are less, or together more.
const LEAST_COUNT: f64 = 1e-6;
const MOST_COUNT: f64 = 1e12;
/// A normal distribution's least deviation, by its distance from the narrowest one: what doubles still resolve.
const LEAST_DEVIATION: f64 = 1e-10;

/// What is known of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Posterior {
    /// A rate: `a` and `b` are the successes and the failures, and the prior's. Either counts as 10^-6 if it is less, and both
    /// in proportion as 10^12 if they are more.
    Beta {
        /// Successes, and the prior's.
        a: f64,
        /// Failures, and the prior's.
        b: f64,
    },
    /// A mean. With a `deviation` of 0 it is known, and several that are equal share.
    Normal {
        /// The mean.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
}

/// The probability of each being the largest. They sum to 1, and are right to about 10^-9.
///
/// Beta distributions among normal ones count as the normal ones of their mean and deviation. What is no finite number counts
/// as 0.
///
/// ```
/// use turnout::statistics::{Posterior, best};
/// let best = best(&[Posterior::Beta { a: 31.0, b: 71.0 }, Posterior::Beta { a: 41.0, b: 61.0 }]);
/// assert!((best[1] - 0.9298493591).abs() < 1e-9);
/// ```
pub fn best(posteriors: &[Posterior]) -> Vec<f64> {
    let curves = curves(posteriors);
    let mut cuts: Vec<f64> = curves.iter().flat_map(Curve::cuts).collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let rule = Rule::new();
    let panels: Vec<_> = cuts.iter().copied().zip(cuts.iter().copied().skip(1)).collect();
    let known: Vec<_> = curves.iter().map(|curve| rule.integrate(curve, &panels)).collect();
    let largest = |at: usize, integrated: &Integrated| {
        let mut largest = integrated.masses.clone();
        for (_, other) in known.iter().enumerate().filter(|(other, _)| *other != at) {
            for (largest, below) in largest.iter_mut().zip(&other.below) {
                *largest *= below;
            }
        }
        largest.iter().sum::<f64>()
    };
    normalised(known.iter().enumerate().map(|(at, integrated)| largest(at, integrated)).collect())
}

/// Top-two Thompson sampling (Russo, "Simple Bayesian algorithms for best arm identification", 2016), as probabilities: the best
/// by one draw with a probability of `beta`, else the best of the others by draws that are repeated until another is best. With
/// the probabilities a of being the best,
///
/// ```text
/// p_i = beta a_i + (1 - beta) sum_{j != i} a_j a_i / (1 - a_j)
/// ```
///
/// It finds out which is the best sooner than Thompson sampling, which soon gives the others hardly anything. Where one is the
/// best for sure the others share 1 - `beta` evenly.
pub fn top_two(best: &[f64], beta: f64) -> Vec<f64> {
    let [_, _, ..] = best else { return best.to_vec() };
    let all: f64 = best.iter().sum();
    let others = best.len().saturating_sub(1) as f64;
    let shares = best.iter().enumerate().map(|(i, a_i)| {
        let second = best.iter().enumerate().filter(|(j, _)| *j != i).map(|(j, a_j)| {
            // The sum of the others is exact where 1 - a_j is rounded to 0.
            let rest: f64 = best.iter().enumerate().filter(|(k, _)| *k != j).map(|(_, a_k)| a_k).sum();
            a_j * if rest > 0.0 { a_i / rest } else { 1.0 / others }
        });
        beta * a_i + (1.0 - beta) * second.sum::<f64>()
    });
    if all > 0.0 { shares.collect() } else { normalised(best.to_vec()) }
}

/// In proportion to their sum; evenly if that is 0.
pub(super) fn normalised(mut shares: Vec<f64>) -> Vec<f64> {
    let sum: f64 = shares.iter().sum();
    let even = 1.0 / shares.len() as f64;
    for share in &mut shares {
        *share = if sum > 0.0 { *share / sum } else { even };
    }
    shares
}

/// A density, on a line that is the same for all.
#[derive(Clone, Copy, Debug)]
struct Curve {
    mode: f64,
    /// About how wide it is.
    width: f64,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Normal,
    /// Of the logit of a rate: logarithmically concave for all a and b, without the poles that a rate's own has at 0 and 1.
    Logit {
        a: f64,
        b: f64,
    },
}

impl Curve {
    /// How far ln f is below its mode's, at `d` from that.
    fn drop(&self, d: f64) -> f64 {
        match self.shape {
            Shape::Normal => (d / self.width).powi(2) / 2.0,
            // f(t) is e^(a t)/(1 + e^t)^(a + b), with its mode at x = a/(a + b). Of the two forms, the one that does not cancel.
            Shape::Logit { a, b } if a <= b => (a + b) * (a / (a + b) * d.exp_m1()).ln_1p() - a * d,
            Shape::Logit { a, b } => (a + b) * (b / (a + b) * (-d).exp_m1()).ln_1p() + b * d,
        }
    }

    /// Where the line is cut.
    fn cuts(&self) -> impl Iterator<Item = f64> {
        let sides =
            [-1.0, 1.0].into_iter().flat_map(|side| DROPS.map(|drop| self.mode + side * self.fallen(side, drop)));
        sides.chain([self.mode])
    }

    /// How far from the mode the density has fallen by `drop`.
    fn fallen(&self, side: f64, drop: f64) -> f64 {
        let (mut near, mut far) = (0.0, self.width);
        while self.drop(side * far) < drop {
            near = far;
            far *= 2.0;
        }
        for _ in 0..40 {
            let middle = near + (far - near) / 2.0;
            if self.drop(side * middle) < drop { near = middle } else { far = middle }
        }
        far
    }
}

fn curves(posteriors: &[Posterior]) -> Vec<Curve> {
    let rates: Vec<_> = posteriors
        .iter()
        .filter_map(|posterior| match posterior {
            Posterior::Beta { a, b } => Some(counts(*a, *b)),
            Posterior::Normal { .. } => None,
        })
        .collect();
    if rates.len() == posteriors.len() {
        let logit = |(a, b): (f64, f64)| Curve {
            mode: a.ln() - b.ln(),
            width: (1.0 / a + 1.0 / b).sqrt(),
            shape: Shape::Logit { a, b },
        };
        return rates.into_iter().map(logit).collect();
    }
    // Halved, so that no difference of finite numbers is infinite.
    let normals = posteriors.iter().map(|posterior| match *posterior {
        Posterior::Beta { a, b } => {
            let (a, b) = counts(a, b);
            (a / (a + b) / 2.0, (a / (a + b) * b / (a + b) / (a + b + 1.0)).sqrt() / 2.0)
        }
        Posterior::Normal { mean, deviation } => (finite(mean) / 2.0, finite(deviation).max(0.0) / 2.0),
    });
    let normals: Vec<_> = normals.collect();
    // Near 0 doubles are finest: there is the narrowest.
    let narrowest = normals.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.0, |(mean, _)| mean);
    let scale = normals.iter().map(|(mean, deviation)| (mean - narrowest).abs().max(*deviation)).fold(0.0, f64::max);
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let normal = |(mean, deviation): (f64, f64)| {
        let mode = (mean - narrowest) / scale;
        let width = (deviation / scale).max(LEAST_DEVIATION * mode.abs()).max(LEAST_DEVIATION.powi(10));
        Curve { mode, width, shape: Shape::Normal }
    };
    normals.into_iter().map(normal).collect()
}

fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

/// Within what is resolved.
fn counts(a: f64, b: f64) -> (f64, f64) {
    let (a, b) = (finite(a).max(0.0), finite(b).max(0.0));
    // Each by itself first, as their sum may be infinite.
    let scale = (MOST_COUNT / (a / 2.0 + b / 2.0) / 2.0).min(1.0);
    ((a * scale).max(LEAST_COUNT), (b * scale).max(LEAST_COUNT))
}

/// What a curve is at the nodes of all panels, of an integral of 1.
struct Integrated {
    /// The density, by the node's weight.
    masses: Vec<f64>,
    /// The distribution function.
    below: Vec<f64>,
}

/// Gauss and Legendre's rule on [-1, 1], and with it the integrals from -1 to each node.
struct Rule {
    nodes: Vec<Node>,
}

struct Node {
    at: f64,
    weight: f64,
    /// What each node's value adds to the integral from -1 up to here.
    up_to: Vec<f64>,
}

impl Rule {
    fn new() -> Self {
        let count = NODES as f64;
        let found = (0..NODES).map(|at| {
            // Newton's method from Tricomi's approximation.
            let mut x = -(TAU / 2.0 * (at as f64 + 0.75) / (count + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..10 {
                let [.., before, last, _] = legendre(x);
                slope = count * (before - x * last) / (1.0 - x * x);
                x -= last / slope;
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        });
        let found: Vec<(f64, f64)> = found.collect();
        let nodes = found.iter().map(|(x, weight)| {
            // The polynomial that is 1 at a node y and 0 at the others is w_y sum_m (2 m + 1)/2 P_m(y) P_m(x), and the integral
            // of (2 m + 1) P_m is P_{m+1} - P_{m-1} (NIST's DLMF, 18.9).
            let here = legendre(*x);
            let up_to = found.iter().map(|(y, weight)| {
                let there = legendre(*y);
                let rising = here.iter().skip(2).zip(&here).map(|(above, below)| above - below);
                let terms = there.iter().take(NODES).skip(1).zip(rising).map(|(p, rise)| p * rise);
                weight / 2.0 * (x + 1.0 + terms.sum::<f64>())
            });
            Node { at: *x, weight: *weight, up_to: up_to.collect() }
        });
        Rule { nodes: nodes.collect() }
    }

    fn integrate(&self, curve: &Curve, panels: &[(f64, f64)]) -> Integrated {
        let (mut masses, mut below, mut all) = (Vec::new(), Vec::new(), 0.0);
        let last = DROPS.iter().copied().fold(0.0, f64::max);
        for (from, to) in panels {
            let half = (to - from) / 2.0 / curve.width;
            let values = self.nodes.iter().map(|node| {
                let drop = curve.drop(from - curve.mode + (to - from) / 2.0 * (node.at + 1.0));
                // Further out a panel may be wider than what is left.
                if drop <= last { half * (-drop).exp() } else { 0.0 }
            });
            let values: Vec<f64> = values.collect();
            for (node, value) in self.nodes.iter().zip(&values) {
                let up_to: f64 = node.up_to.iter().zip(&values).map(|(part, value)| part * value).sum();
                masses.push(node.weight * value);
                below.push(all + up_to);
            }
            all += self.nodes.iter().zip(&values).map(|(node, value)| node.weight * value).sum::<f64>();
        }
        let parts = masses.iter_mut().chain(&mut below);
        parts.for_each(|part| *part /= all);
        Integrated { masses, below }
    }
}

/// Legendre's polynomials of degrees 0 to `NODES` + 1 at `x`, by Bonnet's recursion.
fn legendre(x: f64) -> [f64; NODES + 2] {
    let (mut before, mut now, mut degree) = (0.0, 1.0, 0.0);
    [(); NODES + 2].map(|()| {
        let value = now;
        now = ((2.0 * degree + 1.0) * x * now - degree * before) / (degree + 1.0);
        before = value;
        degree += 1.0;
        value
    })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn beta(a: f64, b: f64) -> Posterior {
        Posterior::Beta { a, b }
    }

    fn normal(mean: f64, deviation: f64) -> Posterior {
        Posterior::Normal { mean, deviation }
    }

    #[track_caller]
    fn are(posteriors: &[Posterior], expected: &[f64], tolerance: f64) {
        let told = best(posteriors);
        assert_eq!(told.len(), expected.len());
        for (told, expected) in told.iter().zip(expected) {
            assert!((told - expected).abs() <= tolerance, "{posteriors:?}: {told} for {expected}");
        }
    }

    #[test]
    fn the_rule_is_right_for_polynomials_and_what_they_integrate_to() {
        let rule = Rule::new();
        for degree in 0..2 * NODES as i32 {
            let told: f64 = rule.nodes.iter().map(|node| node.weight * node.at.powi(degree)).sum();
            let expected = if degree % 2 == 0 { 2.0 / f64::from(degree + 1) } else { 0.0 };
            assert!((told - expected).abs() < 1e-14, "{degree}: {told}");
        }
        for degree in 0..NODES as i32 {
            for node in &rule.nodes {
                let told: f64 = node.up_to.iter().zip(&rule.nodes).map(|(part, y)| part * y.at.powi(degree)).sum();
                let expected = (node.at.powi(degree + 1) - (-1f64).powi(degree + 1)) / f64::from(degree + 1);
                assert!((told - expected).abs() < 1e-14, "{degree} at {}: {told} for {expected}", node.at);
            }
        }
    }

    #[test]
    fn of_two_rates_it_is_the_closed_form() {
        // B is the larger: sum over i below a2 of B(a1 + i, b1 + b2)/((b2 + i) B(1 + i, b2) B(a1, b1)).
        let ln_beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
        for (a1, b1, a2, b2) in [(31.0, 71.0, 41, 61.0), (1.0, 1.0, 1, 1.0), (3.0, 900.0, 8, 850.0), (0.5, 0.5, 2, 0.3)]
        {
            let term = |i: f64| (ln_beta(a1 + i, b1 + b2) - ln_beta(1.0 + i, b2) - ln_beta(a1, b1)).exp() / (b2 + i);
            let second: f64 = (0..a2).map(|i| term(f64::from(i))).sum();
            are(&[beta(a1, b1), beta(f64::from(a2), b2)], &[1.0 - second, second], 1e-9);
        }
        are(&[beta(31.0, 71.0), beta(41.0, 61.0)], &[1.0 - 0.9298493591, 0.9298493591], 1e-10);
        are(&[beta(31.0, 71.0), beta(41.0, 61.0), beta(36.0, 66.0)], &[0.04206, 0.73773, 0.22021], 5e-6);
    }

    #[test]
    fn of_two_means_it_is_the_difference_s() {
        let cases =
            [(0.0, 1.0, 0.5, 2.0), (5.0, 1e-7, 5.0 + 1e-7, 1e-7), (1e6, 1e-3, 0.0, 1e6), (-1e9, 1.0, -1e9 + 1.0, 1.0)];
        for (m1, s1, m2, s2) in cases {
            let z: f64 = (m2 - m1) / libm::hypot(s1, s2);
            let second = libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0;
            are(&[normal(m1, s1), normal(m2, s2)], &[1.0 - second, second], 1e-9);
        }
    }

    #[test]
    fn a_narrow_one_beside_a_wide_one_is_no_difficulty() {
        are(&[beta(1e6, 1e6), beta(1.0, 1.0)], &[0.5, 0.5], 1e-9);
        are(&[beta(1e9, 3e9), beta(1.0, 1.0)], &[0.25, 0.75], 1e-9);
        // The uniform is below a rate that is known as that rate says.
        are(&[beta(1e12, 9e12), beta(1.0, 1.0), beta(1.0, 1.0)], &[0.01, 0.495, 0.495], 1e-8);
        are(&[normal(0.0, 0.0), normal(0.0, 1.0), normal(0.0, 1e9)], &[0.25, 0.25, 0.5], 1e-8);
        are(&[normal(1.0, 0.0), normal(1.0, 0.0), normal(0.0, 0.0)], &[0.5, 0.5, 0.0], 1e-9);
        are(&[normal(7.0, 0.0), normal(7.0, 0.0), normal(8.0, 1e-300)], &[0.0, 0.0, 1.0], 1e-9);
        are(&[beta(1e-9, 1e-9), beta(1e-9, 1e-9)], &[0.5, 0.5], 1e-9);
    }

    #[test]
    fn equal_ones_share_evenly_however_many() {
        for count in [1, 2, 5, 20] {
            let even = vec![1.0 / count as f64; count];
            for posterior in [beta(1.0, 1.0), beta(200.0, 3e5), beta(0.5, 0.5), normal(3.0, 2.0), normal(3.0, 0.0)] {
                are(&vec![posterior; count], &even, 1e-9);
            }
        }
        assert!(best(&[]).is_empty());
    }

    #[test]
    fn the_second_is_the_best_of_the_others() {
        // 0.6 0.5 + 0.5 (0.3 0.6/0.7 + 0.1 0.6/0.9).
        let told = top_two(&[0.6, 0.3, 0.1], 0.5);
        assert!((told[0] - (0.3 + 0.5 * (0.3 * 0.6 / 0.7 + 0.1 * 0.6 / 0.9))).abs() < 1e-12, "{told:?}");
        assert!((told.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(top_two(&[0.0, 1.0, 0.0], 0.5), [0.25, 0.5, 0.25]);
        assert_eq!(top_two(&[1.0], 0.5), [1.0]);
        // Nearly sure: the other is the second nearly always.
        let told = top_two(&[1.0, 1e-20, 3e-20], 0.5);
        assert!((told[1] - 0.125).abs() < 1e-12 && (told[2] - 0.375).abs() < 1e-12, "{told:?}");
    }

    fn any_posterior() -> impl Strategy<Value = Posterior> {
        let number = || prop_oneof![any::<f64>(), -10.0..10.0, Just(0.0), Just(1.0), Just(f64::MAX)];
        (any::<bool>(), number(), number()).prop_map(
            |(is_rate, one, other)| {
                if is_rate { beta(one, other) } else { normal(one, other) }
            },
        )
    }

    proptest! {
        #[test]
        fn they_are_probabilities_whatever_is_given(
            posteriors in proptest::collection::vec(any_posterior(), 1..6),
            weight in 0.0..1.0,
        ) {
            let best = best(&posteriors);
            for shares in [top_two(&best, weight), best] {
                prop_assert!(shares.iter().all(|share| *share >= 0.0), "{:?}", shares);
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", shares);
            }
        }

        #[test]
        fn in_another_order_they_are_the_same(counts in proptest::collection::vec((0.1..1e4, 0.1..1e4), 2..6)) {
            let forwards: Vec<_> = counts.iter().map(|(a, b)| beta(*a, *b)).collect();
            let backwards: Vec<_> = forwards.iter().rev().copied().collect();
            for (one, other) in best(&forwards).iter().zip(best(&backwards).iter().rev()) {
                prop_assert!((one - other).abs() < 1e-12);
            }
        }
    }
}
