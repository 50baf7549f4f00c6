//! Models as XGBoost saves them: `Booster.save_model` in JSON and UBJSON.
//!
//! [`document`] is what both forms have, and [`ubjson`] reads the second; [`trees`] makes the kernel's trees of it,
//! [`linear`] is `gblinear`, [`objective`] makes predictions of sums. Sums are of 32 bits, begin with the base score and go
//! on tree by tree, as on XGBoost's CPU: they are equal to the last bit. All trees are summed, as `Booster.predict` does.

mod categories;
mod document;
mod error;
mod linear;
mod objective;
mod predictor;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]
mod tests;
mod trees;
mod ubjson;

use turnout_tables::{Datatype, Schema};

use self::categories::Columns;
use self::document::{Document, GradientBooster, Learner, Parameters};
use self::error::Error;
use self::linear::Linear;
use self::objective::Objective;
use self::predictor::{Booster, Xgboost};
use super::Saved;
use crate::error::LoadError;

/// More outputs than a row of any answer has.
const MOST_OUTPUTS: usize = 1 << 20;

/// Reads the JSON that `Booster.save_model` writes.
///
/// # Errors
/// If it is broken, or asks for something that is not predicted as XGBoost does.
pub fn read_json(json: &[u8]) -> Result<Saved, LoadError> {
    let document = serde_json::from_slice(json).map_err(|error| Error::Broken(error.to_string()))?;
    Ok(saved(document)?)
}

/// The same of UBJSON.
///
/// # Errors
/// As [`read_json`] has them.
pub fn read_ubjson(ubjson: &[u8]) -> Result<Saved, LoadError> {
    let document = ubjson::from_slice(ubjson).map_err(|error| Error::Broken(error.to_string()))?;
    Ok(saved(document)?)
}

fn saved(document: Document) -> Result<Saved, Error> {
    let Document { learner, version } = document;
    let Learner { feature_names: names, gradient_booster, learner_model_param: parameters, objective } = learner;
    let objective = Objective::named(&objective.name, &version)?;
    let features = number("num_feature", &parameters.num_feature, Schema::MAX_COLUMNS)?;
    if features == 0 {
        return Err(Error::Number { name: "num_feature", value: parameters.num_feature });
    }
    if !names.is_empty() && names.len() != features {
        return Err(Error::Names { found: names.len(), expected: features });
    }
    let mut bases = bases(&parameters, objective)?;
    let (is_linear, mut model, mut drops) = match gradient_booster {
        GradientBooster { name, model: Some(model), .. } if name == "gbtree" => (false, model, Vec::new()),
        GradientBooster { name, gbtree: Some(inner), weight_drop, .. } if name == "dart" => {
            (false, inner.model, weight_drop)
        }
        GradientBooster { name, model: Some(model), .. } if name == "gblinear" => (true, model, Vec::new()),
        GradientBooster { name, .. } => return Err(Error::Booster(name)),
    };
    if drops.is_empty() {
        drops = std::mem::take(&mut model.weight_drop);
    }
    if !is_linear && model.trees.is_empty() && parameters.boost_from_average == "1" {
        // It was not trained, so its base score was not estimated: XGBoost takes this for the sum.
        bases.fill(0.5);
    }
    let columns = Columns::read(model.cats.enc, features)?;
    let booster = if is_linear {
        Booster::Linear(Linear::new(model.weights, &bases, features)?)
    } else {
        Booster::Trees(trees::read(model.trees, &model.tree_info, &drops, features, bases.len())?.map(Box::new))
    };
    let Columns { texts: categories, numbers } = columns;
    let predictor = Box::new(Xgboost { booster, bases, features, numbers, objective });
    Ok(Saved { features, names, datatype: Datatype::F32, categories, predictor })
}

/// What the sums of each output begin with.
fn bases(parameters: &Parameters, objective: Objective) -> Result<Vec<f32>, Error> {
    let classes = number("num_class", &parameters.num_class, MOST_OUTPUTS)?;
    let targets = number("num_target", &parameters.num_target, MOST_OUTPUTS)?;
    let outputs = classes.max(targets).max(1);
    let text = &parameters.base_score;
    let refused = || Error::Number { name: "base_score", value: text.chars().take(100).collect() };
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let score = |text: &str| text.trim().parse().ok().filter(|score: &f32| score.is_finite());
    let scores: Vec<f32> = list.split(',').map(score).collect::<Option<_>>().ok_or_else(refused)?;
    let scores = match scores.as_slice() {
        [one] => vec![*one; outputs],
        many if many.len() == outputs => scores,
        many => return Err(Error::Count { what: "base_score", found: many.len(), expected: outputs }),
    };
    scores.into_iter().map(|score| objective.margin(score)).collect()
}

/// A number that stands as a text; 0 where there is none.
fn number(name: &'static str, text: &str, most: usize) -> Result<usize, Error> {
    let number = if text.is_empty() { Some(0) } else { text.parse().ok() };
    let refused = || Error::Number { name, value: text.chars().take(100).collect() };
    number.filter(|number| *number <= most).ok_or_else(refused)
}
