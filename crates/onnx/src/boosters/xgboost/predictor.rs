//! Running a model.

use turnout_tables::{Datatype, OutputSignature, RunError, Values};

use super::categories::Numbers;
use super::linear::Linear;
use super::objective::{Objective, highest, softmax};
use crate::boosters::{Predictor, names, output};
use crate::ml::trees::Aggregator;

/// A model, ready to run.
#[derive(Debug)]
pub struct Xgboost {
    pub booster: Booster,
    /// What the sums of trees begin with: one an output.
    pub bases: Vec<f32>,
    pub features: usize,
    /// Features whose values are numbers of a data frame's categories.
    pub numbers: Vec<(usize, Numbers)>,
    pub objective: Objective,
}

/// What makes sums of a row.
#[derive(Debug)]
pub enum Booster {
    /// `gbtree` and `dart`; none if no tree was trained.
    Trees(Option<Box<Aggregator<f32>>>),
    /// `gblinear`.
    Linear(Linear),
}

/// What a classifier answers beside its prediction.
enum Classes {
    Two,
    Many,
}

impl Xgboost {
    fn width(&self) -> usize {
        self.bases.len()
    }

    fn classes(&self) -> Option<Classes> {
        match self.objective {
            // More than one output are labels by themselves, of which each may be true.
            Objective::BinaryLogistic if self.width() == 1 => Some(Classes::Two),
            Objective::Softmax | Objective::Softprob => Some(Classes::Many),
            _ => None,
        }
    }

    fn scores(&self, rows: &[f32]) -> Vec<f32> {
        match &self.booster {
            Booster::Trees(Some(trees)) => trees.sums(rows, self.features, &self.bases),
            Booster::Trees(None) => {
                let count = rows.len().checked_div(self.features).unwrap_or(0);
                self.bases.iter().copied().cycle().take(self.width().saturating_mul(count)).collect()
            }
            Booster::Linear(linear) => linear.scores(rows),
        }
    }

    /// The rows with codes for numbers of categories.
    fn coded(&self, rows: &[f32]) -> Result<Vec<f32>, RunError> {
        let mut coded = rows.to_vec();
        for row in coded.chunks_exact_mut(self.features.max(1)) {
            for (feature, numbers) in &self.numbers {
                let Some(value) = row.get_mut(*feature) else { continue };
                *value = numbers.code(*value).ok_or_else(|| {
                    RunError::Value(format!(
                        "feature {feature} is {value}, a category that the model was not trained with"
                    ))
                })?;
            }
        }
        Ok(coded)
    }

    fn row_shape(&self) -> Vec<usize> {
        if self.width() == 1 { Vec::new() } else { vec![self.width()] }
    }
}

impl Predictor for Xgboost {
    fn outputs(&self) -> Vec<OutputSignature> {
        let shape = self.row_shape();
        let of_prediction = if self.objective == Objective::Softmax { &[][..] } else { &shape };
        let mut outputs = vec![
            output(names::PREDICTION, Datatype::F32, of_prediction),
            output(names::RAW_SCORE, Datatype::F32, &shape),
        ];
        if let Some(classes) = self.classes() {
            let count = if let Classes::Two = classes { 2 } else { self.width() };
            outputs.push(output(names::PREDICTED_LABEL, Datatype::I64, &[]));
            outputs.push(output(names::PROBABILITIES, Datatype::F32, &[count]));
        }
        outputs
    }

    fn run(&self, rows: usize, values: &Values) -> Result<Vec<Values>, RunError> {
        let failed = |problem: &str| RunError::Failed(problem.to_owned());
        let Values::F32(values) = values else { return Err(failed("a model of XGBoost takes numbers of 32 bits")) };
        if rows.checked_mul(self.features) != Some(values.len()) {
            return Err(failed("the table was made for another model"));
        }
        let scores = if self.numbers.is_empty() { self.scores(values) } else { self.scores(&self.coded(values)?) };
        let width = self.width();
        let predictions = self.objective.predict(&scores, width);
        let classes = self.classes().map(|classes| match classes {
            Classes::Two => {
                let labels = predictions.iter().map(|probability| i64::from(*probability > 0.5)).collect();
                (labels, predictions.iter().flat_map(|probability| [1.0 - probability, *probability]).collect())
            }
            Classes::Many => {
                let probabilities = softmax(&scores, width);
                // The library's classifier takes the highest of what `predict` answers.
                let decisive = if self.objective == Objective::Softmax { &scores } else { &probabilities };
                let labels = decisive.chunks_exact(width.max(1));
                (labels.map(|row| i64::try_from(highest(row)).unwrap_or(0)).collect(), probabilities)
            }
        });
        let of_class = classes.map(|(labels, probabilities)| [Values::I64(labels), Values::F32(probabilities)]);
        let of_rows = [Values::F32(predictions), Values::F32(scores)];
        Ok(of_rows.into_iter().chain(of_class.into_iter().flatten()).collect())
    }
}
