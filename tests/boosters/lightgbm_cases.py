"""Models as LightGBM saves them, and what LightGBM answers when it has loaded the files.

`cases()` trains each model, and gives it as a dictionary:

    name        of the files
    file        the text of `Booster.save_model`
    columns     names of the features, or None
    rows        values by row: numbers, and strings where a feature has names for its values
    outputs     what Turnout's outputs have to be, by name: LightGBM's `predict`, its `predict(raw_score=True)`, and of
                classifiers what `LGBMClassifier` makes of them

All that is predicted is predicted by a Booster that was loaded from the file, as the file does not have all that a Booster
in memory has.
"""

import math
import tempfile
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

HERE = Path(__file__).parent
BASE = {"verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": 7, "num_leaves": 6,
        "min_data_in_leaf": 5, "learning_rate": 0.3}
NEXT_TO_ZERO = float(np.float32(1e-35))
EXTREMES = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-36, -1e-36, 1e-35, NEXT_TO_ZERO, -NEXT_TO_ZERO,
            float(np.nextafter(NEXT_TO_ZERO, 1)), 1e300, -1e300, 1e308, 0.1, float(np.float32(0.1))]
CODES = [math.nan, -1.0, -0.5, -0.0, 0.5, 1.0, 2.7, 3.999, 31.0, 32.0, 63.0, 64.0, 95.5, 1e3, 2.0**31 - 1, 2.0**31, 2.0**32,
         1e10, -1e10, math.inf, -math.inf, 5e-324]


def features(seed, rows=400, width=4):
    return np.random.default_rng(seed).normal(size=(rows, width))


def score(values):
    """Something to learn, of any features, with missing ones."""
    filled = np.nan_to_num(np.clip(values, -3, 3))
    total = filled[:, 0] + np.sin(2 * filled[:, 1]) + np.where(np.isnan(values[:, -1]), 1.5, 0.0)
    return total + 0.3 * filled[:, 0] * filled[:, -1]


def probes(booster, sample, categories=()):
    """Rows of the sample, and others with extremes, thresholds, what is next to these, and categories of all kinds."""
    rows = list(sample[:9])
    generator = np.random.default_rng(11)
    base = lambda: sample[generator.integers(len(sample))].copy()
    for at, extreme in enumerate(EXTREMES):
        row = base()
        row[at % len(row)] = extreme
        rows.append(row)
        rows.append(np.full(len(row), extreme))
    frame = booster.trees_to_dataframe() if booster.num_trees() else None
    splits = [] if frame is None or "threshold" not in frame else frame[frame["decision_type"] == "<="]
    if len(splits):
        names = booster.feature_name()
        for at in generator.permutation(len(splits))[:8]:
            split = splits.iloc[at]
            for value in (float(split["threshold"]), np.nextafter(float(split["threshold"]), math.inf)):
                row = base()
                row[names.index(split["split_feature"])] = value
                rows.append(row)
    for feature in categories:
        for code in CODES:
            row = base()
            row[feature] = code
            rows.append(row)
    return np.array(rows)


def loaded(booster, **saving):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.txt"
        booster.save_model(path, **saving)
        return path.read_text(), lgb.Booster(model_file=path)


def classes_of(file):
    objective = next((line for line in file.splitlines() if line.startswith("objective=")), "")
    return objective.removeprefix("objective=").split(" ")[0]


def expected(file, booster, rows):
    """What each output has to be, of a table that LightGBM takes."""
    prediction = booster.predict(rows)
    outputs = {"prediction": prediction, "raw_score": booster.predict(rows, raw_score=True)}
    if classes_of(file) in ("binary", "multiclass", "multiclassova"):
        probabilities = np.vstack((1.0 - prediction, prediction)).T if prediction.ndim == 1 else prediction
        outputs |= {"predicted_label": np.argmax(probabilities, axis=1), "probabilities": probabilities}
    return {name: values.tolist() for name, values in outputs.items()}


def case(name, booster, sample, categories=(), columns=None, saving=None):
    file, again = loaded(booster, **(saving or {}))
    rows = probes(again, np.asarray(sample, dtype=float), categories)
    table = rows if columns is None else pd.DataFrame(rows, columns=columns)
    return {"name": f"lightgbm_{name}", "file": file, "columns": columns, "rows": rows.tolist(),
            "outputs": expected(file, again, table)}


