"""Graphs of one node, further: the attributes, types and shapes that operator_cases.py leaves out."""

import numpy as np
from onnx import numpy_helper

from operator_cases import MODES, case, numbers
from operator_cases import trees as any_trees

FLOAT, DOUBLE, INTEGER, WORD = "float32", "float64", "int64", "string"
ROWS = 60


def trees(prefix, modes, targets, count=4, **how):
    """Few trees, as the sums of many are compared elsewhere."""
    return any_trees(prefix, modes, targets, count=count, **how)


def whole(width=4, low=-3, high=4, seed=1):
    return np.random.default_rng(seed).integers(low, high, (ROWS, width))


def weights(count, seed=21):
    """Numbers that 32 bits hold exactly."""
    return [float(value) for value in np.random.default_rng(seed).normal(size=count).astype(np.float32)]


def tensor(name, values):
    return numpy_helper.from_array(np.array(values), name)


def tree_regressors():
    leq, x, double = ["BRANCH_LEQ"], {"X": numbers(4)}, {"X": numbers(4, kind=np.float64)}
    tree = lambda name, notes, feeds=x, **attributes: case(
        f"tree-regressor-{name}", "TreeEnsembleRegressor", feeds, {"Y": FLOAT}, notes, **attributes)
    for aggregate in ["AVERAGE", "MIN", "MAX"]:
        yield tree(f"{aggregate.lower()}-no-base", f"{aggregate}, no base values", n_targets=2, aggregate_function=aggregate, **trees("target", leq, 2))
        yield tree(f"{aggregate.lower()}-sparse", f"{aggregate}, targets without weights", n_targets=3, aggregate_function=aggregate, **trees("target", leq, 3, only=1))
    yield tree("one-tree", "one tree", n_targets=1, **trees("target", leq, 1, count=1))
    yield tree("one-tree-base", "one tree, base value", n_targets=1, base_values=[2.5], **trees("target", leq, 1, count=1))
    yield tree("many-trees", "25 trees", n_targets=1, **trees("target", leq, 1, count=25))
    yield tree("double-tracked", "float64 attributes, missing values tracked", {"X": numbers(4, missing=True, kind=np.float64)}, n_targets=1,
               **trees("target", MODES, 1, tracks=True, double=True))
    yield tree("double-average", "float64 attributes, AVERAGE", double, n_targets=2, aggregate_function="AVERAGE", **trees("target", leq, 2, double=True))
    yield tree("softmax-base", "SOFTMAX, base values", n_targets=3, post_transform="SOFTMAX", base_values=[0.5, 0.0, -0.5], **trees("target", leq, 3))
    yield tree("infinite", "infinite values", {"X": np.where(numbers(4) > 2, np.float32(np.inf), numbers(4))}, n_targets=1, **trees("target", MODES, 1))


def tree_classifiers():
    leq, x = ["BRANCH_LEQ"], {"X": numbers(4)}
    tree = lambda name, notes, labels=INTEGER, feeds=x, **attributes: case(
        f"tree-classifier-{name}", "TreeEnsembleClassifier", feeds, {"Y": labels, "Z": FLOAT}, notes, **attributes)
    for transform in ["SOFTMAX", "SOFTMAX_ZERO"]:
        for only in [0, 1]:
            yield tree(f"binary-{only}-{transform.lower()}", f"weights of class {only}, {transform}", classlabels_int64s=[0, 1],
                       post_transform=transform, **trees("class", leq, 2, only=only))
    for transform in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
        yield tree(f"binary-both-{transform.lower()}", f"weights of both classes, {transform}", classlabels_int64s=[0, 1],
                   post_transform=transform, **trees("class", leq, 2))
    yield tree("binary-both-base", "weights of both classes, base values", classlabels_int64s=[0, 1], base_values=[0.4, -0.2], **trees("class", leq, 2))
    yield tree("binary-strings-logistic", "string labels, LOGISTIC", WORD, classlabels_strings=["no", "yes"], post_transform="LOGISTIC",
               **trees("class", leq, 2, only=1))
    yield tree("binary-strings-base", "string labels, base value", WORD, classlabels_strings=["no", "yes"], base_values=[0.3], **trees("class", leq, 2, only=0))
    yield tree("binary-positive-strings", "string labels, positive weights", WORD, classlabels_strings=["no", "yes"],
               **trees("class", leq, 2, only=0, positive=True))
    yield tree("binary-labels-positive", "labels 3 and 7, positive weights", classlabels_int64s=[3, 7], **trees("class", leq, 2, only=0, positive=True))
    yield tree("binary-double", "float64 attributes, one weight a leaf", feeds={"X": numbers(4, kind=np.float64)}, classlabels_int64s=[0, 1],
               **trees("class", leq, 2, only=0, double=True))
    yield tree("binary-missing", "missing values tracked", feeds={"X": numbers(4, missing=True)}, classlabels_int64s=[0, 1],
               **trees("class", MODES, 2, only=0, tracks=True))
    yield tree("multi-ten", "ten classes", classlabels_int64s=list(range(10)), **trees("class", leq, 10, count=4))
    yield tree("multi-unordered", "labels out of order", classlabels_int64s=[9, -4, 2], **trees("class", leq, 3))
    yield tree("multi-softmax-base", "SOFTMAX, base values", classlabels_int64s=[0, 1, 2], post_transform="SOFTMAX", base_values=[0.3, 0.0, -0.3],
               **trees("class", leq, 3))


