#!/usr/bin/env python3
"""Makes the models of this folder that are made by rule: some hundred bytes that ask for far more than there is. The
others were found, and are kept as they were."""

import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent
WIDE = 2**32


def integers(*values):
    return np.array(values, np.int64)


def node(operator, inputs, outputs="Y", **attributes):
    return helper.make_node(operator, inputs.split(","), outputs.split(","), **attributes)


def save(name, nodes, constants=None, shape=(None, 2), kind=TensorProto.FLOAT, version=17):
    given = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    x, y = helper.make_tensor_value_info("X", kind, shape), helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "graph", [x], [y], given)
    opsets = [helper.make_opsetid("", version), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def sizes():
    save("conv-pads", [node("Conv", "X,W", pads=[1000000] * 4)], {"W": np.ones((1, 1, 3, 3), np.float32)}, (None, 1, 4, 4))
    save("pad", [node("Pad", "X,pads")], {"pads": integers(0, 0, 0, 2000000000)})
    save("expand", [node("Expand", "X,shape")], {"shape": integers(50000, 50000, 2)}, (None, 1, 2))
    wide = [node("Expand", "X,shape", "a"), node("Sin", "a", "b"), node("Cos", "a", "c"), node("Add", "b,c", "d"), node("Mul", "d,a")]
    save("many-values", wide, {"shape": integers(1, 10000000, 1)}, (None, 1, 1))
    save("resize", [node("Resize", "X,,scales", mode="nearest")], {"scales": np.array([1, 1, 5000, 5000], np.float32)}, (None, 1, 4, 4))
    save("one-hot-depth", [node("OneHot", "X,depth,values")], {"depth": integers(2000000000), "values": np.array([0, 1], np.float32)}, kind=TensorProto.INT64)
    squared = [node("Mul", "a,a", "b"), node("Cast", "b", "c", to=TensorProto.INT64), node("ConstantOfShape", "c", "d"), node("ReduceSum", "d", "e"), node("Add", "X,e")]
    save("computed-size", squared, {"a": np.array([40000], np.float32)})
    by_value = [node("Cast", "X", "x", to=TensorProto.INT64), node("ReduceMax", "x", "m", axes=[0], keepdims=0), node("Tile", "X,m")]
    save("tile-by-value", by_value)
    save("features", [helper.make_node("FeatureVectorizer", ["X"], ["Y"], domain="ai.onnx.ml", inputdimensions=[2000000000])])


def ranges():
    def ranged(name, start, end, step):
        nodes = [node("Range", "start,end,step", "r"), node("Cast", "r", "f", to=TensorProto.FLOAT), node("ReduceMax", "f", "m", keepdims=0), node("Add", "X,m")]
        save(name, nodes, {"start": start, "end": end, "step": step})

    ranged("range-long", np.int64(0), np.int64(10**9), np.int64(1))
    ranged("range-fine", np.float32(0), np.float32(1e9), np.float32(1e-9))
    nodes = [node("ReduceMax", "X", "end", keepdims=0), node("Range", "start,end,step", "r"), node("ReduceMax", "r", "m", keepdims=0), node("Add", "X,m")]
    save("range-by-value", nodes, {"start": np.float32(0), "step": np.float32(1e-9)})


def work():
    outer = [node("Transpose", "X", "t", perm=[0, 2, 1]), node("MatMul", "t,X", "a"), node("MatMul", "a,a", "b"), node("MatMul", "b,b", "c"), node("ReduceSum", "c")]
    save("matrices", outer, shape=(None, 1, 3000))
    save("pool", [node("MaxPool", "X", kernel_shape=[2000000000] * 2, pads=[1000000000] * 4)], shape=(None, 1, 4, 4))
    count = 3000
    attributes = {
        "nodes_featureids": [0] * count, "nodes_truenodeids": [0] * count, "nodes_trueleafs": [1] * count,
        "nodes_falsenodeids": [*range(1, count), 0], "nodes_falseleafs": [0] * (count - 1) + [1],
        "nodes_splits": numpy_helper.from_array(np.arange(count, dtype=np.float32)),
        "nodes_modes": numpy_helper.from_array(np.full(count, 4, np.uint8)),
        "tree_roots": list(range(count)), "leaf_targetids": [0], "leaf_weights": numpy_helper.from_array(np.ones(1, np.float32)), "n_targets": 1,
    }
    save("chains", [helper.make_node("TreeEnsemble", ["X"], ["Y"], domain="ai.onnx.ml", **attributes)])


def beyond_32_bits():
    save("reshape-wide", [node("Reshape", "X,shape")], {"shape": integers(-1, WIDE + 2)})
    save("split-wide", [node("Split", "X,sizes", "Y,Z", axis=1)], {"sizes": integers(WIDE + 1, 1)})
    save("top-wide", [node("TopK", "X,count", "Y,Z")], {"count": integers(WIDE + 1)})
    save("unsqueeze-wide", [node("Unsqueeze", "X,axes")], {"axes": integers(WIDE)})
    save("cast-wide", [node("Cast", "X", "x", to=TensorProto.INT64), node("Cast", "x", to=TensorProto.FLOAT)], shape=(None, 1), kind=TensorProto.DOUBLE)
    # What exporters write for "to the end".
    save("slice-to-the-end", [node("Slice", "X,start,end,axis")], {"start": integers(1), "end": integers(2**63 - 1), "axis": integers(1)})
    save("slice-to-the-end-9", [node("Slice", "X", axes=[1], starts=[1], ends=[2**63 - 1])], version=9)


def values():
    table = np.ones((10, 4), np.float32)
    save("gather-nd", [node("GatherND", "table,X")], {"table": table}, (None, 1), TensorProto.INT64)
    save("gather-elements", [node("GatherElements", "table,X", axis=0)], {"table": np.ones((10, 1), np.float32)}, (None, 1), TensorProto.INT64)
    save("modulo", [node("Mod", "five,X", "m"), node("Cast", "m", to=TensorProto.FLOAT)], {"five": integers(5)}, (None, 1), TensorProto.INT64)
    save("divide", [node("Div", "X,nought", "d"), node("Cast", "d", to=TensorProto.FLOAT)], {"nought": integers(0)}, (None, 1), TensorProto.INT64)


def hungry():
    """Not for this folder, as it is no mistake: 16 MB a row, which is more than an end-to-end test gives."""
    nodes = [node("Tile", "X,repeats", "wide"), node("ReduceMax", "wide", axes=[1], keepdims=1)]
    save("../e2e/models/hungry", nodes, {"repeats": integers(1, 62500)}, (None, 64))


if __name__ == "__main__":
    sizes()
    ranges()
    work()
    beyond_32_bits()
    values()
    hungry()
