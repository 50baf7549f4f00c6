#!/usr/bin/env python3
"""Trains the two models of the `digits` endpoint and writes all that this folder holds.

Writes logistic.onnx, cnn.onnx, held-out.csv, *.expected.csv (ONNX Runtime's answers on the held-out rows),
*.check.json (some of them, which the worker has the model reproduce) and a card for each model. The same packages give
the same bytes. About two minutes on two cores.
"""

import hashlib
import json
import math
import pathlib
import subprocess
import sys
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, f1_score
from sklearn.model_selection import GridSearchCV, train_test_split

FOLDER = pathlib.Path(__file__).parent
SEED = 2026
OPSET = 17
EPOCHS, BATCH, RATE = 60, 64, 3e-3
DATA = "Optical Recognition of Handwritten Digits (UCI, test part), as scikit-learn ships it"
LICENCE = "data: CC BY 4.0 (UCI Machine Learning Repository); package: BSD-3-Clause (scikit-learn)"


def load():
    """Training and held-out rows: pixels float32 [n, 64] in 0..16, labels int64 [n]; a quarter held out, stratified."""
    digits = load_digits()
    pixels, labels = digits.data.astype(np.float32), digits.target.astype(np.int64)
    return train_test_split(pixels, labels, test_size=0.25, stratify=labels, random_state=SEED)


# --- logistic regression --------------------------------------------------------------------------------------------


def train_logistic(pixels, labels):
    """Multinomial logistic regression on pixels scaled to 0..1, its penalty chosen by 5-fold cross-validation.

    Returns weights float32 [64, 10], bias float32 [10], and the chosen C."""
    print("logistic: 5-fold cross-validation of the penalty")
    grid = {"C": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]}
    search = GridSearchCV(LogisticRegression(max_iter=5000), grid, cv=5).fit(pixels / 16, labels)
    for c, score in zip(grid["C"], search.cv_results_["mean_test_score"], strict=True):
        print(f"  C={c:<5} accuracy {score:.4f}")
    best = search.best_estimator_
    return best.coef_.T.astype(np.float32), best.intercept_.astype(np.float32), search.best_params_["C"]


# --- convolutional network ------------------------------------------------------------------------------------------


def init_cnn(key):
    """He-initialised parameters: two 3x3 convolutions (16 and 32 channels) and a dense layer [512, 10]."""
    shapes = {"conv1": (16, 1, 3, 3), "conv2": (32, 16, 3, 3), "dense": (512, 10)}
    parameters = {}
    for (name, shape), layer in zip(shapes.items(), jax.random.split(key, len(shapes)), strict=True):
        fan_in = shape[0] if name == "dense" else math.prod(shape[1:])
        parameters[name] = jax.random.normal(layer, shape) * math.sqrt(2 / fan_in)
        parameters[f"{name}_bias"] = jnp.zeros(shape[1] if name == "dense" else shape[0])
    return parameters


def cnn_logits(parameters, pixels):
    """Logits [n, 10] of pixels [n, 64] in 0..16; the same graph that `cnn_graph` writes."""
    x = (pixels / 16).reshape(-1, 1, 8, 8)
    for layer in ("conv1", "conv2"):
        x = jax.lax.conv_general_dilated(x, parameters[layer], (1, 1), "SAME")
        x = jax.nn.relu(x + parameters[f"{layer}_bias"][None, :, None, None])
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return x.reshape(x.shape[0], -1) @ parameters["dense"] + parameters["dense_bias"]


def loss(parameters, pixels, labels):
    """Mean cross-entropy with a little weight decay."""
    log_probabilities = jax.nn.log_softmax(cnn_logits(parameters, pixels))
    decay = sum(jnp.sum(parameters[name] ** 2) for name in ("conv1", "conv2", "dense"))
    return -jnp.mean(log_probabilities[jnp.arange(len(labels)), labels]) + 1e-4 * decay


@jax.jit
def adam_step(parameters, moments, step, rate, pixels, labels):
    """One step of Adam (Kingma and Ba, 2015)."""
    value, gradients = jax.value_and_grad(loss)(parameters, pixels, labels)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    update = lambda p, m, v: p - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return jax.tree.map(update, parameters, first, second), (first, second), value