def linear():
    x, ints, double = {"X": numbers(4)}, {"X": whole()}, {"X": numbers(4, kind=np.float64)}
    classifier = lambda name, notes, labels=INTEGER, feeds=x, **attributes: case(
        f"linear-classifier-{name}", "LinearClassifier", feeds, {"Y": labels, "Z": FLOAT}, notes, **attributes)
    two = dict(coefficients=weights(8), intercepts=[0.1, -0.1], classlabels_ints=[0, 1])
    for transform in ["NONE", "LOGISTIC", "SOFTMAX_ZERO"]:
        yield classifier(f"two-rows-{transform.lower()}", f"two rows of weights, {transform}", post_transform=transform, **two)
    yield classifier("one-row-strings", "one row of weights, string labels", WORD, coefficients=weights(4), intercepts=[0.1], classlabels_strings=["no", "yes"])
    yield classifier("multi-strings", "three string labels", WORD, coefficients=weights(12), intercepts=[0.1, 0.0, -0.1], classlabels_strings=["c", "a", "b"])
    yield classifier("multi-integers", "integer input, three labels", feeds=ints, coefficients=weights(12), intercepts=[0.1, 0.0, -0.1], classlabels_ints=[5, 6, 7])
    yield classifier("no-intercepts", "no intercepts", coefficients=weights(12), classlabels_ints=[0, 1, 2])
    yield classifier("ovr", "multi_class 1", coefficients=weights(12), intercepts=[0.1, 0.0, -0.1], classlabels_ints=[0, 1, 2], multi_class=1, post_transform="LOGISTIC")
    regressor = lambda name, notes, feeds=x, **attributes: case(f"linear-regressor-{name}", "LinearRegressor", feeds, {"Y": FLOAT}, notes, **attributes)
    three = dict(coefficients=weights(12), intercepts=[1.5, 0.0, -2.0], targets=3)
    for transform in ["LOGISTIC", "SOFTMAX_ZERO"]:
        yield regressor(f"three-{transform.lower()}", f"3 targets, {transform}", post_transform=transform, **three)
    yield regressor("three-no-intercepts", "3 targets, no intercepts", coefficients=weights(12), targets=3)
    yield regressor("integers", "integer input", ints, **three)
    yield regressor("double", "float64 input", double, **three)


def machines():
    double, ints = {"X": numbers(4, kind=np.float64)}, {"X": whole()}
    params, out = [0.3, 0.5, 3.0], {"Y": INTEGER, "Z": FLOAT}
    vectors = dict(kernel_type="RBF", kernel_params=params, vectors_per_class=[3, 2, 4], support_vectors=weights(36, 22),
                   coefficients=weights(18, 23), rho=weights(3, 24))
    two = dict(kernel_type="RBF", kernel_params=params, vectors_per_class=[3, 2], support_vectors=weights(20, 25), coefficients=weights(5, 26), rho=[0.2])
    classifier = lambda name, notes, feeds=None, outputs=out, **attributes: case(
        f"svm-classifier-{name}", "SVMClassifier", feeds or {"X": numbers(4)}, outputs, notes, **attributes)
    yield classifier("double", "float64 input", double, classlabels_ints=[1, 2, 3], **vectors)
    yield classifier("integers", "integer input", ints, classlabels_ints=[1, 2, 3], **vectors)
    yield classifier("strings-multi", "three string labels", outputs={"Y": WORD, "Z": FLOAT}, classlabels_strings=["c", "a", "b"], **vectors)
    yield classifier("strings-probabilities", "string labels, probabilities", outputs={"Y": WORD, "Z": FLOAT}, classlabels_strings=["no", "yes"],
                     prob_a=[-1.2], prob_b=[0.1], **two)
    for transform in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
        yield classifier(f"multi-{transform.lower()}", f"three classes, {transform}", classlabels_ints=[0, 1, 2], post_transform=transform, **vectors)
    for kernel in ["LINEAR", "POLY", "SIGMOID"]:
        kernel_of_two = two | {"kernel_type": kernel}
        yield classifier(f"binary-{kernel.lower()}", f"2 classes, {kernel}", classlabels_ints=[0, 1], **kernel_of_two)
    regressor = lambda name, notes, feeds, **attributes: case(f"svm-regressor-{name}", "SVMRegressor", feeds, {"Y": FLOAT}, notes, **attributes)
    support = dict(n_supports=5, support_vectors=weights(20, 27), coefficients=weights(5, 28), rho=[0.3], kernel_params=params)
    yield regressor("double", "float64 input", double, kernel_type="RBF", **support)
    yield regressor("integers", "integer input", ints, kernel_type="RBF", **support)
    yield regressor("one-class-linear", "one_class, LINEAR", {"X": numbers(4)}, kernel_type="LINEAR", one_class=1, **support)
    yield regressor("logistic", "LOGISTIC", {"X": numbers(4)}, kernel_type="RBF", post_transform="LOGISTIC", **support)


