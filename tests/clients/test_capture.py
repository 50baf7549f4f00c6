"""Capture as boto3 sets it up, and captured lines joined with outcomes off-line: the verdict's figures again."""

import json
import os
import subprocess
import sys
import time

import botocore.exceptions
import pytest
import requests
from conftest import ROOT, URL

ADMIN = {"authorization": f"Bearer {os.environ['TURNOUT_ADMIN_TOKEN']}"}
DESTINATION = "s3://our-bucket/model-monitor/data-capture"


def config(name, capture=None, **more):
    capture = {"DataCaptureConfig": capture} if capture else {}
    variants = [{"VariantName": "cnn", "ModelName": "captured-cnn", "InitialVariantWeight": 1}]
    return {"EndpointConfigName": name, "ProductionVariants": variants, **capture, **more}


def settings(**more):
    both = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    return {"EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": DESTINATION, "CaptureOptions": both, **more}


def line_of(endpoint, inference_id):
    """The captured line, once it is there."""
    for _ in range(150):
        answer = requests.get(f"{URL}/endpoints/{endpoint}/captured/{inference_id}", headers=ADMIN, timeout=60)
        if answer.status_code == 200:
            return answer.json()
        assert (answer.status_code, answer.json()["code"]) == (404, "not_captured"), answer.text
        time.sleep(0.2)
    pytest.fail("the line was not captured")


def test_data_capture_config_by_boto3(sagemaker, runtime, digits):
    sagemaker.create_model(
        ModelName="captured-cnn", ExecutionRoleArn="arn:aws:iam::1:role/x", PrimaryContainer={"ModelDataUrl": "digits/cnn.onnx"}
    )
    types = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
    asked = settings(CaptureContentTypeHeader=types)
    sagemaker.create_endpoint_config(**config("captured-all", asked))
    assert sagemaker.describe_endpoint_config(EndpointConfigName="captured-all")["DataCaptureConfig"] == asked
    sagemaker.create_endpoint(EndpointName="captured", EndpointConfigName="captured-all")
    told = sagemaker.describe_endpoint(EndpointName="captured")["DataCaptureConfig"]
    assert told == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": "s3://CAPTURE/model-monitor/data-capture",
        "KmsKeyId": "",
    }
    body = ",".join(map(str, digits[0][1]))
    answer = runtime.invoke_endpoint(EndpointName="captured", Body=body, ContentType="text/csv")
    inference_id = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-sagemaker-inference-id"]
    said = answer["Body"].read().decode()
    [found] = line_of("captured", inference_id)["lines"]
    assert found["variant"] == "cnn"
    assert found["line"]["captureData"] == {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": body, "encoding": "CSV"},
        "endpointOutput": {"observedContentType": "application/json", "mode": "OUTPUT", "data": said, "encoding": "JSON"},
    }
    assert found["line"]["eventMetadata"]["eventId"] == inference_id

    def capture():
        return requests.get(f"{URL}/endpoints/captured", headers=ADMIN, timeout=60).json()["capture"]

    # Somebody leaves a column out by hand: it stays out, whatever configuration comes.
    digits_document = json.loads((ROOT / "models/digits/endpoint.json").read_text())
    cnn = next(variant for variant in digits_document["variants"] if variant["name"] == "cnn")
    document = {"variants": [cnn], "access": {"sigv4": "ADMIN"}, "capture": {"percent": 100, "leave_out": ["x"]}}
    put = requests.put(f"{URL}/endpoints/captured", json=document, headers={**ADMIN, "if-match": "*"}, timeout=60)
    assert put.status_code == 200, put.text
    sagemaker.create_endpoint_config(**config("captured-none"))
    sagemaker.update_endpoint(EndpointName="captured", EndpointConfigName="captured-none", RetainAllVariantProperties=True)
    assert (capture()["percent"], capture()["leave_out"]) == (100, ["x"])
    sagemaker.update_endpoint(EndpointName="captured", EndpointConfigName="captured-none")
    assert (capture()["percent"], capture()["leave_out"]) == (0, ["x"])
    told = sagemaker.describe_endpoint(EndpointName="captured")["DataCaptureConfig"]
    assert (told["EnableCapture"], told["CaptureStatus"], told["CurrentSamplingPercentage"]) == (False, "Stopped", 0)
    sagemaker.update_endpoint(EndpointName="captured", EndpointConfigName="captured-all")
    assert (capture()["percent"], capture()["leave_out"]) == (100, ["x"])
    sagemaker.delete_endpoint(EndpointName="captured")
    for name in ["captured-all", "captured-none"]:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName="captured-cnn")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"KmsKeyId": "key"}, "R2 encrypts all objects"),
        ({"DestinationS3Uri": "https://bucket.example/x"}, "such as s3://CAPTURE/churn"),
        ({"DestinationS3Uri": "s3://bucket/a//b"}, "cannot be what keys begin with"),
        ({"CaptureOptions": []}, None),
        ({"InitialSamplingPercentage": 101}, None),
    ],
)
def test_what_cannot_be_captured_so_is_refused(sagemaker, more, problem):
    with pytest.raises((botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError)) as refused:
        sagemaker.create_endpoint_config(**config("captured-wrong", settings(**more)))
    assert problem is None or problem in str(refused.value)


