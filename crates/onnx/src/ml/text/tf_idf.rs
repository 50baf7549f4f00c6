//! `TfIdfVectorizer`.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::{END, HANDING_ON};
use crate::ml::kernel::Kernel;
use crate::ml::values::{elements, list, tensor};
use crate::signature::{Signature, rows_and_columns};

/// [TfIdfVectorizer](https://onnx.ai/onnx/operators/onnx__TfIdfVectorizer.html) of strings: how often each n-gram of a pool
/// stands in a row, or its weight.
#[derive(Debug)]
pub struct TfIdfVectorizer {
    /// By length of the n-grams, from 1 on: their columns, by their tokens with their ends.
    columns: Vec<HashMap<String, usize>>,
    width: usize,
    mode: Mode,
    /// By column.
    weights: Vec<f32>,
    /// Whether each string is all tokens of a row, as [`Tokenizer`](super::Tokenizer) makes them; else it is one.
    joined: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Frequency,
    Weight,
    Both,
}

impl TfIdfVectorizer {
    /// More columns than any table here has.
    const MAX_WIDTH: usize = 1 << 22;

    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let graph = model.graph.as_ref().context("it has no graph")?;
        let tokenizer = tokenizer(graph, node.input.first().context("takes an input")?);
        ensure!(node.get_attr_opt::<i64>("max_skip_count")?.unwrap_or(0) == 0, "n-grams with gaps");
        let (least, most) = (node.get_attr::<i64>("min_gram_length")?, node.get_attr::<i64>("max_gram_length")?);
        let (least, most) = (usize::try_from(least)?, usize::try_from(most)?);
        ensure!(least >= 1 && least <= most && most <= 64, "n-grams of {least} to {most} tokens");
        let mode = match node.get_attr::<&str>("mode")? {
            "TF" => Mode::Frequency,
            "IDF" => Mode::Weight,
            "TFIDF" => Mode::Both,
            other => bail!("mode `{other}` is none of TF, IDF and TFIDF"),
        };
        let pool: Vec<String> = list(node, "pool_strings")?;
        ensure!(!pool.is_empty(), "a pool of integers");
        ensure!(!pool.iter().any(|token| token.contains(END)), "a token of its pool has the character U+0000");
        if let Some(tokenizer) = tokenizer {
            // ONNX Runtime would count what rows are filled up with, by the longest row of a batch.
            let filling = tokenizer.get_attr_opt::<&str>("pad_value")?.unwrap_or_default();
            ensure!(
                !pool.iter().any(|token| token == filling),
                "its pool has the `{filling}` that rows are filled up with"
            );
        }
        let starts: Vec<usize> = list(node, "ngram_counts")?;
        let places: Vec<usize> = list(node, "ngram_indexes")?;
        let width = places.iter().max().context("it has no n-grams")?.saturating_add(1);
        ensure!(width <= Self::MAX_WIDTH, "{width} columns");
        ensure!(starts.len() >= most, "n-grams of {most} tokens, but its pool has {}", starts.len());

        let mut columns = Vec::new();
        let mut next = places.iter();
        for (length, start) in (1usize..).zip(&starts) {
            let end = starts.get(length).copied().unwrap_or(pool.len());
            let tokens = pool.get(*start..end).context("its n-grams are not in its pool")?;
            ensure!(tokens.len().is_multiple_of(length), "an n-gram of its pool is cut off");
            let mut of_length = HashMap::new();
            for gram in tokens.chunks_exact(length) {
                let column = *next.next().context("an n-gram without a column")?;
                let key = gram.iter().flat_map(|token| [token.as_str(), "\0"]).collect();
                if (least..=most).contains(&length) {
                    ensure!(of_length.insert(key, column).is_none(), "an n-gram is in its pool twice");
                }
            }
            columns.push(of_length);
        }
        let weights: Vec<f32> = list(node, "weights")?;
        // The specification has weights by n-gram, ONNX Runtime by column.
        let alike = weights.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
        let in_order = places.iter().enumerate().all(|(at, place)| at == *place);
        ensure!(mode == Mode::Frequency || alike || in_order, "weights in another order than its columns");
        ensure!(mode == Mode::Frequency || weights.is_empty() || weights.len() == width, "{} weights", weights.len());
        Ok(TfIdfVectorizer { columns, width, mode, weights, joined: tokenizer.is_some() })
    }

    /// Counts a row's n-grams. Its tokens stand one behind the other, each with its end.
    fn count(&self, tokens: &str, counts: &mut [f32]) {
        // Where each token begins, and the end of the last.
        let ends = tokens.match_indices(END).map(|(at, _)| at.saturating_add(1));
        let bounds: Vec<usize> = [0].into_iter().chain(ends).collect();
        for (length, columns) in (1usize..).zip(&self.columns) {
            if columns.is_empty() {
                continue;
            }
            for (start, end) in bounds.iter().zip(bounds.iter().skip(length)) {
                let column = tokens.get(*start..*end).and_then(|gram| columns.get(gram));
                if let Some(count) = column.and_then(|column| counts.get_mut(*column)) {
                    *count += 1.0;
                }
            }
        }
        let weight = |column: usize| self.weights.get(column).copied().unwrap_or(1.0);
        for (column, count) in counts.iter_mut().enumerate() {
            match self.mode {
                Mode::Frequency => {}
                Mode::Weight => *count = if *count > 0.0 { weight(column) } else { 0.0 },
                Mode::Both => *count *= weight(column),
            }
        }
    }
}

/// The `Tokenizer` that makes a value, perhaps handed on.
fn tokenizer<'g>(graph: &'g GraphProto, name: &str) -> Option<&'g NodeProto> {
    let mut name = name.to_owned();
    for node in graph.node.iter().rev() {
        if !node.output.contains(&name) {
            continue;
        }
        match node.op_type.as_str() {
            "Tokenizer" => return Some(node),
            operator if HANDING_ON.contains(&operator) => name = node.input.first()?.clone(),
            _ => return None,
        }
    }
    None
}

impl Kernel for TfIdfVectorizer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        ensure!(input.datum == String::datum_type(), "takes strings, not {:?}", input.datum);
        let [rows, columns] = input.shape.as_slice() else { bail!("takes two dimensions, not {:?}", input.shape) };
        // A row's tokens would be several columns' then.
        ensure!(!self.joined || *columns == 1.to_dim(), "takes the tokens of one text a row, not of {columns}");
        Ok(tvec!(Signature::new(f32::datum_type(), [rows.clone(), self.width.to_dim()])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let (rows, columns) = rows_and_columns(input)?;
        let mut counts = vec![0f32; rows.saturating_mul(self.width)];
        let texts = elements::<String>(input)?.chunks_exact(columns.max(1));
        for (texts, counts) in texts.zip(counts.chunks_exact_mut(self.width.max(1))) {
            match texts {
                [tokens] if self.joined => self.count(tokens, counts),
                texts => {
                    ensure!(!texts.iter().any(|text| text.contains(END)), "a text has the character U+0000");
                    let tokens: String = texts.iter().flat_map(|token| [token.as_str(), "\0"]).collect();
                    self.count(&tokens, counts);
                }
            }
        }
        Ok(tvec!(tensor(&[rows, self.width], counts)?))
    }
}
