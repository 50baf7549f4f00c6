"""The Open Inference Protocol: Triton's HTTP client, and open-inference's generated one, unmodified."""

import json
import os
import urllib.error
import urllib.request

import numpy as np
import pytest
import tritonclient.http as triton
from conftest import ROOT, URL
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.errors import BadRequestError
from open_inference.openapi.types import InferenceRequest, RequestInput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


@pytest.fixture
def server():
    client = triton.InferenceServerClient(URL.removeprefix("http://"))
    yield client
    client.close()


def expected(model, count):
    """ONNX Runtime's probabilities of the held-out digits."""
    return np.loadtxt(ROOT / f"models/digits/{model}.expected.csv", delimiter=",", max_rows=count)[:, 1:]


def tensor(name, values, datatype=None, binary=True):
    made = triton.InferInput(name, list(values.shape), datatype or np_to_triton_dtype(values.dtype))
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def test_health_and_metadata(server):
    assert server.is_server_live() and server.is_server_ready()
    assert server.is_model_ready("digits") and server.is_model_ready("digits", "cnn")
    assert not server.is_model_ready("digits", "none") and not server.is_model_ready("none")
    assert server.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = server.get_model_metadata("digits")
    assert metadata["versions"] == ["logistic", "cnn"]
    assert metadata["inputs"] == [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}]
    outputs = {output["name"]: (output["datatype"], output["shape"]) for output in metadata["outputs"]}
    assert outputs == {"label": ("INT64", [-1]), "probabilities": ("FP32", [-1, 10])}
    columns = server.get_model_metadata("churn", "xgboost")["inputs"]
    assert len(columns) == 19 and {column["datatype"] for column in columns} == {"FP32", "BYTES"}


@pytest.mark.parametrize("variant", ["logistic", "cnn"])
@pytest.mark.parametrize("binary", [True, False])
def test_predictions_are_onnx_runtimes(server, digits, variant, binary):
    pixels = np.array([values for _, values in digits[:20]], np.float32)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "label")]
    result = server.infer("digits", [tensor("pixels", pixels, binary=binary)], variant, outputs, request_id="mine")
    response = result.get_response()
    assert (response["model_name"], response["model_version"], response["id"]) == ("digits", variant, "mine")
    np.testing.assert_allclose(result.as_numpy("probabilities"), expected(variant, 20), atol=1e-5)
    assert result.as_numpy("label").dtype == np.int64
    assert (result.as_numpy("label") == [label for label, _ in digits[:20]]).mean() >= 0.9
    # Unless some are named, all outputs come.
    assert set(server.infer("digits", [tensor("pixels", pixels)]).as_numpy("probabilities").shape) == {20, 10}


def test_strings_and_numbers_a_column_each(server, customers):
    columns = server.get_model_metadata("churn")["inputs"]
    rows = [row for _, row in customers[:50]]
    inputs = []
    for at, column in enumerate(columns):
        values = [[row[at]] for row in rows]
        values = np.array(values, np.object_) if column["datatype"] == "BYTES" else np.array(values, np.float32)
        inputs.append(tensor(column["name"], values, column["datatype"]))
    result = server.infer("churn", inputs, "xgboost")
    labels = result.as_numpy("label").astype(str)
    truth = np.array([label for label, _ in customers[:50]])
    assert (labels == truth).mean() > 0.85
    assert result.as_numpy("probabilities").shape == (50, 2)


VALUES = {
    "bool": np.array([[True, False], [False, True]]),
    **{name: np.array([[np.iinfo(name).min, np.iinfo(name).max], [0, 1]], name) for name in ["int8", "int16", "int32", "int64"]},
    **{name: np.array([[0, np.iinfo(name).max], [1, 2]], name) for name in ["uint8", "uint16", "uint32"]},
    "uint64": np.array([[0, 2**63 - 1], [1, 2]], np.uint64),
    "float16": np.array([[0.5, -65504], [6e-8, 1]], np.float16),
    "float": np.array([[0.1, -3e38], [1e-40, np.pi]], np.float32),
    "double": np.array([[0.1, -1.7e308], [5e-324, np.pi]], np.float64),
    "string": np.array([["", "é\n\x00"], ["naïve", "x" * 1000]], np.object_),
}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_every_datatype_there_and_back(server, binary_in, binary_out):
    inputs = []
    for name, values in VALUES.items():
        datatype = "BYTES" if name == "string" else np_to_triton_dtype(values.dtype)
        # The client itself cannot write FP16 as JSON.
        inputs.append(tensor(name, values, datatype, binary_in or name == "float16"))
    outputs = [triton.InferRequestedOutput(f"{name}_out", binary_data=binary_out or name == "float16") for name in VALUES]
    result = server.infer("datatypes", inputs, outputs=outputs)
    for name, values in VALUES.items():
        given = result.as_numpy(f"{name}_out")
        if name == "string":
            given = np.array([[x.decode() if isinstance(x, bytes) else x for x in row] for row in given], np.object_)
        else:
            assert given.dtype == values.dtype
        np.testing.assert_array_equal(given, values, err_msg=name)


