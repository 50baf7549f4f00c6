//! What classifiers and regressors have in common: trees below, and a head that makes outputs of their scores.

use std::fmt::Debug;
use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use super::aggregate::{Aggregator, Scores};
use super::ensemble::Ensemble;
use super::real::Real;
use crate::ml::kernel::Kernel;
use crate::ml::values::{check_numeric, elements};
use crate::signature::{Signature, rows_and_columns};

/// What makes outputs of the trees' scores.
pub trait Head: Debug + Send + Sync + 'static {
    fn outputs(&self, rows: TDim, input: DatumType) -> TVec<Signature>;

    fn finish<T: Real>(&self, rows: usize, scores: Scores<T>) -> TractResult<TVec<Tensor>>;
}

/// An operator whose input's type, which decides in what precision it computes, is not known yet.
#[derive(Debug)]
pub struct Trees<H> {
    ensemble: Ensemble,
    head: Arc<H>,
}

/// An operator laid out for one type of input.
#[derive(Debug)]
struct LaidOut<T, H> {
    trees: Aggregator<T>,
    /// The least number of features that it takes.
    features: usize,
    head: Arc<H>,
}

impl<H: Head> Trees<H> {
    pub fn new(ensemble: Ensemble, head: H) -> Self {
        Trees { ensemble, head: Arc::new(head) }
    }

    fn laid_out<T: Real>(&self) -> TractResult<Option<Arc<dyn Kernel>>> {
        let (trees, features) = (Aggregator::<T>::new(&self.ensemble)?, self.ensemble.features());
        Ok(Some(Arc::new(LaidOut { trees, features, head: self.head.clone() })))
    }
}

fn outputs<H: Head>(head: &H, features: usize, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
    let [input] = inputs else { bail!("takes one input") };
    check_numeric(input.datum)?;
    let (rows, columns) = input.rows_and_columns()?;
    let enough = columns.to_usize().is_ok_and(|columns| columns >= features);
    ensure!(enough, "its trees look at {features} features, and the input has {columns}");
    Ok(head.outputs(rows, input.datum))
}

impl<H: Head> Kernel for Trees<H> {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        outputs(&*self.head, self.ensemble.features(), inputs)
    }

    fn specialise(&self, inputs: &[Signature]) -> TractResult<Option<Arc<dyn Kernel>>> {
        match inputs {
            [input] if input.datum == f64::datum_type() => self.laid_out::<f64>(),
            _ => self.laid_out::<f32>(),
        }
    }

    fn run(&self, _inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        bail!("runs only when it is laid out for its input")
    }
}

impl<T: Real, H: Head> Kernel for LaidOut<T, H> {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        outputs(&*self.head, self.features, inputs)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, columns) = rows_and_columns(input)?;
        ensure!(columns >= self.features, "its trees look at {} features, and a row has {columns}", self.features);
        let input = input.cast_to::<T>()?;
        self.head.finish(rows, self.trees.scores(elements::<T>(&input)?, columns))
    }
}
