#!/usr/bin/env python3
"""Records what others say of the statistics that judge variants, in verdict.json. scripts/oracles.sh makes the two
environments that this needs, as the packages want different versions of numpy, and runs this in both:

    .tools/oracles-a/bin/python tests/vectors/verdict.py    confseq, gbstats, vw-estimators
    .tools/oracles-b/bin/python tests/vectors/verdict.py    scipy, statsmodels, scikit-learn

A run replaces the lists whose packages it can import, and leaves the others as they are. Inputs are rounded so that they are
short, and are given to the packages as they are recorded. Where a package loses digits, the list says how many: each answer was
compared with its formula in 50 digits (mpmath). All others are right to 1e-14.
"""

import pathlib

import numpy as np
from recording import record_all

VECTORS = pathlib.Path(__file__).with_name("verdict.json")


def short(value, digits=3):
    return float(f"{value:.{digits}g}")


def finite(value):
    """A number, or null where a package says NaN: it is not defined."""
    return None if np.isnan(value) else float(value)


def bernoulli():
    """Confidence sequences of a probability. confseq bisects until it is sure of an end to 2^-39 of its value, and its ln E has
    the rounding of ln-gammas of up to n: together 2e-10 of an end's value up to n = 100,000, and 2e-9 at n = 1,000,000."""
    from confseq.boundaries import bernoulli_confidence_interval

    counts = [(30, 100), (200, 10_000), (9900, 10_000), (3, 5000), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (0, 10), (9, 10)]
    counts += [(50, 100), (100, 100), (0, 100), (1, 1000), (999, 1000), (500, 1000), (0, 10_000), (1, 10_000), (10_000, 10_000)]
    counts += [(10, 100_000), (30_000, 100_000), (0, 1_000_000), (1, 1_000_000), (100, 1_000_000), (500_500, 1_000_000)]
    counts += [(999_900, 1_000_000), (1_000_000, 1_000_000), (2, 1000), (2, 1_000_000), (998, 1000)]
    t_opts = [100, 10_000, 5000, 20_000, 1, 1_000_000, 8]
    cases = []
    for i, (successes, trials) in enumerate(counts):
        for j, alpha in enumerate([0.05, 0.01, 0.001]):
            for t_opt in [t_opts[i % 4 if j == 0 else (i + j) % 7], t_opts[(i + j + 4) % 7]]:
                # With one success the lower end is 0, where confseq fails if t_opt is small.
                if successes == 1 and t_opt < 10:
                    continue
                low, high = bernoulli_confidence_interval(successes, trials, alpha, t_opt, 0.05)
                cases += [{"successes": successes, "trials": trials, "alpha": alpha, "t_opt": t_opt, "low": low, "high": high}]
    return {"bernoulli": cases}


def normal_mixture():
    """The two-sided normal mixture: its bound, and ln E."""
    from confseq.boundaries import normal_log_mixture, normal_mixture_bound

    bounds, log_es = [], []
    for i, v in enumerate([0, 0.01, 0.3, 1, 25, 250, 3700, 1e5, 1e6]):
        for j, v_opt in enumerate([0.02, 1, 250, 1e5]):
            for k, alpha in enumerate([0.05, 0.01, 0.001]):
                alpha_opt = alpha if (i + j) % 2 else 0.05
                bound = float(normal_mixture_bound(v, alpha, v_opt, alpha_opt, False))
                bounds += [{"v": v, "alpha": alpha, "v_opt": v_opt, "alpha_opt": alpha_opt, "bound": bound}]
                s = short([0, -1, 2.5, 6, -40][(i + j + k) % 5] * (v + v_opt / 8) ** 0.5)
                log_e = float(normal_log_mixture(s, v, v_opt, alpha_opt, False))
                log_es += [{"s": s, "v": v, "v_opt": v_opt, "alpha_opt": alpha_opt, "log_e": log_e}]
    return {"mixture_bound": bounds, "mixture_log_e": log_es}


