//! Whether one party has more than its part of some events, at every look: more errors, say, than the traffic it has explains.
//!
//! The canary test of Lindon and Malek, "Anytime-Valid Inference For Multinomial Count Data" (2022), section 4: of events that
//! come from two parties, each with its part w of the traffic, an event is the watched party's with a probability of w if both
//! have one rate, whatever that rate is and however it moves. Only the events are looked at, and the share that the party had
//! when each happened: so the traffic may be ramped, and the rate may change by the hour.
//!
//! Errors of one unit follow each other: let a unit count once in each segment, or one that is broken raises the alarm alone.

/// Among how many odds the alternative is spread out, evenly in their logarithm.
const GRID: u32 = 40;
/// How many times worse than it may be the party is thought to be at most, if it is worse.
const WORST: f64 = 20.0;
/// What is told of a ratio that has no upper bound: no event of the others was seen.
pub const MOST_TIMES: f64 = 1e9;

/// Events that happened under one share of the traffic.
///
/// Requests under a rate that may not be exceeded are the same: each is a trial, a hit is a failure, and `null` is the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trials {
    /// Those of the watched party.
    pub hits: u64,
    /// Those of all others.
    pub misses: u64,
    /// The probability of a hit if the party is as the others are: its part of the traffic that it and they have. One that is
    /// not between 0 and 1 tells nothing, as nobody is there to compare with.
    pub null: f64,
}

impl Trials {
    fn events(&self) -> f64 {
        self.hits as f64 + self.misses as f64
    }

    /// What a ratio makes of the odds: 1 - w + w r, for a share w.
    fn ln_grown(&self, ratio: f64) -> f64 {
        (self.null * (ratio - 1.0)).ln_1p()
    }
}

/// The logarithm of the e-value against the watched party's rate being at most `times` that of the others. It is above
/// ln(1/alpha) at any time with a probability of alpha at most: where the rate is `times` as large, and as well where it is
/// smaller (each factor grows with the probability of a hit, and its mean is 1 at `times`).
///
/// With 40 ratios r_g up to 20 times `times`, evenly spread in their logarithm,
///
/// ```text
/// p(r) = w r / (w r + 1 - w)
/// E    = mean_g prod_events p(r_g) / p(times) if a hit, (1 - p(r_g)) / (1 - p(times)) if a miss
/// ```
///
/// A rate that must not be above p0 is tested with `times` 1 and `null` p0: the ratio is then one of odds.
///
/// ```
/// use turnout::statistics::{Trials, log_e_of_odds};
/// // A tenth of the traffic, and 30 of 100 errors.
/// let log_e = log_e_of_odds(&[Trials { hits: 30, misses: 70, null: 0.1 }], 1.0);
/// assert!(log_e > 20f64.ln());
/// ```
///
/// It is 0 where nothing was seen, and where `times` is no number above 0 or beyond doubles.
pub fn log_e_of_odds(trials: &[Trials], times: f64) -> f64 {
    if !is_ratio(times) {
        return 0.0;
    }
    ln_mean(&log_es(trials, times).collect::<Vec<_>>())
}

/// The same, where the party may become worse in any segment: as many tests as there are segments, each from one of them on, of
/// which the k-th has the part 1/(k (k + 1)) of the whole. What was good for a long time speaks against none of those that began
/// after it. The parts sum to 1, and a test that has not begun has an e-value of 1, so that this is an e-value as well.
pub fn log_e_of_odds_since_any(segments: &[Vec<Trials>], times: f64) -> f64 {
    if !is_ratio(times) {
        return 0.0;
    }
    let mut since: Vec<f64> = log_es(&[], times).collect();
    let mut tests = Vec::new();
    // From the last on: what a test has seen is what the one that began after it has, and one segment more.
    for (at, trials) in segments.iter().enumerate().rev() {
        for (sum, log_e) in since.iter_mut().zip(log_es(trials, times)) {
            *sum += log_e;
        }
        let number = at as f64 + 1.0;
        tests.push(ln_mean(&since) - (number * (number + 1.0)).ln());
    }
    tests.push(-(segments.len() as f64 + 1.0).ln());
    ln_mean(&tests) + (tests.len() as f64).ln()
}

