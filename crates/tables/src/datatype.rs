//! Types of values, as models declare them.

use super::values::Values;

/// A type of values. The floating-point ones take a missing value, as NaN; the others take none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Their names say all.
pub enum Datatype {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    Text,
}

impl Datatype {
    /// The least and the greatest whole number; `None` of what is no integer. Those of more than 63 bits are not held.
    pub fn range(self) -> Option<(i64, i64)> {
        Some(match self {
            Datatype::I8 => (i8::MIN.into(), i8::MAX.into()),
            Datatype::I16 => (i16::MIN.into(), i16::MAX.into()),
            Datatype::I32 => (i32::MIN.into(), i32::MAX.into()),
            Datatype::I64 => (i64::MIN, i64::MAX),
            Datatype::U8 => (0, u8::MAX.into()),
            Datatype::U16 => (0, u16::MAX.into()),
            Datatype::U32 => (0, u32::MAX.into()),
            Datatype::U64 => (0, i64::MAX),
            Datatype::Bool | Datatype::F16 | Datatype::F32 | Datatype::F64 | Datatype::Text => return None,
        })
    }

    /// The smallest 32-bit number that becomes infinite in this type.
    pub fn overflow(self) -> f32 {
        match self {
            // Half way from its largest number, 65,504, to what would be the next: a tie, which rounds up.
            Datatype::F16 => 65_520.0,
            _ => f32::INFINITY,
        }
    }

    /// No values, of the type that holds these.
    pub fn values(self) -> Values {
        match self {
            Datatype::F16 | Datatype::F32 => Values::F32(Vec::new()),
            Datatype::F64 => Values::F64(Vec::new()),
            Datatype::Bool => Values::Bool(Vec::new()),
            Datatype::Text => Values::Text(Vec::new()),
            _ => Values::I64(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn what_overflows_16_bits_is_what_a_cast_makes_infinite() {
        let cast = f16::from_f32;
        let bound = Datatype::F16.overflow();
        assert_eq!((cast(bound), cast(bound.next_down())), (f16::INFINITY, f16::MAX));
    }
}
