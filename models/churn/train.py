#!/usr/bin/env python3
"""Trains the two models of the `churn` endpoint from customers.csv and writes all else that this folder holds.

Writes logistic.onnx, xgboost.onnx, held-out.csv, *.expected.csv (ONNX Runtime's answers on the held-out rows), a card for
each model, and endpoint.json. The same packages give the same bytes. About a minute on two cores.
"""

import hashlib
import json
import math
import pathlib
import warnings
from importlib.metadata import version

import numpy as np
import onnxruntime
import pandas as pd
from onnx import checker, helper
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from scipy.stats import norm
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

FOLDER = pathlib.Path(__file__).parent
SEED = 2026
STATE = "state"
OPSET = {"": 17, "ai.onnx.ml": 3}
STRINGS = ["area_code", "international_plan", "voice_mail_plan"]
LABELS = ["no", "yes"]
DATA = "`mlc_churn` of the R package modeldata 1.1.0: 5,000 customers of a telephone company, artificial, from MLC++"
LICENCE = "MIT (R package modeldata; Max Kuhn, RStudio)"


def load():
    """Training and held-out tables and their labels (True for churn); a quarter held out, stratified."""
    table = pd.read_csv(FOLDER / "customers.csv", dtype=dict.fromkeys([STATE, *STRINGS], object))
    churned = (table.pop("churn") == "yes").to_numpy()
    numbers = [name for name in table.columns if name not in [STATE, *STRINGS]]
    # What the ONNX models see: 32-bit numbers.
    table[numbers] = table[numbers].astype(np.float32)
    return train_test_split(table, churned, test_size=0.25, stratify=churned, random_state=SEED)


def pipeline(strings, numbers, scaled, classifier):
    """One-hot strings and, if `scaled`, standardised numbers, then a classifier."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    kept = StandardScaler() if scaled else "passthrough"
    return Pipeline([
        ("columns", ColumnTransformer([("numbers", kept, numbers), ("strings", encoder, strings)])),
        ("classifier", classifier),
    ])


# --- training -------------------------------------------------------------------------------------------------------


def search(name, model, grid, table, churned):
    """The best of a grid by the AUC of 5-fold cross-validation."""
    print(f"{name}: 5-fold cross-validation")
    found = GridSearchCV(model, grid, cv=5, scoring="roc_auc").fit(table, churned)
    for parameters, score in zip(found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True):
        print("  " + ", ".join(f"{key.split('__')[1]}={value}" for key, value in parameters.items()), f"AUC {score:.4f}")
    return found.best_estimator_, {key.split("__")[1]: value for key, value in found.best_params_.items()}


def state_helps(table, churned, numbers):
    """Cross-validated AUC of the trees with and without the customer's state."""
    trees = XGBClassifier(n_estimators=100, max_depth=5, learning_rate=0.1, random_state=SEED, n_jobs=1)
    auc = lambda strings: cross_val_score(pipeline(strings, numbers, False, trees), table, churned, cv=5, scoring="roc_auc").mean()
    return auc([STATE, *STRINGS]), auc(STRINGS)


# --- ONNX -----------------------------------------------------------------------------------------------------------


def converted(name, model, table, what):
    """A checked model with an input a column; `label` string [N] and `probabilities` float32 [N, 2] out."""
    kinds = {column: StringTensorType if column in STRINGS else FloatTensorType for column in table.columns}
    types = [(column, kind([None, 1])) for column, kind in kinds.items()]
    options = {id(model.steps[-1][1]): {"zipmap": False}}
    made = convert_sklearn(model, name=name, initial_types=types, options=options, target_opset=OPSET)
    label, probabilities = (output.name for output in made.graph.output)
    for node in made.graph.node:
        node.output[:] = ["number" if o == label else "probabilities" if o == probabilities else o for o in node.output]
        node.input[:] = ["number" if i == label else "probabilities" if i == probabilities else i for i in node.input]
    words = dict(keys_int64s=[0, 1], values_strings=LABELS, default_string="")
    made.graph.node.append(helper.make_node("LabelEncoder", ["number"], ["label"], "label", domain="ai.onnx.ml", **words))
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("label", 8, [None]))
    made.graph.output[1].name = "probabilities"
    # The converter declares the lowest versions that its own nodes need.
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid(domain, number) for domain, number in OPSET.items())
    made.graph.doc_string = what
    made.producer_name, made.producer_version, made.doc_string = "turnout", "", ""
    helper.set_model_props(made, {"data": DATA, "licence": LICENCE})
    checker.check_model(made)
    return made


