//! What was predicted, read out of what a model or an origin answers, to be compared with what comes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use turnout_tables::{Output, Outputs, Schema, Table, Values};

use crate::endpoint::{Classes, Label, OutcomeKind, Place};

/// What was predicted for one row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Predicted {
    /// A class, by [`Label::class`].
    Class {
        /// Which.
        class: u32,
        /// The probability of the positive class, where it is told.
        score: Option<f64>,
    },
    /// A number.
    Number(f64),
}

/// One value of an answer.
enum Found {
    Number(f64),
    Label(Label),
    /// Scores of classes: the position or key of the highest.
    Highest(Label),
}

impl Found {
    fn number(&self) -> Option<f64> {
        match self {
            Found::Number(number) if number.is_finite() => Some(*number),
            Found::Label(label) => label.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
            Found::Number(_) | Found::Highest(_) => None,
        }
    }

    fn label(self) -> Option<Label> {
        match self {
            Found::Number(number) => Label::of_number(number),
            Found::Label(label) | Found::Highest(label) => Some(label),
        }
    }
}

/// What is predicted, where `find` finds things; `None` where something is missing, or no outcome is compared with it.
fn predicted(told: &OutcomeKind, find: impl Fn(&Place) -> Option<Found>) -> Option<Predicted> {
    match told {
        OutcomeKind::Reward => None,
        OutcomeKind::Value(place) => find(place)?.number().map(Predicted::Number),
        OutcomeKind::Label(Classes { label, score, positive, threshold }) => {
            let score = score.as_ref().and_then(&find).and_then(|found| found.number());
            let label = match label {
                Some(place) => find(place)?.label()?,
                None if score? > *threshold => positive.clone()?,
                // Whatever the other class is called, it is not this one.
                None => return Some(Predicted::Class { class: positive.as_ref()?.others(), score }),
            };
            Some(Predicted::Class { class: label.class(), score })
        }
    }
}

impl Predicted {
    /// What a model predicted for a row.
    pub fn of_outputs(told: &OutcomeKind, outputs: &Outputs, row: usize) -> Option<Self> {
        predicted(told, |place| {
            let output = match (&place.output, outputs.outputs()) {
                (_, [only]) => only,
                (Some(name), outputs) => outputs.iter().find(|output| output.name == *name)?,
                (None, _) => return None,
            };
            of_output(output, place, row)
        })
    }

    /// What an origin predicted for a row: `{"predictions": [...]}` as models here answer, a list of predictions, or one alone.
    pub fn of_json(told: &OutcomeKind, answer: &Value, row: usize) -> Option<Self> {
        let predictions = answer.get("predictions").unwrap_or(answer);
        let prediction = match predictions {
            Value::Array(rows) => rows.get(row)?,
            one if row == 0 => one,
            _ => return None,
        };
        predicted(told, |place| match &place.pointer {
            Some(pointer) if row == 0 => of_value(answer.pointer(pointer.as_str())?, place),
            Some(_) => None,
            None => {
                let named = place.output.as_ref().and_then(|name| prediction.get(name));
                match (named, prediction) {
                    (Some(value), _) => of_value(value, place),
                    (None, Value::Object(_)) => None,
                    (None, bare) => of_value(bare, place),
                }
            }
        })
    }

    /// What an origin predicted for a row that it answers as a line of CSV.
    pub fn of_csv(told: &OutcomeKind, answer: &[u8], row: usize) -> Option<Self> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(answer);
        let line = reader.records().nth(row)?.ok()?;
        predicted(told, |place| {
            let at = match &place.class {
                Some(class) => class.as_str().parse().ok()?,
                None => 0,
            };
            Label::of_text(line.get(at)?.trim()).map(Found::Label)
        })
    }
}

fn of_output(output: &Output, place: &Place, row: usize) -> Option<Found> {
    let width: usize = output.row_shape.iter().product();
    let first = row.checked_mul(width)?;
    let key = |at: usize| -> Option<Label> {
        match &output.keys {
            Some(keys) => Label::of_text(keys.get(at)?),
            None => Label::of_number(at as f64),
        }
    };
    let at = match &place.class {
        Some(class) => (0..width).find(|at| key(*at).as_ref() == Some(class))?,
        None if width == 1 => 0,
        None => {
            return highest((0..width).map(|at| number(&output.values, first.saturating_add(at))))
                .and_then(key)
                .map(Found::Highest);
        }
    };
    of_values(&output.values, first.checked_add(at)?)
}

