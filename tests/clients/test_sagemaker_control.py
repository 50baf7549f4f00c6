"""boto3's sagemaker, unmodified."""

import datetime
import json
import os

import pytest
from botocore.exceptions import ClientError, WaiterError
from conftest import HOST, client


def weights(sagemaker, endpoint):
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    return {variant["VariantName"]: variant["CurrentWeight"] for variant in described["ProductionVariants"]}


def wait(sagemaker, endpoint, waiter="endpoint_in_service"):
    sagemaker.get_waiter(waiter).wait(EndpointName=endpoint, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


@pytest.fixture
def made(sagemaker):
    """Models and configurations, removed afterwards, with the endpoints that were made of them."""
    container = {"ModelDataUrl": "churn/logistic.onnx", "Image": "any"}
    sagemaker.create_model(ModelName="in-place", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::111122223333:role/any")
    sagemaker.create_model(ModelName="hosted", PrimaryContainer={"ModelDataUrl": f"{HOST}/echo"})

    def config(name, in_place, hosted):
        variant = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {**variant, "VariantName": "in-place", "ModelName": "in-place", "InitialVariantWeight": in_place},
                {**variant, "VariantName": "hosted", "ModelName": "hosted", "InitialVariantWeight": hosted},
            ],
        )

    config("even", 1, 1)
    config("uneven", 1, 3)
    yield
    for endpoint in sagemaker.list_endpoints(NameContains="made", MaxResults=100)["Endpoints"]:
        sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
    for name in ["even", "uneven"]:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    for name in ["in-place", "hosted"]:
        sagemaker.delete_model(ModelName=name)


def test_an_endpoint_is_made_changed_and_removed(sagemaker, runtime, customers, made):
    arn = sagemaker.create_endpoint(EndpointName="made-1", EndpointConfigName="even")["EndpointArn"]
    assert arn == "arn:aws:sagemaker:auto:000000000000:endpoint/made-1"
    assert sagemaker.describe_endpoint(EndpointName="made-1")["EndpointStatus"] == "Creating"
    wait(sagemaker, "made-1")
    described = sagemaker.describe_endpoint(EndpointName="made-1")
    assert described["EndpointStatus"] == "InService"
    age = datetime.datetime.now(datetime.timezone.utc) - described["CreationTime"]
    assert datetime.timedelta() <= age < datetime.timedelta(minutes=1)
    row = ",".join(customers[0][1])
    answer = runtime.invoke_endpoint(EndpointName="made-1", TargetVariant="in-place", Body=row, ContentType="text/csv")
    assert json.load(answer["Body"])["predictions"][0]["label"] in ("yes", "no")
    answer = runtime.invoke_endpoint(EndpointName="made-1", TargetVariant="hosted", Body=row, ContentType="text/csv")
    assert answer["Body"].read().decode() == row

    # Only the variant that is named changes.
    change = [{"VariantName": "hosted", "DesiredWeight": 0.5, "DesiredInstanceCount": 4}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="made-1", DesiredWeightsAndCapacities=change)
    assert sagemaker.describe_endpoint(EndpointName="made-1")["EndpointStatus"] == "Updating"
    assert weights(sagemaker, "made-1") == {"in-place": 1.0, "hosted": 0.5}
    wait(sagemaker, "made-1")

    sagemaker.update_endpoint(EndpointName="made-1", EndpointConfigName="uneven", RetainAllVariantProperties=True)
    assert weights(sagemaker, "made-1") == {"in-place": 1.0, "hosted": 0.5}
    sagemaker.update_endpoint(EndpointName="made-1", EndpointConfigName="uneven")
    assert weights(sagemaker, "made-1") == {"in-place": 1.0, "hosted": 3.0}
    described = sagemaker.describe_endpoint(EndpointName="made-1")
    assert described["EndpointConfigName"] == "uneven"
    assert described["LastModifiedTime"] > described["CreationTime"]

    # It is its owner's alone.
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("sagemaker-runtime", "CALLER").invoke_endpoint(EndpointName="made-1", Body=row, ContentType="text/csv")

    sagemaker.delete_endpoint(EndpointName="made-1")
    wait(sagemaker, "made-1", "endpoint_deleted")
    with pytest.raises(runtime.exceptions.ValidationError):
        runtime.invoke_endpoint(EndpointName="made-1", Body=row, ContentType="text/csv")


