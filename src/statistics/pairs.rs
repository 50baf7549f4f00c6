//! Two variants that were asked about the same requests: one that answered, the baseline, and a shadow.
//!
//! Each request with an outcome gives a pair, the baseline's value and the variant's. What both share, an easy or a hard request,
//! cancels in the difference: only requests where the two are not equally good tell anything, and far fewer of them are needed
//! than of requests that are split between the two.

use serde::{Deserialize, Serialize};

use super::effects::Estimate;
use super::mismatch::{Segment, beyond_stirling};
use super::sequential::{p_value, rate_always_with};

/// h of the e-value's prior, Beta(h, h). Of h = 1, 20 and 60, it finds a share of 0.6 in the fewest pairs, and one of 0.55 in
/// about as few as 60 does.
const PRIOR: f64 = 20.0;
/// From so many pairs on the tail of the binomial distribution is the normal one's.
const MANY: u64 = 1_000_000_000;
/// How many pairs as large as the largest are added before a difference is decided by.
const ADDED: f64 = 2.0;

/// Requests on which exactly one of two variants was right: McNemar's test ("Note on the sampling error of the difference between
/// correlated proportions or percentages", 1947). Where both variants are equally often right, each such request is a fair coin,
/// if requests are independent. Where units send many, [`PairedSums`] is to be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct McNemar {
    /// Requests on which the baseline alone was right.
    pub only_baseline: u64,
    /// Requests on which the variant alone was right.
    pub only_variant: u64,
}

impl McNemar {
    /// Requests on which exactly one was right.
    pub fn discordant(self) -> u64 {
        self.only_baseline.saturating_add(self.only_variant)
    }

    fn fewer(self) -> u64 {
        self.only_baseline.min(self.only_variant)
    }

    /// The exact two-sided p-value, for one look at a size that was chosen before:
    ///
    /// ```text
    /// p = min(1, 2 P(X <= min(b, c))),    X of the binomial distribution of b + c and 1/2
    /// ```
    ///
    /// From 10^9 discordant pairs on it is the normal distribution's, with an error below 10^-9.
    ///
    /// ```
    /// let pairs = turnout::statistics::McNemar { only_baseline: 15, only_variant: 5 };
    /// assert!((pairs.exact_p() - 0.0413894653).abs() < 1e-9);
    /// ```
    pub fn exact_p(self) -> f64 {
        let (below, _) = tail(self.fewer(), self.discordant());
        (2.0 * below).min(1.0)
    }

    /// The same with half of the probability of what was seen, which the exact p-value counts in full (Fagerland, Lydersen and
    /// Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than exact conditional", 2013).
    pub fn mid_p(self) -> f64 {
        let (below, here) = tail(self.fewer(), self.discordant());
        (2.0 * below - here).min(1.0)
    }

    /// The logarithm of the e-value against each discordant pair being a fair coin, where the alternative is a coin of any other
    /// probability, Beta(20, 20):
    ///
    /// ```text
    /// E = 2^(b + c) B(h + b, h + c) / B(h, h)
    /// ```
    ///
    /// It is the Dirichlet-multinomial e-value of two categories.
    pub fn log_e(self) -> f64 {
        let counts = [(self.only_baseline, 0.5), (self.only_variant, 0.5)];
        Segment::new(counts).map_or(0.0, |segment| segment.log_e_with(2.0 * PRIOR))
    }

    /// The p-value that holds at every look.
    pub fn p_value_always(self) -> f64 {
        p_value(self.log_e())
    }

    /// Between which shares of the discordant pairs the variant wins, at every look. It leaves out 1/2 exactly where
    /// [`McNemar::p_value_always`] is at most `alpha`.
    pub fn share_always(self, alpha: f64) -> Option<(f64, f64)> {
        rate_always_with(self.only_variant, self.discordant(), alpha, 2.0 * PRIOR)
    }
}

