//! How a model is loaded: what it may take of the machine that runs it, and what its file leaves open.

use std::collections::BTreeMap;

/// How a model is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Shapes of rows by input, for inputs whose file leaves more open than the number of rows, or says nothing. The batch
    /// dimension is left out; a shape of as many dimensions as the input has makes the input one of a single row.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// What it may take.
    pub limits: Limits,
}

/// Bounds of one model, checked before they are reached: when it is loaded as far as shapes tell, and at each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all values that a run of one row, or of the model's own batch, holds at once.
    pub run_bytes: usize,
    /// Millions of multiplications that such a run may need, as far as they are known before.
    pub run_millions: usize,
    /// Bytes of all outputs for all rows of a request.
    pub answer_bytes: usize,
    /// Rows of a request.
    pub rows: usize,
}

/// How many rows have `most_bytes`, where `rows` have `bytes`; `None` where they have none.
pub fn rows_within(most_bytes: usize, rows: usize, bytes: usize) -> Option<usize> {
    // What stands between does not fit into 32 bits.
    let product = (rows as u64).saturating_mul(most_bytes as u64);
    usize::try_from(product.checked_div(bytes as u64)?).ok()
}

impl Default for Limits {
    /// What keeps an isolate of 128 MB alive, and others from waiting for more than some seconds.
    fn default() -> Self {
        Limits { run_bytes: 48 << 20, run_millions: 4_000, answer_bytes: 8 << 20, rows: 1 << 16 }
    }
}