PROPORTIONS = [((2000, 200), (2000, 250)), ((100, 1), (100, 3)), ((1000, 30), (3000, 45)), ((10_000, 5000), (10_000, 5100))]
PROPORTIONS += [((1_000_000, 999_000), (1_000_000, 999_100)), ((1_000_000, 10), (1_000_000, 30)), ((200, 20), (20_000, 3000))]
PROPORTIONS += [((1_000_000, 100_000), (1_000_000, 110_000)), ((100, 50), (100, 50)), ((2, 1), (3, 1))]
# n, mean and standard deviation of both arms.
MEANS = [((100, 10, 2), (120, 10.5, 3)), ((5, -3, 1), (7, -2, 4)), ((1_000_000, 0.001, 0.05), (900_000, 0.0012, 0.06))]
MEANS += [((2000, 100, 1), (2000, 100.1, 1.5)), ((2, 1, 0.5), (2, 3, 0.1)), ((50, 0.01, 20), (60, 0.5, 1))]
MEANS += [((300, 7, 3), (300, 7, 3)), ((10, 5, 0.001), (100_000, 5.001, 2))]
MEANS += [((400, 250, 900), (80, 10, 30)), ((1000, 1e-6, 3e-6), (1000, 1.3e-6, 4e-6))]


def two_arms():
    """gbstats' sequential test and its t-test, two-sided. An arm is its n, sum and sum of squares. The variance is
    (sum of squares - sum^2/n)/(n - 1) for means, and p (1 - p) for proportions. Right to 1e-12 of the interval's half; the
    t-test's interval to 2e-11, and its p, which is 2 (1 - cdf), to 1e-13 but not to a share of a small p."""
    from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
    from gbstats.models.statistics import ProportionStatistic, SampleMeanStatistic

    arms = [("proportion", [[n, x, x] for n, x in pair]) for pair in PROPORTIONS]
    for pair in MEANS:
        sums = [[n, short(n * mean, 6)] for n, mean, _ in pair]
        arms += [("mean", [[n, x, short(x * x / n + (n - 1) * sd**2, 12)] for (n, x), (_, _, sd) in zip(sums, pair)])]
    sequential, t_test = [], []
    for i, (kind, pair) in enumerate(arms):
        a, b = [SampleMeanStatistic(*arm) if kind == "mean" else ProportionStatistic(*arm[:2]) for arm in pair]
        for type_ in ["absolute", "relative"]:
            case = {"kind": kind, "relative": type_ == "relative", "a": pair[0], "b": pair[1]}
            for alpha, tuning in [(0.05, 5000), [(0.01, 5000), (0.05, 100), (0.001, 1_000_000), (0.1, 500)][i % 4]]:
                with np.errstate(over="ignore"):
                    config = SequentialConfig(difference_type=type_, alpha=alpha, sequential_tuning_parameter=tuning)
                    said = SequentialTwoSidedTTest(a, b, config).compute_result()
                sequential += [{**case, "alpha": alpha, "tuning": tuning, **answer(said)}]
            alpha = [0.05, 0.01, 0.2][i % 3]
            said = TwoSidedTTest(a, b, FrequentistConfig(difference_type=type_, alpha=alpha)).compute_result()
            t_test += [{**case, "alpha": alpha, **answer(said)}]
    return {"sequential": sequential, "t_test": t_test}


def answer(said):
    assert said.error_message is None
    return {"difference": said.expected, "low": float(said.ci[0]), "high": float(said.ci[1]), "p": float(said.p_value)}


def off_policy():
    """vw-estimators' IPS, SNIPS and Gaussian interval, of rows of logged propensity, the policy's, and reward. The variance has
    n - 1; the interval may leave [0, 1]."""
    from estimators.bandits import gaussian, ips, snips

    rng, datasets = np.random.default_rng(0), []
    # Two actions as likely as each other; the policy takes the second, of rate 0.3. STATISTICS.md, 3.8, pins these.
    chosen = (int(rng.random() < 0.5) for _ in range(1000))
    datasets += [[[0.5, float(b), float(rng.random() < [0.2, 0.3][b])] for b in chosen]]
    sizes = [(2, 0.5, 0), (10, 0.1, 0), (100, 0.3, 1), (150, 0.05, 2), (200, 0.01, 0), (200, 0.001, 1), (60, 0.9, 2)]
    for n, least, kind in sizes:
        draw = [rng.binomial(1, 0.3, n), rng.random(n), rng.normal(-2, 50, n)][kind]
        logged, target = rng.uniform(least, 1, n), rng.uniform(0, 1, n) * rng.binomial(1, 0.8, n)
        datasets += [[[short(p), short(q), short(r)] for p, q, r in zip(logged, target, draw)]]
    datasets += [[[0.25, 1.0, 1.0]] * 3, [[0.2, 0.5, 0.0]] * 5, [[0.5, 0.5, float(i % 2)] for i in range(50)]]
    datasets += [[[0.1, 0.9, 1e6 + i] for i in range(20)]]
    cases = []
    for rows in datasets:
        estimators = [ips.Estimator(), snips.Estimator(), gaussian.Interval()]
        for logged, target, reward in rows:
            for estimator in estimators:
                estimator.add_example(logged, reward, target)
        low, high = estimators[2].get(0.05)
        said = {"ips": estimators[0].get(), "snips": estimators[1].get(), "low": float(low), "high": float(high)}
        cases += [{"rows": rows, "alpha": 0.05, **said}]
    return {"off_policy": cases}


