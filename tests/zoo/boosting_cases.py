"""XGBoost and LightGBM, converted by onnxmltools, and CatBoost, which writes ONNX itself."""

import tempfile

import numpy as np
import onnx
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as lightgbm_converter
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as xgboost_converter
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier

import datasets as data
from record import Case
from sklearn_cases import NO_ZIPMAP, SEED, table_case

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
        return convert_xgboost(estimator, initial_types=types, target_opset=15), {"X": held}

    return Case(f"xgboost-{name}", "XGBoost", "XGBoost", type(estimator).__name__, task, notes, make)


def lightgbm(name, task, estimator, dataset, notes="", zipmap=False, fit=None):
    def make():
        x, y, held = dataset()
        estimator.fit(x, y, **(fit or {}))
        types = [("X", FloatTensorType([None, x.shape[1]]))]
        return convert_lightgbm(estimator, initial_types=types, target_opset=15, zipmap=zipmap), {"X": held}

    return Case(f"lightgbm-{name}", "LightGBM", "LightGBM", type(estimator).__name__, task, notes, make)


def catboost(name, task, estimator, dataset, notes=""):
    def make():
        x, y, held = dataset()
        estimator.fit(x, y)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            estimator.save_model(file.name, format="onnx")
            return onnx.load(file.name), {"features": held}

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

    cat = dict(iterations=12, depth=4, random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False)
    yield catboost("binary", "binary", CatBoostClassifier(**cat), data.cancer)
    yield catboost("multi", "multi-class", CatBoostClassifier(**cat), data.iris)
    yield catboost("multi-strings", "multi-class", CatBoostClassifier(**cat), data.iris_names, "string labels")
    yield catboost("regressor", "regression", CatBoostRegressor(**cat), data.diabetes)
    yield catboost("regressor-missing", "regression", CatBoostRegressor(**cat), missing(data.diabetes), "missing values")

    yield table_case("xgboost", "pipeline", XGBClassifier(**xgb), options=NO_ZIPMAP)
    yield table_case("lightgbm", "pipeline", LGBMClassifier(**lgb), options=NO_ZIPMAP)
