"""boto3's sagemaker-runtime, unmodified."""

import json

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import ROOT, URL, client


def line(values):
    return ",".join(str(value) for value in values)


def test_csv_json_and_json_lines_give_the_same(runtime, digits):
    rows = [values for _, values in digits[:3]]
    bodies = {
        "text/csv": "\n".join(line(row) for row in rows),
        "application/json": json.dumps({"instances": [{"features": row} for row in rows]}),
        "application/jsonlines": "\n".join(json.dumps({"features": row}) for row in rows),
    }
    answers = []
    for content_type, body in bodies.items():
        answer = runtime.invoke_endpoint(
            EndpointName="digits", Body=body, ContentType=content_type, TargetVariant="logistic", Accept="application/json"
        )
        assert answer["InvokedProductionVariant"] == "logistic"
        assert answer["ContentType"] == "application/json"
        answers.append(json.load(answer["Body"]))
    assert answers[0] == answers[1] == answers[2]
    expected = (ROOT / "models/digits/logistic.expected.csv").read_text().splitlines()[:3]
    assert [prediction["label"] for prediction in answers[0]["predictions"]] == [int(row.split(",")[0]) for row in expected]


@pytest.mark.parametrize("accept", ["text/csv", "application/jsonlines", "application/json"])
def test_accept_is_followed(runtime, digits, accept):
    answer = runtime.invoke_endpoint(EndpointName="digits", Body=line(digits[0][1]), ContentType="text/csv", Accept=accept)
    assert answer["ContentType"] == accept
    assert answer["Body"].read()


def test_ids_and_attributes_come_back(runtime, digits):
    row = line(digits[0][1])
    answer = runtime.invoke_endpoint(
        EndpointName="digits", Body=row, ContentType="text/csv", InferenceId="inference-1", CustomAttributes="trace=1;a=b"
    )
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-sagemaker-inference-id"] == "inference-1"
    assert answer["ResponseMetadata"]["RequestId"] == "inference-1"
    assert answer["CustomAttributes"] == "trace=1;a=b"
    assert headers["x-assignment-reason"] == "weighted"
    # A model host may answer with its own.
    answer = runtime.invoke_endpoint(
        EndpointName="hosted", TargetVariant="echo", Body=b"1,2", ContentType="text/csv", CustomAttributes="trace=1"
    )
    assert answer["CustomAttributes"] == "trace=1;seen"
    assert answer["Body"].read() == b"1,2"


def test_a_session_keeps_its_variant(runtime):
    def variant(session):
        answer = runtime.invoke_endpoint(EndpointName="sessions", Body=b"1", ContentType="text/csv", SessionId=session)
        assert answer["ResponseMetadata"]["HTTPHeaders"]["x-assignment-reason"] == "sticky"
        return answer["InvokedProductionVariant"]

    chosen = {f"session-{number}": variant(f"session-{number}") for number in range(20)}
    assert set(chosen.values()) == {"a", "b"}
    assert all(variant(session) == before for session, before in chosen.items())


def test_the_weights_choose_where_no_target_does(runtime, digits):
    row = line(digits[0][1])
    chosen = {runtime.invoke_endpoint(EndpointName="digits", Body=row, ContentType="text/csv")["InvokedProductionVariant"] for _ in range(40)}
    assert chosen == {"logistic", "cnn"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"EndpointName": "no-such"}, "no endpoint of that name"),
        ({"EndpointName": "digits", "TargetVariant": "none"}, "there is no variant `none`"),
        ({"EndpointName": "digits", "Body": b"1,2,3"}, "row 1 has 3 values; the model takes 64"),
        ({"EndpointName": "digits", "Body": b"{", "ContentType": "application/json"}, "cannot be read"),
        ({"EndpointName": "digits", "ContentType": "image/png"}, "cannot be read"),
        ({"EndpointName": "digits", "Accept": "image/png"}, "can be written"),
        ({"EndpointName": "digits", "TargetModel": "model.tar.gz"}, "x-amzn-sagemaker-target-model"),
        ({"EndpointName": "digits", "InferenceComponentName": "c"}, "x-amzn-sagemaker-inference-component"),
        ({"EndpointName": "digits", "InferenceId": "x" * 65}, "Inference-Id"),
        ({"EndpointName": "off"}, "all weights are 0"),
    ],
)
def test_a_mistake_of_the_callers_is_a_validation_error(runtime, arguments, message):
    with pytest.raises(runtime.exceptions.ValidationError) as raised:
        runtime.invoke_endpoint(**{"Body": b"1", "ContentType": "text/csv", **arguments})
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message in raised.value.response["Error"]["Message"]