def test_an_endpoint_by_hand_is_described_and_changed_too(sagemaker):
    described = sagemaker.describe_endpoint(EndpointName="digits")
    assert described["EndpointStatus"] == "InService"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    assert [variant["VariantName"] for variant in config["ProductionVariants"]] == ["logistic", "cnn"]
    before = weights(sagemaker, "digits")
    change = [{"VariantName": "cnn", "DesiredWeight": 7}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="digits", DesiredWeightsAndCapacities=change)
    assert weights(sagemaker, "digits") == {**before, "cnn": 7.0}
    change = [{"VariantName": name, "DesiredWeight": weight} for name, weight in before.items()]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="digits", DesiredWeightsAndCapacities=change)
    assert weights(sagemaker, "digits") == before


def test_lists_come_in_pages(sagemaker, made):
    names = [f"made-{number}" for number in range(5)]
    for name in names:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="even", Tags=[{"Key": "turnout:access", "Value": "open"}])
    first = sagemaker.list_endpoints(NameContains="made", MaxResults=2, SortBy="Name", SortOrder="Ascending")
    assert [endpoint["EndpointName"] for endpoint in first["Endpoints"]] == names[:2]
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains="made", PaginationConfig={"PageSize": 2})
    pages = [[endpoint["EndpointName"] for endpoint in page["Endpoints"]] for page in pages]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sum(pages, []) == names[::-1]  # The newest first.
    assert {config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]} == {"even", "uneven"}
    models = sagemaker.list_models(NameContains="host")["Models"]
    assert [model["ModelName"] for model in models] == ["hosted"]
    everything = sagemaker.list_endpoints(MaxResults=100)["Endpoints"]
    status = {endpoint["EndpointName"]: endpoint["EndpointStatus"] for endpoint in everything}
    assert status["churn"] == "InService" and status["broken"] == "Failed"


def test_a_broken_endpoint_fails_its_waiter(sagemaker):
    assert "not JSON" in sagemaker.describe_endpoint(EndpointName="broken")["FailureReason"]
    with pytest.raises(WaiterError):
        wait(sagemaker, "broken")


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("describe_endpoint", {"EndpointName": "none"}, 'Could not find endpoint "none"'),
        ("describe_endpoint_config", {"EndpointConfigName": "none"}, 'Could not find endpoint configuration "none"'),
        ("delete_endpoint", {"EndpointName": "none"}, "Could not find endpoint"),
        ("create_endpoint", {"EndpointName": "digits", "EndpointConfigName": "even"}, "already existing endpoint"),
        ("create_model", {"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": "none.onnx"}}, "nothing under `none.onnx`"),
        ("create_model", {"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": "garbage.onnx"}}, "not an ONNX file"),
        ("create_model", {"ModelName": "m", "PrimaryContainer": {"ModelDataUrl": "s3://bucket/m.tar.gz"}}, "models are in the bucket `models`"),
        (
            "update_endpoint_weights_and_capacities",
            {"EndpointName": "digits", "DesiredWeightsAndCapacities": [{"VariantName": "none", "DesiredWeight": 1}]},
            "there is no variant `none`",
        ),
        ("list_endpoints", {"NextToken": "made up"}, "NextToken"),
    ],
)
def test_mistakes_are_validation_exceptions(sagemaker, operation, arguments, message):
    with pytest.raises(ClientError) as raised:
        getattr(sagemaker, operation)(**arguments)
    assert raised.value.response["Error"]["Code"] == "ValidationException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message in raised.value.response["Error"]["Message"]


def test_unknown_operations_have_sagemakers_own_form(sagemaker):
    with pytest.raises(ClientError) as raised:
        sagemaker.list_training_jobs()
    assert raised.value.response["Error"]["Code"] == "UnknownOperationException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_only_the_administrator(sagemaker):
    def refused(**keys):
        with pytest.raises(ClientError) as raised:
            client("sagemaker", "ADMIN", **keys).list_endpoints()
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return raised.value.response["Error"]["Code"]

    assert refused(aws_access_key_id=os.environ["CALLER_ACCESS_KEY_ID"]) == "UnrecognizedClientException"
    assert refused(aws_secret_access_key="guessed") == "InvalidSignatureException"


def test_a_clock_that_is_off(sagemaker, monkeypatch):
    import botocore.auth

    now = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: now(*a, **k) - datetime.timedelta(minutes=6))
    with pytest.raises(ClientError) as raised:
        client("sagemaker").list_endpoints()
    assert raised.value.response["Error"]["Code"] == "InvalidSignatureException"
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: now(*a, **k) + datetime.timedelta(minutes=4))
    client("sagemaker").list_endpoints()