/// The probabilities of at most `k` and of exactly `k` of `n` fair coins, for `k` of at most n/2.
fn tail(k: u64, n: u64) -> (f64, f64) {
    let here = exactly(k, n);
    let (successes, failures) = (k as f64, n.saturating_sub(k) as f64);
    if n >= MANY {
        // With the correction for continuity.
        let z = (failures - successes - 1.0) / (n as f64).sqrt();
        return (libm::erfc(z / std::f64::consts::SQRT_2) / 2.0, here);
    }
    // Each probability is k/(n - k + 1) of the one above it.
    let (mut sum, mut term, mut down) = (1.0, 1.0, 0.0);
    while down < successes && term > sum * f64::EPSILON / 8.0 {
        term *= (successes - down) / (failures + down + 1.0);
        sum += term;
        down += 1.0;
    }
    (here * sum, here)
}

/// The probability of exactly `k` of `n` fair coins, with Stirling's series for each factorial, and what is large and cancels
/// taken out.
fn exactly(k: u64, n: u64) -> f64 {
    let (k, n) = (k as f64, n as f64);
    if k <= 0.0 {
        return (-n).exp2();
    }
    let others = n - k;
    let d = (others - k) / n;
    let away = n / 2.0 * ((1.0 - d) * (-d).ln_1p() + (1.0 + d) * d.ln_1p());
    let rest = beyond_stirling(n) - beyond_stirling(k) - beyond_stirling(others);
    (rest - away).exp() * (n / k / others / std::f64::consts::TAU).sqrt()
}

/// Sums over pairs of d, how much better the variant was than the baseline on one request. Requests of one unit depend on each
/// other, so units are what varies: of each, N is its pairs and D the sum of their d.
///
/// They are the same in whatever order pairs come. d is near 0 on average, so that no origin has to be taken out.
///
/// ```
/// use turnout::statistics::{PairedSums, Tuning};
/// let mut sums = PairedSums::default();
/// // 2,000 requests without units: the variant alone was right on 80, the baseline alone on 29.
/// for at in 0..2_000 {
///     let d = if at % 25 == 0 { 1.0 } else if at % 67 == 1 { -1.0 } else { 0.0 };
///     sums.add(d, 1.0, None);
/// }
/// let (difference, pairs) = (sums.cautious_difference().unwrap(), sums.pairs());
/// let tuning = Tuning::new(difference, pairs, sums.units(), 0.05).unwrap();
/// assert!(tuning.look(difference, pairs, 0.05).interval.0 > 0.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairedSums {
    pairs: f64,
    units: f64,
    /// Of d.
    sum: f64,
    /// Over units, of D D, D N and N N.
    products: [f64; 3],
    /// The largest d in size, and what d could have been at most.
    largest: f64,
}

impl PairedSums {
    /// Adds one pair. `before` are its unit's N and D so far, `None` for the first of a unit and for a request that carries no
    /// unit and is its own.
    ///
    /// `reach` is how large d could have been with another outcome, see [`PairedSums::cautious_difference`]; what is smaller than
    /// d counts as d. A pair whose d is no finite number is left out.
    pub fn add(&mut self, d: f64, reach: f64, before: Option<(f64, f64)>) {
        if !d.is_finite() {
            return;
        }
        let (n, sum) = before.unwrap_or_default();
        if n <= 0.0 {
            self.units += 1.0;
        }
        self.pairs += 1.0;
        self.sum += d;
        let grown = [d * (2.0 * sum + d), sum + d * (n + 1.0), 2.0 * n + 1.0];
        for (product, more) in self.products.iter_mut().zip(grown) {
            *product += more;
        }
        self.largest = self.largest.max(d.abs()).max(if reach.is_finite() { reach.abs() } else { 0.0 });
    }

    /// Adds the sums of other units.
    pub fn merge(&mut self, other: PairedSums) {
        self.pairs += other.pairs;
        self.units += other.units;
        self.sum += other.sum;
        for (product, more) in self.products.iter_mut().zip(other.products) {
            *product += more;
        }
        self.largest = self.largest.max(other.largest);
    }

