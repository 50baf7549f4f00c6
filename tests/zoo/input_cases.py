"""Inputs in every form that files declare them in, and functions that files define."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from record import Case

KINDS = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8, "bool": TensorProto.BOOL, "int64": TensorProto.INT64}


def numbers(*shape, kind=np.float32, seed=11):
    generator = np.random.default_rng(seed)
    if kind is np.bool_:
        return generator.random(shape) < 0.5
    if kind is np.uint8:
        return generator.integers(0, 256, shape).astype(kind)
    return generator.normal(0, 1, shape).astype(kind)


def case(name, notes, nodes, inputs, feeds, constants=(), output=TensorProto.FLOAT, batch=None, functions=(), domains=()):
    """`inputs` are the declared shapes by name, `constants` arrays by name."""

    def make():
        kind = lambda name: KINDS[(feeds.get(name) if name in feeds else dict(constants)[name]).dtype.name]
        infos = [helper.make_tensor_value_info(name, kind(name), shape) for name, shape in inputs.items()]
        initial = [numpy_helper.from_array(array, name) for name, array in dict(constants).items()]
        graph = helper.make_graph(nodes, "graph", infos, [helper.make_tensor_value_info("Y", output, None)], initial)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3), *[helper.make_opsetid(domain, 1) for domain in domains]]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions)), feeds, []

    return Case(f"network-input-{name}", "network", "hand-made", name, "operator", notes, make, batch)


def layers(kind=np.float32):
    weights = {"W": numbers(4, 8, kind=kind, seed=1), "b": numbers(8, kind=kind, seed=2), "V": numbers(8, 3, kind=kind, seed=3), "c": numbers(3, kind=kind, seed=4)}
    nodes = [
        helper.make_node("MatMul", ["X", "W"], ["h"]),
        helper.make_node("Add", ["h", "b"], ["i"]),
        helper.make_node("Relu", ["i"], ["j"]),
        helper.make_node("Gemm", ["j", "V", "c"], ["k"]),
        helper.make_node("Softmax", ["k"], ["Y"], axis=-1),
    ]
    return nodes, weights


def shapes():
    nodes, weights = layers()
    rows = {"X": numbers(8, 4)}
    yield case("no-shape", "its input has no shape, and its weights tell the width", nodes, {"X": None}, rows, weights)
    yield case("open-width", "its input has a width that is left open", nodes, {"X": [None, None]}, rows, weights)
    yield case("named-width", "its input has a width with a name", nodes, {"X": ["batch", "features"]}, rows, weights)
    yield case("batch-of-4", "it is declared for 4 rows", nodes, {"X": [4, 4]}, rows, weights, batch=4)
    yield case("batch-of-1", "it is declared for one row", nodes, {"X": [1, 4]}, rows, weights, batch=1)
    flat = [helper.make_node("Reshape", ["X", "shape"], ["r"]), helper.make_node("Relu", ["r"], ["Y"])]
    shape = {"shape": np.array([4, -1], np.int64)}
    yield case("batch-written", "it is declared for 4 rows, and a Reshape says so, which tract runs", flat, {"X": [4, 2, 3]}, {"X": numbers(8, 2, 3)}, shape, batch=4)
    scaled = [helper.make_node("Mul", ["X", "factor"], ["Y"])]
    yield case("rank-0", "one of its inputs is a single number, so each row is run by itself", scaled, {"X": [None, 4], "factor": []}, {"X": numbers(5, 4), "factor": numbers(5, 1, seed=5)}, batch=1)
    single = [helper.make_node("Neg", ["X"], ["Y"])]
    yield case("rank-1", "an input of one number a row", single, {"X": [None]}, {"X": numbers(6)})


def types():
    yield case("bool", "truth values", [helper.make_node("Cast", ["X"], ["Y"], to=TensorProto.FLOAT)], {"X": [None, 3]}, {"X": numbers(6, 3, kind=np.bool_)})
    image = [helper.make_node("Cast", ["X"], ["x"], to=TensorProto.FLOAT), helper.make_node("Div", ["x", "most"], ["Y"])]
    yield case("bytes", "images of bytes, which tract runs", image, {"X": [None, 1, 4, 4]}, {"X": numbers(5, 1, 4, 4, kind=np.uint8)}, {"most": np.array(255, np.float32)})
    nodes, weights = layers(np.float16)
    yield case("half", "16-bit floating point in and out", nodes, {"X": [None, 4]}, {"X": numbers(8, 4, kind=np.float16)}, weights, TensorProto.FLOAT16)
    nodes = [helper.make_node("Cast", ["X0"], ["X"], to=TensorProto.FLOAT16), *nodes[:-1], helper.make_node("Softmax", ["k"], ["y"], axis=-1)]
    nodes.append(helper.make_node("Cast", ["y"], ["Y"], to=TensorProto.FLOAT))
    yield case("half-inside", "16-bit floating point within", nodes, {"X0": [None, 4]}, {"X0": numbers(8, 4)}, weights)


def constants():
    nodes, weights = layers()
    shapes = {"X": [None, 4], **{name: list(array.shape) for name, array in weights.items()}}
    yield case("defaults", "its constants are declared as inputs too, with defaults", nodes, shapes, {"X": numbers(8, 4)}, weights)


def functions():
    scale = helper.make_function("own", "Scale", ["x"], ["y"], [_constant("alpha"), helper.make_node("Mul", ["x", "a"], ["y"])], OPSET, ["alpha"])
    gelu = [_constant(None, 0.5, "half"), helper.make_node("Erf", ["x"], ["e"]), helper.make_node("Mul", ["x", "e"], ["p"]), helper.make_node("Mul", ["p", "half"], ["q"])]
    half_gelu = helper.make_function("own", "HalfGelu", ["x"], ["y"], [*gelu, helper.make_node("Scale", ["q"], ["y"], domain="own", alpha=3.0)], [*OPSET, helper.make_opsetid("own", 1)])
    nodes = [
        helper.make_node("MatMul", ["X", "W"], ["h"]),
        helper.make_node("HalfGelu", ["h"], ["i"], domain="own"),
        helper.make_node("Scale", ["i"], ["j"], domain="own", alpha=0.25),
        helper.make_node("HalfGelu", ["j"], ["Y"], domain="own"),
    ]
    yield case("functions", "functions of its own, of which one calls another, which tract runs", nodes, {"X": [None, 4]}, {"X": numbers(8, 4)}, {"W": numbers(4, 3, seed=1)}, functions=[scale, half_gelu], domains=["own"])


OPSET = [helper.make_opsetid("", 17)]


def _constant(reference, value=0.0, name="a"):
    """A Constant that is a number, or the attribute of the function that is named."""
    node = helper.make_node("Constant", [], [name], value_float=value)
    if reference:
        node.attribute[0].ref_attr_name = reference
        node.attribute[0].ClearField("f")
    return node


def cases():
    yield from shapes()
    yield from types()
    yield from constants()
    yield from functions()
