"""XGBoost and LightGBM, converted by onnxmltools, and CatBoost, which writes ONNX itself."""

import tempfile

import numpy as np
import onnx
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import Dataset, LGBMClassifier, LGBMRegressor, train
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import (
    convert_lightgbm as lightgbm_converter,
)
from onnxmltools.convert.xgboost.operator_converters.XGBoost import (
    convert_xgboost as xgboost_converter,
)
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from xgboost import (
    DMatrix,
    XGBClassifier,
    XGBRegressor,
    XGBRFClassifier,
    XGBRFRegressor,
)
from xgboost import train as train_xgboost

import datasets as data
from record import Case
from sklearn_cases import NO_ZIPMAP, SEED, own_answers, table_case

for estimator, alias, converter in [
    (XGBClassifier, "XGBoostXGBClassifier", xgboost_converter),
    (LGBMClassifier, "LightGbmLGBMClassifier", lightgbm_converter),
]:
    wanted = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    update_registered_converter(estimator, alias, calculate_linear_classifier_output_shapes, converter, options=wanted)


def xgboost(name, task, estimator, dataset, notes=""):
    def make():
        x, y, held = dataset()
        estimator.fit(x, y)
        types = [("X", FloatTensorType([None, x.shape[1]]))]
        return convert_xgboost(estimator, initial_types=types, target_opset=15), {"X": held}, own_answers(estimator, held, {})

    return Case(f"xgboost-{name}", "XGBoost", "XGBoost", type(estimator).__name__, task, notes, make)


def lightgbm(name, task, estimator, dataset, notes="", zipmap=False, fit=None):
    def make():
        x, y, held = dataset()
        estimator.fit(x, y, **(fit or {}))
        types = [("X", FloatTensorType([None, x.shape[1]]))]
        return convert_lightgbm(estimator, initial_types=types, target_opset=15, zipmap=zipmap), {"X": held}, own_answers(estimator, held, {})

    return Case(f"lightgbm-{name}", "LightGBM", "LightGBM", type(estimator).__name__, task, notes, make)


def native_answers(scores, task):
    """The outputs of a model, from the scores of a Booster."""
    if task == "binary":
        return [scores > 0.5, np.column_stack([1 - scores, scores])]
    return [scores.argmax(axis=1), scores] if task == "multi-class" else [scores]


def xgboost_native(name, task, params, dataset, rounds=5, notes=""):
    """A Booster without the interface of scikit-learn."""

    def make():
        x, y, held = dataset()
        booster = train_xgboost(params | {"seed": SEED, "nthread": 1, "max_depth": 3}, DMatrix(x, y), rounds)
        own = native_answers(booster.predict(DMatrix(held)), task)
        types = [("X", FloatTensorType([None, x.shape[1]]))]
        return convert_xgboost(booster, initial_types=types, target_opset=15), {"X": held}, own

    return Case(f"xgboost-{name}", "XGBoost", "XGBoost", "Booster", task, f"native Booster{notes}", make)


def lightgbm_native(name, task, params, dataset, rounds=5):
    """A Booster without the interface of scikit-learn."""

    def make():
        x, y, held = dataset()
        settings = params | {"seed": SEED, "num_threads": 1, "num_leaves": 10, "verbose": -1, "deterministic": True}
        booster = train(settings, Dataset(x, y), rounds)
        own = native_answers(booster.predict(held), task)
        types = [("X", FloatTensorType([None, x.shape[1]]))]
        return convert_lightgbm(booster, initial_types=types, target_opset=15, zipmap=False), {"X": held}, own

    return Case(f"lightgbm-{name}", "LightGBM", "LightGBM", "Booster", task, "native Booster", make)


def catboost(name, task, estimator, dataset, notes=""):
    def make():
        x, y, held = dataset()
        estimator.fit(x, y)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            estimator.save_model(file.name, format="onnx")
            return onnx.load(file.name), {"features": held}, own_answers(estimator, held, {})

    return Case(f"catboost-{name}", "CatBoost", "CatBoost", type(estimator).__name__, task, notes, make)


