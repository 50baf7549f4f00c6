"""Tables to learn from: those that scikit-learn ships, and one of customers made up from a seed.

Numbers are 32-bit before anything is trained on them, so that a threshold means the same to all."""

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)

HELD_OUT = 40


def split(x, y):
    """Training and held-out rows, shuffled from a seed."""
    order = np.random.default_rng(7).permutation(len(x))
    held = min(HELD_OUT, len(x) // 3)
    return x[order[held:]], y[order[held:]], x[order[:held]]


def iris():
    data = load_iris()
    return split(data.data.astype(np.float32), data.target)


def iris_names():
    data = load_iris()
    return split(data.data.astype(np.float32), data.target_names[data.target].astype(object))


def wine():
    data = load_wine()
    return split(data.data.astype(np.float32), data.target)


def cancer():
    """Two classes, eight features."""
    data = load_breast_cancer()
    return split(data.data[:, :8].astype(np.float32), data.target)


def cancer_names():
    x, y, held = cancer()
    return x, np.where(y == 1, "benign", "malignant").astype(object), held


def cancer_other():
    """The same with the labels 3 and 7."""
    x, y, held = cancer()
    return x, np.where(y == 1, 7, 3), held


def diabetes():
    data = load_diabetes()
    return split(data.data.astype(np.float32), data.target)


def linnerud():
    """Three targets."""
    data = load_linnerud()
    return split(data.data.astype(np.float32), data.target)


def with_missing(dataset):
    """A tenth of the values missing."""
    x, y, held = dataset()
    generator = np.random.default_rng(11)
    holes = lambda table: np.where(generator.random(table.shape) < 0.1, np.float32(np.nan), table)
    return holes(x), y, holes(held)


def counts():
    """Whole numbers from 0 to 9, and two classes."""
    generator = np.random.default_rng(3)
    x = generator.integers(0, 10, (300, 6)).astype(np.float32)
    return split(x, (x[:, 0] + x[:, 1] > x[:, 2] + x[:, 3]).astype(np.int64))


def categories():
    """A column of twelve categories as numbers, and three of numbers; a target that depends on the category."""
    generator = np.random.default_rng(5)
    category = generator.integers(0, 12, 600)
    numbers = generator.normal(size=(600, 3))
    y = np.isin(category, [1, 4, 5, 9]) * 2.0 + numbers[:, 0] + 0.1 * generator.normal(size=600)
    return split(np.column_stack([category, numbers]).astype(np.float32), y)


def customers():
    """Columns of numbers, some missing, and of strings, some of which only held-out rows have; whether one left."""
    generator = np.random.default_rng(13)
    n = 400
    tenure = generator.integers(0, 72, n).astype(np.float32)
    charges = generator.gamma(4, 15, n).astype(np.float32)
    plan = generator.choice(["basic", "family", "premium"], n)
    region = generator.choice(["north", "south", "east", "west"], n)
    score = 1.5 - 0.06 * tenure + 0.02 * charges + np.where(plan == "basic", 0.7, -0.3) + (region == "south")
    left = (score + generator.logistic(size=n) > 0).astype(np.int64)
    charges[generator.random(n) < 0.1] = np.nan
    columns = {
        "tenure": tenure.reshape(-1, 1),
        "charges": charges.reshape(-1, 1),
        "plan": plan.astype(object).reshape(-1, 1),
        "region": region.astype(object).reshape(-1, 1),
    }
    train = {name: column[HELD_OUT:] for name, column in columns.items()}
    held = {name: column[:HELD_OUT].copy() for name, column in columns.items()}
    held["region"][3, 0] = held["region"][17, 0] = "abroad"
    return train, left[HELD_OUT:], held


def digits():
    """Ten classes, and the twelve pixels that vary most."""
    data = load_digits()
    pixels = np.sort(np.argsort(data.data.var(axis=0), kind="stable")[-12:])
    return split(data.data[:700][:, pixels].astype(np.float32), data.target[:700])


def iris_width():
    """The width of a petal, from the other three measures."""
    data = load_iris()
    return split(data.data[:, :3].astype(np.float32), data.data[:, 3])


def counts_sum():
    """Whole numbers from 0 to 9, and a sum of them."""
    x = np.random.default_rng(3).integers(0, 10, (300, 6)).astype(np.float32)
    return split(x, x @ np.array([3.0, -2.0, 1.0, 0.5, 0.0, 4.0]))


def labels():
    """Three labels a row: whether the measures of a flower are above their means."""
    data = load_iris()
    x = data.data.astype(np.float32)
    return split(x, (x[:, :3] > x[:, :3].mean(axis=0)).astype(np.int64))


def flagged_customers():
    """The same customers, with a column of truth values."""
    train, left, held = customers()
    flags = np.random.default_rng(17).random(len(left) + HELD_OUT) < 0.4
    train["paperless"], held["paperless"] = flags[HELD_OUT:].reshape(-1, 1), flags[:HELD_OUT].reshape(-1, 1)
    return train, left, held