def train(parameters, values, labels, rounds=5, weight=None, group=None, categories="auto", **more):
    data = lgb.Dataset(values, labels, weight=weight, group=group, categorical_feature=categories,
                       params={"verbose": -1})
    return lgb.train(BASE | parameters, data, rounds, **more)


def objectives():
    values = features(1)
    values[::9, 3] = math.nan
    real = score(values)
    positive = np.exp(real / 2)
    binary = (real > 0).astype(int)
    three = np.digitize(real, [-0.7, 0.7])
    share = 1 / (1 + np.exp(-real))
    targets = {
        "regression": ({}, real), "regression_sqrt": ({"objective": "regression", "reg_sqrt": True}, real * 3),
        "regression_l1": ({}, real), "regression_l1_sqrt": ({"objective": "regression_l1", "reg_sqrt": True}, real),
        "huber": ({}, real), "fair": ({}, real), "poisson": ({}, np.floor(positive)), "quantile": ({"alpha": 0.8}, real),
        "mape": ({}, positive + 1), "gamma": ({}, positive), "tweedie": ({"tweedie_variance_power": 1.3}, positive),
        "binary": ({}, binary), "binary_sigmoid": ({"objective": "binary", "sigmoid": 0.7}, binary),
        "binary_sigmoid_digits": ({"objective": "binary", "sigmoid": 2.119}, binary),
        "binary_unbalanced": ({"objective": "binary", "is_unbalance": True}, (real > 1.5).astype(int)),
        "multiclass": ({"num_class": 3}, three), "multiclassova": ({"num_class": 3}, three),
        "multiclassova_sigmoid": ({"objective": "multiclassova", "num_class": 3, "sigmoid": 2.5}, three),
        "cross_entropy": ({}, share), "cross_entropy_lambda": ({}, share),
    }
    for name, (parameters, labels) in targets.items():
        yield case(name, train({"objective": name} | parameters, values, labels), values)
    grades = np.digitize(real, [-1, 0, 1])
    for name in ("lambdarank", "rank_xendcg"):
        yield case(name, train({"objective": name}, values, grades, group=[20] * 20), values)
    squares = lambda predicted, data: (predicted - data.get_label(), np.ones_like(predicted))
    yield case("custom", train({"objective": squares}, values, real), values)

    def softmax(predicted, data):
        chances = np.exp(predicted - predicted.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        return chances - np.eye(3)[data.get_label().astype(int)], 2 * chances * (1 - chances)

    yield case("custom_classes", train({"objective": softmax, "num_class": 3}, values, three), values)


def boosting():
    values = features(2)
    values[::7, 3] = math.nan
    real = score(values)
    binary, three = (real > 0).astype(int), np.digitize(real, [-0.7, 0.7])
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.7}
    yield case("dart", train({"boosting": "dart", "drop_rate": 0.5}, values, real, 8), values)
    yield case("dart_classes", train({"boosting": "dart", "drop_rate": 0.5, "objective": "multiclass", "num_class": 3},
                                     values, three), values)
    yield case("forest", train(forest, values, real), values)
    yield case("forest_binary", train(forest | {"objective": "binary"}, values, binary), values)
    yield case("forest_classes", train(forest | {"objective": "multiclass", "num_class": 3}, values, three), values)
    yield case("forest_poisson", train(forest | {"objective": "poisson"}, values, np.exp(real / 2)), values)
    yield case("goss", train({"data_sample_strategy": "goss"}, values, real), values)
    yield case("bagging", train({"bagging_freq": 1, "bagging_fraction": 0.5}, values, real), values)
    yield case("extra_trees", train({"extra_trees": True}, values, real), values)
    yield case("monotone", train({"monotone_constraints": [1, 0, 0, -1]}, values, real), values)
    yield case("quantized", train({"use_quantized_grad": True}, values, real), values)
    parts = lgb.Dataset(values[:300], real[:300])
    stopped = lgb.train(BASE | {"learning_rate": 1.0, "num_leaves": 20}, parts, 60,
                        valid_sets=[lgb.Dataset(values[300:], real[300:], reference=parts)],
                        callbacks=[lgb.early_stopping(3, verbose=False)])
    yield case("stopped_early", stopped, values)
    yield case("rounds_apart", train({}, values, real, 9), values, saving={"start_iteration": 2, "num_iteration": 4})
    first = train({}, values, real, 3)
    yield case("continued", train({}, values, real, 3, init_model=first), values)
    yield case("refitted", first.refit(values, real + 1), values)
    yield case("one_tree", train({"num_leaves": 31}, values, real, 1), values)
    yield case("stumps", train({"num_leaves": 2}, values, real, 40), values)
    yield case("deep", train({"num_leaves": 200, "min_data_in_leaf": 1}, values, real, 2), values)
    yield case("constant", train({}, values, np.full(len(values), 2.5)), values)
    yield case("constant_class", train({"objective": "binary"}, values, np.ones(len(values))), values)
    yield case("unsplit", train({"min_data_in_leaf": 300, "objective": "multiclass", "num_class": 3}, values, three), values)
    wide = features(3, 300, 40)
    yield case("wide", train({"feature_fraction": 0.3}, wide, score(wide)), wide)