def shift(images, generator):
    """Images [n, 8, 8], half of them moved by up to one pixel, so that a digit drawn off centre is still known."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    offsets = 1 + generator.integers(-1, 2, (len(images), 2)) * generator.integers(0, 2, (len(images), 1))
    return np.stack([image[y : y + 8, x : x + 8] for image, (y, x) in zip(padded, offsets, strict=True)])


def train_cnn(pixels, labels):
    """Parameters of the network, by Adam with a cosine rate, on shifted images."""
    parameters = init_cnn(jax.random.key(SEED))
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    moments, generator, step = (zeros, zeros), np.random.default_rng(SEED), 0
    batches = len(pixels) // BATCH
    for epoch in range(1, EPOCHS + 1):
        order = generator.permutation(len(pixels))
        moved = shift(pixels.reshape(-1, 8, 8), generator).reshape(-1, 64)
        losses = []
        for batch in range(batches):
            rows = order[batch * BATCH : (batch + 1) * BATCH]
            step += 1
            rate = RATE * 0.5 * (1 + math.cos(math.pi * step / (EPOCHS * batches)))
            parameters, moments, value = adam_step(parameters, moments, step, rate, moved[rows], labels[rows])
            losses.append(float(value))
        if epoch % 5 == 0:
            right = np.mean(np.argmax(cnn_logits(parameters, pixels), axis=1) == labels)
            print(f"cnn: epoch {epoch:>2} of {EPOCHS}, loss {np.mean(losses):.4f}, training accuracy {right:.4f}")
    return {name: np.asarray(value, np.float32) for name, value in parameters.items()}


# --- ONNX -----------------------------------------------------------------------------------------------------------


def model(name, nodes, initializers, what):
    """A checked model: `pixels` float32 [N, 64] in; `label` int64 [N] and `probabilities` float32 [N, 10] out.

    `nodes` end in a tensor `logits` [N, 10]. Only operators of ai.onnx, so that any runtime has them."""
    nodes = [
        helper.make_node("Div", ["pixels", "sixteen"], ["scaled"]),
        *nodes,
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
    ]
    initializers = {"sixteen": np.array(16, np.float32), **initializers}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 64])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10]),
        ],
        [numpy_helper.from_array(array, key) for key, array in initializers.items()],
        doc_string=what,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="turnout")
    helper.set_model_props(made, {"data": DATA, "licence": LICENCE})
    onnx.checker.check_model(made, full_check=True)
    return made


def logistic_graph(weights, bias):
    """The regression as a matrix product."""
    nodes = [
        helper.make_node("MatMul", ["scaled", "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "bias"], ["logits"]),
    ]
    return model("digits-logistic", nodes, {"weights": weights, "bias": bias}, "Multinomial logistic regression of 8x8 digits")


def cnn_graph(parameters):
    """The network of `cnn_logits`."""
    nodes = [helper.make_node("Reshape", ["scaled", "image_shape"], ["image0"])]
    for layer in (1, 2):
        inputs = [f"image{layer - 1}", f"conv{layer}", f"conv{layer}_bias"]
        nodes += [
            helper.make_node("Conv", inputs, [f"convolved{layer}"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"convolved{layer}"], [f"image{layer}"]),
        ]
    nodes += [
        helper.make_node("MaxPool", ["image2"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "dense", "dense_bias"], ["logits"]),
    ]
    shape = np.array([-1, 1, 8, 8], np.int64)
    return model("digits-cnn", nodes, {"image_shape": shape, **parameters}, "Convolutional network for 8x8 digits")


def answers(path, pixels):
    """ONNX Runtime's labels [n] and probabilities [n, 10]."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["label", "probabilities"], {"pixels": pixels})


def write_model(name, made, pixels, trained_probabilities):
    """Saves the model and ONNX Runtime's answers, if they are those of the framework it was trained with."""
    path = FOLDER / f"{name}.onnx"
    path.write_bytes(made.SerializeToString(deterministic=True))
    labels, probabilities = answers(path, pixels)
    worst = float(np.max(np.abs(probabilities - trained_probabilities)))
    if worst > 1e-5 or not np.array_equal(labels, np.argmax(trained_probabilities, axis=1)):
        raise SystemExit(f"{name}: ONNX Runtime differs from the trained model by {worst:.1e}")
    rows = [f"{label}," + ",".join(f"{p:.9g}" for p in row) for label, row in zip(labels, probabilities, strict=True)]
    (FOLDER / f"{name}.expected.csv").write_text("\n".join(rows) + "\n")
    check_rows = FOLDER.parent.parent / "scripts" / "check-rows.py"
    subprocess.run([sys.executable, check_rows, path, FOLDER / "held-out.csv", "--skip", "1"], check=True, stdout=subprocess.DEVNULL)
    print(f"{name}: {path.stat().st_size} bytes, within {worst:.1e} of the framework's own probabilities")
    return labels


