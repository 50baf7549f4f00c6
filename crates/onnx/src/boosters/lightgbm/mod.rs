//! Models as LightGBM saves them: its text, as `Booster.save_model` writes it.
//!
//! [`head`] reads what stands before the trees, [`tree`] makes nodes of the kernel of each tree, [`categories`] reads what
//! the Python package notes of a data frame. [`columns`] and [`objective`] are what LightGBM computes before and after its
//! trees. All of it is in doubles, and scores are sums in the order of the trees: they have the bits of LightGBM's.

mod categories;
mod columns;
mod error;
mod fields;
mod head;
mod objective;
mod predictor;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

use turnout_tables::Datatype;

use self::columns::Columns;
use self::error::{Error, Place};
use self::fields::Reader;
use self::head::Head;
use self::predictor::{Codes, LightGbm};
use super::{Categories, Saved, Unseen};
use crate::error::{LoadError, describe};
use crate::ml::trees::{Aggregator, Ensemble};

/// Reads a text that begins with the line `tree`.
///
/// # Errors
/// If it is broken or cut, or has something that is not predicted as LightGBM does.
pub fn read(text: &[u8]) -> Result<Saved, LoadError> {
    saved(text).map_err(|error| LoadError::Booster { library: "LightGBM", problem: error.to_string() })
}

fn saved(text: &[u8]) -> Result<Saved, Error> {
    let text = str::from_utf8(text).map_err(|error| Error::Text { byte: error.valid_up_to() })?;
    let mut reader = Reader::new(text);
    let head = Head::read(&mut reader)?;
    let mut columns = Columns::new(head.features);
    let ensemble = trees(&mut reader, &head, &mut columns)?;
    let frame = categories::read(&mut reader, &head.infos)?;
    let rounds = ensemble.roots.len().checked_div(head.scores).unwrap_or(0);
    let trees = ensemble.checked().and_then(|ensemble| Aggregator::new(&ensemble));
    let trees = trees.map_err(|error| Error::Trees { problem: describe(&error) })?;
    let (mut texts, mut codes) = (BTreeMap::new(), Vec::new());
    for (feature, values) in frame {
        match values {
            categories::Values::Texts(names) => {
                texts.insert(feature, Categories { names, unseen: Unseen::Missing });
            }
            categories::Values::Numbers(numbers) => codes.push((feature, Codes::new(&numbers))),
        }
    }
    let divisor = if head.averages { rounds as f64 } else { 1.0 };
    let (scores, objective) = (head.scores, head.objective);
    Ok(Saved {
        features: head.features,
        names: head.names,
        datatype: Datatype::F64,
        categories: texts,
        predictor: Box::new(LightGbm { codes, columns, trees, scores, divisor, objective }),
    })
}

/// The trees, up to the line that ends them. Scores take turns.
fn trees(reader: &mut Reader<'_>, head: &Head<'_>, columns: &mut Columns) -> Result<Ensemble, Error> {
    let mut ensemble = Ensemble::of_sums(head.scores);
    let rounds = |trees: usize| Error::Rounds { trees, each: head.scores };
    loop {
        let number = ensemble.roots.len();
        let (line, text) = reader.next_filled().ok_or(Error::Cut)?;
        if text.trim_end() == "end of trees" {
            let whole = number > 0 && number.checked_rem(head.scores) == Some(0);
            let all = head.trees.is_none_or(|trees| trees == number);
            return if whole && all { Ok(ensemble) } else { Err(rounds(number)) };
        }
        if text.trim_end().strip_prefix("Tree=") != Some(number.to_string().as_str()) {
            return Err(Error::Line { line, number });
        }
        let target = number.checked_rem(head.scores).ok_or_else(|| rounds(number))?;
        tree::push(&reader.fields(Place::Tree(number))?, head.features, target, columns, &mut ensemble)?;
    }
}
