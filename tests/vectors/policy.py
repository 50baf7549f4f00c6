#!/usr/bin/env python3
"""Records what others say of guardrails and of proposed weights, in policy.json. scripts/oracles.sh makes the two environments
that this needs, and runs this in both:

    .tools/oracles-a/bin/python tests/vectors/policy.py    mpmath
    .tools/oracles-b/bin/python tests/vectors/policy.py    scipy, statsmodels, mabwiser

A run replaces the lists whose packages it can import, and leaves the others as they are.

savvi has a canary test (InhomogeneousPoissonProcess) that is no oracle here: it is two-sided, its shares are fixed for good, and
its alternative is a Dirichlet distribution around them, so that it is the test of sample ratios, which mismatch.json has. Ours is
one-sided, and its shares are each event's own. So that is written once more here, event by event, from Lindon and Malek's paper.
"""

import importlib.metadata
import pathlib

import numpy as np
from recording import record_all

VECTORS = pathlib.Path(__file__).with_name("policy.json")


def needs(package, version):
    """Leaves a list as it is in the environment that does not have this version."""
    if importlib.metadata.version(package) != version:
        raise ImportError(name=f"{package} {version}")


# hits, misses, and the watched party's share, in each segment.
ROWS = [
    [(30, 70, 0.1)],
    [(50, 50, 0.5)],
    [(0, 40, 0.05)],
    [(12, 0, 0.3)],
    [(3, 60, 0.05), (9, 80, 0.1), (40, 90, 0.25), (70, 72, 0.5)],
    [(1, 99, 0.01), (8, 92, 0.05), (31, 70, 0.25), (66, 34, 0.5)],
    [(0, 10, 0.01), (2, 100, 0.05)],
    [(400, 9600, 0.03), (10, 300, 0.01)],
    [(5, 1, 0.9), (2, 9, 0.2)],
    [(25, 975, 0.01)],
    [(5, 995, 0.01)],
]


def canary():
    """ln E of the test of a canary release (Lindon and Malek 2022, section 4), multiplied event by event in 40 digits, for each of
    40 alternatives: an event is the canary's with a probability of w r / (w r + 1 - w) if its rate is r times the control's."""
    import mpmath

    mpmath.mp.dps = 40
    cases = []
    for i, rows in enumerate(ROWS):
        for times in [1.0, [1.1, 0.5, 2.0, 1.25][i % 4]]:
            events = [(w, is_hit) for hits, misses, w in rows for is_hit in [True] * hits + [False] * misses]
            factors = {event: [] for event in events}
            for w, is_hit in factors:
                null = mpmath.mpf(w) * times / (mpmath.mpf(w) * times + 1 - w)
                for g in range(1, 41):
                    odds = times * mpmath.exp(mpmath.log(20) * g / 40)
                    p = w * odds / (w * odds + 1 - w)
                    factors[w, is_hit] += [p / null if is_hit else (1 - p) / (1 - null)]
            e_values = [mpmath.mpf(1)] * 40
            for event in events:
                e_values = [e_value * factor for e_value, factor in zip(e_values, factors[event])]
            log_e = float(mpmath.log(sum(e_values) / 40))
            cases += [{"rows": rows, "times": times, "log_e": log_e}]
    return {"canary": cases}


def ratio():
    """How many times the control's rate the canary's is: statsmodels' logistic regression of who an event is of, on a constant,
    with the logit of the share as offset."""
    import statsmodels.api as sm

    cases = []
    for rows in ROWS:
        counts, w = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
        if not (counts.sum(axis=0) > 0).all():
            continue
        model = sm.GLM(counts, np.ones(len(rows)), family=sm.families.Binomial(), offset=np.log(w / (1 - w)))
        cases += [{"rows": rows, "ratio": float(np.exp(model.fit(tol=1e-14, maxiter=200).params[0]))}]
    return {"ratio": cases}


BETAS = [[(31, 71), (41, 61), (36, 66)], [(31, 71), (41, 61)], [(1, 1), (1, 1), (1, 1)], [(1, 1), (3, 5)], [(2, 900), (5, 1100)]]
BETAS += [[(1e6, 1e6), (1, 1)], [(1e6, 1e6), (1, 1), (1.5, 0.7)], [(1e6, 1e6), (1_000_500, 999_500)], [(0.5, 0.5), (0.5, 3), (40, 60)]]
BETAS += [[(1 + i, 21 - i) for i in range(20)], [(100 + i, 900) for i in range(12)], [(1e5, 9e5), (100, 900), (10, 90), (1, 9)]]
BETAS += [[(1, 5000), (1, 300), (2, 4000)], [(5000, 1), (4000, 1), (30, 1)]]
NORMALS = [[(0, 1), (0.5, 2)], [(0, 1), (0.5, 2), (-1, 5)], [(1, 1e-4), (1.00005, 1e-4), (0, 1)], [(0, 1e-8), (0, 1), (0, 1e3)]]
NORMALS += [[(i / 10, 0.2 + i / 20) for i in range(20)], [(1e6, 3), (1e6 + 2, 1), (1e6 - 5, 40)], [(-3, 1e-3), (-3.001, 2e-3), (-2.9, 0.1)]]


