"""Graphs of one node, for what no converter writes: every attribute and type of the operators of ai.onnx.ml."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from record import Case

ML = "ai.onnx.ml"
TYPES = {
    "float32": (TensorProto.FLOAT, np.float32),
    "float64": (TensorProto.DOUBLE, np.float64),
    "int64": (TensorProto.INT64, np.int64),
    "string": (TensorProto.STRING, object),
}


def graph(operator, feeds, outputs, attributes, version=3, initializers=(), inputs=None):
    """A model of one node. Types are named as numpy names them; each feed is [rows, width]."""
    kind = lambda array: TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
    infos = [helper.make_tensor_value_info(name, kind(feed), [None, *feed.shape[1:]]) for name, feed in feeds.items()]
    results = [helper.make_tensor_value_info(name, TYPES[of][0], None) for name, of in outputs.items()]
    node = helper.make_node(operator, inputs or list(feeds), list(outputs), domain=ML, name="node", **attributes)
    if operator == "ZipMap":
        of_map = helper.make_map_type_proto(attributes_key(attributes), helper.make_tensor_type_proto(TensorProto.FLOAT, []))
        results = [helper.make_value_info("Z", helper.make_sequence_type_proto(of_map))]
    made = helper.make_graph([node], "graph", infos, results, list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, version)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def attributes_key(attributes):
    return TensorProto.INT64 if "classlabels_int64s" in attributes else TensorProto.STRING


def case(name, operator, feeds, outputs, notes="", version=3, initializers=(), inputs=None, **attributes):
    make = lambda: (graph(operator, feeds, outputs, attributes, version, initializers, inputs), feeds, [])
    return Case(f"operator-{name}", operator, "hand-made", operator, "operator", notes, make)


def numbers(width, rows=60, missing=False, seed=1, kind=np.float32):
    """Rows of numbers in halves, so that many stand exactly at thresholds."""
    generator = np.random.default_rng(seed)
    table = (generator.integers(-6, 7, (rows, width)) / 2).astype(kind)
    return np.where(generator.random(table.shape) < 0.15, kind(np.nan), table) if missing else table


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def trees(prefix, modes, targets, count=7, features=4, tracks=False, positive=False, only=None, double=False, seed=2):
    """Attributes of random complete trees of depth 3; a leaf has a weight for each target, or for `only` one."""
    generator = np.random.default_rng(seed)
    found = {f"nodes_{name}": [] for name in ["treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids"]}
    missing, leaves = [], {name: [] for name in ["treeids", "nodeids", "ids", "weights"]}
    for number in range(count):
        for node in range(15):
            branch = node < 7
            found["nodes_treeids"].append(number)
            found["nodes_nodeids"].append(node)
            found["nodes_featureids"].append(int(generator.integers(features)) if branch else 0)
            found["nodes_modes"].append(modes[generator.integers(len(modes))] if branch else "LEAF")
            found["nodes_values"].append(float(generator.integers(-4, 5) / 2) if branch else 0.0)
            found["nodes_truenodeids"].append(2 * node + 1 if branch else 0)
            found["nodes_falsenodeids"].append(2 * node + 2 if branch else 0)
            missing.append(int(generator.integers(2)) if branch else 0)
            for target in [] if branch else range(targets) if only is None else [only]:
                weight = generator.random() / count if positive else generator.normal()
                for key, value in zip(leaves, [number, node, target, float(np.float32(weight))], strict=True):
                    leaves[key].append(value)
    if tracks:
        found["nodes_missing_value_tracks_true"] = missing
    found |= {f"{prefix}_{key}": value for key, value in leaves.items()}
    if double:
        for name in ["nodes_values", f"{prefix}_weights"]:
            found[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(found.pop(name)), f"{name}_as_tensor")
    return found


def regressors():
    leq, x = ["BRANCH_LEQ"], {"X": numbers(4)}
    out = {"Y": "float32"}
    tree = lambda name, notes="", feeds=x, **attributes: case(
        f"tree-regressor-{name}", "TreeEnsembleRegressor", feeds, out, notes, **attributes)
    for mode in MODES:
        yield tree(mode.lower(), mode, n_targets=1, **trees("target", [mode], 1))
    missing = {"X": numbers(4, missing=True)}
    yield tree("modes-missing", "all modes, missing values", missing, n_targets=1, **trees("target", MODES, 1))
    yield tree("modes-tracked", "all modes, missing values tracked", missing, n_targets=1, **trees("target", MODES, 1, tracks=True))
    yield tree("leq-tracked", "missing values tracked", missing, n_targets=2, **trees("target", leq, 2, tracks=True))
    for aggregate in ["SUM", "AVERAGE", "MIN", "MAX"]:
        for targets in [1, 3]:
            yield tree(f"{aggregate.lower()}-{targets}", f"{aggregate}, {targets} targets, base values", n_targets=targets,
                       aggregate_function=aggregate, base_values=[0.5, -1.0, 2.0][:targets], **trees("target", leq, targets))
    for transform in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]:
        share = dict(positive=True, seed=4)
        yield tree(f"{transform.lower()}-3", f"{transform}, 3 targets", n_targets=3, post_transform=transform, **trees("target", leq, 3, **share))
        yield tree(f"{transform.lower()}-1", f"{transform}, 1 target", n_targets=1, post_transform=transform, **trees("target", leq, 1, **share))
    yield tree("sparse", "targets without weights", n_targets=3, aggregate_function="MAX", **trees("target", leq, 3, only=1))
    yield tree("double", "float64 input", {"X": numbers(4, kind=np.float64)}, n_targets=1, **trees("target", MODES, 1))
    yield tree("double-tensors", "float64 attributes", {"X": numbers(4, kind=np.float64)}, n_targets=2, **trees("target", MODES, 2, double=True))
    yield tree("integers", "integer input", {"X": np.random.default_rng(1).integers(-3, 4, (60, 4))}, n_targets=1, **trees("target", MODES, 1))


def classifiers():
    leq, x = ["BRANCH_LEQ"], {"X": numbers(4)}
    tree = lambda name, notes="", labels="int64", feeds=x, **attributes: case(
        f"tree-classifier-{name}", "TreeEnsembleClassifier", feeds, {"Y": labels, "Z": "float32"}, notes, **attributes)
    for positive in [True, False]:
        sign = "positive" if positive else "mixed"
        for only in [0, 1]:
            for base in [[], [0.1], [0.1, 0.2]]:
                for transform in ["NONE", "LOGISTIC"]:
                    yield tree(f"binary-{sign}-{only}-{len(base)}-{transform.lower()}",
                               f"{sign} weights of class {only}, {len(base)} base values, {transform}", classlabels_int64s=[0, 1],
                               post_transform=transform, **({"base_values": base} if base else {}),
                               **trees("class", leq, 2, only=only, positive=positive))
        yield tree(f"binary-{sign}-both", f"{sign} weights of both classes", classlabels_int64s=[0, 1], **trees("class", leq, 2, positive=positive))
    yield tree("binary-labels", "labels 3 and 7", classlabels_int64s=[3, 7], **trees("class", leq, 2, only=0))
    yield tree("binary-labels-both", "labels 3 and 7, weights of both classes", classlabels_int64s=[3, 7], **trees("class", leq, 2))
    yield tree("binary-strings", "string labels", "string", classlabels_strings=["no", "yes"], **trees("class", leq, 2, only=0))
    yield tree("binary-strings-both", "string labels, weights of both classes", "string", classlabels_strings=["no", "yes"], **trees("class", leq, 2))
    yield tree("binary-probit", "PROBIT", classlabels_int64s=[0, 1], post_transform="PROBIT", **trees("class", leq, 2, only=0, positive=True))
    for transform in ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]:
        yield tree(f"multi-{transform.lower()}", transform, classlabels_int64s=[4, 5, 6], post_transform=transform,
                   **trees("class", leq, 3, positive=transform == "PROBIT"))
    yield tree("multi-base", "base values", classlabels_int64s=[0, 1, 2], base_values=[0.3, 0.0, -0.3], **trees("class", leq, 3))
    yield tree("multi-strings", "string labels, missing values", "string", {"X": numbers(4, missing=True)}, classlabels_strings=["a", "b", "c"],
               **trees("class", MODES, 3, tracks=True))
    yield tree("multi-sparse", "a class without weights", classlabels_int64s=[0, 1, 2], **trees("class", leq, 3, only=2))
    yield tree("double", "float64 attributes", feeds={"X": numbers(4, kind=np.float64)}, classlabels_int64s=[0, 1, 2], **trees("class", MODES, 3, double=True))
    yield tree("integers", "integer input", feeds={"X": np.random.default_rng(1).integers(-3, 4, (60, 4))}, classlabels_int64s=[0, 1, 2], **trees("class", leq, 3))


def ensembles():
    """TreeEnsemble, of version 5."""

    def attributes(kind, modes, targets=2, aggregate=1, transform=0, count=5, members=False, seed=6):
        generator = np.random.default_rng(seed)
        tensor = lambda name, values, of: numpy_helper.from_array(np.array(values, of), name)
        found = {name: [] for name in ["featureids", "truenodeids", "trueleafs", "falsenodeids", "falseleafs", "missing_value_tracks_true"]}
        splits, codes, sets, weights, leaf_targets, roots = [], [], [], [], [], []
        for _ in range(count):
            first, first_leaf = len(splits), len(weights)
            roots.append(first)
            for node in range(7):
                inner = node < 3
                found["featureids"].append(int(generator.integers(4)))
                codes.append(int(modes[generator.integers(len(modes))]))
                splits.append(generator.integers(-4, 5) / 2)
                if codes[-1] == 6:
                    sets += [*generator.choice([0.0, 1.0, 2.0, 3.0, -1.0], 2, replace=False), np.nan]
                for side, name in enumerate(["true", "false"]):
                    child = first + 2 * node + 1 + side if inner else first_leaf + 2 * (node - 3) + side
                    found[f"{name}nodeids"].append(child)
                    found[f"{name}leafs"].append(0 if inner else 1)
                found["missing_value_tracks_true"].append(int(generator.integers(2)))
            weights += list(generator.normal(size=8))
            leaf_targets += [int(target) for target in generator.integers(0, targets, 8)]
        attributes = {f"nodes_{name}": values for name, values in found.items()}
        attributes |= {"nodes_splits": tensor("splits", splits, kind), "nodes_modes": tensor("modes", codes, np.uint8),
                       "leaf_weights": tensor("weights", weights, kind), "leaf_targetids": leaf_targets, "tree_roots": roots,
                       "n_targets": targets, "aggregate_function": aggregate, "post_transform": transform}
        if sets:
            attributes["membership_values"] = tensor("members", sets, kind)
        return attributes

    def ensemble(name, notes, kind=np.float32, **how):
        # Whole numbers for sets: ONNX Runtime takes a fraction for a member if its whole part is, the specification not.
        table = numbers(4, missing=True, kind=kind)
        feeds = {"X": np.trunc(table) if 6 in how["modes"] else table}
        return case(f"tree-ensemble-{name}", "TreeEnsemble", feeds, {"Y": np.dtype(kind).name}, notes, 5, **attributes(kind, **how))

    yield ensemble("modes", "all modes but membership", modes=range(6))
    yield ensemble("members", "membership", modes=[0, 6])
    yield ensemble("double", "float64", np.float64, modes=range(7), targets=1)
    for number, name in enumerate(["average", "sum", "min", "max"]):
        yield ensemble(name, name.upper(), modes=[0], aggregate=number, targets=1)
    for number, name in [(1, "softmax"), (2, "logistic")]:
        yield ensemble(name, name.upper(), modes=[0], transform=number)


def linear():
    generator = np.random.default_rng(8)
    weights = lambda rows: [float(value) for value in generator.normal(size=4 * rows).astype(np.float32)]
    x = {"X": numbers(4)}
    classifier = lambda name, notes, labels="int64", feeds=x, **attributes: case(
        f"linear-classifier-{name}", "LinearClassifier", feeds, {"Y": labels, "Z": "float32"}, notes, **attributes)
    regressor = lambda name, notes, **attributes: case(f"linear-regressor-{name}", "LinearRegressor", x, {"Y": "float32"}, notes, **attributes)
    yield classifier("one-row", "one row of weights, two labels", coefficients=weights(1), intercepts=[0.1], classlabels_ints=[3, 7])
    yield classifier("one-row-logistic", "one row of weights, LOGISTIC", coefficients=weights(1), intercepts=[0.1], classlabels_ints=[0, 1], post_transform="LOGISTIC")
    for transform in ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
        yield classifier(f"multi-{transform.lower()}", transform, coefficients=weights(3), intercepts=[0.1, 0.0, -0.1], classlabels_ints=[2, 4, 6], post_transform=transform)
    yield classifier("strings", "string labels", "string", coefficients=weights(2), intercepts=[0.1, -0.1], classlabels_strings=["no", "yes"], post_transform="SOFTMAX")
    yield classifier("double", "float64 input", feeds={"X": numbers(4, kind=np.float64)}, coefficients=weights(2), intercepts=[0.0, 0.2], classlabels_ints=[0, 1])
    yield classifier("integers", "integer input", feeds={"X": generator.integers(-4, 5, (30, 4))}, coefficients=weights(2), intercepts=[0.0, 0.2], classlabels_ints=[0, 1])
    yield regressor("plain", "", coefficients=weights(1), intercepts=[1.5], targets=1)
    yield regressor("no-intercepts", "no intercepts", coefficients=weights(1), targets=1)
    yield regressor("three", "3 targets", coefficients=weights(3), intercepts=[1.5, 0.0, -2.0], targets=3)
    yield regressor("softmax", "3 targets, SOFTMAX", coefficients=weights(3), intercepts=[1.5, 0.0, -2.0], targets=3, post_transform="SOFTMAX")
    yield regressor("logistic-1", "1 target, LOGISTIC", coefficients=weights(1), intercepts=[1.5], targets=1, post_transform="LOGISTIC")


def machines():
    generator = np.random.default_rng(9)
    floats = lambda count: [float(value) for value in generator.normal(size=count).astype(np.float32)]
    x, out = {"X": numbers(4)}, {"Y": "int64", "Z": "float32"}
    classifier = lambda name, notes, outputs=out, **attributes: case(f"svm-classifier-{name}", "SVMClassifier", x, outputs, notes, **attributes)
    regressor = lambda name, notes, **attributes: case(f"svm-regressor-{name}", "SVMRegressor", x, {"Y": "float32"}, notes, **attributes)
    params = [0.3, 0.5, 3.0]
    for kernel in ["LINEAR", "POLY", "RBF", "SIGMOID"]:
        yield classifier(f"{kernel.lower()}", f"{kernel}, 3 classes", kernel_type=kernel, kernel_params=params, vectors_per_class=[3, 2, 4],
                         support_vectors=floats(36), coefficients=floats(18), rho=floats(3), classlabels_ints=[1, 2, 3])
        yield regressor(f"{kernel.lower()}", kernel, kernel_type=kernel, kernel_params=params, n_supports=5, support_vectors=floats(20), coefficients=floats(5), rho=[0.3])
    two = dict(kernel_type="RBF", kernel_params=params, vectors_per_class=[3, 2], support_vectors=floats(20), coefficients=floats(5), rho=floats(1))
    yield classifier("binary", "2 classes", classlabels_ints=[3, 7], **two)
    yield classifier("binary-logistic", "2 classes, LOGISTIC", classlabels_ints=[0, 1], post_transform="LOGISTIC", **two)
    yield classifier("binary-probabilities", "2 classes, probabilities", classlabels_ints=[3, 7], prob_a=[-1.2], prob_b=[0.1], **two)
    yield classifier("strings", "string labels", {"Y": "string", "Z": "float32"}, classlabels_strings=["no", "yes"], **two)
    yield classifier("probabilities", "3 classes, probabilities", kernel_type="RBF", kernel_params=params, vectors_per_class=[3, 2, 4], support_vectors=floats(36),
                     coefficients=floats(18), rho=floats(3), prob_a=[-1.0, -2.0, -1.5], prob_b=[0.1, 0.0, -0.1], classlabels_ints=[0, 1, 2])
    yield classifier("no-vectors", "no support vectors, 3 classes", kernel_type="LINEAR", kernel_params=params, coefficients=floats(12), rho=[0.2], classlabels_ints=[0, 1, 2])
    yield classifier("no-vectors-binary", "no support vectors, 2 classes", kernel_type="LINEAR", kernel_params=params, coefficients=floats(8), rho=[0.2], classlabels_ints=[0, 1])
    yield classifier("no-vectors-softmax", "no support vectors, SOFTMAX", kernel_type="LINEAR", kernel_params=params, coefficients=floats(12), rho=[0.2], classlabels_ints=[0, 1, 2], post_transform="SOFTMAX")
    yield regressor("one-class", "one_class", kernel_type="RBF", kernel_params=params, n_supports=5, support_vectors=floats(20), coefficients=floats(5), rho=[0.3], one_class=1)
    yield regressor("no-vectors", "no support vectors", kernel_type="LINEAR", kernel_params=params, coefficients=floats(4), rho=[0.3])


def preprocessing():
    x, nan, double = {"X": numbers(4)}, {"X": numbers(4, missing=True)}, {"X": numbers(4, kind=np.float64)}
    integers = {"X": np.random.default_rng(1).integers(-3, 4, (60, 4))}
    float_out = {"Y": "float32"}
    for name, feeds in [("float", x), ("double", double), ("integers", integers)]:
        yield case(f"scaler-{name}", "Scaler", feeds, float_out, name, offset=[0.5, 1.0, -2.0, 0.1], scale=[2.0, 0.5, 1.0, 0.3])
        for norm in ["MAX", "L1", "L2"]:
            zeros = {"X": np.vstack([feeds["X"], np.zeros((1, 4), feeds["X"].dtype)])}
            yield case(f"normalizer-{norm.lower()}-{name}", "Normalizer", zeros, float_out, f"{norm}, {name}", norm=norm)
    yield case("scaler-one", "Scaler", x, float_out, "one scale for all", offset=[0.5], scale=[2.0])
    yield case("imputer-nan", "Imputer", nan, float_out, "NaN, a value a feature", imputed_value_floats=[1.0, 2.0, 3.0, 4.0], replaced_value_float=float("nan"))
    yield case("imputer-number", "Imputer", x, float_out, "a number, one value", imputed_value_floats=[9.0], replaced_value_float=0.5)
    yield case("imputer-integers", "Imputer", integers, {"Y": "int64"}, "integers", imputed_value_int64s=[7, 8, 9, 10], replaced_value_int64=2)
    yield case("binarizer", "Binarizer", x, float_out, "", threshold=0.5)


def encoders():
    words = np.array([["a", "b"], ["c", "?"], ["b", "a"], ["", "c"]], dtype=object)
    integers = np.array([[1, 2], [3, 9], [-5, 1], [2, 2]])
    floats = np.array([[1.0, 2.5], [np.nan, 9.0], [-0.0, 0.0], [2.5, 1.0]], np.float32)
    of = {"strings": words, "int64s": integers, "floats": floats}
    keys = {"strings": ["a", "b", "c"], "int64s": [1, 2, 3], "floats": [1.0, 2.5, 0.0]}
    values = {"strings": ["x", "y", "z"], "int64s": [10, 20, 30], "floats": [0.5, 1.5, 2.5]}
    kinds = {"strings": "string", "int64s": "int64", "floats": "float32"}
    for source in keys:
        for target in values:
            attributes = {f"keys_{source}": keys[source], f"values_{target}": values[target]}
            out = {"Y": kinds[target]}
            yield case(f"label-encoder-{source}-{target}", "LabelEncoder", {"X": of[source]}, out, f"{source} to {target}", 2, **attributes)
    defaults = {"default_string": "none", "default_int64": 99, "default_float": -9.5}
    for target in values:
        attributes = {"keys_strings": keys["strings"], f"values_{target}": values[target], **defaults}
        yield case(f"label-encoder-default-{target}", "LabelEncoder", {"X": words}, {"Y": kinds[target]}, f"default of {target}", 2, **attributes)
    nan = {"keys_floats": [1.0, float("nan")], "values_int64s": [1, 2]}
    yield case("label-encoder-nan-2", "LabelEncoder", {"X": floats}, {"Y": "int64"}, "NaN as a key, version 2", 2, **nan)
    yield case("label-encoder-nan-4", "LabelEncoder", {"X": floats}, {"Y": "int64"}, "NaN as a key, version 4", 4, **nan)
    tensor = lambda name, values: numpy_helper.from_array(np.array(values), name)
    yield case("label-encoder-tensors", "LabelEncoder", {"X": integers.astype(np.float64)}, {"Y": "float64"}, "tensors of float64, version 4", 4,
               keys_tensor=tensor("keys", [1.0, 2.0]), values_tensor=tensor("values", [0.25, 0.75]), default_tensor=tensor("default", [-1.0]))
    yield case("label-encoder-1-strings", "LabelEncoder", {"X": words}, {"Y": "int64"}, "version 1", 1, classes_strings=["a", "b", "c"])
    yield case("label-encoder-1-integers", "LabelEncoder", {"X": integers}, {"Y": "string"}, "version 1", 1, classes_strings=["a", "b", "c"])
    cats = dict(cats_strings=["a", "b", "c"], cats_int64s=[1, 2, 3], default_string="none", default_int64=-7)
    yield case("category-mapper-strings", "CategoryMapper", {"X": words}, {"Y": "int64"}, "", **cats)
    yield case("category-mapper-integers", "CategoryMapper", {"X": integers}, {"Y": "string"}, "", **cats)
    one_hot = lambda name, feed, notes, **attributes: case(f"one-hot-{name}", "OneHotEncoder", {"X": feed}, {"Y": "float32"}, notes, **attributes)
    yield one_hot("strings", words, "strings", cats_strings=["a", "b", "c"])
    yield one_hot("integers", integers, "integers", cats_int64s=[1, 2, 3])
    yield one_hot("floats", np.nan_to_num(floats), "floats", cats_int64s=[1, 2, 3])
    yield one_hot("column", integers[:, 0], "one dimension", cats_int64s=[1, 2, 3])
    yield one_hot("known", integers[:1], "zeros = 0", cats_int64s=[1, 2, 3], zeros=0)


def columns():
    a, b, c = numbers(2), numbers(3, seed=5, kind=np.float64), np.random.default_rng(1).integers(-3, 4, (60, 1))
    yield case("feature-vectorizer", "FeatureVectorizer", {"A": a, "B": b}, {"Y": "float32"}, "two inputs", inputdimensions=[2, 3])
    yield case("feature-vectorizer-integers", "FeatureVectorizer", {"A": c}, {"Y": "float32"}, "integers", inputdimensions=[1])
    index = numpy_helper.from_array(np.array([2, 0]), "I")
    words = np.array([["a", "b", "c"], ["d", "e", "f"]], dtype=object)
    for name, feed, kind in [("floats", numbers(3), "float32"), ("integers", np.arange(12).reshape(4, 3), "int64"), ("strings", words, "string")]:
        yield case(f"extractor-{name}", "ArrayFeatureExtractor", {"X": feed}, {"Z": kind}, name, initializers=[index], inputs=["X", "I"])
    yield case("zip-map-integers", "ZipMap", {"X": numbers(3)}, {"Z": "float32"}, "integer keys", classlabels_int64s=[10, 20, 30])
    yield case("zip-map-strings", "ZipMap", {"X": numbers(3)}, {"Z": "float32"}, "string keys", classlabels_strings=["z", "a", "m"])


def cases():
    for group in [regressors, classifiers, ensembles, linear, machines, preprocessing, encoders, columns]:
        yield from group()
