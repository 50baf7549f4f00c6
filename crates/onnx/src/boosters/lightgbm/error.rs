//! Why a text of LightGBM's cannot be loaded.

use std::fmt;

/// Why a text that begins as a model of LightGBM is none that can be run here. Each message goes on after "it is a model
/// of LightGBM that".
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Bytes that are no text.
    #[error("is no text in UTF-8 from byte {byte} on; upload it again as `booster.save_model` wrote it")]
    Text {
        /// The first that is not, from 0.
        byte: usize,
    },
    /// It ends too early.
    #[error("ends before the line `end of trees`; upload it again, whole, as `booster.save_model` wrote it")]
    Cut,
    /// Something else than the next tree.
    #[error(
        "has no `Tree={number}` in line {line}, where it belongs; upload it again as `booster.save_model` wrote it"
    )]
    Line {
        /// From 1.
        line: usize,
        /// The tree that should begin there.
        number: usize,
    },
    /// A key that every model has.
    #[error("has no `{key}` in {place}")]
    Missing {
        /// Where it should stand.
        place: Place,
        /// Its name.
        key: &'static str,
    },
    /// A key twice in one part.
    #[error("has `{key}` twice in {place}, again in line {line}")]
    Twice {
        /// The second time, from 1.
        line: usize,
        /// Its name.
        key: String,
        /// The part.
        place: Place,
    },
    /// A value that cannot be.
    #[error("has {problem}: `{key}` of {place}, in line {line}")]
    Value {
        /// From 1.
        line: usize,
        /// Its name.
        key: &'static str,
        /// The part.
        place: Place,
        /// What the value has that it must not have.
        problem: String,
    },
    /// A form of the file that is not known.
    #[error("is of version `{version}`, where v2, v3 and v4 are known; save it anew with LightGBM 4")]
    Version {
        /// As it declares it.
        version: String,
    },
    /// An objective that is not known.
    #[error(
        "was trained for the objective `{name}`, which is not one of LightGBM 4.7 with its parameters, so that what its scores \
         mean is unknown"
    )]
    Objective {
        /// As it declares it.
        name: String,
    },
    /// Leaves that are linear models.
    #[error(
        "has linear models in the leaves of {place}, which are not run here; train it without `linear_tree`, or serve it \
         from a host of its own, as an origin"
    )]
    Linear {
        /// The first such tree.
        place: Place,
    },
    /// Trees that do not make whole rounds.
    #[error(
        "has {trees} trees, where whole rounds of {each} belong, one at least; upload it again as `booster.save_model` \
         wrote it"
    )]
    Rounds {
        /// How many.
        trees: usize,
        /// How many a round should have.
        each: usize,
    },
    /// Categories of a data frame that cannot be told from each other.
    #[error(
        "was trained on a data frame with columns of categories, and {problem}; train it on columns of numbers, which the \
         categories are given beforehand"
    )]
    Categories {
        /// Why not.
        problem: String,
    },
    /// The kernel does not take the trees.
    #[error("has trees that cannot be run: {problem}")]
    Trees {
        /// What is wrong.
        problem: String,
    },
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// What stands before the trees.
    Head,
    /// A tree, by its number from 0.
    Tree(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Head => f.write_str("its head"),
            Place::Tree(number) => write!(f, "tree {number}"),
        }
    }
}
