//! The members of a saved model that a prediction is made of. JSON and UBJSON have the same; all others are passed over.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// The whole file.
#[derive(Debug, serde::Deserialize)]
pub struct Document {
    pub learner: Learner,
    /// The version of XGBoost that saved it.
    #[serde(default)]
    pub version: Vec<u32>,
}

#[derive(Debug, serde::Deserialize)]
pub struct Learner {
    #[serde(default)]
    pub feature_names: Vec<String>,
    pub gradient_booster: GradientBooster,
    pub learner_model_param: Parameters,
    pub objective: Objective,
}

/// Numbers, as texts.
#[derive(Debug, serde::Deserialize)]
pub struct Parameters {
    pub base_score: String,
    pub num_feature: String,
    #[serde(default)]
    pub num_class: String,
    #[serde(default)]
    pub num_target: String,
    /// Whether the base score is estimated in training: 1 or 0.
    #[serde(default)]
    pub boost_from_average: String,
}

#[derive(Debug, serde::Deserialize)]
pub struct Objective {
    pub name: String,
}

/// `gbtree` and `gblinear` have a model, and `dart` has a `gbtree` that has it.
#[derive(Debug, serde::Deserialize)]
pub struct GradientBooster {
    pub name: String,
    pub model: Option<Model>,
    pub gbtree: Option<Inner>,
    #[serde(default)]
    pub weight_drop: Vec<f32>,
}

#[derive(Debug, serde::Deserialize)]
pub struct Inner {
    pub model: Model,
}

/// Of trees or of a linear model.
#[derive(Debug, serde::Deserialize)]
pub struct Model {
    #[serde(default)]
    pub trees: Vec<Tree>,
    /// Which output each tree is of.
    #[serde(default)]
    pub tree_info: Vec<u32>,
    /// Where dropped trees are a member of `gbtree` itself.
    #[serde(default)]
    pub weight_drop: Vec<f32>,
    #[serde(default)]
    pub cats: Encodings,
    /// Of a linear model: by feature and output, with the biases behind them.
    #[serde(default)]
    pub weights: Vec<f32>,
}

/// A tree, by node.
#[derive(Debug, serde::Deserialize)]
pub struct Tree {
    pub tree_param: TreeParameters,
    /// -1 of a leaf.
    pub left_children: Vec<i64>,
    pub right_children: Vec<i64>,
    pub split_indices: Vec<i64>,
    /// Thresholds; of a leaf with one output its value.
    pub split_conditions: Vec<f32>,
    pub default_left: Vec<Flag>,
    /// Of a leaf with many outputs, their values, before XGBoost 3.2.
    #[serde(default)]
    pub base_weights: Vec<f32>,
    /// The same since then: by the leaf's number, which stands in `right_children`.
    pub leaf_weights: Option<Vec<f32>>,
    /// 1 for a split by categories.
    #[serde(default)]
    pub split_type: Vec<u8>,
    #[serde(default)]
    pub categories: Vec<i64>,
    #[serde(default)]
    pub categories_nodes: Vec<i64>,
    #[serde(default)]
    pub categories_segments: Vec<i64>,
    #[serde(default)]
    pub categories_sizes: Vec<i64>,
}

#[derive(Debug, serde::Deserialize)]
pub struct TreeParameters {
    #[serde(default)]
    pub size_leaf_vector: String,
}

/// The categories of a data frame's columns.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Encodings {
    #[serde(default)]
    pub enc: Vec<Encoding>,
}

/// Those of one column: texts one behind the other where there are offsets, else numbers. None of a column of numbers.
#[derive(Debug, serde::Deserialize)]
pub struct Encoding {
    pub offsets: Option<Vec<i64>>,
    #[serde(default)]
    pub values: Vec<f64>,
}

/// A truth value, which some versions write as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Truth;

        impl Visitor<'_> for Truth {
            type Value = Flag;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("true, false, 1 or 0")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
                match value {
                    0 | 1 => Ok(Flag(value == 1)),
                    other => Err(E::invalid_value(Unexpected::Unsigned(other), &self)),
                }
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Flag, E> {
                u64::try_from(value)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
                    .and_then(|value| self.visit_u64(value))
            }
        }

        deserializer.deserialize_any(Truth)
    }
}
