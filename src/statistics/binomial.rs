//! How many of some requests a variant should get.

/// The counts between which a variant of that share is expected to be after `requests` requests, both included: each tail
/// beyond them has a probability of at most `(1 - confidence) / 2`. Exact quantiles of the binomial distribution, not
/// those of its normal approximation, which is wrong for small shares.
///
/// `share` and `confidence` are 0 to 1; what is outside counts as the nearest, and what is no number as 0.
///
/// ```
/// assert_eq!(turnout::statistics::acceptance(1000, 0.5, 0.95), (469, 531));
/// ```
pub fn acceptance(requests: u32, share: f64, confidence: f64) -> (u32, u32) {
    let (share, confidence) = (unit_interval(share), unit_interval(confidence));
    if share == 0.0 {
        return (0, 0);
    }
    if share == 1.0 {
        return (requests, requests);
    }
    // Probabilities relative to the likeliest count's, from there both ways, until they no longer count: neither factorials
    // nor gamma functions, and nothing that overflows.
    let odds = share / (1.0 - share);
    let mode = ((f64::from(requests) + 1.0) * share).floor().min(f64::from(requests)) as u32;
    let upward = relative(mode..requests, |k| (f64::from(requests) - k) / (k + 1.0) * odds);
    let downward = relative((1..=mode).rev(), |k| k / (f64::from(requests) - k + 1.0) / odds);
    let total = 1.0 + upward.iter().sum::<f64>() + downward.iter().sum::<f64>();
    let tail = (1.0 - confidence) / 2.0 * total;
    (mode.saturating_sub(reach(&downward, tail)), mode.saturating_add(reach(&upward, tail)))
}

/// The probabilities of the counts after the mode, each the one before times a ratio.
fn relative(counts: impl Iterator<Item = u32>, ratio: impl Fn(f64) -> f64) -> Vec<f64> {
    const NEGLIGIBLE: f64 = 1e-20;
    let mut last = 1.0;
    counts
        .map_while(|count| {
            last *= ratio(f64::from(count));
            (last > NEGLIGIBLE).then_some(last)
        })
        .collect()
}

/// How far from the mode the acceptance reaches: what is beyond has at most the probability `tail`.
fn reach(probabilities: &[f64], tail: f64) -> u32 {
    let mut beyond = 0.0;
    let outside = probabilities
        .iter()
        .rev()
        .take_while(|probability| {
            beyond += **probability;
            beyond <= tail
        })
        .count();
    u32::try_from(probabilities.len().saturating_sub(outside)).unwrap_or(u32::MAX)
}

fn unit_interval(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.binom(n, p).ppf([a / 2, 1 - a / 2])` of SciPy 1.17.1.
    const VECTORS: &[(u32, f64, f64, u32, u32)] = &[
        (1, 0.5, 0.95, 0, 1),
        (10, 0.5, 0.95, 2, 8),
        (10, 0.1, 0.99, 0, 4),
        (100, 0.5, 0.95, 40, 60),
        (100, 0.5, 0.99, 37, 63),
        (100, 0.01, 0.99, 0, 4),
        (100, 0.9, 0.99, 82, 97),
        (1000, 0.5, 0.99, 459, 541),
        (1000, 0.9, 0.99, 875, 924),
        (1000, 0.003, 0.99, 0, 8),
        (5000, 0.25, 0.999, 1150, 1352),
        (100000, 0.75, 0.99, 74647, 75352),
        (1000000, 0.5, 0.99, 498712, 501288),
        (1000000, 1e-06, 0.99, 0, 4),
        (777, 0.3333333333333333, 0.9, 237, 281),
    ];

    #[test]
    fn the_quantiles_are_scipys() {
        for (requests, share, confidence, low, high) in VECTORS {
            assert_eq!(acceptance(*requests, *share, *confidence), (*low, *high), "{requests} {share} {confidence}");
        }
    }

    #[test]
    fn the_ends_are_certain() {
        assert_eq!(acceptance(100, 0.0, 0.99), (0, 0));
        assert_eq!(acceptance(100, 1.0, 0.99), (100, 100));
        assert_eq!(acceptance(0, 0.3, 0.99), (0, 0));
        assert_eq!(acceptance(10, f64::NAN, 2.0), (0, 0));
        assert_eq!(acceptance(10, 0.5, 1.0), (0, 10));
    }
}
