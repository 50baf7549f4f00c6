//! `text/csv`: a row a line, numbers only, no header line (as SageMaker's built-in algorithms take it).

use super::{PayloadError, Rows, RowsBuilder};

pub(super) fn decode(body: &[u8]) -> Result<Rows, PayloadError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut record = csv::ByteRecord::new();
    let mut rows = RowsBuilder::default();
    while reader.read_byte_record(&mut record).map_err(|error| PayloadError::Malformed(error.to_string()))? {
        for (column, field) in record.iter().enumerate() {
            match number(field) {
                Some(number) => rows.push(number),
                None => {
                    return Err(PayloadError::NotANumber {
                        row: rows.rows.saturating_add(1),
                        column: column.saturating_add(1),
                        text: String::from_utf8_lossy(field).chars().take(40).collect(),
                    });
                }
            }
        }
        rows.end_row()?;
    }
    rows.finish()
}

fn number(field: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}