def welch():
    """Welch's test by scipy, and its interval of the difference b - a by statsmodels: of two values, each n/2 times, that have
    this mean and variance (of n - 1). The interval is right to 4e-12 of its half."""
    from scipy.stats import ttest_ind_from_stats
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    arms = [((0.1, 0.09, 2000), (0.125, 0.11, 2000)), ((1, 2, 2), (3, 0.5, 2)), ((1, 1e-9, 2), (1.5, 40, 3))]
    arms += [((0, 1, 2), (0, 1, 1000))]
    arms += [((5, 0, 10), (6, 2, 12)), ((5, 3, 10), (5, 3, 10))]
    arms += [((0, 1, 10**12), (2e-6, 3, 10**11)), ((0, 1e6, 30), (900, 1e-6, 40))]
    arms += [((1, 1e-4, 50), (2, 1e-4, 50)), ((-8, 400, 5), (-8.5, 1, 10**9))]
    arms += [((0.5, 1e-12, 7), (0.500001, 1e-12, 9))]
    arms += [((100, 1, 3), (101, 1e4, 100_000)), ((0, 1, 40), (30, 1, 40)), ((0, 1, 400), (5, 1, 500)), ((1, 1, 2), (1000, 1, 2))]
    rng = np.random.default_rng(1)
    for _ in range(65):
        n, var = np.exp(rng.uniform(np.log(2), np.log(1e7), 2)), np.exp(rng.normal(0, 3, 2))
        n = [max(2, round(k)) for k in n]
        mean = rng.normal(0, 2, 2) * np.sqrt((var / n).sum()) + rng.normal()
        arms += [tuple((short(mean[i], 4), short(var[i]), n[i]) for i in range(2))]
    cases = []
    for (mean_a, var_a, n_a), (mean_b, var_b, n_b) in arms:
        p = ttest_ind_from_stats(mean_b, var_b**0.5, n_b, mean_a, var_a**0.5, n_a, equal_var=False).pvalue
        two = []
        for mean, var, n in [(mean_b, var_b, n_b), (0, var_a, n_a)]:
            step = (var * (n - 1) / n) ** 0.5
            two += [DescrStatsW(np.array([-step, step]), np.full(2, n / 2))]
        low, high = CompareMeans(*two).tconfint_diff(0.05, usevar="unequal")
        d = mean_b - mean_a
        case = {"mean_a": mean_a, "var_a": var_a, "n_a": n_a, "mean_b": mean_b, "var_b": var_b, "n_b": n_b}
        cases += [{**case, "p": float(p), "low": float(d + low), "high": float(d + high)}]
    return {"welch": cases}


