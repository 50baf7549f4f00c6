#!/usr/bin/env python3
"""Trains the two models of the `churn` endpoint from customers.csv and writes what else this folder holds.

Writes logistic.onnx, xgboost.onnx, held-out.csv, *.expected.csv (ONNX Runtime's answers on the held-out rows),
*.check.json (some of them, which the worker has the model reproduce) and a card for each model. The same packages give
the same bytes. About a minute.
"""

import hashlib
import json
import math
import pathlib
import subprocess
import sys
import textwrap
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnx import TensorProto, helper
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, f1_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

FOLDER = pathlib.Path(__file__).parent
SEED = 2026
Z = 1.959964
OPSETS = {"": 17, "ai.onnx.ml": 3}
STRINGS = ["state", "area_code", "international_plan", "voice_mail_plan"]
CLASSES = ["no", "yes"]
DATA = "mlc_churn of the R package modeldata 1.1.0 (Debian's r-cran-modeldata 1.1.0-1), from the MLC++ software"
LICENCE = "data: MIT (modeldata, Copyright 2019 Max Kuhn, RStudio)"


def load():
    """Training and held-out customers (data frames of 19 columns) and whether they left (int64 [n], 1 for `yes`).

    A quarter is held out, stratified."""
    customers = pd.read_csv(FOLDER / "customers.csv")
    churned = (customers.pop("churn") == "yes").astype(np.int64)
    return train_test_split(customers, churned, test_size=0.25, stratify=churned, random_state=SEED)


# --- training -------------------------------------------------------------------------------------------------------


def pipeline(columns, numbers, classifier):
    """`numbers` is what is done to the columns of numbers; strings become one column of 0 and 1 a category."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    transformers = [
        ("numbers", numbers, [column for column in columns if column not in STRINGS]),
        ("strings", encoder, [column for column in columns if column in STRINGS]),
    ]
    return Pipeline([("columns", ColumnTransformer(transformers)), ("classifier", classifier)])


def search(name, numbers, classifier, grid, customers, churned):
    """The best pipeline of a grid by the log loss of 5-fold cross-validation, its parameters, and what `state` does.

    The grid is searched with and without `state`, which only says whether the column helps: the pipeline has it."""
    plain = lambda parameters: {key.removeprefix("classifier__"): value for key, value in parameters.items()}
    grid = {f"classifier__{parameter}": values for parameter, values in grid.items()}
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)

    def fit(columns):
        model = GridSearchCV(pipeline(columns, numbers, classifier), grid, scoring="neg_log_loss", cv=folds)
        return model.fit(customers[columns], churned)

    found, stateless = fit(customers.columns), fit(customers.columns.drop("state"))
    losses = -found.cv_results_["mean_test_score"]
    print(f"{name}: 5-fold cross-validation of {len(losses)} settings, the best of them:")
    for best in np.argsort(losses)[:5]:
        print(f"  log loss {losses[best]:.4f}", plain(found.cv_results_["params"][best]))
    state = (
        f"Cross-validated log loss is {-found.best_score_:.4f} with `state` and {-stateless.best_score_:.4f} "
        "without it; both models keep it, so that they take the same inputs."
    )
    return found.best_estimator_, plain(found.best_params_), state


def train_logistic(customers, churned):
    """Logistic regression on standardised numbers and one-hot strings."""
    grid = {"C": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]}
    return search("logistic", StandardScaler(), LogisticRegression(max_iter=5000), grid, customers, churned)


def train_xgboost(customers, churned):
    """Boosted trees on numbers as they are and one-hot strings."""
    grid = {"n_estimators": [50, 100, 200], "max_depth": [4, 6, 8], "learning_rate": [0.05, 0.1, 0.2]}
    classifier = XGBClassifier(n_jobs=1, random_state=SEED)
    return search("xgboost", "passthrough", classifier, grid, customers, churned)


# --- ONNX -----------------------------------------------------------------------------------------------------------


def name_classes(node):
    """Has a classifier's node answer `no` and `yes` for 0 and 1."""
    kept = [attribute for attribute in node.attribute if not attribute.name.startswith("classlabels_")]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute("classlabels_strings", CLASSES)])


