//! How many bytes values have.

use tract_onnx::tract_hir::internal::*;

use crate::signature::Signature;

/// Of a string, with its text, which is not known before.
const TEXT: u64 = 40;

/// Of a tensor of that type and shape, when there is one row; what is not known counts as 1.
pub fn bytes(datum: DatumType, shape: &[TDim]) -> u64 {
    bytes_of_rows(datum, shape, 1)
}

fn bytes_of_rows(datum: DatumType, shape: &[TDim], rows: i64) -> u64 {
    let each = if datum == String::datum_type() { TEXT } else { u64::try_from(datum.size_of()).unwrap_or(u64::MAX) };
    shape.iter().map(|size| with_rows(size, rows)).fold(each, u64::saturating_mul)
}

/// Of a value, when there is one row.
pub fn of(signature: &Signature) -> u64 {
    bytes(signature.datum, &signature.shape)
}

/// Of a value, when there are so many rows.
pub fn of_rows(signature: &Signature, rows: usize) -> u64 {
    bytes_of_rows(signature.datum, &signature.shape, i64::try_from(rows).unwrap_or(i64::MAX))
}

/// A size when there is one row.
pub fn of_one_row(size: &TDim) -> u64 {
    with_rows(size, 1)
}

/// Whether a size is the same for any rows, or grows by a whole number with each: then no part of it is of two rows. It is
/// tried with a few numbers of rows, which sizes that divide their number do not pass.
pub fn grows_by_rows(size: &TDim) -> bool {
    let one = of_one_row(size);
    let linear = |rows: u32| with_rows(size, rows.into()) == one.saturating_mul(rows.into());
    size.symbols().is_empty() || [2, 3, 5, 7].into_iter().all(linear)
}

fn with_rows(size: &TDim, rows: i64) -> u64 {
    if let Ok(size) = size.to_i64() {
        return u64::try_from(size).unwrap_or_default();
    }
    let of_rows = size.symbols().iter().fold(SymbolValues::default(), |values, symbol| values.with(symbol, rows));
    size.eval(&of_rows).to_i64().ok().and_then(|size| u64::try_from(size).ok()).unwrap_or(1)
}