def missing():
    values = features(4)
    values[::3, 0] = 0.0
    values[::5, 1] = 0.0
    values[1::4, 3] = math.nan
    real = score(values) + np.where(values[:, 0] == 0, 2.0, 0.0)
    for name, parameters in {
        "missing_nan": {}, "missing_none": {"use_missing": False}, "missing_zero": {"zero_as_missing": True},
    }.items():
        yield case(name, train(parameters | {"num_leaves": 12}, values, real), values)
    shifted = values.copy()
    shifted[:, :3] = np.where(shifted[:, :3] == 0, 0, shifted[:, :3] - 2)
    yield case("missing_zero_negative", train({"zero_as_missing": True, "num_leaves": 12}, shifted, real), shifted)
    whole = features(5)
    yield case("missing_never", train({}, whole, score(whole)), whole)
    extreme = features(6)
    extreme[::5, 0] = math.inf
    extreme[1::5, 0] = -math.inf
    extreme[::4, 1] = 1e300
    extreme[1::4, 1] *= 1e-36
    extreme[::6, 2] = 5e-324
    extreme[1::6, 2] = -1e300
    labels = score(extreme) + np.where(extreme[:, 0] == math.inf, 3, 0) + np.where(extreme[:, 2] < -1e299, 2, 0)
    yield case("extremes", train({"num_leaves": 20}, extreme, labels), extreme)
    huge = np.exp(features(8) * 250)
    yield case("magnitudes", train({"num_leaves": 20}, huge, np.log(huge[:, 0]) + np.log(huge[:, 1])), huge)


