#!/usr/bin/env python3
"""Writes rows and what a model answers to them beside it: Turnout has the model reproduce them before it serves it.

    check-rows.py MODEL ROWS.csv    with a line of names or without; columns in the order of the model's inputs
    check-rows.py MODEL ROWS.npz    arrays by the names of the inputs, a row each: for inputs of other shapes
MODEL.onnx is answered by ONNX Runtime, what XGBoost and LightGBM save (or a .tar.gz with it) by the library that saved it.
It needs that, and numpy. The file, MODEL.check.json, is described in docs/models.md.
"""

import argparse
import csv
import hashlib
import json
import math
import pathlib
import sys
import tarfile
from types import SimpleNamespace

import numpy as np

ENDINGS = (".json", ".ubj", ".model", ".bst", ".txt", "xgboost-model")


class Booster:
    """A model that XGBoost or LightGBM has saved, with what of ONNX Runtime's sessions is used here."""

    def __init__(self, saved):
        if saved.startswith(b"tree\n"):
            import lightgbm

            booster = lightgbm.Booster(model_str=saved.decode())
            names = booster.feature_name()
            names = [] if names == [f"Column_{at}" for at in range(len(names))] else names
            count, type, named = booster.num_feature(), "tensor(double)", booster.pandas_categorical
            self.predict = lambda rows: [booster.predict(rows), booster.predict(rows, raw_score=True)]
        else:
            import xgboost

            booster = xgboost.Booster()
            booster.load_model(bytearray(saved))
            names, count, type = booster.feature_names or [], booster.num_features(), "tensor(float)"
            learner = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
            named = (learner.get("gbtree") or learner)["model"].get("cats", {}).get("enc")
            frame = lambda rows: xgboost.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types, enable_categorical=True)
            self.predict = lambda rows: [booster.predict(frame(rows)), booster.predict(frame(rows), output_margin=True)]
        if any(named or []):
            sys.exit("its categories have names, which only a data frame has: write the file by hand, as docs/models.md describes it")
        inputs = [(name, ["N"]) for name in names] or [("features", ["N", count])]
        self.inputs = [SimpleNamespace(name=name, type=type, shape=shape) for name, shape in inputs]

    def get_inputs(self):
        return self.inputs

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in ("prediction", "raw_score")]

    def run(self, _, rows):
        return self.predict(np.column_stack([rows[tensor.name] for tensor in self.inputs]))


def loaded(path):
    """What answers for a model."""
    saved = path.read_bytes()
    if saved.startswith(b"\x1f\x8b"):
        with tarfile.open(path) as archive:
            files = [file for file in archive if file.isfile() and file.name.endswith((*ENDINGS, ".onnx"))]
            if len(files) != 1:
                sys.exit(f"{path} has {len(files)} files that are models by their names, and not one")
            saved = archive.extractfile(files[0]).read()
    if saved.startswith((b"{", b"tree\n")):
        return Booster(saved)
    import onnxruntime

    return onnxruntime.InferenceSession(saved, providers=["CPUExecutionProvider"])


def cast(texts, tensor):
    """Cells of a CSV as values of an input. An empty one is a missing number."""
    name = tensor.type.replace("(float)", "(float32)").removeprefix("tensor(").removesuffix(")")
    if name == "bool":
        return np.isin(np.char.lower(texts), ["true", "1"])
    return texts if name == "string" else np.where(texts == "", "nan", texts).astype(name)


def from_csv(path, inputs, skip):
    """Arrays by the names of the inputs."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = [line[skip:] for line in csv.reader(file) if line] or sys.exit(f"{path} is empty")
    sizes = [tensor.shape[1:] for tensor in inputs]
    if not all(tensor.shape and all(isinstance(size, int) for size in tensor.shape[1:]) for tensor in inputs):
        sizes = [[len(lines[0])]] if len(inputs) == 1 else sys.exit("its inputs have open sizes: give the rows as .npz")
    ends = np.cumsum([math.prod(size) for size in sizes])
    # Names of all inputs choose among the columns.
    if len(inputs) == ends[-1] and all(tensor.name in lines[0] for tensor in inputs):
        places = [lines[0].index(tensor.name) for tensor in inputs]
        lines = [[line[place] for place in places] for line in lines[1:]]
    if any(len(line) != ends[-1] for line in lines):
        sys.exit(f"{path}: the model takes {ends[-1]} columns; --skip leaves out those that stand before them")

    def arrays(lines):
        parts = zip(inputs, sizes, np.split(np.array(lines), ends[:-1], axis=1))
        return {tensor.name: cast(part, tensor).reshape(len(part), *size) for tensor, size, part in parts}

    try:
        arrays(lines[:1])
    except ValueError:  # A name stands where a number belongs.
        del lines[0]
    return arrays(lines)


def plain(value):
    """As JSON has it: the shortest number that is read as the same, and strings for those that JSON has not."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        text = str(np.float32(value) if isinstance(value, np.float16) else value)
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text) or float(text)
    return value.item() if isinstance(value, np.generic) else value


def written(values):
    """Rows by name: those of one value on one line, others a line each."""
    lines = []
    for name, rows in values.items():
        texts = [json.dumps(plain(row[0] if np.shape(row) == (1,) else row), ensure_ascii=False) for row in rows]
        wide = "\n      " + ",\n      ".join(texts) + "\n    "
        lines.append(f"    {json.dumps(name)}: [{wide if texts[0][0] in '[{' else ', '.join(texts)}]")
    return "{\n" + ",\n".join(lines) + "\n  }"


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("rows", type=pathlib.Path)
parser.add_argument("--count", type=int, default=8, help="how many rows, evenly from the whole file (8)")
parser.add_argument("--skip", type=int, default=0, help="columns of a CSV that stand before the model's (0)")
given = parser.parse_args()
session = loaded(given.model)
inputs, names = session.get_inputs(), [tensor.name for tensor in session.get_outputs()]
rows = np.load(given.rows) if given.rows.suffix == ".npz" else from_csv(given.rows, inputs, given.skip)
total = len(rows[inputs[0].name])
# A model of a fixed number of rows takes so many at a time.
fixed = [tensor.shape[0] for tensor in inputs if tensor.shape and isinstance(tensor.shape[0], int)]
turn = fixed[0] if fixed else min(given.count, total)
chosen = np.linspace(0, total - 1, turn * max(min(given.count, total) // turn, 1)).astype(int)
rows = {tensor.name: rows[tensor.name][chosen] for tensor in inputs}
turns = range(0, len(chosen), turn)
answers = [session.run(names, {name: array[at : at + turn] for name, array in rows.items()}) for at in turns]
by_row = lambda answer: answer[0] if np.shape(answer)[:2] == (1, turn) != (1, 1) else answer  # Rows may come second.
answers = {name: [row for answer in answers for row in by_row(answer[at])] for at, name in enumerate(names)}
digest, path = hashlib.sha256(given.model.read_bytes()).hexdigest(), given.model.with_suffix(".check.json")
head = f'  "model": "{digest}",\n  "tolerance": {{"absolute": 1e-5, "relative": 1e-4}},\n'
path.write_text(f'{{\n{head}  "inputs": {written(rows)},\n  "outputs": {written(answers)}\n}}\n', encoding="utf-8")
for file in (given.model, path):
    print(f"npx wrangler kv key put {given.model.resolve().parent.name}/{file.name} --binding MODELS --path {file}")
