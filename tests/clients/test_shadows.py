"""Shadow variants by boto3, unmodified: in a configuration, and as an inference experiment with its states."""

import json
import os
import time
from datetime import datetime, timedelta, timezone
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from conftest import HOST, URL

MODELS = ["good", "better"]


@pytest.fixture
def shadowed(sagemaker):
    """The endpoint `shadowed` of the configuration `shadow-good`, whose variant `only` answers with what it is sent."""
    for name in MODELS:
        sagemaker.create_model(ModelName=f"shadow-{name}", PrimaryContainer={"ModelDataUrl": f"{HOST}/echo?{name}"})
    variant = {"VariantName": "only", "ModelName": "shadow-good", "InitialVariantWeight": 2}
    sagemaker.create_endpoint_config(EndpointConfigName="shadow-good", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="shadowed", EndpointConfigName="shadow-good")
    yield "shadowed"
    sagemaker.delete_endpoint(EndpointName="shadowed")
    sagemaker.delete_endpoint_config(EndpointConfigName="shadow-good")
    for name in MODELS:
        sagemaker.delete_model(ModelName=f"shadow-{name}")


def model(variant, name):
    instances = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    infrastructure = {"InfrastructureType": "RealTimeInference", "RealTimeInferenceConfig": instances}
    return {"VariantName": variant, "ModelName": name, "InfrastructureConfig": infrastructure}


def mode(percent):
    shadow = {"ShadowModelVariantName": "shadow", "SamplingPercentage": percent}
    return {"SourceModelVariantName": "only", "ShadowModelVariants": [shadow]}


def create(sagemaker, name, **more):
    asked = {
        "Type": "ShadowMode",
        "EndpointName": "shadowed",
        "RoleArn": "arn:aws:iam::000000000000:role/any",
        "ModelVariants": [model("only", "shadow-good"), model("shadow", "shadow-better")],
        "ShadowModeConfig": mode(50),
    }
    return sagemaker.create_inference_experiment(Name=name, **{**asked, **more})


def variants(sagemaker):
    """The variants that answer and those that are shadows, with their weights."""
    described = sagemaker.describe_endpoint(EndpointName="shadowed")

    def weights(member):
        return {variant["VariantName"]: variant["CurrentWeight"] for variant in described.get(member, [])}

    return weights("ProductionVariants"), weights("ShadowProductionVariants")


def history(endpoint):
    headers = {"authorization": f"Bearer {os.environ['TURNOUT_ADMIN_TOKEN']}"}
    with urlopen(Request(f"{URL}/endpoints/{endpoint}/history", headers=headers)) as answer:
        return json.load(answer)["changes"]


def wait_for(sagemaker, name, status):
    for _ in range(40):
        described = sagemaker.describe_inference_experiment(Name=name)
        if described["Status"] == status:
            return described
        time.sleep(0.5)
    raise AssertionError(f"{name} is {described['Status']}, not {status}")


def test_a_configuration_has_a_shadow(sagemaker, runtime, shadowed):
    variant = {"VariantName": "only", "ModelName": "shadow-good", "InitialVariantWeight": 2}
    shadow = {"VariantName": "shadow", "ModelName": "shadow-better", "InitialVariantWeight": 1}
    asked = {"EndpointConfigName": "shadow-both", "ProductionVariants": [variant]}
    with pytest.raises(ClientError, match="ValidationException.*exactly one production variant and one shadow"):
        sagemaker.create_endpoint_config(**asked, ShadowProductionVariants=[shadow, {**shadow, "VariantName": "other"}])
    sagemaker.create_endpoint_config(**asked, ShadowProductionVariants=[shadow])
    described = sagemaker.describe_endpoint_config(EndpointConfigName="shadow-both")
    assert (described["ProductionVariants"], described["ShadowProductionVariants"]) == ([variant], [shadow])
    sagemaker.update_endpoint(EndpointName=shadowed, EndpointConfigName="shadow-both")
    assert variants(sagemaker) == ({"only": 2}, {"shadow": 1})
    for _ in range(20):
        answer = runtime.invoke_endpoint(EndpointName=shadowed, Body=b"1,2", ContentType="text/csv")
        assert (answer["InvokedProductionVariant"], answer["Body"].read()) == ("only", b"1,2")
    sagemaker.delete_endpoint_config(EndpointConfigName="shadow-both")


