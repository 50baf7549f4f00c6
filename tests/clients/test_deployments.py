"""Deployment guardrails by boto3, unmodified: traffic is shifted to another configuration, and back where an alarm goes off."""

import pytest
from botocore.exceptions import ClientError
from conftest import HOST, client

NAMES = ["good", "better", "broken"]


@pytest.fixture
def deployed(sagemaker):
    """The endpoint `deployed` of the configuration `deploy-good`; `deploy-better` answers as well, `deploy-broken` never."""
    for name in NAMES:
        path = "teapot" if name == "broken" else f"echo?{name}"
        sagemaker.create_model(ModelName=f"deploy-{name}", PrimaryContainer={"ModelDataUrl": f"{HOST}/{path}"})
        variant = {"VariantName": "only", "ModelName": f"deploy-{name}", "InitialVariantWeight": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=f"deploy-{name}", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="deployed", EndpointConfigName="deploy-good")
    yield "deployed"
    sagemaker.delete_endpoint(EndpointName="deployed")
    for name in NAMES:
        sagemaker.delete_endpoint_config(EndpointConfigName=f"deploy-{name}")
        sagemaker.delete_model(ModelName=f"deploy-{name}")


def canary(wait, alarms=(), **more):
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": wait, "CanarySize": size}
    config = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **more}}
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def test_a_canary_takes_over_and_a_broken_one_is_rolled_back(sagemaker, runtime, deployed):
    def wait():
        waiter = sagemaker.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName=deployed, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        return sagemaker.describe_endpoint(EndpointName=deployed)

    wait()
    config = canary(1, TerminationWaitInSeconds=1)
    sagemaker.update_endpoint(EndpointName=deployed, EndpointConfigName="deploy-better", DeploymentConfig=config)
    described = sagemaker.describe_endpoint(EndpointName=deployed)
    pending = described["PendingDeploymentSummary"]
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", "deploy-good")
    assert (pending["EndpointConfigName"], pending["ProductionVariants"][0]["VariantName"]) == ("deploy-better", "only")
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] in ("ActivatingTraffic", "Baking")
    with pytest.raises(ClientError, match="ValidationException.*Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName=deployed, EndpointConfigName="deploy-good")
    described = wait()
    assert described["EndpointConfigName"] == "deploy-better"
    assert described["LastDeploymentConfig"] == config
    assert "PendingDeploymentSummary" not in described and "FailureReason" not in described

    # An alarm on the new configuration alone.
    cloudwatch = client("cloudwatch")
    dimensions = {"EndpointName": deployed, "VariantName": "only", "EndpointConfigName": "deploy-broken"}
    cloudwatch.put_metric_alarm(
        AlarmName="the new one fails",
        Namespace="AWS/SageMaker",
        MetricName="InvocationModelErrors",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    config = canary(600, ["the new one fails"])
    sagemaker.update_endpoint(EndpointName=deployed, EndpointConfigName="deploy-broken", DeploymentConfig=config)
    failures = 0
    for _ in range(200):
        try:
            runtime.invoke_endpoint(EndpointName=deployed, Body=b"1,2", ContentType="text/csv")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ModelError"
            failures += 1
        if failures == 3:
            break
    assert failures == 3
    # The minute has to end.
    described = wait()
    assert described["EndpointConfigName"] == "deploy-better"
    assert "the alarm `the new one fails` has gone off" in described["FailureReason"]
    for _ in range(10):
        answer = runtime.invoke_endpoint(EndpointName=deployed, Body=b"1,2", ContentType="text/csv")
        assert answer["Body"].read() == b"1,2"
    cloudwatch.delete_alarms(AlarmNames=["the new one fails"])
