#!/usr/bin/env python3
"""Trains and converts the models of the zoo, and records what ONNX Runtime answers to rows they have not seen.

    train.py            all of them, unconverted.json and docs/models.md
    train.py NAME...    those whose names begin so

Writes models/NAME.onnx and models/NAME.json for each, which tests/zoo.rs compares with this project's own answers,
natively and in WebAssembly. Run twice with the packages of requirements.txt, it writes the same files.
"""

import json
import pathlib
import sys
import warnings

import boosting_cases
import input_cases
import network_cases
import operator_cases
import operator_variants
import recurrent_cases
import sklearn_cases
import sklearn_variants
import text_cases
import transformer_cases
from record import MODELS, Unconverted, record
from table import write_table


def main():
    warnings.filterwarnings("ignore")
    wanted = tuple(sys.argv[1:])
    modules = [sklearn_cases, sklearn_variants, boosting_cases, transformer_cases, operator_cases, operator_variants, network_cases, recurrent_cases, input_cases, text_cases]
    cases = [case for module in modules for case in module.cases()]
    assert len({case.name for case in cases}) == len(cases), "two cases have one name"
    chosen = [case for case in cases if case.name.startswith(wanted or ("",))]
    unconverted = []
    for number, case in enumerate(chosen, 1):
        try:
            record(case)
            size = (MODELS / f"{case.name}.onnx").stat().st_size
            print(f"[{number}/{len(chosen)}] {case.name}: {size} bytes")
        except Unconverted as error:
            print(f"[{number}/{len(chosen)}] {case.name}: not converted: {error}")
            unconverted.append(
                {
                    "name": case.name,
                    "family": case.family,
                    "estimator": case.estimator,
                    "library": case.library,
                    "reason": str(error),
                }
            )
    if not wanted:
        known = {case.name for case in cases} - {case["name"] for case in unconverted}
        for stale in MODELS.iterdir():
            if stale.stem not in known:
                stale.unlink()
        folder = pathlib.Path(__file__).parent
        (folder / "unconverted.json").write_text(json.dumps(unconverted, indent=1) + "\n")
        write_table()


if __name__ == "__main__":
    main()
