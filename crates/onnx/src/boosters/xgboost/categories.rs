//! The categories of a data frame, which a file has since XGBoost 3.1.

use std::collections::{BTreeMap, HashMap};

use super::document::Encoding;
use super::error::Error;
use crate::boosters::{Categories, Unseen};

/// Numbers above this are not told apart in 32 bits.
const MOST: f64 = (1 << 24) as f64;

/// What is known of the columns by feature.
#[derive(Debug, Default)]
pub struct Columns {
    /// Those of texts.
    pub texts: BTreeMap<usize, Categories>,
    /// Those of numbers.
    pub numbers: Vec<(usize, Numbers)>,
}

/// The codes of categories that are numbers.
#[derive(Debug)]
pub struct Numbers(HashMap<u32, f32>);

impl Columns {
    /// # Errors
    /// If the categories are none, or cannot be told apart.
    pub fn read(encodings: Vec<Encoding>, features: usize) -> Result<Self, Error> {
        if !encodings.is_empty() && encodings.len() != features {
            return Err(Error::Count { what: "cats", found: encodings.len(), expected: features });
        }
        let mut columns = Columns::default();
        for (feature, Encoding { offsets, values }) in encodings.into_iter().enumerate() {
            if values.is_empty() {
                continue;
            }
            match offsets {
                Some(offsets) => {
                    if offsets.last().is_some_and(|end| usize::try_from(*end).is_ok_and(|end| end > values.len())) {
                        return Err(Error::CutOff { feature });
                    }
                    let names = texts(&offsets, &values).ok_or(Error::Categories { feature })?;
                    columns.texts.insert(feature, Categories { names, unseen: Unseen::Refused });
                }
                None => columns.numbers.push((feature, Numbers::new(&values).ok_or(Error::Categories { feature })?)),
            }
        }
        Ok(columns)
    }
}

/// Texts that stand one behind the other, as bytes with a sign.
fn texts(offsets: &[i64], bytes: &[f64]) -> Option<Vec<String>> {
    let byte = |value: &f64| {
        let whole = value.fract() == 0.0 && (-128.0..256.0).contains(value);
        whole.then_some(*value as i64 as u8)
    };
    let bytes: Vec<u8> = bytes.iter().map(byte).collect::<Option<_>>()?;
    let text = |pair: &[i64]| {
        let [start, end] = pair else { return None };
        let range = usize::try_from(*start).ok()?..usize::try_from(*end).ok()?;
        std::str::from_utf8(bytes.get(range)?).ok().map(str::to_owned)
    };
    offsets.windows(2).map(text).collect()
}

impl Numbers {
    fn new(values: &[f64]) -> Option<Self> {
        let number = |value: &f64| {
            (value.abs() < MOST).then_some(bits(*value as f32)).filter(|_| f64::from(*value as f32) == *value)
        };
        let numbers: Vec<u32> = values.iter().map(number).collect::<Option<_>>()?;
        let codes = (0u16..).map(f32::from);
        (numbers.len() <= usize::from(u16::MAX)).then(|| Numbers(numbers.into_iter().zip(codes).collect()))
    }

    /// The code of a value; that of a missing one is missing. `None` if it is unknown.
    pub fn code(&self, value: f32) -> Option<f32> {
        if value.is_nan() { Some(value) } else { self.0.get(&bits(value)).copied() }
    }
}

/// Those of 0 for -0, which equals it.
fn bits(number: f32) -> u32 {
    if number == 0.0 { 0 } else { number.to_bits() }
}
