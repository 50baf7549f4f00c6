//! `text/csv`: a row a line, the model's inputs in its order, no header line (as SageMaker's built-in algorithms take it).
//!
//! An empty line is skipped, but where the model takes one column: there it is a row whose value is missing.

use turnout_tables::{Schema, Table};

use super::builder::{Builder, Cell};
use super::error::PayloadError;

pub(super) fn decode(body: &[u8], schema: &Schema, most_rows: usize) -> Result<Table, PayloadError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut record = csv::ByteRecord::new();
    let mut table = Builder::new(schema, most_rows);
    loop {
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let is_read =
            reader.read_byte_record(&mut record).map_err(|error| PayloadError::Malformed(error.to_string()))?;
        if schema.width() == 1 {
            for _ in 0..empty_lines(body, end) {
                table.push(Cell::Field(""))?;
                table.end_row()?;
            }
        }
        if !is_read {
            return table.finish();
        }
        for (column, field) in record.iter().enumerate() {
            let field = std::str::from_utf8(field).map_err(|_| PayloadError::Cell {
                row: table.row(),
                column: schema.describe(column),
                problem: "its bytes are not UTF-8".to_owned(),
            })?;
            table.push(Cell::Field(field))?;
        }
        table.end_row()?;
    }
}

/// How many empty lines, which the reader skips, stand between a record that ends there and the next.
fn empty_lines(body: &[u8], end: usize) -> usize {
    let (read, mut rest) = body.split_at_checked(end).unwrap_or_default();
    // A record ends with `\r`, and the `\n` that belongs to it is left. At the beginning there may be a byte order mark.
    let left: &[u8] = match read {
        [] => b"\xEF\xBB\xBF",
        [.., b'\r'] => b"\n",
        _ => b"",
    };
    rest = rest.strip_prefix(left).unwrap_or(rest);
    let mut count = 0usize;
    while let [b'\r', b'\n', behind @ ..] | [b'\r' | b'\n', behind @ ..] = rest {
        count = count.saturating_add(1);
        rest = behind;
    }
    count
}
