"""What all tests of real clients stand on: run.mjs has started the worker and says where."""

import csv
import os
import pathlib
import socket

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).parents[2]
URL = os.environ["TURNOUT_URL"]
HOST = os.environ["TURNOUT_HOST_URL"]


def client(service: str, key: str | None = "ADMIN", **more):
    """A client of AWS's own, pointed here. Nothing else about it is changed; it retries nothing, to keep errors quick."""
    keys = {}
    if key is not None:
        keys = {
            "aws_access_key_id": os.environ[f"{key}_ACCESS_KEY_ID"],
            "aws_secret_access_key": os.environ[f"{key}_SECRET_ACCESS_KEY"],
        }
    config = more.pop("config", Config()).merge(Config(retries={"total_max_attempts": 1}))
    return boto3.client(service, endpoint_url=URL, region_name="us-east-1", config=config, **{**keys, **more})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def runtime():
    return client("sagemaker-runtime")


@pytest.fixture(scope="session")
def sagemaker():
    return client("sagemaker")


@pytest.fixture(scope="session")
def digits():
    """Held-out digits: the label, and 64 grey values."""
    with open(ROOT / "models/digits/held-out.csv", newline="") as file:
        return [(int(row[0]), [float(x) for x in row[1:]]) for row in csv.reader(file)]


@pytest.fixture(scope="session")
def customers():
    """Held-out customers: whether they left, and 19 columns as text."""
    with open(ROOT / "models/churn/held-out.csv", newline="") as file:
        return [(row[0], row[1:]) for row in csv.reader(file)]
