//! `StringNormalizer`.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use crate::ml::kernel::Kernel;
use crate::ml::values::{elements, list, tensor};
use crate::signature::Signature;

/// [StringNormalizer](https://onnx.ai/onnx/operators/onnx__StringNormalizer.html), of strings that all stay: with stop words
/// there would be fewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StringNormalizer {
    Lower,
    Upper,
    None,
}

impl StringNormalizer {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        ensure!(list::<String>(node, "stopwords")?.is_empty(), "stop words would leave rows out");
        Ok(match node.get_attr_opt::<&str>("case_change_action")?.unwrap_or("NONE") {
            "LOWER" => StringNormalizer::Lower,
            "UPPER" => StringNormalizer::Upper,
            "NONE" => StringNormalizer::None,
            other => bail!("case_change_action `{other}` is none of LOWER, UPPER and NONE"),
        })
    }

    fn apply(self, text: &str) -> String {
        // A letter becomes one letter, as in ONNX Runtime: of the only one that has two small ones, the first.
        let lower = |letter: char| letter.to_lowercase().next().unwrap_or(letter);
        let upper = |letter: char| {
            let mut letters = letter.to_uppercase();
            letters.next().filter(|_| letters.next().is_none()).unwrap_or(letter)
        };
        match self {
            StringNormalizer::Lower => text.chars().map(lower).collect(),
            StringNormalizer::Upper => text.chars().map(upper).collect(),
            StringNormalizer::None => text.to_owned(),
        }
    }
}

impl Kernel for StringNormalizer {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        ensure!(input.datum == String::datum_type(), "takes strings, not {:?}", input.datum);
        Ok(tvec!(input.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let texts = elements::<String>(input)?.iter().map(|text| self.apply(text)).collect();
        Ok(tvec!(tensor(input.shape(), texts)?))
    }
}