fn of_values(values: &Values, at: usize) -> Option<Found> {
    match values {
        Values::Text(texts) => Label::of_text(texts.get(at)?).map(Found::Label),
        Values::Bool(truths) => Label::of_text(if *truths.get(at)? { "true" } else { "false" }).map(Found::Label),
        Values::I64(integers) => Label::of_text(&integers.get(at)?.to_string()).map(Found::Label),
        Values::F32(_) | Values::F64(_) => number(values, at).map(Found::Number),
    }
}

fn number(values: &Values, at: usize) -> Option<f64> {
    match values {
        Values::F32(numbers) => numbers.get(at).copied().map(f64::from),
        Values::F64(numbers) => numbers.get(at).copied(),
        Values::I64(integers) => integers.get(at).map(|integer| *integer as f64),
        Values::Bool(_) | Values::Text(_) => None,
    }
}

/// The first of the highest; `None` where one is no number.
fn highest(numbers: impl Iterator<Item = Option<f64>>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, number) in numbers.enumerate() {
        let number = number.filter(|number| !number.is_nan())?;
        if best.is_none_or(|(_, least)| number > least) {
            best = Some((at, number));
        }
    }
    best.map(|(at, _)| at)
}

fn of_value(value: &Value, place: &Place) -> Option<Found> {
    match (value, &place.class) {
        (Value::Object(members), Some(class)) => of_value(members.get(class.as_str())?, &Place::default()),
        (Value::Array(values), Some(class)) => {
            of_value(values.get(class.as_str().parse::<usize>().ok()?)?, &Place::default())
        }
        (Value::Array(values), None) => match values.as_slice() {
            [one] => of_value(one, place),
            values => {
                highest(values.iter().map(Value::as_f64)).and_then(|at| Label::of_number(at as f64)).map(Found::Highest)
            }
        },
        (Value::Object(members), None) => {
            let at = highest(members.values().map(Value::as_f64))?;
            Label::of_text(members.keys().nth(at)?).map(Found::Highest)
        }
        (Value::Number(number), _) => number.as_f64().map(Found::Number),
        (scalar, _) => Label::of(scalar).map(Found::Label),
    }
}