def test_sticky_and_target_headers_hold(server, digits):
    pixels = tensor("pixels", np.array([digits[0][1]], np.float32))
    variants = {server.infer("digits", [pixels], headers={"x-user-id": "ada"}).get_response()["model_version"] for _ in range(10)}
    assert len(variants) == 1
    response = server.infer("digits", [pixels], headers={"x-target-variant": "cnn"}).get_response()
    assert response["model_version"] == "cnn"


def test_a_model_host_that_speaks_the_protocol_is_passed_on(server):
    result = server.infer("hosted", [tensor("x", np.zeros((1, 1), np.float32))], "infer")
    assert result.as_numpy("y") == [0.5]
    assert server.get_model_metadata("hosted", "infer")["platform"] == "origin"


@pytest.mark.parametrize(
    ("model", "version", "inputs", "outputs", "message", "status"),
    [
        ("none", "", {"pixels": np.zeros((1, 64), np.float32)}, None, "no endpoint of that name", "404"),
        ("digits", "none", {"pixels": np.zeros((1, 64), np.float32)}, None, "there is no variant `none`", "400"),
        ("digits", "cnn", {"x": np.zeros((1, 64), np.float32)}, None, "there is no input `x`", "400"),
        ("digits", "cnn", {"pixels": np.zeros((1, 63), np.float32)}, None, "its shape is [1, 63]", "400"),
        ("digits", "cnn", {"pixels": np.full((1, 64), 0.1)}, None, "its datatype is FP64", "400"),
        ("digits", "cnn", {"pixels": np.zeros((1, 64), np.float32)}, ["y"], "there is no output `y`", "400"),
        ("datatypes", "", {"bool": np.zeros((1, 2), np.bool_)}, None, "input `int8`: it is missing", "400"),
        ("hosted", "teapot", {"x": np.zeros((1, 1), np.float32)}, None, "status 418", "424"),
    ],
)
def test_mistakes_are_told(server, model, version, inputs, outputs, message, status):
    inputs = [tensor(name, values) for name, values in inputs.items()]
    outputs = outputs and [triton.InferRequestedOutput(name) for name in outputs]
    with pytest.raises(InferenceServerException) as raised:
        server.infer(model, inputs, version, outputs)
    assert message in raised.value.message()
    assert raised.value.status() == status


def test_bodies_may_be_packed(server, digits):
    pixels = tensor("pixels", np.array([digits[0][1]], np.float32))
    packed = server.infer("digits", [pixels], model_version="cnn", request_compression_algorithm="gzip")
    plain = server.infer("digits", [pixels], model_version="cnn")
    assert (packed.as_numpy("probabilities") == plain.as_numpy("probabilities")).all()


def test_what_tritons_own_extensions_ask_for_is_refused(server, digits):
    pixels = tensor("pixels", np.array([digits[0][1]], np.float32))
    with pytest.raises(InferenceServerException, match="classification"):
        server.infer("digits", [pixels], outputs=[triton.InferRequestedOutput("probabilities", class_count=3)])
    with pytest.raises(InferenceServerException, match="sequence_id"):
        server.infer("digits", [pixels], sequence_id=7)
    with pytest.raises(InferenceServerException, match="deflate"):
        server.infer("digits", [pixels], request_compression_algorithm="deflate")
    for ask, reason in [
        (lambda: server.get_inference_statistics("digits"), "no statistics are kept here"),
        (lambda: server.load_model("digits"), "loaded when they are asked for"),
        (lambda: server.get_system_shared_memory_status(), "no shared memory"),
        (lambda: server.get_trace_settings(), "tracing"),
    ]:
        with pytest.raises(InferenceServerException, match=reason):
            ask()


def test_what_tritons_client_reads_of_a_model_and_of_all_of_them(server):
    config = server.get_model_config("digits", "cnn")
    assert config["input"] == [{"name": "pixels", "data_type": "TYPE_FP32", "dims": [64]}]
    assert config["max_batch_size"] > 1
    index = server.get_model_repository_index()
    assert {"name": "digits", "version": "cnn", "state": "READY", "reason": ""} in index
    assert "bearer" not in {line["name"] for line in index}


