"""What a case of the zoo is, and how it is written: the model, rows that it was not trained on, ONNX Runtime's answers."""

import json
import pathlib
import re
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
    "catboost-other-labels": "are decided only between the labels 0 and 1",
    "operator-binarizer-default": "it has no threshold",
    "operator-svm-regressor-logistic": "ONNX Runtime does not compute post_transform Logistic",
    "operator-tf-idf-skips": "n-grams with gaps",
    "sklearn-imputer-knn": "is written for another version of operators than the model",
    "sklearn-mlp-double": "the operator Sigmoid of doubles is not supported",
    "table-indicator": "takes 10 features, not 9",
    "xgboost-targets": "a target with a base value has no weights",
}

# Cases that are refused, and for which ONNX Runtime answers what happens to be in memory: no answer is recorded.
UNDEFINED = {"operator-tree-classifier-binary-probit"}

# What the library may differ from ONNX Runtime by, relative where numbers are above 1: it computes in 64 bits.
AGREEMENT = 1e-4

TYPES = {
    TensorProto.FLOAT: ("float32", np.float32),
    TensorProto.DOUBLE: ("float64", np.float64),
    TensorProto.INT64: ("int64", np.int64),
    TensorProto.FLOAT16: ("float16", np.float16),
    TensorProto.UINT8: ("uint8", np.uint8),
    TensorProto.INT32: ("int32", np.int32),
    TensorProto.BOOL: ("bool", np.bool_),
    TensorProto.STRING: ("string", object),
}


@dataclass
class Case:
    """One model. `make` trains and converts it.

    It gives the graph, the held-out rows by input name, each [rows, width], and the library's own answers to them: an
    array for each output in order, or None for one that the library has no answer to."""

    name: str
    family: str
    library: str
    estimator: str
    task: str
    notes: str
    make: Callable[[], tuple[onnx.ModelProto, dict[str, np.ndarray], list[np.ndarray | None]]]
    # How many rows the model takes at once, where it does not take any number of them.
    batch: int | None = None


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
        if not isinstance(answer[0], dict):
            raise Unconverted(f"its output {name} is a sequence of tensors, not of a row each")
        keys = list(answer[0])
        values = [plain(np.float32(row[key])) for row in answer for key in keys]
        keys = [str(key) for key in keys]
        return {"name": name, "type": "float32", "shape": [len(keys)], "map": True, "keys": keys, "values": values}
    if answer.shape[0] == 1 and answer.shape[1:2] == (rows,):
        answer = answer[0]
    if answer.shape[:1] != (rows,):
        raise Unconverted(f"its output {name} has shape {answer.shape} for {rows} rows")
    kind = "string" if answer.dtype == object else answer.dtype.name
    values = [plain(value) for value in answer.reshape(-1)]
    return {"name": name, "type": kind, "shape": list(answer.shape[1:]), "values": values}


def run(model, feeds, batch=None):
    """ONNX Runtime's answers, on one thread, so that sums are in order; a batch at a time where there is a bound."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    if batch is None:
        return session.run(None, feeds)
    ranks = {declared.name: len(declared.shape) for declared in session.get_inputs()}
    part = lambda name, feed: feed.reshape(()) if ranks[name] == 0 else feed
    rows = range(0, len(next(iter(feeds.values()))), batch)
    parts = [{name: part(name, feed[start : start + batch]) for name, feed in feeds.items()} for start in rows]
    return [np.concatenate(answers) for answers in zip(*(session.run(None, feeds) for feeds in parts), strict=True)]


COUNTED = re.compile(r"\b(UU|cdistdf?_|norm_)\d+")


def reason_of(error):
    """The first line of a message, without the folders of the machine that built the package."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"(?<![\w:/.])/(\w+/)+", "", first)[:240]


def settle(model, name):
    """Takes out of a model what differs from run to run or tells nothing."""
    del model.metadata_props[:]
    model.graph.name = name
    model.doc_string = model.graph.doc_string = ""
    # skl2onnx lists domains in the order of a set.
    domains = {opset.domain: opset for opset in model.opset_import}
    if len(domains) == len(model.opset_import):
        ordered = [domains[domain] for domain in sorted(domains)]
        del model.opset_import[:]
        model.opset_import.extend(ordered)
    renumber(model.graph, {})


