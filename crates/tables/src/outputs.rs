//! What a model answers.

use std::sync::Arc;

use super::datatype::Datatype;
use super::values::Values;

/// The outputs of a model for some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    rows: usize,
    outputs: Vec<Output>,
}

/// One output for all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The model's name for it.
    pub name: String,
    /// What its values are.
    pub datatype: Datatype,
    /// Shape of one row's share: empty for a value a row.
    pub row_shape: Vec<usize>,
    /// Names of the values in a row, where it is a map from them to its values.
    pub keys: Option<Arc<[String]>>,
    /// All rows' values, row by row.
    pub values: Values,
}

impl Outputs {
    /// `None` if an output's values are not `rows` times its row shape.
    pub fn new(rows: usize, outputs: Vec<Output>) -> Option<Self> {
        let fits = |output: &Output| {
            let width = output.row_shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
            (width.checked_mul(rows)? == output.values.len()).then_some(())
        };
        outputs.iter().all(|output| fits(output).is_some()).then_some(Outputs { rows, outputs })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The outputs, in the model's order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The output of that name alone; `None` if there is none.
    pub fn select(mut self, name: &str) -> Option<Self> {
        let at = self.outputs.iter().position(|output| output.name == name)?;
        let output = self.outputs.swap_remove(at);
        Some(Outputs { outputs: vec![output], ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(name: &str, row_shape: &[usize], values: Values) -> Output {
        let datatype = Datatype::F32; // Tables do not tell.
        Output { name: name.to_owned(), datatype, row_shape: row_shape.to_vec(), keys: None, values }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert_eq!(Outputs::new(2, vec![output("x", &[2], Values::I64(vec![1, 2, 3]))]), None);
        assert_eq!(Outputs::new(2, vec![output("x", &[usize::MAX, 2], Values::I64(vec![]))]), None);
    }
}
