//! `text/csv`: a row a line, the model's inputs in its order, no header line (as SageMaker's built-in algorithms take it).

use turnout_onnx::table::{Schema, Table};

use super::builder::{Builder, Cell};
use super::error::PayloadError;

pub(super) fn decode(body: &[u8], schema: &Schema) -> Result<Table, PayloadError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut record = csv::ByteRecord::new();
    let mut table = Builder::new(schema);
    while reader.read_byte_record(&mut record).map_err(|error| PayloadError::Malformed(error.to_string()))? {
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
    table.finish()
}