def model(name, trained, columns, what):
    """A checked model: an input [N, 1] a column, string or float32; out are `label` string [N] and `probabilities`."""
    types = [(column, (StringTensorType if column in STRINGS else FloatTensorType)([None, 1])) for column in columns]
    options = {id(trained["classifier"]): {"zipmap": False}}
    converted = convert_sklearn(trained, name, types, target_opset=OPSETS, options=options).graph
    name_classes(converted.node[-1])
    element = lambda column: TensorProto.STRING if column in STRINGS else TensorProto.FLOAT
    graph = helper.make_graph(
        converted.node,
        name,
        [helper.make_tensor_value_info(column, element(column), ["N", 1]) for column in columns],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]),
        ],
        converted.initializer,
        doc_string=what,
    )
    opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="turnout")
    helper.set_model_props(made, {"data": DATA, "licence": LICENCE})
    onnx.checker.check_model(made, full_check=True)
    print(f"{name}: " + ", ".join(node.op_type for node in made.graph.node))
    return made


def answers(path, customers):
    """ONNX Runtime's labels [n] and probabilities [n, 2], on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    element = lambda column: object if column in STRINGS else np.float32
    inputs = {column: customers[[column]].to_numpy(element(column)) for column in customers}
    return session.run(["label", "probabilities"], inputs)


def write_model(name, made, customers, trained_probabilities):
    """Saves the model and ONNX Runtime's answers, if they are those of the library it was trained with.

    Returns predicted classes (int64 [n], 1 for `yes`) and probabilities of `yes` [n]."""
    path = FOLDER / f"{name}.onnx"
    path.write_bytes(made.SerializeToString(deterministic=True))
    labels, probabilities = answers(path, customers)
    worst = float(np.max(np.abs(probabilities - trained_probabilities)))
    if worst > 1e-5 or not np.array_equal(labels, np.take(CLASSES, np.argmax(trained_probabilities, axis=1))):
        raise SystemExit(f"{name}: ONNX Runtime differs from the trained model by {worst:.1e}")
    rows = [f"{label}," + ",".join(f"{p:.9g}" for p in row) for label, row in zip(labels, probabilities, strict=True)]
    (FOLDER / f"{name}.expected.csv").write_text("\n".join(rows) + "\n")
    check_rows = FOLDER.parent.parent / "scripts" / "check-rows.py"
    subprocess.run([sys.executable, check_rows, path, FOLDER / "held-out.csv", "--skip", "1"], check=True, stdout=subprocess.DEVNULL)
    print(f"{name}: {path.stat().st_size} bytes, within {worst:.1e} of the library's own probabilities")
    return (labels == "yes").astype(np.int64), probabilities[:, 1].astype(np.float64)


# --- statistics -----------------------------------------------------------------------------------------------------


def wilson(right, n):
    """The 95 % Wilson score interval of a proportion (Wilson, 1927)."""
    p = right / n
    centre, half = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return (centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)


def mcnemar(a_right, b_right):
    """Rows that only one of two models gets right, and McNemar's exact two-sided p-value."""
    only_a, only_b = int(np.sum(a_right & ~b_right)), int(np.sum(b_right & ~a_right))
    n, k = only_a + only_b, min(only_a, only_b)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0
    return only_a, only_b, p


def delong(churned, *scores):
    """Areas under the ROC curve [k] of k scores of the same rows, and their covariance (DeLong et al., 1988)."""
    of_yes, of_no = [], []
    for score in scores:
        yes, no = score[churned == 1][:, None], score[churned == 0][None, :]
        placed = (yes > no) + 0.5 * (yes == no)
        of_yes.append(placed.mean(axis=1))
        of_no.append(placed.mean(axis=0))
    covariance = np.cov(of_yes) / len(of_yes[0]) + np.cov(of_no) / len(of_no[0])
    return np.mean(of_yes, axis=1), covariance


