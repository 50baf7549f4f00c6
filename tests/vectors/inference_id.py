#!/usr/bin/env python3
"""Reads inference ids, and makes them: the layout of src/experiment/inference_id.rs, written a second time.

    INFERENCE_KEY=... python3 tests/vectors/inference_id.py ENDPOINT ID...

tells what ids say, a line of JSON each. Without arguments it writes inference_ids.json, which the Rust code is tested with.
"""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import struct
import sys

EPOCH_MS = 1_767_225_600_000
REASONS = ["target", "sticky", "weighted"]


def mac(key, endpoint, said):
    whole = b"turnout inference id\n" + endpoint.encode() + b"\n" + said
    return hmac.new(key.encode(), whole, hashlib.sha256).digest()[:12]


def label_class(label):
    """The class of a label as ids have it."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:4], "big")


def read(key, endpoint, inference_id):
    """What an id says; ValueError where it is none of this endpoint and key."""
    whole = base64.urlsafe_b64decode(inference_id + "=" * (-len(inference_id) % 4))
    said, given = whole[:-12], whole[-12:]
    if not hmac.compare_digest(mac(key, endpoint, said), given):
        raise ValueError("this id was not given by this endpoint with this key")
    flags, variant, segment, *time = said[:8]
    nonce, propensity = struct.unpack(">If", said[8:16])
    rest = said[22:]
    unit = None
    if flags >> 3 & 1:
        unit, rest = int.from_bytes(rest[:6], "big"), rest[6:]
    kind = flags >> 1 & 3
    predicted = None
    if kind in (1, 2):
        predicted = {"class": int.from_bytes(rest[:4], "big"), "score": struct.unpack(">f", rest[4:])[0] if kind == 2 else None}
    elif kind == 3:
        predicted = struct.unpack(">d", rest)[0]
    return {
        "time_ms": EPOCH_MS + int.from_bytes(bytes(time), "big"),
        "nonce": nonce,
        "revision": said[16:22].hex(),
        "variant": variant & 127,
        "segment": segment,
        "propensity": propensity,
        "reason": REASONS[flags >> 4 & 3],
        "stood_in": bool(flags & 1),
        "unanswered": bool(variant >> 7),
        "unit": unit,
        "predicted": predicted,
    }


def make(key, endpoint, claims):
    predicted = claims["predicted"]
    kind = 0 if predicted is None else 3 if isinstance(predicted, float) else 1 if predicted["score"] is None else 2
    flags = 1 << 6 | REASONS.index(claims["reason"]) << 4 | (claims["unit"] is not None) << 3 | kind << 1 | claims["stood_in"]
    said = bytes([flags, claims["unanswered"] << 7 | claims["variant"], claims["segment"]]) + (claims["time_ms"] - EPOCH_MS).to_bytes(5, "big")
    said += struct.pack(">If", claims["nonce"], claims["propensity"]) + bytes.fromhex(claims["revision"])
    if claims["unit"] is not None:
        said += claims["unit"].to_bytes(6, "big")
    if kind in (1, 2):
        said += predicted["class"].to_bytes(4, "big") + (struct.pack(">f", predicted["score"]) if kind == 2 else b"")
    elif kind == 3:
        said += struct.pack(">d", predicted)
    return base64.urlsafe_b64encode(said + mac(key, endpoint, said)).rstrip(b"=").decode()


def write_vectors():
    plain = {"time_ms": EPOCH_MS, "nonce": 0, "revision": "000000000000", "variant": 0, "segment": 0, "propensity": 0.5,
             "reason": "weighted", "stood_in": False, "unanswered": False, "unit": None, "predicted": None}
    later = {**plain, "time_ms": 1_795_958_400_123, "nonce": 4_000_000_001, "revision": "0f12ab34cd56", "variant": 99}
    cases = [
        ("churn", plain),
        ("churn", later),
        ("digits", later),
        ("digits", {**later, "reason": "sticky", "unit": 0xFEDCBA987654, "segment": 20}),
        ("digits", {**later, "reason": "target", "predicted": {"class": label_class("7"), "score": None}}),
        ("churn", {**later, "unit": 1, "predicted": {"class": label_class("yes"), "score": 0.25}, "propensity": 2.0**-20}),
        ("churn", {**later, "stood_in": True, "unit": 2**48 - 1, "predicted": -1234.5678, "propensity": 1.0}),
        ("churn", {**plain, "unanswered": True}),
        ("digits", {**later, "unanswered": True, "reason": "sticky", "unit": 0xFEDCBA987654, "segment": 20}),
    ]
    vectors = []
    for at, (endpoint, claims) in enumerate(cases):
        key = hashlib.sha256(b"key %d" % at).hexdigest()
        inference_id = make(key, endpoint, claims)
        assert len(inference_id) <= 64 and read(key, endpoint, inference_id) == claims
        vectors.append({"key": key, "endpoint": endpoint, "id": inference_id, "claims": claims})
    path = pathlib.Path(__file__).with_name("inference_ids.json")
    path.write_text("[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        for inference_id in sys.argv[2:]:
            print(json.dumps(read(os.environ["INFERENCE_KEY"], sys.argv[1], inference_id)))
    else:
        write_vectors()