def clustered():
    """Weighted least squares by statsmodels, y ~ 1 + [arm is b] with weights 1/p, and its cluster-robust standard errors
    without a small-sample factor. An outcome is its unit, arm (0: a, 1: b), y and p. Where y is around 1e6, the difference is
    right to 1e-9 of its standard error, and the errors to 1e-10 of theirs."""
    import statsmodels.api as sm

    def fit(rows, columns):
        unit, arm, y, p = np.array(rows).T
        x = np.column_stack([np.ones(len(y)), arm][:columns])
        kinds = {"groups": unit.astype(int), "use_correction": False}
        said = sm.WLS(y, x, weights=1 / p).fit(cov_type="cluster", cov_kwds=kinds)
        return [float(v) for v in said.params], [float(v) for v in said.bse]

    rng, cases = np.random.default_rng(2), []
    # Outcomes, the most of a unit, the least propensity, whether a unit keeps its arm, y's offset and whether y is 0 or 1.
    sets = [(300, 20, 0.01, False, 0, True), (300, 20, 0.3, True, 0, True), (300, 1, 0.05, False, 0, False)]
    sets += [(12, 3, 0.2, False, 0, False), (250, 8, 0.1, True, 1e6, False), (250, 8, 0.1, False, -1e6, False)]
    sets += [(300, 5, 0.5, False, 0, True), (40, 20, 0.01, False, 5, False), (200, 2, 0.02, True, 0.5, False)]
    sets += [(300, 20, 0.01, False, 1e3, False), (100, 1, 0.5, True, 0, True), (6, 1, 0.4, False, 1, False)]
    for count, most, least, sticky, offset, binary in sets:
        rows, unit = [], 0
        while len(rows) < count:
            unit, level, share = unit + 1, rng.normal(), short(rng.uniform(least, 1 - least), 2)
            arm = int(rng.random() < share)
            for _ in range(rng.integers(1, most + 1)):
                if not sticky:
                    share = short(rng.uniform(least, 1 - least), 2)
                    arm = int(rng.random() < share)
                y = level + rng.normal() + 0.3 * arm
                y = float(y > 0) if binary else short(offset + y, 10 if abs(offset) > 10 else 4)
                rows += [[unit, arm, y, share if arm else short(1 - share, 2)]]
        # Outcomes do not come in the order of their units.
        rows = [rows[i] for i in rng.permutation(len(rows))[:count]]
        (mean_a, slope), (_, se) = fit(rows, 2)
        _, (se_a,) = fit([row for row in rows if row[1] == 0], 1)
        _, (se_b,) = fit([row for row in rows if row[1] == 1], 1)
        said = {"mean_a": mean_a, "mean_b": mean_a + slope, "difference": slope, "se": se, "se_a": se_a, "se_b": se_b}
        cases += [{"outcomes": rows, **said}]
    return {"clustered": cases}


def classification():
    """scikit-learn on scores that are doubles of float32. A score of the threshold or more is a positive one; null is what is not
    defined. log_loss clips both p and 1 - p to [eps, 1 - eps] of the scores' type, here 2.2e-16 as they are given as float64.
    calibration_curve's bins are (0.1 k, 0.1 (k + 1)], the first with 0; empty ones are left out."""
    from sklearn import metrics
    from sklearn.calibration import calibration_curve

    rng, sets = np.random.default_rng(3), []
    sizes = [(400, 0.5, 1, 0), (400, 0.02, 1, 0), (200, 0.3, 2, 16), (300, 0.9, 1, 256), (50, 0.5, 0, 10), (300, 0.5, 5, 4)]
    for n, rate, spread, grid in sizes:
        positive = rng.binomial(1, rate, n)
        score = 1 / (1 + np.exp(-(spread * (2 * positive - 1) + rng.normal(0, 1.5, n))))
        sets += [(positive, np.round(score * grid) / grid if grid else score)]
    sets += [([1] * 20, rng.random(20)), ([0] * 20, rng.random(20)), ([1, 0], [0.5, 0.5]), ([1], [0.3]), ([0], [1.0])]
    sets += [([0, 0, 1, 1, 0, 1], [0, 1, 0, 1, 1e-20, 1e-30]), ([0, 1] * 30, [0.1 * (i % 11) for i in range(60)])]
    sets += [([0, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]), (rng.binomial(1, 0.5, 200), rng.random(200) ** 8)]
    sets += [([0, 0, 1, 1], [0.6, 0.7, 0.8, 0.9])]
    cases = []
    for positive, score in sets:
        positive, score = np.array(positive), np.array(score, np.float32).astype(np.float64)
        predicted = (score >= 0.5).astype(int)
        kinds = {"average": "binary", "zero_division": np.nan}
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(positive, predicted, **kinds)
        true, mean = calibration_curve(positive, score, n_bins=10, strategy="uniform", pos_label=1)
        case = {"positive": positive.tolist(), "score": score.tolist(), "threshold": 0.5}
        case |= {"accuracy": float(metrics.accuracy_score(positive, predicted))}
        case |= {"precision": finite(precision), "recall": finite(recall), "f1": finite(f1)}
        case |= {"log_loss": float(metrics.log_loss(positive, score, labels=[0, 1]))}
        case |= {"brier": float(metrics.brier_score_loss(positive, score, pos_label=1))}
        case |= {"auc": finite(metrics.roc_auc_score(positive, score))}
        cases += [{**case, "calibration": [[float(m), float(t)] for m, t in zip(mean, true)]}]
    return {"classification": cases}


