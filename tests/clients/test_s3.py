"""S3's clients: boto3, its transfer manager, and the AWS command line, with the bucket of models."""

import os
import pathlib
import subprocess
import sys

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from conftest import ROOT, URL, client

MIB = 1 << 20
TOKEN = {"authorization": f"Bearer {os.environ['TURNOUT_ADMIN_TOKEN']}"}


@pytest.fixture(scope="module")
def s3():
    return client("s3")


def code(work, *arguments, **parameters):
    with pytest.raises(ClientError) as error:
        work(*arguments, **parameters)
    return error.value.response["Error"]["Code"]


def test_an_object_comes_back_as_it_was_put(s3):
    body = os.urandom(300_000)
    put = s3.put_object(Bucket="models", Key="s3/a b+c/ü.onnx", Body=body, ContentType="application/x-onnx", Metadata={"by": "ada"})
    head = s3.head_object(Bucket="models", Key="s3/a b+c/ü.onnx")
    assert (head["ContentLength"], head["ETag"], head["ContentType"], head["Metadata"]) == (300_000, put["ETag"], "application/x-onnx", {"by": "ada"})
    got = s3.get_object(Bucket="models", Key="s3/a b+c/ü.onnx", ChecksumMode="ENABLED")
    assert got["Body"].read() == body and got["ChecksumCRC32"] == put["ChecksumCRC32"] and got["ContentLength"] == 300_000
    part = s3.get_object(Bucket="models", Key="s3/a b+c/ü.onnx", Range="bytes=1000-200000")
    assert part["Body"].read() == body[1000:200_001] and part["ContentLength"] == 199_001
    assert s3.get_object(Bucket="MODELS", Key="s3/a b+c/ü.onnx")["ETag"] == put["ETag"]
    assert code(s3.put_object, Bucket="models", Key="s3/a b+c/ü.onnx", Body=b"", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.get_object, Bucket="models", Key="s3/a b+c/ü.onnx", IfNoneMatch=put["ETag"]) == "304"
    s3.delete_object(Bucket="models", Key="s3/a b+c/ü.onnx")
    assert code(s3.get_object, Bucket="models", Key="s3/a b+c/ü.onnx") == "NoSuchKey"
    assert code(s3.head_object, Bucket="models", Key="s3/a b+c/ü.onnx") == "404"


def test_a_file_of_20_mb_goes_up_in_parts_and_comes_down_equal(s3, tmp_path):
    up, down = tmp_path / "up", tmp_path / "down"
    up.write_bytes(os.urandom(20_000_000))
    s3.upload_file(str(up), "models", "s3/large.onnx", ExtraArgs={"Metadata": {"by": "ada"}})
    head = s3.head_object(Bucket="models", Key="s3/large.onnx")
    assert head["ContentLength"] == 20_000_000 and head["ETag"].endswith('-3"') and head["Metadata"] == {"by": "ada"}
    s3.download_file("models", "s3/large.onnx", str(down))
    assert down.read_bytes() == up.read_bytes()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="models", Prefix="s3/large")["Contents"]] == ["s3/large.onnx"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="models")
    s3.delete_object(Bucket="models", Key="s3/large.onnx")