def renumber(graph, found):
    """Numbers anew, from 0, the names that skl2onnx makes of addresses and of counters that no case resets."""
    number = lambda match: match[1] + str(found.setdefault(match[0], len(found)))
    anew = lambda name: COUNTED.sub(number, name)
    for node in graph.node:
        if COUNTED.search(node.name):
            node.name = anew(node.name)
        node.input[:] = map(anew, node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                renumber(attribute.g, found)
        node.output[:] = map(anew, node.output)
    for tensor in graph.initializer:
        tensor.name = anew(tensor.name)


def disagreement(answer, own):
    """In words, how an output of ONNX Runtime differs from the library's own answer; nothing if it does not."""
    rows = len(own)
    if answer["type"] in ("int64", "string"):
        own = [str(label) for label in own.reshape(-1).astype(np.int64 if answer["type"] == "int64" else str)]
        rows_differ = sum(str(label) != other for label, other in zip(answer["values"], own, strict=True))
        return f"{answer['name']} of {rows_differ} of {rows} rows" if rows_differ else ""
    found = np.array(answer["values"], dtype=np.float64).reshape(rows, -1)
    own = own.astype(np.float64).reshape(rows, -1)
    if found.shape[1] == 2 and own.shape[1] == 1:
        own = np.hstack([-own, own])
    if found.shape != own.shape:
        return f"{answer['name']} has {found.shape[1]} columns for {own.shape[1]}"
    close = lambda own: np.isclose(found, own, rtol=AGREEMENT, atol=AGREEMENT, equal_nan=True)
    apart = ~close(own)
    if apart.any() and close(-own).all():
        return f"{answer['name']} has the other sign"
    largest = np.abs(found - own)[apart].max(initial=0)
    return (
        f"{answer['name']} of {apart.any(axis=1).sum()} of {rows} rows, by up to {largest:.2g}" if apart.any() else ""
    )


def disagreements(outputs, own):
    """All of them, as a note."""
    pairs = zip(outputs, own, strict=False)
    found = [text for answer, mine in pairs if mine is not None and (text := disagreement(answer, np.asarray(mine)))]
    return "the library itself differs: " + "; ".join(found) if found else ""


def rows_of(model, feeds):
    """The inputs that a model declares, and the cells of each row in their order."""
    inputs, columns = [], []
    constants = {tensor.name for tensor in model.graph.initializer}
    for declared in model.graph.input:
        if declared.name in constants:
            continue
        name, _ = TYPES[declared.type.tensor_type.elem_type]
        values = feeds[declared.name].reshape(len(feeds[declared.name]), -1)
        inputs.append({"name": declared.name, "type": name, "width": values.shape[1]})
        columns.append(values)
    rows = []
    for parts in zip(*columns, strict=True):
        cells = [plain(cell) for part in parts for cell in part]
        rows.append([None if isinstance(cell, str) and cell == "NaN" else cell for cell in cells])
    return inputs, rows


def record(case):
    """Trains a case and writes `models/NAME.onnx` and `models/NAME.json`; returns the latter's content."""
    try:
        model, feeds, own = case.make()
        answers = run(model, feeds, case.batch)
    except Exception as error:
        raise Unconverted(reason_of(error)) from error
    settle(model, case.name)
    inputs, rows = rows_of(model, feeds)
    outputs = [
        output(declared.name, answer, len(rows)) for declared, answer in zip(model.graph.output, answers, strict=True)
    ]
    written = {
        "name": case.name,
        "family": case.family,
        "library": case.library,
        "estimator": case.estimator,
        "task": case.task,
        "notes": ", ".join(filter(None, [case.notes, disagreements(outputs, own)])),
        "operators": sorted(operators(model.graph)),
        "inputs": inputs,
        "rows": rows,
        "outputs": [] if case.name in UNDEFINED else outputs,
    }
    if case.name in REFUSED:
        written["refused"] = REFUSED[case.name]
    MODELS.mkdir(exist_ok=True)
    (MODELS / f"{case.name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (MODELS / f"{case.name}.json").write_text(json.dumps(written) + "\n")
    return written
