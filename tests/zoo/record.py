"""What a case of the zoo is, and how it is written: the model, rows that it was not trained on, ONNX Runtime's answers."""

import json
import pathlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

MODELS = pathlib.Path(__file__).parent / "models"

# What this project refuses when it loads the model, with a part of the reason it gives.
SINGLE = "of a single target is not what ONNX Runtime computes"
NUMBERED = "is not the same to the specification and to ONNX Runtime"
REFUSED = {
    "operator-linear-classifier-one-row-logistic": SINGLE,
    "operator-linear-regressor-logistic-1": SINGLE,
    "operator-svm-classifier-binary-logistic": SINGLE,
    "operator-tree-classifier-binary-labels-both": "are decided only between the labels 0 and 1",
    "operator-tree-classifier-binary-probit": "PROBIT of one score is not defined",
    "operator-tree-ensemble-logistic": NUMBERED,
    "operator-tree-ensemble-softmax": NUMBERED,
    "operator-tree-regressor-logistic-1": SINGLE,
    "operator-tree-regressor-softmax-1": SINGLE,
    "operator-tree-regressor-softmax_zero-1": SINGLE,
    "sklearn-gaussian-process-regressor": "running pass declutter",
}

TYPES = {
    TensorProto.FLOAT: ("float32", np.float32),
    TensorProto.DOUBLE: ("float64", np.float64),
    TensorProto.INT64: ("int64", np.int64),
    TensorProto.BOOL: ("bool", np.bool_),
    TensorProto.STRING: ("string", object),
}


@dataclass
class Case:
    """One model. `make` trains and converts it: the graph, and the held-out rows by input name, each [rows, width]."""

    name: str
    family: str
    library: str
    estimator: str
    task: str
    notes: str
    make: Callable[[], tuple[onnx.ModelProto, dict[str, np.ndarray]]]


class Unconverted(Exception):
    """The converter or ONNX Runtime does not take the model."""


def operators(graph):
    """The types of all nodes of a graph and of those within its nodes."""
    found = set()
    for node in graph.node:
        found.add(node.op_type)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                found |= operators(inner)
    return found


def plain(value):
    """A number, string or truth value as JSON has it; what JSON has not, as a string. Exact for 32-bit numbers."""
    if isinstance(value, (str, bool, np.bool_)):
        return value if isinstance(value, str) else bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(str(value)) if isinstance(value, np.float32) else float(value)


def output(name, answer, rows):
    """One output of ONNX Runtime, by row."""
    if isinstance(answer, list):
        keys = list(answer[0])
        values = [plain(np.float32(row[key])) for row in answer for key in keys]
        return {"name": name, "type": "float32", "shape": [len(keys)], "keys": [str(key) for key in keys], "values": values}
    if answer.shape[0] == 1 and answer.shape[1:2] == (rows,):
        answer = answer[0]
    if answer.shape[:1] != (rows,):
        raise Unconverted(f"its output {name} has shape {answer.shape} for {rows} rows")
    kind = "string" if answer.dtype == object else answer.dtype.name
    values = [plain(value) for value in answer.reshape(-1)]
    return {"name": name, "type": kind, "shape": list(answer.shape[1:]), "values": values}


def run(model, feeds):
    """ONNX Runtime's answers, on one thread, so that sums are in order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, feeds)


def record(case):
    """Trains a case and writes `models/NAME.onnx` and `models/NAME.json`; returns the latter's content."""
    try:
        model, feeds = case.make()
        answers = run(model, feeds)
    except Unconverted:
        raise
    except Exception as error:
        raise Unconverted(str(error).strip().splitlines()[0][:200]) from error
    del model.metadata_props[:]
    model.graph.name = case.name
    model.doc_string = model.graph.doc_string = ""
    inputs, columns = [], []
    for declared in model.graph.input:
        name, _ = TYPES[declared.type.tensor_type.elem_type]
        values = feeds[declared.name].reshape(len(feeds[declared.name]), -1)
        inputs.append({"name": declared.name, "type": name, "width": values.shape[1]})
        columns.append(values)
    rows = []
    for parts in zip(*columns, strict=True):
        cells = [plain(cell) for part in parts for cell in part]
        rows.append([None if isinstance(cell, str) and cell == "NaN" else cell for cell in cells])
    written = {
        "name": case.name,
        "family": case.family,
        "library": case.library,
        "estimator": case.estimator,
        "task": case.task,
        "notes": case.notes,
        "operators": sorted(operators(model.graph)),
        "inputs": inputs,
        "rows": rows,
        "outputs": [output(declared.name, answer, len(rows)) for declared, answer in zip(model.graph.output, answers, strict=True)],
    }
    if case.name in REFUSED:
        written["refused"] = REFUSED[case.name]
    MODELS.mkdir(exist_ok=True)
    (MODELS / f"{case.name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (MODELS / f"{case.name}.json").write_text(json.dumps(written) + "\n")
    return written
