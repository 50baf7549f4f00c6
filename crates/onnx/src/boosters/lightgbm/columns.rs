//! The values that the trees look at.
//!
//! The kernel of trees knows a test of a value, and where NaN goes. What LightGBM has beside this is put into the values:
//! those next to 0 become 0, as they do whenever LightGBM is given rows; and where a test takes 0 for missing, it looks at a
//! column of its own, in which zeros are NaN.

use std::collections::HashMap;

/// Values up to here are 0 to LightGBM, with either sign.
const NEXT_TO_ZERO: f64 = 1e-35_f32 as f64;

/// The columns of a model's rows: its features, by their numbers, and behind them those without zeros that tests look at.
#[derive(Debug)]
pub struct Columns {
    features: usize,
    without_zeros: Vec<usize>,
    places: HashMap<usize, usize>,
}

impl Columns {
    /// The features alone.
    pub fn new(features: usize) -> Self {
        Columns { features, without_zeros: Vec::new(), places: HashMap::new() }
    }

    /// How many values a row has before it is put into columns.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The column of a feature in which zeros are missing.
    pub fn without_zeros(&mut self, feature: usize) -> usize {
        let next = self.without_zeros.len();
        let at = *self.places.entry(feature).or_insert(next);
        if at == next {
            self.without_zeros.push(feature);
        }
        self.features.saturating_add(at)
    }

    /// How many.
    pub fn width(&self) -> usize {
        self.features.saturating_add(self.without_zeros.len())
    }

    /// The columns of rows, row by row.
    pub fn of(&self, rows: &[f64]) -> Vec<f64> {
        let count = rows.len().checked_div(self.features).unwrap_or(0);
        let mut values = Vec::with_capacity(count.saturating_mul(self.width()));
        for row in rows.chunks_exact(self.features.max(1)) {
            values.extend(row.iter().map(|x| if x.abs() <= NEXT_TO_ZERO { 0.0 } else { *x }));
            values.extend(self.without_zeros.iter().map(|feature| match row.get(*feature) {
                Some(x) if x.abs() > NEXT_TO_ZERO => *x,
                _ => f64::NAN,
            }));
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_missing_where_a_test_asks_for_it() {
        let mut columns = Columns::new(2);
        assert_eq!((columns.without_zeros(1), columns.without_zeros(1), columns.width()), (2, 2, 3));
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<u64>>();
        let next = NEXT_TO_ZERO.next_up();
        let rows = [-0.0, 5.0, NEXT_TO_ZERO, -NEXT_TO_ZERO, next, f64::NAN];
        assert_eq!(bits(columns.of(&rows)), bits(vec![0.0, 5.0, 5.0, 0.0, 0.0, f64::NAN, next, f64::NAN, f64::NAN]));
    }
}
