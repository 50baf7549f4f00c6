//! Running a model.

use std::collections::HashMap;

use turnout_tables::{Datatype, OutputSignature, RunError, Values};

use super::columns::Columns;
use super::objective::Objective;
use crate::boosters::{Predictor, names, output};
use crate::ml::trees::Aggregator;

/// A model, ready to run.
#[derive(Debug)]
pub struct LightGbm {
    /// Features whose values are numbers of a data frame's categories, and the code of each.
    pub codes: Vec<(usize, Codes)>,
    /// What the trees look at.
    pub columns: Columns,
    /// The trees.
    pub trees: Aggregator<f64>,
    /// How many scores a row has.
    pub scores: usize,
    /// What scores are divided by before they become predictions: the number of rounds of a random forest, else 1.
    pub divisor: f64,
    /// What becomes of the scores.
    pub objective: Objective,
}

/// The codes of numbers.
#[derive(Debug)]
pub struct Codes(HashMap<u64, f64>);

impl Codes {
    /// The codes of numbers are their places.
    pub fn new(numbers: &[f64]) -> Self {
        Codes(numbers.iter().map(|number| bits(*number)).zip((0u32..).map(f64::from)).collect())
    }

    /// NaN for what is none of the numbers.
    fn of(&self, number: f64) -> f64 {
        self.0.get(&bits(number)).copied().unwrap_or(f64::NAN)
    }
}

/// Those of 0 for -0, which equals it.
fn bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

impl Predictor for LightGbm {
    fn outputs(&self) -> Vec<OutputSignature> {
        let shape = self.row_shape();
        let mut outputs =
            vec![output(names::PREDICTION, Datatype::F64, &shape), output(names::RAW_SCORE, Datatype::F64, &shape)];
        if self.objective.is_classifier() {
            outputs.push(output(names::PREDICTED_LABEL, Datatype::I64, &[]));
            outputs.push(output(names::PROBABILITIES, Datatype::F64, &[self.scores.max(2)]));
        }
        outputs
    }

    fn run(&self, _rows: usize, values: &Values) -> Result<Vec<Values>, RunError> {
        let Values::F64(values) = values else {
            return Err(RunError::Failed("a model of LightGBM takes numbers of 64 bits".to_owned()));
        };
        let columns =
            if self.codes.is_empty() { self.columns.of(values) } else { self.columns.of(&self.coded(values)) };
        let raw = self.trees.scores(&columns, self.columns.width()).values;
        let mut predictions = raw.clone();
        for row in predictions.chunks_exact_mut(self.scores.max(1)) {
            row.iter_mut().for_each(|score| *score /= self.divisor);
            self.objective.convert(row);
        }
        let mut outputs = Vec::with_capacity(4);
        if self.objective.is_classifier() {
            let probabilities: Vec<f64> = match self.objective {
                Objective::Binary { .. } => predictions.iter().flat_map(|second| [1.0 - second, *second]).collect(),
                _ => predictions.clone(),
            };
            let labels = probabilities.chunks_exact(self.scores.max(2)).map(highest).collect();
            outputs.extend([Values::I64(labels), Values::F64(probabilities)]);
        }
        outputs.splice(0..0, [Values::F64(predictions), Values::F64(raw)]);
        Ok(outputs)
    }
}

impl LightGbm {
    /// A number a row where there is one score.
    fn row_shape(&self) -> Vec<usize> {
        if self.scores == 1 { Vec::new() } else { vec![self.scores] }
    }

    /// Rows in which numbers of categories are their codes.
    fn coded(&self, rows: &[f64]) -> Vec<f64> {
        let mut rows = rows.to_vec();
        for row in rows.chunks_exact_mut(self.columns.features().max(1)) {
            for (feature, codes) in &self.codes {
                if let Some(value) = row.get_mut(*feature) {
                    *value = codes.of(*value);
                }
            }
        }
        rows
    }
}

/// The number of the highest probability, the first of equals, as NumPy's `argmax` finds it.
fn highest(row: &[f64]) -> i64 {
    let mut best = 0;
    let mut most = f64::NEG_INFINITY;
    for (class, probability) in (0..).zip(row) {
        if probability.is_nan() {
            return class;
        }
        if *probability > most {
            (best, most) = (class, *probability);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_highest_is_the_class() {
        assert_eq!(highest(&[0.5, 0.5]), 0);
        assert_eq!(highest(&[0.1, 0.2, f64::NAN, 0.9]), 2);
        assert_eq!(highest(&[0.0, 0.0, 1e-300]), 2);
    }
}
