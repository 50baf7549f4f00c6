//! `TreeEnsembleRegressor`, and the `TreeEnsemble` of version 5.

use std::collections::HashSet;

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::aggregate::Scores;
use super::ensemble::Ensemble;
use super::head::{Head, Trees};
use super::real::Real;
use crate::ml::scores::{PostTransform, probit};
use crate::ml::values::tensor;
use crate::signature::Signature;

/// [TreeEnsembleRegressor](https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html) and
/// [TreeEnsemble](https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html).
#[derive(Debug)]
pub struct TreeEnsembleRegressor {
    targets: usize,
    /// One a target, or none.
    base_values: Vec<f64>,
    post_transform: PostTransform,
    /// The result is of the input's type; else of `tensor(float)`.
    keeps_type: bool,
}

impl TreeEnsembleRegressor {
    /// Reads a `TreeEnsembleRegressor`.
    pub fn read(node: &NodeProto) -> TractResult<Trees<Self>> {
        let targets = node.get_attr_opt::<usize>("n_targets")?.unwrap_or(1);
        let ensemble = Ensemble::read(node, "target", targets)?;
        Self::new(ensemble, PostTransform::read(node)?, false)
    }

    /// Reads a `TreeEnsemble`.
    pub fn read_v5(node: &NodeProto) -> TractResult<Trees<Self>> {
        let number = node.get_attr_opt::<i64>("post_transform")?.unwrap_or(0);
        Self::new(Ensemble::read_v5(node)?, PostTransform::from_number(number)?, true)
    }

    fn new(ensemble: Ensemble, post_transform: PostTransform, keeps_type: bool) -> TractResult<Trees<Self>> {
        let (targets, base_values) = (ensemble.targets, ensemble.base_values.clone());
        ensure!(
            base_values.is_empty() || base_values.len() == targets,
            "{} base_values for {targets} targets",
            base_values.len()
        );
        if targets == 1 {
            post_transform.check_single()?;
        }
        // The specification adds the base value; ONNX Runtime answers nought.
        let weighed: HashSet<usize> = ensemble.weights.iter().map(|weight| weight.target).collect();
        ensure!(
            base_values.is_empty() || (0..targets).all(|target| weighed.contains(&target)),
            "a target with a base value has no weights"
        );
        Ok(Trees::new(ensemble, TreeEnsembleRegressor { targets, base_values, post_transform, keeps_type }))
    }
}

impl Head for TreeEnsembleRegressor {
    fn outputs(&self, rows: TDim, input: DatumType) -> TVec<Signature> {
        let double = self.keeps_type && input == f64::datum_type();
        let datum = if double { f64::datum_type() } else { f32::datum_type() };
        tvec!(Signature::new(datum, [rows, self.targets.to_dim()]))
    }

    fn finish<T: Real>(&self, rows: usize, mut scores: Scores<T>) -> TractResult<TVec<Tensor>> {
        if !self.base_values.is_empty() {
            for (at, (value, base)) in scores.values.iter_mut().zip(self.base_values.iter().cycle()).enumerate() {
                // As in ONNX Runtime, a target stays nought in a row of which no leaf spoke of it.
                if scores.scored.get(at) != Some(&false) {
                    *value = value.plus(T::from_f64(*base));
                }
            }
        }
        let shape = [rows, self.targets];
        if self.keeps_type && self.post_transform == PostTransform::None {
            return Ok(tvec!(tensor(&shape, scores.values)?));
        }
        let mut values: Vec<f32> = scores.values.iter().map(|value| value.to_f64() as f32).collect();
        if self.targets == 1 {
            if self.post_transform == PostTransform::Probit {
                values.iter_mut().for_each(|value| *value = probit(*value));
            }
        } else {
            values.chunks_exact_mut(self.targets).for_each(|row| self.post_transform.apply(row));
        }
        Ok(tvec!(if self.keeps_type {
            tensor(&shape, values.into_iter().map(|value| T::from_f64(value.into())).collect())?
        } else {
            tensor(&shape, values)?
        }))
    }
}