def answers(path, table):
    """ONNX Runtime's labels [n] and probabilities [n, 2], on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["label", "probabilities"], {name: table[[name]].to_numpy() for name in table.columns})


def write_model(name, made, table, trained):
    """Saves the model and ONNX Runtime's answers, if they are those of the library it was trained with."""
    path = FOLDER / f"{name}.onnx"
    path.write_bytes(made.SerializeToString(deterministic=True))
    labels, probabilities = answers(path, table)
    worst = float(np.max(np.abs(probabilities - trained)))
    if worst > 1e-5 or not np.array_equal(labels == "yes", trained[:, 1] > 0.5):
        raise SystemExit(f"{name}: ONNX Runtime differs from the trained model by {worst:.1e}")
    rows = [f"{label},{no:.9g},{yes:.9g}" for label, (no, yes) in zip(labels, probabilities, strict=True)]
    (FOLDER / f"{name}.expected.csv").write_text("\n".join(rows) + "\n")
    print(f"{name}: {path.stat().st_size} bytes, within {worst:.1e} of the library's own probabilities")
    return labels == "yes", probabilities[:, 1].astype(float)


# --- cards ----------------------------------------------------------------------------------------------------------


def wilson(right, n):
    """The 95 % Wilson score interval of a proportion (Wilson, 1927)."""
    z, p = norm.ppf(0.975), right / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def placements(churned, scores):
    """For each churner, the share of stayers it is ranked above, and for each stayer, of churners above it (ties half)."""
    above = np.heaviside(scores[churned][:, None] - scores[~churned][None, :], 0.5)
    return above.mean(axis=1), above.mean(axis=0)


def delong(churned, first, second):
    """AUCs of two scores of the same rows, and their covariance (DeLong, DeLong and Clarke-Pearson, 1988)."""
    pairs = [placements(churned, scores) for scores in (first, second)]
    aucs = np.array([high.mean() for high, _ in pairs])
    covariance = sum(np.cov([pair[side] for pair in pairs]) / len(pairs[0][side]) for side in (0, 1))
    return aucs, covariance


def mcnemar(a_right, b_right):
    """Rows that only one of two models gets right, and McNemar's exact two-sided p-value."""
    only_a, only_b = int(np.sum(a_right & ~b_right)), int(np.sum(b_right & ~a_right))
    n, k = only_a + only_b, min(only_a, only_b)
    return only_a, only_b, min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0


def write_card(name, title, trained, size, churned, predicted, auc, auc_error, comparison, columns):
    """The model's card, for people."""
    path = FOLDER / f"{name}.onnx"
    (stayed, false_alarms), (missed, found) = confusion_matrix(churned, predicted).tolist()
    share = lambda right, n: "{:.4f} ({} of {}; 95 % Wilson interval {:.4f} to {:.4f})".format(right / n, right, n, *wilson(right, n))
    reach = norm.ppf(0.975) * auc_error
    packages = ", ".join(f"{package} {version(package)}" for package in ("scikit-learn", "xgboost-cpu", "skl2onnx", "onnxmltools", "onnxruntime"))
    (FOLDER / f"{name}.md").write_text(f"""# {title}

| | |
|---|---|
| file | `{name}.onnx`, {path.stat().st_size} bytes |
| SHA-256 | `{hashlib.sha256(path.read_bytes()).hexdigest()}` |
| inputs | one a column, in this order: {columns} |
| outputs | `label`: string [N], `no` or `yes`; `probabilities`: float32 [N, 2], of `no` and of `yes` |
| size | {size} |
| held-out accuracy | {share(stayed + found, len(churned))} |
| precision | {share(found, found + false_alarms)} |
| recall | {share(found, found + missed)} |
| F1 | {2 * found / (2 * found + missed + false_alarms):.4f} |
| area under the ROC curve | {auc:.4f} (95 % DeLong interval {auc - reach:.4f} to {min(1.0, auc + reach):.4f}) |
| confusion | {found} churners found, {missed} missed; {stayed} stayers known, {false_alarms} taken for churners |

Precision, recall and F1 are of `yes`, at a probability of one half.

**Data.** {DATA}; 707 of them (14.1 %) left. Licence of the data: {LICENCE}. `customers.csv` is the whole table (`fetch.py` made it). A
quarter, stratified, is held out (`held-out.csv`: true label, then the inputs in order); the split has seed {SEED}.

**Training.** {trained} Packages: {packages}. `train.py` makes the same file again.

**Against the other model.** {comparison}

**Limits.** The customers are made up, "similar to the real world": what holds for them may not for yours. Charges are minutes
times a rate, so four columns say little that is new. An area code that it does not know counts as none.
""")


