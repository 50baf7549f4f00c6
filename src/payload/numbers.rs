//! `{"instances": [[1, 2.5], ...]}` for a model of one input of numbers: by far the most frequent body, read straight from
//! its bytes. Whatever is not exactly that, or is wrong, is left to [`json`](super::json), which says what it is.

use turnout_tables::{Datatype, Schema, Table, Values};

use super::builder::narrow;

/// `None` if the body or the schema is another, or there are more rows than so many.
pub(super) fn decode(body: &[u8], schema: &Schema, most_rows: usize) -> Option<Table> {
    let [input] = schema.inputs() else { return None };
    // A number and a comma are two bytes at least, and seldom less than three.
    let expected = (body.len() / 3).min(schema.width().saturating_mul(most_rows));
    let mut rest = Rest(body);
    match input.datatype {
        datatype @ (Datatype::F16 | Datatype::F32) => {
            let mut values: Vec<f32> = Vec::with_capacity(expected);
            let rows = rest.document(schema.width(), most_rows, |x| {
                values.push(narrow(x, datatype)?);
                Some(())
            })?;
            Table::new(schema, rows, vec![Values::F32(values)])
        }
        Datatype::F64 => {
            let mut values: Vec<f64> = Vec::with_capacity(expected);
            let rows = rest.document(schema.width(), most_rows, |x| {
                values.push(x);
                Some(())
            })?;
            Table::new(schema, rows, vec![Values::F64(values)])
        }
        _ => None,
    }
}

/// What is left of the body.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    /// Gives all numbers, and how many rows of that width they are.
    fn document(&mut self, width: usize, most_rows: usize, mut take: impl FnMut(f64) -> Option<()>) -> Option<usize> {
        self.token(b'{')?;
        self.space();
        self.0 = self.0.strip_prefix(b"\"instances\"")?;
        self.token(b':')?;
        self.token(b'[')?;
        let mut rows = 0usize;
        loop {
            self.token(b'[')?;
            for column in 0..width {
                if column > 0 {
                    self.token(b',')?;
                }
                self.space();
                take(self.number()?)?;
            }
            self.token(b']')?;
            rows = rows.checked_add(1).filter(|rows| *rows <= most_rows)?;
            if self.token(b',').is_none() {
                break;
            }
        }
        self.token(b']')?;
        self.token(b'}')?;
        self.space();
        self.0.is_empty().then_some(rows)
    }

    fn space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// A byte with space before it. Where it is not there, nothing is taken but space.
    fn token(&mut self, token: u8) -> Option<()> {
        self.space();
        let (first, rest) = self.0.split_first()?;
        (*first == token).then(|| self.0 = rest)
    }

    /// A number as JSON has it, rounded correctly. `None` if it is infinite.
    #[inline(always)] // By itself it would keep what is left of the body in memory, not in registers.
    fn number(&mut self) -> Option<f64> {
        // Up to these, a double holds the digits and the power of ten exactly, so that one rounding makes the number
        // (Clinger, "How to Read Floating Point Numbers Accurately", 1990).
        const MAX_DIGITS: usize = 15;
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
            1e19, 1e20, 1e21, 1e22,
        ];
        let begun = self.0;
        let negative = self.byte(b'-');
        let mut mantissa = 0u64;
        let whole = self.digits(&mut mantissa);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
            return None;
        }
        let mut decimals = 0usize;
        if self.byte(b'.') {
            decimals = self.digits(&mut mantissa).len();
            if decimals == 0 {
                return None;
            }
        }
        let plain = !matches!(self.0, [b'e' | b'E', ..]);
        if !plain {
            self.exponent()?;
        }
        let power = POWERS.get(decimals).filter(|_| plain && whole.len().saturating_add(decimals) <= MAX_DIGITS);
        if let Some(power) = power {
            let x = mantissa as f64 / power;
            return Some(if negative { -x } else { x });
        }
        long(begun.get(..begun.len().checked_sub(self.0.len())?)?)
    }

    fn byte(&mut self, byte: u8) -> bool {
        let is_there = self.0.first() == Some(&byte);
        if is_there {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        is_there
    }

    /// The digits that come next, put behind those of `mantissa`, which overflows if there are more than it can hold.
    fn digits(&mut self, mantissa: &mut u64) -> &'b [u8] {
        let begun = self.0;
        let mut count = 0usize;
        for byte in begun {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(digit.into());
            count = count.saturating_add(1);
        }
        let (digits, rest) = begun.split_at_checked(count).unwrap_or_default();
        self.0 = rest;
        digits
    }

    fn exponent(&mut self) -> Option<()> {
        self.0 = self.0.get(1..)?;
        let _ = self.byte(b'+') || self.byte(b'-');
        (!self.digits(&mut 0).is_empty()).then_some(())
    }
}

