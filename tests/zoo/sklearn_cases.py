"""scikit-learn, converted by skl2onnx."""

import warnings

import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn import (
    calibration,
    cluster,
    compose,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    linear_model,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.base import is_clusterer, is_regressor

import datasets as data
from record import Case

OPSET = {"": 17, "ai.onnx.ml": 3}
SEED = 2026


def own_answers(model, held, options):
    """What the library itself answers, in the order of the outputs that skl2onnx gives a model."""
    if not hasattr(model, "predict") or hasattr(model, "get_support"):
        answer = model.transform(held)
        return [answer.toarray() if hasattr(answer, "toarray") else answer]
    scores = [] if is_regressor(model) else ["predict_proba", "decision_function"] + ["transform"] * is_clusterer(model)
    if options.get("raw_scores"):
        scores.remove("predict_proba")
    scores = next((getattr(model, name)(held) for name in scores if hasattr(model, name)), None)
    if options.get("zipmap") == "columns":
        return [model.predict(held), *scores.T]
    return [model.predict(held), scores]


def converted(estimator, dataset, options=None, kind=FloatTensorType, opset=None):
    """Trains on a table of numbers, given as one input `X`."""
    x, y, held = dataset()
    if kind is DoubleTensorType:
        x, held = x.astype(np.float64), held.astype(np.float64)
    if kind is Int64TensorType:
        x, held = x.astype(np.int64), held.astype(np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(x, y)
    last = estimator.steps[-1][1] if isinstance(estimator, pipeline.Pipeline) else estimator
    asked, options = options or {}, {id(last): options} if options else None
    types = [("X", kind([None, x.shape[1]]))]
    model = convert_sklearn(estimator, initial_types=types, options=options, target_opset=opset or OPSET)
    return model, {"X": held}, own_answers(estimator, held, asked)


def case(name, family, task, estimator, dataset, notes="", **how):
    """A case of one estimator; the last step's name stands for a pipeline."""
    last = estimator.steps[-1][1] if isinstance(estimator, pipeline.Pipeline) else estimator
    make = lambda: converted(estimator, dataset, **how)
    return Case(f"sklearn-{name}", family, "scikit-learn", type(last).__name__, task, notes, make)


NO_ZIPMAP = {"zipmap": False}
RAW = {"zipmap": False, "raw_scores": True}


def classifiers():
    """Classifiers: (family, name, estimator), each on two and on three classes; then the special ones."""
    forest = dict(n_estimators=12, max_depth=5, random_state=SEED)
    both = [
        ("logistic regression", "logistic", lambda: linear_model.LogisticRegression(max_iter=5000)),
        ("linear, by SGD", "sgd-log", lambda: linear_model.SGDClassifier(loss="log_loss", random_state=SEED)),
        ("linear, by SGD", "sgd-huber", lambda: linear_model.SGDClassifier(loss="modified_huber", random_state=SEED)),
        ("support vector machine", "svc-rbf", lambda: svm.SVC(random_state=SEED)),
        ("support vector machine", "svc-poly", lambda: svm.SVC(kernel="poly", degree=2, random_state=SEED)),
        ("neural network", "mlp-relu", lambda: neural_network.MLPClassifier((12,), max_iter=300, random_state=SEED)),
        ("naive Bayes", "gaussian-nb", naive_bayes.GaussianNB),
        ("nearest neighbours", "knn", lambda: neighbors.KNeighborsClassifier(5, algorithm="brute")),
        ("decision tree", "tree", lambda: tree.DecisionTreeClassifier(max_depth=5, random_state=SEED)),
        ("random forest", "forest", lambda: ensemble.RandomForestClassifier(**forest)),
        ("extra trees", "extra-trees", lambda: ensemble.ExtraTreesClassifier(**forest)),
        ("gradient boosting", "boosting", lambda: ensemble.GradientBoostingClassifier(n_estimators=12, random_state=SEED)),
        ("histogram gradient boosting", "hist", lambda: ensemble.HistGradientBoostingClassifier(max_iter=12, random_state=SEED)),
        ("AdaBoost", "adaboost", lambda: ensemble.AdaBoostClassifier(n_estimators=8, random_state=SEED)),
        ("discriminant analysis", "lda", discriminant_analysis.LinearDiscriminantAnalysis),
        ("discriminant analysis", "qda", lambda: discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1)),
    ]
    for family, name, make in both:
        yield case(f"{name}-binary", family, "binary", make(), data.cancer, "no ZipMap", options=NO_ZIPMAP)
        yield case(f"{name}-multi", family, "multi-class", make(), data.iris, "no ZipMap", options=NO_ZIPMAP)

    logistic = lambda: linear_model.LogisticRegression(max_iter=5000)
    scaled = lambda last: pipeline.make_pipeline(preprocessing.StandardScaler(), last)
    yield case("logistic-zipmap", "logistic regression", "multi-class", logistic(), data.iris, "ZipMap")
    yield case("logistic-zipmap-strings", "logistic regression", "multi-class", logistic(), data.iris_names, "string labels, ZipMap")
    yield case("logistic-strings", "logistic regression", "binary", logistic(), data.cancer_names, "string labels", options=NO_ZIPMAP)
    yield case("logistic-columns", "logistic regression", "multi-class", logistic(), data.iris, "an output a class", options={"zipmap": "columns"})
    yield case("logistic-raw", "logistic regression", "multi-class", logistic(), data.iris, "raw scores", options=RAW)
    yield case("logistic-raw-binary", "logistic regression", "binary", logistic(), data.cancer, "raw scores", options=RAW)
    yield case("logistic-other-labels", "logistic regression", "binary", logistic(), data.cancer_other, "labels 3 and 7", options=NO_ZIPMAP)
    yield case("logistic-scaled", "pipeline", "multi-class", scaled(logistic()), data.wine, "StandardScaler", options=NO_ZIPMAP)
    yield case("logistic-ovr", "logistic regression", "multi-class", multiclass.OneVsRestClassifier(logistic()), data.iris, "one against the rest", options=NO_ZIPMAP)
    yield case("logistic-integers", "logistic regression", "binary", logistic(), data.counts, "integer input", options=NO_ZIPMAP, kind=Int64TensorType)
    yield case("ridge-classifier", "ridge", "multi-class", linear_model.RidgeClassifier(), data.wine, options=NO_ZIPMAP)
    yield case("ridge-classifier-binary", "ridge", "binary", linear_model.RidgeClassifier(), data.cancer, options=NO_ZIPMAP)
    yield case("sgd-hinge", "linear, by SGD", "multi-class", scaled(linear_model.SGDClassifier(random_state=SEED)), data.wine, options=RAW)
    yield case("perceptron", "linear, by SGD", "multi-class", scaled(linear_model.Perceptron(random_state=SEED)), data.wine, options=RAW)
    yield case("linear-svc", "support vector machine", "multi-class", scaled(svm.LinearSVC(random_state=SEED)), data.wine, "raw scores", options={"raw_scores": True})
    yield case("linear-svc-binary", "support vector machine", "binary", scaled(svm.LinearSVC(random_state=SEED)), data.cancer, "raw scores", options={"raw_scores": True})
    yield case("svc-linear", "support vector machine", "multi-class", svm.SVC(kernel="linear"), data.iris_names, "string labels", options=NO_ZIPMAP)
    yield case("svc-sigmoid", "support vector machine", "binary", scaled(svm.SVC(kernel="sigmoid")), data.cancer, options=NO_ZIPMAP)
    yield case("nu-svc", "support vector machine", "multi-class", scaled(svm.NuSVC(nu=0.3)), data.wine, options=NO_ZIPMAP)
    yield case("mlp-tanh", "neural network", "multi-class", scaled(neural_network.MLPClassifier((8, 8), "tanh", max_iter=300, random_state=SEED)), data.wine, options=NO_ZIPMAP)
    yield case("mlp-logistic", "neural network", "binary", scaled(neural_network.MLPClassifier((8,), "logistic", max_iter=300, random_state=SEED)), data.cancer, options=NO_ZIPMAP)
    yield case("bernoulli-nb", "naive Bayes", "binary", naive_bayes.BernoulliNB(binarize=4.5), data.counts, options=NO_ZIPMAP)
    yield case("multinomial-nb", "naive Bayes", "binary", naive_bayes.MultinomialNB(), data.counts, options=NO_ZIPMAP)
    yield case("complement-nb", "naive Bayes", "binary", naive_bayes.ComplementNB(), data.counts, options=NO_ZIPMAP)
    yield case("knn-distance", "nearest neighbours", "multi-class", neighbors.KNeighborsClassifier(4, weights="distance", algorithm="brute"), data.iris, "weights by distance", options=NO_ZIPMAP)
    yield case("knn-manhattan", "nearest neighbours", "multi-class", neighbors.KNeighborsClassifier(3, metric="manhattan", algorithm="brute"), data.iris_names, "Manhattan distance, string labels", options=NO_ZIPMAP)
    yield case("tree-zipmap", "decision tree", "multi-class", tree.DecisionTreeClassifier(max_depth=4, random_state=SEED), data.iris_names, "string labels, ZipMap")
    yield case("forest-zipmap", "random forest", "binary", ensemble.RandomForestClassifier(**forest), data.cancer_names, "string labels, ZipMap")
    yield case("forest-other-labels", "random forest", "binary", ensemble.RandomForestClassifier(**forest), data.cancer_other, "labels 3 and 7", options=NO_ZIPMAP)
    yield case("forest-double", "random forest", "binary", ensemble.RandomForestClassifier(**forest), data.cancer, "float64 input", options=NO_ZIPMAP, kind=DoubleTensorType)
    yield case("forest-deep", "random forest", "multi-class", ensemble.RandomForestClassifier(10, random_state=SEED), data.wine, "unbounded depth", options=NO_ZIPMAP)
    yield case("hist-missing", "histogram gradient boosting", "binary", ensemble.HistGradientBoostingClassifier(max_iter=12, random_state=SEED), lambda: data.with_missing(data.cancer), "missing values", options=NO_ZIPMAP)
    yield case("bagging", "bagging", "multi-class", ensemble.BaggingClassifier(n_estimators=5, random_state=SEED), data.iris, options=NO_ZIPMAP)
    pair = [("logistic", logistic()), ("tree", tree.DecisionTreeClassifier(max_depth=3, random_state=SEED))]
    yield case("voting", "voting", "multi-class", ensemble.VotingClassifier(pair, voting="soft", flatten_transform=False), data.iris, options=NO_ZIPMAP)
    yield case("voting-hard", "voting", "multi-class", ensemble.VotingClassifier(pair, flatten_transform=False), data.iris, "majority", options=NO_ZIPMAP)
    yield case("stacking", "stacking", "multi-class", ensemble.StackingClassifier(pair, logistic()), data.iris, options=NO_ZIPMAP)
    yield case("calibrated", "calibration", "binary", calibration.CalibratedClassifierCV(scaled(svm.LinearSVC(random_state=SEED)), cv=3), data.cancer, "sigmoid, ZipMap")
    yield case("gaussian-process", "Gaussian process", "binary", scaled(gaussian_process.GaussianProcessClassifier()), lambda: tuple(part[:60] for part in data.cancer()), options=NO_ZIPMAP)


def regressors():
    """Regressors, on ten features; then those of several targets and of doubles."""
    forest = dict(n_estimators=12, max_depth=5, random_state=SEED)
    scaled = lambda last: pipeline.make_pipeline(preprocessing.StandardScaler(), last)
    simple = [
        ("linear regression", "linear", linear_model.LinearRegression()),
        ("ridge", "ridge", linear_model.Ridge()),
        ("lasso", "lasso", linear_model.Lasso(alpha=0.1)),
        ("elastic net", "elastic-net", linear_model.ElasticNet(alpha=0.01)),
        ("linear, by SGD", "sgd-regressor", linear_model.SGDRegressor(random_state=SEED, max_iter=3000)),
        ("linear regression", "huber", linear_model.HuberRegressor(max_iter=1000)),
        ("linear regression", "bayesian-ridge", linear_model.BayesianRidge()),
        ("generalised linear model", "poisson", linear_model.PoissonRegressor(max_iter=1000)),
        ("generalised linear model", "gamma", linear_model.GammaRegressor(max_iter=1000)),
        ("generalised linear model", "tweedie", linear_model.TweedieRegressor(power=1.5, max_iter=1000)),
        ("support vector machine", "linear-svr", scaled(svm.LinearSVR(random_state=SEED, max_iter=20000))),
        ("support vector machine", "svr-rbf", svm.SVR(C=100)),
        ("support vector machine", "svr-linear", scaled(svm.SVR(kernel="linear"))),
        ("support vector machine", "svr-poly", scaled(svm.SVR(kernel="poly"))),
        ("support vector machine", "nu-svr", scaled(svm.NuSVR(C=50))),
        ("neural network", "mlp-regressor", scaled(neural_network.MLPRegressor(hidden_layer_sizes=(10,), max_iter=500, random_state=SEED))),
        ("nearest neighbours", "knn-regressor", neighbors.KNeighborsRegressor(5, algorithm="brute")),
        ("nearest neighbours", "knn-regressor-distance", neighbors.KNeighborsRegressor(5, weights="distance", algorithm="brute")),
        ("decision tree", "tree-regressor", tree.DecisionTreeRegressor(max_depth=6, random_state=SEED)),
        ("random forest", "forest-regressor", ensemble.RandomForestRegressor(**forest)),
        ("extra trees", "extra-trees-regressor", ensemble.ExtraTreesRegressor(**forest)),
        ("gradient boosting", "boosting-regressor", ensemble.GradientBoostingRegressor(n_estimators=20, random_state=SEED)),
        ("histogram gradient boosting", "hist-regressor", ensemble.HistGradientBoostingRegressor(max_iter=12, random_state=SEED)),
        ("AdaBoost", "adaboost-regressor", ensemble.AdaBoostRegressor(n_estimators=6, random_state=SEED)),
        ("bagging", "bagging-regressor", ensemble.BaggingRegressor(tree.DecisionTreeRegressor(max_depth=4), 5, random_state=SEED)),
        ("voting", "voting-regressor", ensemble.VotingRegressor([("ridge", linear_model.Ridge()), ("tree", tree.DecisionTreeRegressor(max_depth=3, random_state=SEED))])),
        ("Gaussian process", "gaussian-process-regressor", gaussian_process.GaussianProcessRegressor(alpha=1.0)),
    ]
    for family, name, estimator in simple:
        dataset = data.diabetes
        if "gaussian-process" in name:
            dataset = lambda: tuple(part[:80] for part in data.diabetes())
        yield case(name, family, "regression", estimator, dataset)
    yield case("hist-regressor-missing", "histogram gradient boosting", "regression", ensemble.HistGradientBoostingRegressor(max_iter=12, random_state=SEED), lambda: data.with_missing(data.diabetes), "missing values")
    yield case("linear-targets", "linear regression", "regression", linear_model.LinearRegression(), data.linnerud, "three targets")
    yield case("forest-targets", "random forest", "regression", ensemble.RandomForestRegressor(**forest), data.linnerud, "three targets")
    yield case("tree-double", "decision tree", "regression", tree.DecisionTreeRegressor(max_depth=6, random_state=SEED), data.diabetes, "float64 input", kind=DoubleTensorType)
    yield case("boosting-double", "gradient boosting", "regression", ensemble.GradientBoostingRegressor(n_estimators=10, random_state=SEED), data.diabetes, "float64 input", kind=DoubleTensorType)
    yield case("linear-double", "linear regression", "regression", linear_model.LinearRegression(), data.diabetes, "float64 input", kind=DoubleTensorType)


def others():
    """Outliers, clusters, and transformers by themselves."""
    yield case("isolation-forest", "outliers", "outliers", ensemble.IsolationForest(n_estimators=10, random_state=SEED), data.cancer)
    yield case("one-class-svm", "outliers", "outliers", svm.OneClassSVM(nu=0.1, gamma="scale"), data.cancer)
    # Scaled, as its distances come of a difference of squares: of large numbers, 32 bits keep less than is compared.
    kmeans = pipeline.make_pipeline(preprocessing.StandardScaler(), cluster.KMeans(4, random_state=SEED, n_init=3))
    yield case("kmeans", "clusters", "clusters", kmeans, data.iris)
    transformers = [
        ("scaler", preprocessing.StandardScaler(), data.wine),
        ("min-max", preprocessing.MinMaxScaler(), data.wine),
        ("max-abs", preprocessing.MaxAbsScaler(), data.wine),
        ("robust", preprocessing.RobustScaler(), data.wine),
        ("normalizer-l1", preprocessing.Normalizer("l1"), data.wine),
        ("normalizer-l2", preprocessing.Normalizer("l2"), data.wine),
        ("normalizer-max", preprocessing.Normalizer("max"), data.wine),
        ("binarizer", preprocessing.Binarizer(threshold=3.0), data.iris),
        ("bins", preprocessing.KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"), data.iris),
        ("bins-onehot", preprocessing.KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), data.iris),
        ("polynomial", preprocessing.PolynomialFeatures(2), data.iris),
        ("imputer-mean", impute.SimpleImputer(), lambda: data.with_missing(data.wine)),
        ("imputer-median", impute.SimpleImputer(strategy="median"), lambda: data.with_missing(data.wine)),
        ("imputer-constant", impute.SimpleImputer(strategy="constant", fill_value=-1), lambda: data.with_missing(data.wine)),
        ("pca", decomposition.PCA(3), data.wine),
        ("svd", decomposition.TruncatedSVD(3, random_state=SEED), data.wine),
        ("select", feature_selection.SelectKBest(k=4), data.wine),
        ("ordinal", preprocessing.OrdinalEncoder(), data.counts),
        ("onehot-numbers", preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"), data.counts),
    ]
    for name, estimator, dataset in transformers:
        yield case(name, "preprocessing", "transform", estimator, dataset)
    yield case("onehot-integers", "preprocessing", "transform", preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"), data.counts, "integer input", kind=Int64TensorType)


def table_case(name, family, last, notes="", options=None, keep_types=False):
    """A pipeline over columns of numbers and strings, with an input a column."""

    def make():
        train, left, held = data.customers()
        numbers, strings = ["tenure", "charges"], ["plan", "region"]
        impute_scale = pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler())
        onehot = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        # A transformer takes columns of one type.
        apart = [("integers", preprocessing.StandardScaler(), ["tenure"]), ("numbers", impute_scale, ["charges"])]
        together = [("numbers", impute_scale, numbers)]
        columns = compose.ColumnTransformer([*(apart if keep_types else together), ("strings", onehot, strings)])
        model = pipeline.Pipeline([("columns", columns), ("last", last)])
        frame = lambda columns: pd.DataFrame({name: column[:, 0] for name, column in columns.items()})
        model.fit(frame(train), left)
        kinds = {"tenure": FloatTensorType, "charges": FloatTensorType, "plan": StringTensorType, "region": StringTensorType}
        if keep_types:
            kinds["tenure"], held["tenure"] = Int64TensorType, held["tenure"].astype(np.int64)
        types = [(name, kinds[name]([None, 1])) for name in train]
        wanted = {id(last): options} if options else None
        own = own_answers(model, frame(held), options or {})
        return convert_sklearn(model, initial_types=types, options=wanted, target_opset=OPSET), held, own

    library = {"XGBClassifier": "XGBoost", "LGBMClassifier": "LightGBM"}.get(type(last).__name__, "scikit-learn")
    return Case(f"table-{name}", family, library, type(last).__name__, "binary", f"an input a column, strings, missing values{notes}", make)


def tables():
    """Pipelines over a table of customers."""
    yield table_case("logistic", "pipeline", linear_model.LogisticRegression(max_iter=1000), options=NO_ZIPMAP)
    yield table_case("logistic-zipmap", "pipeline", linear_model.LogisticRegression(max_iter=1000), ", ZipMap")
    yield table_case("boosting", "pipeline", ensemble.GradientBoostingClassifier(n_estimators=12, random_state=SEED), options=NO_ZIPMAP)
    yield table_case("forest", "pipeline", ensemble.RandomForestClassifier(12, max_depth=5, random_state=SEED), options=NO_ZIPMAP)
    yield table_case("integers", "pipeline", linear_model.LogisticRegression(max_iter=1000), ", an integer column", options=NO_ZIPMAP, keep_types=True)
    numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler(), ensemble.RandomForestClassifier(12, max_depth=5, random_state=SEED))
    yield case("imputed-forest", "pipeline", "multi-class", numbers, lambda: data.with_missing(data.wine), "missing values", options=NO_ZIPMAP)
    yield Case("sklearn-onehot-strings", "preprocessing", "scikit-learn", "OneHotEncoder", "transform", "string input", onehot_strings)
    yield Case("sklearn-ordinal-strings", "preprocessing", "scikit-learn", "OrdinalEncoder", "transform", "string input", ordinal_strings)


def strings():
    """The columns of strings side by side, as trained on and held out; held-out ones known."""
    train, _, held = data.customers()
    pair = lambda table: np.hstack([table["plan"], table["region"]])
    held = pair(held)
    return pair(train), held[held[:, 1] != "abroad"]


def onehot_strings():
    train, held = strings()
    model = preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(train)
    types = [("X", StringTensorType([None, 2]))]
    return convert_sklearn(model, initial_types=types, target_opset=OPSET), {"X": held}, [model.transform(held)]


def ordinal_strings():
    train, held = strings()
    model = preprocessing.OrdinalEncoder().fit(train)
    types = [("X", StringTensorType([None, 2]))]
    return convert_sklearn(model, initial_types=types, target_opset=OPSET), {"X": held}, [model.transform(held)]


def cases():
    yield from classifiers()
    yield from regressors()
    yield from others()
    yield from tables()
