//! How many bytes values have.

use tract_onnx::tract_hir::internal::*;

use crate::signature::Signature;

/// Of a string, with its text, which is not known before.
const TEXT: u64 = 40;

/// Of a tensor of that type and shape, when there is one row; what is not known counts as 1.
pub fn bytes(datum: DatumType, shape: &[TDim]) -> u64 {
    let each = if datum == String::datum_type() { TEXT } else { u64::try_from(datum.size_of()).unwrap_or(u64::MAX) };
    shape.iter().map(of_one_row).fold(each, u64::saturating_mul)
}

/// Of a value, when there is one row.
pub fn of(signature: &Signature) -> u64 {
    bytes(signature.datum, &signature.shape)
}

/// A size when there is one row.
pub fn of_one_row(size: &TDim) -> u64 {
    if let Ok(size) = size.to_i64() {
        return u64::try_from(size).unwrap_or_default();
    }
    let one = size.symbols().iter().fold(SymbolValues::default(), |values, symbol| values.with(symbol, 1));
    size.eval(&one).to_i64().ok().and_then(|size| u64::try_from(size).ok()).unwrap_or(1)
}
