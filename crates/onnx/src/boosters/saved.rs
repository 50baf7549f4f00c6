//! What every library's folder makes of its files.

use std::collections::BTreeMap;
use std::fmt::Debug;

use turnout_tables::{Datatype, OutputSignature, RunError, Values};

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

    /// The values of all outputs, in their order, for rows that stand row by row, [`Saved::features`] values each, NaN where
    /// one is missing. The values are of [`Saved::datatype`].
    ///
    /// # Errors
    /// If it fails.
    fn run(&self, rows: usize, values: &Values) -> Result<Vec<Values>, RunError>;
}

/// An output of so many values a row: of one alone where there is no size.
pub fn output(name: &str, datatype: Datatype, row_shape: &[usize]) -> OutputSignature {
    OutputSignature {
        name: name.to_owned(),
        datatype,
        row_shape: row_shape.iter().copied().map(Some).collect(),
        keys: None,
    }
}
