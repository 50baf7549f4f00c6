"""boto3 with a model that comes as SageMaker's XGBoost container takes it, as AWS's A/B testing notebook reads the answers."""

import json

import numpy as np
import pytest

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ROWS = ["0,0,1.5,3", "-3,-2.5,2,3", "-1.5,-1,2.5,-0.5"]


@pytest.fixture(scope="module")
def scores(sagemaker):
    """An endpoint of one model, a probability a row."""
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/score.onnx"}
    sagemaker.create_model(ModelName="scores", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::111122223333:role/any")
    variant = {"VariantName": "Variant1", "ModelName": "scores", "InitialVariantWeight": 1, "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="scores", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="scores", EndpointConfigName="scores")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="scores", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    yield "scores"
    sagemaker.delete_endpoint(EndpointName="scores")
    sagemaker.delete_endpoint_config(EndpointConfigName="scores")
    sagemaker.delete_model(ModelName="scores")


def test_the_notebook_reads_bare_numbers(runtime, scores):
    predictions = ""
    for row in ROWS:
        answer = runtime.invoke_endpoint(EndpointName=scores, ContentType="text/csv", Body=row, TargetVariant="Variant1")
        predictions = ",".join([predictions, answer["Body"].read().decode("utf-8")])
    numbers = np.fromstring(predictions[1:], sep=",")
    assert len(numbers) == len(ROWS)
    assert all((0 < numbers) & (numbers < 1))


def test_several_rows_are_lines(runtime, scores):
    answer = runtime.invoke_endpoint(EndpointName=scores, ContentType="text/csv", Body="\n".join(ROWS))
    assert answer["ContentType"] == "text/csv"
    lines = answer["Body"].read().decode().splitlines()
    assert len(lines) == len(ROWS)
    # All digits of the number of 32 bits, as `tolist` gives them.
    assert [float(line) for line in lines] == [float(np.float32(line)) for line in lines]


def test_json_has_scores(runtime, scores):
    def ask(accept):
        body = runtime.invoke_endpoint(EndpointName=scores, ContentType="text/csv", Body="\n".join(ROWS), Accept=accept)["Body"]
        return body.read().decode()

    numbers = [float(line) for line in ask("text/csv").splitlines()]
    assert json.loads(ask("application/json")) == {"predictions": [{"score": number} for number in numbers]}
    assert [json.loads(line) for line in ask("application/jsonlines").splitlines()] == [{"score": number} for number in numbers]


def test_the_form_is_described(sagemaker, scores):
    container = sagemaker.describe_model(ModelName=scores)["PrimaryContainer"]
    assert container["Environment"] == {"TURNOUT_OUTPUT": "sagemaker-xgboost:"}