    /// How many pairs.
    pub fn pairs(&self) -> f64 {
        self.pairs
    }

    /// Of how many units.
    pub fn units(&self) -> f64 {
        self.units
    }

    /// How much better the variant is on average, with the error of units as clusters, without a small-sample factor:
    ///
    /// ```text
    /// m = sum D / sum N,    error = sqrt(sum_u (D_u - m N_u)^2) / sum N
    /// ```
    ///
    /// `None` where there are no pairs.
    pub fn difference(&self) -> Option<Estimate> {
        self.estimate(0.0)
    }

    /// The same difference with an error to decide by: what it would be with two more pairs as large as the largest.
    ///
    /// Where two models nearly always agree, the first pairs tell the variance badly. Of models that are right or wrong no
    /// difference is found too often where there is none: there, discordant pairs are fair coins, and their number is the
    /// variance. But a difference that is there is told as too small: of a variant that is worse on one request in 500 and never
    /// better, intervals of the plain error left out the true difference in 10.9 % of tests, at an alpha of 5 %, and these do in
    /// 0.8 %. They want a tenth more pairs where models differ on 5 % of requests, and hardly more where they differ more often.
    ///
    /// Of scores whose loss is small on most requests and large on a few, as Brier's where one label is rare, the first pairs may
    /// all be of the common label: with a label that 1 % have, 39 % of tests found a difference that there was not, and these find
    /// one in 2.3 %. What d would have been with the other label is known, and is the `reach` that a pair is added with: 1 of
    /// labels; of a score, the larger of |d| with either label; of an absolute error, the distance between the two predictions.
    ///
    /// It is no help where all that differs comes from the same few units: a variant that is worse on all requests of 30 units in
    /// 3,000, of very unequal activity, was told as less so in 17 % of tests (`benches/simulate/pairs.rs`).
    pub fn cautious_difference(&self) -> Option<Estimate> {
        self.estimate(ADDED * self.largest * self.largest)
    }

