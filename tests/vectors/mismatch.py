#!/usr/bin/env python3
"""Records what others say of sample ratios, for src/statistics/mismatch.rs:

    python3 -m venv v
    v/bin/pip install cvxpy matplotlib mpmath pandas py-markdown-table scipy toolz
    v/bin/pip install --no-deps ssrm-test==0.1.5 savvi==0.3.1
    v/bin/python tests/vectors/mismatch.py

What is recorded is the published formula in 60 digits (mpmath), and which of ssrm-test and savvi say the same to 1e-9: both work
with doubles, and lose digits where the counts are large. Writes mismatch.json.
"""

import json
import pathlib

import mpmath
import numpy as np
from savvi.multinomial import Multinomial
from ssrm_test.ssrm_test import log_posterior_predictive, multinomiallogpmf

VECTORS = pathlib.Path(__file__).with_name("mismatch.json")
mpmath.mp.dps = 60


def formula(counts, shares, k):
    """ln E, by the definition."""
    shares = [mpmath.mpf(share) for share in shares]
    total = sum(shares)
    shares = [share / total for share in shares]
    k, n = mpmath.mpf(k), sum(counts)
    log_e = mpmath.loggamma(k) - mpmath.loggamma(k + n)
    for count, share in zip(counts, shares):
        log_e += mpmath.loggamma(k * share + count) - mpmath.loggamma(k * share) - count * mpmath.log(share)
    return float(log_e)


def by_ssrm_test(counts, shares, k):
    """ln E from ssrm-test: the logarithm of its Bayes factor."""
    counts, shares = np.array(counts), np.array(shares) / sum(shares)
    return float(log_posterior_predictive(counts, k * shares) - multinomiallogpmf(counts, counts.sum(), shares))


def by_savvi(counts, shares, k):
    """ln E from savvi: the logarithm of its posterior odds."""
    shares = np.array(shares) / sum(shares)
    test = Multinomial(0.05, shares / shares.sum(), k)
    with np.errstate(all="ignore"):
        test.update(np.array(counts))
        return float(np.log(test.odds))


CASES = [
    ([5200, 4800], [0.5, 0.5]),
    ([5100, 4900], [0.5, 0.5]),
    ([5000, 5000], [0.5, 0.5]),
    ([60, 40], [0.5, 0.5]),
    ([1, 0], [0.5, 0.5]),
    ([0, 0], [0.5, 0.5]),
    ([95, 5], [0.9, 0.1]),
    ([990, 30], [0.99, 0.01]),
    ([9000, 1100], [0.9, 0.1]),
    ([90_000, 10_500], [0.9, 0.1]),
    ([333, 333, 400], [1, 1, 1]),
    ([7000, 2000, 1200], [0.7, 0.2, 0.1]),
    ([50, 20, 20, 15], [0.5, 0.2, 0.2, 0.1]),
    ([5000, 2100, 1900, 1150], [0.5, 0.2, 0.2, 0.1]),
    ([400, 300, 200, 90, 30], [4, 3, 2, 1, 0.1]),
    ([500_500, 499_500], [0.5, 0.5]),
    ([1_000_000, 1_003_000], [0.5, 0.5]),
    ([9_000_000, 1_004_000], [0.9, 0.1]),
    ([999_000, 1_100], [0.999, 0.001]),
    ([3, 250_000], [0.00001, 0.99999]),
    ([700_001_000, 199_990_000, 100_009_000], [0.7, 0.2, 0.1]),
    ([500_001_000_000, 499_999_000_000], [0.5, 0.5]),
    ([700_000_500_000, 199_999_900_000, 99_999_600_000], [0.7, 0.2, 0.1]),
    ([333_333_000_000, 666_667_000_000], [1, 2]),
    ([1_000_000_000_000, 0], [0.999999, 0.000001]),
]


def main():
    cases = []
    for counts, shares in CASES:
        for k in [100, 1000, 10_000, 7]:
            log_e, by = formula(counts, shares, k), ["mpmath"]
            for name, other in [("ssrm-test", by_ssrm_test), ("savvi", by_savvi)]:
                try:
                    same = abs(other(counts, shares, k) - log_e) <= 1e-9 * max(1, abs(log_e))
                except ValueError:
                    same = False  # savvi wants shares whose sum is 1 to the last bit.
                by += [name] if same else []
            cases.append({"counts": counts, "shares": shares, "k": k, "log_e": log_e, "by": by})
    VECTORS.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    for name in ["mpmath", "ssrm-test", "savvi"]:
        print(f"{name}: {sum(name in case['by'] for case in cases)} cases")


main()
