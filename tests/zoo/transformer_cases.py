"""Transformers of scikit-learn, on numbers and on strings, and pipelines over tables of mixed columns."""

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn import (
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_selection,
    impute,
    linear_model,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    svm,
    tree,
)
from xgboost import XGBClassifier

import datasets as data
from record import Case
from sklearn_cases import NO_ZIPMAP, OPSET, SEED, case, own_answers, strings

missing = lambda dataset: lambda: data.with_missing(dataset)
DOUBLE, INTEGERS = {"kind": DoubleTensorType}, {"kind": Int64TensorType}


def scalers():
    """(name, estimator, dataset, notes, how): scalers and the like."""
    scaler = preprocessing.StandardScaler
    family = "preprocessing"
    rows = [
        ("scaler-double", scaler(), data.wine, "float64 input", DOUBLE),
        ("scaler-integers", scaler(), data.counts, "integer input", INTEGERS),
        ("scaler-mean-only", scaler(with_std=False), data.wine, "mean only", {}),
        ("scaler-scale-only", scaler(with_mean=False), data.wine, "scale only", {}),
        ("min-max-clip", preprocessing.MinMaxScaler((-1, 1), clip=True), data.wine, "from -1 to 1, clipped", {}),
        ("min-max-double", preprocessing.MinMaxScaler(), data.wine, "float64 input", DOUBLE),
        ("max-abs-double", preprocessing.MaxAbsScaler(), data.wine, "float64 input", DOUBLE),
        ("robust-double", preprocessing.RobustScaler(), data.wine, "float64 input", DOUBLE),
        ("robust-range", preprocessing.RobustScaler(quantile_range=(10, 90)), data.wine, "quantiles 10 to 90", {}),
        ("power", preprocessing.PowerTransformer(), data.iris, "Yeo-Johnson", {}),
        ("power-box-cox", preprocessing.PowerTransformer("box-cox"), data.iris, "Box-Cox", {}),
        ("quantiles", preprocessing.QuantileTransformer(n_quantiles=20, random_state=SEED), data.iris, "", {}),
        ("normalizer-double", preprocessing.Normalizer(), data.wine, "float64 input", DOUBLE),
        ("binarizer-double", preprocessing.Binarizer(threshold=3.0), data.iris, "float64 input", DOUBLE),
        ("binarizer-integers", preprocessing.Binarizer(threshold=4), data.counts, "integer input", INTEGERS),
        ("bins-uniform", preprocessing.KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), data.iris, "uniform bins", {}),
        ("bins-kmeans", preprocessing.KBinsDiscretizer(4, encode="ordinal", strategy="kmeans", random_state=SEED), data.iris, "bins by clusters", {}),
        ("polynomial-interactions", preprocessing.PolynomialFeatures(3, interaction_only=True, include_bias=False), data.iris, "interactions only", {}),
        ("polynomial-double", preprocessing.PolynomialFeatures(2), data.iris, "float64 input", DOUBLE),
        ("splines", preprocessing.SplineTransformer(n_knots=4), data.iris, "", {}),
        ("identity", preprocessing.FunctionTransformer(), data.iris, "identity", {}),
        ("logarithm", preprocessing.FunctionTransformer(np.log1p), data.iris, "log1p", {}),
        ("union", pipeline.FeatureUnion([("scaled", scaler()), ("reduced", decomposition.PCA(2))]), data.wine, "StandardScaler and PCA side by side", {}),
    ]
    for name, estimator, dataset, notes, how in rows:
        yield case(name, family, "transform", estimator, dataset, notes, **how)


def selectors():
    logistic = linear_model.LogisticRegression(max_iter=5000)
    rows = [
        ("select-percentile", feature_selection.SelectPercentile(percentile=30), data.wine, ""),
        ("select-variance", feature_selection.VarianceThreshold(0.3), data.iris, ""),
        ("select-from-model", feature_selection.SelectFromModel(tree.DecisionTreeClassifier(max_depth=3, random_state=SEED)), data.wine, ""),
        ("select-rfe", feature_selection.RFE(logistic, n_features_to_select=2), data.iris, ""),
        ("select-mutual", feature_selection.SelectKBest(feature_selection.f_regression, k=3), data.diabetes, "by f_regression"),
    ]
    for name, estimator, dataset, notes in rows:
        yield case(name, "feature selection", "transform", estimator, dataset, notes)


