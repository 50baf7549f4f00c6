#!/usr/bin/env python3
"""Records what others say of two models that were asked about the same requests, in pairs.json. scripts/oracles.sh makes the
environments, and runs this in both:

    .tools/oracles-a/bin/python tests/vectors/pairs.py    scipy, mpmath
    .tools/oracles-b/bin/python tests/vectors/pairs.py    scipy, statsmodels

Inputs are rounded so that they are short, and are given to the packages as they are recorded.
"""

import pathlib

import numpy as np
from recording import record_all

VECTORS = pathlib.Path(__file__).with_name("pairs.json")
# Requests on which the baseline alone was right, and the variant alone.
COUNTS = [(15, 5), (5, 15), (0, 0), (1, 0), (0, 1), (1, 1), (0, 5), (0, 6), (3, 0), (10, 10), (10, 11), (12, 13), (9, 1), (40, 0)]
COUNTS += [(0, 100), (60, 40), (55, 45), (121, 165), (300, 300), (300, 301), (500, 400), (1000, 1100), (20, 400), (4900, 5100)]
COUNTS += [(0, 1000), (30_000, 30_500), (499_000, 501_000), (500_000, 500_000), (1_000_000, 1_003_000), (5_000_000, 5_001_000)]
COUNTS += [(1_234_567, 1_230_000), (50_000_000, 50_010_000)]


def mcnemar():
    """McNemar's exact p by statsmodels; its mid-p by the definition, with scipy's binomial distribution."""
    from scipy.stats import binom
    from statsmodels.stats.contingency_tables import mcnemar as test

    cases = []
    for b, c in COUNTS:
        n, least = b + c, min(b, c)
        mid = 2 * binom.cdf(least, n, 0.5) - binom.pmf(least, n, 0.5)
        # The concordant pairs do not matter.
        exact = test([[100, b], [c, 100]], exact=True).pvalue if n else 1.0
        cases += [{"only_baseline": b, "only_variant": c, "exact": float(exact), "mid": min(1.0, float(mid))}]
    return {"mcnemar": cases}


def e_value():
    """ln E of the beta-binomial mixture, Beta(20, 20), against a fair coin: the formula in 50 digits (mpmath), with which scipy's
    betaln agrees as far as doubles that cancel can."""
    import mpmath
    from scipy.special import betaln

    mpmath.mp.dps = 50
    cases, h = [], 20
    for b, c in COUNTS:
        lnb = lambda x, y: mpmath.loggamma(x) + mpmath.loggamma(y) - mpmath.loggamma(x + y)
        log_e = float((b + c) * mpmath.log(2) + lnb(h + b, h + c) - lnb(h, h))
        by_scipy = (b + c) * np.log(2) + betaln(h + b, h + c) - betaln(h, h)
        assert abs(by_scipy - log_e) <= 1e-11 + 1e-14 * (b + c), (b, c, by_scipy, log_e)
        cases += [{"only_baseline": b, "only_variant": c, "log_e": log_e}]
    return {"e_value": cases}


def clustered():
    """The mean difference and its error: least squares by statsmodels on a constant, with cluster-robust errors without a
    small-sample factor. A pair is its unit and d."""
    import statsmodels.api as sm

    rng, cases = np.random.default_rng(7), []
    # Pairs, the most of a unit, and d: of labels, of absolute errors, of squared errors, of large numbers.
    sets = [(120, 1, "label"), (150, 12, "label"), (150, 40, "label"), (120, 12, "rare"), (100, 1, "number"), (150, 12, "number")]
    sets += [(120, 30, "score"), (100, 5, "score"), (100, 12, "large"), (8, 3, "number"), (3, 1, "label")]
    for count, most, kind in sets:
        rows, unit = [], 0
        while len(rows) < count:
            unit, level = unit + 1, rng.normal()
            for _ in range(rng.integers(1, most + 1)):
                x = level + rng.normal()
                if kind in ("label", "rare"):
                    edge = 2.5 if kind == "rare" else 1
                    d = int(x > edge) - int(x < -edge)
                elif kind == "score":
                    a, b, y = rng.uniform(0, 0.2), rng.uniform(0, 0.2), rng.random() < 0.1
                    d = float(f"{(a - y) ** 2 - (b - y) ** 2 + 0.01 * level:.4g}")
                else:
                    d = float(f"{x * (1e6 if kind == 'large' else 1):.4g}")
                rows += [[unit, d]]
        # Pairs do not come in the order of their units.
        rows = [rows[i] for i in rng.permutation(len(rows))[:count]]
        unit, d = np.array(rows).T
        kinds = {"groups": unit.astype(int), "use_correction": False}
        said = sm.OLS(d, np.ones(count)).fit(cov_type="cluster", cov_kwds=kinds)
        cases += [{"pairs": rows, "units": len(set(unit)), "difference": float(said.params[0]), "se": float(said.bse[0])}]
    return {"clustered": cases}


LISTS = [mcnemar, e_value, clustered]
ORDER = ["mcnemar", "e_value", "clustered"]
record_all(VECTORS, LISTS, ORDER)
