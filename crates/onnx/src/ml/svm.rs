//! `SVMClassifier` and `SVMRegressor`, as libsvm and ONNX Runtime compute them.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::labels::Labels;
use super::scores::{Complement, PostTransform, argmax, logistic};
use super::values::{as_f32, check_numeric, dot, elements, list, tensor};
use crate::signature::{Signature, rows_and_columns};

/// There is a machine for each pair of classes.
const MAX_CLASSES: usize = 1024;

/// The attribute `kernel_type`, with its part of `kernel_params`: gamma, coef0, degree.
#[derive(Clone, Copy, Debug, PartialEq)]
enum KernelFunction {
    /// `x·y`.
    Linear,
    /// `(gamma x·y + coef0)^degree`.
    Poly { gamma: f32, coef0: f32, degree: f32 },
    /// `exp(-gamma |x - y|^2)`.
    Rbf { gamma: f32 },
    /// `tanh(gamma x·y + coef0)`.
    Sigmoid { gamma: f32, coef0: f32 },
}

impl KernelFunction {
    fn read(node: &NodeProto) -> TractResult<Self> {
        let (gamma, coef0, degree) = match list::<f32>(node, "kernel_params")?.as_slice() {
            [] => (0.0, 0.0, 0.0),
            [gamma, coef0, degree] => (*gamma, *coef0, *degree),
            other => bail!("kernel_params are three numbers, not {}", other.len()),
        };
        Ok(match node.get_attr_opt::<&str>("kernel_type")?.unwrap_or("LINEAR") {
            "LINEAR" => KernelFunction::Linear,
            "POLY" => KernelFunction::Poly { gamma, coef0, degree },
            "RBF" => KernelFunction::Rbf { gamma },
            "SIGMOID" => KernelFunction::Sigmoid { gamma, coef0 },
            other => bail!("kernel_type `{other}` is none of LINEAR, POLY, RBF and SIGMOID"),
        })
    }

    fn of(self, x: &[f32], y: &[f32]) -> f32 {
        match self {
            KernelFunction::Linear => dot(x, y),
            KernelFunction::Poly { gamma, coef0, degree } => {
                let inner = gamma * dot(x, y) + coef0;
                match degree {
                    2.0 => inner * inner,
                    3.0 => inner * inner * inner,
                    _ => inner.powf(degree),
                }
            }
            KernelFunction::Rbf { gamma } => {
                let distance: f32 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
                (-gamma * distance).exp()
            }
            KernelFunction::Sigmoid { gamma, coef0 } => (gamma * dot(x, y) + coef0).tanh(),
        }
    }
}

/// Support vectors [vectors, features], each of them with the kernel.
#[derive(Debug)]
struct Support {
    vectors: Vec<f32>,
    features: usize,
    kernel: KernelFunction,
}

impl Support {
    fn new(vectors: Vec<f32>, count: usize, kernel: KernelFunction) -> TractResult<Self> {
        let features = vectors.len().checked_div(count).unwrap_or(0);
        ensure!(
            features > 0 && features.saturating_mul(count) == vectors.len(),
            "{} numbers do not make {count} vectors",
            vectors.len()
        );
        Ok(Support { vectors, features, kernel })
    }

    fn check(&self, input: &Signature) -> TractResult<TDim> {
        check_numeric(input.datum)?;
        let (rows, columns) = input.rows_and_columns()?;
        ensure!(columns == self.features.to_dim(), "takes {} features, not {columns}", self.features);
        Ok(rows)
    }

    /// The kernel of a row with each vector.
    fn kernels(&self, row: &[f32], kernels: &mut Vec<f32>) {
        kernels.clear();
        kernels.extend(self.vectors.chunks_exact(self.features).map(|vector| self.kernel.of(row, vector)));
    }
}

/// [SVMClassifier](https://onnx.ai/onnx/operators/onnx_aionnxml_SVMClassifier.html).
#[derive(Debug)]
pub struct SvmClassifier {
    support: Support,
    labels: Labels,
    post_transform: PostTransform,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    /// No support vectors: a weight vector a class, and one intercept for all.
    Linear { rho: f32, weights_are_positive: bool },
    /// A machine for each pair of classes, by majority vote.
    Pairs {
        pairs: Vec<Pair>,
        /// Platt's parameters for each pair, where the model gives probabilities.
        probabilities: bool,
    },
}

/// The machine of classes `first` and `second`: a sum over their support vectors, then `rho`.
#[derive(Debug)]
struct Pair {
    first: usize,
    second: usize,
    /// Support vector and coefficient.
    terms: Vec<(usize, f32)>,
    rho: f32,
    prob_a: f32,
    prob_b: f32,
}