/// What a column says in the first row, as a text: what segments are told by.
pub fn first_of_column(schema: &Schema, table: &Table, column: &str) -> Option<String> {
    let (at, _) = schema.named(column)?;
    match of_values(table.inputs().get(at)?, 0)? {
        Found::Number(number) => Some(number.to_string()),
        Found::Label(label) | Found::Highest(label) => Some(label.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use turnout_tables::Datatype;

    use super::*;
    use crate::endpoint::Outcome;

    fn told(document: Value) -> OutcomeKind {
        serde_json::from_value::<Outcome>(document).unwrap().kind
    }

    fn output(name: &str, row_shape: &[usize], values: Values) -> Output {
        Output { name: name.to_owned(), datatype: Datatype::F32, row_shape: row_shape.to_vec(), keys: None, values }
    }

    fn class(label: &str, score: Option<f64>) -> Option<Predicted> {
        Some(Predicted::Class { class: Label::of_text(label).unwrap().class(), score })
    }

    #[test]
    fn classes_and_scores_stand_in_a_models_outputs() {
        let mut keyed = output("probabilities", &[2], Values::F32(vec![0.25, 0.75, 0.5, 0.5]));
        keyed.keys = Some(["no".to_owned(), "yes".to_owned()].into());
        let label = output("label", &[], Values::Text(vec!["yes".to_owned(), "no".to_owned()]));
        let both = Outputs::new(2, vec![label, keyed]).unwrap();
        let of = |document, row| Predicted::of_outputs(&told(document), &both, row);
        let by_key = json!({"kind": "label", "label": {"output": "label"}, "score": {"output": "probabilities", "class": "yes"}, "positive": "yes"});
        assert_eq!(of(by_key.clone(), 0), class("yes", Some(0.75)));
        assert_eq!(of(by_key, 1), class("no", Some(0.5)));
        assert_eq!(of(json!({"kind": "label"}), 1), class("no", None));
        // The highest of several is the class; of equal ones, the first.
        let highest = json!({"kind": "label", "label": {"output": "probabilities"}});
        assert_eq!(of(highest.clone(), 0), class("yes", None));
        assert_eq!(of(highest, 1), class("no", None));
        // A score alone, and a threshold.
        let score = json!({"kind": "label", "score": {"output": "probabilities", "class": "yes"}, "positive": "yes", "threshold": 0.6});
        assert_eq!(of(score.clone(), 0), class("yes", Some(0.75)));
        let other = of(score, 1).unwrap();
        assert!(
            other != class("yes", Some(0.5)).unwrap() && matches!(other, Predicted::Class { score: Some(0.5), .. })
        );
        for nothing in
            [json!({"kind": "reward"}), json!({"kind": "label", "label": {"output": "none"}}), json!({"kind": "value"})]
        {
            assert_eq!(of(nothing.clone(), 0), None, "{nothing}");
        }
    }

    #[test]
    fn segments_are_told_by_a_column_of_the_first_row() {
        let input = |name: &str, datatype| turnout_tables::Input::new(name.to_owned(), datatype, vec![1]).unwrap();
        let schema = Schema::new(vec![input("country", Datatype::Text), input("age", Datatype::F32)]).unwrap();
        let inputs = vec![Values::Text(vec!["de".to_owned(), "fr".to_owned()]), Values::F32(vec![42.0, 7.0])];
        let table = Table::new(&schema, 2, inputs).unwrap();
        let first = |column| first_of_column(&schema, &table, column);
        assert_eq!(
            [first("country"), first("age"), first("none")],
            [Some("de".to_owned()), Some("42".to_owned()), None]
        );
    }

    #[test]
    fn an_only_output_needs_no_name() {
        let only = |values| Outputs::new(1, vec![output("variable", &[], values)]).unwrap();
        let value = told(json!({"kind": "value"}));
        assert_eq!(Predicted::of_outputs(&value, &only(Values::F32(vec![2.5])), 0), Some(Predicted::Number(2.5)));
        assert_eq!(Predicted::of_outputs(&value, &only(Values::F32(vec![f32::NAN])), 0), None);
        let label = told(json!({"kind": "label"}));
        for (values, expected) in [
            (Values::I64(vec![7]), "7"),
            (Values::F64(vec![7.0]), "7"),
            (Values::Bool(vec![true]), "true"),
            (Values::Text(vec!["7".to_owned()]), "7"),
        ] {
            assert_eq!(Predicted::of_outputs(&label, &only(values), 0), class(expected, None));
        }
        let wide = Outputs::new(1, vec![output("logits", &[3], Values::F32(vec![-1.0, 2.0, 2.0]))]).unwrap();
        assert_eq!(Predicted::of_outputs(&label, &wide, 0), class("1", None));
        let second = told(json!({"kind": "value", "value": {"class": 2}}));
        assert_eq!(Predicted::of_outputs(&second, &wide, 0), Some(Predicted::Number(2.0)));
    }

    #[test]
    fn origins_answer_in_many_ways() {
        let by_name = told(
            json!({"kind": "label", "label": {"output": "label"}, "score": {"output": "scores", "class": "yes"}, "positive": "yes"}),
        );
        for answer in [
            json!({"predictions": [{"label": "yes", "scores": {"no": 0.25, "yes": 0.75}}]}),
            json!([{"label": "yes", "scores": {"no": 0.25, "yes": 0.75}}]),
            json!({"label": "yes", "scores": {"yes": 0.75}}),
        ] {
            assert_eq!(Predicted::of_json(&by_name, &answer, 0), class("yes", Some(0.75)), "{answer}");
            assert_eq!(Predicted::of_json(&by_name, &answer, 1), None);
        }
        let value = told(json!({"kind": "value"}));
        for answer in [json!({"predictions": [1.5]}), json!([1.5]), json!(1.5), json!({"predictions": [[1.5]]})] {
            assert_eq!(Predicted::of_json(&value, &answer, 0), Some(Predicted::Number(1.5)), "{answer}");
        }
        let pointed = told(json!({"kind": "value", "value": {"pointer": "/data/0/y"}}));
        assert_eq!(Predicted::of_json(&pointed, &json!({"data": [{"y": 2}]}), 0), Some(Predicted::Number(2.0)));
        let label = told(json!({"kind": "label"}));
        assert_eq!(Predicted::of_json(&label, &json!({"predictions": [[0.1, 0.7, 0.2]]}), 0), class("1", None));
        assert_eq!(
            Predicted::of_json(&label, &json!({"predictions": [{"label": 3.0}, {"label": "b"}]}), 1),
            class("b", None)
        );
        assert_eq!(Predicted::of_csv(&value, b"0.5\n1.5\n", 1), Some(Predicted::Number(1.5)));
        let second = told(json!({"kind": "label", "label": {"class": 1}}));
        assert_eq!(Predicted::of_csv(&second, b"0.5,yes\n", 0), class("yes", None));
        for broken in [json!(null), json!({}), json!({"predictions": []}), json!("")] {
            assert_eq!(Predicted::of_json(&value, &broken, 0), None, "{broken}");
        }
    }
}