    fn estimate(&self, more: f64) -> Option<Estimate> {
        if self.pairs <= 0.0 {
            return None;
        }
        let value = self.sum / self.pairs;
        let [dd, dn, nn] = self.products;
        // Rounding may leave a little less than nothing.
        let variance = (dd - 2.0 * value * dn + value * value * nn).max(0.0) + more;
        Some(Estimate { value, error: variance.sqrt() / self.pairs })
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::assignment::Randomness;
    use crate::statistics::{LEAST_UNITS, Tuning};

    fn mcnemar(only_baseline: u64, only_variant: u64) -> McNemar {
        McNemar { only_baseline, only_variant }
    }

    #[track_caller]
    fn near(told: f64, expected: f64, tolerance: f64) {
        assert!((told - expected).abs() <= tolerance, "{told} for {expected}");
    }

    #[test]
    fn p_values_are_the_binomial_distribution_s() {
        let pairs = mcnemar(15, 5);
        near(pairs.exact_p(), 0.0413894653, 1e-10);
        near(pairs.mid_p(), 0.0266036987, 1e-10);
        // All of n: 2/2^n.
        near(mcnemar(0, 10).exact_p(), 2.0 / 1024.0, 1e-12);
        near(mcnemar(0, 10).mid_p(), 1.0 / 1024.0, 1e-12);
        for pairs in [mcnemar(0, 0), mcnemar(1, 1), mcnemar(500_000, 500_000)] {
            near(pairs.exact_p(), 1.0, 1e-12);
            near(pairs.mid_p(), 1.0, 1e-12);
        }
    }

    /// What is summed below 10^9 pairs, and the normal distribution from there on.
    #[test]
    fn very_many_pairs_are_the_normal_distribution_s() {
        for away in [0, 10_000, 50_000, 120_000] {
            let (summed, here) = tail(499_999_999 - away, 999_999_998);
            let (normal, same) = tail(500_000_000 - away, 1_000_000_000);
            near(summed, normal, 1e-6 * normal);
            near(here, same, 1e-6 * here);
        }
        assert!(mcnemar(u64::MAX, u64::MAX).exact_p() <= 1.0 && mcnemar(u64::MAX, 0).mid_p() == 0.0);
    }

    /// The mean of E over all sequences of twelve pairs.
    #[test]
    fn the_mean_of_the_e_value_is_1_where_pairs_are_fair_coins() {
        let ways = |k: u64| (0..k).fold(1.0, |ways, i| ways * (12 - i) as f64 / (i + 1) as f64);
        let mean: f64 = (0..=12).map(|k| ways(k) / 4_096.0 * mcnemar(k, 12 - k).log_e().exp()).sum();
        near(mean, 1.0, 1e-12);
        assert_eq!(mcnemar(0, 0).p_value_always(), 1.0);
    }

    #[test]
    fn the_interval_leaves_out_a_half_exactly_where_the_p_value_says_so() {
        for only_variant in 0..=200 {
            let pairs = mcnemar(200 - only_variant, only_variant);
            for alpha in [0.05, 0.001] {
                let (low, high) = pairs.share_always(alpha).unwrap();
                assert_eq!(low > 0.5 || high < 0.5, pairs.p_value_always() <= alpha, "{pairs:?} {alpha}");
            }
        }
    }

    /// Pairs, each of a unit or its own.
    fn sums(pairs: &[(Option<usize>, f64)]) -> PairedSums {
        let (mut sums, mut known) = (PairedSums::default(), vec![(0.0, 0.0); 10]);
        for (unit, d) in pairs {
            let before = unit.map(|unit| known[unit]);
            sums.add(*d, d.abs(), before);
            if let Some(unit) = unit {
                known[*unit] = (known[*unit].0 + 1.0, known[*unit].1 + d);
            }
        }
        sums
    }

    #[test]
    fn units_are_clusters() {
        let told = sums(&[(Some(0), 1.0), (None, -1.0), (Some(0), 1.0), (Some(1), 0.0), (None, 0.0)]);
        assert_eq!((told.pairs(), told.units()), (5.0, 4.0));
        let m = 0.2;
        // By hand: a unit of 1 and 1, one of -1, and two of 0.
        let spread =
            |more: f64| ((2.0 - 2.0 * m) * (2.0 - 2.0 * m) + (-1.0 - m) * (-1.0 - m) + 2.0 * m * m + more).sqrt() / 5.0;
        let (plain, cautious) = (told.difference().unwrap(), told.cautious_difference().unwrap());
        near(plain.value, m, 1e-12);
        near(plain.error, spread(0.0), 1e-12);
        assert_eq!(cautious.value, plain.value);
        near(cautious.error, spread(2.0), 1e-12);
        assert_eq!(PairedSums::default().cautious_difference(), None);
        let crossed: PairedSums = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        assert_eq!(crossed, told);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let mut told = PairedSums::default();
        for d in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            told.add(d, 1.0, None);
        }
        assert_eq!(told, PairedSums::default());
        told.add(1.0, f64::NAN, None);
        assert_eq!(told, sums(&[(None, 1.0)]));
    }

    #[test]
    fn where_nothing_differs_nothing_is_said() {
        let told = sums(&[(None, 0.0); 500]);
        assert_eq!(Tuning::new(told.cautious_difference().unwrap(), told.pairs(), told.units(), 0.05), None);
    }

