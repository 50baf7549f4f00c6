//! `gblinear`.

use super::error::Error;

/// A linear model.
#[derive(Debug)]
pub struct Linear {
    /// By feature and output.
    weights: Vec<f32>,
    /// By output: what a sum begins with.
    starts: Vec<f32>,
    features: usize,
}

impl Linear {
    /// Of weights with the biases behind them. All outputs begin with the first base score, as in XGBoost.
    ///
    /// # Errors
    /// If there are not as many as features and outputs ask for.
    pub fn new(mut weights: Vec<f32>, bases: &[f32], features: usize) -> Result<Self, Error> {
        let outputs = bases.len();
        let (count, expected) = (features.checked_mul(outputs), features.saturating_add(1).saturating_mul(outputs));
        let Some(count) = count.filter(|_| weights.len() == expected) else {
            return Err(Error::Count { what: "weights", found: weights.len(), expected });
        };
        let base = bases.first().copied().unwrap_or_default();
        let starts = weights.split_off(count).into_iter().map(|bias| bias + base).collect();
        Ok(Linear { weights, starts, features })
    }

    /// The scores of rows, row by row. Missing values add nothing.
    pub fn scores(&self, rows: &[f32]) -> Vec<f32> {
        let outputs = self.starts.len();
        let mut scores = Vec::with_capacity(rows.len().checked_div(self.features).unwrap_or(0).saturating_mul(outputs));
        for row in rows.chunks_exact(self.features.max(1)) {
            let first = scores.len();
            scores.extend(&self.starts);
            let sums = scores.get_mut(first..).unwrap_or_default();
            for (value, weights) in row.iter().zip(self.weights.chunks_exact(outputs.max(1))) {
                if !value.is_nan() {
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
                }
            }
        }
        scores
    }
}
