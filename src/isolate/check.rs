//! Check rows: inputs, and what ONNX Runtime answered to them. A model reproduces them before it answers anybody.
//!
//! `scripts/check-rows.py` makes the file, docs/models.md describes it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::endpoint::{Sha256, distinct_members};
use crate::payload::{
    ListsError, Output, Outputs, Schema, Table, Values, flat_of_any_numbers, table_of_lists, values_of_rows,
};
use crate::request::MAX_BODY_BYTES;

/// Why a model is not one that has reproduced its check rows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// The file is larger than a request, so nobody could ask for as much.
    #[error("it has {0} bytes, more than the {MAX_BODY_BYTES} of a request; use fewer rows")]
    TooLarge(usize),
    /// It is not of the form that is documented.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// It was made of other bytes than the model's.
    #[error("it was made of the model with SHA-256 {0}")]
    OtherModel(Sha256),
    /// There is nothing to reproduce.
    #[error("it has no {0}")]
    Empty(&'static str),
    /// One of its inputs is not what the model takes.
    #[error("its input `{name}`: {problem}")]
    Input {
        /// The input.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The model does not answer.
    #[error("on its rows, {0}")]
    Run(String),
    /// One of its outputs is not of the form that the model answers in.
    #[error("its output `{name}`: {problem}")]
    Output {
        /// The output.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The model answers something else.
    #[error("row {row}, output {output}: {found} came, {expected} was expected")]
    Different {
        /// The row, counted from 1.
        row: usize,
        /// The output's name and, where it has several values a row, which.
        output: String,
        /// What the model answers.
        found: String,
        /// What the file says.
        expected: String,
    },
}

/// The file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckRows<'a> {
    model: Sha256,
    #[serde(default)]
    tolerance: Tolerance,
    #[serde(borrow)]
    inputs: ByName<'a>,
    #[serde(borrow)]
    outputs: ByName<'a>,
}

/// How far a number may be from the one that is expected: `absolute`, and `relative` times its size.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tolerance {
    absolute: f64,
    relative: f64,
}

impl Default for Tolerance {
    /// A number of 32 bits has seven digits. Of sums of some thousand products, added up in another order than ONNX
    /// Runtime's, the first four or five are the same; what is computed wrongly is further off.
    fn default() -> Self {
        Tolerance { absolute: 1e-5, relative: 1e-4 }
    }
}

impl Tolerance {
    fn allows(self, found: f64, expected: f64) -> bool {
        let near = |difference: f64| difference <= self.absolute + self.relative * expected.abs();
        found == expected
            || (found.is_nan() && expected.is_nan())
            || (expected.is_finite() && near((found - expected).abs()))
    }
}

/// Lists of rows, by the name of the input or output that they are of.
struct ByName<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for ByName<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let repeated = |name: &String| format!("`{name}` stands twice");
        Ok(ByName(distinct_members(deserializer, "an object of lists of rows by name", repeated)?))
    }
}

/// Runs a model on check rows. `check` is the file, `sha256` the digest of the model's bytes, and `run` gives all of its
/// outputs.
///
/// # Errors
/// If the file is none, or of another model, or the model does not answer what it says: the first such value.
pub fn reproduce<E: fmt::Display>(
    check: &[u8],
    sha256: Sha256,
    schema: &Schema,
    run: impl FnOnce(&Table) -> Result<Outputs, E>,
) -> Result<(), CheckError> {
    if check.len() > MAX_BODY_BYTES {
        return Err(CheckError::TooLarge(check.len()));
    }
    let check: CheckRows<'_> =
        serde_json::from_slice(check).map_err(|error| CheckError::Malformed(error.to_string()))?;
    if check.model != sha256 {
        return Err(CheckError::OtherModel(check.model));
    }
    if check.outputs.0.is_empty() {
        return Err(CheckError::Empty("outputs"));
    }
    let table = table(&check.inputs, schema)?;
    let outputs = run(&table).map_err(|error| CheckError::Run(error.to_string()))?;
    for (name, expected) in &check.outputs.0 {
        let found = outputs.outputs().iter().find(|output| output.name == *name).ok_or_else(|| {
            let known: Vec<&str> = outputs.outputs().iter().map(|output| output.name.as_str()).collect();
            let problem = format!("the model does not give it; it gives: {}", known.join(", "));
            CheckError::Output { name: name.clone(), problem }
        })?;
        compare(found, table.rows(), expected.get(), check.tolerance)?;
    }
    Ok(())
}