fn is_ratio(times: f64) -> bool {
    times > 0.0 && (times * WORST).is_finite()
}

/// ln E for each of the ratios.
fn log_es(trials: &[Trials], times: f64) -> impl Iterator<Item = f64> {
    let hits: f64 = informative(trials).map(|trials| trials.hits as f64).sum();
    (1..=GRID).map(move |at| {
        let log_worse = WORST.ln() * f64::from(at) / f64::from(GRID);
        let ratio = times * log_worse.exp();
        // p(r_g)/p(times) is r_g/times (1 - w + w times)/(1 - w + w r_g), and a miss' factor is that without its first part.
        let grown =
            informative(trials).map(|trials| trials.events() * (trials.ln_grown(ratio) - trials.ln_grown(times)));
        hits * log_worse - grown.sum::<f64>()
    })
}

/// The logarithm of the mean of numbers whose logarithms are given.
fn ln_mean(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    largest + (sum / logs.len() as f64).ln()
}

/// How many times the others' rate the watched party's is, most likely: where as many hits are expected as were seen. `None` if
/// nothing was seen that tells. At most [`MOST_TIMES`].
pub fn ratio_estimate(trials: &[Trials]) -> Option<f64> {
    let hits: u64 = informative(trials).fold(0, |sum, trials| trials.hits.saturating_add(sum));
    let misses: u64 = informative(trials).fold(0, |sum, trials| trials.misses.saturating_add(sum));
    if hits == 0 {
        return (misses > 0).then_some(0.0);
    }
    let expected = |ratio: f64| {
        let each = informative(trials).map(|trials| {
            let odds = trials.null * ratio;
            trials.events() * odds / (odds + 1.0 - trials.null)
        });
        each.sum::<f64>()
    };
    // Grows with the ratio. Halved, in its logarithm, until doubles have no number between.
    let (mut low, mut high) = (f64::MIN_POSITIVE.ln(), MOST_TIMES.ln());
    if expected(MOST_TIMES) <= hits as f64 {
        return Some(MOST_TIMES);
    }
    for _ in 0..100 {
        let middle = low + (high - low) / 2.0;
        if expected(middle.exp()) < hits as f64 { low = middle } else { high = middle }
    }
    Some(high.exp())
}

