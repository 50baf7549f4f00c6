//! What a model takes, as far as making a table needs to know it.

use std::collections::HashMap;

use super::datatype::Datatype;

/// The inputs of a model, in its order. A table's columns are their values, side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    inputs: Vec<Input>,
    /// For each input, the column behind its last.
    ends: Vec<usize>,
    /// For each input's name, which it is, and its first column.
    names: HashMap<String, (usize, usize)>,
}

/// One input: one column, or several that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The model's name for it.
    pub name: String,
    /// What its values are.
    pub datatype: Datatype,
    /// Shape of one row's share.
    pub row_shape: Vec<usize>,
    width: usize,
}

impl Input {
    /// An input whose rows have that shape: empty for a value a row. `None` if a row has no values, or far too many.
    pub fn new(name: String, datatype: Datatype, row_shape: Vec<usize>) -> Option<Input> {
        let width = row_shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        Some(Input { name, datatype, row_shape, width: width.filter(|width| *width > 0)? })
    }

    /// How many values a row has: at least 1.
    pub fn width(&self) -> usize {
        self.width
    }
}

impl Schema {
    /// More columns than a body has cells: some megabytes, of two bytes each at least.
    pub const MAX_COLUMNS: usize = 1 << 22;

    /// `None` if there is no column, or there are far too many.
    pub fn new(inputs: Vec<Input>) -> Option<Schema> {
        let mut ends = Vec::with_capacity(inputs.len());
        let mut names = HashMap::with_capacity(inputs.len());
        let mut end = 0usize;
        for (at, input) in inputs.iter().enumerate() {
            names.insert(input.name.clone(), (at, end));
            end = end.checked_add(input.width)?;
            ends.push(end);
        }
        (end > 0 && end <= Self::MAX_COLUMNS).then_some(Schema { inputs, ends, names })
    }

    /// The inputs, in the model's order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// How many columns a table has.
    pub fn width(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The input that a column belongs to, by its place; `None` if there are fewer columns.
    pub fn input_of(&self, column: usize) -> Option<usize> {
        match self.ends.as_slice() {
            // Most models have one.
            [end] => (column < *end).then_some(0),
            ends => Some(ends.partition_point(|end| *end <= column)).filter(|at| *at < ends.len()),
        }
    }

    /// Which input has that name, and its first column.
    pub fn named(&self, name: &str) -> Option<(usize, usize)> {
        self.names.get(name).copied()
    }

    /// Whether any input is of numbers.
    pub fn has_numbers(&self) -> bool {
        self.inputs.iter().any(|input| !matches!(input.datatype, Datatype::Bool | Datatype::Text))
    }

    /// The names of the first twenty inputs, for messages.
    pub fn some_names(&self) -> String {
        self.inputs.iter().take(20).map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A column as a person finds it: by number, and by name where inputs are columns.
    pub fn describe(&self, column: usize) -> String {
        let number = column.saturating_add(1);
        match self.input_of(column).and_then(|input| self.inputs.get(input)) {
            Some(input) if self.inputs.len() > 1 => format!("column {number} (`{}`)", input.name),
            _ => format!("column {number}"),
        }
    }
}