def test_lines_joined_off_line_are_the_verdict(runtime, customers, tmp_path):
    """All of what is captured is read back by its ids, as a folder that was downloaded."""
    told, ids = [], []
    for truth, columns in customers[:200]:
        answer = runtime.invoke_endpoint(EndpointName="churn-captured", Body=",".join(columns), ContentType="text/csv")
        ids.append(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-sagemaker-inference-id"])
        told.append({"inference_id": ids[-1], "label": truth})
    for at in range(0, len(told), 100):
        answer = requests.post(f"{URL}/endpoints/churn-captured/outcomes", json=told[at : at + 100], timeout=60)
        assert answer.json()["taken"] == len(told[at : at + 100]), answer.text
    (tmp_path / "outcomes.jsonl").write_text("\n".join(map(json.dumps, told)))
    for number, inference_id in enumerate(ids):
        for found in line_of("churn-captured", inference_id)["lines"]:
            folder = tmp_path / "captured" / found["variant"] / "2026/11/29/18"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.jsonl").write_text(json.dumps(found["line"]) + "\n")
    command = [sys.executable, ROOT / "examples/join.py", tmp_path / "captured", tmp_path / "outcomes.jsonl", "--variants", "logistic,xgboost"]
    ran = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    joined = json.loads(ran.stdout)
    verdict = requests.get(f"{URL}/endpoints/churn-captured/verdict", timeout=60).json()
    assert len(verdict["variants"]) == 2 and joined["left_out"] == 0
    for variant in verdict["variants"]:
        line = joined["variants"][variant["variant"]]
        assert line["captured"] == line["outcomes"] == variant["outcomes"]
        assert line["right"] / line["outcomes"] == pytest.approx(variant["metrics"]["accuracy"], abs=1e-12)
    assert "xgboost" in subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def test_pairs_of_a_request_that_two_variants_answered(tmp_path):
    """Made-up lines: of 4 rows that both answered, one is right 3 times and the other twice."""

    def line(event, labels):
        output = {"observedContentType": "application/json", "encoding": "JSON", "data": json.dumps({"predictions": [{"label": label} for label in labels]})}
        return json.dumps({"captureData": {"endpointOutput": output}, "eventMetadata": {"eventId": event}, "eventVersion": "0"})

    answers = {"one": [("e", ["yes", "no"]), ("f", ["yes"]), ("g", ["no"])], "two": [("e", ["no", "no"]), ("f", ["no"]), ("g", ["yes"])]}
    for variant, lines in answers.items():
        folder = tmp_path / "captured" / variant / "2026/11/29/18"
        folder.mkdir(parents=True)
        (folder / "00-00-000-a.jsonl").write_text("\n".join(line(*each) for each in lines))
    truths = [("e", 0, "yes"), ("e", 1, "no"), ("f", 0, "yes"), ("g", 0, "yes"), ("e", 0, "no")]
    outcomes = [json.dumps({"inference_id": event, "row": row, "label": label}) for event, row, label in truths]
    (tmp_path / "outcomes.jsonl").write_text("\n".join(outcomes))
    command = [sys.executable, ROOT / "examples/join.py", tmp_path / "captured", tmp_path / "outcomes.jsonl", "--json"]
    joined = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert joined["variants"] == {"one": {"captured": 3, "outcomes": 4, "right": 3}, "two": {"captured": 3, "outcomes": 4, "right": 2}}
    [pair] = joined["pairs"]
    assert (pair["variants"], pair["difference"], pair["rows"]) == (["one", "two"], -0.25, 4)
    # Of -1, 0, -1, 1: the variance is 11/12.
    assert pair["error"] == pytest.approx((11 / 12 / 4) ** 0.5)
