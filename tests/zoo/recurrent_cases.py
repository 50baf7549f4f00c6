"""Recurrent networks: of one operator, and as PyTorch's two exporters write them."""

import numpy as np

from network_cases import case

STEPS, WIDTH, HIDDEN = 6, 4, 3
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def sequences(count=7, seed=5):
    return {"X": np.random.default_rng(seed).normal(0, 1, (count, STEPS, WIDTH)).astype(np.float32)}


def weights(graph, operator, directions=1, width=WIDTH):
    """W, R and B, as the operators take them."""
    gates = GATES[operator] * HIDDEN
    return [graph.weights(directions, gates, width), graph.weights(directions, gates, HIDDEN), graph.weights(directions, 2 * gates)]


def recurrent(name, build, notes, version=17):
    return case(f"recurrent-{name}", build, f"{notes}, which tract runs a row at a time", version=version, feeds=sequences())


def integers(graph, *values):
    return graph.constant(np.array(values, np.int64))


def head(graph, last, directions=1):
    """The last state of each direction, [directions, N, hidden], as two numbers a row."""
    rows = graph.wire("Flatten", graph.wire("Transpose", last, perm=[1, 0, 2]))
    return graph.wire("MatMul", rows, graph.weights(directions * HIDDEN, 2))


def plain(operator, direction, **attributes):
    directions = 2 if direction == "bidirectional" else 1

    def build(graph):
        time_first = graph.wire("Transpose", "X", perm=[1, 0, 2])
        inputs = [time_first, *weights(graph, operator, directions)]
        graph.wire(operator, *inputs, hidden_size=HIDDEN, direction=direction, **attributes)
        graph.nodes[-1].output[:] = ["", "last"]
        return head(graph, "last", directions)

    return build


def all_steps(operator):
    def build(graph):
        time_first = graph.wire("Transpose", "X", perm=[1, 0, 2])
        steps = graph.wire(operator, time_first, *weights(graph, operator), hidden_size=HIDDEN)
        return graph.wire("Transpose", graph.wire("Squeeze", steps, integers(graph, 1)), perm=[1, 0, 2])

    return build


def first_state(graph, exporter, directions):
    """Noughts [directions, N, hidden], by the shape of X."""
    if exporter == "legacy":
        count = graph.wire("Gather", graph.wire("Shape", "X"), graph.constant(np.array(0, np.int64)), axis=0)
        count = graph.wire("Unsqueeze", count, integers(graph, 0))
        return graph.wire("ConstantOfShape", graph.wire("Concat", integers(graph, directions), count, integers(graph, HIDDEN), axis=0))
    count = graph.wire("Shape", "X", start=0, end=1)
    shape = graph.wire("Concat", integers(graph, directions), count, integers(graph, HIDDEN), axis=0)
    return graph.wire("Expand", graph.constant(np.array(0, np.float32)), shape)


def exported(operator, exporter, layers=1, directions=1):
    def build(graph):
        direction = "bidirectional" if directions == 2 else "forward"
        states = [first_state(graph, exporter, directions * layers)] * (2 if operator == "LSTM" else 1)
        values, width = graph.wire("Transpose", "X", perm=[1, 0, 2]), WIDTH
        for layer in range(layers):
            part = [integers(graph, layer * directions), integers(graph, (layer + 1) * directions), integers(graph, 0)]
            own = [graph.wire("Slice", state, *part) for state in states] if layers > 1 else states
            inputs = [values, *weights(graph, operator, directions, width), "", *own]
            how = {"linear_before_reset": 1} if operator == "GRU" else {}
            steps = graph.wire(operator, *inputs, hidden_size=HIDDEN, direction=direction, **how)
            values = graph.wire("Reshape", graph.wire("Transpose", steps, perm=[0, 2, 1, 3]), integers(graph, 0, 0, -1))
            width = directions * HIDDEN
        rows = graph.wire("Transpose", values, perm=[1, 0, 2])
        last = graph.wire("Gather", rows, graph.constant(np.array(-1, np.int64)), axis=1)
        return graph.wire("Gemm", last, graph.weights(2, width), graph.weights(2), transB=1)

    return build


def unrolled(graph):
    """An RNN of PyTorch, step by step, as its exporter by dynamo writes it."""
    state = graph.wire("Squeeze", first_state(graph, "dynamo", 1), integers(graph, 0))
    mine, before = graph.weights(WIDTH, HIDDEN), graph.weights(HIDDEN, HIDDEN)
    steps = graph.wire("Transpose", "X", perm=[1, 0, 2])
    for step in range(STEPS):
        one = graph.wire("Slice", steps, integers(graph, step), integers(graph, step + 1), integers(graph, 0))
        one = graph.wire("MatMul", graph.wire("Squeeze", one, integers(graph, 0)), mine)
        state = graph.wire("Tanh", graph.wire("Add", one, graph.wire("MatMul", state, before)))
    return graph.wire("MatMul", state, graph.weights(HIDDEN, 2))


def rows_as_time(operator):
    """X of [N, 6, 4] without a Transpose: a row is a step, and goes on from the one before it."""

    def build(graph):
        graph.wire(operator, "X", *weights(graph, operator), hidden_size=HIDDEN)
        return graph.wire("Flatten", f"v{len(graph.nodes) - 1}")

    return build


def cases():
    for operator in GATES:
        for direction in ["forward", "bidirectional"]:
            yield recurrent(f"{operator.lower()}-{direction}", plain(operator, direction), direction)
        yield recurrent(f"{operator.lower()}-steps", all_steps(operator), "all steps")
        yield recurrent(f"{operator.lower()}-rows-as-time", rows_as_time(operator), "a row is a step of one sequence")
        for exporter in ["legacy", "dynamo"]:
            yield recurrent(f"{operator.lower()}-{exporter}", exported(operator, exporter), f"as PyTorch's {exporter} exporter writes it")
        two = exported(operator, "legacy", layers=2, directions=2)
        yield recurrent(f"{operator.lower()}-legacy-two-layers", two, "two layers, bidirectional")
    yield recurrent("gru-reset-after", plain("GRU", "forward", linear_before_reset=1), "linear_before_reset")
    yield recurrent("rnn-unrolled", unrolled, "a step after the other, as PyTorch's dynamo exporter writes it", version=18)