def test_the_life_of_an_inference_experiment(sagemaker, runtime, shadowed):
    arn = create(sagemaker, "life", Description="is it as good?")["InferenceExperimentArn"]
    described = sagemaker.describe_inference_experiment(Name="life")
    assert (described["Arn"], described["Status"], described["Type"]) == (arn, "Running", "ShadowMode")
    assert described["ShadowModeConfig"] == mode(50)
    assert [each["Status"] for each in described["ModelVariants"]] == ["InService", "InService"]
    assert described["EndpointMetadata"]["EndpointConfigName"] == "shadow-good"
    lasts = described["Schedule"]["EndTime"] - described["Schedule"]["StartTime"]
    assert abs(lasts - timedelta(days=7)) < timedelta(seconds=1)
    assert variants(sagemaker) == ({"only": 2}, {"shadow": 1})
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="already existing"):
        create(sagemaker, "life")
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match='is in the inference experiment "life"'):
        create(sagemaker, "another")
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.start_inference_experiment(Name="life")
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_inference_experiment(Name="another")
    sagemaker.update_inference_experiment(Name="life", ShadowModeConfig=mode(100))
    assert variants(sagemaker) == ({"only": 2}, {"shadow": 2})
    running = sagemaker.list_inference_experiments(StatusEquals="Running", NameContains="li")["InferenceExperiments"]
    assert [each["Name"] for each in running] == ["life"]
    actions = {"shadow": "Promote", "only": "Retain"}
    sagemaker.stop_inference_experiment(Name="life", ModelVariantActions=actions, Reason="it is better")
    described = sagemaker.describe_inference_experiment(Name="life")
    assert (described["Status"], described["StatusReason"]) == ("Completed", "it is better")
    assert variants(sagemaker) == ({"only": 0, "shadow": 2}, {})
    answer = runtime.invoke_endpoint(EndpointName=shadowed, Body=b"1,2", ContentType="text/csv")
    assert answer["InvokedProductionVariant"] == "shadow"
    sagemaker.delete_inference_experiment(Name="life")
    assert sagemaker.list_inference_experiments(NameContains="life")["InferenceExperiments"] == []


def test_one_begins_and_ends_at_its_time(sagemaker, shadowed):
    start = datetime.now(timezone.utc) + timedelta(seconds=4)
    create(sagemaker, "timed", Schedule={"StartTime": start, "EndTime": start + timedelta(seconds=4)})
    described = sagemaker.describe_inference_experiment(Name="timed")
    assert (described["Status"], described["ModelVariants"][1]["Status"]) == ("Created", "Creating")
    assert variants(sagemaker) == ({"only": 2}, {})
    # Nobody looks at it while it begins and ends; the history, which changes nothing, knows of both.
    time.sleep(9)
    reasons = [change["reason"] for change in history(shadowed)[:2]]
    assert reasons == [f"inference experiment timed: {what}" for what in ("its time is over", "it begins")]
    described = wait_for(sagemaker, "timed", "Completed")
    assert described["CompletionTime"] - start - timedelta(seconds=4) < timedelta(seconds=1)
    assert variants(sagemaker) == ({"only": 2}, {})
    sagemaker.delete_inference_experiment(Name="timed")


def test_one_that_waits_is_started_by_hand_and_cancelled(sagemaker, shadowed):
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    create(sagemaker, "waits", Schedule={"StartTime": tomorrow, "EndTime": tomorrow + timedelta(days=1)})
    sagemaker.start_inference_experiment(Name="waits")
    wait_for(sagemaker, "waits", "Running")
    actions = {"shadow": "Remove", "only": "Retain"}
    sagemaker.stop_inference_experiment(Name="waits", ModelVariantActions=actions, DesiredState="Cancelled")
    wait_for(sagemaker, "waits", "Cancelled")
    assert variants(sagemaker) == ({"only": 2}, {})
    sagemaker.delete_inference_experiment(Name="waits")