/// The inputs, as the model takes them. Their number is bounded with that of the file's bytes.
fn table(inputs: &ByName<'_>, schema: &Schema) -> Result<Table, CheckError> {
    table_of_lists(&inputs.0, schema, usize::MAX, flat_of_any_numbers).map_err(|error| match error {
        ListsError::Input { name, problem } => CheckError::Input { name, problem },
        ListsError::TooMany(_) | ListsError::NoRows => CheckError::Empty("rows"),
    })
}

/// Compares an output with the rows that are expected of it.
fn compare(found: &Output, rows: usize, expected: &str, tolerance: Tolerance) -> Result<(), CheckError> {
    let wrong = |problem: String| CheckError::Output { name: found.name.clone(), problem };
    let expected = match &found.keys {
        Some(keys) => Cow::Owned(without_keys(expected, keys).map_err(wrong)?),
        None => Cow::Borrowed(expected),
    };
    let expected =
        values_of_rows(found.datatype, rows, &found.row_shape, &expected, flat_of_any_numbers).map_err(wrong)?;
    let Some(at) = difference(&found.values, &expected, tolerance) else { return Ok(()) };
    let width = found.row_shape.iter().product::<usize>().max(1);
    let (row, column) = (at.checked_div(width).unwrap_or_default(), at.checked_rem(width).unwrap_or_default());
    let key = found.keys.as_ref().and_then(|keys| keys.get(column));
    let output = match key {
        Some(key) => format!("`{}`, `{key}`", found.name),
        None if width > 1 => format!("`{}`, value {}", found.name, column.saturating_add(1)),
        None => format!("`{}`", found.name),
    };
    let (found, expected) = (shown(&found.values, at), shown(&expected, at));
    Err(CheckError::Different { row: row.saturating_add(1), output, found, expected })
}

/// Maps, a row each, as lists of their values in the order of the keys.
fn without_keys(json: &str, keys: &[String]) -> Result<String, String> {
    let rows: Vec<HashMap<String, &RawValue>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let lists = rows.iter().zip(1..).map(|(map, row)| {
        let values = keys.iter().map(|key| map.get(key).map(|value| value.get()));
        let values = values.collect::<Option<Vec<&str>>>().filter(|values| values.len() == map.len());
        let values = values.ok_or_else(|| format!("row {row} has other keys than the model's: {}", keys.join(", ")))?;
        Ok(format!("[{}]", values.join(",")))
    });
    Ok(format!("[{}]", lists.collect::<Result<Vec<String>, String>>()?.join(",")))
}

/// Which value is the first that differs: numbers by more than the tolerance, all others at all.
fn difference(found: &Values, expected: &Values, tolerance: Tolerance) -> Option<usize> {
    fn first<T>(found: &[T], expected: &[T], same: impl Fn(&T, &T) -> bool) -> Option<usize> {
        found.iter().zip(expected).position(|(found, expected)| !same(found, expected))
    }
    match (found, expected) {
        (Values::F32(found), Values::F32(expected)) => {
            first(found, expected, |found, expected| tolerance.allows((*found).into(), (*expected).into()))
        }
        (Values::F64(found), Values::F64(expected)) => {
            first(found, expected, |found, expected| tolerance.allows(*found, *expected))
        }
        (Values::I64(found), Values::I64(expected)) => first(found, expected, PartialEq::eq),
        (Values::Bool(found), Values::Bool(expected)) => first(found, expected, PartialEq::eq),
        (Values::Text(found), Values::Text(expected)) => first(found, expected, PartialEq::eq),
        // They are read as the output's own type, so they are of one.
        _ => Some(0),
    }
}

