//! `text/csv` (RFC 4180): a row a line, its cells in the order of the model's columns, or by name under a header line.
//!
//! An empty line is skipped, but where the model takes one column: there it is a row whose value is missing. Spaces around a
//! cell do not count, unless they stand in quotes.

use std::borrow::Cow;

use turnout_tables::{Schema, Table};

use super::accept::Header;
use super::builder::{Builder, Cell, is_missing, order_of};
use super::error::{PayloadError, cut};
use super::left_out::LeftOut;

pub(super) fn decode(body: &[u8], schema: &Schema, header: Header, most_rows: usize) -> Result<Table, PayloadError> {
    let mut lines = Lines::of(body, schema.width() == 1)?;
    let mut table = Builder::new(schema, most_rows);
    let mut record = Vec::new();
    let mut order = None;
    if !lines.next(&mut record)? {
        return table.finish();
    }
    if is_header(&record, schema, header) {
        let names: Vec<&str> = record.iter().map(|field| field.text.trim()).collect();
        order = order_of(&names, schema)?;
        record.clear();
    } else if header == Header::Unsaid && schema.has_numbers() && !record.iter().any(Field::is_number) {
        let first = record.first().map(|field| cut(&field.text)).unwrap_or_default();
        return Err(PayloadError::LikeHeader { line: lines.began, first });
    }
    while !record.is_empty() || lines.next(&mut record)? {
        table.set_line(lines.began);
        match &order {
            Some(order) => {
                if record.len() != order.len() {
                    return Err(table.wrong_width(record.len()));
                }
                for (column, field) in order.iter().zip(&record) {
                    table.put(*column, Cell::from(field))?;
                }
                table.end_named_row()?;
            }
            None => {
                for field in &record {
                    table.push(Cell::from(field))?;
                }
                table.end_row()?;
            }
        }
        record.clear();
    }
    table.finish()
}

/// Whether the first line is no row.
fn is_header(first: &[Field<'_>], schema: &Schema, header: Header) -> bool {
    let named = |field: &Field<'_>| schema.named(field.text.trim()).is_some();
    // Most first lines are rows: the cheaper question is asked first.
    match header {
        Header::Present => true,
        Header::Absent => false,
        // A model of texts alone might take the names of its columns for a row: all of them it will hardly be sent.
        Header::Unsaid if !schema.has_numbers() => first.len() == schema.width() && first.iter().all(named),
        Header::Unsaid => !first.iter().any(Field::is_number) && first.iter().any(named),
    }
}

/// The body without the values of columns that are left out; `None` where it cannot be told which those are.
pub(super) fn blanked(body: &[u8], header: Header, columns: &LeftOut<'_>) -> Option<Vec<u8>> {
    let mut lines = Lines::of(body, columns.schema.is_some_and(|schema| schema.width() == 1)).ok()?;
    let mut kept = String::with_capacity(body.len());
    let mut record = Vec::new();
    if !lines.next(&mut record).ok()? {
        return Some(Vec::new());
    }
    let has_header = match columns.schema {
        Some(schema) => is_header(&record, schema, header),
        None if header == Header::Unsaid => {
            !record.iter().any(Field::is_number) && record.iter().any(|field| columns.has(&field.text))
        }
        None => header == Header::Present,
    };
    let marks = if has_header {
        let names: Vec<&str> = record.iter().map(|field| field.text.trim()).collect();
        let marks = columns.marks_under(&names)?;
        write_record(&mut kept, record.drain(..).map(|field| (field, false)));
        marks
    } else {
        columns.marks.clone()?
    };
    while !record.is_empty() || lines.next(&mut record).ok()? {
        if record.len() != marks.len() {
            return None;
        }
        write_record(&mut kept, record.drain(..).zip(marks.iter().copied()));
    }
    Some(kept.into_bytes())
}

/// Writes a line, of whose fields some are to be empty.
fn write_record<'b>(to: &mut String, fields: impl Iterator<Item = (Field<'b>, bool)>) {
    for (at, (Field { text, quoted }, is_blank)) in fields.enumerate() {
        if at > 0 {
            to.push(',');
        }
        match (is_blank, quoted) {
            (true, _) => {}
            (false, true) => to.extend(["\"", &text.replace('"', "\"\""), "\""]),
            (false, false) => to.push_str(&text),
        }
    }
    to.push('\n');
}

