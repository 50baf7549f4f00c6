//! What stands before the trees.

use std::collections::HashSet;

use super::error::{Error, Place};
use super::fields::{Fields, Reader};
use super::objective::Objective;

/// What a model says of itself.
#[derive(Debug)]
pub struct Head<'a> {
    /// How many values a row has.
    pub features: usize,
    /// Their names; empty where LightGBM made them up.
    pub names: Vec<String>,
    /// What LightGBM saw of each: a range, or categories.
    pub infos: Vec<&'a str>,
    /// How many scores a row has, and how many trees a round.
    pub scores: usize,
    /// What becomes of the scores.
    pub objective: Objective,
    /// Scores are divided by the number of rounds before that: of random forests.
    pub averages: bool,
    /// How many trees follow, where it says so.
    pub trees: Option<usize>,
}

/// The features that a file may have: as many as columns of a table.
const MOST_FEATURES: usize = turnout_tables::Schema::MAX_COLUMNS;

impl<'a> Head<'a> {
    /// Reads it from the beginning of the file.
    ///
    /// # Errors
    /// If something is missing, or does not fit the rest.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let fields = reader.fields(Place::Head)?;
        let version = fields.get("version")?;
        if !matches!(version, "v2" | "v3" | "v4") {
            return Err(Error::Version { version: version.chars().take(40).collect() });
        }
        let last: usize = fields.number("max_feature_idx")?;
        let features = last.saturating_add(1);
        if features > MOST_FEATURES {
            return Err(fields.wrong("max_feature_idx", format!("{last}, more than the columns that a row may have")));
        }
        let scores: usize = fields.number("num_class")?;
        if fields.find("num_tree_per_iteration").is_some() {
            let each: usize = fields.number("num_tree_per_iteration")?;
            if each != scores {
                let problem = format!("{each} trees a round, and `num_class` has {scores}");
                return Err(fields.wrong("num_tree_per_iteration", problem));
            }
        }
        let infos = fields.words("feature_infos", features)?;
        let trees = fields.find("tree_sizes").map(|sizes| sizes.split_ascii_whitespace().count());
        let objective = Objective::read(fields.find("objective"), scores)?;
        let averages = fields.find("average_output").is_some();
        let names = names(&fields, features)?;
        Ok(Head { features, names, infos, scores, objective, averages, trees })
    }
}

/// The names of the features, unless they are those that LightGBM gives to features that have none.
fn names(fields: &Fields<'_>, features: usize) -> Result<Vec<String>, Error> {
    let names = fields.words("feature_names", features)?;
    if names.iter().enumerate().all(|(at, name)| *name == format!("Column_{at}")) {
        return Ok(Vec::new());
    }
    let mut known = HashSet::with_capacity(names.len());
    if let Some(twice) = names.iter().find(|name| !known.insert(**name)) {
        let shown: String = twice.chars().take(100).collect();
        return Err(fields.wrong("feature_names", format!("`{shown}` twice")));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}
