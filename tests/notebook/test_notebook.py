"""examples/ab_testing.ipynb, run cell by cell as Jupyter runs it. run.mjs has started the worker and says where.

With NOTEBOOK_OUT=FILE the notebook is written there with its outputs, which is how those of the one in examples/ were made.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import boto3
import lightgbm
import nbformat
import numpy as np
import pytest
import requests
import xgboost
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "ab_testing.ipynb"

# The last cell, which the notebook itself does not have: what its variables hold by then.
FACTS = """
import json

print(json.dumps({
    "answered": {"50": answered50, "target 1": answered1, "target 2": answered2, "25": answered25, "0": answered0},
    "cloudwatch": by_minute.sum().to_dict(),
    "auc": evaluation.loc["AUC"].to_dict(),
    "unlike": [float(each) for each in unlike],
    "taken": taken,
    "comparison": comparison,
    "deeds": policy["deeds"],
    "asked": asked,
    "history": history,
}))
"""


@pytest.fixture(scope="module")
def ran():
    """The notebook with its outputs, what it found, and the files that it left behind."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    last = nbformat.v4.new_code_cell(FACTS)
    notebook.cells.append(last)
    # A minute for each step is for people, who look at the plots.
    os.environ.setdefault("STEP_SECONDS", "1")
    # The notebook looks for the data in the folders above its own.
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="notebook-") as folder:
        options = {"timeout": 600, "kernel_name": "python3", "coalesce_streams": True}
        NotebookClient(notebook, resources={"metadata": {"path": folder}}, **options).execute()
        left_over = os.listdir(folder)
    notebook.cells.pop()
    if os.environ.get("NOTEBOOK_OUT"):
        keep(notebook, os.environ["NOTEBOOK_OUT"])
    return notebook, json.loads(last.outputs[0].text), left_over


def keep(notebook, file):
    """Writes the notebook without the times at which its cells ran."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, file)


def test_every_plot_is_there_and_nothing_is_warned_of(ran):
    notebook, _, left_over = ran
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    plots = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(plots) == 9
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert left_over == []


def test_the_traffic_goes_where_the_weights_say_and_cloudwatch_counts_it(ran):
    _, found, _ = ran
    answered = found["answered"]
    # That one of two gets none of 200 requests at a weight of 25 has a probability below 1e-24.
    for step in ["50", "25"]:
        assert set(answered[step]) == {"Variant1", "Variant2"} and sum(answered[step].values()) == 200
    assert answered["target 1"] == {"Variant1": 500} and answered["target 2"] == {"Variant2": 500}
    assert answered["0"] == {"Variant2": 200}
    for variant in ["Variant1", "Variant2"]:
        assert found["cloudwatch"][variant] == sum(step.get(variant, 0) for step in answered.values())


def test_the_models_answer_as_xgboost_does_and_one_is_better(ran):
    _, found, _ = ran
    assert max(found["unlike"]) <= 1e-6
    # The same data, seed and packages give the same models.
    assert found["auc"] == pytest.approx({"Variant1": 0.812, "Variant2": 0.884}, abs=0.005)


def test_outcomes_are_taken_and_the_ramp_is_watched(ran):
    _, found, _ = ran
    # Which verdict it is, and how far the ramp comes, is a matter of draws, although hardly: it is shown, not asserted.
    assert found["taken"] == found["comparison"]["outcomes"] == 1250
    assert found["comparison"]["basis"] == "assignment"
    low, high = found["comparison"]["interval"]
    assert low < found["comparison"]["difference"] < high
    assert found["deeds"][-1]["deed"] == "start"
    assert found["asked"] > 0
    assert [change["author"] for change in found["history"]][-2:] == ["token", "token"]


def test_nothing_is_left_of_it(ran):
    endpoints = boto3.client("sagemaker").list_endpoints(MaxResults=40)["Endpoints"]
    assert not [endpoint for endpoint in endpoints if "demo" in endpoint["EndpointName"].lower()]
    assert boto3.client("s3").list_objects_v2(Bucket="models", Prefix="ab-testing/")["KeyCount"] == 0


def test_the_readmes_three_statements_serve_a_booster(tmp_path, monkeypatch):
    _, block = (ROOT / "README.md").read_text().split("```python\nbooster.save_model", 1)
    statements = "booster.save_model" + block.split("```")[0]
    generator = np.random.default_rng(2026)
    rows = generator.normal(size=(200, 4)).astype(np.float32)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(rows, rows[:, 0] * rows[:, 1] > 0), 10)
    url, admin = os.environ["AWS_ENDPOINT_URL"], {"authorization": f"Bearer {os.environ['TURNOUT_TOKEN']}"}
    monkeypatch.chdir(tmp_path)
    exec(statements, {"booster": booster, "url": url, "admin": admin, "requests": requests, "sha256": hashlib.sha256})
    answer = requests.post(f"{url}/endpoints/mine/invocations", json=rows[:20].tolist()).json()
    assert np.allclose(answer["predictions"], booster.predict(xgboost.DMatrix(rows[:20])), rtol=1e-6)
    requests.delete(f"{url}/endpoints/mine", headers={**admin, "if-match": "*"}).raise_for_status()
    requests.delete(f"{url}/models/mine.ubj", headers=admin).raise_for_status()


@pytest.mark.parametrize("file", ["model.ubj", "model.tar.gz", "model.txt"])
def test_a_booster_reproduces_the_check_rows_of_its_library(tmp_path, file):
    generator = np.random.default_rng(2026)
    rows = generator.normal(size=(200, 4)).astype(np.float32)
    label = (rows[:, 0] * rows[:, 1] > 0).astype(int)
    if file == "model.txt":
        data = lightgbm.Dataset(rows, label)
        lightgbm.train({"objective": "binary", "num_threads": 1, "verbose": -1}, data, 10).save_model(tmp_path / file)
    else:
        booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(rows, label), 10)
        booster.save_model(tmp_path / "model.ubj")
        with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
            archive.add(tmp_path / "model.ubj", "xgboost-model")
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",")
    subprocess.run([sys.executable, ROOT / "scripts" / "check-rows.py", tmp_path / file, tmp_path / "rows.csv"], check=True)
    check = (tmp_path / file).with_suffix(".check.json").read_text()
    url, admin = os.environ["AWS_ENDPOINT_URL"], {"authorization": f"Bearer {os.environ['TURNOUT_TOKEN']}"}
    wrong = json.loads(check)
    wrong["outputs"]["raw_score"][0] += 0.01
    files = {f"checked/{file}": (tmp_path / file).read_bytes(), "checked/right": check, "checked/wrong": json.dumps(wrong)}
    for key, content in files.items():
        requests.put(f"{url}/models/{key}", data=content, headers=admin).raise_for_status()
    told = requests.get(f"{url}/model", params={"key": f"checked/{file}", "check": "checked/right"}, headers=admin)
    assert (told.status_code, told.json().get("checked")) == (200, True), told.text
    told = requests.get(f"{url}/model", params={"key": f"checked/{file}", "check": "checked/wrong"}, headers=admin)
    assert told.status_code == 424 and "raw_score" in told.text, told.text
    for key in files:
        requests.delete(f"{url}/models/{key}", headers=admin).raise_for_status()