def bootstrap_f1(churned, predicted):
    """The 95 % percentile interval of F1 over 2,000 resamples of the rows."""
    generator = np.random.default_rng(SEED)
    rows = generator.integers(0, len(churned), (2000, len(churned)))
    return np.quantile([f1_score(churned[sample], predicted[sample]) for sample in rows], [0.025, 0.975])


# --- cards ----------------------------------------------------------------------------------------------------------


def describe(column):
    """A column's values, for a card."""
    if column.name == "state":
        return f"{column.nunique()} postal codes, {column.min()} to {column.max()}"
    if column.name in STRINGS:
        return ", ".join(f"`{value}`" for value in sorted(column.unique()))
    return f"{column.min():g} to {column.max():g}"


def write_card(name, title, trained, parameters, customers, churned, predicted, scores, area, comparison):
    """The model's card, for people."""
    path = FOLDER / f"{name}.onnx"
    (kept, alarms), (missed, hits) = confusion_matrix(churned, predicted).tolist()
    f1_low, f1_high = bootstrap_f1(churned, predicted)

    def proportion(right, n):
        low, high = wilson(right, n)
        return f"{right / n:.4f} ({right} of {n}; 95 % Wilson interval {low:.4f} to {high:.4f})"

    kind = lambda column: "string" if column in STRINGS else "float32"
    inputs = "\n".join(f"| `{column}` | {kind(column)} | {describe(customers[column])} |" for column in customers)
    packages = ("scikit-learn", "xgboost-cpu", "skl2onnx", "onnxmltools", "onnx", "onnxruntime")
    texts = {
        "Data": f"{DATA}: {len(customers):,} customers of a telephone company, 14 % of whom left it. A note in one of "
        'its source files says that they are "artificial based on claims similar to real world". Licence: '
        f"{LICENCE}; see `customers.LICENSE`. `customers.csv` is the whole table, made by `fetch.py`. A quarter, "
        "stratified by class, is held out (`held-out.csv`: true label, then the inputs in their order); the split has "
        f"seed {SEED}.",
        "Training": f"{trained} Packages: {', '.join(f'{package} {version(package)}' for package in packages)}. "
        "`train.py` makes the same file again.",
        "Against the other model": comparison,
        "Limits": "The customers are artificial: it shows how to serve a model, not who leaves a real company. "
        "`label` is the more probable class, and few customers are more likely to leave than not; choose a threshold "
        "of your own on `probabilities` if a missed one costs more than a false alarm. A string that it does not know "
        "counts as none of the known ones. The data has no missing values, so nothing is known about answers to them. "
        "Each charge is its minutes times a fixed rate, rounded to a cent, and rows that break this are unlike any it "
        "has seen.",
    }
    paragraphs = "\n\n".join(
        textwrap.fill(f"**{head}.** {text}", 120, break_long_words=False, break_on_hyphens=False)
        for head, text in texts.items()
    )
    (FOLDER / f"{name}.md").write_text(f"""# {title}

| | |
|---|---|
| file | `{name}.onnx`, {path.stat().st_size} bytes |
| SHA-256 | `{hashlib.sha256(path.read_bytes()).hexdigest()}` |
| inputs | {customers.shape[1]}, each [N, 1], listed below |
| outputs | `label`: string [N], `no` or `yes`; `probabilities`: float32 [N, 2], of `no` and `yes`; they sum to 1 |
| parameters | {parameters} |
| held-out accuracy | {proportion(kept + hits, len(churned))} |
| precision of `yes` | {proportion(hits, hits + alarms)} |
| recall of `yes` | {proportion(hits, hits + missed)} |
| F1 of `yes` | {f1_score(churned, predicted):.4f} (95 % bootstrap interval {f1_low:.4f} to {f1_high:.4f}) |
| area under the ROC curve | {area[0]:.4f} (95 % DeLong interval {area[1]:.4f} to {area[2]:.4f}) |
| log loss | {log_loss(churned, scores):.4f} |

| held out | predicted `no` | predicted `yes` |
|---|---|---|
| true `no` | {kept} | {alarms} |
| true `yes` | {missed} | {hits} |

{paragraphs}

| input | type | values in the data |
|---|---|---|
{inputs}
""")


