#!/usr/bin/env python3
"""Writes sigv4.json: requests as they reach the worker, and the signatures that botocore makes of them.

    .tools/python/bin/python tests/vectors/sign.py

Each query is signed twice: as it stands, which is what botocore does with an address, and with each name and value
percent-encoded, which is what AWS documents and what botocore does with parameters. Where a client has encoded its query
well, the two are one.
"""

import datetime
import json
import pathlib
from unittest import mock
from urllib.parse import parse_qsl

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 11, 24, 9, 30)
KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

QUERIES = [
    "", "a=b", "a=b?", "a=?", "?", "??", "a=b??", "?a=b", "a=b=c", "a==", "a=b/c", "a=/", "a:b=c,d;e@f", "a='()*!$~.-_",
    "a=b%3F", "a=b%3f", "a=b%3Dc%26d%2Fe", "a=100%25", "a=b%20c", "a=b+c", "a=b%2Bc",
    "a", "a=", "=b", "=", "a&b", "&a=1", "a=1&", "a=1&&b=2", "b=2&a=1", "a=2&a=1", "a=1&a=1", "A=1&a=2&B=3", "a1=1&a=2&a-=3",
    "a=%C3%BC%F0%9F%9A%82", "%C3%BC=1", "x=%E2%82%AC&x=a",
]
PATHS = [
    "", "/", "//", "/a/", "/a//b", "//a/b//", "/a%20b/c", "/a%2Fb", "/a+b", "/a:b;c=d,e@f!$&'()*", "/~a.-_", "/%C3%BC", "/a./.b/..c",
]


def signed(path: str, query: str, params: list | None, headers: dict | None = None) -> dict:
    """One request, and the Authorization header that botocore gives it."""
    url = f"https://turnout.example{path}" + (f"?{query}" if query and params is None else "")
    request = AWSRequest("POST", url, headers={"Content-Type": "text/csv"} | (headers or {}), data=b"1,2\n", params=params or {})
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW):
        botocore.auth.SigV4Auth(KEY, "sagemaker", "us-east-1").add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()} | {"host": "turnout.example"}
    return {"path": path or "/", "query": query, "headers": sent}


def vectors() -> list[dict]:
    """Queries of many kinds, paths of many kinds, headers with white space."""
    queries = []
    for query in QUERIES:
        queries.append(signed("/endpoints/churn/invocations", query, None))
        encoded = signed("/endpoints/churn/invocations", query, parse_qsl(query, keep_blank_values=True))
        if encoded != queries[-1]:
            queries.append(encoded)
    paths = [signed(path, "", None) for path in PATHS]
    spaces = [signed("/", "", None, {"X-Amz-Meta": "  a   b\t c  ", "X-Empty": ""})]
    return queries + paths + spaces


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors())
    pathlib.Path(__file__).with_name("sigv4.json").write_text(f"[\n{lines}\n]\n")
