//! Tables, put together from rows of cells as they are read.

use turnout_tables::{Datatype, Schema, Table, Values};

use super::error::{PayloadError, Row, cut};

/// A cell as a body has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Number(f64),
    Integer(i64),
    Bool(bool),
    Text(&'a str),
    /// Of CSV: whether it is a number or text, its column knows.
    Field(&'a str),
    /// The same, in quotes, in which spaces count.
    Quoted(&'a str),
    Missing,
}

/// Puts a table together cell by cell, and checks each as it comes.
pub(super) struct Builder<'s> {
    schema: &'s Schema,
    most_rows: usize,
    inputs: Vec<Values>,
    rows: usize,
    /// The line that the row at hand begins in, where there are lines.
    line: Option<usize>,
    /// Cells of the row at hand.
    cells: usize,
}

impl<'s> Builder<'s> {
    /// A table of at most so many rows.
    pub(super) fn new(schema: &'s Schema, most_rows: usize) -> Self {
        let inputs = schema.inputs().iter().map(|input| input.datatype.values()).collect();
        Builder { schema, most_rows, inputs, rows: 0, line: None, cells: 0 }
    }

    pub(super) fn schema(&self) -> &'s Schema {
        self.schema
    }

    /// The row at hand.
    pub(super) fn row(&self) -> Row {
        Row { number: self.rows.saturating_add(1), line: self.line }
    }

    /// The column of the next cell, of a row whose cells come in the order of the columns.
    pub(super) fn column(&self) -> usize {
        self.cells
    }

    /// Says where the next row begins.
    pub(super) fn set_line(&mut self, line: usize) {
        self.line = Some(line);
    }

    /// That the row at hand has so many cells.
    pub(super) fn wrong_width(&self, given: usize) -> PayloadError {
        PayloadError::Width { row: self.row(), given, expected: self.schema.width() }
    }

    /// The next cell of a row whose cells come in the order of the columns.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<(), PayloadError> {
        let column = self.cells;
        self.cells = self.cells.saturating_add(1);
        match self.schema.input_of(column) {
            Some(_) => self.put(column, cell),
            // Counted, so that the error can say how many there are.
            None => Ok(()),
        }
    }

    /// A cell of a column. Those of one input come in order.
    pub(super) fn put(&mut self, column: usize, cell: Cell<'_>) -> Result<(), PayloadError> {
        let at = self.schema.input_of(column);
        let input = at.and_then(|at| Some((self.schema.inputs().get(at)?.datatype, self.inputs.get_mut(at)?)));
        let Some((datatype, values)) = input else { return Ok(()) };
        put(values, datatype, cell).map_err(|problem| PayloadError::Cell {
            row: self.row(),
            column: self.schema.describe(column),
            problem,
        })
    }

    /// Ends a row whose cells came in the order of the columns.
    pub(super) fn end_row(&mut self) -> Result<(), PayloadError> {
        let given = std::mem::take(&mut self.cells);
        if given != self.schema.width() {
            return Err(self.wrong_width(given));
        }
        self.end_named_row()
    }

    /// Ends a row whose inputs were filled by name.
    pub(super) fn end_named_row(&mut self) -> Result<(), PayloadError> {
        if self.rows >= self.most_rows {
            return Err(PayloadError::TooManyRows { most: self.most_rows });
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Table, PayloadError> {
        // Each row was checked as it ended, so only their number can be wrong.
        Table::new(self.schema, self.rows, self.inputs).ok_or(PayloadError::Empty)
    }
}

/// Which column each cell of a row is of, by a header; nothing where the columns of one input have no names of their own.
pub(super) fn order_of(header: &[impl AsRef<str>], schema: &Schema) -> Result<Option<Vec<usize>>, PayloadError> {
    if schema.inputs().len() == 1 {
        return Ok(None);
    }
    let mut order = Vec::with_capacity(header.len());
    for name in header.iter().map(AsRef::as_ref) {
        let Some((_, column)) = schema.named(name) else {
            return Err(PayloadError::UnknownHeader { column: cut(name), known: schema.some_names() });
        };
        if order.contains(&column) {
            return Err(PayloadError::RepeatedHeader { column: cut(name) });
        }
        order.push(column);
    }
    let mut first = 0usize;
    for input in schema.inputs() {
        if input.width() != 1 {
            return Err(PayloadError::WideHeader { column: input.name.clone(), width: input.width() });
        }
        if !order.contains(&first) {
            return Err(PayloadError::MissingHeader { column: input.name.clone() });
        }
        first = first.saturating_add(input.width());
    }
    Ok(Some(order))
}

pub(super) fn put(values: &mut Values, datatype: Datatype, cell: Cell<'_>) -> Result<(), String> {
    match values {
        Values::F32(values) => {
            let x = number(cell)?;
            values.push(narrow(x, datatype).ok_or_else(|| {
                let bits = if datatype == Datatype::F16 { 16 } else { 32 };
                format!("{x} is more than {bits}-bit floating point holds")
            })?);
        }
        Values::F64(values) => values.push(number(cell)?),
        Values::I64(values) => {
            let x = integer(cell)?;
            let (min, max) = datatype.range().unwrap_or((i64::MIN, i64::MAX));
            if !(min..=max).contains(&x) {
                return Err(format!("{x} is not between {min} and {max}"));
            }
            values.push(x);
        }
        Values::Bool(values) => values.push(truth(cell)?),
        Values::Text(values) => values.push(text(cell)?.to_owned()),
    }
    Ok(())
}

/// The same, where the strings `NaN`, `Infinity` and `-Infinity` are floating-point numbers.
pub(super) fn put_any_number(values: &mut Values, datatype: Datatype, cell: Cell<'_>) -> Result<(), String> {
    let x = match cell {
        Cell::Text("NaN") => f64::NAN,
        Cell::Text("Infinity") => f64::INFINITY,
        Cell::Text("-Infinity") => f64::NEG_INFINITY,
        _ => return put(values, datatype, cell),
    };
    match values {
        Values::F32(values) => values.push(x as f32),
        Values::F64(values) => values.push(x),
        _ => return put(values, datatype, cell),
    }
    Ok(())
}

/// A number, or NaN, for an input of 16 or 32 bits; `None` if it would become infinite.
pub(super) fn narrow(x: f64, datatype: Datatype) -> Option<f32> {
    let narrow = x as f32;
    if narrow.abs() >= datatype.overflow() { None } else { Some(narrow) }
}

/// Whether a cell of CSV says that there is no value, as pandas, numpy, R and SQL write it. For a column of texts it is one.
pub(super) fn is_missing(field: &str) -> bool {
    let field = field.trim_ascii();
    field.is_empty() || field == "NA" || field.eq_ignore_ascii_case("nan") || field.eq_ignore_ascii_case("null")
}

fn number(cell: Cell<'_>) -> Result<f64, String> {
    match cell {
        Cell::Number(x) => Ok(x),
        Cell::Integer(x) => Ok(x as f64),
        Cell::Missing => Ok(f64::NAN),
        Cell::Field(field) | Cell::Quoted(field) if is_missing(field) => Ok(f64::NAN),
        Cell::Field(field) | Cell::Quoted(field) => {
            let number = field.trim_ascii().parse().ok().filter(|x: &f64| x.is_finite());
            number.ok_or_else(|| refusal(cell, "a finite number"))
        }
        Cell::Bool(_) | Cell::Text(_) => Err(refusal(cell, "a number")),
    }
}

fn integer(cell: Cell<'_>) -> Result<i64, String> {
    // Beyond this, doubles skip whole numbers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = |x: f64| (x.fract() == 0.0 && x.abs() <= EXACT).then_some(x as i64);
    match cell {
        Cell::Integer(x) => Some(x),
        Cell::Number(x) => whole(x),
        Cell::Field(field) | Cell::Quoted(field) => {
            let field = field.trim_ascii();
            field.parse().ok().or_else(|| whole(field.parse().ok()?))
        }
        Cell::Bool(_) | Cell::Text(_) | Cell::Missing => None,
    }
    .ok_or_else(|| refusal(cell, "a whole number"))
}

fn truth(cell: Cell<'_>) -> Result<bool, String> {
    match cell {
        Cell::Bool(x) => Some(x),
        Cell::Integer(0) => Some(false),
        Cell::Integer(1) => Some(true),
        Cell::Field(field) | Cell::Quoted(field) => match field.trim_ascii() {
            "1" => Some(true),
            "0" => Some(false),
            // Python writes True, R TRUE.
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| refusal(cell, "true or false"))
}

fn text(cell: Cell<'_>) -> Result<&str, String> {
    match cell {
        Cell::Text(text) | Cell::Field(text) | Cell::Quoted(text) => Ok(text),
        _ => Err(refusal(cell, "a string")),
    }
}

/// "`yes` stands where a number belongs"
fn refusal(cell: Cell<'_>, expected: &str) -> String {
    let given = match cell {
        Cell::Number(x) => format!("{x}"),
        Cell::Integer(x) => format!("{x}"),
        Cell::Bool(x) => format!("{x}"),
        Cell::Text(text) => format!("the string `{}`", cut(text)),
        Cell::Field(text) | Cell::Quoted(text) if !text.trim_ascii().is_empty() => format!("`{}`", cut(text)),
        Cell::Field(_) | Cell::Quoted(_) | Cell::Missing => "nothing".to_owned(),
    };
    let is_missing = match cell {
        Cell::Field(text) | Cell::Quoted(text) => is_missing(text),
        Cell::Missing => true,
        _ => false,
    };
    // A number that is not known would be NaN, which other types have not.
    let why = if is_missing { "; only floating-point numbers may be missing" } else { "" };
    format!("{given} stands where {expected} belongs{why}")
}
