#!/usr/bin/env python3
"""Writes s3.json: requests to S3 as boto3 sends them, with their signatures and bodies.

    .tools/python/bin/python tests/vectors/s3.py

Over https botocore signs no payload, and puts the checksum of a stream behind it; over http it signs the payload's digest.
"""

import base64
import datetime
import io
import json
import pathlib
from unittest import mock
from urllib.parse import urlsplit

import boto3

NOW = datetime.datetime(2026, 11, 24, 9, 30)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Done(Exception):
    """Nothing is sent."""


def sent(secure: bool, operation: str, **parameters) -> dict:
    """One request, as it would leave."""
    scheme = "https" if secure else "http"
    client = boto3.client(
        "s3", endpoint_url=f"{scheme}://turnout.example", region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=SECRET
    )
    seen = []

    def keep(request, **_):
        body = request.body
        body = body.read() if hasattr(body, "read") else body
        seen.append((request, body or b""))
        raise Done

    client.meta.events.register("before-send.s3", keep)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW):
        try:
            getattr(client, operation)(**parameters)
        except Done:
            pass
    request, body = seen[-1]
    body = body if isinstance(body, bytes) else body.encode()
    url = urlsplit(request.url)
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()}
    headers["host"] = url.netloc
    return {
        "operation": operation, "secure": secure, "method": request.method, "path": url.path, "query": url.query, "headers": headers,
        "body": base64.b64encode(body).decode(),
    }


def vectors() -> list[dict]:
    """The same operations over http and https."""
    keys = ["model.onnx", "a b/c+d&e=f.onnx", "ü/🚂.onnx", "a//b~c'(1)!*.onnx", "100%.onnx"]
    found = []
    for secure in (False, True):
        for key in keys:
            found.append(sent(secure, "put_object", Bucket="models", Key=key, Body=b"123456789"))
            found.append(sent(secure, "put_object", Bucket="models", Key=key, Body=io.BytesIO(b"123456789"), Metadata={"by": "ada"}))
            found.append(sent(secure, "get_object", Bucket="models", Key=key))
            found.append(sent(secure, "head_object", Bucket="models", Key=key))
        for algorithm in ("CRC32", "SHA1", "SHA256"):
            found.append(sent(secure, "put_object", Bucket="models", Key=keys[0], Body=io.BytesIO(b"123456789"), ChecksumAlgorithm=algorithm))
        found.append(sent(secure, "list_objects_v2", Bucket="models", Prefix="ü /+&", Delimiter="/", StartAfter="a b"))
        found.append(sent(secure, "delete_objects", Bucket="models", Delete={"Objects": [{"Key": key} for key in keys]}))
        found.append(sent(secure, "delete_object", Bucket="models", Key=keys[0]))
    return found


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors())
    pathlib.Path(__file__).with_name("s3.json").write_text(f"[\n{lines}\n]\n")
