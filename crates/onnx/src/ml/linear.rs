//! `LinearClassifier` and `LinearRegressor`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::labels::Labels;
use super::scores::{Complement, PostTransform, argmax};
use super::values::{as_f32, check_numeric, dot, elements, list, tensor};
use crate::signature::{Signature, rows_and_columns};

/// Weights [targets, features] and an intercept a target.
#[derive(Debug)]
struct Linear {
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
    features: usize,
}

impl Linear {
    fn new(coefficients: Vec<f32>, intercepts: Vec<f32>) -> TractResult<Self> {
        let features = coefficients.len().checked_div(intercepts.len()).unwrap_or(0);
        ensure!(
            features > 0 && coefficients.len() == features.saturating_mul(intercepts.len()),
            "{} coefficients do not make a row of weights for each of {} targets",
            coefficients.len(),
            intercepts.len()
        );
        Ok(Linear { coefficients, intercepts, features })
    }

    fn check(&self, input: &Signature) -> TractResult<TDim> {
        check_numeric(input.datum)?;
        let (rows, columns) = input.rows_and_columns()?;
        ensure!(columns == self.features.to_dim(), "takes {} features, not {columns}", self.features);
        Ok(rows)
    }

    /// Scores [rows, targets].
    fn scores(&self, input: &Tensor) -> TractResult<Vec<f32>> {
        let input = as_f32(input)?;
        let rows = elements::<f32>(&input)?.chunks_exact(self.features);
        Ok(rows
            .flat_map(|row| {
                self.coefficients
                    .chunks_exact(self.features)
                    .zip(&self.intercepts)
                    .map(move |(weights, intercept)| dot(row, weights) + intercept)
            })
            .collect())
    }
}

/// [LinearClassifier](https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html).
#[derive(Debug)]
pub struct LinearClassifier {
    linear: Linear,
    labels: Labels,
    post_transform: PostTransform,
    /// One score for two classes: the other is put beside it.
    complemented: bool,
}

impl LinearClassifier {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let linear = Linear::new(list(node, "coefficients")?, list(node, "intercepts")?)?;
        let labels = Labels::read(node, "classlabels_ints")?;
        let post_transform = PostTransform::read(node)?;
        let targets = linear.intercepts.len();
        let complemented = targets == 1 && labels.len() == 2;
        let labels = if targets == 1 { labels.or_nought_and_one() } else { labels };
        ensure!(targets == 1 || labels.len() == targets, "{} labels for {targets} classes", labels.len());
        if targets == 1 {
            post_transform.check_single()?;
        }
        if complemented {
            post_transform.check_binary()?;
        }
        Ok(LinearClassifier { linear, labels, post_transform, complemented })
    }

    fn width(&self) -> usize {
        if self.complemented { 2 } else { self.linear.intercepts.len() }
    }
}

impl Kernel for LinearClassifier {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        Ok(self.labels.outputs(self.linear.check(input)?, self.width()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, _) = rows_and_columns(input)?;
        let mut scores = self.linear.scores(input)?;
        let classes: Vec<usize>;
        if let [_] = self.linear.intercepts.as_slice() {
            classes = scores.iter().map(|score| usize::from(*score > 0.0)).collect();
            if self.complemented {
                let both = |score: &f32| self.post_transform.apply_binary(*score, Complement::OneMinus);
                scores = scores.iter().flat_map(both).collect();
            } else if self.post_transform == PostTransform::Probit {
                self.post_transform.apply(&mut scores);
            }
        } else {
            let each = scores.chunks_exact_mut(self.linear.intercepts.len());
            classes = each
                .map(|scores| {
                    let best = argmax(scores);
                    self.post_transform.apply(scores);
                    best
                })
                .collect();
        }
        Ok(tvec!(self.labels.tensor(&classes)?, tensor(&[rows, self.width()], scores)?))
    }
}

/// [LinearRegressor](https://onnx.ai/onnx/operators/onnx_aionnxml_LinearRegressor.html).
#[derive(Debug)]
pub struct LinearRegressor {
    linear: Linear,
    post_transform: PostTransform,
}

impl LinearRegressor {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let targets = node.get_attr_opt::<usize>("targets")?.unwrap_or(1);
        let intercepts = list(node, "intercepts")?;
        let coefficients: Vec<f32> = list(node, "coefficients")?;
        ensure!(targets > 0 && targets <= coefficients.len(), "{targets} targets");
        let intercepts = if intercepts.is_empty() { vec![0.0; targets] } else { intercepts };
        ensure!(intercepts.len() == targets, "{} intercepts for {targets} targets", intercepts.len());
        let post_transform = PostTransform::read(node)?;
        if targets == 1 {
            post_transform.check_single()?;
        }
        Ok(LinearRegressor { linear: Linear::new(coefficients, intercepts)?, post_transform })
    }
}

impl Kernel for LinearRegressor {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        let rows = self.linear.check(input)?;
        Ok(tvec!(Signature::new(f32::datum_type(), [rows, self.linear.intercepts.len().to_dim()])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, _) = rows_and_columns(input)?;
        let targets = self.linear.intercepts.len();
        let mut scores = self.linear.scores(input)?;
        scores.chunks_exact_mut(targets).for_each(|scores| self.post_transform.apply(scores));
        Ok(tvec!(tensor(&[rows, targets], scores)?))
    }
}