def preprocessing():
    x, double, ints = {"X": numbers(4)}, {"X": numbers(4, kind=np.float64)}, {"X": whole()}
    nan = {"X": numbers(4, missing=True)}
    out = {"Y": FLOAT}
    yield case("scaler-one-integers", "Scaler", ints, out, "one scale for all, integer input", offset=[1.0], scale=[0.25])
    yield case("scaler-scale-only", "Scaler", x, out, "no offsets to speak of", offset=[0.0] * 4, scale=[2.0, 0.5, 1.0, 0.3])
    yield case("scaler-missing", "Scaler", nan, out, "missing values", offset=[0.5], scale=[2.0])
    for norm in ["MAX", "L1", "L2"]:
        yield case(f"normalizer-{norm.lower()}-negative", "Normalizer", {"X": -np.abs(numbers(4))}, out, f"{norm}, negative numbers", norm=norm)
    yield case("imputer-nan-one", "Imputer", nan, out, "NaN, one value", imputed_value_floats=[2.5], replaced_value_float=float("nan"))
    yield case("imputer-number-each", "Imputer", x, out, "a number, a value a feature", imputed_value_floats=[1.0, 2.0, 3.0, 4.0], replaced_value_float=0.5)
    yield case("imputer-default", "Imputer", x, out, "no value to be replaced named", imputed_value_floats=[7.5])
    yield case("imputer-integers-one", "Imputer", ints, {"Y": INTEGER}, "integers, one value", imputed_value_int64s=[9], replaced_value_int64=-1)
    yield case("imputer-integers-default", "Imputer", ints, {"Y": INTEGER}, "integers, no value to be replaced named", imputed_value_int64s=[9])
    yield case("binarizer-double", "Binarizer", double, {"Y": DOUBLE}, "float64", threshold=0.5)
    yield case("binarizer-integers", "Binarizer", ints, {"Y": INTEGER}, "integers", threshold=1.0)
    yield case("binarizer-default", "Binarizer", x, out, "no threshold named")
    yield case("binarizer-missing", "Binarizer", nan, out, "missing values", threshold=0.5)


def label_encoders():
    """Pairs of types as tensors, of version 4, and keys that occur once more."""
    keys = {"string": ["a", "b", "c"], "int64": [1, 2, 3], "float": [1.0, 2.5, 0.0], "double": [1.0, 2.5, 0.0]}
    values = {"string": ["x", "y", "z"], "int64": [10, 20, 30], "float": [0.5, 1.5, 2.5], "double": [0.5, 1.5, 2.5]}
    kinds = {"string": (object, WORD), "int64": (np.int64, INTEGER), "float": (np.float32, FLOAT), "double": (np.float64, DOUBLE)}
    feeds = {
        "string": np.array([["a", "b"], ["c", "?"], ["b", ""]], dtype=object),
        "int64": np.array([[1, 2], [3, 9], [-5, 1]]),
        "float": np.array([[1.0, 2.5], [-0.0, 9.0], [2.5, 0.0]], np.float32),
        "double": np.array([[1.0, 2.5], [-0.0, 9.0], [2.5, 0.0]]),
    }
    array = lambda of, items: np.array(items, dtype=kinds[of][0])
    missing = {"string": "none", "int64": -7, "float": -1.5, "double": -1.5}
    for source in kinds:
        for target in kinds:
            attributes = {
                "keys_tensor": numpy_helper.from_array(array(source, keys[source]), "keys"),
                "values_tensor": numpy_helper.from_array(array(target, values[target]), "values"),
                "default_tensor": numpy_helper.from_array(array(target, [missing[target]]), "default"),
            }
            notes = f"tensors, {source} to {target}, version 4"
            yield case(f"label-encoder-tensors-{source}-{target}", "LabelEncoder", {"X": feeds[source]}, {"Y": kinds[target][1]}, notes, 4, **attributes)
    yield case("label-encoder-4-strings", "LabelEncoder", {"X": feeds["string"]}, {"Y": INTEGER}, "lists, version 4", 4,
               keys_strings=["a", "b"], values_int64s=[4, 5], default_int64=-7)
    yield case("label-encoder-nan-double", "LabelEncoder", {"X": np.array([[np.nan], [1.0], [2.0]])}, {"Y": WORD}, "NaN as a key, float64, version 4", 4,
               keys_tensor=tensor("keys", [np.nan, 1.0]), values_strings=["missing", "one"], default_string="other")
    yield case("label-encoder-row", "LabelEncoder", {"X": feeds["int64"][:, 0]}, {"Y": WORD}, "one dimension", 2,
               keys_int64s=[1, 2, 3], values_strings=["x", "y", "z"])