def main():
    train_x, held_x, train_y, held_y = load()
    print(f"data: {len(train_x)} rows to train on, {len(held_x)} held out")
    held = held_x.copy()
    held.insert(0, "churn", np.take(CLASSES, held_y))
    held.to_csv(FOLDER / "held-out.csv", header=False, index=False, lineterminator="\n")
    churned = held_y.to_numpy()

    shapes, options = calculate_linear_classifier_output_shapes, {"nocl": [True, False], "zipmap": [True, False]}
    update_registered_converter(XGBClassifier, "XGBoostXGBClassifier", shapes, convert_xgboost, options=options)
    regression, regression_chosen, regression_state = train_logistic(train_x, train_y)
    made = model("churn-logistic", regression, held_x.columns, "Logistic regression of customers who leave")
    logistic, logistic_scores = write_model("logistic", made, held_x, regression.predict_proba(held_x))
    trees, chosen, trees_state = train_xgboost(train_x, train_y)
    made = model("churn-xgboost", trees, held_x.columns, "Gradient-boosted trees of customers who leave")
    xgboost, xgboost_scores = write_model("xgboost", made, held_x, trees.predict_proba(held_x))

    only_logistic, only_xgboost, p = mcnemar(logistic == churned, xgboost == churned)
    areas, covariance = delong(churned, logistic_scores, xgboost_scores)
    halves = Z * np.sqrt(np.diag(covariance))
    intervals = np.column_stack([areas, areas - halves, areas + halves])
    more = areas[1] - areas[0]
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    comparison = (
        f"Of the held-out rows, {only_xgboost} are right with the trees only and {only_logistic} with the regression "
        f"only (McNemar's exact test: p = {p:.2g}); they give different labels on {int(np.sum(logistic != xgboost))}. "
        f"The area under the ROC curve of the trees less that of the regression is {more:.4f} (95 % DeLong interval "
        f"{more - Z * error:.4f} to {more + Z * error:.4f}; p = {math.erfc(abs(more) / error / math.sqrt(2)):.2g})."
    )
    customers = pd.concat([train_x, held_x])
    coefficients = regression["classifier"].coef_.size + regression["classifier"].intercept_.size
    write_card("logistic", "Logistic regression of customers who leave",
               "Logistic regression on standardised numbers and one-hot strings, L2 penalty "
               f"C = {regression_chosen['C']} by the log loss of 5-fold cross-validation. {regression_state}",
               coefficients, customers, churned, logistic, logistic_scores, intervals[0], comparison)
    nodes = len(trees["classifier"].get_booster().trees_to_dataframe())
    write_card("xgboost", "Gradient-boosted trees of customers who leave",
               f"XGBoost on numbers as they are and one-hot strings: {chosen['n_estimators']} trees of depth "
               f"{chosen['max_depth']} at most, learning rate {chosen['learning_rate']}, all three by the log loss of "
               f"5-fold cross-validation. {trees_state}",
               f"{chosen['n_estimators']} trees, {nodes} nodes",
               customers, churned, xgboost, xgboost_scores, intervals[1], comparison)
    print(json.dumps({"logistic": float(np.mean(logistic == churned)), "xgboost": float(np.mean(xgboost == churned))}))


if __name__ == "__main__":
    main()
