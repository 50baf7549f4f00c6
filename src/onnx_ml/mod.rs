//! The operators of [`ai.onnx.ml`](https://onnx.ai/onnx/operators/index.html#ai-onnx-ml) for tract's ONNX front end: trees,
//! linear models, support vector machines, and what comes before and after them.
//!
//! ```
//! let mut framework = tract_onnx::onnx();
//! turnout::onnx_ml::register(&mut framework.op_register);
//! ```
//!
//! They follow the ONNX specification and, where that is silent, ONNX Runtime, to the order of additions. Where a model
//! asks for something that the two do not agree on, or that is not known here, it is refused when it is built. This
//! module knows nothing of the rest of the crate.
//!
//! | operator | in |
//! |---|---|
//! | TreeEnsembleClassifier, TreeEnsembleRegressor, TreeEnsemble | [`trees`] |
//! | LinearClassifier, LinearRegressor | [`linear`] |
//! | SVMClassifier, SVMRegressor | [`svm`] |
//! | Scaler, Normalizer, Imputer, Binarizer | [`preprocess`] |
//! | LabelEncoder, CategoryMapper | [`mapping`] |
//! | OneHotEncoder | [`one_hot`] |
//! | FeatureVectorizer, ArrayFeatureExtractor, ZipMap | [`columns`] |
//! | ReduceLogSumExp, which is of ONNX's own domain | [`log_sum_exp`] |

mod columns;
mod labels;
mod linear;
mod log_sum_exp;
mod mapping;
mod one_hot;
mod operator;
mod preprocess;
mod scores;
mod svm;
mod trees;
mod values;

pub(crate) use operator::{Kernel, Operator, Signature};
use tract_onnx::model::OnnxOpRegister;
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::prelude::TractResult;

use operator::builder;

/// Puts all operators into tract's registry, in place of those of its own.
pub fn register(operators: &mut OnnxOpRegister) {
    operators.insert("ArrayFeatureExtractor", builder!(columns::ArrayFeatureExtractor::read));
    operators.insert("Binarizer", builder!(preprocess::Binarizer::read));
    operators.insert("CategoryMapper", builder!(mapping::Mapping::read_category_mapper));
    operators.insert("FeatureVectorizer", builder!(columns::FeatureVectorizer::read));
    operators.insert("Imputer", builder!(preprocess::Imputer::read));
    operators.insert("LabelEncoder", builder!(mapping::Mapping::read_label_encoder));
    operators.insert("LinearClassifier", builder!(linear::LinearClassifier::read));
    operators.insert("LinearRegressor", builder!(linear::LinearRegressor::read));
    operators.insert("Normalizer", builder!(preprocess::Normalizer::read));
    operators.insert("OneHotEncoder", builder!(one_hot::OneHotEncoder::read));
    operators.insert("ReduceLogSumExp", builder!(log_sum_exp::ReduceLogSumExp::read));
    operators.insert("SVMClassifier", builder!(svm::SvmClassifier::read));
    operators.insert("SVMRegressor", builder!(svm::SvmRegressor::read));
    operators.insert("Scaler", builder!(preprocess::Scaler::read));
    operators.insert("TreeEnsemble", builder!(trees::TreeEnsembleRegressor::read_v5));
    operators.insert("TreeEnsembleClassifier", builder!(trees::TreeEnsembleClassifier::read));
    operators.insert("TreeEnsembleRegressor", builder!(trees::TreeEnsembleRegressor::read));
    operators.insert("ZipMap", builder!(columns::ZipMap::read));
}

/// The names of the columns of a graph's output, where a `ZipMap` makes it: the output is a map from them to its values.
///
/// # Errors
/// If the `ZipMap` has no labels.
pub fn zip_map_keys(graph: &GraphProto, output: &str) -> TractResult<Option<Vec<String>>> {
    let makes = |node: &&NodeProto| node.op_type == "ZipMap" && node.output.iter().any(|name| name == output);
    graph.node.iter().find(makes).map(columns::ZipMap::keys).transpose()
}