def best():
    """The probability of being the largest, by scipy's quantiles and distribution functions: the integral over u in (0, 1) of
    prod F_j(Q_i(u)) of the others, in panels that end where one of these rises. Right to 1e-7, as the sums of all are."""
    needs("scipy", "1.17.1")
    from scipy import integrate, stats

    cases = []
    for kind, lists in [("beta", BETAS), ("normal", NORMALS)]:
        for parameters in lists:
            posteriors = [(stats.beta if kind == "beta" else stats.norm)(*map(float, pair)) for pair in parameters]
            grid = [1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1 - 1e-4, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12]
            probabilities = []
            for i, own in enumerate(posteriors):
                others = [other for j, other in enumerate(posteriors) if j != i]

                def density(u):
                    x = own.ppf(u)
                    return np.prod([other.cdf(x) for other in others], axis=0)

                rises = sorted({u for other in others for u in own.cdf(other.ppf(grid)) if 0 < u < 1} | {*grid})
                ends = [0.0, *rises, 1.0]
                parts = [integrate.fixed_quad(density, a, b, n=8)[0] for a, b in zip(ends, ends[1:]) if b - a > 0]
                probabilities += [float(sum(parts))]
            assert abs(sum(probabilities) - 1) < 1e-7, (kind, parameters, sum(probabilities))
            cases += [{"kind": kind, "parameters": parameters, "best": probabilities}]
    return {"best": cases}


def best_of_small():
    """The same of two rates that are known to be near 0 or 1, where doubles do not tell 1 - x from 0: mpmath, by the logit."""
    import mpmath

    mpmath.mp.dps = 25

    def density(a, b, t):
        return mpmath.exp(a * t - (a + b) * mpmath.log1p(mpmath.exp(t))) / mpmath.beta(a, b)

    def below(a, b, t):
        if t > 0:
            return 1 - below(b, a, -t)
        return mpmath.betainc(a, b, 0, 1 / (1 + mpmath.exp(-t)), regularized=True)

    cases, steps = [], [-800, -300, -100, -30, -10, -3, 0, 3, 10, 30, 100, 300, 800]
    for a1, b1, a2, b2 in [(0.1, 0.2, 0.3, 0.1), (0.5, 0.5, 0.25, 0.125), (1, 1, 0.1, 0.1), (0.2, 30, 0.1, 5)]:
        second = float(mpmath.quad(lambda t: density(a2, b2, t) * below(a1, b1, t), steps))
        cases += [{"kind": "beta", "parameters": [(a1, b1), (a2, b2)], "best": [1 - second, second]}]
    return {"best_of_small": cases}


def ucb1():
    """mabwiser's index of UCB1: its expectations."""
    from mabwiser.mab import MAB, LearningPolicy

    cases = []
    for arms in [[(30, 100), (20, 50)], [(1, 2), (3, 4), (0, 1)], [(100, 10_000), (90, 8000)], [(5, 5), (400, 500), (3, 9), (7, 8)]]:
        for alpha in [1.0, 0.5, 1.25]:
            mab = MAB(list(range(len(arms))), LearningPolicy.UCB1(alpha))
            decisions = [arm for arm, (_, n) in enumerate(arms) for _ in range(n)]
            mab.fit(decisions, [int(k < hits) for hits, n in arms for k in range(n)])
            index = mab.predict_expectations()
            cases += [{"arms": arms, "alpha": alpha, "index": [float(index[arm]) for arm in range(len(arms))]}]
    return {"ucb1": cases}


RATES = [(0.10, 0.12, 0.11), (0.50, 0.55, 0.45)]
SEEDS, DECISIONS, BATCH = 100, 10_000, 500


def rewards(seed, rates):
    """Who would be rewarded at each decision: the k-th output of splitmix64 (k from 1, by decision and then by arm), of which the
    top 53 bits are a number in [0, 1) that is below the arm's rate."""
    with np.errstate(over="ignore"):
        k = np.arange(1, DECISIONS * len(rates) + 1, dtype=np.uint64)
        z = np.uint64(seed) + k * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    uniform = (z >> np.uint64(11)).astype(np.float64) / 2.0**53
    return (uniform.reshape(DECISIONS, len(rates)) < np.array(rates)).astype(int)


def regret():
    """What mabwiser's policies lose to the best arm in 10,000 decisions (the sum of the rates' differences), learning after every
    500, of which the first are spread evenly. One figure a seed, as many as tell policies apart: of 20 seeds, a mean was once a
    third off. `rewarded` is how many rewards each arm has in the first seed's table."""
    from mabwiser.mab import MAB, LearningPolicy

    policies = {"thompson": LearningPolicy.ThompsonSampling(), "epsilon_greedy": LearningPolicy.EpsilonGreedy(0.1)}
    policies |= {"ucb1": LearningPolicy.UCB1(1)}
    cases = []
    for rates in RATES:
        for name, policy in policies.items():
            regrets = []
            for seed in range(SEEDS):
                table, arms = rewards(seed, rates), list(range(len(rates)))
                mab, lost = MAB(arms, policy, seed=seed), 0.0
                for start in range(0, DECISIONS, BATCH):
                    drawn = np.random.default_rng(seed).integers(len(arms), size=BATCH)
                    chosen = [mab.predict() for _ in range(BATCH)] if start else drawn.tolist()
                    lost += sum(max(rates) - rates[arm] for arm in chosen)
                    mab.partial_fit(chosen, [int(table[start + k, arm]) for k, arm in enumerate(chosen)])
                regrets += [round(lost, 6)]
            rewarded = rewards(0, rates).sum(axis=0).tolist()
            cases += [{"rates": rates, "policy": name, "rewarded": rewarded, "regrets": regrets}]
    return {"regret": cases}


LISTS = [canary, ratio, best, best_of_small, ucb1, regret]
ORDER = ["canary", "ratio", "best", "best_of_small", "ucb1", "regret"]

record_all(VECTORS, LISTS, ORDER)
