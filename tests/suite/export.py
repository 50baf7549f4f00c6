"""Writes ONNX's own backend tests, and variants of them with extreme numbers, as files: `export.py FOLDER`.

Each test is a folder: `model.onnx`, and for each set of data `K/input_J.pb` and `K/output_J.pb`, tensors both. What ONNX
answers stands in the tests themselves. The variants (`NAME.extreme`) have missing, infinite and huge numbers in their first
input, where that is of floating point. What they should answer is what ONNX Runtime does (`output_J.pb`), or what ONNX's own
reference implementation does (`reference_J.pb`): the standard is silent about missing values in many places, and ONNX Runtime
makes numbers of some.
Last come nodes of our own, of attributes and types that none of ONNX's tests have (`own.NAME`), with ONNX Runtime's answers.
"""

import random
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
        outputs = answers(model, fed.values())
    except Exception:  # ONNX Runtime refuses what it cannot run in a dozen ways.
        return None
    try:
        with np.errstate(all="ignore"):
            reference = ReferenceEvaluator(model).run(None, fed)
    except Exception:  # So does the other.
        return list(fed.values()), outputs
    return list(fed.values()), outputs, reference


def answers(model, inputs):
    """What ONNX Runtime answers, without merging operators."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {info.name: value for info, value in zip(model.graph.input, inputs)})


def own():
    """Names, nodes and their inputs."""
    generator = np.random.default_rng(15)
    real = lambda *shape: generator.normal(size=shape).astype(np.float32)
    byte = lambda *shape: generator.integers(0, 255, shape, dtype=np.uint8)
    signed = lambda *shape: generator.integers(-127, 127, shape, dtype=np.int8)
    windows = {"strides": {"strides": [2, 2]}, "pads": {"pads": [1, 0, 1, 2]}, "dilations": {"dilations": [2, 2]},
               "group": {"group": 2}, "same_upper": {"auto_pad": "SAME_UPPER"}, "same_lower": {"auto_pad": "SAME_LOWER"},
               "valid": {"auto_pad": "VALID"}, "exported": {"strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1],
                                                            "group": 1, "kernel_shape": [3, 3]}}
    for name, attributes in windows.items():
        channels = 4 // attributes.get("group", 1)
        yield f"conv_integer_{name}", "ConvInteger", attributes, [byte(2, 4, 9, 8), signed(6, channels, 3, 3), np.uint8(120), np.int8(0)]
        for per_channel in (False, True):
            scale = np.linspace(0.01, 0.04, 6).astype(np.float32) if per_channel else np.float32(0.02)
            zero = np.zeros(6, np.int8) if per_channel else np.int8(0)
            yield f"qlinear_conv_{name}_{per_channel}", "QLinearConv", attributes, [
                byte(2, 4, 9, 8), np.float32(0.05), np.uint8(120), signed(6, channels, 3, 3), scale, zero, np.float32(0.9), np.uint8(100),
                generator.integers(-500, 500, 6, dtype=np.int32)]
    for left, right in (byte, signed), (byte, byte), (signed, signed):
        a, b = left(3, 4), right(4, 5)
        yield f"mat_mul_integer_{a.dtype}_{b.dtype}", "MatMulInteger", {}, [a, b, a.dtype.type(3), b.dtype.type(2)]
    for kind, gates, functions in ("LSTM", 4, ["Relu", "Tanh", "Sigmoid"]), ("GRU", 3, ["Relu", "Tanh"]), ("RNN", 1, ["Relu"]):
        for direction in "forward", "reverse", "bidirectional":
            count = 2 if direction == "bidirectional" else 1
            # Small, so that what has no upper bound does not run away.
            weights = [real(6, 3, 4), *(real(count, gates * 5, size) / 4 for size in (4, 5)), real(count, gates * 10) / 4]
            variants = {"plain": {}, "activations": {"activations": functions * count}}
            if kind == "GRU":
                variants["after"] = {"linear_before_reset": 1}
            for name, attributes in variants.items():
                attributes = {"hidden_size": 5, "direction": direction, **attributes}
                yield f"{kind}_{direction}_{name}", kind, attributes, weights
                states = [real(count, 3, 5)] * (2 if kind == "LSTM" else 1)
                yield f"{kind}_{direction}_{name}_state", kind, attributes, [*weights, np.array([6, 2, 4], np.int32), *states]
    for kind in "ReduceMax", "ReduceMin", "ReduceLogSumExp", "ReduceSum", "ReduceMean":
        for noop in 0, 1:
            yield f"{kind}_no_axes_{noop}", kind, {"noop_with_empty_axes": noop}, [real(2, 3, 4)]
        yield f"{kind}_two_axes", kind, {"keepdims": 0}, [real(2, 3, 4), np.array([-1, 0], np.int64)]
    yield "mean_variance_axes", "MeanVarianceNormalization", {"axes": [2, 3]}, [real(2, 3, 4, 4)]
    for integer in np.int32, np.int64:
        a, b = generator.integers(-50, 50, (3, 4), dtype=integer), generator.integers(1, 9, (4,), dtype=integer)
        for kind in "Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Equal", "Less", "Greater":
            yield f"{kind}_{integer.__name__}", kind, {}, [a, b]
    numbers = np.array([-3.7, -0.2, 0.0, 0.9, 100.4, 7.0], np.float32)
    for to in onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.INT8, onnx.TensorProto.BOOL, onnx.TensorProto.DOUBLE:
        yield f"cast_{to}", "Cast", {"to": to}, [numbers]
        yield f"cast_missing_{to}", "Cast", {"to": to}, [np.array([1.0, np.nan], np.float32)]
    for axis in 0, 1, -1:
        yield f"log_softmax_7_{axis % 3}", "LogSoftmax", {"axis": axis}, [real(2, 3, 4)]
        yield f"arg_max_{axis}", "ArgMax", {"axis": axis}, [real(2, 3, 4).round()]
    for kind in "Relu", "Sigmoid", "Tanh", "Softplus", "HardSigmoid", "Max", "Min", "ReduceMax":
        yield f"{kind}_double", kind, {}, [np.array([np.nan, -800.0, -1.5, 0.0, 2.5, 700.0])]
    for axes in (1,), (2, 2), (2, 2, 2):
        for ceil in 0, 1:
            attributes = {"kernel_shape": [3] * len(axes), "strides": [2] * len(axes), "ceil_mode": ceil}
            yield f"max_pool_{len(axes)}_{ceil}", "MaxPool", attributes, [real(2, 3, *[8] * len(axes))]
            if len(axes) < 3:
                dilated = {**attributes, "dilations": [2] * len(axes), "pads": [1] * 2 * len(axes)}
                yield f"max_pool_dilated_{len(axes)}_{ceil}", "MaxPool", dilated, [real(2, 3, *[9] * len(axes))]


def write_own(out):
    written = 0
    for name, kind, attributes, inputs in own():
        inputs = [np.asarray(value) for value in inputs]
        outputs = {"LSTM": 3, "GRU": 2, "RNN": 2}.get(kind, 1)
        info = [onnx.helper.make_tensor_value_info(f"i{at}", onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                for at, value in enumerate(inputs)]
        node = onnx.helper.make_node(kind, [value.name for value in info], [f"o{at}" for at in range(outputs)], **attributes)
        made = [onnx.helper.make_empty_tensor_value_info(f"o{at}") for at in range(outputs)]
        for version in (11, 13, 18, 21):
            model = onnx.helper.make_model(onnx.helper.make_graph([node], name, info, made),
                                           opset_imports=[onnx.helper.make_opsetid("", version)], ir_version=8)
            try:
                model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
                found = answers(model, inputs)
            except Exception:  # Not of that version, or not in ONNX Runtime.
                continue
            write(out / f"own.{name}.{version}", model, [(inputs, found)])
            written += 1
    return written


def main(out):
    written = 0
    # ONNX makes the data of its tests anew each time.
    random.seed(15)
    np.random.seed(15)
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
    written += write_own(out)
    print(f"{written} tests")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
