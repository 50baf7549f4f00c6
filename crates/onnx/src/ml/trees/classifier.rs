//! `TreeEnsembleClassifier`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::aggregate::Scores;
use super::ensemble::{Aggregate, Ensemble};
use super::head::{Head, Trees};
use super::real::Real;
use crate::ml::labels::Labels;
use crate::ml::scores::{Complement, PostTransform};
use crate::ml::values::tensor;
use crate::signature::Signature;

/// [TreeEnsembleClassifier](https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html).
#[derive(Debug)]
pub struct TreeEnsembleClassifier {
    labels: Labels,
    base_values: Vec<f64>,
    post_transform: PostTransform,
    form: Form,
}

/// How many classes the labels name, and of how many the trees speak.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// A score a class, and the highest wins.
    ManyClasses,
    /// Two labels, and the trees have weights for one of them alone: a probability or a margin of the second label.
    OneScore {
        /// Which label the weights are for, 0 or 1.
        class: usize,
        /// Weights are all positive: the score is a probability, and wins above one half. Else it is a margin, and wins
        /// above nought.
        probability: bool,
    },
    /// Two labels, and weights for both: ONNX Runtime has the second win when its score is above nought.
    TwoScores,
}

impl TreeEnsembleClassifier {
    /// Reads the node's attributes.
    pub fn read(node: &NodeProto) -> TractResult<Trees<Self>> {
        let labels = Labels::read(node, "classlabels_int64s")?;
        let post_transform = PostTransform::read(node)?;
        let mut ensemble = Ensemble::read(node, "class", labels.len())?;
        ensure!(ensemble.aggregate == Aggregate::Sum, "a classifier's trees are summed");
        ensure!(labels.len() > 1, "it has one class");
        let (base_values, classes) = (ensemble.base_values.clone(), labels.len());
        let form = if classes > 2 {
            ensure!(
                base_values.is_empty() || base_values.len() == classes,
                "{} base_values for {classes} classes",
                base_values.len()
            );
            Form::ManyClasses
        } else {
            ensure!(base_values.len() <= 2, "{} base_values for 2 classes", base_values.len());
            if let Some(class) = ensemble.make_single() {
                post_transform.check_binary()?;
                Form::OneScore { class, probability: ensemble.weights.iter().all(|weight| weight.value >= 0.0) }
            } else {
                let both = [0, 1].map(|class| ensemble.weights.iter().any(|weight| weight.target == class));
                ensure!(both == [true, true], "a leaf has more than one weight for a class");
                // ONNX Runtime answers these, whatever the labels are.
                ensure!(
                    !matches!(&labels, Labels::Ints(labels) if labels.as_slice() != [0, 1]),
                    "two scores for two classes are decided only between the labels 0 and 1"
                );
                Form::TwoScores
            }
        };
        Ok(Trees::new(ensemble, TreeEnsembleClassifier { labels, base_values, post_transform, form }))
    }

    /// The class of a row of two labels, and its scores. `scored` tells which of them the trees spoke of.
    fn two_classes<T: Real>(&self, mut scores: [T; 2], scored: [bool; 2]) -> (usize, [f32; 2]) {
        match (self.base_values.as_slice(), scored) {
            // ONNX Runtime takes the first base value for the same as the second here, and does not look at it.
            ([_, second], [_, true]) => {
                scores[1] = scores[0].plus(T::from_f64(*second));
                scores[0] = T::default().minus(scores[1]);
            }
            ([first, second], [_, false]) => {
                scores[0] = scores[0].plus(T::from_f64(*first));
                scores[1] = scores[1].plus(T::from_f64(*second));
            }
            ([base], _) => scores[0] = scores[0].plus(T::from_f64(*base)),
            _ => {}
        }
        let deciding = if scored[1] { scores[1] } else { scores[0] };
        let (limit, complement) = match self.form {
            Form::OneScore { probability: true, .. } => (0.5, Complement::OneMinus),
            _ => (0.0, Complement::Negated),
        };
        let class = usize::from(deciding > T::from_f64(limit));
        // ONNX Runtime writes nought for a class that the trees did not speak of, base value or not.
        let written = |score: T, scored: bool| if scored { score.to_f64() as f32 } else { 0.0 };
        let mut rounded = [written(scores[0], scored[0]), written(scores[1], scored[1])];
        if self.base_values.len() < 2 && !scored[1] {
            rounded = self.post_transform.apply_binary(rounded[0], complement);
        } else {
            self.post_transform.apply(&mut rounded);
        }
        (class, rounded)
    }

    /// The class of a row of more labels: the highest of those that the trees spoke of. Its scores are put behind `out`.
    fn many_classes<T: Real>(&self, scores: &[T], scored: &[bool], out: &mut Vec<f32>) -> usize {
        let first = out.len();
        let mut best: Option<(usize, T)> = None;
        for (class, (score, scored)) in scores.iter().zip(scored).enumerate() {
            let base = self.base_values.get(class);
            let score = base.map_or(*score, |base| score.plus(T::from_f64(*base)));
            if (base.is_some() || *scored) && best.is_none_or(|(_, most)| score > most) {
                best = Some((class, score));
            }
            out.push(score.to_f64() as f32);
        }
        self.post_transform.apply(out.get_mut(first..).unwrap_or_default());
        best.map_or(0, |(class, _)| class)
    }
}

impl Head for TreeEnsembleClassifier {
    fn outputs(&self, rows: TDim, _input: DatumType) -> TVec<Signature> {
        self.labels.outputs(rows, self.labels.len())
    }

    fn finish<T: Real>(&self, rows: usize, scores: Scores<T>) -> TractResult<TVec<Tensor>> {
        let width = self.labels.len();
        let mut values = Vec::with_capacity(rows.saturating_mul(width));
        let mut two_classes = |scores, scored| {
            let (class, scores) = self.two_classes(scores, scored);
            values.extend(scores);
            class
        };
        let classes: Vec<usize> = match self.form {
            Form::OneScore { class: 0, .. } => {
                scores.values.iter().map(|score| two_classes([*score, T::default()], [true, false])).collect()
            }
            Form::OneScore { .. } => {
                scores.values.iter().map(|score| two_classes([T::default(), *score], [false, true])).collect()
            }
            Form::TwoScores => {
                let (scores, scored) = (scores.values.as_chunks().0, scores.scored.as_chunks().0);
                scores.iter().zip(scored).map(|(scores, scored)| two_classes(*scores, *scored)).collect()
            }
            Form::ManyClasses => {
                let rows = scores.values.chunks_exact(width).zip(scores.scored.chunks_exact(width));
                rows.map(|(scores, scored)| self.many_classes(scores, scored, &mut values)).collect()
            }
        };
        Ok(tvec!(self.labels.tensor(&classes)?, tensor(&[rows, width], values)?))
    }
}
