//! The labels of classes: integers or strings.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::values::{list, tensor};
use crate::signature::Signature;

/// Labels by class.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// `classlabels_ints` or `classlabels_int64s`.
    Ints(Vec<i64>),
    /// `classlabels_strings`.
    Strings(Vec<String>),
}

impl Labels {
    /// Reads `classlabels_strings`, or the attribute of integers, which operators call differently.
    ///
    /// # Errors
    /// If the node has neither or both.
    pub fn read(node: &NodeProto, ints: &str) -> TractResult<Self> {
        let (ints, strings) = (list::<i64>(node, ints)?, list::<String>(node, "classlabels_strings")?);
        match (ints.is_empty(), strings.is_empty()) {
            (false, true) => Ok(Labels::Ints(ints)),
            (true, false) => Ok(Labels::Strings(strings)),
            (true, true) => bail!("it has no class labels"),
            (false, false) => bail!("it has class labels of both types"),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Labels::Ints(labels) => labels.len(),
            Labels::Strings(labels) => labels.len(),
        }
    }

    /// What a classifier gives: a label a row, and `width` scores.
    pub fn outputs(&self, rows: TDim, width: usize) -> TVec<Signature> {
        let datum = match self {
            Labels::Ints(_) => i64::datum_type(),
            Labels::Strings(_) => String::datum_type(),
        };
        tvec!(Signature::new(datum, [rows.clone()]), Signature::new(f32::datum_type(), [rows, width.to_dim()]),)
    }

    /// Negative and positive, where the labels are not two and ONNX Runtime answers 0 and 1.
    pub fn or_nought_and_one(self) -> Self {
        match self {
            labels if labels.len() == 2 => labels,
            Labels::Ints(_) => Labels::Ints(vec![0, 1]),
            Labels::Strings(_) => Labels::Strings(vec!["0".to_owned(), "1".to_owned()]),
        }
    }

    /// A tensor [n] of the labels of n classes.
    ///
    /// # Errors
    /// If there is no such class.
    pub fn tensor(&self, classes: &[usize]) -> TractResult<Tensor> {
        fn pick<T: Datum + Clone>(labels: &[T], classes: &[usize]) -> TractResult<Tensor> {
            let picked = classes.iter().map(|class| labels.get(*class).cloned().context("a class without a label"));
            tensor(&[classes.len()], picked.collect::<TractResult<Vec<T>>>()?)
        }
        match self {
            Labels::Ints(labels) => pick(labels, classes),
            Labels::Strings(labels) => pick(labels, classes),
        }
    }
}
