#!/usr/bin/env python3
"""Recomputes assignments from the published description alone (docs/assignment.md), with Python's own library.

    recompute.py            checks assignment.json and prints how many vectors agree
    recompute.py --write    writes it anew

Nothing here is shared with the Rust code: agreement means that the description is enough.
"""

import hashlib
import json
import math
import pathlib
import sys

VECTORS = pathlib.Path(__file__).with_name("assignment.json")


def unit_hash(salt: str, unit: str) -> str:
    """The first 32 hexadecimal digits of SHA-256(salt, line feed, unit)."""
    return hashlib.sha256(f"{salt}\n{unit}".encode()).hexdigest()[:32]


def score(unit: str, name: str, weight: float) -> float:
    """The variant of the smallest score is the unit's; `unit` is a unit hash."""
    digest = hashlib.sha256(f"{unit}\n{name}".encode()).digest()
    uniform = ((int.from_bytes(digest[:8], "big") >> 12) + 0.5) / 2.0**52
    return -math.log(uniform) / weight


def choose(unit: str, weights: dict[str, float]) -> str:
    """The unit's variant; of equal scores the first."""
    return min((name for name in weights if weights[name] > 0), key=lambda name: score(unit, name, weights[name]))


def vectors() -> list[dict]:
    """Units of many kinds, at weights of many kinds."""
    units = [f"user-{n}" for n in range(200)] + ["a", "0", "ünïcödé", "a b", "x" * 300, "🚂"]
    policies = [
        ("churn-2026-11", {"baseline": 90, "challenger": 10}),
        ("churn-2026-11", {"baseline": 50, "challenger": 50}),
        ("another salt", {"baseline": 50, "challenger": 50}),
        ("s", {"a": 0, "b": 1e-100, "c": 1e-89}),
        ("s", {"one": 0.2, "two": 0.3, "three": 0.5, "none": 0}),
        ("s", {"only": 1}),
    ]
    return [
        {"salt": salt, "unit": unit, "weights": weights, "hash": unit_hash(salt, unit), "variant": choose(unit_hash(salt, unit), weights)}
        for salt, weights in policies
        for unit in units
    ]


def main() -> int:
    computed = vectors()
    if sys.argv[1:] == ["--write"]:
        lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in computed)
        VECTORS.write_text(f"[\n{lines}\n]\n")
    published = json.loads(VECTORS.read_text())
    wrong = [ours for ours, theirs in zip(computed, published, strict=True) if ours != theirs]
    print(f"{len(computed) - len(wrong)} vectors agree, {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
