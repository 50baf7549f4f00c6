#!/usr/bin/env python3
"""Trains the model of the benchmark: 500 XGBoost trees of depth 6 on 20 features, two classes. Writes model.onnx, rows.bin
(1,000 rows of 32-bit numbers) and expected.bin (ONNX Runtime's probabilities) into the folder given."""

import pathlib
import sys

import numpy as np
import onnxruntime
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import make_classification
from xgboost import XGBClassifier

TREES, DEPTH, FEATURES, ROWS = 500, 6, 20, 1000


def main():
    folder = pathlib.Path(sys.argv[1])
    x, y = make_classification(30_000, FEATURES, n_informative=12, flip_y=0.1, random_state=1)
    x = x.astype(np.float32)
    print(f"[bench] training {TREES} trees of depth {DEPTH}")
    # A base score of one half is no base value, which tract's own operator would not take.
    # min_child_weight 0 and no gain asked for: trees are as full as their depth lets them.
    model = XGBClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=0.05, min_child_weight=0, base_score=0.5, n_jobs=2
    )
    model.fit(x[ROWS:], y[ROWS:])
    converted = convert_xgboost(model, initial_types=[("X", FloatTensorType([None, FEATURES]))], target_opset=15)
    (trees,) = (node for node in converted.graph.node if node.op_type == "TreeEnsembleClassifier")
    nodes = next(len(attribute.ints) for attribute in trees.attribute if attribute.name == "nodes_nodeids")
    (folder / "model.onnx").write_bytes(converted.SerializeToString())
    rows = np.ascontiguousarray(x[:ROWS])
    (folder / "rows.bin").write_bytes(rows.tobytes())
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (folder / "expected.bin").write_bytes(session.run(["probabilities"], {"X": rows})[0].tobytes())
    print(f"[bench] {nodes} nodes, {(folder / 'model.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