/// A value as it is told, cut to 40 characters.
fn shown(values: &Values, at: usize) -> String {
    let text = match values {
        Values::F32(values) => values.get(at).map(|value| format!("{value:?}")),
        Values::F64(values) => values.get(at).map(|value| format!("{value:?}")),
        Values::I64(values) => values.get(at).map(|value| format!("{value:?}")),
        Values::Bool(values) => values.get(at).map(|value| format!("{value:?}")),
        Values::Text(values) => values.get(at).map(|value| format!("{value:?}")),
    };
    text.unwrap_or_default().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::payload::Datatype;
    use crate::payload::Input;

    const MODEL: &[u8] = b"a model";

    fn schema() -> Schema {
        let input = |name: &str, datatype, shape: &[usize]| Input::new(name.to_owned(), datatype, shape.to_vec());
        let inputs = [input("x", Datatype::F32, &[2]), input("plan", Datatype::Text, &[1])];
        Schema::new(inputs.into_iter().map(Option::unwrap).collect()).unwrap()
    }

    /// What the model answers, to any two rows.
    fn outputs() -> Outputs {
        let output = |name: &str, datatype, row_shape: &[usize], values| Output {
            name: name.to_owned(),
            datatype,
            row_shape: row_shape.to_vec(),
            keys: None,
            values,
        };
        let scores = Values::F32(vec![0.25, 0.75, f32::NAN, f32::NEG_INFINITY]);
        let keys = Some(Arc::from(["a".to_owned(), "b".to_owned()]));
        let map = Output { keys, ..output("map", Datatype::F64, &[2], Values::F64(vec![0.1, 0.9, 10.0, -20.0])) };
        let outputs = vec![
            output("label", Datatype::Text, &[], Values::Text(vec!["yes".to_owned(), "no".to_owned()])),
            output("scores", Datatype::F32, &[2], scores),
            output("count", Datatype::I64, &[], Values::I64(vec![i64::MAX, 3])),
            output("sure", Datatype::Bool, &[1], Values::Bool(vec![true, false])),
            map,
        ];
        Outputs::new(2, outputs).unwrap()
    }

    /// The file that is right.
    fn right() -> Value {
        json!({
            "model": Sha256::of(MODEL).to_string(),
            "inputs": {"plan": ["family", ""], "x": [[1, "-Infinity"], [null, "NaN"]]},
            "outputs": {
                "label": ["yes", "no"],
                "scores": [[0.25, 0.75], ["NaN", "-Infinity"]],
                "count": [i64::MAX, 3],
                "sure": [[true], [false]],
                "map": [{"a": 0.1, "b": 0.9}, {"b": -20, "a": 10}],
            },
        })
    }

    fn check(file: &str) -> Result<(), String> {
        let run = |table: &Table| {
            let expected = "[F32([1.0, -inf, NaN, NaN]), Text([\"family\", \"\"])]";
            assert_eq!(format!("{:?}", table.inputs()), expected);
            Ok::<Outputs, String>(outputs())
        };
        reproduce(file.as_bytes(), Sha256::of(MODEL), &schema(), run).map_err(|error| error.to_string())
    }

    /// The same with one value in place of another.
    fn with(pointer: &str, value: Value) -> Result<(), String> {
        let mut file = right();
        *file.pointer_mut(pointer).unwrap() = value;
        check(&file.to_string())
    }

    fn without(pointer: &str, member: &str) -> Result<(), String> {
        let mut file = right();
        file.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(member).unwrap();
        check(&file.to_string())
    }

    #[test]
    fn a_model_that_answers_what_is_expected_has_reproduced_it() {
        assert_eq!(check(&right().to_string()), Ok(()));
        // Outputs that nothing is expected of may be anything.
        assert_eq!(without("/outputs", "label"), Ok(()));
    }

    #[test]
    fn the_first_value_that_differs_is_told() {
        let told =
            |place: &str, found: &str, expected: &str| Err(format!("{place}: {found} came, {expected} was expected"));
        for (pointer, value, expected) in [
            ("/outputs/label/1", json!("yes"), told("row 2, output `label`", "\"no\"", "\"yes\"")),
            ("/outputs/scores/0/1", json!(0.7), told("row 1, output `scores`, value 2", "0.75", "0.7")),
            ("/outputs/scores/0/1", json!("NaN"), told("row 1, output `scores`, value 2", "0.75", "NaN")),
            ("/outputs/scores/0/1", json!("Infinity"), told("row 1, output `scores`, value 2", "0.75", "inf")),
            ("/outputs/scores/1/0", json!(0), told("row 2, output `scores`, value 1", "NaN", "0.0")),
            ("/outputs/scores/1/1", json!("Infinity"), told("row 2, output `scores`, value 2", "-inf", "inf")),
            (
                "/outputs/count/0",
                json!(i64::MAX - 1),
                told("row 1, output `count`", &i64::MAX.to_string(), &(i64::MAX - 1).to_string()),
            ),
            ("/outputs/sure/1/0", json!(true), told("row 2, output `sure`", "false", "true")),
            ("/outputs/map/1/b", json!(20), told("row 2, output `map`, `b`", "-20.0", "20.0")),
        ] {
            assert_eq!(with(pointer, value), expected, "{pointer}");
        }
    }

    #[test]
    fn numbers_may_differ_by_the_tolerance() {
        // 1e-5, and 1e-4 of 20.
        assert_eq!(with("/outputs/map/1/b", json!(-20.002)), Ok(()));
        assert!(with("/outputs/map/1/b", json!(-20.0021)).is_err());
        assert_eq!(with("/outputs/map/0/a", json!(0.10001)), Ok(()));
        let told = |tolerance: Value| {
            let mut file = right();
            file["tolerance"] = tolerance;
            file["outputs"]["map"][1]["b"] = json!(-20.5);
            check(&file.to_string())
        };
        assert_eq!(told(json!({"absolute": 0.5})), Ok(()));
        assert_eq!(told(json!({"relative": 0.03})), Ok(()));
        assert!(told(json!({"absolute": 0.4, "relative": 0})).is_err());
    }

    #[test]
    fn a_file_that_says_something_else_than_the_model_is_refused() {
        let other = Sha256::of(b"another").to_string();
        for (problem, expected) in [
            (with("/model", json!(other)), format!("it was made of the model with SHA-256 {other}")),
            (with("/outputs", json!({})), "it has no outputs".to_owned()),
            (with("/inputs", json!({"x": [], "plan": []})), "it has no rows".to_owned()),
            (without("/inputs", "x"), "its input `x`: it is missing".to_owned()),
            (
                with("/inputs", json!({"z": [1]})),
                "its input `z`: the model does not take it; it takes: x, plan".to_owned(),
            ),
            (
                with("/outputs/map", json!([{"a": 1, "c": 2}, {"a": 1, "b": 2}])),
                "its output `map`: row 1 has other keys than the model's: a, b".to_owned(),
            ),
            (with("/inputs/x", json!(1)), "its input `x`: it is no list of rows".to_owned()),
            (
                with("/inputs/plan", json!(["family"])),
                "its input `plan`: it has 1 rows; the first input has 2".to_owned(),
            ),
            (
                with("/outputs/label", json!(["yes"])),
                "its output `label`: it has 1 rows; the first input has 2".to_owned(),
            ),
            (with("/inputs/plan/0", json!(1)), "its input `plan`: value 1: 1 stands where a string belongs".to_owned()),
            (
                with("/outputs/label/1", json!(0)),
                "its output `label`: value 2: 0 stands where a string belongs".to_owned(),
            ),
            (
                with("/outputs/count/1", json!("3")),
                "its output `count`: value 2: the string `3` stands where a whole number belongs".to_owned(),
            ),
        ] {
            assert_eq!(problem, Err(expected));
        }
        let mut unknown = right();
        unknown["outputs"]["other"] = json!([1, 2]);
        let expected = "its output `other`: the model does not give it; it gives: label, scores, count, sure, map";
        assert_eq!(check(&unknown.to_string()), Err(expected.to_owned()));
    }

    #[test]
    fn a_broken_file_is_refused() {
        let right = right().to_string();
        let huge = format!("{right}{}", " ".repeat(MAX_BODY_BYTES));
        let twice = right.replacen("\"plan\":", "\"x\":[1],\"plan\":", 1);
        for (file, expected) in [
            ("", "it cannot be read: EOF"),
            ("nonsense", "it cannot be read: expected ident"),
            (&right[..right.len() - 1], "it cannot be read: EOF"),
            ("{}", "missing field `model`"),
            (r#"{"rows": []}"#, "unknown field `rows`, expected one of"),
            (&twice, "`x` stands twice"),
            (&huge, "more than the 6291456 of a request; use fewer rows"),
        ] {
            let problem = check(file).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn a_model_that_fails_has_reproduced_nothing() {
        let run = |_: &Table| Err("the model failed: of itself");
        let error = reproduce(right().to_string().as_bytes(), Sha256::of(MODEL), &schema(), run).unwrap_err();
        assert_eq!(error.to_string(), "on its rows, the model failed: of itself");
    }
}
