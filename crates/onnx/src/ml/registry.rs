//! All operators by name, for the interpreter and for tract.

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::{Read, kernel};
use super::operator::Operator;
use super::{columns, linear, log_sum_exp, mapping, one_hot, preprocess, svm, text, trees};

const OPERATORS: [(&str, Read); 21] = [
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
    ("StringNormalizer", |_, node| kernel(text::StringNormalizer::read(node))),
    ("TfIdfVectorizer", |model, node| kernel(text::TfIdfVectorizer::read(model, node))),
    ("Tokenizer", |model, node| kernel(text::Tokenizer::read(model, node))),
    ("TreeEnsemble", |_, node| kernel(trees::TreeEnsembleRegressor::read_v5(node))),
    ("TreeEnsembleClassifier", |_, node| kernel(trees::TreeEnsembleClassifier::read(node))),
    ("TreeEnsembleRegressor", |_, node| kernel(trees::TreeEnsembleRegressor::read(node))),
    ("ZipMap", |_, node| kernel(columns::ZipMap::read(node))),
];

/// What reads nodes of that type; `None` where it is none of these operators.
pub fn reader(operator: &str) -> Option<Read> {
    OPERATORS.iter().find(|(name, _)| *name == operator).map(|(_, read)| *read)
}

/// Whether a node is of an operator here that is of ONNX Runtime's own domain.
pub fn is_contributed(node: &NodeProto) -> bool {
    node.domain == "com.microsoft" && node.op_type == "Tokenizer"
}

/// Puts all operators into tract's registry, in place of those of its own.
pub fn register(operators: &mut OnnxOpRegister) {
    for (name, _) in OPERATORS {
        operators.insert(name, build);
    }
}

/// The operator of a node, as tract wants it.
fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let read = reader(&node.op_type).context("none of these operators")?;
    Ok((expand(Operator::new(node, read(context.model, node)?)), Vec::new()))
}
