"""Writes ONNX's own backend tests, and variants of them with extreme numbers, as files: `export.py FOLDER`.

Each test is a folder: `model.onnx`, and for each set of data `K/input_J.pb` and `K/output_J.pb`, tensors both. What ONNX
answers stands in the tests themselves. The variants (`NAME.extreme`) have missing, infinite and huge numbers in their first
input, where that is of floating point. What they should answer is what ONNX Runtime does (`output_J.pb`), or what ONNX's own
reference implementation does (`reference_J.pb`): the standard is silent about missing values in many places, and ONNX Runtime
makes numbers of some.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator

# Missing first, so that each model that has four numbers meets it.
# Their squares are far from overflowing: where a sum of them does, the order of additions decides.
EXTREMES = [np.nan, np.inf, -np.inf, 1e15, -1e12, 1000.0, -1000.0, 90.0, -90.0, -0.0]
# Where the three disagree on what a missing or an infinite number comes to, even among themselves.
FINITE = {"MaxPool", "Resize", "STFT"}


def tensors(values, infos):
    """The values as protobuf; `None` if one is no tensor."""
    if any(not info.type.HasField("tensor_type") for info in infos):
        return None
    return [value if isinstance(value, onnx.TensorProto) else onnx.numpy_helper.from_array(np.asarray(value), info.name)
            for value, info in zip(values, infos)]


def write(folder, model, data_sets):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for at, (inputs, outputs, *reference) in enumerate(data_sets):
        inputs, outputs = tensors(inputs, model.graph.input), tensors(outputs, model.graph.output)
        reference = tensors(reference[0], model.graph.output) if reference else None
        if inputs is None or outputs is None:
            continue  # The model is refused for its types, before any data.
        (folder / str(at)).mkdir()
        for kind, values in ("input", inputs), ("output", outputs), ("reference", reference or []):
            for place, value in enumerate(values):
                (folder / str(at) / f"{kind}_{place}.pb").write_bytes(value.SerializeToString())


def read(path, value_info):
    kind = {"sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}.get(
        value_info.type.WhichOneof("value"), onnx.TensorProto)
    return onnx.load_tensor(path) if kind is onnx.TensorProto else kind.FromString(path.read_bytes())


def stored(folder):
    """The model and the data of a test that onnx ships as files."""
    model = onnx.load(folder / "model.onnx")
    data_sets = []
    for data in sorted(folder.glob("test_data_set_*")):
        inputs = [read(data / f"input_{at}.pb", info) for at, info in enumerate(model.graph.input)
                  if (data / f"input_{at}.pb").exists()]
        outputs = [read(data / f"output_{at}.pb", info) for at, info in enumerate(model.graph.output)]
        data_sets.append((inputs, outputs))
    return model, data_sets


def extreme(model, inputs):
    """The inputs with extreme numbers, and ONNX Runtime's answers; `None` where there are none."""
    at = next((at for at, value in enumerate(inputs) if isinstance(value, np.ndarray)), None)
    if at != 0 or inputs[0].dtype not in (np.float16, np.float32, np.float64) or not inputs[0].size:
        return None
    value = inputs[0].copy()
    extremes = np.array(EXTREMES[3:] if model.graph.node[0].op_type in FINITE else EXTREMES)
    with np.errstate(over="ignore"):
        value.reshape(-1)[::2] = np.resize(extremes, value.reshape(-1)[::2].size).astype(value.dtype)
    fed = {info.name: value for info, value in zip(model.graph.input, [value, *inputs[1:]])}
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        outputs = session.run(None, fed)
    except Exception:  # ONNX Runtime refuses what it cannot run in a dozen ways.
        return None
    try:
        with np.errstate(all="ignore"):
            reference = ReferenceEvaluator(model).run(None, fed)
    except Exception:  # So does the other.
        return list(fed.values()), outputs
    return list(fed.values()), outputs, reference


def main(out):
    written = 0
    for case in load_model_tests(kind="node"):
        write(out / case.name, case.model, case.data_sets)
        written += 1
        found = extreme(case.model, case.data_sets[0][0])
        if found:
            write(out / f"{case.name}.extreme", case.model, [found])
            written += 1
    root = Path(onnx.__file__).parent / "backend/test/data"
    for kind in "simple", "pytorch-converted", "pytorch-operator", "light":
        for folder in sorted((root / kind).glob("*/")):
            # The light ones are large networks with neither weights nor data.
            if list(folder.glob("test_data_set_*")):
                write(out / f"{kind}.{folder.name}", *stored(folder))
                written += 1
    print(f"{written} tests")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