def test_who_may(server):
    numbers = tensor("x", np.zeros((1, 1), np.float32), binary=False)
    with pytest.raises(InferenceServerException, match="no credentials"):
        server.infer("bearer", [numbers])
    with pytest.raises(InferenceServerException, match="no credentials"):
        server.get_model_metadata("bearer")
    headers = {"Authorization": f"Bearer {os.environ['CALLER_TOKEN']}"}
    assert server.get_model_metadata("bearer", headers=headers)["versions"] == ["echo"]


def test_the_generated_client(digits):
    client = OpenInferenceClient(base_url=URL)
    client.check_server_liveness()
    client.check_server_readiness()
    client.check_model_readiness("digits")
    client.check_model_version_readiness("digits", "cnn")
    assert client.read_server_metadata().name == "turnout"
    metadata = client.read_model_version_metadata("digits", "cnn")
    assert (metadata.name, metadata.versions, metadata.inputs[0].name) == ("digits", ["logistic", "cnn"], "pixels")
    request = InferenceRequest(
        inputs=[RequestInput(name="pixels", shape=[2, 64], datatype="FP32", data=[digits[0][1], digits[1][1]])],
    )
    answer = client.model_version_infer("digits", "cnn", request=request)
    assert (answer.model_name, answer.model_version) == ("digits", "cnn")
    probabilities = next(output for output in answer.outputs if output.name == "probabilities")
    np.testing.assert_allclose(np.reshape(probabilities.data.__root__, probabilities.shape), expected("cnn", 2), atol=1e-5)
    assert client.model_infer("digits", request=request).model_version in ("logistic", "cnn")
    bad = InferenceRequest(inputs=[RequestInput(name="pixels", shape=[1, 3], datatype="FP32", data=[1, 2, 3])])
    with pytest.raises((BadRequestError, ApiError)) as raised:
        client.model_infer("digits", request=bad)
    assert raised.value.status_code == 400


def post(path, body, headers=None):
    request = urllib.request.Request(f"{URL}{path}", body, {"content-type": "application/json", **(headers or {})}, method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_hostile_requests_leave_the_worker_answering(digits):
    """What no client would send. The same isolate answers the next request each time."""
    good = json.dumps({"inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": digits[0][1]}]}).encode()
    head = {"name": "pixels", "shape": [1, 64], "datatype": "FP32"}
    huge = {"inputs": [{**head, "shape": [2**31, 2**31], "data": [1]}]}
    sized = {"inputs": [{**head, "parameters": {"binary_data_size": 2**62}}]}
    texts = {"inputs": [{"name": "string", "shape": [1, 2], "datatype": "BYTES", "parameters": {"binary_data_size": 8}}]}
    texts = json.dumps(texts).encode()
    infer = "/v2/models/digits/infer"
    hostile = [
        (infer, b"", {}),
        (infer, good[: len(good) // 2], {}),
        (infer, b"[" * 5_000_000, {}),
        (infer, b'{"inputs":' + b"[" * 5_000_000, {}),
        (infer, good.replace(b"0.0", b"NaN", 1), {}),
        (infer, json.dumps(huge).encode(), {}),
        (infer, json.dumps(sized).encode(), {"Inference-Header-Content-Length": str(len(json.dumps(sized)))}),
        (infer, good, {"Inference-Header-Content-Length": "4294967297"}),
        (infer, good, {"Inference-Header-Content-Length": str(len(good) - 1)}),
        (infer, good + b"\0" * 1000, {"Inference-Header-Content-Length": str(len(good))}),
        ("/v2/models/datatypes/infer", texts + b"\xff" * 8, {"Inference-Header-Content-Length": str(len(texts))}),
        (infer, b"x" * (6 * 2**20 + 1), {}),
        ("/endpoints/digits/invocations", b"[" * 5_000_000, {}),
        ("/endpoints/digits/invocations", b'{"instances": [[' + b"NaN," * 64 + b"]]}", {}),
        ("/", b"{" * 5_000_000, {"X-Amz-Target": "SageMaker.ListEndpoints", "Authorization": f"Bearer {os.environ['TURNOUT_ADMIN_TOKEN']}"}),
        ("/", b"{}", {"X-Amz-Target": "SageMaker.ListEndpoints", "Authorization": "AWS4-HMAC-SHA256 " + "=," * 10_000}),
    ]
    for path, body, headers in hostile:
        status, answer = post(path, body, headers)
        assert 400 <= status < 500, (path, body[:60], status, answer[:200])
        assert len(json.loads(answer)) >= 1
        assert post(infer, good)[0] == 200