def categories():
    words = np.array([["a", "b"], ["c", "?"], ["b", ""]], dtype=object)
    integers = np.array([[1, 2], [3, 9], [-5, 1]])
    mapping = dict(cats_strings=["a", "b", "c"], cats_int64s=[1, 2, 3])
    yield case("category-mapper-default-strings", "CategoryMapper", {"X": words}, {"Y": INTEGER}, "no default named", **mapping)
    yield case("category-mapper-default-integers", "CategoryMapper", {"X": integers}, {"Y": WORD}, "no default named", **mapping)
    one_hot = lambda name, feed, notes, **attributes: case(f"one-hot-{name}", "OneHotEncoder", {"X": feed}, {"Y": FLOAT}, notes, **attributes)
    yield one_hot("doubles", integers.astype(np.float64), "float64 input", cats_int64s=[1, 2, 3])
    yield one_hot("known-strings", words[:1], "zeros = 0, strings", cats_strings=["a", "b", "c"], zeros=0)
    yield one_hot("strings-column", words[:, 0], "strings, one dimension", cats_strings=["a", "b", "c"])
    yield one_hot("unordered", integers, "categories out of order", cats_int64s=[3, 1, 2])
    yield one_hot("fractions", np.array([[1.5], [2.0], [-1.0]], np.float32), "fractions", cats_int64s=[1, 2, 3])


def columns():
    wide, narrow = numbers(3, seed=5), numbers(2)
    yield case("feature-vectorizer-floats", "FeatureVectorizer", {"A": narrow, "B": wide}, {"Y": FLOAT}, "two inputs of 2 and 3", inputdimensions=[2, 3])
    yield case("feature-vectorizer-doubles", "FeatureVectorizer", {"A": narrow.astype(np.float64), "B": wide.astype(np.float64)}, {"Y": FLOAT},
               "two inputs of 2 and 3, float64", inputdimensions=[2, 3])
    yield case("feature-vectorizer-integer-pair", "FeatureVectorizer", {"A": whole(1), "B": whole(3, seed=2)}, {"Y": FLOAT}, "two inputs of 1 and 3, integers",
               inputdimensions=[1, 3])
    yield case("feature-vectorizer-three", "FeatureVectorizer", {"A": narrow, "B": wide, "C": numbers(1, seed=6)}, {"Y": FLOAT}, "three inputs",
               inputdimensions=[2, 3, 1])
    yield case("feature-vectorizer-cut", "FeatureVectorizer", {"A": narrow, "B": wide}, {"Y": FLOAT}, "two of three columns of an input", inputdimensions=[2, 2])
    for name, index in [("one", [1]), ("repeated", [0, 0, 2])]:
        at = numpy_helper.from_array(np.array(index), "I")
        yield case(f"extractor-{name}", "ArrayFeatureExtractor", {"X": wide}, {"Z": FLOAT}, f"columns {index}", initializers=[at], inputs=["X", "I"])
    at = numpy_helper.from_array(np.array([2, 0]), "I")
    yield case("extractor-doubles", "ArrayFeatureExtractor", {"X": wide.astype(np.float64)}, {"Z": DOUBLE}, "float64", initializers=[at], inputs=["X", "I"])
    yield case("zip-map-unordered", "ZipMap", {"X": wide}, {"Z": FLOAT}, "integer keys out of order", classlabels_int64s=[30, -10, 20])
    yield case("zip-map-one", "ZipMap", {"X": numbers(1)}, {"Z": FLOAT}, "one key", classlabels_strings=["only"])


def cases():
    for group in [tree_regressors, tree_classifiers, linear, machines, preprocessing, label_encoders, categories, columns]:
        yield from group()
