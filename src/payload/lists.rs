//! A list of rows for each input, by its name: how check rows are written, and columns by TensorFlow Serving and MLflow.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use turnout_tables::{Datatype, Schema, Table, Values};

/// Reads the values of a tensor of that shape: [`flat`](super::flat) or
/// [`flat_of_any_numbers`](super::flat_of_any_numbers).
pub type ReadFlat = fn(Datatype, &[usize], &str) -> Result<Values, String>;

/// Why lists are no table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListsError {
    /// One of them is wrong, or missing.
    Input {
        /// The input.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There are more rows than so many.
    TooMany(usize),
    /// There are none.
    NoRows,
}

/// The table of at most so many rows that lists make. The first input's says how many rows there are.
///
/// # Errors
/// If a list is of no input, an input has none, or one is not what the model takes.
pub fn table_of_lists(
    lists: &[(String, &RawValue)],
    schema: &Schema,
    most_rows: usize,
    read: ReadFlat,
) -> Result<Table, ListsError> {
    let wrong = |name: &str, problem: String| ListsError::Input { name: name.to_owned(), problem };
    if let Some((name, _)) = lists.iter().find(|(name, _)| schema.named(name).is_none()) {
        return Err(wrong(name, format!("the model does not take it; it takes: {}", schema.some_names())));
    }
    let mut rows = None;
    let inputs = schema.inputs().iter().map(|input| {
        let wrong = |problem: String| wrong(&input.name, problem);
        let json = lists.iter().find(|(name, _)| *name == input.name).map(|(_, json)| json.get());
        let json = json.ok_or_else(|| wrong("it is missing".to_owned()))?;
        let rows = match rows {
            Some(rows) => rows,
            None => *rows.insert(count_items(json).map_err(wrong)?),
        };
        if rows > most_rows {
            return Err(ListsError::TooMany(most_rows));
        }
        values_of_rows(input.datatype, rows, &input.row_shape, json, read).map_err(wrong)
    });
    let inputs = inputs.collect::<Result<Vec<Values>, ListsError>>()?;
    Table::new(schema, rows.unwrap_or_default(), inputs).ok_or(ListsError::NoRows)
}

/// The values of a list of so many rows, each of that shape.
///
/// # Errors
/// If it has more or fewer, or one is not of the type or shape.
pub fn values_of_rows(
    datatype: Datatype,
    rows: usize,
    row_shape: &[usize],
    json: &str,
    read: ReadFlat,
) -> Result<Values, String> {
    let given = count_items(json)?;
    if given != rows {
        return Err(format!("it has {given} rows; the first input has {rows}"));
    }
    let shape: Vec<usize> = [rows].into_iter().chain(row_shape.iter().copied()).collect();
    read(datatype, &shape, json)
}

/// How many rows a list has.
fn count_items(json: &str) -> Result<usize, String> {
    let rows: Vec<IgnoredAny> = serde_json::from_str(json).map_err(|_| "it is no list of rows".to_owned())?;
    Ok(rows.len())
}
