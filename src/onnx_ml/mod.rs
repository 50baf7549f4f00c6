//! The operators of [`ai.onnx.ml`](https://onnx.ai/onnx/operators/index.html#ai-onnx-ml): trees, linear models, support vector
//! machines, and what comes before and after them. They are kernels that anything may run, and tract's ONNX front end does
//! once they are registered.
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

use std::sync::Arc;

use tract_onnx::model::OnnxOpRegister;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::prelude::TractResult;

use operator::Operator;
pub(crate) use operator::{Kernel, Signature};
pub(crate) use values::{check_numeric, constant, elements, required_constant, tensor, version};

/// Reads an operator: a node's attributes, and those of its inputs that have to be constants.
pub(crate) type Read = fn(&ModelProto, &NodeProto) -> TractResult<Arc<dyn Kernel>>;

/// What is read, as the kernel that it is from then on.
pub(crate) fn kernel(read: TractResult<impl Kernel>) -> TractResult<Arc<dyn Kernel>> {
    Ok(Arc::new(read?))
}

const OPERATORS: [(&str, Read); 18] = [
    ("ArrayFeatureExtractor", |_, node| kernel(columns::ArrayFeatureExtractor::read(node))),
    ("Binarizer", |_, node| kernel(preprocess::Binarizer::read(node))),
    ("CategoryMapper", |_, node| kernel(mapping::Mapping::read_category_mapper(node))),
    ("FeatureVectorizer", |_, node| kernel(columns::FeatureVectorizer::read(node))),
    ("Imputer", |_, node| kernel(preprocess::Imputer::read(node))),
    ("LabelEncoder", |model, node| kernel(mapping::Mapping::read_label_encoder(model, node))),
    ("LinearClassifier", |_, node| kernel(linear::LinearClassifier::read(node))),
    ("LinearRegressor", |_, node| kernel(linear::LinearRegressor::read(node))),
    ("Normalizer", |_, node| kernel(preprocess::Normalizer::read(node))),
    ("OneHotEncoder", |_, node| kernel(one_hot::OneHotEncoder::read(node))),
    ("ReduceLogSumExp", |model, node| kernel(log_sum_exp::ReduceLogSumExp::read(model, node))),
    ("SVMClassifier", |_, node| kernel(svm::SvmClassifier::read(node))),
    ("SVMRegressor", |_, node| kernel(svm::SvmRegressor::read(node))),
    ("Scaler", |_, node| kernel(preprocess::Scaler::read(node))),
    ("TreeEnsemble", |_, node| kernel(trees::TreeEnsembleRegressor::read_v5(node))),
    ("TreeEnsembleClassifier", |_, node| kernel(trees::TreeEnsembleClassifier::read(node))),
    ("TreeEnsembleRegressor", |_, node| kernel(trees::TreeEnsembleRegressor::read(node))),
    ("ZipMap", |_, node| kernel(columns::ZipMap::read(node))),
];

/// What reads nodes of that type; `None` where it is none of these operators.
pub(crate) fn reader(operator: &str) -> Option<Read> {
    OPERATORS.iter().find(|(name, _)| *name == operator).map(|(_, read)| *read)
}

/// Puts all operators into tract's registry, in place of those of its own.
pub fn register(operators: &mut OnnxOpRegister) {
    for (name, _) in OPERATORS {
        operators.insert(name, Operator::build);
    }
}

/// The names of the columns of a graph's output, where a `ZipMap` makes it: the output is a map from them to its values.
///
/// # Errors
/// If the `ZipMap` has no labels.
pub fn zip_map_keys(graph: &GraphProto, output: &str) -> TractResult<Option<Vec<String>>> {
    let makes = |node: &&NodeProto| node.op_type == "ZipMap" && node.output.iter().any(|name| name == output);
    graph.node.iter().find(makes).map(columns::ZipMap::keys).transpose()
}
