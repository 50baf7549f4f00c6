"""CloudWatch's alarms by boto3, unmodified: made, judged by what the host did, and removed."""

import datetime
import time

import pytest
from botocore.exceptions import ClientError
from conftest import client

# Characters that mean something in a URL, in a pattern and in a path.
PREFIX = "watched/100%_é "


@pytest.fixture(scope="module")
def cloudwatch():
    return client("cloudwatch")


@pytest.fixture
def put(cloudwatch):
    """Makes alarms of failures of a variant of the endpoint `hosted`, and removes them afterwards."""
    made = []

    def put(name, variant="teapot", **more):
        dimensions = [{"Name": "EndpointName", "Value": "hosted"}, {"Name": "VariantName", "Value": variant}]
        alarm = {
            "AlarmName": PREFIX + name,
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationModelErrors",
            "Dimensions": dimensions,
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        }
        cloudwatch.put_metric_alarm(**{name: value for name, value in alarm.items() if value is not None})
        made.append(PREFIX + name)

    yield put
    cloudwatch.delete_alarms(AlarmNames=made)


def test_an_alarm_goes_off_when_its_variant_fails_and_no_other_does(cloudwatch, runtime, put):
    put("teapot fails", AlarmActions=["arn:aws:sns:us-east-1:000000000000:x"], AlarmDescription="it is a teapot")
    put("echo fails", variant="echo")
    put("slow", variant="echo", MetricName="ModelLatency", Statistic=None, ExtendedStatistic="p99.9", Unit="Microseconds", Threshold=60e6)

    def states():
        alarms = cloudwatch.describe_alarms(AlarmNamePrefix=PREFIX)["MetricAlarms"]
        return {alarm["AlarmName"].removeprefix(PREFIX): alarm for alarm in alarms}

    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=[PREFIX + "teapot fails"])
    # Other tests have made the teapot fail a while ago, perhaps.
    began = datetime.datetime.now(datetime.timezone.utc)
    for variant in ["echo", "teapot"]:
        try:
            runtime.invoke_endpoint(EndpointName="hosted", TargetVariant=variant, Body=b"1,2", ContentType="text/csv")
        except ClientError as error:
            assert variant == "teapot" and error.response["Error"]["Code"] == "ModelError"
    # The minute has to end, and what is late to come.
    for _ in range(80):
        told = states()
        if told["teapot fails"]["StateValue"] == "ALARM":
            break
        time.sleep(1)
    alarm = told["teapot fails"]
    assert alarm["StateValue"] == "ALARM" and "at or above the threshold 0.5" in alarm["StateReason"]
    assert abs(alarm["StateUpdatedTimestamp"] - began) < datetime.timedelta(minutes=3)
    assert (alarm["AlarmDescription"], alarm["Statistic"], alarm["AlarmActions"]) == ("it is a teapot", "Average", [])
    assert (told["echo fails"]["StateValue"], told["slow"]["StateValue"]) == ("OK", "OK")
    assert told["slow"]["ExtendedStatistic"] == "p99.9"
    alarmed = cloudwatch.describe_alarms(StateValue="ALARM", AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in alarmed] == [PREFIX + "teapot fails"]


def test_pages_hold_each_alarm_once(cloudwatch, put):
    names = [f"{number:02}" for number in range(23)]
    for name in names:
        put(name)
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=PREFIX, PaginationConfig={"PageSize": 9}))
    assert [len(page["MetricAlarms"]) for page in pages] == [9, 9, 5]
    assert [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]] == [PREFIX + name for name in names]
    asked = [PREFIX + names[3], "nobody", PREFIX + names[1]]
    found = cloudwatch.describe_alarms(AlarmNames=asked)["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == [PREFIX + names[1], PREFIX + names[3]]


def test_errors_are_the_classes_that_callers_catch(cloudwatch, put):
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound, match="there is no alarm `nobody`"):
        cloudwatch.delete_alarms(AlarmNames=["nobody"])
    with pytest.raises(cloudwatch.exceptions.InvalidNextToken):
        cloudwatch.describe_alarms(NextToken="mine")

    def code(operation, **arguments):
        with pytest.raises(ClientError) as refused:
            getattr(cloudwatch, operation)(**arguments)
        return refused.value.response["Error"]["Code"]

    assert code("describe_alarms", AlarmNames=["a"], AlarmNamePrefix="a") == "InvalidParameterCombination"
    sum_of_two = {"Id": "e", "Expression": "m1 + m2"}
    assert code("put_metric_alarm", AlarmName="a", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Metrics=[sum_of_two]) == "InvalidParameterValue"
    assert code("set_alarm_state", AlarmName="a", StateValue="OK", StateReason="so") == "InvalidParameterValue"
    with pytest.raises(ClientError):
        client("cloudwatch", key="CALLER").describe_alarms()
    put("of what there is not", variant="nobody", TreatMissingData="missing")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[PREFIX + "of what there is not"])["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
