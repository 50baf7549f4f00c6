"""Small networks and what exporters put around them, of ONNX's own operators."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from record import Case

KINDS = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int64": TensorProto.INT64, "int32": TensorProto.INT32}


class Graph:
    """A graph that grows a node at a time. `wire` gives the node's output."""

    def __init__(self, seed=1):
        self.generator = np.random.default_rng(seed)
        self.nodes, self.constants = [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weights(self, *shape, kind=np.float32):
        return self.constant(self.generator.normal(0, 0.5, shape).astype(kind))

    def wire(self, operator, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def shaped(self, name, *sizes):
        return self.wire("Reshape", name, self.constant(np.array(sizes, np.int64)))

    def images(self, channels=2, size=6):
        return self.shaped("X", -1, channels, size, size)

    def model(self, outputs, feeds, version):
        names = [helper.make_node("Identity", [name], [f"Y{at}"]) for at, name in enumerate(outputs)]
        infos = [helper.make_tensor_value_info(name, KINDS[feed.dtype.name], [None, *feed.shape[1:]]) for name, feed in feeds.items()]
        results = [helper.make_tensor_value_info(f"Y{at}", kind, None) for at, kind in enumerate(outputs.values())]
        graph = helper.make_graph(self.nodes + names, "graph", infos, results, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)


def rows(width, count=9, kind=np.float32, seed=3):
    return np.random.default_rng(seed).normal(0, 1, (count, width)).astype(kind)


def case(name, build, notes="", width=72, version=17, feeds=None, family="network"):
    """`build` wires a graph and gives its outputs: one of 32-bit numbers, or the types by name."""
    feeds = feeds or {"X": rows(width)}

    def make():
        graph = Graph()
        outputs = build(graph)
        outputs = outputs if isinstance(outputs, dict) else {outputs: TensorProto.FLOAT}
        return graph.model(outputs, feeds, version), feeds, []

    return Case(f"network-{name}", family, "hand-made", name, "operator", notes, make)


def convolutions():
    def conv(name, notes, channels=2, filters=5, kernel=(3, 3), bias=True, **attributes):
        def build(graph):
            inputs = [graph.images(channels, 6), graph.weights(filters, channels, *kernel)] + ([graph.weights(filters)] if bias else [])
            return graph.wire("Flatten", graph.wire("Conv", *inputs, **attributes))

        return case(f"conv-{name}", build, notes, channels * 36)

    yield conv("plain", "no pads")
    yield conv("pads", "pads that differ on each side", pads=[1, 0, 2, 1])
    yield conv("strides", "strides that differ", strides=[2, 1], pads=[1, 1, 1, 1])
    yield conv("dilations", "dilated", dilations=[2, 1])
    yield conv("many-filters", "nine filters, no bias", filters=9, bias=False, pads=[1, 1, 1, 1])
    yield conv("point", "a kernel of one pixel", kernel=(1, 1))
    yield conv("same-upper", "auto_pad SAME_UPPER of an even kernel", kernel=(2, 4), auto_pad="SAME_UPPER", strides=[1, 1])
    yield conv("same-lower", "auto_pad SAME_LOWER of an even kernel", kernel=(2, 4), auto_pad="SAME_LOWER", strides=[2, 2])
    yield conv("valid", "auto_pad VALID", auto_pad="VALID", strides=[2, 2])

    def line(graph):
        made = graph.wire("Conv", graph.shaped("X", 0, 2, 18), graph.weights(4, 2, 5), graph.weights(4), pads=[2, 1], strides=[2])
        return graph.wire("Flatten", graph.wire("Relu", made))

    yield case("conv-line", line, "of one axis", 36)

    def groups(graph):
        return graph.wire("Flatten", graph.wire("Conv", graph.images(), graph.weights(4, 1, 3, 3), group=2))

    yield case("conv-groups", groups, "in groups, which tract runs")


def pools():
    def pool(name, notes, **attributes):
        return case(f"max-pool-{name}", lambda graph: graph.wire("Flatten", graph.wire("MaxPool", graph.images(), **attributes)), notes)

    yield pool("plain", "two by two", kernel_shape=[2, 2], strides=[2, 2])
    yield pool("overlap", "windows that overlap, strides of their own", kernel_shape=[3, 2], strides=[2, 1])
    yield pool("pads", "pads", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1])
    yield pool("same", "auto_pad SAME_UPPER", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    yield case("global-average-pool", lambda graph: graph.wire("Flatten", graph.wire("GlobalAveragePool", graph.images())))

    def network(graph):
        x = graph.wire("Relu", graph.wire("Conv", graph.images(), graph.weights(6, 2, 3, 3), graph.weights(6), pads=[1, 1, 1, 1]))
        x = graph.wire("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        x = graph.wire("Gemm", graph.wire("Flatten", x), graph.weights(10, 54), graph.weights(10), transB=1)
        probabilities = graph.wire("Softmax", x, axis=-1)
        return {graph.wire("ArgMax", probabilities, axis=1, keepdims=0): TensorProto.INT64, probabilities: TensorProto.FLOAT}

    yield case("convolutional", network, "convolution, ReLU, pool, layer, softmax")

    def constants(graph):
        node = lambda name, array: graph.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
        node("shape", np.array([0, 2, 6, 6]))
        node("weights", np.linspace(-1, 1, 54, dtype=np.float32).reshape(3, 2, 3, 3))
        return graph.wire("Flatten", graph.wire("Conv", graph.wire("Reshape", "X", "shape"), "weights"))

    yield case("constant-nodes", constants, "constants that are nodes, as PyTorch writes them")


def layers():
    def gemm(name, notes, shape, bias, **attributes):
        def build(graph):
            return graph.wire("Gemm", "X", graph.weights(*shape), *([graph.weights(*bias)] if bias is not None else []), **attributes)

        return case(f"gemm-{name}", build, notes, 7)

    yield gemm("plain", "no bias", (7, 9), None)
    yield gemm("bias", "a bias a column", (7, 8), (8,))
    yield gemm("bias-row", "the same, as a row", (7, 3), (1, 3))
    yield gemm("bias-one", "one bias", (7, 17), (1,))
    yield gemm("transposed", "transB", (5, 7), (5,), transB=1)
    yield gemm("factors", "alpha and beta, which tract runs", (7, 4), (4,), alpha=0.5, beta=2.0)

    def perceptron(*names):
        def build(graph):
            x = "X"
            for width, name in zip([12, 5, 3], names):
                before = 7 if x == "X" else [12, 5][len([n for n in graph.nodes if n.op_type == "MatMul"]) - 1]
                x = graph.wire("Add", graph.wire("MatMul", x, graph.weights(before, width)), graph.weights(width))
                x = graph.wire(name, x)
            return x

        return build

    yield case("perceptron", perceptron("Tanh", "Sigmoid", "Softmax"), "tanh, sigmoid, softmax", 7)
    yield case("perceptron-11", perceptron("Relu", "Exp", "Softmax"), "ReLU, exp, softmax as it was before version 13", 7, version=11)


def arithmetic():
    def pair(name, notes, a, b, operator="Sub"):
        return case(f"arithmetic-{name}", lambda graph: graph.wire(operator, a(graph), b(graph)), notes, 6)

    x, y = (lambda graph: "X"), (lambda graph: graph.wire("Exp", "X"))
    row, one = (lambda graph: graph.weights(6)), (lambda graph: graph.constant(np.float32(3)))
    yield pair("equal", "two of one shape", x, y)
    yield pair("row", "less a row", x, row)
    yield pair("row-first", "a row less it", row, x)
    yield pair("row-of-one", "less a row of two dimensions", x, lambda graph: graph.weights(1, 6))
    yield pair("one", "over a number", x, one, "Div")
    yield pair("one-first", "a number over it", one, y, "Div")
    yield pair("column", "times a column, which tract runs", x, lambda graph: graph.wire("ReduceSum", "X", graph.constant(np.array([1])), keepdims=1), "Mul")
    yield pair("more-dimensions", "added to more dimensions", lambda graph: graph.shaped("X", 0, 2, 3), lambda graph: graph.weights(3), "Add")

    def doubles(graph):
        x = graph.wire("Sqrt", graph.wire("Exp", graph.wire("Neg", "X")))
        return {graph.wire("Mul", x, graph.constant(np.array([0.1, 2.0, 3.0]))): TensorProto.DOUBLE}

    yield case("arithmetic-doubles", doubles, "64 bits", feeds={"X": rows(3, kind=np.float64)})


def shapes():
    def joined(graph):
        numbers = graph.wire("Cast", "B", to=TensorProto.FLOAT)
        x = graph.wire("Concat", "A", numbers, "A", axis=-1)
        return {graph.wire("Cast", x, to=TensorProto.INT64): TensorProto.INT64, x: TensorProto.FLOAT}

    integers = np.random.default_rng(5).integers(-9, 9, (9, 1))
    yield case("concat-cast", joined, "columns of two types side by side, and as integers", feeds={"A": 3 * rows(2), "B": integers})
    yield case("reshape", lambda graph: graph.shaped(graph.shaped("X", -1, 3, 2), 0, -1), "there and back", 6)
    best = lambda operator, **attributes: lambda graph: {graph.wire(operator, "X", **attributes): TensorProto.INT64}
    ties = {"X": np.round(rows(5))}
    yield case("arg-max", best("ArgMax", axis=1), "keepdims, with ties", feeds=ties)
    yield case("arg-min", best("ArgMin", axis=-1, keepdims=0), "of the last axis, with ties", feeds=ties)
    yield case("softmax-axis", lambda graph: graph.wire("Softmax", graph.shaped("X", 0, 2, 3), axis=1), "of an axis that is not the last, which tract runs", 6)


def cases():
    for group in [convolutions, pools, layers, arithmetic, shapes]:
        yield from group()