def decompositions():
    rows = [
        ("pca-whitened", decomposition.PCA(3, whiten=True), data.wine, "whitened", {}),
        ("pca-double", decomposition.PCA(3), data.wine, "float64 input", DOUBLE),
        ("pca-incremental", decomposition.IncrementalPCA(3), data.wine, "", {}),
        ("pca-kernel", decomposition.KernelPCA(3, kernel="rbf", random_state=SEED), data.iris, "RBF", {}),
        ("svd-double", decomposition.TruncatedSVD(3, random_state=SEED), data.wine, "float64 input", DOUBLE),
        ("ica", decomposition.FastICA(3, random_state=SEED, max_iter=1000), data.iris, "", {}),
        ("random-projection", random_projection.GaussianRandomProjection(3, random_state=SEED), data.wine, "", {}),
    ]
    for name, estimator, dataset, notes, how in rows:
        yield case(name, "decomposition", "transform", estimator, dataset, notes, **how)
    scaled = lambda last: pipeline.make_pipeline(preprocessing.StandardScaler(), last)
    yield case("kmeans-mini", "clusters", "clusters", scaled(cluster.MiniBatchKMeans(n_clusters=3, random_state=SEED, n_init=3)), data.wine, "mini-batches")
    yield case("kmeans-double", "clusters", "clusters", cluster.KMeans(4, random_state=SEED, n_init=3), data.iris, "float64 input", **DOUBLE)
    yield case("local-outlier-factor", "outliers", "outliers", neighbors.LocalOutlierFactor(n_neighbors=10, novelty=True, algorithm="brute"), data.iris)
    yield case("isolation-forest-small", "outliers", "outliers", ensemble.IsolationForest(n_estimators=3, max_samples=24, random_state=SEED), data.iris)
    yield case("one-class-svm-linear", "outliers", "outliers", scaled(svm.OneClassSVM(kernel="linear", nu=0.2)), data.iris, "linear kernel")


def imputers():
    table = missing(data.wine)
    rows = [
        ("imputer-frequent", impute.SimpleImputer(strategy="most_frequent"), table, "most frequent", {}),
        ("imputer-indicator", impute.SimpleImputer(add_indicator=True), table, "with indicators", {}),
        ("imputer-number", impute.SimpleImputer(missing_values=0.0), data.counts, "0 is missing", {}),
        ("imputer-double", impute.SimpleImputer(), table, "float64 input", DOUBLE),
        ("imputer-integers", impute.SimpleImputer(missing_values=0, strategy="most_frequent"), data.counts, "0 is missing, integer input", INTEGERS),
        ("imputer-knn", impute.KNNImputer(n_neighbors=3), missing(data.iris), "nearest neighbours, opset 18", {"opset": {"": 18, "ai.onnx.ml": 3}}),
        ("missing-indicator", impute.MissingIndicator(features="all"), missing(data.iris), "", {}),
    ]
    for name, estimator, dataset, notes, how in rows:
        yield case(name, "imputation", "transform", estimator, dataset, notes, **how)


def of_strings(name, estimator, notes="", unknown=False):
    """A transformer of two columns of strings; held-out ones have an unknown word only if asked for."""

    def make():
        train, held = strings()
        if unknown:
            held = held.copy()
            held[2, 0], held[5, 1] = "business", ""
        model = estimator.fit(train)
        own = own_answers(model, held, {})
        return convert_sklearn(model, initial_types=[("X", StringTensorType([None, 2]))], target_opset=OPSET), {"X": held}, own

    return Case(f"sklearn-{name}", "encoding", "scikit-learn", type(estimator).__name__, "transform", notes, make)


def labels(name, estimator, kind, notes):
    """An encoder of labels, which is fitted on them."""

    def make():
        _, y, _ = data.iris_names() if kind is StringTensorType else data.wine()
        model, held = estimator.fit(y), y[:60]
        feed = held.astype(object).reshape(-1, 1) if kind is StringTensorType else held.astype(np.int64).reshape(-1, 1)
        return convert_sklearn(model, initial_types=[("X", kind([None, 1]))], target_opset=OPSET), {"X": feed}, [model.transform(held)]

    return Case(f"sklearn-{name}", "encoding", "scikit-learn", type(estimator).__name__, "transform", notes, make)


def encoders():
    one_hot = lambda **how: preprocessing.OneHotEncoder(sparse_output=False, **how)
    yield of_strings("onehot-strings-unknown", one_hot(handle_unknown="ignore"), "string input, unknown words", unknown=True)
    yield of_strings("onehot-strings-drop", one_hot(drop="first"), "string input, first category dropped")
    yield of_strings("onehot-strings-infrequent", one_hot(min_frequency=95, handle_unknown="infrequent_if_exist"), "string input, infrequent categories together")
    yield of_strings("ordinal-strings-unknown", preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), "string input, unknown words", unknown=True)
    yield of_strings("imputer-strings", impute.SimpleImputer(missing_values="", strategy="most_frequent"), "string input, empty is missing", unknown=True)
    drop = one_hot(drop="if_binary")
    yield case("onehot-drop-binary", "encoding", "transform", drop, data.counts, "dropped if binary")
    yield case("onehot-doubles", "encoding", "transform", one_hot(handle_unknown="ignore"), data.counts, "float64 input", **DOUBLE)
    yield case("ordinal-integers", "encoding", "transform", preprocessing.OrdinalEncoder(), data.counts, "integer input", **INTEGERS)
    yield case("target-encoder", "encoding", "transform", preprocessing.TargetEncoder(random_state=SEED), data.counts, "integer input", **INTEGERS)
    yield labels("label-encoder-strings", preprocessing.LabelEncoder(), StringTensorType, "strings to integers")
    yield labels("label-encoder-integers", preprocessing.LabelEncoder(), Int64TensorType, "integers")
    yield labels("label-binarizer-integers", preprocessing.LabelBinarizer(), Int64TensorType, "integers")
    yield labels("label-binarizer-strings", preprocessing.LabelBinarizer(), StringTensorType, "strings")