/// A number of many digits, or with an exponent.
#[cold]
fn long(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|x: &f64| x.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use turnout_tables::Input;

    use super::super::json;
    use super::*;

    fn decode(body: &[u8], schema: &Schema) -> Option<Table> {
        super::decode(body, schema, usize::MAX)
    }

    fn schema(datatype: Datatype, width: usize) -> Schema {
        Schema::new(vec![Input::new("x".to_owned(), datatype, vec![width]).unwrap()]).unwrap()
    }

    #[test]
    fn reads_what_it_is_for_and_leaves_the_rest() {
        let doubles = schema(Datatype::F64, 2);
        let body = b" { \"instances\" : [ [ -0, 1.5 ] , [2e3,\n-0.25E-1] ] } ";
        let table = decode(body, &doubles).unwrap();
        // Written out, as 0 is equal to -0.
        assert_eq!(format!("{:?}", table.inputs()), "[F64([-0.0, 1.5, 2000.0, -0.025])]");
        for left in [
            "{\"instances\": [[1, null]]}",
            "{\"instances\": [[1, 02]]}",
            "{\"instances\": [[1, 2.]]}",
            "{\"instances\": [[1, .2]]}",
            "{\"instances\": [[1, 2e]]}",
            "{\"instances\": [[1, +2]]}",
            "{\"instances\": [[1, 2], [3]]}",
            "{\"instances\": [[1, 2, 3]]}",
            "{\"instances\": [[1, 2],]}",
            "{\"instances\": []}",
            "{\"instances\": [[1, 1e999]]}",
            "{\"instances\": [[1, 2]]} x",
            "{\"instances\": [{\"features\": [1, 2]}]}",
        ] {
            assert_eq!(decode(left.as_bytes(), &doubles), None, "{left}");
        }
        assert_eq!(decode(b"{\"instances\": [[1e39]]}", &schema(Datatype::F32, 1)), None);
        assert_eq!(decode(b"{\"instances\": [[1]]}", &schema(Datatype::I64, 1)), None);
    }

    fn agrees(body: &str) -> Result<(), TestCaseError> {
        for datatype in [Datatype::F32, Datatype::F64] {
            let schema = schema(datatype, 2);
            if let Some(table) = decode(body.as_bytes(), &schema) {
                prop_assert_eq!(Ok(table), json::decode(body.as_bytes(), &schema, usize::MAX), "{}", body);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn every_number_is_the_one_that_serde_json_reads(
            (digits, decimals, exponent) in ("-?(0|[1-9][0-9]{0,24})", "(\\.[0-9]{1,24})?", "([eE][+-]?[0-9]{1,3})?")
        ) {
            agrees(&format!("{{\"instances\": [[{digits}{decimals}{exponent}, {digits}{decimals}]]}}"))?;
        }

        #[test]
        fn almost_json_is_read_alike_or_left(rows in r#"(\[[0-9.eE+\-, \n]{0,12}\],? ?){0,3}"#) {
            agrees(&format!("{{\"instances\": [{rows}]}}"))?;
        }
    }
}
