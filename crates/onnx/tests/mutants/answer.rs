//! Whatever loads is run.
#![allow(missing_docs)]

use turnout_onnx::Model;
use turnout_tables::{Table, Values};

/// Runs a model on so many rows of one value, and whatever it says is right.
pub fn answer(model: &Model, value: f64, rows: usize) {
    let values = model.schema().inputs().iter().map(|input| {
        let count = input.width().saturating_mul(rows);
        match input.datatype.values() {
            Values::F32(_) => Values::F32(vec![value as f32; count]),
            Values::F64(_) => Values::F64(vec![value; count]),
            Values::I64(_) => Values::I64(vec![value as i64; count]),
            Values::Bool(_) => Values::Bool(vec![value > 0.0; count]),
            Values::Text(_) => Values::Text(vec![value.to_string(); count]),
        }
    });
    if let Some(table) = Table::new(model.schema(), rows, values.collect()) {
        // Either is right.
        let _ = model.run(&table, None);
    }
}
