//! Bodies and tables: what callers send, decoded into rows of numbers, and what models answer, encoded.

mod accept;
mod csv;
mod json;
mod outputs;

pub(crate) use accept::essence;
pub use accept::{Format, FormatError};
pub use outputs::{Output, Outputs, Values};

/// Rows of numbers, all of one width.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    numbers: Vec<f64>,
    width: usize,
}

/// Why a body is not a table. Rows and columns are counted from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PayloadError {
    /// The body is not of the form its content type says.
    #[error("the body cannot be read: {0}")]
    Malformed(String),
    /// One line of JSON lines is not of that form.
    #[error("line {line} cannot be read: {problem}")]
    MalformedLine {
        /// Which line.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A CSV field is not a number.
    #[error("row {row}, column {column}: `{text}` is not a finite number; CSV has no header line, and numbers only")]
    NotANumber {
        /// Which row.
        row: usize,
        /// Which column.
        column: usize,
        /// The field, cut to 40 characters.
        text: String,
    },
    /// A row is wider or narrower than the first.
    #[error("row {row} has {width} numbers, row 1 has {first}; give all rows the same width")]
    Ragged {
        /// Which row.
        row: usize,
        /// Its width.
        width: usize,
        /// The first row's width.
        first: usize,
    },
    /// There is nothing to predict from.
    #[error("the body holds no rows of numbers")]
    Empty,
}

impl Rows {
    /// Decodes a request's body.
    ///
    /// # Errors
    /// If the body is not of that format, holds no numbers, or its rows differ in width.
    pub fn decode(format: Format, body: &[u8]) -> Result<Rows, PayloadError> {
        match format {
            Format::Json => json::decode(body),
            Format::JsonLines => json::decode_lines(body),
            Format::Csv => csv::decode(body),
        }
    }

    /// How many rows a body holds, without decoding the numbers; `None` if it is not of that format.
    pub fn count(format: Format, body: &[u8]) -> Option<usize> {
        match format {
            Format::Json => json::count(body),
            Format::JsonLines | Format::Csv => {
                Some(body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).count())
            }
        }
    }

    /// How many rows: at least 1.
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }

    /// Never, but clippy asks.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Numbers in a row: at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The numbers in runs of `rows` rows, row by row; the last run may be shorter.
    pub fn runs(&self, rows: usize) -> impl Iterator<Item = &[f64]> {
        self.numbers.chunks(self.width.saturating_mul(rows).max(1))
    }
}

/// Puts rows together, and checks each against the first as it comes.
#[derive(Default)]
struct RowsBuilder {
    numbers: Vec<f64>,
    rows: usize,
    width: usize,
}

impl RowsBuilder {
    fn push(&mut self, number: f64) {
        self.numbers.push(number);
    }

    fn end_row(&mut self) -> Result<(), PayloadError> {
        let width = self.numbers.len().saturating_sub(self.rows.saturating_mul(self.width));
        if self.rows == 0 {
            self.width = width;
        }
        self.rows = self.rows.saturating_add(1);
        if width == self.width {
            Ok(())
        } else {
            Err(PayloadError::Ragged { row: self.rows, width, first: self.width })
        }
    }

