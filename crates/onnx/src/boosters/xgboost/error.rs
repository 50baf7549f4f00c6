//! Why a model of XGBoost is refused.

use crate::error::LoadError;

/// Each ends the sentence "it is a model of XGBoost that ...".
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("is broken: {0}; save it again: booster.save_model(\"model.ubj\")")]
    Broken(String),
    #[error("has the booster `{0}`; gbtree, dart and gblinear are run")]
    Booster(String),
    #[error("has the objective `{0}`, which is not predicted here; serve it from a host of its own, as an origin")]
    Objective(String),
    #[error("has {found} values in `{what}` where {expected} are to be")]
    Count { what: &'static str, found: usize, expected: usize },
    #[error("has `{name}` of {value:?}, which is no number that it may be")]
    Number { name: &'static str, value: String },
    #[error("has the base score {0}, which its objective cannot have")]
    BaseScore(String),
    #[error("has a tree, number {number}, that is broken: {problem}")]
    Tree { number: usize, problem: &'static str },
    #[error("has trees that are broken: {0}")]
    Kernel(String),
    #[error(
        "has categories of its feature {feature} that cannot be told apart here; train it on codes: \
         frame[column].cat.codes"
    )]
    Categories { feature: usize },
    #[error(
        "has names of categories of its feature {feature} that XGBoost cut off when it saved them, as some are not ASCII; \
         train it on names of ASCII, or on codes: frame[column].cat.codes"
    )]
    CutOff { feature: usize },
    #[error("has {found} names for {expected} features")]
    Names { found: usize, expected: usize },
}

impl From<Error> for LoadError {
    fn from(error: Error) -> Self {
        LoadError::Booster { library: "XGBoost", problem: error.to_string() }
    }
}