KINDS = {"tenure": FloatTensorType, "charges": FloatTensorType, "plan": StringTensorType, "region": StringTensorType, "paperless": BooleanTensorType}
SMALL = dict(n_estimators=6, random_state=SEED, n_jobs=1)


def impute_scale():
    return pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler())


def one_hot(**how):
    return preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False, **how)


def mixed(name, last, parts, notes, options=NO_ZIPMAP, dataset=data.customers, kinds=None, library="scikit-learn"):
    """A pipeline over the columns of a table, an input each; `parts` are (transformer, columns)."""

    def make():
        train, left, held = dataset()
        frame = lambda columns: pd.DataFrame({name: column[:, 0] for name, column in columns.items()})
        steps = [(f"part{number}", transformer, wanted) for number, (transformer, wanted) in enumerate(parts)]
        model = pipeline.Pipeline([("columns", compose.ColumnTransformer(steps)), ("last", last)])
        used = [column for column in train if any(column in wanted for _, wanted in parts)]
        of_kind = KINDS | (kinds or {})
        narrow = {name: held[name].astype(np.float64) if of_kind[name] is DoubleTensorType else held[name] for name in used}
        model.fit(frame({name: train[name] for name in used}), left)
        own = own_answers(model, frame(narrow), options or {})
        types = [(name, of_kind[name]([None, 1])) for name in used]
        wanted = {id(last): options} if options else None
        return convert_sklearn(model, initial_types=types, options=wanted, target_opset=OPSET), narrow, own

    return Case(f"table-{name}", "pipeline", library, type(last).__name__, "binary", f"an input a column, {notes}", make)


def tables():
    logistic = lambda: linear_model.LogisticRegression(max_iter=1000)
    numbers, words = ["tenure", "charges"], ["plan", "region"]
    usual = [(impute_scale(), numbers), (one_hot(), words)]
    ordinal = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    flags = [*usual, ("passthrough", ["paperless"])]
    doubles = {"tenure": DoubleTensorType, "charges": DoubleTensorType}
    yield mixed("words", logistic(), [(one_hot(), words)], "strings only")
    yield mixed("numbers", logistic(), [(impute_scale(), numbers)], "missing values")
    yield mixed("svc", svm.SVC(random_state=SEED), usual, "strings, missing values")
    yield mixed("network", neural_network.MLPClassifier((8,), max_iter=600, random_state=SEED), usual, "strings, missing values")
    yield mixed("neighbours", neighbors.KNeighborsClassifier(5, algorithm="brute"), usual, "strings, missing values")
    yield mixed("tree", tree.DecisionTreeClassifier(max_depth=4, random_state=SEED), usual, "strings, missing values, ZipMap", options=None)
    yield mixed("hist", ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=SEED), usual, "strings, missing values")
    yield mixed("ordinal-forest", ensemble.RandomForestClassifier(5, max_depth=4, random_state=SEED), [(impute_scale(), numbers), (ordinal, words)], "strings as numbers, missing values")
    yield mixed("bins", logistic(), [(preprocessing.KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform"), ["tenure"]), (one_hot(), words)], "strings, bins")
    yield mixed("truths", logistic(), flags, "strings, missing values, a column of truth values", dataset=data.flagged_customers)
    yield mixed("doubles", logistic(), usual, "strings, missing values, float64 columns", kinds=doubles)
    yield mixed("indicator", logistic(), [(impute.SimpleImputer(add_indicator=True), numbers), (one_hot(), words)], "strings, missing values with indicators")
    yield mixed("xgboost-zipmap", XGBClassifier(max_depth=3, **SMALL), usual, "strings, missing values, ZipMap", options={"zipmap": True}, library="XGBoost")
    yield mixed("lightgbm-zipmap", LGBMClassifier(num_leaves=8, verbose=-1, deterministic=True, **SMALL), usual, "strings, missing values, ZipMap", options={"zipmap": True}, library="LightGBM")


def cases():
    for group in [scalers, selectors, decompositions, imputers, encoders, tables]:
        yield from group()