def cases():
    missing = lambda dataset: lambda: data.with_missing(dataset)
    positive = lambda: (lambda x, y, held: (x, np.abs(y) / 50 + 0.1, held))(*data.diabetes())
    shares = lambda: (lambda x, y, held: (x, (y > 140).astype(np.float32), held))(*data.diabetes())
    xgb = dict(n_estimators=12, max_depth=4, random_state=SEED, n_jobs=1)
    yield xgboost("binary", "binary", XGBClassifier(**xgb), data.cancer)
    yield xgboost("binary-missing", "binary", XGBClassifier(**xgb), missing(data.cancer), "missing values")
    yield xgboost("binary-base-score", "binary", XGBClassifier(base_score=0.3, **xgb), data.cancer, "base_score 0.3")
    yield xgboost("multi", "multi-class", XGBClassifier(**xgb), data.iris)
    yield xgboost("multi-missing", "multi-class", XGBClassifier(**xgb), missing(data.wine), "missing values")
    yield xgboost("dart", "binary", XGBClassifier(booster="dart", rate_drop=0.2, **xgb), data.cancer, "DART")
    yield xgboost("forest", "binary", XGBRFClassifier(n_estimators=12, max_depth=4, random_state=SEED, n_jobs=1), data.cancer, "random forest")
    yield xgboost("regressor", "regression", XGBRegressor(**xgb), data.diabetes)
    yield xgboost("regressor-base-score", "regression", XGBRegressor(base_score=100.0, **xgb), data.diabetes, "base_score 100")
    yield xgboost("regressor-missing", "regression", XGBRegressor(**xgb), missing(data.diabetes), "missing values")
    yield xgboost("poisson", "regression", XGBRegressor(objective="count:poisson", **xgb), positive, "count:poisson")
    yield xgboost("gamma", "regression", XGBRegressor(objective="reg:gamma", **xgb), positive, "reg:gamma")
    yield xgboost("logistic-regressor", "regression", XGBRegressor(objective="reg:logistic", **xgb), shares, "reg:logistic")
    yield xgboost("absolute", "regression", XGBRegressor(objective="reg:absoluteerror", **xgb), data.diabetes, "reg:absoluteerror")

    small = dict(n_estimators=5, max_depth=3, random_state=SEED, n_jobs=1)
    yield xgboost("forest-multi", "multi-class", XGBRFClassifier(n_estimators=6, max_depth=3, random_state=SEED, n_jobs=1), data.wine, "random forest")
    yield xgboost("forest-regressor", "regression", XGBRFRegressor(n_estimators=5, max_depth=4, random_state=SEED, n_jobs=1), data.diabetes, "random forest")
    yield xgboost("multi-base-score", "multi-class", XGBClassifier(base_score=0.7, **small), data.iris, "base_score 0.7")
    yield xgboost("multi-softmax", "multi-class", XGBClassifier(objective="multi:softmax", **small), data.wine, "multi:softmax")
    yield xgboost("digits", "multi-class", XGBClassifier(n_estimators=3, max_depth=3, random_state=SEED, n_jobs=1), data.digits, "ten classes")
    yield xgboost("raw", "binary", XGBClassifier(objective="binary:logitraw", **small), data.cancer, "binary:logitraw")
    yield xgboost("hinge", "binary", XGBClassifier(objective="binary:hinge", **small), data.cancer, "binary:hinge")
    yield xgboost("weighted", "binary", XGBClassifier(scale_pos_weight=3.0, **small), data.cancer, "scale_pos_weight 3")
    yield xgboost("stumps", "binary", XGBClassifier(n_estimators=20, max_depth=1, random_state=SEED, n_jobs=1), data.cancer, "depth 1")
    yield xgboost("counts", "binary", XGBClassifier(**small), data.counts, "whole numbers, at the thresholds")
    yield xgboost("lossguide", "binary", XGBClassifier(grow_policy="lossguide", max_leaves=6, **small), data.cancer, "grown by leaf")
    yield xgboost("linear", "regression", XGBRegressor(booster="gblinear", n_estimators=20, random_state=SEED, n_jobs=1), data.diabetes, "gblinear")
    yield xgboost("tweedie", "regression", XGBRegressor(objective="reg:tweedie", **small), positive, "reg:tweedie")
    yield xgboost("huber", "regression", XGBRegressor(objective="reg:pseudohubererror", **small), data.diabetes, "reg:pseudohubererror")
    yield xgboost("quantile", "regression", XGBRegressor(objective="reg:quantileerror", quantile_alpha=0.8, **small), data.diabetes, "reg:quantileerror")
    yield xgboost("targets", "regression", XGBRegressor(**small), data.linnerud, "three targets")
    yield xgboost_native("native-binary", "binary", {"objective": "binary:logistic"}, data.cancer)
    yield xgboost_native("native-missing", "binary", {"objective": "binary:logistic"}, missing(data.cancer), notes=", missing values")
    yield xgboost_native("native-multi", "multi-class", {"objective": "multi:softprob", "num_class": 3}, data.wine)
    yield xgboost_native("native-regressor", "regression", {"objective": "reg:squarederror"}, data.diabetes)

    lgb = dict(n_estimators=12, num_leaves=12, random_state=SEED, n_jobs=1, verbose=-1, deterministic=True)
    yield lightgbm("binary", "binary", LGBMClassifier(**lgb), data.cancer)
    yield lightgbm("binary-zipmap", "binary", LGBMClassifier(**lgb), data.cancer, "ZipMap", zipmap=True)
    yield lightgbm("binary-missing", "binary", LGBMClassifier(**lgb), missing(data.cancer), "missing values")
    yield lightgbm("multi", "multi-class", LGBMClassifier(**lgb), data.wine)
    yield lightgbm("multi-strings", "multi-class", LGBMClassifier(**lgb), data.iris_names, "string labels, ZipMap", zipmap=True)
    yield lightgbm("forest", "binary", LGBMClassifier(boosting_type="rf", subsample=0.8, subsample_freq=1, **lgb), data.cancer, "random forest")
    yield lightgbm("dart", "binary", LGBMClassifier(boosting_type="dart", **lgb), data.cancer, "DART")
    yield lightgbm("regressor", "regression", LGBMRegressor(**lgb), data.diabetes)
    yield lightgbm("regressor-missing", "regression", LGBMRegressor(**lgb), missing(data.diabetes), "missing values")
    yield lightgbm("categories", "regression", LGBMRegressor(min_data_per_group=5, cat_smooth=1, **lgb), data.categories, "a column of categories", fit={"categorical_feature": [0]})
    yield lightgbm("poisson", "regression", LGBMRegressor(objective="poisson", **lgb), positive, "poisson")
    yield lightgbm("quantile", "regression", LGBMRegressor(objective="quantile", alpha=0.8, **lgb), data.diabetes, "quantile")

    little = dict(n_estimators=5, num_leaves=8, random_state=SEED, n_jobs=1, verbose=-1, deterministic=True)
    yield lightgbm("binary-strings", "binary", LGBMClassifier(**little), data.cancer_names, "string labels")
    yield lightgbm("other-labels", "binary", LGBMClassifier(**little), data.cancer_other, "labels 3 and 7")
    yield lightgbm("multi-zipmap", "multi-class", LGBMClassifier(**little), data.wine, "ZipMap", zipmap=True)
    yield lightgbm("multi-missing", "multi-class", LGBMClassifier(**little), missing(data.wine), "missing values")
    yield lightgbm("digits", "multi-class", LGBMClassifier(n_estimators=3, num_leaves=5, random_state=SEED, n_jobs=1, verbose=-1, deterministic=True), data.digits, "ten classes")
    yield lightgbm("one-rest", "multi-class", LGBMClassifier(objective="multiclassova", **little), data.wine, "multiclassova")
    yield lightgbm("zero-missing", "binary", LGBMClassifier(zero_as_missing=True, **little), data.counts, "0 is missing")
    yield lightgbm("no-missing", "binary", LGBMClassifier(use_missing=False, **little), missing(data.cancer), "missing values, use_missing off")
    yield lightgbm("weighted", "binary", LGBMClassifier(is_unbalance=True, **little), data.cancer, "is_unbalance")
    yield lightgbm("forest-regressor", "regression", LGBMRegressor(boosting_type="rf", subsample=0.8, subsample_freq=1, **little), data.diabetes, "random forest")
    yield lightgbm("goss", "regression", LGBMRegressor(data_sample_strategy="goss", **little), data.diabetes, "GOSS")
    yield lightgbm("gamma", "regression", LGBMRegressor(objective="gamma", **little), positive, "gamma")
    yield lightgbm("tweedie", "regression", LGBMRegressor(objective="tweedie", **little), positive, "tweedie")
    yield lightgbm("absolute", "regression", LGBMRegressor(objective="regression_l1", **little), data.diabetes, "regression_l1")
    yield lightgbm("huber", "regression", LGBMRegressor(objective="huber", **little), data.diabetes, "huber")
    yield lightgbm("cross-entropy", "regression", LGBMRegressor(objective="cross_entropy", **little), shares, "cross_entropy")
    yield lightgbm("linear-trees", "regression", LGBMRegressor(linear_tree=True, **little), data.diabetes, "linear trees")
    yield lightgbm("categories-missing", "regression", LGBMRegressor(min_data_per_group=5, cat_smooth=1, **little), missing(data.categories), "a column of categories, missing values", fit={"categorical_feature": [0]})
    yield lightgbm_native("native-binary", "binary", {"objective": "binary"}, data.cancer)
    yield lightgbm_native("native-multi", "multi-class", {"objective": "multiclass", "num_class": 3}, data.wine)
    yield lightgbm_native("native-regressor", "regression", {"objective": "regression"}, data.diabetes)

    cat = dict(iterations=12, depth=4, random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False)
    yield catboost("binary", "binary", CatBoostClassifier(**cat), data.cancer)
    yield catboost("multi", "multi-class", CatBoostClassifier(**cat), data.iris)
    yield catboost("multi-strings", "multi-class", CatBoostClassifier(**cat), data.iris_names, "string labels")
    yield catboost("regressor", "regression", CatBoostRegressor(**cat), data.diabetes)
    yield catboost("regressor-missing", "regression", CatBoostRegressor(**cat), missing(data.diabetes), "missing values")

    less = dict(iterations=6, depth=3, random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False)
    yield catboost("binary-strings", "binary", CatBoostClassifier(**less), data.cancer_names, "string labels")
    yield catboost("other-labels", "binary", CatBoostClassifier(**less), data.cancer_other, "labels 3 and 7")
    yield catboost("binary-missing", "binary", CatBoostClassifier(**less), missing(data.cancer), "missing values")
    yield catboost("binary-missing-largest", "binary", CatBoostClassifier(nan_mode="Max", **less), missing(data.cancer), "missing values as the largest")
    yield catboost("multi-missing", "multi-class", CatBoostClassifier(**less), missing(data.wine), "missing values")
    yield catboost("one-rest", "multi-class", CatBoostClassifier(loss_function="MultiClassOneVsAll", **less), data.wine, "MultiClassOneVsAll")
    yield catboost("digits", "multi-class", CatBoostClassifier(**less), data.digits, "ten classes")
    yield catboost("lossguide", "binary", CatBoostClassifier(grow_policy="Lossguide", **less), data.cancer, "grown by leaf")
    yield catboost("quantile", "regression", CatBoostRegressor(loss_function="Quantile:alpha=0.8", **less), data.diabetes, "Quantile")
    yield catboost("absolute", "regression", CatBoostRegressor(loss_function="MAE", **less), data.diabetes, "MAE")
    yield catboost("poisson", "regression", CatBoostRegressor(loss_function="Poisson", **less), positive, "Poisson")
    yield catboost("targets", "regression", CatBoostRegressor(loss_function="MultiRMSE", **less), data.linnerud, "three targets")

    yield table_case("xgboost", "pipeline", XGBClassifier(**xgb), options=NO_ZIPMAP)
    yield table_case("lightgbm", "pipeline", LGBMClassifier(**lgb), options=NO_ZIPMAP)