/// A cell as it is written.
struct Field<'b> {
    text: Cow<'b, str>,
    quoted: bool,
}

impl Field<'_> {
    fn is_number(&self) -> bool {
        is_missing(&self.text) || self.text.trim().parse::<f64>().is_ok()
    }
}

impl<'a> From<&'a Field<'_>> for Cell<'a> {
    fn from(field: &'a Field<'_>) -> Self {
        if field.quoted { Cell::Quoted(&field.text) } else { Cell::Field(&field.text) }
    }
}

/// The lines of a body, of which one goes on where a quote has not been closed.
struct Lines<'b> {
    rest: &'b str,
    /// Whether an empty line is a record.
    keeps_empty: bool,
    /// Of the next record, from 1.
    line: usize,
    /// Of the last one that was read.
    began: usize,
}

impl<'b> Lines<'b> {
    fn of(body: &'b [u8], keeps_empty: bool) -> Result<Self, PayloadError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let before = body.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
            PayloadError::MalformedLine { line, problem: "its bytes are not UTF-8".to_owned() }
        })?;
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Lines { rest, keeps_empty, line: 1, began: 1 })
    }

    /// Reads a record into `fields`, which are empty before; whether there was one.
    fn next(&mut self, fields: &mut Vec<Field<'b>>) -> Result<bool, PayloadError> {
        while !self.keeps_empty && self.blank() {}
        if self.rest.is_empty() {
            return Ok(false);
        }
        self.began = self.line;
        loop {
            fields.push(self.field()?);
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
            } else {
                self.end_line();
                return Ok(true);
            }
        }
    }

    /// Takes a line of nothing but spaces, if that is what comes.
    fn blank(&mut self) -> bool {
        let behind = self.rest.trim_start_matches(SPACES);
        let is_blank = !self.rest.is_empty() && (behind.is_empty() || behind.starts_with(ENDS));
        if is_blank {
            self.rest = behind;
            self.end_line();
        }
        is_blank
    }

    /// Takes the end of a line, in whichever form.
    fn end_line(&mut self) {
        let rest = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix(ENDS));
        if let Some(rest) = rest {
            self.rest = rest;
            self.line = self.line.saturating_add(1);
        }
    }

    /// Takes a cell, up to the comma or the end of the line.
    fn field(&mut self) -> Result<Field<'b>, PayloadError> {
        if let Some(quoted) = self.rest.trim_start_matches(SPACES).strip_prefix('"') {
            return self.quoted(quoted);
        }
        let end = self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        Ok(Field { text: Cow::Borrowed(text.trim_matches(SPACES)), quoted: false })
    }

    /// Takes a cell whose opening quote has been taken. Two quotes in it are one.
    fn quoted(&mut self, mut rest: &'b str) -> Result<Field<'b>, PayloadError> {
        let wrong = |line, problem: &str| Err(PayloadError::MalformedLine { line, problem: problem.to_owned() });
        let began = self.line;
        let mut text = Cow::Borrowed("");
        loop {
            let Some((part, behind)) = rest.split_once('"') else {
                return wrong(began, "a quote is opened and never closed");
            };
            // As `end_line` counts them.
            let ends = part.matches('\n').count().saturating_add(part.matches('\r').count());
            self.line = self.line.saturating_add(ends.saturating_sub(part.matches("\r\n").count()));
            if text.is_empty() {
                text = Cow::Borrowed(part)
            } else {
                text.to_mut().push_str(part)
            }
            let Some(more) = behind.strip_prefix('"') else {
                self.rest = behind.trim_start_matches(SPACES);
                break;
            };
            text.to_mut().push('"');
            rest = more;
        }
        if self.rest.is_empty() || self.rest.starts_with([',', '\n', '\r']) {
            Ok(Field { text, quoted: true })
        } else {
            wrong(
                self.line,
                "behind a closing quote stands neither a comma nor the end of the line; two quotes are one in a text",
            )
        }
    }
}

const SPACES: [char; 2] = [' ', '\t'];
const ENDS: [char; 2] = ['\n', '\r'];
