//! Gradient boosters as their libraries save them: no conversion stands between training and serving.
//!
//! [`kind`] recognises a file by its bytes. Each library's folder reads its own form into a [`Saved`] model, whose predictions
//! are the library's own. [`run`] puts such a model behind the schema and the limits that every model has.

mod kind;
mod lightgbm;
mod run;
mod xgboost;

use std::collections::BTreeMap;
use std::fmt::Debug;

use turnout_tables::{Datatype, Output, OutputSignature, RunError, Values};

use crate::error::LoadError;

pub use kind::Kind;
pub use run::Booster;

/// The names of outputs that boosters have, after those that SageMaker's XGBoost container selects by.
pub mod names {
    /// What the library's `predict` answers. It is the first output, and the one that is answered by default.
    pub const PREDICTION: &str = "prediction";
    /// The sum of the trees, before the objective makes a prediction of it.
    pub const RAW_SCORE: &str = "raw_score";
    /// Of classifiers: the number of the class.
    pub const PREDICTED_LABEL: &str = "predicted_label";
    /// Of classifiers: a probability a class, of two as well.
    pub const PROBABILITIES: &str = "probabilities";
}

/// A booster that its library saved, ready to predict.
#[derive(Debug)]
pub struct Saved {
    /// How many values a row has.
    pub features: usize,
    /// The names of the columns, in order. Empty where the file has none; else one a feature.
    pub names: Vec<String>,
    /// In what the predictor takes values: `F32` or `F64`.
    pub datatype: Datatype,
    /// Features whose values are told by name, as they were in training; the predictor takes the place among these.
    pub categories: BTreeMap<usize, Categories>,
    /// What predicts.
    pub predictor: Box<dyn Predictor>,
}

/// The values of a feature of categories.
#[derive(Clone, Debug, PartialEq)]
pub struct Categories {
    /// In the order of their codes.
    pub names: Vec<String>,
    /// What a value that is none of them is taken for.
    pub unseen: Unseen,
}

/// What a value is taken for that training did not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// A missing one.
    Missing,
    /// The request is refused.
    Refused,
}

/// What predicts.
pub trait Predictor: Debug {
    /// What it answers, in order: [`names::PREDICTION`] first. All sizes of rows are known.
    fn outputs(&self) -> Vec<OutputSignature>;

    /// Answers all outputs to rows that stand row by row, [`Saved::features`] values each, NaN where one is missing. The
    /// values are of [`Saved::datatype`].
    ///
    /// # Errors
    /// If it fails.
    fn run(&self, rows: usize, values: &Values) -> Result<Vec<Output>, RunError>;
}

/// Reads a file of that kind; `None` if no booster's library saves such files.
///
/// # Errors
/// If the file is broken, or asks for something that is not predicted as the library does.
pub fn read(kind: Kind, bytes: &[u8]) -> Option<Result<Saved, LoadError>> {
    match kind {
        Kind::XgboostJson => Some(xgboost::read_json(bytes)),
        Kind::XgboostUbjson => Some(xgboost::read_ubjson(bytes)),
        Kind::LightGbm => Some(lightgbm::read(bytes)),
        _ => None,
    }
}
