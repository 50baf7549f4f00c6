"""Exports PyTorch modules that become loops, with what ONNX Runtime answers, into the folder of this file.

    pip install torch onnx onnxruntime onnxscript
    python loops.py legacy|dynamo [NAME ...]

Not a part of the tests: PyTorch is larger than all else together. What is kept came from PyTorch 2.6 (`torch2.6-*`) and 2.15
(`torch2.15-*`), one process for each model, as ONNX Runtime crashes on a few of what 2.6 makes with its newer exporter.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class Bag(nn.Module):
    """Ids of words, five a row, put together by an embedding bag."""

    def __init__(self, mode, padding=None):
        super().__init__()
        self.bag = nn.EmbeddingBag(30, 4, mode=mode, padding_idx=padding)
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.bag(x))


class WeightedBag(Bag):
    def forward(self, x, w):
        return self.out(self.bag(x, per_sample_weights=w))


class Counted(nn.Module):
    """A loop with a state, as often as a row has columns."""

    def forward(self, x):
        y = torch.zeros_like(x)
        for i in range(x.size(1)):
            y = y + x * float(i)
        return y


class Branched(nn.Module):
    """A loop that does one thing or another, and ends early."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 3)

    def forward(self, x):
        for i in range(6):
            if i % 2 == 0:
                x = torch.tanh(self.hidden(x))
            else:
                x = x + 1.0 / (i + 1)
            if i == 4:
                break
        return x


class Listed(nn.Module):
    """A recurrent net by hand, that collects what it makes in a list."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(5, 3)
        self.out = nn.Linear(3, 2)

    def forward(self, x):
        h = x.sum(1) @ torch.zeros(2, 3)
        steps = torch.jit.annotate(list[torch.Tensor], [])
        for t in range(x.size(1)):
            h = torch.tanh(self.hidden(torch.cat([x[:, t], h], 1)))
            steps.append(self.out(h))
        return torch.stack(steps, 1)


class Until(nn.Module):
    """A loop that ends by the values."""

    def forward(self, x):
        i = 0
        while bool(x.sum() < 100) and i < 20:
            x = x * 2
            i = i + 1
        return x


def ids(rows):
    return torch.randint(0, 30, (rows, 5))


def padded(padding):
    """Half of them are padding, and all of a row's in one."""

    def made(rows):
        x = torch.where(torch.rand(rows, 5) < 0.5, padding, ids(rows))
        x[rows // 2] = padding
        return x

    return made


def table(rows):
    return torch.randn(rows, 3)


MODULES = {
    "bag-sum": (lambda: Bag("sum"), [ids]),
    "bag-mean": (lambda: Bag("mean"), [ids]),
    "bag-max": (lambda: Bag("max"), [ids]),
    "bag-weighted": (lambda: WeightedBag("sum"), [ids, lambda rows: torch.rand(rows, 5)]),
    "bag-padded-sum": (lambda: Bag("sum", padding=0), [padded(0)]),
    "bag-padded-mean": (lambda: Bag("mean", padding=0), [padded(0)]),
    "bag-padded-max": (lambda: Bag("max", padding=3), [padded(3)]),
    "loop-counted": (lambda: torch.jit.script(Counted()), [table]),
    "loop-branched": (lambda: torch.jit.script(Branched()), [table]),
    "loop-listed": (lambda: torch.jit.script(Listed()), [lambda rows: torch.randn(rows, 4, 2)]),
    "loop-until": (lambda: torch.jit.script(Until()), [table]),
}
# The version of operators, and the rows of a batch that is not open.
FORMS = {
    "legacy": {"": (17, None), "-11": (11, None), "-3": (17, 3), "-1": (17, 1)},
    "dynamo": {"": (None, None), "-3": (None, 3), "-1": (None, 1)},
}


def export(module, arguments, names, exporter, version, is_open, path):
    if exporter == "dynamo":
        rows = torch.export.Dim("N", min=2, max=1024)
        shapes = tuple({0: rows} for _ in arguments) if is_open else None
        torch.onnx.export(module, arguments, path, input_names=names, output_names=["y"], dynamic_shapes=shapes, dynamo=True)
    else:
        axes = {name: {0: "N"} for name in [*names, "y"]} if is_open else None
        torch.onnx.export(
            module, arguments, path, input_names=names, output_names=["y"], dynamic_axes=axes, opset_version=version, dynamo=False
        )
    model = onnx.load(path)
    # What the exporter tells of its own code is most of the file.
    for part in [model, model.graph, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    bare(model.graph)
    onnx.save_model(model, path, save_as_external_data=False)
    pathlib.Path(f"{path}.data").unlink(missing_ok=True)


def bare(graph):
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                del attribute.g.value_info[:]
                bare(attribute.g)


def tensor(values):
    return {"type": str(values.dtype), "shape": list(values.shape), "data": values.ravel().tolist()}


def main(exporter, *wanted):
    torch.manual_seed(0)
    version = ".".join(torch.__version__.split(".")[:2])
    for name, (make, inputs) in MODULES.items():
        if wanted and name not in wanted:
            continue
        for form, (operators, fixed) in FORMS[exporter].items():
            names = ["x", "w"][: len(inputs)]
            file = f"torch{version}-{exporter}{form}-{name}.onnx"
            path = HERE / file
            try:
                export(make().eval(), tuple(one(fixed or 3) for one in inputs), names, exporter, operators, fixed is None, str(path))
            except Exception as error:
                print(f"{file}: not exported: {str(error).strip().splitlines()[0]}", file=sys.stderr)
                path.unlink(missing_ok=True)
                continue
            session = onnxruntime.InferenceSession(path)
            cases = []
            for rows in [fixed] if fixed else [1, 4, 50]:
                feeds = {name: one(rows).numpy() for name, one in zip(names, inputs)}
                answer = np.asarray(session.run(None, feeds)[0])
                cases.append({"model": file, "inputs": {k: tensor(v) for k, v in feeds.items()}, "outputs": {"y": tensor(answer)}})
            kept = [case for case in json.loads((HERE / "cases.json").read_text()) if case["model"] != file]
            lines = ",\n".join(json.dumps(case) for case in kept + cases)
            (HERE / "cases.json").write_text(f"[\n{lines}\n]\n")
            print(file)


main(*sys.argv[1:])