def test_what_is_too_large_is_refused(s3, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(bytes(25 * MIB + 1))
    assert code(s3.put_object, Bucket="models", Key="s3/too-large", Body=large.read_bytes()) == "EntityTooLarge"
    with pytest.raises(boto3.exceptions.S3UploadFailedError, match="EntityTooLarge"):
        s3.upload_file(str(large), "models", "s3/too-large")
    assert code(s3.head_object, Bucket="models", Key="s3/too-large") == "404"
    largest = bytes(25 * MIB)
    s3.put_object(Bucket="models", Key="s3/largest", Body=largest)
    assert s3.get_object(Bucket="models", Key="s3/largest")["Body"].read() == largest
    s3.delete_object(Bucket="models", Key="s3/largest")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_verified(s3, algorithm):
    s3.put_object(Bucket="models", Key="s3/sum", Body=b"model", ChecksumAlgorithm=algorithm)
    assert f"Checksum{algorithm}" in s3.head_object(Bucket="models", Key="s3/sum", ChecksumMode="ENABLED")
    wrong = {f"Checksum{algorithm}": "AAAAAA=="}
    assert code(s3.put_object, Bucket="models", Key="s3/sum-wrong", Body=b"model", **wrong) == "BadDigest"
    assert code(s3.head_object, Bucket="models", Key="s3/sum-wrong") == "404"
    s3.delete_object(Bucket="models", Key="s3/sum")


def test_lists_have_prefixes_and_pages(s3):
    keys = [f"s3-list/{folder}/{number}.onnx" for folder in "abc" for number in range(5)]
    for key in keys:
        s3.put_object(Bucket="models", Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="models", Prefix="s3-list/", PaginationConfig={"PageSize": 4})
    assert [item["Key"] for page in pages for item in page.get("Contents", [])] == keys
    pages = s3.get_paginator("list_objects").paginate(Bucket="models", Prefix="s3-list/", PaginationConfig={"PageSize": 4})
    assert [item["Key"] for page in pages for item in page.get("Contents", [])] == keys
    folders = s3.list_objects_v2(Bucket="models", Prefix="s3-list/", Delimiter="/")
    assert [item["Prefix"] for item in folders["CommonPrefixes"]] == [f"s3-list/{folder}/" for folder in "abc"]
    removed = s3.delete_objects(Bucket="models", Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(removed["Deleted"]) == 15 and "Errors" not in removed
    assert s3.list_objects_v2(Bucket="models", Prefix="s3-list/")["KeyCount"] == 0
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["capture", "models"]
    # What wrangler has put has no metadata.
    assert s3.head_object(Bucket="models", Key="digits/cnn.onnx")["ContentLength"] == (ROOT / "models/digits/cnn.onnx").stat().st_size


def test_who_may_not_is_refused(s3):
    wrong = client("s3", aws_secret_access_key="another")
    assert code(wrong.put_object, Bucket="models", Key="k", Body=b"x") == "SignatureDoesNotMatch"
    assert code(client("s3", "CALLER").list_objects_v2, Bucket="models") == "InvalidAccessKeyId"
    assert code(s3.put_object, Bucket="capture", Key="k", Body=b"x") == "AccessDenied"
    assert code(s3.put_object, Bucket="elsewhere", Key="k", Body=b"x") == "NoSuchBucket"
    assert code(s3.get_bucket_acl, Bucket="models") == "NotImplemented"
    assert requests.get(f"{URL}/models").status_code == 403


def test_a_token_uploads_and_the_file_is_described(s3):
    file = (ROOT / "models/churn/logistic.onnx").read_bytes()
    assert requests.put(f"{URL}/models/s3/churn.onnx", data=file, headers=TOKEN).status_code == 200
    told = requests.get(f"{URL}/model", params={"key": "s3/churn.onnx"}, headers=TOKEN)
    assert told.status_code == 200 and told.json()["bytes"] == len(file) and told.json()["inputs"]
    requests.put(f"{URL}/models/s3/none.onnx", data=b"no model", headers=TOKEN)
    told = requests.get(f"{URL}/model", params={"key": "s3/none.onnx"}, headers=TOKEN)
    assert (told.status_code, told.json()["code"]) == (424, "model_unusable")
    assert requests.get(f"{URL}/model", params={"key": "s3/churn.onnx"}).status_code == 401
    for key in ("s3/churn.onnx", "s3/none.onnx"):
        s3.delete_object(Bucket="models", Key=key)


def aws(*arguments):
    """The command line, with nothing of this machine's configuration."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
        "AWS_ACCESS_KEY_ID": os.environ["ADMIN_ACCESS_KEY_ID"], "AWS_SECRET_ACCESS_KEY": os.environ["ADMIN_SECRET_ACCESS_KEY"],
    }
    command = [sys.executable, str(pathlib.Path(sys.executable).parent / "aws"), "--endpoint-url", URL, "s3", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_line_copies_lists_syncs_and_removes(s3, tmp_path):
    up, down = tmp_path / "up", tmp_path / "down"
    up.mkdir()
    (up / "one.onnx").write_bytes(os.urandom(100_000))
    (up / "folder").mkdir()
    (up / "folder/two.onnx").write_bytes(os.urandom(12_000_000))
    assert "models" in aws("ls")
    aws("cp", str(up / "one.onnx"), "s3://models/s3-cli/copied.onnx")
    assert "copied.onnx" in aws("ls", "s3://models/s3-cli/")
    assert "100000" in aws("ls", "s3://models/s3-cli/")
    aws("sync", str(up), "s3://models/s3-cli/synced")
    assert aws("sync", str(up), "s3://models/s3-cli/synced") == "", "there is nothing left to do"
    aws("sync", "s3://models/s3-cli/synced", str(down))
    for name in ("one.onnx", "folder/two.onnx"):
        assert (down / name).read_bytes() == (up / name).read_bytes()
    assert "PRE synced/" in aws("ls", "s3://models/s3-cli/")
    aws("rm", "--recursive", "s3://models/s3-cli/")
    assert s3.list_objects_v2(Bucket="models", Prefix="s3-cli/")["KeyCount"] == 0