def multiclass():
    """scikit-learn on labels that are text. Precision, recall and f1 are means over labels, weighted by how often each is the
    truth; what is not defined counts as 0. The confusion matrix has a row for each label's truth, in the order of `labels`."""
    from sklearn import metrics

    rng, sets = np.random.default_rng(4), []
    for n, labels, right in [(200, ["cat", "dog", "bird"], 0.7), (150, [*"abcdefg"], 0.4), (40, ["no", "yes"], 0.9)]:
        shares = np.arange(len(labels), 0, -1)
        truth = rng.choice(labels, n, p=shares / shares.sum())
        predicted = np.where(rng.random(n) < right, truth, rng.choice(labels, n))
        sets += [(truth.tolist(), predicted.tolist())]
    # Labels that are predicted and never true, the reverse, and one alone.
    sets += [(["x", "x", "y", "y", "z"], ["x", "w", "w", "y", "y"]), (["Größe", "größe", "日本"], ["größe", "Größe", "日本"])]
    sets += [(["one"] * 3, ["one"] * 3)]
    cases = []
    for truth, predicted in sets:
        labels = sorted({*truth, *predicted})
        accuracy = float(metrics.accuracy_score(truth, predicted))
        means = metrics.precision_recall_fscore_support(truth, predicted, average="weighted", zero_division=0)
        said = {"accuracy": accuracy, **dict(zip(["precision", "recall", "f1"], map(float, means[:3])))}
        confusion = metrics.confusion_matrix(truth, predicted, labels=labels).tolist()
        cases += [{"truth": truth, "predicted": predicted, "labels": labels, **said, "confusion": confusion}]
    return {"multiclass": cases}


def regression():
    """scikit-learn. It says that r2 is 0, or 1 if all is right, where the truth is constant; null here, as it is not defined."""
    from sklearn import metrics

    rng, sets = np.random.default_rng(5), []
    sizes = [(200, 0, 1, 0.5), (100, 1e6, 1, 0.5), (100, -1e6, 100, 1), (50, 0, 1e-6, 1e-6), (20, 3, 1, 20), (60, 0, 1e9, 1e7)]
    for n, offset, scale, noise in sizes:
        truth = offset + scale * rng.normal(size=n)
        digits = 10 if abs(offset) > 10 else 4
        sets += [([short(y, digits) for y in truth], [short(y, digits) for y in truth + noise * rng.normal(size=n)])]
    sets += [([2.0, 2.0, 2.0], [1.0, 2.0, 4.0]), ([7.5] * 4, [7.5] * 4), ([3.0], [3.5]), ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])]
    sets += [([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]), ([0.0, 1.0, 0.0, 1.0], [0.25, 0.5, 0.0, 1.5])]
    cases = []
    for truth, predicted in sets:
        mse = float(metrics.mean_squared_error(truth, predicted))
        said = {"mae": float(metrics.mean_absolute_error(truth, predicted)), "mse": mse, "rmse": float(np.sqrt(mse))}
        r2 = float(metrics.r2_score(truth, predicted)) if len(set(truth)) > 1 else None
        cases += [{"truth": truth, "predicted": predicted, **said, "r2": r2}]
    return {"regression": cases}


LISTS = [bernoulli, normal_mixture, two_arms, off_policy, welch, clustered, classification, multiclass, regression]
ORDER = ["bernoulli", "mixture_bound", "mixture_log_e", "sequential", "t_test", "off_policy", "welch", "clustered"]
ORDER += ["classification", "multiclass", "regression"]

record_all(VECTORS, LISTS, ORDER)
