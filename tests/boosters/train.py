#!/usr/bin/env python3
"""Trains the boosters that tests/boosters.rs loads as their libraries save them, and records what the libraries answer.

    train.py            all of them
    train.py NAME...    those whose names begin so

Writes models/NAME.ubj, .json or .txt, and models/NAME.expected.json beside it. Run twice with the packages of
tests/zoo/requirements.txt, it writes the same files. Those of older versions, NAME_saved_by_VERSION, are kept.
"""

import importlib.util
import json
import math
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODELS = HERE / "models"
MODULES = [name for name in ("xgboost_cases", "lightgbm_cases") if (HERE / f"{name}.py").exists()]


def plain(value):
    """A value as JSON has it: what is not finite is a string."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def main():
    wanted = tuple(sys.argv[1:]) or ("",)
    MODELS.mkdir(exist_ok=True)
    known = set()
    for module in MODULES:
        spec = importlib.util.spec_from_file_location(module, HERE / f"{module}.py")
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        for case in loaded.cases():
            name, file = case["name"], case["file"]
            assert name not in known, f"two cases are called {name}"
            known.add(name)
            if not name.startswith(wanted):
                continue
            model = f"{name}.{case.get('form', 'txt')}"
            (MODELS / model).write_bytes(file if isinstance(file, bytes) else file.encode())
            told = {member: plain(case[member]) for member in ("name", "columns", "rows", "outputs")}
            text = json.dumps(told | {"file": model}, ensure_ascii=False, allow_nan=False)
            (MODELS / f"{name}.expected.json").write_text(text + "\n")
            print(f"{name}: {len(case['rows'])} rows")
    if wanted == ("",):
        for path in MODELS.iterdir():
            name = path.name.removesuffix(".expected.json")
            if name not in known and path.stem not in known:
                path.unlink()


if __name__ == "__main__":
    main()