def categories():
    generator = np.random.default_rng(9)
    options = {"min_data_per_group": 3, "cat_smooth": 1, "num_leaves": 10, "max_cat_threshold": 60}

    def data(count, rows=500):
        values = generator.normal(size=(rows, 3))
        values[:, 1] = generator.integers(0, count, rows)
        effects = generator.normal(size=count)
        return values, effects[values[:, 1].astype(int)] * 2 + values[:, 0]

    for name, count in (("few", 4), ("some", 12), ("many", 50), ("very_many", 150)):
        values, labels = data(count)
        yield case(f"categories_{name}", train(options, values, labels, categories=[1]), values, [1])
    values, labels = data(40)
    values[:, 2] = generator.integers(0, 90, len(values))
    labels = labels + (values[:, 2] % 3)
    three = np.digitize(labels, [-1, 1])
    yield case("categories_two", train(options, values, labels, categories=[1, 2]), values, [1, 2])
    yield case("categories_classes", train(options | {"objective": "multiclass", "num_class": 3}, values, three,
                                           categories=[1, 2]), values, [1, 2])
    yield case("categories_forest", train(options | {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
                                          values, labels, categories=[1, 2]), values, [1, 2])
    values[::6, 1] = math.nan
    values[1::6, 1] = -3
    yield case("categories_missing", train(options, values, labels, categories=[1]), values, [1])
    yield case("categories_zero_missing", train(options | {"zero_as_missing": True}, values, labels, categories=[1]), values,
               [1])
    yield case("categories_unmissing", train(options | {"use_missing": False}, values, labels, categories=[1]), values, [1])
    sparse, labels = data(30)
    sparse[:, 1] = sparse[:, 1] * 97 + 5
    yield case("categories_sparse", train(options, sparse, labels, categories=[1]), sparse, [1])
    yield case("categories_all", train(options | {"max_cat_to_onehot": 64}, sparse, labels, categories=[1]), sparse, [1])


def frame_case(name, booster, frame, probes):
    """Of a data frame with categories: `probes` is one as well, of columns of objects where the frame has categories."""
    file, again = loaded(booster)
    table = probes.copy()
    rows, texts = [], set()
    for column in frame.columns:
        if isinstance(frame[column].dtype, pd.CategoricalDtype):
            table[column] = table[column].astype("category")
            if all(isinstance(value, str) for value in frame[column].cat.categories):
                texts.add(column)
    for _, row in probes.iterrows():
        rows.append([("" if pd.isna(value) else value) if column in texts else math.nan if pd.isna(value) else float(value)
                     for column, value in row.items()])
    return {"name": f"lightgbm_{name}", "file": file, "columns": list(frame.columns), "rows": rows,
            "outputs": expected(file, again, table)}


def frames():
    generator = np.random.default_rng(10)
    rows = 400
    numbers = pd.DataFrame({"age": generator.normal(size=rows), "Größe": generator.normal(size=rows),
                            "weight_in_kg": generator.normal(size=rows)})
    label = numbers["age"] + numbers["Größe"] ** 2
    columns = list(numbers.columns)
    yield case("names", train({}, numbers, label), numbers.to_numpy(), columns=columns)
    yield case("names_float32", train({"objective": "binary"}, numbers.astype("float32"), (label > 1).astype(int)),
               numbers.to_numpy(), columns=columns)
    town = generator.choice(["Berlin", "Köln", "São Paulo", "a,b", "quote\"d"], rows)
    size = generator.choice([10, 20, 40, 80], rows)
    frame = numbers.assign(town=pd.Categorical(town), size=pd.Categorical(size), member=generator.integers(0, 2, rows))
    label = label + (town == "Köln") * 2 + (size == 40) * 3 + frame["member"]
    options = {"min_data_per_group": 3, "cat_smooth": 1, "num_leaves": 10}
    unseen = frame.head(30).astype({"town": object, "size": object})
    unseen.loc[unseen.index[:4], "town"] = ["Atlantis", None, "köln", "a,b"]
    unseen.loc[unseen.index[2:6], "size"] = [30, None, 10.5, 1e9]
    yield frame_case("frame_categories", train(options, frame, label), frame, unseen)
    yield frame_case("frame_classes", train(options | {"objective": "multiclass", "num_class": 3}, frame,
                                            np.digitize(label, [1, 3])), frame, unseen)
    only = frame.drop(columns=["size"])
    yield frame_case("frame_texts", train(options | {"objective": "binary"}, only, (label > 2).astype(int)), only,
                     unseen.drop(columns=["size"]))
    halves = numbers.assign(share=pd.Categorical(size / 80), yes=pd.Categorical(town == "Köln"))
    probe = halves.head(20).astype({"share": object, "yes": object})
    probe.loc[probe.index[:3], "share"] = [0.3, 1.0, None]
    yield frame_case("frame_numbers", train(options, halves, label), halves, probe)
    numbers_only = lgb.LGBMClassifier(**BASE | {"n_estimators": 4}).fit(numbers, town)
    yield case("sklearn_classes", numbers_only.booster_, numbers.to_numpy(), columns=columns)


def old():
    """Files that older versions saved, of the form v3 and v2: they are kept, as these versions do not run here."""
    for path in sorted((HERE / "models").glob("lightgbm_saved_by_*.txt")):
        again = lgb.Booster(model_file=path)
        sample = np.random.default_rng(12).normal(size=(40, again.num_feature()))
        sample[:, -1] = np.abs(sample[:, -1] * 20).astype(int)
        rows = probes(again, sample, [again.num_feature() - 1])
        file = path.read_text()
        yield {"name": path.stem, "file": file, "columns": None, "rows": rows.tolist(),
               "outputs": expected(file, again, rows)}


def cases():
    for family in (objectives, boosting, missing, categories, frames, old):
        yield from family()