fn informative(trials: &[Trials]) -> impl Iterator<Item = &Trials> {
    trials.iter().filter(|trials| trials.null > 0.0 && trials.null < 1.0)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;
    use rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::assignment::Randomness;

    #[test]
    fn what_was_good_for_long_does_not_hide_what_is_bad_now() {
        let good = Trials { hits: 1_000, misses: 9_000, null: 0.1 };
        let bad = Trials { hits: 40, misses: 60, null: 0.25 };
        assert!(log_e_of_odds(&[good, bad], 1.0) < 0.0);
        let parts = [vec![good], vec![bad]];
        let by_hand = 0.5 * log_e_of_odds(&[good, bad], 1.0).exp() + log_e_of_odds(&[bad], 1.0).exp() / 6.0 + 1.0 / 3.0;
        assert!((log_e_of_odds_since_any(&parts, 1.0) - by_hand.ln()).abs() < 1e-12);
        assert_eq!(log_e_of_odds_since_any(&[], 1.0), 0.0);
        let most = Trials { hits: u64::MAX, misses: u64::MAX, null: 0.5 };
        assert!(log_e_of_odds_since_any(&[vec![most], vec![most]], 1.0).is_finite());
    }

    /// The mean of E over all sequences of ten events, of which the last four are under another share, if the party's rate is
    /// `really` that of the others.
    fn mean(nulls: [f64; 2], times: f64, really: f64) -> f64 {
        let p = |null: f64| null * really / (null * really + 1.0 - null);
        let mut mean = 0.0;
        for sequence in 0u32..1 << 10 {
            let mut trials = nulls.map(|null| Trials { hits: 0, misses: 0, null });
            let mut probability = 1.0;
            for at in 0..10 {
                let now = &mut trials[usize::from(at >= 6)];
                if sequence >> at & 1 == 1 {
                    now.hits += 1;
                    probability *= p(now.null);
                } else {
                    now.misses += 1;
                    probability *= 1.0 - p(now.null);
                }
            }
            mean += probability * log_e_of_odds(&trials, times).exp();
        }
        mean
    }

    #[test]
    fn the_mean_of_the_e_value_is_1_under_the_null_and_no_more_where_the_party_is_better() {
        for nulls in [[0.5, 0.5], [0.05, 0.3], [0.9, 0.1], [0.02, 0.02]] {
            for times in [1.0, 1.5, 0.5] {
                let at = mean(nulls, times, times);
                assert!((at - 1.0).abs() < 1e-12, "{nulls:?} {times}: {at}");
                let mut before = at;
                for part in [0.9, 0.5, 0.1, 0.0] {
                    let better = mean(nulls, times, times * part);
                    assert!(better < before, "{nulls:?} {times} {part}: {better}");
                    before = better;
                }
                assert!(mean(nulls, times, times * 2.0) > 1.0, "{nulls:?} {times}");
            }
        }
    }

    /// A failure rate that must not be above `p0`: its odds, given in terms of those of p0, are the ratio.
    #[test]
    fn it_tells_of_an_absolute_rate_as_well() {
        let odds = |p: f64| p / (1.0 - p);
        for p0 in [0.01, 0.2] {
            for p in [p0, p0 / 2.0, p0 / 10.0] {
                let mean = mean([p0, p0], 1.0, odds(p) / odds(p0));
                assert!(mean <= 1.0 + 1e-12 && (p < p0 || (mean - 1.0).abs() < 1e-12), "{p} for {p0}: {mean}");
            }
        }
        let of = |hits| log_e_of_odds(&[Trials { hits, misses: 1_000 - hits, null: 0.01 }], 1.0);
        assert!(of(5) < 0.0 && of(10) < 0.0 && of(30) > 20f64.ln(), "{} {} {}", of(5), of(10), of(30));
    }

    #[test]
    fn what_tells_nothing_is_left_out() {
        let told = Trials { hits: 7, misses: 20, null: 0.1 };
        let alone = log_e_of_odds(&[told], 1.0);
        for null in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
            let nothing = Trials { hits: 1_000, misses: 0, null };
            assert_eq!(log_e_of_odds(&[nothing, told], 1.0), alone, "{null}");
            assert!(log_e_of_odds(&[nothing], 1.0).abs() < 1e-12, "{null}");
            assert_eq!(ratio_estimate(&[nothing]), None);
        }
        assert!(log_e_of_odds(&[], 1.0).abs() < 1e-12);
        for times in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX] {
            assert_eq!(log_e_of_odds(&[told], times), 0.0);
        }
        assert!(log_e_of_odds(&[Trials { hits: u64::MAX, misses: u64::MAX, null: 0.5 }; 3], 1.0).is_finite());
    }

    #[test]
    fn the_estimate_is_where_as_many_are_expected_as_were_seen() {
        let near = |trials: &[Trials], expected: f64| {
            let told = ratio_estimate(trials).unwrap();
            assert!((told - expected).abs() < 1e-9 * expected, "{told} for {expected}");
        };
        // With one share, the odds seen by those expected.
        near(&[Trials { hits: 30, misses: 70, null: 0.1 }], 30.0 / 70.0 * 9.0);
        near(&[Trials { hits: 50, misses: 50, null: 0.5 }], 1.0);
        near(&[Trials { hits: 1, misses: 999_999, null: 0.999 }], 1.0 / 999_999.0 / 999.0);
        // As many hits as a ratio of 2 makes one expect, in both.
        near(&[Trials { hits: 20, misses: 10, null: 0.5 }, Trials { hits: 40, misses: 60, null: 0.25 }], 2.0);
        assert_eq!(ratio_estimate(&[Trials { hits: 0, misses: 5, null: 0.5 }]), Some(0.0));
        assert_eq!(ratio_estimate(&[Trials { hits: 5, misses: 0, null: 0.5 }]), Some(MOST_TIMES));
        assert_eq!(ratio_estimate(&[Trials { hits: 0, misses: 0, null: 0.5 }]), None);
        assert_eq!(ratio_estimate(&[]), None);
    }

    proptest! {
        #[test]
        fn nothing_is_no_number(hits: [u64; 3], misses: [u64; 3], nulls: [f64; 3], times: f64) {
            let trials: Vec<_> = hits
                .into_iter()
                .zip(misses)
                .zip(nulls)
                .map(|((hits, misses), null)| Trials { hits, misses, null: null.abs().fract() })
                .collect();
            prop_assert!(!log_e_of_odds(&trials, times).is_nan());
            prop_assert!(ratio_estimate(&trials).is_none_or(|ratio| (0.0..=MOST_TIMES).contains(&ratio)));
        }
    }

    fn uniform(random: &mut Randomness) -> f64 {
        (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// At which request the alarm is raised, if the watched party has `ratio` times the others' errors. 20,000 requests, a
    /// quarter each at 1, 5, 25 and 50 % of the traffic; 2 % errors, which come and go. Only requests that may be errors are
    /// drawn.
    fn alarm_at(seed: u64, alpha: f64, ratio: f64) -> Option<f64> {
        const REQUESTS: f64 = 20_000.0;
        // Not with the seed among noughts: the first draws would be nearly the same for all.
        let mut random = Randomness::seed_from_u64(seed);
        let mut trials = [0.01, 0.05, 0.25, 0.5].map(|null| Trials { hits: 0, misses: 0, null });
        let rate = |at: f64| 0.02 * (1.0 + 0.8 * (at / REQUESTS * 18.85).sin());
        let most = 0.036 * ratio.max(1.0);
        let mut at = 0.0;
        loop {
            // The next that may be one: a geometric gap.
            at += 1.0 + ((1.0 - uniform(&mut random)).ln() / (-most).ln_1p()).floor();
            if at > REQUESTS {
                return None;
            }
            let step = (((at - 1.0) / REQUESTS * 4.0) as usize).min(3);
            let is_watched = uniform(&mut random) < trials[step].null;
            if uniform(&mut random) * most >= rate(at) * if is_watched { ratio } else { 1.0 } {
                continue;
            }
            if !is_watched {
                // A miss only makes E smaller: there is no need to look.
                trials[step].misses += 1;
                continue;
            }
            trials[step].hits += 1;
            if log_e_of_odds(&trials, 1.0) >= -alpha.ln() {
                return Some(at);
            }
        }
    }

    #[test]
    fn false_alarms_are_as_rare_as_promised_on_a_ramp_while_the_rate_changes() {
        for ratio in [1.0, 0.5] {
            let wrong = (0..2_000).filter(|seed| alarm_at(*seed, 0.05, ratio).is_some()).count();
            // Three standard errors above 5 %. 61 and 8, when this was written.
            assert!(wrong as f64 <= 2_000.0 * 0.05 + 3.0 * (2_000.0f64 * 0.05 * 0.95).sqrt(), "{ratio}: {wrong}");
        }
    }

    #[test]
    fn twice_the_errors_are_found() {
        let found: Vec<f64> = (0..500).filter_map(|seed| alarm_at(seed, 0.05, 2.0)).collect();
        // 496, when this was written, half of them by request 11,334: most at 25 % of the traffic.
        assert!(found.len() >= 490, "{} of 500", found.len());
    }
}
