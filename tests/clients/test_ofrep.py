"""OpenFeature's SDK with its OFREP provider, unmodified."""

import os

import pytest
import requests
from conftest import URL
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

ADMIN = {"Authorization": f"Bearer {os.environ['TURNOUT_ADMIN_TOKEN']}"}


@pytest.fixture
def flags():
    """A client of the SDK; headers can be set in the dictionary beside it."""
    headers = {}
    api.set_provider(OFREPProvider(URL, headers_factory=lambda: headers))
    yield api.get_client(), headers
    api.clear_providers()


def user(number):
    return EvaluationContext(targeting_key=f"user-{number}", attributes={"plan": "premium"})


def test_a_flag_is_the_variant_of_the_unit(flags):
    client, _ = flags
    chosen = {}
    for number in range(20):
        details = client.get_string_details("flagged", "neither", user(number))
        assert details.error_code is None, details.error_message
        assert (details.reason, details.variant) == (Reason.SPLIT, details.value)
        metadata = details.flag_metadata
        assert (metadata["propensity"], metadata["assignmentReason"]) == (0.5, "sticky")
        native = requests.post(f"{URL}/endpoints/flagged/assignments", json={"unit": f"user-{number}"}, timeout=10).json()
        assert (native["variant"], native["revision"]) == (details.value, metadata["revision"])
        assert client.get_string_value("flagged", "neither", user(number)) == details.value
        chosen[number] = details.value
    assert set(chosen.values()) == {"a", "b"}


def test_an_outcome_is_told_by_the_id_in_the_metadata(flags):
    client, _ = flags
    told = client.get_string_details("flagged", "neither", user(1)).flag_metadata
    outcome = {"inference_id": told["inferenceId"], "reward": 1}
    counts = requests.post(f"{URL}/endpoints/flagged/outcomes", json=outcome, headers=ADMIN, timeout=10).json()
    assert counts["taken"] == 1


def test_what_cannot_be_evaluated_is_the_default_and_says_why(flags):
    client, headers = flags
    for flag, context, code in [
        ("flagged", EvaluationContext(), ErrorCode.TARGETING_KEY_MISSING),
        ("nobody", user(1), ErrorCode.FLAG_NOT_FOUND),
        ("off", user(1), ErrorCode.GENERAL),
        ("bearer", user(1), ErrorCode.GENERAL),
    ]:
        details = client.get_string_details(flag, "neither", context)
        assert (details.value, details.error_code) == ("neither", code), flag
    # A variant is a text.
    assert client.get_boolean_details("flagged", True, user(1)).error_code == ErrorCode.TYPE_MISMATCH
    headers["X-API-Key"] = os.environ["CALLER_TOKEN"]
    assert client.get_string_value("bearer", "neither", user(1)) == "echo"
