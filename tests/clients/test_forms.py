"""The bodies that pandas and numpy write, as they write them."""

import io
import json
import urllib.request

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, URL

ROWS = 50


def send(path, body, content_type="application/json", **headers):
    headers = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(URL + path, data=body.encode(), headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def probabilities(answer):
    return np.array([list(row["probabilities"]) for row in answer["predictions"]])


@pytest.fixture(scope="session")
def frame():
    """Held-out customers, with the columns' names."""
    names = (ROOT / "models/churn/customers.csv").read_text().split("\n", 1)[0].split(",")[:-1]
    return pd.read_csv(ROOT / "models/churn/held-out.csv", header=None, nrows=ROWS, names=["churn", *names]).drop(columns="churn")


@pytest.fixture(scope="session")
def expected():
    """ONNX Runtime's."""
    return np.loadtxt(ROOT / "models/churn/logistic.expected.csv", delimiter=",", max_rows=ROWS, usecols=(1, 2))


FORMS = {
    "csv with a header": ("text/csv", lambda frame: frame.to_csv(index=False)),
    "csv with a header, in another order": ("text/csv", lambda frame: frame[reversed(frame.columns)].to_csv(index=False)),
    "csv with carriage returns": ("text/csv", lambda frame: frame.to_csv(index=False, lineterminator="\r\n")),
    "csv, everything in quotes": ("text/csv", lambda frame: frame.to_csv(index=False, quoting=1)),
    "csv without a header": ("text/csv", lambda frame: frame.to_csv(index=False, header=False)),
    "records": ("application/json", lambda frame: frame.to_json(orient="records")),
    "records by lines": ("application/jsonlines", lambda frame: frame.to_json(orient="records", lines=True)),
    "rows": ("application/json", lambda frame: frame.to_json(orient="values")),
    "MLflow's dataframe_split": ("application/json", lambda frame: json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split"))})),
    "MLflow's dataframe_records": ("application/json", lambda frame: json.dumps({"dataframe_records": frame.to_dict("records")})),
    "instances": ("application/json", lambda frame: json.dumps({"instances": frame.to_dict("records")})),
    "columns": ("application/json", lambda frame: json.dumps({"inputs": frame.to_dict("list")})),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_pandas_writes_is_read(frame, expected, form):
    content_type, written = FORMS[form]
    answer = send("/endpoints/churn/invocations", written(frame), content_type, x_target_variant="logistic")
    # As in tests/models.rs: float32 probabilities of two implementations.
    np.testing.assert_allclose(probabilities(answer), expected, atol=1e-5)


@pytest.mark.parametrize("form", [form for form, (_, written) in FORMS.items() if "in quotes" not in form])
def test_a_missing_value_is_one_in_each_form(frame, form):
    gap = frame.head(3).astype({"account_length": float, "total_day_minutes": float})
    gap.loc[1, ["account_length", "total_day_minutes"]] = float("nan")
    content_type, written = FORMS[form]
    body = written(gap)
    if content_type == "application/json":
        # json.dumps writes NaN, which no JSON has.
        body = body.replace("NaN", "null")
    answer = send("/endpoints/churn/invocations", body, content_type, x_target_variant="xgboost")
    by_rows = [{**row, "account_length": None, "total_day_minutes": None} if at == 1 else row for at, row in enumerate(frame.head(3).to_dict("records"))]
    plain = send("/endpoints/churn/invocations", json.dumps({"instances": by_rows}), x_target_variant="xgboost")
    assert answer == plain


def test_columns_are_answered_in_columns_on_tensorflow_servings_path(frame, expected):
    inputs = {"signature_name": "serving_default", "inputs": frame.to_dict("list")}
    answer = send("/v1/models/churn:predict", json.dumps(inputs), x_target_variant="logistic")
    np.testing.assert_allclose(np.array(answer["outputs"]["probabilities"]), expected, atol=1e-5)
    rows = send("/v1/models/churn:predict", json.dumps({"instances": frame.to_dict("records")}), x_target_variant="logistic")
    np.testing.assert_allclose(probabilities(rows), expected, atol=1e-5)


def test_what_numpy_writes_is_read(digits):
    pixels = np.array([values for _, values in digits[:ROWS]])
    expected = np.loadtxt(ROOT / "models/digits/cnn.expected.csv", delimiter=",", max_rows=ROWS)[:, 1:]
    text = io.StringIO()
    np.savetxt(text, pixels, delimiter=",")
    for content_type, body in [
        ("text/csv", text.getvalue()),
        ("application/json", json.dumps(pixels.tolist())),
        ("application/json", json.dumps({"instances": pixels.tolist()})),
        ("application/json", json.dumps({"inputs": pixels.tolist()})),
    ]:
        answer = send("/endpoints/digits/invocations", body, content_type, x_target_variant="cnn")
        np.testing.assert_allclose(probabilities(answer), expected, atol=1e-5)
