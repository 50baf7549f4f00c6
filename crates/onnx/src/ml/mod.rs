//! The operators of [`ai.onnx.ml`](https://onnx.ai/onnx/operators/index.html#ai-onnx-ml): trees, linear models, support vector
//! machines, and what comes before and after them. They are kernels that anything may run, and tract's ONNX front end does
//! once they are registered.
//!
//! ```
//! let mut framework = tract_onnx::onnx();
//! turnout_onnx::ml::register(&mut framework.op_register);
//! ```
//!
//! They follow the ONNX specification and, where that is silent, ONNX Runtime, to the order of additions. Where a model
//! asks for something that the two do not agree on, or that is not known here, it is refused when it is built. What
//! runs them is not known here.
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
//! | StringNormalizer, TfIdfVectorizer, which are of ONNX's own domain, and ONNX Runtime's Tokenizer | [`text`] |
//! | ReduceLogSumExp, which is of ONNX's own domain | [`log_sum_exp`] |

mod axes;
mod columns;
mod kernel;
mod labels;
mod linear;
mod log_sum_exp;
mod mapping;
mod one_hot;
mod operator;
mod preprocess;
mod registry;
mod scores;
mod svm;
mod text;
pub(crate) mod trees;
mod values;

pub(crate) use axes::{Reduced, axis, part, place, places};
pub use columns::zip_map_keys;
pub(crate) use kernel::{Kernel, Read, kernel};
pub(crate) use operator::Operator;
pub use registry::register;
pub(crate) use registry::{is_contributed, reader};
pub(crate) use values::{
    check_numeric, constant, dot, elements, load_tensor, required_constant, tensor, version, written,
};
