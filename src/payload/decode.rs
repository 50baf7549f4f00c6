//! From a body to a table, whatever its format.

use turnout_tables::{Input, Schema, Table, Values};

use super::accept::{ContentType, Format, Header};
use super::error::PayloadError;
use super::{csv, json, numbers};

/// Decodes a request's body of at most so many rows for a model.
///
/// ```
/// use turnout::payload::{Format, decode};
/// use turnout_tables::{Datatype, Input, Schema, Values};
///
/// let schema = Input::new("x".to_owned(), Datatype::F64, vec![2]).and_then(|x| Schema::new(vec![x])).unwrap();
/// let table = decode(Format::Csv, b"1,2\n3,\n", &schema, 100)?;
/// assert_eq!(table.rows(), 2);
/// assert!(matches!(&table.inputs()[0], Values::F64(values) if values[..3] == [1.0, 2.0, 3.0] && values[3].is_nan()));
/// # Ok::<(), turnout::payload::PayloadError>(())
/// ```
///
/// # Errors
/// If the body is not of that format, holds no rows or too many, or a row is not what the model takes.
pub fn decode(
    sent: impl Into<ContentType>,
    body: &[u8],
    schema: &Schema,
    most_rows: usize,
) -> Result<Table, PayloadError> {
    let ContentType { format, header } = sent.into();
    match format {
        Format::Json => {
            numbers::decode(body, schema, most_rows).map_or_else(|| json::decode(body, schema, most_rows), Ok)
        }
        Format::JsonLines => json::decode_lines(body, schema, most_rows),
        Format::Csv => csv::decode(body, schema, header, most_rows),
    }
}

/// How many rows a table may have, so that it takes 16 MiB at most; one is always taken. A body of 6 MiB can say more: an
/// empty cell of CSV is a byte, and in memory a number of eight.
pub fn rows_that_fit(schema: &Schema) -> usize {
    const MOST_BYTES: usize = 16 << 20;
    let bytes = |input: &Input| {
        let of_one = match input.datatype.values() {
            Values::Bool(_) => 1,
            Values::F32(_) => 4,
            Values::F64(_) | Values::I64(_) => 8,
            // Where it is, how long it is, and what an allocation takes at least.
            Values::Text(_) => 40,
        };
        input.width().saturating_mul(of_one)
    };
    let row = schema.inputs().iter().map(bytes).fold(0, usize::saturating_add);
    MOST_BYTES.checked_div(row).unwrap_or(usize::MAX).max(1)
}