    fn finish(self) -> Result<Rows, PayloadError> {
        if self.numbers.is_empty() {
            Err(PayloadError::Empty)
        } else {
            Ok(Rows { numbers: self.numbers, width: self.width })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(format: Format, body: &str) -> Vec<Vec<f64>> {
        Rows::decode(format, body.as_bytes()).unwrap().runs(1).map(<[f64]>::to_vec).collect()
    }

    #[test]
    fn one_table_in_each_format() {
        let table = vec![vec![1.0, -2.5], vec![3e2, 0.0]];
        assert_eq!(decoded(Format::Json, r#"{"instances": [[1, -2.5], [3e2, 0]]}"#), table);
        assert_eq!(decoded(Format::Json, r#"{"instances": [{"features": [1, -2.5]}, {"features": [3e2, 0]}]}"#), table);
        assert_eq!(decoded(Format::JsonLines, "[1, -2.5]\n\n{\"features\": [3e2, 0]}\r\n"), table);
        assert_eq!(decoded(Format::Csv, "1,-2.5\r\n3e2, 0 \n"), table);
        assert_eq!(decoded(Format::Csv, "\"1\",-2.5\n+300,0"), table);
    }

    #[test]
    fn says_where_it_is_wrong() {
        let cases = [
            (Format::Json, "", "cannot be read"),
            (Format::Json, "[[1]]", "expected an object {\"instances\": [...]}"),
            (Format::Json, r#"{"instance": [[1]]}"#, "unknown member `instance`"),
            (Format::Json, r#"{}"#, "`instances` is missing"),
            (Format::Json, r#"{"instances": [[1]], "instances": [[1]]}"#, "`instances` stands twice"),
            (Format::Json, r#"{"instances": [[1, 2], [1]]}"#, "row 2 has 1 numbers, row 1 has 2"),
            (Format::Json, r#"{"instances": [[1, "a"]]}"#, "expected at row 1, column 2: a number"),
            (Format::Json, r#"{"instances": [[1], [null]]}"#, "expected at row 2, column 1: a number"),
            (Format::Json, r#"{"instances": [[[1]]]}"#, "expected at row 1, column 1: a number"),
            (Format::Json, r#"{"instances": [1, 2]}"#, "expected at row 1: a list of numbers or {\"features\": [...]}"),
            (Format::Json, r#"{"instances": [{"feature": [1]}]}"#, "row 1: member `feature` is unknown"),
            (Format::Json, r#"{"instances": [[1e999]]}"#, "out of range"),
            (Format::Json, r#"{"instances": [[1]]} x"#, "trailing"),
            (Format::Json, r#"{"instances": []}"#, "no rows"),
            (Format::Json, r#"{"instances": [[]]}"#, "no rows"),
            (Format::JsonLines, "[1]\n[1, 2]", "row 2 has 2 numbers"),
            (Format::JsonLines, "[1]\n\n{", "line 3 cannot be read"),
            (Format::Csv, "", "no rows"),
            (Format::Csv, "age,plan\n1,2", "row 1, column 1: `age`"),
            (Format::Csv, "1,2\n1,", "row 2, column 2: ``"),
            (Format::Csv, "1,nan", "row 1, column 2: `nan`"),
            (Format::Csv, "1,2\n3", "row 2 has 1 numbers"),
        ];
        for (format, body, expected) in cases {
            let message = Rows::decode(format, body.as_bytes()).expect_err(body).to_string();
            assert!(message.contains(expected), "{body}\n  gave: {message}\n  expected: {expected}");
        }
    }

    #[test]
    fn counts_without_decoding() {
        assert_eq!(Rows::count(Format::Json, br#"{"x": 1, "instances": [[1], {"a": 2}, 3]}"#), Some(3));
        assert_eq!(Rows::count(Format::Json, b"nonsense"), None);
        assert_eq!(Rows::count(Format::Csv, b"1,2\n3,4\n\n"), Some(2));
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let body = format!("{{\"instances\": {}", "[".repeat(100_000));
        assert!(Rows::decode(Format::Json, body.as_bytes()).is_err());
        assert_eq!(Rows::count(Format::Json, body.as_bytes()), None);
    }

    fn formats() -> impl Strategy<Value = Format> {
        prop_oneof![Just(Format::Json), Just(Format::JsonLines), Just(Format::Csv)]
    }

    proptest! {
        #[test]
        fn numbers_arrive_exactly(
            rows in (1usize..5).prop_flat_map(|width| proptest::collection::vec(
                proptest::collection::vec(-1e300..1e300f64, width), 1..6))
        ) {
            let lists: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
            prop_assert_eq!(decoded(Format::Json, &format!("{{\"instances\": [{}]}}", lists.join(","))), rows.clone());
            prop_assert_eq!(decoded(Format::JsonLines, &lists.join("\n")), rows.clone());
            let lines: Vec<String> = lists.iter().map(|list| list.trim_matches(['[', ']']).to_owned()).collect();
            prop_assert_eq!(decoded(Format::Csv, &lines.join("\n")), rows);
        }

        #[test]
        fn nothing_panics(format in formats(), body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Rows::decode(format, &body);
            let _ = Rows::count(format, &body);
        }

        #[test]
        fn nothing_panics_on_almost_json(format in formats(), body in r#"[\[\]{}",:0-9. instaceftur\n-]{0,80}"#) {
            let _ = Rows::decode(format, body.as_bytes());
            let _ = Rows::count(format, body.as_bytes());
        }
    }
}
