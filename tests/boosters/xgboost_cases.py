"""Models as XGBoost saves them, and what XGBoost answers when it has loaded the files.

`cases()` trains each model, and gives it as a dictionary:

    name        of the files
    form        "ubj" or "json"
    file        the bytes that `Booster.save_model` writes
    columns     names of the features, or None
    rows        values by row: numbers, and strings where a feature has names for its values
    outputs     what Turnout's outputs have to be, by name: XGBoost's `predict`, its `predict(output_margin=True)`, and of
                classifiers what `XGBClassifier` makes of them

All that is predicted is predicted by a Booster that was loaded from the file.
"""

import json
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

warnings.filterwarnings("ignore")

HERE = Path(__file__).parent
BASE = {"verbosity": 0, "nthread": 1, "seed": 7, "max_depth": 3, "eta": 0.3, "tree_method": "hist"}
# XGBoost takes no infinity in a DMatrix.
EXTREMES = [math.nan, 0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 1e38, -1e38, 3.4e38, -3.4e38, 16777217.0]
CODES = [math.nan, 0.0, 1.0, 2.0, 0.5, 1.9, 3.999, 31.0, 32.0, 33.0, 63.0, 64.0, 65.0, 95.0, 1000.0, 16777215.0]


def features(seed=0, rows=300, width=4):
    values = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    values[np.random.default_rng(seed + 1).random(values.shape) < 0.15] = np.nan
    return values


def score(values):
    """Something to learn, of any features, with missing ones."""
    filled = np.nan_to_num(values)
    return filled[:, 0] + np.sin(2 * filled[:, 1]) + np.where(np.isnan(values[:, -1]), 1.5, 0.0) + 0.3 * filled[:, 0] * filled[:, 2]


def thresholds(booster):
    """Feature and value of some splits."""
    if "gblinear" in booster.save_config() or booster.num_boosted_rounds() == 0:
        return []
    try:
        frame = booster.trees_to_dataframe()
    except Exception:  # Leaves with many values.
        return []
    frame = frame[(frame["Feature"] != "Leaf") & frame["Split"].notna()]
    names = booster.feature_names or [f"f{at}" for at in range(booster.num_features())]
    splits = [(names.index(feature), np.float32(value)) for feature, value in zip(frame["Feature"], frame["Split"])]
    return [splits[at] for at in np.random.default_rng(5).permutation(len(splits))[:8]]


def probes(booster, sample, categories=()):
    """Rows of the sample, and others with extremes, thresholds, what is next to these, and categories of all kinds."""
    rows = list(sample[:8])
    generator = np.random.default_rng(11)
    base = lambda: sample[generator.integers(len(sample))].copy()
    for at, extreme in enumerate(EXTREMES):
        row = base()
        free = [feature for feature in range(len(row)) if feature not in categories]
        if free:
            row[free[at % len(free)]] = extreme
            rows.append(row)
    for feature, value in thresholds(booster):
        for near in (value, np.nextafter(value, np.float32(-math.inf))):
            row = base()
            row[feature] = near
            rows.append(row)
    for feature in categories:
        for code in CODES + [-1.0, -0.5, 16777216.0, 1e10]:
            row = base()
            row[feature] = code
            rows.append(row)
    return np.array(rows, dtype=np.float32)


def loaded(booster, form):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model.{form}"
        booster.save_model(path)
        return path.read_bytes(), xgb.Booster(model_file=path)