# --- cards ----------------------------------------------------------------------------------------------------------


def wilson(right, n):
    """The 95 % Wilson score interval of a proportion (Wilson, 1927)."""
    z, p = 1.959964, right / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def mcnemar(a_right, b_right):
    """Rows that only one of two models gets right, and McNemar's exact two-sided p-value."""
    only_a, only_b = int(np.sum(a_right & ~b_right)), int(np.sum(b_right & ~a_right))
    n, k = only_a + only_b, min(only_a, only_b)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0
    return only_a, only_b, p


def write_card(name, title, trained, parameters, labels, predicted, comparison):
    """The model's card, for people."""
    path = FOLDER / f"{name}.onnx"
    right, n = int(np.sum(labels == predicted)), len(labels)
    low, high = wilson(right, n)
    matrix = confusion_matrix(labels, predicted)
    mistakes = [(int(matrix[a, b]), a, b) for a in range(10) for b in range(10) if a != b and matrix[a, b]]
    confused = ", ".join(f"{a} as {b} ({count})" for count, a, b in sorted(mistakes, reverse=True)[:6]) or "none"
    packages = ", ".join(f"{package} {version(package)}" for package in ("scikit-learn", "jax", "onnx", "onnxruntime"))
    (FOLDER / f"{name}.md").write_text(f"""# {title}

| | |
|---|---|
| file | `{name}.onnx`, {path.stat().st_size} bytes |
| SHA-256 | `{hashlib.sha256(path.read_bytes()).hexdigest()}` |
| input | `pixels`: float32 [N, 64], an 8x8 grey image row by row, 0 (paper) to 16 (ink) |
| outputs | `label`: int64 [N], 0 to 9; `probabilities`: float32 [N, 10], which sum to 1 |
| parameters | {parameters} |
| held-out accuracy | {right / n:.4f} ({right} of {n}; 95 % Wilson interval {low:.4f} to {high:.4f}) |
| macro F1 | {f1_score(labels, predicted, average="macro"):.4f} |
| most frequent mistakes | {confused} |

**Data.** {DATA}: 1,797 images of digits by 43 people, 8x8 counts of ink, ten classes. Licences: {LICENCE}. A quarter,
stratified by class, is held out (`held-out.csv`: true label, then 64 pixels); the split has seed {SEED}.

**Training.** {trained} Packages: {packages}. `train.py` makes the same file again.

**Against the other model.** {comparison}

**Limits.** It knows centred digits of this size and grey scale, and gives one of ten answers to whatever else it is shown.
The writers of the held-out rows are also in the training rows, so a new writer's digits may fare worse.
""")


def main():
    train_x, held_x, train_y, held_y = load()
    print(f"data: {len(train_x)} rows to train on, {len(held_x)} held out")
    table = np.column_stack([held_y, held_x.astype(np.int64)])
    np.savetxt(FOLDER / "held-out.csv", table, fmt="%d", delimiter=",")

    weights, bias, penalty = train_logistic(train_x, train_y)
    softmax = lambda logits: np.asarray(jax.nn.softmax(logits, axis=1))
    logistic = write_model("logistic", logistic_graph(weights, bias), held_x, softmax(held_x / 16 @ weights + bias))
    parameters = train_cnn(train_x, train_y)
    cnn = write_model("cnn", cnn_graph(parameters), held_x, softmax(cnn_logits(parameters, held_x)))

    only_logistic, only_cnn, p = mcnemar(logistic == held_y, cnn == held_y)
    comparison = (
        f"Of the held-out rows, {only_cnn} are right with the network only and {only_logistic} with the regression only "
        f"(McNemar's exact test: p = {p:.2g}); they give different labels on {int(np.sum(logistic != cnn))}."
    )
    write_card("logistic", "Logistic regression of handwritten digits",
               f"Multinomial logistic regression on pixels / 16, L2 penalty C = {penalty} by 5-fold cross-validation.",
               weights.size + bias.size, held_y, logistic, comparison)
    write_card("cnn", "Convolutional network for handwritten digits",
               f"Two 3x3 convolutions (16, 32 channels) with ReLU, 2x2 max pooling, one dense layer; Adam, {EPOCHS} epochs of "
               f"batches of {BATCH}, cosine rate from {RATE}, weight decay 1e-4, half of the images shifted by up to a pixel.",
               sum(value.size for value in parameters.values()), held_y, cnn, comparison)
    print(json.dumps({"logistic": float(np.mean(logistic == held_y)), "cnn": float(np.mean(cnn == held_y))}))


if __name__ == "__main__":
    main()