impl SvmClassifier {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let labels = Labels::read(node, "classlabels_ints")?;
        let coefficients: Vec<f32> = list(node, "coefficients")?;
        let rho: Vec<f32> = list(node, "rho")?;
        let per_class: Vec<usize> = list(node, "vectors_per_class")?;
        let post_transform = PostTransform::read(node)?;
        ensure!((2..=MAX_CLASSES).contains(&labels.len()), "{} classes; from 2 to {MAX_CLASSES} are run", labels.len());
        let count =
            per_class.iter().try_fold(0usize, |sum, count| sum.checked_add(*count)).context("too many vectors")?;
        if count == 0 {
            ensure!(list::<f32>(node, "prob_a")?.is_empty(), "prob_a without support vectors is not known here");
            let weights_are_positive = coefficients.iter().all(|x| *x >= 0.0);
            let machine = Machine::Linear { rho: *rho.first().context("it has no rho")?, weights_are_positive };
            let support = Support::new(coefficients, labels.len(), KernelFunction::Linear)?;
            return Ok(SvmClassifier { support, labels, post_transform, machine });
        }
        ensure!(per_class.len() == labels.len(), "{} numbers of vectors for {} classes", per_class.len(), labels.len());
        let support = Support::new(list(node, "support_vectors")?, count, KernelFunction::read(node)?)?;
        let (prob_a, prob_b): (Vec<f32>, Vec<f32>) = (list(node, "prob_a")?, list(node, "prob_b")?);
        ensure!(prob_a.len() == prob_b.len(), "prob_a and prob_b differ in length");
        let probabilities = !prob_a.is_empty();
        let pairs = pairs(&per_class, count, &coefficients, &rho, probabilities.then_some((&prob_a, &prob_b)))?;
        if labels.len() == 2 && !probabilities {
            post_transform.check_single()?;
            post_transform.check_binary()?;
        }
        Ok(SvmClassifier { support, labels, post_transform, machine: Machine::Pairs { pairs, probabilities } })
    }

    /// How many scores a row has.
    fn width(&self) -> usize {
        match &self.machine {
            Machine::Pairs { pairs, probabilities: false } => pairs.len().max(2),
            _ => self.labels.len(),
        }
    }

    /// One row's class; its scores are put behind `scores`.
    fn row(&self, kernels: &[f32], scores: &mut Vec<f32>) -> usize {
        let start = scores.len();
        match &self.machine {
            Machine::Linear { rho, weights_are_positive } => {
                scores.extend(kernels.iter().map(|score| score + rho));
                let row = scores.get_mut(start..).unwrap_or_default();
                let best = argmax(row);
                let most = row.get(best).copied().unwrap_or(0.0);
                let certain = if *weights_are_positive { most >= 0.5 } else { most > 0.0 };
                let class = if row.len() == 2 && certain { 1 } else { best };
                self.post_transform.apply(row);
                class
            }
            Machine::Pairs { pairs, probabilities } => {
                let mut votes = vec![0u32; self.labels.len()];
                let mut margins = Vec::with_capacity(pairs.len());
                for pair in pairs {
                    let sum: f64 = pair
                        .terms
                        .iter()
                        .map(|(vector, coefficient)| f64::from(coefficient * kernels.get(*vector).unwrap_or(&0.0)))
                        .sum();
                    let margin = sum + f64::from(pair.rho);
                    margins.push(margin as f32);
                    if let Some(votes) = votes.get_mut(if margin > 0.0 { pair.first } else { pair.second }) {
                        *votes = votes.saturating_add(1);
                    }
                }
                let most = votes.iter().max().copied().unwrap_or(0);
                let class = votes.iter().position(|votes| *votes == most).unwrap_or(0);
                if *probabilities {
                    scores.extend(coupled(pairs, &margins, self.labels.len()));
                    self.post_transform.apply(scores.get_mut(start..).unwrap_or_default());
                } else if let [margin] = margins.as_slice() {
                    scores.extend(self.post_transform.apply_binary(*margin, Complement::Negated));
                } else {
                    scores.extend(margins);
                    self.post_transform.apply(scores.get_mut(start..).unwrap_or_default());
                }
                class
            }
        }
    }
}

