//! The Open Inference Protocol's names of datatypes, and the bytes of tensors: little-endian, row-major, each text behind its length in four
//! bytes, each truth value a byte.

use half::f16;

use super::{Datatype, Values};

const NAMES: [(&str, Datatype); 13] = [
    ("BOOL", Datatype::Bool),
    ("INT8", Datatype::I8),
    ("INT16", Datatype::I16),
    ("INT32", Datatype::I32),
    ("INT64", Datatype::I64),
    ("UINT8", Datatype::U8),
    ("UINT16", Datatype::U16),
    ("UINT32", Datatype::U32),
    ("UINT64", Datatype::U64),
    ("FP16", Datatype::F16),
    ("FP32", Datatype::F32),
    ("FP64", Datatype::F64),
    ("BYTES", Datatype::Text),
];

/// The datatype of that name.
pub(super) fn named(name: &str) -> Option<Datatype> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, datatype)| *datatype)
}

/// The protocol's name of a datatype, such as `FP32`.
pub fn datatype_name(datatype: Datatype) -> &'static str {
    NAMES.iter().find(|(_, known)| *known == datatype).map_or("", |(name, _)| name)
}

/// `count` values of a tensor, from its bytes.
pub(super) fn binary_values(datatype: Datatype, bytes: &[u8], count: usize) -> Result<Values, String> {
    macro_rules! numbers {
        ($number:ty, $values:ident, $convert:expr) => {{
            let (items, rest) = bytes.as_chunks::<{ size_of::<$number>() }>();
            if items.len() != count || !rest.is_empty() {
                let size = size_of::<$number>();
                return Err(format!("it has {} bytes; {count} values of {size} bytes are wanted", bytes.len()));
            }
            Values::$values(items.iter().map(|item| $convert(<$number>::from_le_bytes(*item))).collect())
        }};
    }
    Ok(match datatype {
        Datatype::F16 => numbers!(f16, F32, f16::to_f32),
        Datatype::F32 => numbers!(f32, F32, f32::from),
        Datatype::F64 => numbers!(f64, F64, f64::from),
        Datatype::I8 => numbers!(i8, I64, i64::from),
        Datatype::I16 => numbers!(i16, I64, i64::from),
        Datatype::I32 => numbers!(i32, I64, i64::from),
        Datatype::I64 => numbers!(i64, I64, i64::from),
        Datatype::U8 => numbers!(u8, I64, i64::from),
        Datatype::U16 => numbers!(u16, I64, i64::from),
        Datatype::U32 => numbers!(u32, I64, i64::from),
        Datatype::U64 => {
            let large = |x: &u64| *x > i64::MAX.unsigned_abs();
            let wide = bytes.as_chunks::<8>().0.iter().map(|item| u64::from_le_bytes(*item));
            if let Some(x) = wide.into_iter().find(large) {
                return Err(format!("{x} is more than is taken here, {}", i64::MAX));
            }
            numbers!(u64, I64, u64::cast_signed)
        }
        Datatype::Bool => match bytes.iter().find(|byte| **byte > 1) {
            Some(byte) => return Err(format!("{byte} is no truth value; 0 and 1 are")),
            None => numbers!(u8, Bool, |byte: u8| byte == 1),
        },
        Datatype::Text => Values::Text(texts(bytes, count)?),
    })
}

fn texts(mut bytes: &[u8], count: usize) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let number = texts.len().saturating_add(1);
        let (text, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| format!("text {number} should have {length} bytes, and {} are left", rest.len()))?;
        let text = std::str::from_utf8(text).map_err(|_| format!("text {number} is not UTF-8"))?;
        texts.push(text.to_owned());
        bytes = rest;
    }
    if bytes.is_empty() && texts.len() == count {
        Ok(texts)
    } else {
        Err(format!("it holds {} texts and {} more bytes; {count} texts are wanted", texts.len(), bytes.len()))
    }
}

/// A tensor's bytes.
pub fn tensor_bytes(datatype: Datatype, values: &Values) -> Vec<u8> {
    fn all<const N: usize, T: Copy>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|value| bytes(*value)).collect()
    }
    match (values, datatype) {
        (Values::F32(values), Datatype::F16) => all(values, |x| f16::from_f32(x).to_le_bytes()),
        (Values::F64(values), Datatype::F16) => all(values, |x| f16::from_f64(x).to_le_bytes()),
        (Values::F32(values), _) => all(values, f32::to_le_bytes),
        (Values::F64(values), _) => all(values, f64::to_le_bytes),
        // The lower bytes of a number that the type holds are the number in that type.
        (Values::I64(values), Datatype::I8 | Datatype::U8) => all(values, |x| [x as u8]),
        (Values::I64(values), Datatype::I16 | Datatype::U16) => all(values, |x| (x as u16).to_le_bytes()),
        (Values::I64(values), Datatype::I32 | Datatype::U32) => all(values, |x| (x as u32).to_le_bytes()),
        (Values::I64(values), _) => all(values, i64::to_le_bytes),
        (Values::Bool(values), _) => all(values, |x| [u8::from(x)]),
        (Values::Text(values), _) => {
            let mut bytes = Vec::new();
            for text in values {
                bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
            bytes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_datatype_goes_there_and_back() {
        for (text, datatype) in NAMES {
            assert_eq!((named(text), datatype_name(datatype)), (Some(datatype), text));
            let values = match datatype.values() {
                Values::F32(_) => Values::F32(vec![0.5, -2.0]),
                Values::F64(_) => Values::F64(vec![0.1, -2.0]),
                Values::I64(_) => {
                    let (min, max) = datatype.range().unwrap();
                    Values::I64(vec![min, max])
                }
                Values::Bool(_) => Values::Bool(vec![true, false]),
                Values::Text(_) => Values::Text(vec!["é\n".to_owned(), String::new()]),
            };
            assert_eq!(binary_values(datatype, &tensor_bytes(datatype, &values), 2), Ok(values), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(which in 0usize..13, bytes in proptest::collection::vec(any::<u8>(), 0..40), count in 0usize..9) {
            let (_, datatype) = NAMES[which];
            if let Ok(values) = binary_values(datatype, &bytes, count) {
                prop_assert_eq!(values.len(), count);
            }
        }
    }
}
