//! The body of a loop over rows: what its nodes, branches and a loop within it come to.

use tract_onnx::pb::{GraphProto, NodeProto};

use super::known::Known;
use super::linear::Linear;
use super::term::{Noted, Term, Truth};
use crate::attributes::graph;
use crate::names::input;

/// More branches that are taken in the last turn alone than any exporter writes: each is read beside the other.
const MOST_LAST: usize = 16;

impl Known {
    /// What is known of a node's outputs.
    pub(super) fn read(&mut self, node: &NodeProto) {
        let term = self.count(node).or_else(|| self.each(node)).or_else(|| self.at_place(node));
        if let (Some(term), Some(name)) = (term, node.output.first()) {
            self.know(name, term);
        }
        self.made.read(node);
    }

    /// The branch of an `If` that is taken for certain.
    pub(super) fn branch<'n>(&self, node: &'n NodeProto) -> Option<&'n GraphProto> {
        let taken = self.truth(node.input.first()?)?;
        graph(node, if taken { "then_branch" } else { "else_branch" })
    }

    /// Reads a body, and gives what is known of its outputs.
    fn body(&mut self, body: &GraphProto) -> Vec<Option<Term>> {
        self.hoist(body);
        for node in &body.node {
            match node.op_type.as_str() {
                // It is the same outside, where what is made of rows can have it.
                "Constant" => {
                    self.read(node);
                    self.made.push(node.clone());
                }
                "If" | "Loop" => {
                    let outputs = match node.op_type.as_str() {
                        "Loop" => self.over_places(node).map(|outputs| outputs.into_iter().map(Some).collect()),
                        _ => self.decided(node).or_else(|| self.chosen(node)),
                    };
                    let outputs = outputs.unwrap_or_default();
                    for (name, term) in node.output.iter().zip(outputs) {
                        term.into_iter().for_each(|term| self.know(name, term));
                    }
                }
                _ => self.read(node),
            }
        }
        let known = |name: &String| {
            let constant = || self.made.fixed(name).map(|_| Term::Constant(name.clone()));
            self.terms.get(name).cloned().or_else(constant)
        };
        body.output.iter().map(|output| known(&output.name)).collect()
    }

    /// An `If` in a body: of a condition that is known, or that tells the last turn from all others, if both come to the same.
    fn decided(&mut self, node: &NodeProto) -> Option<Vec<Option<Term>>> {
        if let Some(branch) = self.branch(node) {
            return Some(self.body(branch));
        }
        let (last, others) = match self.term(node, 0)? {
            Term::Truth(Truth::Zero(number)) if self.turns.tells_last(*number) => ("then_branch", "else_branch"),
            Term::Truth(Truth::Negative(number)) if self.turns.tells_last(*number) => ("else_branch", "then_branch"),
            _ => return None,
        };
        self.last_branches = self.last_branches.checked_add(1).filter(|count| *count <= MOST_LAST)?;
        let (terms, rows, turn) = (self.terms.clone(), self.rows, self.turn);
        (self.rows, self.turn) = (self.turns.at_last(rows)?, self.turns.at_last(turn)?);
        let at_last = |(name, term): (&String, &Term)| Some((name.clone(), term.at_last(self.turns)?));
        self.terms = terms.iter().filter_map(at_last).collect();
        let in_last = self.body(graph(node, last)?);
        (self.terms, self.rows, self.turn) = (terms, rows, turn);
        let in_others = self.body(graph(node, others)?);
        let same = |(last, other): (Option<Term>, Option<Term>)| {
            let (last, other) = (last?, other?);
            (other.at_last(self.turns)? == last).then_some(other)
        };
        Some(in_last.into_iter().zip(in_others).map(same).collect())
    }

    /// A loop that takes a row in each turn: what its outputs are; `None` if it is none.
    pub(super) fn over_rows(&mut self, node: &NodeProto, body: &GraphProto) -> Option<Vec<Term>> {
        let outside = self.inner.len();
        let outputs = self.over_rows_within(node, body);
        for name in self.inner.drain(outside..) {
            self.terms.remove(&name);
        }
        outputs
    }

    fn over_rows_within(&mut self, node: &NodeProto, body: &GraphProto) -> Option<Vec<Term>> {
        let rows = self.rows;
        let bound = self.bound(node)?;
        if input(node, 1).is_some_and(|name| self.truth(name) != Some(true)) {
            return None;
        }
        let (turn, states) = body.input.split_first()?;
        let (condition, states) = states.split_first()?;
        self.know(&turn.name, Term::number(Linear::TURN));
        self.know(&condition.name, Term::Truth(Truth::Known(true)));
        let mut begun = Vec::new();
        for (at, state) in states.iter().enumerate() {
            let begins = self.term(node, at.checked_add(2)?)?.clone();
            let in_turn = match &begins {
                // It counts the turns, which is seen from what it is after one.
                Term::Numbers { values, is_list } if values.len() == 1 => {
                    let values = values.iter().map(|value| value.plus(Linear::TURN)).collect::<Option<_>>()?;
                    Term::Numbers { values, is_list: *is_list }
                }
                Term::Sequence(names) if names.count() == 0 => begins.clone(),
                _ => return None,
            };
            self.know(&state.name, in_turn.clone());
            begun.push((begins, in_turn));
        }
        let outputs = self.body(body).into_iter().collect::<Option<Vec<Term>>>()?;
        let (goes_on, outputs) = outputs.split_first()?;
        let is_bound = bound == Some(rows);
        let may_end = is_bound || bound.is_none();
        let ends = match goes_on {
            Term::Truth(Truth::Known(true)) => is_bound,
            // It goes on while there is a next row.
            Term::Truth(Truth::Negative(left)) => *left == Linear::TURN.plus(Linear::of(1))?.minus(rows)? && may_end,
            // With one row, that is known.
            Term::Truth(Truth::Known(false)) => rows.number() == Some(1) && may_end,
            _ => false,
        };
        if !ends || outputs.len() < begun.len() {
            return None;
        }
        let (states, scans) = outputs.split_at(begun.len());
        let mut made = Vec::new();
        for ((begins, in_turn), after) in begun.into_iter().zip(states) {
            made.push(match (&begins, after) {
                (Term::Sequence(_), Term::Collected(row)) => Term::Collected(row.clone()),
                (Term::Numbers { is_list, .. }, after)
                    if after.single()? == in_turn.single()?.plus(Linear::of(1))? =>
                {
                    Term::Numbers { values: vec![begins.single()?.plus(rows)?], is_list: *is_list }
                }
                _ => return None,
            });
        }
        for scan in scans {
            made.push(match scan {
                Term::One(row) if row.differs => Term::Stack(row.clone()),
                _ => return None,
            });
        }
        Some(made)
    }

    /// What an `If` comes to whose condition goes by values.
    fn chosen(&mut self, node: &NodeProto) -> Option<Vec<Option<Term>>> {
        let condition = self.term(node, 0)?.clone();
        if !matches!(condition, Term::Which(_) | Term::NoneOf(_)) {
            return None;
        }
        let then = self.body(graph(node, "then_branch")?);
        let other = self.body(graph(node, "else_branch")?);
        let chosen = then.into_iter().zip(other).map(|(then, other)| self.either(&condition, then?, other?));
        Some(chosen.collect())
    }

    /// A loop within, that takes the places of the row at work one after the other and notes some of them: what its outputs
    /// are; `None` if it is none.
    fn over_places(&mut self, node: &NodeProto) -> Option<Vec<Term>> {
        let body = graph(node, "body")?;
        if self.bound(node)?.is_some() || self.truth(node.input.get(1)?) != Some(true) {
            return None;
        }
        let states = body.input.get(2..)?;
        let mut begins = None;
        for (at, state) in states.iter().enumerate() {
            let in_turn = match self.term(node, at.checked_add(2)?)? {
                Term::Numbers { values, is_list: true } if values.is_empty() => Term::Noted(Noted::Nothing),
                counted => {
                    begins.is_none().then_some(())?;
                    begins = Some(counted.single()?);
                    Term::Place { next: false }
                }
            };
            self.know(&state.name, in_turn);
        }
        let outputs = self.body(body);
        let (goes_on, outputs) = outputs.split_first()?;
        let (begins, Some(Term::Before(ends))) = (begins?, goes_on) else { return None };
        let width = ends.minus(begins)?.number().filter(|width| *width > 0)?;
        (begins == self.turn.scaled(width)? && outputs.len() == states.len()).then_some(())?;
        let known = outputs.iter().map(|after| match after.as_ref()? {
            Term::Place { next: true } => Some(Term::number(*ends)),
            Term::Noted(Noted::Where(mask)) if mask.shape.first().copied() == usize::try_from(width).ok() => {
                Some(Term::Noted(Noted::Where(mask.clone())))
            }
            _ => None,
        });
        known.collect()
    }
}