/// The pairs of classes in libsvm's order. `coefficients` are [classes - 1, vectors]: a vector of class i has its
/// coefficient against class j in row j - 1 if i < j, else in row j.
fn pairs(
    per_class: &[usize],
    count: usize,
    coefficients: &[f32],
    rho: &[f32],
    platt: Option<(&[f32], &[f32])>,
) -> TractResult<Vec<Pair>> {
    let ends = per_class.iter().scan(0usize, |end, count| {
        *end = end.saturating_add(*count);
        Some(*end)
    });
    let ranges: Vec<_> = ends.zip(per_class).map(|(end, count)| end.saturating_sub(*count)..end).collect();
    let rows: Vec<&[f32]> = coefficients.chunks_exact(count).collect();
    let coefficient = |row: usize, vector: usize| {
        let row = rows.get(row).context("coefficients are missing")?;
        Ok((vector, *row.get(vector).context("coefficients are missing")?))
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for (first, of_first) in ranges.iter().enumerate() {
        for (second, of_second) in ranges.iter().enumerate().skip(first.saturating_add(1)) {
            let own = of_first.clone().map(|vector| coefficient(second.saturating_sub(1), vector));
            let other = of_second.clone().map(|vector| coefficient(first, vector));
            let terms = own.chain(other).collect::<TractResult<_>>()?;
            let at = pairs.len();
            let parameter = |list: &[f32]| list.get(at).copied().context("prob_a or prob_b is too short");
            let (prob_a, prob_b) = match platt {
                Some((a, b)) => (parameter(a)?, parameter(b)?),
                None => (0.0, 0.0),
            };
            let rho = *rho.get(at).context("rho is too short")?;
            pairs.push(Pair { first, second, terms, rho, prob_a, prob_b });
        }
    }
    Ok(pairs)
}

/// Probabilities of the classes from those of the pairs: Wu, Lin and Weng, "Probability estimates for multi-class
/// classification by pairwise coupling", 2004, their second method, with libsvm's constants.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "all indices are of classes, which the matrices are made for"
)]
fn coupled(pairs: &[Pair], margins: &[f32], classes: usize) -> Vec<f32> {
    const LEAST: f32 = 1e-7;
    const ROUNDS: usize = 100;
    let mut r = tract_ndarray::Array2::<f32>::zeros((classes, classes));
    for (pair, margin) in pairs.iter().zip(margins) {
        let p = (1.0 - logistic(margin * pair.prob_a + pair.prob_b)).clamp(LEAST, 1.0 - LEAST);
        r[[pair.first, pair.second]] = p;
        r[[pair.second, pair.first]] = 1.0 - p;
    }
    let mut q = tract_ndarray::Array2::<f32>::zeros((classes, classes));
    for i in 0..classes {
        for j in (0..classes).filter(|j| *j != i) {
            q[[i, i]] += r[[j, i]] * r[[j, i]];
            q[[i, j]] = -r[[j, i]] * r[[i, j]];
        }
    }
    let mut p = tract_ndarray::Array1::<f32>::from_elem(classes, 1.0 / classes as f32);
    let enough = 0.005 / classes as f32;
    for _ in 0..ROUNDS {
        let mut qp = q.dot(&p);
        let mut pqp = p.dot(&qp);
        if qp.iter().all(|qp| (qp - pqp).abs() < enough) {
            break;
        }
        for i in 0..classes {
            let step = (pqp - qp[i]) / q[[i, i]];
            p[i] += step;
            pqp = (pqp + step * (step * q[[i, i]] + 2.0 * qp[i])) / (1.0 + step) / (1.0 + step);
            for j in 0..classes {
                qp[j] = (qp[j] + step * q[[i, j]]) / (1.0 + step);
            }
            p /= 1.0 + step;
        }
    }
    p.to_vec()
}

impl Kernel for SvmClassifier {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        Ok(self.labels.outputs(self.support.check(input)?, self.width()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, _) = rows_and_columns(input)?;
        let input = as_f32(input)?;
        let (mut classes, mut scores, mut kernels) = (Vec::new(), Vec::new(), Vec::new());
        for row in elements::<f32>(&input)?.chunks_exact(self.support.features) {
            self.support.kernels(row, &mut kernels);
            classes.push(self.row(&kernels, &mut scores));
        }
        Ok(tvec!(self.labels.tensor(&classes)?, tensor(&[rows, self.width()], scores)?))
    }
}

/// [SVMRegressor](https://onnx.ai/onnx/operators/onnx_aionnxml_SVMRegressor.html).
#[derive(Debug)]
pub struct SvmRegressor {
    support: Support,
    /// A coefficient a support vector; a single 1 where there are none, and the weights stand in their place.
    coefficients: Vec<f32>,
    rho: f32,
    one_class: bool,
}

impl SvmRegressor {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let post_transform = PostTransform::read(node)?;
        ensure!(
            post_transform == PostTransform::None,
            "ONNX Runtime does not compute post_transform {post_transform:?}"
        );
        let coefficients: Vec<f32> = list(node, "coefficients")?;
        let rho = *list::<f32>(node, "rho")?.first().context("it has no rho")?;
        let one_class = node.get_attr_opt::<i64>("one_class")?.unwrap_or(0) != 0;
        let count = node.get_attr_opt::<usize>("n_supports")?.unwrap_or(0);
        if count == 0 {
            let support = Support::new(coefficients, 1, KernelFunction::Linear)?;
            return Ok(SvmRegressor { support, coefficients: vec![1.0], rho, one_class });
        }
        ensure!(coefficients.len() == count, "{} coefficients for {count} vectors", coefficients.len());
        let support = Support::new(list(node, "support_vectors")?, count, KernelFunction::read(node)?)?;
        Ok(SvmRegressor { support, coefficients, rho, one_class })
    }
}

impl Kernel for SvmRegressor {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        Ok(tvec!(Signature::new(f32::datum_type(), [self.support.check(input)?, 1.to_dim()])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, _) = rows_and_columns(input)?;
        let input = as_f32(input)?;
        let (mut values, mut kernels) = (Vec::with_capacity(rows), Vec::new());
        for row in elements::<f32>(&input)?.chunks_exact(self.support.features) {
            self.support.kernels(row, &mut kernels);
            let value = dot(&kernels, &self.coefficients) + self.rho;
            values.push(match self.one_class {
                true if value > 0.0 => 1.0,
                true => -1.0,
                false => value,
            });
        }
        Ok(tvec!(tensor(&[rows, 1], values)?))
    }
}
