//! `Tokenizer`.

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::pattern::Pattern;
use super::{END, HANDING_ON};
use crate::ml::kernel::Kernel;
use crate::ml::values::{elements, list, tensor};
use crate::signature::Signature;

/// [Tokenizer](https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Tokenizer) by a
/// pattern of tokens. Where ONNX Runtime has a matrix, there is one column: all tokens of a row.
#[derive(Debug)]
pub struct Tokenizer {
    pattern: Pattern,
    /// Shorter tokens are left out.
    least: usize,
}

impl Tokenizer {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        ensure!(node.get_attr_opt::<i64>("mark")?.unwrap_or(0) == 0, "marks around texts");
        ensure!(list::<String>(node, "separators")?.is_empty(), "tokens by separators; export it with `tokenexp`");
        let pattern = Pattern::read(node.get_attr("tokenexp")?)?;
        check_users(model.graph.as_ref().context("it has no graph")?, node)?;
        Ok(Tokenizer { pattern, least: usize::try_from(node.get_attr_opt::<i64>("mincharnum")?.unwrap_or(1))? })
    }
}

/// Only what counts them takes the tokens, perhaps handed on.
fn check_users(graph: &GraphProto, node: &NodeProto) -> TractResult<()> {
    let mut tokens: HashSet<&str> = node.output.iter().map(String::as_str).collect();
    for user in &graph.node {
        if !user.input.iter().any(|input| tokens.contains(input.as_str())) {
            continue;
        }
        if HANDING_ON.contains(&user.op_type.as_str()) {
            tokens.extend(user.output.iter().map(String::as_str));
        } else if user.op_type != "TfIdfVectorizer" {
            bail!("its tokens are taken by {} `{}`, and only TfIdfVectorizer may", user.op_type, user.name);
        }
    }
    ensure!(!graph.output.iter().any(|output| tokens.contains(output.name.as_str())), "its tokens are an output");
    Ok(())
}

impl Kernel for Tokenizer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        ensure!(input.datum == String::datum_type(), "takes strings, not {:?}", input.datum);
        ensure!(matches!(input.shape.len(), 1 | 2), "takes one or two dimensions, not {:?}", input.shape);
        Ok(tvec!(Signature::new(input.datum, input.shape.iter().cloned().chain([1.to_dim()]))))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let joined = elements::<String>(input)?.iter().map(|text| {
            ensure!(!text.contains(END), "a text has the character U+0000");
            let mut joined = String::new();
            for token in self.pattern.tokens(text).filter(|token| token.chars().count() >= self.least) {
                joined.push_str(token);
                joined.push(END);
            }
            Ok(joined)
        });
        let shape: TVec<usize> = input.shape().iter().copied().chain([1]).collect();
        Ok(tvec!(tensor(&shape, joined.collect::<TractResult<Vec<String>>>()?)?))
    }
}
