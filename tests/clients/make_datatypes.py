#!/usr/bin/env python3
"""Writes datatypes.onnx: a model with an input and an output of each datatype, which gives what it takes.

Needs the PyPI package onnx. What it wrote is committed, so the tests do not run it.
"""

import pathlib

from onnx import TensorProto, checker, helper

DATATYPES = ["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FLOAT16", "FLOAT", "DOUBLE", "STRING"]

inputs, outputs, nodes = [], [], []
for name in DATATYPES:
    datatype = getattr(TensorProto, name)
    inputs.append(helper.make_tensor_value_info(name.lower(), datatype, ["N", 2]))
    outputs.append(helper.make_tensor_value_info(f"{name.lower()}_out", datatype, ["N", 2]))
    nodes.append(helper.make_node("Identity", [name.lower()], [f"{name.lower()}_out"]))
model = helper.make_model(helper.make_graph(nodes, "datatypes", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model)
path = pathlib.Path(__file__).with_name("datatypes.onnx")
path.write_bytes(model.SerializeToString())
print(f"{path.name}: {path.stat().st_size} bytes")