    proptest! {
        #[test]
        fn sums_of_other_units_add_up(
            first in proptest::collection::vec((proptest::option::of(0usize..5), -1i8..=1), 0..40),
            second in proptest::collection::vec((proptest::option::of(5usize..10), -1i8..=1), 1..40),
        ) {
            let pairs = |part: &[(Option<usize>, i8)]| part.iter().map(|(unit, d)| (*unit, f64::from(*d))).collect::<Vec<_>>();
            let (first, second) = (pairs(&first), pairs(&second));
            let mut merged = sums(&first);
            merged.merge(sums(&second));
            prop_assert_eq!(merged, sums(&[first, second].concat()));
        }

        #[test]
        fn p_values_are_probabilities(only_baseline in 0u64..5_000_000, only_variant in 0u64..5_000_000) {
            let pairs = mcnemar(only_baseline, only_variant);
            for p in [pairs.exact_p(), pairs.mid_p(), pairs.p_value_always()] {
                prop_assert!((0.0..=1.0).contains(&p), "{:?}: {}", pairs, p);
            }
            prop_assert!(pairs.mid_p() <= pairs.exact_p());
            let mirrored = mcnemar(only_variant, only_baseline);
            prop_assert_eq!(pairs.exact_p(), mirrored.exact_p());
        }
    }

    fn uniform(random: &mut Randomness) -> f64 {
        (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many of 300 tests, each looked at after every pair from 100 units on, say at some look that the difference is not
    /// `truth`. A pair is d and its reach.
    fn wrong(truth: f64, pairs: u32, is_cautious: bool, pair: impl Fn(&mut Randomness) -> (f64, f64)) -> usize {
        let is_wrong = |seed: &u64| {
            let mut random = Randomness::seed_from_u64(*seed);
            let (mut sums, mut tuning) = (PairedSums::default(), None);
            (0..pairs).any(|_| {
                let (d, reach) = pair(&mut random);
                sums.add(d, reach, None);
                if sums.units() < LEAST_UNITS {
                    return false;
                }
                let said = if is_cautious { sums.cautious_difference() } else { sums.difference() };
                let (said, n) = (said.unwrap(), sums.pairs());
                let Some(tuned) = tuning.or_else(|| Tuning::new(said, n, sums.units(), 0.05)) else { return false };
                tuning = Some(tuned);
                let (low, high) = tuned.look(said, n, 0.05).interval;
                low > truth || high < truth
            })
        };
        (0..300).filter(is_wrong).count()
    }

    /// Three standard errors above 5 % of 300.
    const MOST: usize = 26;

    #[test]
    fn where_models_are_equally_good_hardly_any_difference_is_found_however_seldom_they_differ() {
        for discordant in [0.002, 0.01, 0.05, 0.3] {
            let coin = |random: &mut Randomness| {
                let draw = uniform(random) / discordant;
                (
                    if draw < 0.5 {
                        1.0
                    } else if draw < 1.0 {
                        -1.0
                    } else {
                        0.0
                    },
                    1.0,
                )
            };
            let wrong = wrong(0.0, 10_000, true, coin);
            assert!(wrong <= MOST, "{discordant}: {wrong} of 300");
        }
    }

    #[test]
    fn nor_is_a_rare_difference_that_is_there_told_as_smaller_or_larger_than_it_is() {
        let rarely_worse = |random: &mut Randomness| (if uniform(random) < 0.002 { -1.0 } else { 0.0 }, 1.0);
        let [plain, cautious] = [false, true].map(|is_cautious| wrong(-0.002, 10_000, is_cautious, rarely_worse));
        assert!(plain > MOST && cautious <= MOST, "{plain}, {cautious} of 300");
    }

    /// Of a label that one request in a hundred has: scores of about a half and three halves of that are equally good.
    #[test]
    fn nor_are_scores_of_a_rare_label_judged_before_it_was_seen() {
        let brier = |random: &mut Randomness| {
            let a = 0.005 * (0.9 + 0.2 * uniform(random));
            let b = 0.02 - a;
            let d = |y: f64| (a - y) * (a - y) - (b - y) * (b - y);
            (d(f64::from(u8::from(uniform(random) < 0.01))), d(0.0).abs().max(d(1.0).abs()))
        };
        let without = wrong(0.0, 5_000, true, |random| (brier(random).0, 0.0));
        let with = wrong(0.0, 5_000, true, brier);
        assert!(without > 60 && with <= MOST, "{without}, {with} of 300");
    }
}
