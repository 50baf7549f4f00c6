"""The examples, run as a user runs them."""

import os
import re
import subprocess
import sys

from conftest import ROOT, URL


def test_the_ab_test_walks_from_the_first_endpoint_to_the_last(tmp_path, sagemaker):
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": URL,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": os.environ["ADMIN_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": os.environ["ADMIN_SECRET_ACCESS_KEY"],
    }
    command = [sys.executable, ROOT / "examples/ab_test.py", "--plots", tmp_path]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # As the models' cards have them.
    metrics = dict(re.findall(r"^  (logistic|xgboost) +(0\.\d+)", ran.stdout, re.M))
    assert metrics == {"logistic": "0.872", "xgboost": "0.957"}
    assert "xgboost: 400, where 400 are expected" in ran.stdout
    for plot in ["roc.png", "traffic.png"]:
        assert (tmp_path / plot).read_bytes().startswith(b"\x89PNG")
    names = [endpoint["EndpointName"] for endpoint in sagemaker.list_endpoints(MaxResults=100)["Endpoints"]]
    assert "churn" in names and "churn-ab-test" not in names


def test_a_better_model_gets_the_traffic_and_a_broken_one_is_turned_back():
    environment = {**os.environ, "TURNOUT_URL": URL, "TURNOUT_TOKEN": os.environ["TURNOUT_ADMIN_TOKEN"]}
    command = [sys.executable, ROOT / "examples/rollout.py", "--limit", "200"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"As assumed, the ramp comes to its end in \d+(\.\d)? % of the runs", ran.stdout), ran.stdout
    steps = re.findall(r"^  (?:start|step): .* (\d+) % of the traffic", ran.stdout, re.M)
    assert steps == ["10", "25", "50", "100", "10"], ran.stdout
    assert re.search(r"step: xgboost gets 100 % of the traffic: xgboost is better than logistic", ran.stdout), ran.stdout
    assert re.search(r"roll_back: broken fails .* the others", ran.stdout), ran.stdout
    assert "by policy: broken fails" in ran.stdout, ran.stdout