def test_a_failing_model_host_is_a_model_error(runtime):
    def original(variant):
        with pytest.raises(runtime.exceptions.ModelError) as raised:
            runtime.invoke_endpoint(EndpointName="hosted", TargetVariant=variant, Body=b"1", ContentType="text/csv")
        response = raised.value.response
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
        return response["OriginalStatusCode"], response["OriginalMessage"]

    assert original("teapot") == (418, "I am a teapot")
    assert original("slow") == (0, "the origin did not answer within 100 ms")


def test_a_broken_configuration_is_an_internal_failure(runtime):
    with pytest.raises(runtime.exceptions.InternalFailure) as raised:
        runtime.invoke_endpoint(EndpointName="broken", Body=b"1", ContentType="text/csv")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_too_large_a_body_is_told(runtime):
    with pytest.raises(ClientError) as raised:
        runtime.invoke_endpoint(EndpointName="digits", Body=b"1" * (6 * 2**20 + 1), ContentType="text/csv")
    assert raised.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_streams_and_queues_are_refused_cleanly(runtime):
    with pytest.raises(runtime.exceptions.ValidationError, match="invocations-response-stream"):
        runtime.invoke_endpoint_with_response_stream(EndpointName="digits", Body=b"1", ContentType="text/csv")
    with pytest.raises(ClientError, match="async-invocations") as raised:
        runtime.invoke_endpoint_async(EndpointName="digits", InputLocation="s3://bucket/key")
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_who_may_invoke(runtime):
    def invoke(endpoint, by):
        answer = by.invoke_endpoint(EndpointName=endpoint, Body=b"1", ContentType="text/csv")
        return answer["InvokedProductionVariant"]

    def refused(endpoint, by):
        with pytest.raises(ClientError) as raised:
            invoke(endpoint, by)
        return raised.value.response["Error"]["Code"], raised.value.response["ResponseMetadata"]["HTTPStatusCode"]

    caller = client("sagemaker-runtime", "CALLER")
    assert invoke("signed", caller) == "echo"
    assert refused("signed", runtime) == ("UnrecognizedClientException", 403)
    thief = client("sagemaker-runtime", "CALLER", aws_secret_access_key="guessed")
    assert refused("signed", thief) == ("InvalidSignatureException", 403)
    unsigned = client("sagemaker-runtime", None, config=Config(signature_version=UNSIGNED))
    assert refused("signed", unsigned) == ("MissingAuthenticationTokenException", 403)
    assert refused("unset", caller) == ("ServiceUnavailable", 503)
    # A session's token changes nothing: the key is what is known here.
    session = client("sagemaker-runtime", "CALLER", aws_session_token="session")
    assert invoke("signed", session) == "echo"
    # An endpoint that asks for a bearer token cannot be told one by signing.
    assert refused("bearer", caller) == ("UnrecognizedClientException", 403)
    # An open one asks for nothing.
    answer = unsigned.invoke_endpoint(EndpointName="hosted", TargetVariant="echo", Body=b"1", ContentType="text/csv")
    assert answer["Body"].read() == b"1"


def test_a_bearer_token_through_boto3(runtime):
    """botocore can be given headers of one's own; this is the way in for an endpoint that asks for a token."""
    import os

    unsigned = boto3.client("sagemaker-runtime", endpoint_url=URL, region_name="us-east-1", config=Config(signature_version=UNSIGNED))

    def add_token(request, **_):
        request.headers["Authorization"] = f"Bearer {os.environ['CALLER_TOKEN']}"

    unsigned.meta.events.register("before-sign.sagemaker-runtime.InvokeEndpoint", add_token)
    answer = unsigned.invoke_endpoint(EndpointName="bearer", Body=b"1", ContentType="text/csv")
    assert answer["InvokedProductionVariant"] == "echo"