def main():
    warnings.filterwarnings("ignore", category=FutureWarning)
    update_registered_converter(
        XGBClassifier, "XGBoostXGBClassifier", calculate_linear_classifier_output_shapes, convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]})
    train_x, held_x, train_y, held_y = load()
    numbers = [name for name in train_x.columns if name not in [STATE, *STRINGS]]
    print(f"data: {len(train_x)} rows to train on, {len(held_x)} held out, {held_y.sum()} of them left")
    with_state, without = state_helps(train_x, train_y, numbers)
    print(f"state: AUC {with_state:.4f} with it, {without:.4f} without")
    assert with_state < without, "the state helps: keep it"
    train_x, held_x = train_x.drop(columns=STATE), held_x.drop(columns=STATE)

    grid = {"classifier__C": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]}
    logistic, found = search("logistic", pipeline(STRINGS, numbers, True, LogisticRegression(max_iter=5000)), grid, train_x, train_y)
    grid = {"classifier__max_depth": [4, 5, 6], "classifier__n_estimators": [100, 200], "classifier__learning_rate": [0.05, 0.1]}
    boosted = XGBClassifier(subsample=0.8, colsample_bytree=0.8, random_state=SEED, n_jobs=1)
    trees, chosen = search("xgboost", pipeline(STRINGS, numbers, False, boosted), grid, train_x, train_y)

    table = held_x.copy()
    table.insert(0, "churn", np.where(held_y, "yes", "no"))
    table.to_csv(FOLDER / "held-out.csv", header=False, index=False)
    made = {
        "logistic": converted("churn-logistic", logistic, held_x, "Logistic regression of customers who leave"),
        "xgboost": converted("churn-xgboost", trees, held_x, "Gradient-boosted trees of customers who leave"),
    }
    said = {name: write_model(name, made[name], held_x, model.predict_proba(held_x)) for name, model in [("logistic", logistic), ("xgboost", trees)]}

    (a, a_scores), (b, b_scores) = said["logistic"], said["xgboost"]
    aucs, covariance = delong(held_y, a_scores, b_scores)
    assert np.allclose(aucs, [roc_auc_score(held_y, a_scores), roc_auc_score(held_y, b_scores)])
    only_a, only_b, p = mcnemar(a == held_y, b == held_y)
    spread = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    comparison = (
        f"Of the held-out rows, {only_b} are right with the trees only and {only_a} with the regression only (McNemar's exact test: "
        f"p = {p:.2g}). The areas differ by {aucs[1] - aucs[0]:.4f} (DeLong's paired test: p = {2 * norm.sf(abs(aucs[1] - aucs[0]) / spread):.2g})."
    )
    columns = ", ".join(f"`{name}` ({'string' if name in STRINGS else 'float32'})" for name in held_x.columns)
    state = f"The customer's state is left out, as it does not help: cross-validated AUC of the trees {with_state:.4f} with it, {without:.4f} without."
    write_card("logistic", "Logistic regression of customers who leave",
               f"Standardised numbers, one-hot strings, L2 penalty C = {found['C']} by the AUC of 5-fold cross-validation. {state}",
               f"{logistic[-1].coef_.size + 1} parameters", held_y, a, aucs[0], math.sqrt(covariance[0, 0]), comparison, columns)
    write_card("xgboost", "Gradient-boosted trees of customers who leave",
               f"XGBoost: {chosen['n_estimators']} trees of depth {chosen['max_depth']}, learning rate {chosen['learning_rate']}, by the AUC of 5-fold "
               f"cross-validation; 0.8 of the rows and columns a tree; numbers as they are, one-hot strings. {state}",
               f"{chosen['n_estimators']} trees", held_y, b, aucs[1], math.sqrt(covariance[1, 1]), comparison, columns)

    digest = lambda name: hashlib.sha256((FOLDER / f"{name}.onnx").read_bytes()).hexdigest()
    variants = ",\n    ".join(
        json.dumps({"name": name, "weight": 50, "model": {"key": f"churn/{name}.onnx", "sha256": digest(name)}}) for name in made)
    (FOLDER / "endpoint.json").write_text(f"""{{
  "variants": [
    {variants}
  ],
  "assignment": {{"unit": {{"header": "x-user-id"}}, "salt": "churn-2026-11"}},
  "fallback": "logistic"
}}
""")
    print(json.dumps({"auc": dict(zip(made, aucs.round(4).tolist(), strict=True)), "accuracy": {name: float(np.mean(predicted == held_y)) for name, (predicted, _) in said.items()}}))


if __name__ == "__main__":
    main()
