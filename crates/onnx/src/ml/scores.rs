//! What classifiers and regressors do with raw scores: post-transforms, and the second score of two classes.
//!
//! The formulas, in single precision, are those of ONNX Runtime (`ml_common.h`), which the specification leaves open.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The attribute `post_transform`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PostTransform {
    /// Scores as they are.
    None,
    /// `exp(x) / sum(exp)`.
    Softmax,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// Softmax in which scores of nought stay nought.
    SoftmaxZero,
    /// The quantile of the normal distribution, by Winitzki's approximation of the inverse error function.
    Probit,
}

/// What stands beside the one score of a model of two classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Complement {
    /// The score is a probability: the other is `1 - x`.
    OneMinus,
    /// The score is a margin: the other is `-x`.
    Negated,
}

impl PostTransform {
    /// Reads the attribute; `NONE` where the node does not have it.
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(match node.get_attr_opt::<&str>("post_transform")?.unwrap_or("NONE") {
            "NONE" => PostTransform::None,
            "SOFTMAX" => PostTransform::Softmax,
            "LOGISTIC" => PostTransform::Logistic,
            "SOFTMAX_ZERO" => PostTransform::SoftmaxZero,
            "PROBIT" => PostTransform::Probit,
            other => bail!("post_transform `{other}` is none of the five that the specification has"),
        })
    }

    /// As the operator `TreeEnsemble` numbers them.
    ///
    /// # Errors
    /// If it is 1 or 2: the specification has SOFTMAX and LOGISTIC there, ONNX Runtime the other way round.
    pub fn from_number(number: i64) -> TractResult<Self> {
        Ok(match number {
            0 => PostTransform::None,
            1 | 2 => bail!("post_transform {number} is not the same to the specification and to ONNX Runtime"),
            3 => PostTransform::SoftmaxZero,
            4 => PostTransform::Probit,
            other => bail!("post_transform {other} is none of the five that the specification has"),
        })
    }

    /// Transforms one row's scores, of two or more classes or targets.
    pub fn apply(self, scores: &mut [f32]) {
        match self {
            PostTransform::None => {}
            PostTransform::Softmax => softmax(scores),
            PostTransform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            PostTransform::SoftmaxZero => softmax_zero(scores),
            PostTransform::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }

    /// Both scores of a row of two classes, from the one that the model has.
    pub fn apply_binary(self, score: f32, complement: Complement) -> [f32; 2] {
        match (self, complement) {
            (PostTransform::Logistic, _) => [logistic(-score), logistic(score)],
            (_, Complement::OneMinus) => [1.0 - score, score],
            (_, Complement::Negated) => [-score, score],
        }
    }

    /// ONNX Runtime makes one score a probit but leaves the place of the other unwritten.
    ///
    /// # Errors
    /// If this is a probit.
    pub fn check_binary(self) -> TractResult<()> {
        ensure!(self != PostTransform::Probit, "PROBIT of one score is not defined where two are to be given");
        Ok(())
    }

    /// The specification has a single score transformed; ONNX Runtime does not do it, but for PROBIT. Whichever of the
    /// two a model was made for, the other would be wrong.
    ///
    /// # Errors
    /// If they differ.
    pub fn check_single(self) -> TractResult<()> {
        let agreed = matches!(self, PostTransform::None | PostTransform::Probit);
        ensure!(agreed, "post_transform {self:?} of a single target is not what ONNX Runtime computes");
        Ok(())
    }
}

pub fn logistic(x: f32) -> f32 {
    let positive = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - positive } else { positive }
}

pub fn probit(x: f32) -> f32 {
    std::f32::consts::SQRT_2 * inverse_erf(2.0 * x - 1.0)
}

/// Winitzki, "A handy approximation for the error function and its inverse", 2008, with a = 0.147.
fn inverse_erf(x: f32) -> f32 {
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let v2 = 1.0 / 0.147 * log;
    sign * (-v + (v * v - v2).sqrt()).sqrt()
}

fn softmax(scores: &mut [f32]) {
    let max = scores.iter().copied().fold(-f32::MAX, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - max).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

fn softmax_zero(scores: &mut [f32]) {
    let max = scores.iter().copied().fold(-f32::MAX, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if score.abs() > 1e-7 {
            *score = (*score - max).exp();
            sum += *score;
        } else {
            *score *= (-max).exp();
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Where the largest is, the first of equals; 0 if there is none.
pub fn argmax(scores: &[f32]) -> usize {
    let mut best = 0;
    let mut most = f32::NEG_INFINITY;
    for (index, score) in scores.iter().enumerate() {
        if index == 0 || *score > most {
            (best, most) = (index, *score);
        }
    }
    best
}
