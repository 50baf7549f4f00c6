"""What monitoring reads: prometheus-client's strict parser, a real Prometheus, and boto3's cloudwatch, unmodified."""

import datetime
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import URL, client, free_port
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain

NAME = "measured"


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.headers["content-type"], answer.read().decode()


def until(check, seconds=30):
    for _ in range(seconds * 10):
        if value := check():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def measured(runtime):
    """An endpoint whose host answered 20 times and failed 5 times, once all of that has been counted."""
    for variant, times in [("echo", 20), ("teapot", 5)]:
        for _ in range(times):
            try:
                runtime.invoke_endpoint(EndpointName=NAME, TargetVariant=variant, Body=b"1,2", ContentType="text/csv")
            except ClientError as error:
                assert variant == "teapot" and error.response["Error"]["Code"] == "ModelError"

    def counted():
        lines = json.loads(get(f"{URL}/endpoints/{NAME}/scoreboard")[1])["lines"]
        return sum(line["invocations"] for line in lines) == 25

    until(counted)


def samples(families):
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}


def test_both_formats_are_what_prometheus_own_parsers_take(measured):
    content_type, text = get(f"{URL}/metrics")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    told = samples(plain(text))
    labels = [("endpoint", NAME), ("reason", "target"), ("variant", "echo")]
    assert told[("turnout_invocations_total", *labels)] == 20
    content_type, text = get(f"{URL}/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert samples(open_metrics(text))[("turnout_invocations_total", *labels)] == 20


def test_promtool_has_nothing_to_object_to(measured):
    promtool = shutil.which("promtool") or pytest.skip("there is no promtool")
    _, text = get(f"{URL}/metrics")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_prometheus_server_scrapes_it(measured, tmp_path):
    prometheus = shutil.which("prometheus") or pytest.skip("there is no prometheus")
    host = urllib.parse.urlparse(URL).netloc
    (tmp_path / "config.yml").write_text(
        f"scrape_configs: [{{job_name: turnout, scrape_interval: 1s, static_configs: [{{targets: ['{host}']}}]}}]"
    )
    port = free_port()
    server = subprocess.Popen(
        [prometheus, f"--config.file={tmp_path}/config.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"],
        stderr=subprocess.DEVNULL,
    )
    try:

        def value():
            query = urllib.parse.quote(f'sum(turnout_errors_total{{endpoint="{NAME}", party="variant"}})')
            try:
                result = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?query={query}")[1])["data"]["result"]
            except OSError:
                return None
            return result and float(result[0]["value"][1])

        assert until(value) == 5
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def cloudwatch():
    return client("cloudwatch")


def dimensions(variant):
    return [{"Name": "EndpointName", "Value": NAME}, {"Name": "VariantName", "Value": variant}]


def span():
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"StartTime": now - datetime.timedelta(minutes=30), "EndTime": now + datetime.timedelta(minutes=5)}


def test_cloudwatch_tells_statistics_as_the_notebook_reads_them(measured, cloudwatch):
    def total(metric, variant, statistic="Sum", period=3600):
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker", MetricName=metric, Dimensions=dimensions(variant), Period=period, Statistics=[statistic], **span()
        )
        assert answer["Label"] == metric
        assert all(isinstance(point["Timestamp"], datetime.datetime) for point in answer["Datapoints"])
        return sum(point[statistic] for point in answer["Datapoints"])

    assert total("Invocations", "echo") == total("Invocations", "echo", period=60) == 20
    assert total("InvocationModelErrors", "teapot") == 5
    assert total("Invocation5XXErrors", "teapot") == 5
    assert total("Invocation4XXErrors", "echo") == 0
    assert total("ModelLatency", "echo", "SampleCount") == 20
    assert total("Invocations", "nobody") == 0
    latency = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName="ModelLatency", Dimensions=dimensions("echo"), Period=3600, ExtendedStatistics=["p99"], **span()
    )["Datapoints"]
    assert latency and all(point["Unit"] == "Microseconds" and point["ExtendedStatistics"]["p99"] >= 0 for point in latency)


def test_cloudwatch_tells_data_and_lists_with_pages(measured, cloudwatch):
    def query(name, stat):
        metric = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions("echo")}
        return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}

    answer = cloudwatch.get_metric_data(MetricDataQueries=[query("Invocations", "Sum"), query("ModelLatency", "p50")], **span())
    invocations, latency = answer["MetricDataResults"]
    assert sum(invocations["Values"]) == 20 and invocations["StatusCode"] == "Complete"
    assert invocations["Timestamps"] == sorted(invocations["Timestamps"], reverse=True) == latency["Timestamps"]
    with pytest.raises(ClientError, match="is an expression"):
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "e", "Expression": "1 + 1"}], **span())
    listed = [metric for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/SageMaker") for metric in page["Metrics"]]
    assert {"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency", "Dimensions": dimensions("echo")} in listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"Period": 61}, "multiple of 60"), ({"Statistics": ["Median"]}, "SampleCount"), ({"StartTime": 2, "EndTime": 1}, "before")],
)
def test_cloudwatch_refuses_what_makes_no_sense(cloudwatch, arguments, message):
    asked = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions("a"), "Period": 60, "Statistics": ["Sum"], **span()}
    with pytest.raises(ClientError, match=message) as refused:
        cloudwatch.get_metric_statistics(**{**asked, **arguments})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_cloudwatch_is_for_the_administrator(cloudwatch):
    with pytest.raises(ClientError):
        client("cloudwatch", key="CALLER").list_metrics()
    assert os.environ["ADMIN_ACCESS_KEY_ID"]
