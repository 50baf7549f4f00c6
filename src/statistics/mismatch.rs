//! Whether the traffic is split as it should be, at every look.
//!
//! The Dirichlet-multinomial e-process of Lindon and Malek, "Anytime-Valid Inference For Multinomial Count Data" (2022). Under
//! the expected shares r, with counts n of N requests in all and a concentration k,
//!
//! ```text
//! ln E = lnG(k) - lnG(k + N) + sum_i [lnG(k r_i + n_i) - lnG(k r_i)] - sum_i n_i ln r_i
//! ```
//!
//! where lnG is the logarithm of the gamma function. E is at least 1/alpha at any time with a probability of alpha at most, so
//! one may look whenever one likes. Weights that change begin a new segment: each is an e-process given what was before, and
//! e-processes multiply.

/// The concentration k: how near the true shares are thought to be to the expected ones, if they are others. With 1,000, half
/// a percent of a million requests is found, and nothing much is lost for coarser faults.
pub const CONCENTRATION: f64 = 1_000.0;

/// An alarm is raised from this probability of a false one on, over all looks together.
pub const ALPHA: f64 = 0.001;

/// The shares are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected shares are 0 or more, and their sum is above 0")]
pub struct SharesError;

/// Counts of some categories, and the shares that they should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment(Vec<(u64, f64)>);

impl Segment {
    /// Counts with their expected shares, which are taken in proportion to their sum. Two lists of shares that change are two
    /// segments.
    ///
    /// # Errors
    /// If a share is negative or no number, or their sum is not above 0.
    pub fn new(counts: impl IntoIterator<Item = (u64, f64)>) -> Result<Self, SharesError> {
        let mut counts: Vec<_> = counts.into_iter().collect();
        let sum: f64 = counts.iter().map(|(_, share)| *share).sum();
        if !(sum > 0.0 && sum.is_finite()) || counts.iter().any(|(_, share)| share.is_nan() || *share < 0.0) {
            return Err(SharesError);
        }
        for (_, share) in &mut counts {
            *share /= sum;
        }
        Ok(Segment(counts))
    }

    /// ln E; infinite where something was counted whose share is 0. Below 0 the counts speak for the shares.
    pub fn log_e(&self) -> f64 {
        self.log_e_with(CONCENTRATION)
    }

    pub(super) fn log_e_with(&self, k: f64) -> f64 {
        if self.0.iter().any(|(count, share)| *count > 0 && *share == 0.0) {
            return f64::INFINITY;
        }
        let counted = || self.0.iter().filter(|(_, share)| *share > 0.0).map(|(count, share)| (*count as f64, *share));
        let all: f64 = counted().map(|(count, _)| count).sum();
        // The formula with Stirling's series for each lnG, and what is large and cancels taken out: the difference of numbers
        // of 10^7 would be right to 10^-9 only. The sum of the surpluses is 0: subtracted one by one, they take what is of
        // first order with them, and the rounding of the shares, which shows from 10^9 requests on.
        let terms = counted().map(|(count, share)| {
            let (before, after) = (k * share, k * share + count);
            let surplus = count - all * share;
            let deviation = surplus / (k + all) / share;
            // At a count of 0 and very many requests, the deviation is rounded to -1.
            let near = deviation.abs() < 0.5;
            let ln = if near { deviation.ln_1p() } else { after.ln() - (k + all).ln() - share.ln() };
            after * ln - surplus - (after.ln() - before.ln()) / 2.0 + beyond_stirling(after) - beyond_stirling(before)
        });
        terms.sum::<f64>() + ((k + all) / k).ln() / 2.0 + beyond_stirling(k) - beyond_stirling(k + all)
    }
}

/// ln G(x) - [(x - 1/2) ln x - x + ln(2 pi)/2], for x > 0.
pub(super) fn beyond_stirling(x: f64) -> f64 {
    if x < 20.0 {
        return libm::lgamma(x) - ((x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln());
    }
    // The next term is below 10^-15 from 20 on (NIST's DLMF, 5.11.1).
    let square = x * x;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square) / square)
        / x
}

