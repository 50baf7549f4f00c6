//! How a unit's variant comes about.

use serde::Serialize;

use super::UnitHash;
use crate::endpoint::{Endpoint, Name};

/// Which variant a unit gets, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation<'a> {
    /// The variant; absent where all weights are 0.
    pub variant: Option<&'a Name>,
    /// Each variant's figures, in the endpoint's order. The smallest score wins.
    pub scores: Vec<ExplainedScore<'a>>,
}

/// A variant's figures for one unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedScore<'a> {
    /// The variant.
    pub variant: &'a Name,
    /// Its share of the traffic, 0 to 1.
    pub share: f64,
    /// As in [`super::Score`]; absent without a weight.
    pub uniform: Option<f64>,
    /// As in [`super::Score`]; absent without a weight.
    pub score: Option<f64>,
}

/// Explains a unit's variant. The unit's hash, which is what records hold of it, is no part of that.
pub fn explain(endpoint: &Endpoint, unit: UnitHash) -> Explanation<'_> {
    let mut scores = unit.scores(endpoint.variants()).peekable();
    let explained = endpoint.variants().iter().map(|variant| {
        let score = scores.next_if(|score| std::ptr::eq(score.variant, variant));
        ExplainedScore {
            variant: &variant.name,
            share: endpoint.share(variant),
            uniform: score.map(|score| score.uniform),
            score: score.map(|score| score.score),
        }
    });
    let scores = explained.collect();
    Explanation { variant: unit.choose(endpoint.variants()).map(|variant| &variant.name), scores }
}
