"""scikit-learn, beyond the usual: other losses and kernels, label and input types, meta-estimators, several targets."""

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType
from sklearn import (
    calibration,
    discriminant_analysis,
    ensemble,
    gaussian_process,
    kernel_ridge,
    linear_model,
    mixture,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.decomposition import PCA

import datasets as data
from sklearn_cases import NO_ZIPMAP, RAW, SEED, case

FOREST = dict(n_estimators=5, max_depth=4, random_state=SEED)
missing = lambda dataset: lambda: data.with_missing(dataset)
first = lambda count, dataset: lambda: (lambda x, y, held: (x[:count], y[:count], held))(*dataset())
logistic = lambda **how: linear_model.LogisticRegression(max_iter=5000, **how)
stump = lambda **how: tree.DecisionTreeClassifier(max_depth=3, random_state=SEED, **how)
network = lambda layers, activation: neural_network.MLPClassifier(layers, activation, max_iter=400, random_state=SEED)


def scaled(last):
    return pipeline.make_pipeline(preprocessing.StandardScaler(), last)


def labelled(name, family, task, estimator, dataset, notes="", options=NO_ZIPMAP, **how):
    """A classifier, with its probabilities as a tensor unless told otherwise."""
    return case(name, family, task, estimator, dataset, notes, options=options, **how)


def linear_classifiers():
    sgd = "linear, by SGD"
    aggressive = lambda: linear_model.PassiveAggressiveClassifier(random_state=SEED)
    yield labelled("passive-aggressive-binary", sgd, "binary", scaled(aggressive()), data.cancer, options=RAW)
    yield labelled("passive-aggressive-multi", sgd, "multi-class", scaled(aggressive()), data.wine, options=RAW)
    yield labelled("sgd-hinge-binary", sgd, "binary", scaled(linear_model.SGDClassifier(random_state=SEED)), data.cancer, "hinge", options=RAW)
    yield labelled("sgd-log-strings", sgd, "multi-class", scaled(linear_model.SGDClassifier(loss="log_loss", random_state=SEED)), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("perceptron-binary", sgd, "binary", scaled(linear_model.Perceptron(random_state=SEED)), data.cancer_names, "string labels", options=RAW)
    yield labelled("ridge-classifier-strings", "ridge", "multi-class", linear_model.RidgeClassifier(), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("ridge-classifier-cv", "ridge", "multi-class", linear_model.RidgeClassifierCV(), data.wine, "alpha by cross-validation")
    yield labelled("logistic-cv", "logistic regression", "multi-class", linear_model.LogisticRegressionCV(Cs=3, cv=3, max_iter=5000), data.iris, "C by cross-validation")
    yield labelled("logistic-double", "logistic regression", "multi-class", logistic(), data.iris, "float64 input", kind=DoubleTensorType)
    yield labelled("logistic-double-zipmap", "logistic regression", "binary", logistic(), data.cancer_names, "float64 input, string labels, ZipMap", options=None, kind=DoubleTensorType)
    yield labelled("logistic-columns-binary", "logistic regression", "binary", logistic(), data.cancer_names, "string labels, an output a class", options={"zipmap": "columns"})
    yield labelled("logistic-no-intercept", "logistic regression", "binary", logistic(fit_intercept=False), data.cancer, "no intercept")
    yield labelled("logistic-digits", "logistic regression", "multi-class", scaled(logistic()), data.digits, "ten classes")
    yield labelled("linear-svc-strings", "support vector machine", "binary", scaled(svm.LinearSVC(random_state=SEED)), data.cancer_names, "string labels, raw scores", options={"raw_scores": True})
    yield labelled("lda-strings", "discriminant analysis", "multi-class", discriminant_analysis.LinearDiscriminantAnalysis(), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("qda-strings", "discriminant analysis", "multi-class", discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1), data.iris_names, "string labels, ZipMap", options=None)


def kernel_classifiers():
    family = "support vector machine"
    sure = lambda **how: svm.SVC(probability=True, random_state=SEED, **how)
    for kernel in ["rbf", "linear", "poly", "sigmoid"]:
        yield labelled(f"svc-{kernel}-probability-binary", family, "binary", scaled(sure(kernel=kernel)), data.cancer, "probability=True")
        yield labelled(f"svc-{kernel}-probability-multi", family, "multi-class", scaled(sure(kernel=kernel)), data.iris, "probability=True")
    yield labelled("svc-strings", family, "binary", scaled(sure()), data.cancer_names, "probability=True, string labels, ZipMap", options=None)
    yield labelled("svc-raw", family, "multi-class", scaled(sure()), data.wine, "probability=True, raw scores", options=RAW)
    yield labelled("svc-double", family, "binary", scaled(sure()), data.cancer, "probability=True, float64 input", kind=DoubleTensorType)
    yield labelled("svc-digits", family, "multi-class", svm.SVC(gamma="scale"), first(80, data.digits), "ten classes")
    yield labelled("svc-sigmoid-multi", family, "multi-class", scaled(svm.SVC(kernel="sigmoid")), data.iris)
    yield labelled("svc-linear-binary", family, "binary", scaled(svm.SVC(kernel="linear")), data.cancer_other, "labels 3 and 7")
    yield labelled("nu-svc-binary", family, "binary", scaled(svm.NuSVC(nu=0.3)), data.cancer)
    yield labelled("nu-svc-probability", family, "multi-class", scaled(svm.NuSVC(nu=0.3, probability=True, random_state=SEED)), data.wine, "probability=True")
    rbf = gaussian_process.kernels.RBF()
    yield labelled("gaussian-process-multi", "Gaussian process", "multi-class", gaussian_process.GaussianProcessClassifier(rbf), first(45, data.iris))


def network_classifiers():
    family = "neural network"
    for activation in ["tanh", "logistic", "identity"]:
        for task, dataset in [("binary", data.cancer), ("multi-class", data.wine)]:
            name = f"mlp-{activation}-scaled-{task.removesuffix('-class')}"
            yield labelled(name, family, task, scaled(network((8,), activation)), dataset, activation)
    yield labelled("mlp-strings", family, "multi-class", scaled(network((8, 8), "relu")), data.iris_names, "two layers, string labels, ZipMap", options=None)
    yield labelled("mlp-double", family, "binary", scaled(network((8,), "relu")), data.cancer, "float64 input", kind=DoubleTensorType)
    yield labelled("mlp-digits", family, "multi-class", scaled(network((16,), "relu")), data.digits, "ten classes")


def neighbour_and_bayes_classifiers():
    near = lambda **how: neighbors.KNeighborsClassifier(algorithm="brute", **how)
    family = "nearest neighbours"
    yield labelled("knn-manhattan-binary", family, "binary", scaled(near(n_neighbors=5, metric="manhattan")), first(150, data.cancer), "Manhattan distance")
    yield labelled("knn-distance-manhattan", family, "multi-class", near(n_neighbors=4, weights="distance", metric="manhattan"), data.iris, "weights by distance, Manhattan distance")
    yield labelled("knn-zipmap", family, "multi-class", near(n_neighbors=5), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("knn-double", family, "binary", scaled(near(n_neighbors=5)), first(150, data.cancer), "float64 input", kind=DoubleTensorType)
    yield labelled("knn-minkowski", family, "multi-class", near(n_neighbors=5, metric="minkowski", p=3), data.iris, "Minkowski distance, p = 3")
    yield labelled("knn-integers", family, "binary", near(n_neighbors=5), data.counts, "integer input", kind=Int64TensorType)
    yield labelled("radius-neighbours", family, "multi-class", neighbors.RadiusNeighborsClassifier(2.0, algorithm="brute", outlier_label=0), data.iris)
    yield labelled("nearest-centroid", family, "multi-class", neighbors.NearestCentroid(), data.iris)
    family = "naive Bayes"
    yield labelled("gaussian-nb-strings", family, "multi-class", naive_bayes.GaussianNB(), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("bernoulli-nb-integers", family, "binary", naive_bayes.BernoulliNB(binarize=4), data.counts, "integer input", kind=Int64TensorType)
    yield labelled("multinomial-nb-multi", family, "multi-class", naive_bayes.MultinomialNB(), data.digits, "ten classes")
    yield labelled("complement-nb-multi", family, "multi-class", naive_bayes.ComplementNB(), data.iris)
    yield labelled("bernoulli-nb-multi", family, "multi-class", naive_bayes.BernoulliNB(binarize=8.0), data.digits, "ten classes")
    yield labelled("categorical-nb", family, "binary", naive_bayes.CategoricalNB(min_categories=10), data.counts, "integer input", kind=Int64TensorType)
    yield labelled("gaussian-mixture", "clusters", "clusters", mixture.GaussianMixture(3, random_state=SEED), data.iris, options=None)


def tree_classifiers():
    hist = lambda **how: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=SEED, **how)
    boosting = lambda **how: ensemble.GradientBoostingClassifier(n_estimators=5, random_state=SEED, **how)
    yield labelled("tree-strings", "decision tree", "binary", stump(), data.cancer_names, "string labels")
    yield labelled("tree-double-multi", "decision tree", "multi-class", stump(), data.wine, "float64 input", kind=DoubleTensorType)
    yield labelled("tree-integers", "decision tree", "binary", tree.DecisionTreeClassifier(max_depth=6, random_state=SEED), data.counts, "integer input", kind=Int64TensorType)
    yield labelled("tree-missing", "decision tree", "binary", stump(), missing(data.cancer), "missing values")
    yield labelled("tree-leaf-only", "decision tree", "binary", tree.DecisionTreeClassifier(max_depth=1, min_samples_leaf=0.5, random_state=SEED), data.cancer, "at most one branch")
    yield labelled("extra-tree", "decision tree", "multi-class", tree.ExtraTreeClassifier(max_depth=5, random_state=SEED), data.wine, "random thresholds")
    yield labelled("forest-strings-multi", "random forest", "multi-class", ensemble.RandomForestClassifier(**FOREST), data.iris_names, "string labels")
    yield labelled("forest-missing", "random forest", "binary", ensemble.RandomForestClassifier(**FOREST), missing(data.cancer), "missing values")
    yield labelled("forest-missing-multi", "random forest", "multi-class", ensemble.RandomForestClassifier(**FOREST), missing(data.wine), "missing values")
    yield labelled("forest-integers", "random forest", "binary", ensemble.RandomForestClassifier(**FOREST), data.counts, "integer input", kind=Int64TensorType)
    yield labelled("forest-columns", "random forest", "multi-class", ensemble.RandomForestClassifier(**FOREST), data.iris_names, "string labels, an output a class", options={"zipmap": "columns"})
    yield labelled("forest-digits", "random forest", "multi-class", ensemble.RandomForestClassifier(**FOREST | {"n_estimators": 4}), data.digits, "ten classes")
    yield labelled("extra-trees-strings", "extra trees", "multi-class", ensemble.ExtraTreesClassifier(**FOREST), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("extra-trees-double", "extra trees", "binary", ensemble.ExtraTreesClassifier(**FOREST), data.cancer, "float64 input", kind=DoubleTensorType)
    yield labelled("adaboost-strings", "AdaBoost", "multi-class", ensemble.AdaBoostClassifier(stump(), n_estimators=4, random_state=SEED), data.iris_names, "trees of depth 3, string labels, ZipMap", options=None)
    yield labelled("boosting-strings", "gradient boosting", "binary", boosting(), data.cancer_names, "string labels, ZipMap", options=None)
    yield labelled("boosting-other-labels", "gradient boosting", "binary", boosting(), data.cancer_other, "labels 3 and 7")
    yield labelled("boosting-raw", "gradient boosting", "binary", boosting(), data.cancer, "raw scores", options=RAW)
    yield labelled("boosting-raw-multi", "gradient boosting", "multi-class", boosting(), data.wine, "raw scores", options=RAW)
    yield labelled("boosting-exponential", "gradient boosting", "binary", boosting(loss="exponential"), data.cancer, "exponential loss")
    yield labelled("boosting-subsample", "gradient boosting", "multi-class", boosting(subsample=0.6), data.wine, "subsampled")
    yield labelled("boosting-zero-init", "gradient boosting", "binary", boosting(init="zero"), data.cancer, "init zero")
    yield labelled("hist-strings", "histogram gradient boosting", "multi-class", hist(), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("hist-missing-multi", "histogram gradient boosting", "multi-class", hist(), missing(data.wine), "missing values")
    yield labelled("hist-raw", "histogram gradient boosting", "binary", hist(), data.cancer, "raw scores", options=RAW)
    yield labelled("hist-double", "histogram gradient boosting", "binary", hist(), data.cancer, "float64 input", kind=DoubleTensorType)


def meta_classifiers():
    pair = [("logistic", logistic()), ("tree", stump())]
    one = multiclass.OneVsRestClassifier
    yield labelled("one-rest-trees", "one against the rest", "multi-class", one(stump()), data.wine, "trees")
    yield labelled("one-rest-strings", "one against the rest", "multi-class", one(logistic()), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("one-rest-svc", "one against the rest", "multi-class", one(svm.SVC(kernel="linear", probability=True, random_state=SEED)), data.iris, "support vector machines")
    yield labelled("one-one", "one against one", "multi-class", multiclass.OneVsOneClassifier(logistic()), data.iris)
    yield labelled("bagging-logistic", "bagging", "binary", ensemble.BaggingClassifier(scaled(logistic()), 4, random_state=SEED), data.cancer, "logistic regressions")
    yield labelled("bagging-features", "bagging", "multi-class", ensemble.BaggingClassifier(stump(), 6, max_features=0.5, random_state=SEED), data.wine, "half of the features each")
    yield labelled("bagging-strings", "bagging", "multi-class", ensemble.BaggingClassifier(stump(), 5, random_state=SEED), data.iris_names, "string labels, ZipMap", options=None)
    soft = lambda **how: ensemble.VotingClassifier(pair, voting="soft", flatten_transform=False, **how)
    yield labelled("voting-binary", "voting", "binary", soft(), data.cancer)
    yield labelled("voting-weights", "voting", "multi-class", soft(weights=np.array([3, 1])), data.wine, "weights")
    yield labelled("voting-strings", "voting", "multi-class", soft(), data.iris_names, "string labels, ZipMap", options=None)
    yield labelled("stacking-binary", "stacking", "binary", ensemble.StackingClassifier(pair, logistic()), data.cancer)
    yield labelled("stacking-passthrough", "stacking", "multi-class", ensemble.StackingClassifier(pair, stump(), passthrough=True), data.iris, "features passed through")
    calibrated = calibration.CalibratedClassifierCV
    yield labelled("calibrated-bayes", "calibration", "binary", calibrated(naive_bayes.GaussianNB(), cv=3), data.cancer, "sigmoid")
    yield labelled("calibrated-isotonic", "calibration", "binary", calibrated(naive_bayes.GaussianNB(), method="isotonic", cv=3), data.cancer, "isotonic")
    yield labelled("calibrated-forest", "calibration", "multi-class", calibrated(ensemble.RandomForestClassifier(**FOREST), cv=2), data.iris, "sigmoid")
    yield labelled("calibrated-linear-svc", "calibration", "binary", calibrated(svm.LinearSVC(random_state=SEED, max_iter=20000), cv=3), data.cancer, "sigmoid, ZipMap", options=None)
    yield labelled("calibrated-strings", "calibration", "multi-class", calibrated(logistic(), cv=3), data.iris_names, "sigmoid, string labels, ZipMap", options=None)
    yield labelled("multi-label-network", "several labels", "multi-label", scaled(network((8,), "relu")), data.labels, "three labels a row")
    yield labelled("multi-output-logistic", "several labels", "multi-label", multioutput.MultiOutputClassifier(logistic()), data.labels, "three labels a row")
    yield labelled("multi-label-forest", "several labels", "multi-label", ensemble.RandomForestClassifier(**FOREST), data.labels, "three labels a row")
    reduced = pipeline.make_pipeline(PCA(6), logistic())
    yield labelled("digits-pca-logistic", "pipeline", "multi-class", reduced, data.digits, "PCA, ten classes")


def regressors():
    hist = lambda **how: ensemble.HistGradientBoostingRegressor(max_iter=5, random_state=SEED, **how)
    boosting = lambda **how: ensemble.GradientBoostingRegressor(n_estimators=6, random_state=SEED, **how)
    forest, short = ensemble.RandomForestRegressor, tree.DecisionTreeRegressor(max_depth=4, random_state=SEED)
    near = lambda **how: neighbors.KNeighborsRegressor(4, algorithm="brute", **how)
    network = lambda activation: scaled(neural_network.MLPRegressor(hidden_layer_sizes=(8,), activation=activation, max_iter=600, random_state=SEED))
    double, integers = {"kind": DoubleTensorType}, {"kind": Int64TensorType}
    gaussian = gaussian_process.GaussianProcessRegressor
    kernels = gaussian_process.kernels
    table = [
        ("linear regression", "lars", linear_model.Lars(), data.diabetes, "", {}),
        ("linear regression", "omp", linear_model.OrthogonalMatchingPursuit(), data.diabetes, "", {}),
        ("linear regression", "ard", linear_model.ARDRegression(), data.diabetes, "", {}),
        ("linear regression", "theil-sen", linear_model.TheilSenRegressor(random_state=SEED, max_subpopulation=200, n_jobs=1), data.diabetes, "", {}),
        ("linear regression", "ransac", linear_model.RANSACRegressor(random_state=SEED), data.diabetes, "", {}),
        ("linear regression", "quantile", linear_model.QuantileRegressor(quantile=0.8, alpha=0.01), data.diabetes, "quantile 0.8", {}),
        ("linear regression", "linear-integers", linear_model.LinearRegression(), data.counts_sum, "integer input", integers),
        ("linear regression", "linear-no-intercept", linear_model.LinearRegression(fit_intercept=False), data.diabetes, "no intercept", {}),
        ("linear regression", "linear-positive", linear_model.LinearRegression(positive=True), data.diabetes, "no negative weights", {}),
        ("linear, by SGD", "passive-aggressive-regressor", linear_model.PassiveAggressiveRegressor(random_state=SEED), data.diabetes, "", {}),
        ("ridge", "ridge-cv", linear_model.RidgeCV(), data.diabetes, "alpha by cross-validation", {}),
        ("ridge", "ridge-targets", linear_model.Ridge(), data.linnerud, "three targets", {}),
        ("ridge", "ridge-double", linear_model.Ridge(), data.diabetes, "float64 input", double),
        ("lasso", "lasso-cv", linear_model.LassoCV(cv=3, random_state=SEED), data.diabetes, "alpha by cross-validation", {}),
        ("lasso", "lasso-lars", linear_model.LassoLars(alpha=0.1), data.diabetes, "", {}),
        ("lasso", "lasso-targets", linear_model.MultiTaskLasso(alpha=0.1), data.linnerud, "three targets", {}),
        ("elastic net", "elastic-net-cv", linear_model.ElasticNetCV(cv=3, random_state=SEED), data.diabetes, "alpha by cross-validation", {}),
        ("elastic net", "elastic-net-targets", linear_model.MultiTaskElasticNet(alpha=0.1), data.linnerud, "three targets", {}),
        ("generalised linear model", "tweedie-identity", linear_model.TweedieRegressor(power=0, link="identity"), data.diabetes, "power 0, identity link", {}),
        ("generalised linear model", "poisson-double", linear_model.PoissonRegressor(max_iter=1000), data.diabetes, "float64 input", double),
        ("support vector machine", "svr-sigmoid", scaled(svm.SVR(kernel="sigmoid")), first(200, data.diabetes), "", {}),
        ("support vector machine", "svr-double", scaled(svm.SVR(C=50)), first(200, data.diabetes), "float64 input", double),
        ("support vector machine", "nu-svr-linear", scaled(svm.NuSVR(kernel="linear")), first(200, data.diabetes), "", {}),
        ("kernel ridge", "kernel-ridge", kernel_ridge.KernelRidge(kernel="rbf"), first(80, data.diabetes), "", {}),
        ("neural network", "mlp-regressor-tanh", network("tanh"), data.diabetes, "tanh", {}),
        ("neural network", "mlp-regressor-logistic", network("logistic"), data.diabetes, "logistic", {}),
        ("neural network", "mlp-regressor-targets", network("relu"), data.linnerud, "three targets", {}),
        ("nearest neighbours", "knn-regressor-manhattan", near(metric="manhattan"), first(120, data.diabetes), "Manhattan distance", {}),
        ("nearest neighbours", "knn-regressor-targets", near(), data.linnerud, "three targets", {}),
        ("nearest neighbours", "knn-regressor-double", near(), first(120, data.diabetes), "float64 input", double),
        ("decision tree", "tree-regressor-targets", tree.DecisionTreeRegressor(max_depth=3, random_state=SEED), data.linnerud, "three targets", {}),
        ("decision tree", "tree-regressor-missing", short, missing(data.diabetes), "missing values", {}),
        ("decision tree", "tree-regressor-integers", short, data.counts_sum, "integer input", integers),
        ("decision tree", "extra-tree-regressor", tree.ExtraTreeRegressor(max_depth=5, random_state=SEED), data.diabetes, "random thresholds", {}),
        ("random forest", "forest-regressor-missing", forest(**FOREST), missing(data.diabetes), "missing values", {}),
        ("random forest", "forest-regressor-double", forest(**FOREST), data.diabetes, "float64 input", double),
        ("random forest", "forest-regressor-integers", forest(**FOREST), data.counts_sum, "integer input", integers),
        ("extra trees", "extra-trees-targets", ensemble.ExtraTreesRegressor(**FOREST), data.linnerud, "three targets", {}),
        ("gradient boosting", "boosting-huber", boosting(loss="huber"), data.diabetes, "Huber loss", {}),
        ("gradient boosting", "boosting-quantile", boosting(loss="quantile", alpha=0.8), data.diabetes, "quantile 0.8", {}),
        ("gradient boosting", "boosting-absolute", boosting(loss="absolute_error"), data.diabetes, "absolute error", {}),
        ("gradient boosting", "boosting-zero-init-regressor", boosting(init="zero"), data.diabetes, "init zero", {}),
        ("histogram gradient boosting", "hist-poisson", hist(loss="poisson"), data.diabetes, "Poisson loss", {}),
        ("histogram gradient boosting", "hist-gamma", hist(loss="gamma"), data.diabetes, "gamma loss", {}),
        ("histogram gradient boosting", "hist-quantile", hist(loss="quantile", quantile=0.8), data.diabetes, "quantile 0.8", {}),
        ("histogram gradient boosting", "hist-categories", hist(categorical_features=[0]), data.categories, "a column of categories", {}),
        ("AdaBoost", "adaboost-regressor-linear", ensemble.AdaBoostRegressor(linear_model.Ridge(), n_estimators=4, random_state=SEED), data.diabetes, "ridge regressions", {}),
        ("bagging", "bagging-regressor-features", ensemble.BaggingRegressor(short, 5, max_features=0.5, random_state=SEED), data.diabetes, "half of the features each", {}),
        ("voting", "voting-regressor-weights", ensemble.VotingRegressor([("ridge", linear_model.Ridge()), ("tree", short)], weights=np.array([3, 1])), data.diabetes, "weights", {}),
        ("stacking", "stacking-regressor", ensemble.StackingRegressor([("ridge", linear_model.Ridge()), ("tree", short)], linear_model.LinearRegression()), data.diabetes, "", {}),
        ("several targets", "multi-output-trees", multioutput.MultiOutputRegressor(tree.DecisionTreeRegressor(max_depth=3, random_state=SEED)), data.linnerud, "three targets", {}),
        ("several targets", "regressor-chain", multioutput.RegressorChain(linear_model.Ridge()), data.linnerud, "three targets", {}),
        ("Gaussian process", "gaussian-process-rbf", gaussian(kernels.RBF(1.0), alpha=0.1, optimizer=None), first(60, data.iris_width), "RBF", {}),
        ("Gaussian process", "gaussian-process-double", gaussian(kernels.RBF(1.0), alpha=0.1, optimizer=None), first(60, data.iris_width), "RBF, float64 input", double),
    ]
    for family, name, estimator, dataset, notes, how in table:
        yield case(name, family, "regression", estimator, dataset, notes, **how)


def cases():
    for group in [linear_classifiers, kernel_classifiers, network_classifiers, neighbour_and_bayes_classifiers, tree_classifiers, meta_classifiers, regressors]:
        yield from group()