/// What segments say together, at any time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mismatch {
    /// The logarithm of the product of their e-values.
    pub log_e: f64,
}

impl Mismatch {
    /// Of segments that followed each other, or that were drawn independently of each other.
    pub fn of<'a>(segments: impl IntoIterator<Item = &'a Segment>) -> Self {
        Mismatch { log_e: segments.into_iter().map(Segment::log_e).sum() }
    }

    /// A p-value that is valid at every look: 1/E, if that is below 1.
    pub fn p_value(&self) -> f64 {
        (-self.log_e).exp().min(1.0)
    }

    /// Whether the traffic is not split as it should be.
    pub fn is_alarm(&self) -> bool {
        self.log_e >= -ALPHA.ln()
    }
}

/// The counts between which a variant of that share stays at every look, with a probability of `confidence` for all looks
/// together: both included, of `requests` in all. A band for one look would be narrower, and left by four of ten right splits
/// between the tenth and the thousandth request.
///
/// `share` and `confidence` are 0 to 1; what is outside counts as the nearest, and what is no number as 0.
///
/// ```
/// assert_eq!(turnout::statistics::acceptance_always(1000, 0.5, 0.95), (443, 557));
/// ```
pub fn acceptance_always(requests: u32, share: f64, confidence: f64) -> (u32, u32) {
    if share.is_nan() || share <= 0.0 {
        return (0, 0);
    }
    if share >= 1.0 {
        return (requests, requests);
    }
    let limit = -(1.0 - confidence).max(f64::MIN_POSITIVE).ln();
    let accepted = |count: u32| {
        let others = u64::from(requests.saturating_sub(count));
        let segment = Segment(vec![(u64::from(count), share), (others, 1.0 - share)]);
        segment.log_e() < limit
    };
    // ln E grows on both sides of the expected count.
    let middle = (f64::from(requests) * share).round().min(f64::from(requests)) as u32;
    let last = |mut inside: u32, mut outside: u32| {
        while inside.abs_diff(outside) > 1 {
            let between = inside.min(outside).saturating_add(inside.abs_diff(outside) / 2);
            if accepted(between) { inside = between } else { outside = between }
        }
        inside
    };
    let low = if accepted(0) { 0 } else { last(middle, 0) };
    let high = if accepted(requests) { requests } else { last(middle, requests) };
    (low, high)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use rand_core::Rng;
    use serde::Deserialize;

    use super::*;
    use crate::assignment::seeded;

    #[derive(Deserialize)]
    struct Case {
        counts: Vec<u64>,
        shares: Vec<f64>,
        k: f64,
        log_e: f64,
        by: Vec<String>,
    }

    /// tests/vectors/mismatch.py has them from ssrm-test, savvi and mpmath.
    fn cases() -> Vec<Case> {
        serde_json::from_str(include_str!("../../tests/vectors/mismatch.json")).unwrap()
    }

    fn segment(counts: &[u64], shares: &[f64]) -> Segment {
        Segment::new(counts.iter().copied().zip(shares.iter().copied())).unwrap()
    }

    #[test]
    fn it_says_what_other_implementations_say() {
        let cases = cases();
        for other in ["ssrm-test", "savvi", "mpmath"] {
            assert!(cases.iter().filter(|case| case.by.iter().any(|by| by == other)).count() > 10, "{other}");
        }
        for Case { counts, shares, k, log_e, .. } in cases {
            let told = segment(&counts, &shares).log_e_with(k);
            assert!(
                (told - log_e).abs() <= 1e-9 * log_e.abs().max(1.0),
                "{counts:?} {shares:?} {k}: {told} for {log_e}"
            );
        }
    }

    #[test]
    fn what_has_no_share_must_not_be_counted() {
        assert_eq!(segment(&[5, 1, 0], &[0.9, 0.0, 0.1]).log_e(), f64::INFINITY);
        assert!(segment(&[5, 0], &[1.0, 0.0]).log_e().abs() < 1e-12);
        assert!(segment(&[7], &[3.0]).log_e().abs() < 1e-12);
        let mismatch = Mismatch::of(&[segment(&[5, 1], &[1.0, 0.0])]);
        assert_eq!((mismatch.p_value(), mismatch.is_alarm()), (0.0, true));
        for shares in [[-0.1, 1.1], [0.0, 0.0], [f64::NAN, 1.0], [f64::INFINITY, 1.0]] {
            assert!(Segment::new([(1, shares[0]), (1, shares[1])]).is_err(), "{shares:?}");
        }
        for counts in [[u64::MAX, 0], [0, u64::MAX], [u64::MAX, u64::MAX], [1_000_000, 10]] {
            for share in [0.5, 1e-9, 1e-306] {
                let log_e = segment(&counts, &[share, 1.0 - share]).log_e();
                assert!(log_e.is_finite(), "{counts:?} {share}: {log_e}");
            }
        }
    }

    #[test]
    fn segments_multiply() {
        let (a, b) = (segment(&[5200, 4800], &[0.5, 0.5]), segment(&[90, 15], &[0.9, 0.1]));
        let both = Mismatch::of([&a, &b]);
        assert!((both.log_e - a.log_e() - b.log_e()).abs() < 1e-12);
        assert!((both.p_value() - (-both.log_e).exp()).abs() < 1e-12);
    }

    /// As the product itself makes it: weights that are moved during the test, and a look after every 100 requests. `rates`
    /// tells the share of the second variant that requests really get, by the one that is expected.
    fn alarm_at(seed: u8, alpha: f64, requests: u32, really: impl Fn(f64) -> f64) -> Option<u32> {
        let mut random = seeded([seed; 32]);
        let mut segments: Vec<Segment> = Vec::new();
        let ramp = [0.05, 0.1, 0.25, 0.5];
        let step = requests / 4;
        for (at, share) in ramp.iter().enumerate() {
            let mut counts = [0u64; 2];
            for request in 1..=step {
                let uniform = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                counts[usize::from(uniform < really(*share))] += 1;
                if request % 100 == 0 {
                    let now = segment(&counts, &[1.0 - share, *share]);
                    if Mismatch::of(segments.iter().chain([&now])).log_e >= -alpha.ln() {
                        return Some(at as u32 * step + request);
                    }
                }
            }
            segments.push(segment(&counts, &[1.0 - share, *share]));
        }
        None
    }

    #[test]
    fn false_alarms_are_as_rare_as_promised_while_weights_move_and_somebody_always_looks() {
        let runs = 200;
        let false_alarms = (0..runs).filter(|seed| alarm_at(*seed, 0.05, 20_000, |share| share).is_some()).count();
        // Three standard errors above 5 %.
        assert!(
            (false_alarms as f64) < 200.0 * 0.05 + 3.0 * (200.0f64 * 0.05 * 0.95).sqrt(),
            "{false_alarms} of {runs}"
        );
    }

    #[test]
    fn a_variant_that_loses_a_tenth_of_its_records_is_found() {
        let found =
            (0..100).filter(|seed| alarm_at(*seed, ALPHA, 40_000, |share| 0.9 * share / (1.0 - 0.1 * share)).is_some());
        assert!(found.count() >= 95);
    }

    #[test]
    fn the_band_is_where_no_look_raises_an_alarm() {
        for (requests, share) in [(10, 0.5), (100, 0.5), (1_000, 0.1), (100_000, 0.25), (1, 0.9)] {
            let (low, high) = acceptance_always(requests, share, 0.95);
            let accepted = |count: u32| {
                segment(&[count.into(), (requests - count).into()], &[share, 1.0 - share]).log_e() < -(0.05f64).ln()
            };
            assert!(accepted(low) && accepted(high), "{requests} {share}: {low} {high}");
            assert!(low == 0 || !accepted(low - 1), "{requests} {share}: {low}");
            assert!(high == requests || !accepted(high + 1), "{requests} {share}: {high}");
        }
        assert_eq!(acceptance_always(10, 0.0, 0.95), (0, 0));
        assert_eq!(acceptance_always(10, 1.0, 0.95), (10, 10));
    }
}