def expected(booster, rows):
    """What each output has to be, of a DMatrix."""
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    prediction, margin = booster.predict(rows), booster.predict(rows, output_margin=True)
    outputs = {"prediction": prediction, "raw_score": margin}
    if objective == "binary:logistic" and prediction.ndim == 1:
        outputs["predicted_label"] = (prediction > 0.5).astype(int)
        outputs["probabilities"] = np.vstack((np.float32(1.0) - prediction, prediction)).T
    elif objective == "multi:softprob":
        outputs["predicted_label"] = np.argmax(prediction, axis=1)
        outputs["probabilities"] = prediction
    elif objective == "multi:softmax":
        exponents = np.exp(margin - margin.max(axis=1, keepdims=True))
        outputs["predicted_label"] = prediction.astype(int)
        outputs["probabilities"] = exponents / exponents.sum(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
    return {name: values.tolist() for name, values in outputs.items()}


def case(name, booster, sample, form="ubj", categories=(), columns=None):
    file, again = loaded(booster, form)
    rows = probes(again, np.asarray(sample, dtype=np.float32), categories)
    matrix = xgb.DMatrix(rows, feature_names=columns, feature_types=again.feature_types)
    return {"name": f"xgboost_{name}", "form": form, "file": file, "columns": columns, "rows": rows.tolist(),
            "outputs": expected(again, matrix)}


def train(parameters, values, labels, rounds=5, **more):
    types = more.pop("types", None)
    names = more.pop("names", None)
    training = more.pop("training", {})
    data = xgb.DMatrix(values, labels, feature_types=types, feature_names=names, enable_categorical=True, **more)
    return xgb.train(BASE | parameters, data, rounds, **training)


def objectives():
    values = features()
    truth = score(values)
    labels = {
        "reg:squarederror": truth, "reg:squaredlogerror": np.abs(truth), "reg:logistic": 1 / (1 + np.exp(-truth)),
        "reg:pseudohubererror": truth, "reg:absoluteerror": truth, "reg:gamma": np.exp(truth / 2),
        "reg:tweedie": np.maximum(truth, 0), "count:poisson": np.floor(np.exp(truth / 2)),
        "survival:cox": np.where(truth > 0, 1, -1) * np.exp(truth / 2), "binary:logistic": (truth > 0.5).astype(int),
        "binary:logitraw": (truth > 0.5).astype(int), "binary:hinge": (truth > 0.5).astype(int),
    }
    for number, (objective, label) in enumerate(labels.items()):
        form = "json" if number % 3 == 0 else "ubj"
        yield case(objective.replace(":", "_"), train({"objective": objective}, values, label), values, form)
    quantiles = {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}
    yield case("reg_quantileerror", train(quantiles, values, truth), values)
    yield case("reg_quantileerror_one", train(quantiles | {"quantile_alpha": 0.3}, values, truth), values, "json")
    survival = xgb.DMatrix(values)
    survival.set_float_info("label_lower_bound", np.exp(truth / 2))
    survival.set_float_info("label_upper_bound", np.where(truth > 1, np.inf, np.exp(truth / 2)))
    yield case("survival_aft", xgb.train(BASE | {"objective": "survival:aft"}, survival, 5), values)
    classes = np.digitize(truth, [-0.5, 0.5, 1.5])
    for objective in ("multi:softprob", "multi:softmax"):
        several = train({"objective": objective, "num_class": 4}, values, classes, 3)
        for form in ("ubj", "json"):
            yield case(f"{objective.replace(':', '_')}_{form}", several, values, form)
    relevance = np.clip(classes, 0, 3)
    for objective in ("rank:pairwise", "rank:ndcg", "rank:map"):
        label = (relevance > 1).astype(int) if objective == "rank:map" else relevance
        ranker = train({"objective": objective}, values, label, 3, group=[30] * 10)
        yield case(objective.replace(":", "_"), ranker, values)


def boosters():
    values = features(2)
    truth = score(values)
    yes, classes = (truth > 0.5).astype(int), np.digitize(truth, [0, 1])
    dart = {"booster": "dart", "rate_drop": 0.3, "skip_drop": 0.2, "one_drop": 1}
    yield case("dart_json", train(dart, values, truth, 8), values, "json")
    yield case("dart_ubj", train(dart, values, truth, 8), values)
    yield case("dart_binary", train(dart | {"objective": "binary:logistic"}, values, yes, 8), values)
    yield case("dart_classes", train(dart | {"objective": "multi:softprob", "num_class": 3}, values, classes, 5), values)
    linear = {"booster": "gblinear", "updater": "coord_descent"}
    for parameter in ("max_depth", "tree_method"):
        linear[parameter] = BASE[parameter]
    yield case("linear", train(linear, values, truth), values, "json")
    yield case("linear_binary", train(linear | {"objective": "binary:logistic"}, values, yes), values)
    yield case("linear_classes", train(linear | {"objective": "multi:softprob", "num_class": 3}, values, classes), values)
    yield case("linear_poisson", train(linear | {"objective": "count:poisson"}, values, np.floor(np.exp(truth / 3))), values)
    forest = {"num_parallel_tree": 6, "subsample": 0.7, "colsample_bynode": 0.7, "eta": 1}
    yield case("forest", train(forest, values, truth, 1), values)
    yield case("forest_boosted", train(forest | {"eta": 0.3}, values, truth, 3), values, "json")
    yield case("forest_classes", train(forest | {"objective": "multi:softmax", "num_class": 3}, values, classes, 2), values)
    yield case("one_tree", train({"max_depth": 6}, values, truth, 1), values)
    yield case("no_trees", train({}, values, truth, 0), values)
    yield case("no_trees_binary", train({"objective": "binary:logistic"}, values, yes, 0), values)
    yield case("leaves_alone", train({"gamma": 1e9}, values, truth, 3), values)
    yield case("leafwise", train({"grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0}, values, truth, 6), values)
    yield case("exact", train({"tree_method": "exact"}, values, truth), values)
    yield case("approx", train({"tree_method": "approx"}, values, truth), values, "json")
    yield case("pruned", train({"tree_method": "exact", "gamma": 2.0, "max_depth": 6}, values, truth), values)
    yield case("deep", train({"max_depth": 9, "min_child_weight": 0}, values, truth, 12), values)
    yield case("monotone", train({"monotone_constraints": "(1,0,0,-1)"}, values, truth), values)
    yield case("base_score", train({"base_score": 0.7}, values, truth), values)
    yield case("base_score_binary", train({"objective": "binary:logistic", "base_score": 0.2}, values, yes), values)
    yield case("base_score_sure", train({"objective": "binary:logistic", "base_score": 1e-9}, values, yes), values)
    yield case("base_score_gamma", train({"objective": "reg:gamma", "base_score": 3.5}, values, np.exp(truth / 2)), values)
    held = xgb.DMatrix(features(9), score(features(9)))
    early = {"evals": [(held, "held")], "early_stopping_rounds": 2, "verbose_eval": False}
    yield case("early_stopping", train({"eta": 1, "max_depth": 6}, values, truth, 30, training=early), values)
    yield case("labels", train({"objective": "binary:logistic"}, values, np.stack([yes, 1 - yes, classes > 1], 1)), values)


def outputs():
    values = features(3)
    truth = score(values)
    targets = np.stack([truth, -truth, np.nan_to_num(values[:, 0])], axis=1)
    for strategy, name in (("one_output_per_tree", "trees"), ("multi_output_tree", "leaves")):
        for form in ("ubj", "json"):
            yield case(f"outputs_{name}_{form}", train({"multi_strategy": strategy}, values, targets, 3), values, form)
    classes = np.digitize(truth, [0, 1])
    vectors = {"multi_strategy": "multi_output_tree", "objective": "multi:softprob", "num_class": 3}
    yield case("classes_leaves", train(vectors, values, classes, 3), values)
    yield case("classes_leaves_forest", train(vectors | {"num_parallel_tree": 2}, values, classes, 2), values)


def categories():
    generator = np.random.default_rng(4)
    for count, name in ((5, "few"), (40, "many"), (100, "more")):
        values = features(5, 500)
        values[:, 3] = generator.integers(0, count, 500)
        values[:20, 3] = np.nan
        effect = generator.normal(size=count) * 3
        truth = np.nan_to_num(values[:, 0]) + effect[np.nan_to_num(values[:, 3]).astype(int)]
        types = ["float"] * 3 + ["c"]
        for onehot in (1, 1000):
            split = "onehot" if onehot > 1 else "sets"
            booster = train({"max_cat_to_onehot": onehot, "max_depth": 4}, values, truth, types=types)
            form = "json" if (count == 5) == (onehot == 1) else "ubj"
            yield case(f"categories_{name}_{split}", booster, values, form, categories=[3])
    yes = (truth > 0).astype(int)
    yield case("categories_binary", train({"objective": "binary:logistic"}, values, yes, types=types), values, categories=[3])
    yield case("categories_dart", train({"booster": "dart", "rate_drop": 0.4}, values, truth, types=types), values, "json", [3])


def frames():
    generator = np.random.default_rng(6)
    rows = 300
    numbers = pd.DataFrame({name: generator.normal(size=rows).astype("float32") for name in ("age", "Größe", "weight in kg")})
    truth = numbers["age"] + numbers["Größe"] ** 2
    columns = list(numbers.columns)
    yield case("names", train({}, numbers, truth), numbers.to_numpy(), columns=columns)
    yield case("names_json", train({"objective": "binary:logistic"}, numbers, truth > 1), numbers.to_numpy(), "json", columns=columns)
    # ASCII: of others XGBoost 3.2 saves fewer bytes than it needs, and does not find them again itself.
    town = generator.choice(["Berlin", "Koeln", "Sao Paulo", "a,b", 'quote"d'], rows)
    frame = numbers.assign(town=pd.Categorical(town))
    truth = truth + (town == "Koeln") * 2
    size = generator.choice([10, 20, 40, 80], rows)
    sized = frame.assign(size=pd.Categorical(size))
    for name, table, label, form in (("texts", frame, truth, "ubj"), ("texts_json", frame, truth, "json"),
                                     ("numbers", sized, truth + (size == 40) * 3, "ubj"),
                                     ("numbers_json", sized, truth + (size == 40) * 3, "json")):
        booster = train({"max_depth": 5, "max_cat_to_onehot": 1}, table, label)
        file, again = loaded(booster, form)
        sample = table.head(25).copy()
        sample.loc[sample.index[:2], "town"] = np.nan
        sample.loc[sample.index[3:5], "age"] = np.nan
        # Only some, in another order: codes that are others than those in training.
        sample["town"] = pd.Categorical(sample["town"], categories=['quote"d', "a,b", "Sao Paulo", "Koeln", "Berlin"])
        plain = [[("" if pd.isna(value) else value) if column == "town" else math.nan if pd.isna(value) else float(value)
                  for column, value in row.items()] for _, row in sample.iterrows()]
        yield {"name": f"xgboost_frame_{name}", "form": form, "file": file, "columns": list(table.columns), "rows": plain,
               "outputs": expected(again, xgb.DMatrix(sample, enable_categorical=True))}
    unset = xgb.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1).fit(numbers, np.digitize(truth, [0, 2]))
    yield case("sklearn_classes", unset.get_booster(), numbers.to_numpy(), columns=columns)


def old():
    """Files that older versions saved: they are kept, as these versions do not run here."""
    for path in sorted((HERE / "models").glob("xgboost_saved_by_*")):
        if path.suffix not in (".ubj", ".json") or path.name.endswith(".expected.json"):
            continue
        if "_leaves" in path.stem:
            # XGBoost 3.2 ends the process when it loads such a file. What was answered is of the version that saved it.
            answered = json.loads((HERE / "models" / f"{path.stem}.expected.json").read_text())
            yield answered | {"form": path.suffix[1:], "file": path.read_bytes()}
            continue
        again = xgb.Booster(model_file=path)
        sample = features(12, 40, again.num_features())
        sample[:, -1] = np.random.default_rng(13).integers(0, 5, 40)
        rows = probes(again, sample, [again.num_features() - 1])
        matrix = xgb.DMatrix(rows, feature_types=again.feature_types)
        yield {"name": path.stem, "form": path.suffix[1:], "file": path.read_bytes(), "columns": None,
               "rows": rows.tolist(), "outputs": expected(again, matrix)}


def cases():
    for family in (objectives, boosters, outputs, categories, frames, old):
        yield from family()