/// How many rows a body holds, without decoding them; `None` if it is not of that format.
///
/// Of JSON they are the instances, else the lines that are not blank. That is not the number of rows of a model of one
/// column, of whose CSV a blank line is a row as well, and of quoted fields that go over several lines. A header is none where it
/// is said to be one, or no field of it is a number and one of the next line is.
pub fn count_rows(sent: ContentType, body: &[u8]) -> Option<usize> {
    let lines = || body.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    match sent.format {
        Format::Json => json::count(body),
        Format::JsonLines => Some(lines().count()),
        Format::Csv => {
            let has_number = |line: &[u8]| {
                let number = |field: &[u8]| {
                    std::str::from_utf8(field.trim_ascii()).is_ok_and(|text| text.parse::<f64>().is_ok())
                };
                line.split(|b| *b == b',').any(number)
            };
            let mut first = lines().map(has_number);
            let has_header = match sent.header {
                Header::Present => true,
                Header::Absent => false,
                Header::Unsaid => first.next() == Some(false) && first.next() == Some(true),
            };
            Some(lines().count().saturating_sub(usize::from(has_header)))
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use turnout_tables::Datatype;

    use super::super::json::flat;
    use super::*;

    fn input(name: &str, datatype: Datatype, width: usize) -> Input {
        Input::new(name.to_owned(), datatype, vec![width]).unwrap()
    }

    fn decode(format: Format, body: &[u8], schema: &Schema) -> Result<Table, PayloadError> {
        super::decode(format, body, schema, usize::MAX)
    }

    /// One input of numbers.
    fn numbers(width: usize) -> Schema {
        Schema::new(vec![input("x", Datatype::F64, width)]).unwrap()
    }

    /// An input a column, but for one of two.
    fn customers() -> Schema {
        Schema::new(vec![
            input("tenure", Datatype::F32, 1),
            input("plan", Datatype::Text, 1),
            input("calls", Datatype::U8, 1),
            input("place", Datatype::F64, 2),
            input("new", Datatype::Bool, 1),
        ])
        .unwrap()
    }

    fn decoded(format: Format, body: &str, width: usize) -> Vec<f64> {
        match decode(format, body.as_bytes(), &numbers(width)).unwrap().inputs() {
            [Values::F64(values)] => values.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_table_in_each_format() {
        let table = vec![1.0, -2.5, 3e2, 0.0];
        let decoded = |format, body| decoded(format, body, 2);
        assert_eq!(decoded(Format::Json, r#"{"instances": [[1, -2.5], [3e2, 0]]}"#), table);
        assert_eq!(decoded(Format::Json, r#"{"instances": [{"features": [1, -2.5]}, {"x": [3e2, 0]}]}"#), table);
        assert_eq!(decoded(Format::JsonLines, "[1, -2.5]\n\n{\"features\": [3e2, 0]}\r\n"), table);
        assert_eq!(decoded(Format::Csv, "1,-2.5\r\n3e2, 0 \n"), table);
        assert_eq!(decoded(Format::Csv, "\"1\",-2.5\n+300,0"), table);
    }

    #[test]
    fn columns_of_each_type_by_name_and_in_order() {
        let by_name = r#"{"instances": [
            {"plan": "family, \"big\"", "new": true, "place": [52.5, null], "tenure": 12, "calls": 3},
            {"tenure": null, "plan": "", "calls": 255.0, "place": [1, 2], "new": 0}]}"#;
        let in_order = r#"{"instances": [[12, "family, \"big\"", 3, 52.5, null, true], [null, "", 255, 1, 2, false]]}"#;
        let csv = "12,\"family, \"\"big\"\"\",3,52.5,,true\n,,255.0,1,2,0\n";
        let decode = |format, body: &str| decode(format, body.as_bytes(), &customers()).unwrap();
        let table = decode(Format::Json, by_name);
        assert_eq!(table.rows(), 2);
        for other in [decode(Format::Json, in_order), decode(Format::Csv, csv)] {
            assert_eq!(format!("{other:?}"), format!("{table:?}")); // NaN is not equal to itself
        }
        match table.inputs() {
            [Values::F32(tenure), Values::Text(plan), Values::I64(calls), Values::F64(place), Values::Bool(new)] => {
                assert!(tenure[0] == 12.0 && tenure[1].is_nan());
                assert_eq!(plan, &["family, \"big\"", ""]);
                assert_eq!(calls, &[3, 255]);
                assert!(place[0] == 52.5 && place[1].is_nan() && place[2..] == [1.0, 2.0]);
                assert_eq!(new, &[true, false]);
            }
            other => panic!("{other:?}"),
        }
    }

    fn refusal(format: Format, body: &str, schema: &Schema) -> String {
        decode(format, body.as_bytes(), schema).expect_err(body).to_string()
    }

    /// The values of one column, written out as NaN is not equal to itself; or the refusal.
    fn column(format: Format, body: &str, datatype: Datatype) -> String {
        let schema = Schema::new(vec![input("x", datatype, 1)]).unwrap();
        match decode(format, body.as_bytes(), &schema) {
            Ok(table) => format!("{:?}", table.inputs()[0]),
            Err(error) => error.to_string(),
        }
    }

    /// Each form that a client documents gives the same table.
    #[test]
    fn the_forms_that_clients_send() {
        let table = vec![1.0, -2.5, 3e2, 0.0];
        for body in [
            "[[1, -2.5], [300, 0]]",
            "\u{feff}[[1, -2.5], [300, 0]]",
            r#"[{"x": [1, -2.5]}, {"x": [300, 0]}]"#,
            r#"{"signature_name": "serving_default", "instances": [[1, -2.5], [300, 0]]}"#,
            r#"{"instances": [[1, -2.5], [300, 0]], "signature_name": null}"#,
            r#"{"instances": [{"data": {"features": {"values": [1, -2.5]}}}, {"data": [300, 0]}]}"#,
            r#"{"inputs": [[1, -2.5], [300, 0]]}"#,
            r#"{"inputs": {"x": [[1, -2.5], [300, 0]]}}"#,
            r#"{"dataframe_split": {"columns": [0, 1], "data": [[1, -2.5], [300, 0]]}}"#,
            r#"{"dataframe_split": {"columns": ["a", "b"], "index": [7, 8], "data": [[1, -2.5], [300, 0]]}}"#,
            r#"{"dataframe_records": [{"x": [1, -2.5]}, {"x": [300, 0]}]}"#,
        ] {
            assert_eq!(decoded(Format::Json, body, 2), table, "{body}");
            assert_eq!(
                count_rows(Format::Json.into(), body.as_bytes()).is_some(),
                !body.contains(r#"{"inputs": {"#),
                "{body}"
            );
        }
        assert_eq!(decoded(Format::Json, r#"{"instances": [1, -2.5, 300, 0]}"#, 1), table);
        assert_eq!(
            decoded(Format::JsonLines, "\u{feff}[1, -2.5]\n{\"data\": {\"features\": {\"values\": [300, 0]}}}", 2),
            table
        );
    }

    #[test]
    fn a_header_names_the_columns_in_any_order() {
        let schema = Schema::new(vec![input("age", Datatype::F32, 1), input("town", Datatype::Text, 1)]).unwrap();
        let read = |header: Header, body: &str| {
            let sent = ContentType { format: Format::Csv, header };
            super::decode(sent, body.as_bytes(), &schema, 10)
                .map_or_else(|error| error.to_string(), |table| format!("{:?}", table.inputs()))
        };
        let expected = r#"[F32([36.0, NaN]), Text(["C", "S"])]"#;
        for body in [
            "age,town\n36,C\nNA,S\n",
            "town,age\nC,36\nS,nan\n",
            "\"town\", \"age\"\r\n\"C\", 36\r\nS,\r\n",
            "\u{feff}\n town , age\nC,36\n\nS,null",
        ] {
            assert_eq!(read(Header::Unsaid, body), expected, "{body}");
            assert_eq!(read(Header::Present, body), expected, "{body}");
        }
        assert_eq!(read(Header::Unsaid, "36,C\nNaN,S"), expected);
        for (header, body, problem) in [
            (Header::Absent, "age,town\n36,C", "row 1, column 1 (`age`): `age` stands where a finite number belongs"),
            (
                Header::Present,
                "36,C\n1,C",
                "the header names `36`, which is no column of the model; it takes: age, town",
            ),
            (Header::Unsaid, "age,town,x\n36,C,1", "the header names `x`, which is no column"),
            (Header::Unsaid, "age,age\n36,C", "the header names `age` twice"),
            (Header::Unsaid, "town\nC", "the header does not name `age`, which the model takes"),
            (Header::Unsaid, "age,town\n36,C\n36\n", "row 2 (line 3) has 1 values; the model takes 2"),
            (Header::Unsaid, "age,town\n", "the body holds no rows"),
            (Header::Unsaid, "a,b\n36,C", "line 1 looks like a header: `a` stands where a number belongs"),
        ] {
            let said = read(header, body);
            assert!(said.contains(problem), "{body}\n  gave: {said}\n  expected: {problem}");
        }
    }

    #[test]
    fn a_header_of_one_input_is_passed_over_where_it_is_said() {
        let sent = ContentType { format: Format::Csv, header: Header::Present };
        let table = super::decode(sent, b"a,b\n1,2\n", &numbers(2), 10).unwrap();
        assert_eq!(table.inputs(), [Values::F64(vec![1.0, 2.0])]);
    }

    #[test]
    fn spaces_count_in_quotes_alone() {
        for (datatype, field, expected) in [
            (Datatype::Text, " C ", r#"Text(["C"])"#),
            (Datatype::Text, "\t\" C\" ", r#"Text([" C"])"#),
            (Datatype::Text, "a \"b\" c", r#"Text(["a \"b\" c"])"#),
            (Datatype::Text, "NA", r#"Text(["NA"])"#),
            (Datatype::F64, " 1 ", "F64([1.0])"),
            (Datatype::F64, "\" 1 \"", "F64([1.0])"),
            (Datatype::F64, " NA ", "F64([NaN])"),
            (
                Datatype::I64,
                "NA",
                "row 1, column 1: `NA` stands where a whole number belongs; only floating-point numbers may be missing",
            ),
            (Datatype::Bool, "True", "Bool([true])"),
            (Datatype::Bool, " FALSE", "Bool([false])"),
            (Datatype::Bool, "yes", "row 1, column 1: `yes` stands where true or false belongs"),
        ] {
            assert_eq!(column(Format::Csv, field, datatype), expected, "{field}");
        }
    }

    #[test]
    fn lists_nested_as_the_inputs_shape_is() {
        let image = Input::new("x".to_owned(), Datatype::F64, vec![2, 3]).unwrap();
        let place = Input::new("p".to_owned(), Datatype::F64, vec![2]).unwrap();
        let read = |inputs: Vec<Input>, body: &str| {
            decode(Format::Json, body.as_bytes(), &Schema::new(inputs).unwrap())
                .map_or_else(|error| error.to_string(), |table| format!("{:?}", table.inputs()))
        };
        let expected = "[F64([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]";
        for body in [
            "[[[1,2,3],[4,5,6]]]",
            r#"{"instances": [[1,2,3,4,5,6]]}"#,
            r#"{"instances": [{"x": [[1,2,3],[4,5,6]]}]}"#,
            r#"{"inputs": [[[1,2,3],[4,5,6]]]}"#,
            r#"{"inputs": {"x": [[[1,2,3],[4,5,6]]]}}"#,
        ] {
            assert_eq!(read(vec![image.clone()], body), expected, "{body}");
        }
        for (body, problem) in [
            ("[[[1,2],[3,4],[5,6]]]", "row 1, column 3: a list of 2 stands where the input's shape has 3"),
            ("[[[1,2,3]]]", "row 1 has 3 values; the model takes 6"),
            ("[[[1,2,3],[4,5,[6]]]]", "expected at row 1, column 6: a value"),
            ("[[1,[2,3,4],5,6]]", "expected at row 1, column 2: a value"),
            (r#"[{"x": [[1,2,3],[4,5]]}]"#, "a list of 2 stands where the input's shape has 3"),
        ] {
            let said = read(vec![image.clone()], body);
            assert!(said.contains(problem), "{body}: {said}");
        }
        let both = read(vec![place, image], r#"[{"x": [[1,2,3],[4,5,6]], "p": [7, 8]}]"#);
        assert_eq!(both, "[F64([7.0, 8.0]), F64([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]");
    }

    #[test]
    fn an_empty_line_of_one_column_is_a_missing_value() {
        for (datatype, body, expected) in [
            (Datatype::F64, "1\n\n3\n", "F64([1.0, NaN, 3.0])"),
            (Datatype::F64, "1\r\n\r\n3\r\n", "F64([1.0, NaN, 3.0])"),
            (Datatype::F64, "1\r\r3\r", "F64([1.0, NaN, 3.0])"),
            (Datatype::F64, "1\n\n\n\"4\"\n\"\"", "F64([1.0, NaN, NaN, 4.0, NaN])"),
            (Datatype::F64, "\n2", "F64([NaN, 2.0])"),
            (Datatype::F64, "\u{feff}\n2", "F64([NaN, 2.0])"),
            (Datatype::F64, "1\n\n", "F64([1.0, NaN])"),
            (Datatype::F64, "\n", "F64([NaN])"),
            (Datatype::F64, "", "the body holds no rows"),
            (Datatype::F64, "1\n\nx", "row 3, column 1: `x` stands where a finite number belongs"),
            (Datatype::Text, "a\n\n\"b\n\nc\"\n\n", "Text([\"a\", \"\", \"b\\n\\nc\", \"\"])"),
            (
                Datatype::I64,
                "1\n\n3",
                "row 2, column 1: nothing stands where a whole number belongs; only floating-point numbers may be missing",
            ),
            (
                Datatype::Bool,
                "true\n\n0",
                "row 2, column 1: nothing stands where true or false belongs; only floating-point numbers may be missing",
            ),
        ] {
            assert_eq!(column(Format::Csv, body, datatype), expected, "{body:?}");
        }
        assert_eq!(column(Format::JsonLines, "[1]\n\n[3]\n", Datatype::F64), "F64([1.0, 3.0])");
        assert_eq!(decoded(Format::Csv, "1,2\n\n3,4\n\n", 2), [1.0, 2.0, 3.0, 4.0]);
    }

    /// The reader takes a body in parts of 8 KiB.
    #[test]
    fn an_empty_line_is_one_wherever_the_body_is_parted() {
        for end in ["\n", "\r\n", "\r"] {
            for length in 8180..8200 {
                let long = "x".repeat(length);
                let body = [long.as_str(), "", "", "\"y\n\"", "", "z"].map(|line| format!("{line}{end}")).concat();
                let expected = format!("Text([{long:?}, \"\", \"\", \"y\\n\", \"\", \"z\"])");
                assert_eq!(column(Format::Csv, &body, Datatype::Text), expected, "{end:?} {length}");
            }
        }
    }

    #[test]
    fn what_a_type_would_make_infinite_is_refused() {
        let formats = |x: &str| {
            [
                (Format::Json, format!("{{\"instances\": [[{x}]]}}")),
                (Format::Json, format!("{{\"instances\": [{{\"x\": {x}}}]}}")),
                (Format::JsonLines, format!("[{x}]")),
                (Format::Csv, x.to_owned()),
            ]
        };
        for (datatype, x, held) in [
            (Datatype::F16, "65504", true),
            (Datatype::F16, "65519.9", true),
            (Datatype::F16, "65520", false),
            (Datatype::F16, "-65519.9", true),
            (Datatype::F16, "-65520", false),
            (Datatype::F16, "1e300", false),
            (Datatype::F32, "65520", true),
            (Datatype::F32, "3.4028235e38", true),
            (Datatype::F32, "3.4028236e38", false),
            (Datatype::F32, "-1e39", false),
        ] {
            let bits = if datatype == Datatype::F16 { 16 } else { 32 };
            let refusal = format!("{} is more than {bits}-bit floating point holds", x.parse::<f64>().unwrap());
            let expected = |place: &str| {
                if held { format!("F32([{:?}])", x.parse::<f32>().unwrap()) } else { format!("{place}: {refusal}") }
            };
            for (format, body) in formats(x) {
                assert_eq!(column(format, &body, datatype), expected("row 1, column 1"), "{datatype:?}: {body}");
            }
            let tensor = flat(datatype, &[1], &format!("[{x}]"));
            let tensor = tensor.map_or_else(|error| error, |values| format!("{values:?}"));
            assert_eq!(tensor, expected("value 1"), "{datatype:?}");
        }
    }

    #[test]
    fn no_more_rows_are_read_than_are_answered() {
        let bodies = [
            (Format::Json, r#"{"instances": [[1], [2], [3]]}"#),
            (Format::Json, r#"{"instances": [{"x": 1}, {"x": 2}, [3]]}"#),
            (Format::JsonLines, "[1]\n[2]\n[3]\n"),
            (Format::Csv, "1\n2\n3\n"),
            (Format::Csv, "1\n\n3\n"),
            (Format::Csv, "\n\n\n"),
        ];
        for (format, body) in bodies {
            let decode = |most| super::decode(format, body.as_bytes(), &numbers(1), most).map(|table| table.rows());
            assert_eq!(decode(3), Ok(3), "{body}");
            assert_eq!(decode(2), Err(PayloadError::TooManyRows { most: 2 }), "{body}");
        }
        for (datatype, width, most) in [
            (Datatype::F32, 1, 1 << 22),
            (Datatype::I8, 2, 1 << 20),
            (Datatype::Text, 8, 52_428),
            (Datatype::Bool, 1 << 20, 16),
            (Datatype::F64, 1 << 22, 1),
        ] {
            assert_eq!(rows_that_fit(&Schema::new(vec![input("x", datatype, width)]).unwrap()), most);
        }
    }

    #[test]
    fn says_where_it_is_wrong() {
        let cases = [
            (Format::Json, "", "cannot be read"),
            (Format::Json, "3", "expected an object {\"instances\": [...]} or a list of rows"),
            (Format::Json, "[[1]]", "row 1 has 1 values; the model takes 2"),
            (Format::Json, "[1, 2]", "row 1 is a value alone where 2 belong: put each row into brackets"),
            (Format::Json, r#"{"instance": [[1]]}"#, "unknown member `instance`"),
            (Format::Json, r#"{}"#, "`instances` is missing"),
            (Format::Json, r#"{"instances": [[1, 2]], "instances": [[1, 2]]}"#, "`instances` stands twice"),
            (Format::Json, r#"{"instances": [[1, 2], [1]]}"#, "row 2 has 1 values; the model takes 2"),
            (
                Format::Json,
                r#"{"instances": [[1, "a"]]}"#,
                "row 1, column 2: the string `a` stands where a number belongs",
            ),
            (
                Format::Json,
                r#"{"instances": [[1, 2], [true, 2]]}"#,
                "row 2, column 1: true stands where a number belongs",
            ),
            (Format::Json, r#"{"instances": [[[1]]]}"#, "expected at row 1, column 1: a value"),
            (Format::Json, r#"{"instances": [1, 2]}"#, "row 1 is a value alone where 2 belong"),
            (
                Format::Json,
                r#"{"instances": [{"feature": [1]}]}"#,
                "row 1: there is no column `feature`; the model takes: x",
            ),
            (Format::Json, r#"{"instances": [{"x": [1, 2], "features": [1, 2]}]}"#, "there is no column `features`"),
            (Format::Json, r#"{"instances": [{"features": [1, 2], "x": [1, 2]}]}"#, "column `x` stands twice"),
            (Format::Json, r#"{"instances": [{"x": [1, 2, 3]}]}"#, "row 1, `x`: 3 values; the model takes 2 there"),
            (Format::Json, r#"{"instances": [{"x": 1}]}"#, "row 1, `x`: 1 values; the model takes 2 there"),
            (Format::Json, r#"{"instances": [{}]}"#, "row 1: column `x` is missing"),
            (Format::Json, r#"{"instances": [[1e999, 2]]}"#, "out of range"),
            (Format::Json, r#"{"instances": [[1, 2]]} x"#, "trailing"),
            (Format::Json, r#"{"instances": []}"#, "no rows"),
            (Format::Json, r#"{"instances": [[]]}"#, "row 1 has 0 values"),
            (Format::JsonLines, "[1, 2]\n[1, 2, 3]", "row 2 has 3 values"),
            (Format::JsonLines, "[1, 2]\n\n{", "line 3 cannot be read"),
            (Format::Csv, "", "no rows"),
            (Format::Csv, "age,plan\n1,2", "line 1 looks like a header: `age` stands where a number belongs"),
            (Format::Csv, "1,2\n1,x", "row 2, column 2: `x` stands where a finite number belongs"),
            (Format::Csv, "1,inf", "row 1, column 2: `inf` stands where a finite number belongs"),
            (Format::Csv, "1,2\n\n3,x", "row 2 (line 3), column 2: `x` stands"),
            (Format::Csv, "1,2\n3,\"4\n5,6\n", "line 2 cannot be read: a quote is opened and never closed"),
            (Format::Csv, "1,\"2\" x\n", "line 1 cannot be read: behind a closing quote stands neither a comma nor"),
            (Format::Json, r#"{"instances": [[1, NaN]]}"#, "NaN is not JSON: send null for a number that is missing"),
            (Format::Json, r#"{"instances": [[1, -Infinity]]}"#, "Infinity is not JSON: send null"),
            (Format::Json, r#"{"instances": [[1, 2]], "inputs": [[1, 2]]}"#, "`inputs` stands beside `instances`"),
            (Format::Json, r#"{"instances": [[1, 2]], "signature_name": "other"}"#, "there is no signature `other`"),
            (Format::Json, r#"{"inputs": {"y": [[1, 2]]}}"#, "`y`: the model does not take it; it takes: x"),
            (Format::Json, r#"{"inputs": {"x": [[1, 2], [3]]}}"#, "`x`: there are 1 values where its shape has 2"),
            (Format::Json, r#"{"dataframe_split": {"columns": ["a", "b"]}}"#, "missing field `data`"),
            (Format::Json, r#"{"instances": [{"data": {"features": {"x": [1, 2]}}}]}"#, "nothing beside it is meant"),
            (
                Format::JsonLines,
                "[1, 2]\n[1, NaN]",
                "line 2 cannot be read: expected value at line 1 column 5; NaN is not",
            ),
            (Format::Csv, "1,2\n3", "row 2 has 1 values"),
        ];
        for (format, body, expected) in cases {
            let message = refusal(format, body, &numbers(2));
            assert!(message.contains(expected), "{body}\n  gave: {message}\n  expected: {expected}");
        }
    }

    #[test]
    fn says_which_column_is_wrong() {
        let row = |change: &str| {
            let mut row = serde_json::json!({"tenure": 1, "plan": "a", "calls": 1, "place": [1, 2], "new": true});
            let change: serde_json::Value = serde_json::from_str(change).unwrap();
            for (name, value) in change.as_object().unwrap() {
                row[name] = value.clone();
            }
            serde_json::json!({ "instances": [row] }).to_string()
        };
        for (change, expected) in [
            (r#"{"tenure": "12"}"#, "row 1, column 1 (`tenure`): the string `12` stands where a number belongs"),
            (
                r#"{"tenure": 1e39}"#,
                "column 1 (`tenure`): 1000000000000000000000000000000000000000 is more than 32-bit",
            ),
            (r#"{"plan": 7}"#, "row 1, column 2 (`plan`): 7 stands where a string belongs"),
            (r#"{"plan": null}"#, "row 1, column 2 (`plan`): nothing stands where a string belongs"),
            (r#"{"calls": 1.5}"#, "column 3 (`calls`): 1.5 stands where a whole number belongs"),
            (r#"{"calls": null}"#, "column 3 (`calls`): nothing stands where a whole number belongs"),
            (r#"{"calls": 256}"#, "column 3 (`calls`): 256 is not between 0 and 255"),
            (r#"{"place": [1, "x"]}"#, "column 5 (`place`): the string `x` stands where a number belongs"),
            (r#"{"place": {"x": 1}}"#, "expected at row 1, column 4 (`place`): a value or a list of values"),
            (r#"{"new": "yes"}"#, "column 6 (`new`): the string `yes` stands where true or false belongs"),
            (r#"{"age": 3}"#, "there is no column `age`; the model takes: tenure, plan, calls, place, new"),
        ] {
            let message = refusal(Format::Json, &row(change), &customers());
            assert!(message.contains(expected), "{change}\n  gave: {message}\n  expected: {expected}");
        }
        let message = refusal(Format::Csv, "1,a,1,1,2,true\n1,a,x,1,2,true", &customers());
        assert_eq!(message, "row 2, column 3 (`calls`): `x` stands where a whole number belongs");
    }

    #[test]
    fn counts_without_decoding() {
        assert_eq!(count_rows(Format::Json.into(), br#"{"x": 1, "instances": [[1], {"a": 2}, 3]}"#), Some(3));
        assert_eq!(count_rows(Format::Json.into(), b"nonsense"), None);
        assert_eq!(count_rows(Format::Csv.into(), b"1,2\n3,4\n\n"), Some(2));
        assert_eq!(count_rows(Format::Csv.into(), b"a,b\n1,2\n3,4\n"), Some(2));
        assert_eq!(count_rows(Format::Csv.into(), b"red,blue\ngreen,red\n"), Some(2));
        let said = |header| ContentType { format: Format::Csv, header };
        assert_eq!(count_rows(said(Header::Present), b"1,2\n3,4"), Some(1));
        assert_eq!(count_rows(said(Header::Absent), b"a,b\n1,2"), Some(2));
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let body = format!("{{\"instances\": {}", "[".repeat(100_000));
        assert!(decode(Format::Json, body.as_bytes(), &numbers(2)).is_err());
        assert!(decode(Format::Json, body.as_bytes(), &customers()).is_err());
        assert_eq!(count_rows(Format::Json.into(), body.as_bytes()), None);
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
            let width = rows[0].len();
            let flat = rows.concat();
            let json = format!("{{\"instances\": [{}]}}", lists.join(","));
            prop_assert_eq!(&decoded(Format::Json, &json, width), &flat);
            prop_assert_eq!(&decoded(Format::JsonLines, &lists.join("\n"), width), &flat);
            let lines: Vec<String> = lists.iter().map(|list| list.trim_matches(['[', ']']).to_owned()).collect();
            prop_assert_eq!(&decoded(Format::Csv, &lines.join("\n"), width), &flat);
        }

        #[test]
        fn nothing_panics(format in formats(), body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(format, &body, &numbers(2));
            let _ = decode(format, &body, &customers());
            let _ = count_rows(format.into(), &body);
        }

        #[test]
        fn nothing_panics_on_almost_json(format in formats(), body in r#"[\[\]{}",:0-9. instacefturplwox\n-]{0,80}"#) {
            let _ = decode(format, body.as_bytes(), &numbers(2));
            let _ = decode(format, body.as_bytes(), &customers());
            let _ = count_rows(format.into(), body.as_bytes());
        }
    }
}
