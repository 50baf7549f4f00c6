//! What a model answers, as it is written.
//!
//! A prediction is one row's share of the outputs: the bare value where the model has one output, else an object
//! by output name. As CSV it is a line: all outputs, in the model's order, side by side.
//!
//! SageMaker's XGBoost container writes one output as `{"score": value}` instead, and numbers of 32 bits as the numbers of
//! 64 bits that they are, with all their digits (`serve.py` and `serve_utils.py` of aws/sagemaker-xgboost-container). It
//! writes NaN into JSON, which JSON has not: here it is null.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use turnout_tables::{Output, Outputs, RowsError, Values, rows_within};

use super::accept::Format;
use crate::endpoint::AnswerForm;

/// Writes outputs in so many bytes at most: `{"predictions": [...]}`, or a line a row.
///
/// # Errors
/// If they need more bytes.
pub fn encode(outputs: &Outputs, format: Format, form: AnswerForm, most_bytes: usize) -> Result<Vec<u8>, RowsError> {
    let outputs = match form {
        AnswerForm::Plain => Cow::Borrowed(outputs),
        AnswerForm::SageMakerXGBoost => as_scores(outputs),
    };
    bounded(outputs.rows(), most_bytes, |body| write(&outputs, format, form, body))
}

/// Writes outputs in so many bytes at most as TensorFlow Serving does in answer to columns: `{"outputs": {name: [...]}}`, or the
/// one output's list alone.
///
/// # Errors
/// If they need more bytes.
pub fn encode_columns(outputs: &Outputs, most_bytes: usize) -> Result<Vec<u8>, RowsError> {
    #[derive(Serialize)]
    struct Answer<'a> {
        outputs: Columns<'a>,
    }
    bounded(outputs.rows(), most_bytes, |body| Ok(serde_json::to_writer(body, &Answer { outputs: Columns(outputs) })?))
}

/// What `write` writes of so many rows, if that has so many bytes at most.
///
/// # Errors
/// If it has more: how many rows to send, as far as each needs as much as the others.
pub fn bounded(
    rows: usize,
    most_bytes: usize,
    write: impl FnOnce(&mut Bounded) -> io::Result<()>,
) -> Result<Vec<u8>, RowsError> {
    let mut body = Bounded { kept: Vec::new(), most_bytes, bytes: 0 };
    // Writing values into memory does not fail.
    let _ = write(&mut body);
    let Bounded { kept, bytes, .. } = body;
    if bytes <= most_bytes {
        return Ok(kept);
    }
    match rows_within(most_bytes, rows, bytes) {
        Some(most) if most > 0 => Err(RowsError::TooMany { rows, most }),
        _ => Err(RowsError::Answer { bytes: bytes.checked_div(rows).unwrap_or(bytes), most: most_bytes }),
    }
}

/// A body that is kept as long as it is small enough, and only counted from there on.
pub struct Bounded {
    kept: Vec<u8>,
    most_bytes: usize,
    bytes: usize,
}

impl Bounded {
    /// How many bytes have been written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes <= self.most_bytes {
            self.kept.extend_from_slice(bytes);
        } else {
            self.kept = Vec::new();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The outputs as that container has them: numbers of 32 bits as numbers of 64, and a list of one value as that value.
fn as_scores(outputs: &Outputs) -> Cow<'_, Outputs> {
    let scores = outputs.outputs().iter().map(|output| {
        let values = match &output.values {
            Values::F32(values) => Values::F64(values.iter().copied().map(f64::from).collect()),
            values => values.clone(),
        };
        let is_one = output.row_shape == [1] && output.keys.is_none();
        let row_shape = if is_one { Vec::new() } else { output.row_shape.clone() };
        Output { name: output.name.clone(), row_shape, keys: output.keys.clone(), values, ..*output }
    });
    // They are as many values as before, so they fit.
    Outputs::new(outputs.rows(), scores.collect()).map_or(Cow::Borrowed(outputs), Cow::Owned)
}

fn write(outputs: &Outputs, format: Format, form: AnswerForm, body: &mut Bounded) -> io::Result<()> {
    match format {
        Format::Json => {
            #[derive(Serialize)]
            struct Answer<'a> {
                predictions: Predictions<'a>,
            }
            serde_json::to_writer(body, &Answer { predictions: Predictions { outputs, form } })?;
        }
        Format::JsonLines => {
            for row in 0..outputs.rows() {
                serde_json::to_writer(&mut *body, &Prediction { outputs: outputs.outputs(), form, row })?;
                body.write_all(b"\n")?;
            }
        }
        Format::Csv => write_csv(outputs, form, body)?,
    }
    Ok(())
}

fn write_csv(outputs: &Outputs, form: AnswerForm, body: &mut Bounded) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(body);
    let mut number = Vec::new();
    for row in 0..outputs.rows() {
        for output in outputs.outputs() {
            let width: usize = output.row_shape.iter().product();
            for column in 0..width {
                let value = Value::new(&output.values, row.saturating_mul(width).saturating_add(column));
                if let Some(text) = value.text().or_else(|| value.beyond_json().filter(|_| !form.is_plain())) {
                    writer.write_field(text)?;
                } else {
                    number.clear();
                    serde_json::to_writer(&mut number, &value)?;
                    writer.write_field(&number)?;
                }
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

struct Predictions<'a> {
    outputs: &'a Outputs,
    form: AnswerForm,
}

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Predictions { outputs, form } = *self;
        serializer.collect_seq((0..outputs.rows()).map(|row| Prediction { outputs: outputs.outputs(), form, row }))
    }
}

struct Columns<'a>(&'a Outputs);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let column = |output| Column { output, rows: self.0.rows() };
        match self.0.outputs() {
            [only] => column(only).serialize(serializer),
            outputs => serializer.collect_map(outputs.iter().map(|output| (&output.name, column(output)))),
        }
    }
}

struct Column<'a> {
    output: &'a Output,
    rows: usize,
}

impl Serialize for Column<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.rows).map(|row| RowOf::whole(self.output, row)))
    }
}

struct Prediction<'a> {
    outputs: &'a [Output],
    form: AnswerForm,
    row: usize,
}

impl Serialize for Prediction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let share = |output| RowOf::whole(output, self.row);
        match (self.outputs, self.form) {
            ([only], AnswerForm::Plain) => return share(only).serialize(serializer),
            ([only], AnswerForm::SageMakerXGBoost) => return serializer.collect_map([("score", share(only))]),
            _ => {}
        }
        let mut members = serializer.serialize_map(Some(self.outputs.len()))?;
        for output in self.outputs {
            members.serialize_entry(&output.name, &share(output))?;
        }
        members.end()
    }
}

/// A part of an output's row: nested lists that follow the shape, values at the end of it; a map where it has keys.
struct RowOf<'a> {
    values: &'a Values,
    shape: &'a [usize],
    keys: Option<&'a [String]>,
    offset: usize,
}

impl<'a> RowOf<'a> {
    fn whole(output: &'a Output, row: usize) -> Self {
        let width: usize = output.row_shape.iter().product();
        let keys = output.keys.as_deref();
        RowOf { values: &output.values, shape: &output.row_shape, keys, offset: row.saturating_mul(width) }
    }
}

impl Serialize for RowOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((size, shape)) = self.shape.split_first() else {
            return Value::new(self.values, self.offset).serialize(serializer);
        };
        if let (Some(keys), []) = (self.keys, shape) {
            return serializer.collect_map(keys.iter().zip((self.offset..).map(|at| Value::new(self.values, at))));
        }
        let stride: usize = shape.iter().product();
        let mut list = serializer.serialize_seq(Some(*size))?;
        for item in 0..*size {
            list.serialize_element(&RowOf {
                values: self.values,
                shape,
                keys: self.keys,
                offset: self.offset.saturating_add(item.saturating_mul(stride)),
            })?;
        }
        list.end()
    }
}

/// All values of an output, as a flat list; numbers are written as those of predictions are.
pub struct Flat<'a>(pub &'a Values);

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.len()).map(|at| Value::new(self.0, at)))
    }
}

struct Value<'a> {
    values: &'a Values,
    at: usize,
}

impl<'a> Value<'a> {
    fn new(values: &'a Values, at: usize) -> Self {
        Value { values, at }
    }

    fn text(&self) -> Option<&str> {
        match self.values {
            Values::Text(values) => values.get(self.at).map(String::as_str),
            _ => None,
        }
    }

    /// A number that JSON cannot hold, as Python writes it.
    fn beyond_json(&self) -> Option<&'static str> {
        let Values::F64(values) = self.values else { return None };
        match *values.get(self.at)? {
            number if number.is_nan() => Some("nan"),
            f64::INFINITY => Some("inf"),
            f64::NEG_INFINITY => Some("-inf"),
            _ => None,
        }
    }
}

impl Serialize for Value<'_> {
    /// The shortest text that reads back as the same number. One that JSON cannot hold, such as NaN, is written as null.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `Outputs::new` has checked the lengths, so nothing is missing.
        match self.values {
            Values::F32(values) => values.get(self.at).serialize(serializer),
            Values::F64(values) => values.get(self.at).serialize(serializer),
            Values::I64(values) => values.get(self.at).serialize(serializer),
            Values::Bool(values) => values.get(self.at).serialize(serializer),
            Values::Text(values) => values.get(self.at).serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use turnout_tables::Datatype;

    use super::*;

    fn output(name: &str, row_shape: &[usize], values: Values) -> Output {
        let datatype = Datatype::F32; // Tables do not tell.
        Output { name: name.to_owned(), datatype, row_shape: row_shape.to_vec(), keys: None, values }
    }

    fn text(outputs: &Outputs, format: Format) -> String {
        written(outputs, format, AnswerForm::Plain)
    }

    fn written(outputs: &Outputs, format: Format, form: AnswerForm) -> String {
        String::from_utf8(encode(outputs, format, form, usize::MAX).unwrap()).unwrap()
    }

    /// What `json.dumps({"predictions": [{"score": x} for x in predictions.tolist()]})` and `csv.writer` write of the same
    /// float32 array, but for spaces.
    #[test]
    fn sagemakers_xgboost_container_writes_scores_in_full() {
        let form = AnswerForm::SageMakerXGBoost;
        let one = |row_shape: &[usize], values: Vec<f32>| {
            let rows = values.len() / row_shape.iter().product::<usize>();
            Outputs::new(rows, vec![output("prediction", row_shape, Values::F32(values))]).unwrap()
        };
        let scores = one(&[], vec![0.1, 0.9]);
        let json = r#"{"predictions":[{"score":0.10000000149011612},{"score":0.8999999761581421}]}"#;
        assert_eq!(written(&scores, Format::Json, form), json);
        let lines = "{\"score\":0.10000000149011612}\n{\"score\":0.8999999761581421}\n";
        assert_eq!(written(&scores, Format::JsonLines, form), lines);
        assert_eq!(written(&scores, Format::Csv, form), "0.10000000149011612\n0.8999999761581421\n");
        // Of several classes.
        let probabilities = one(&[2], vec![0.25, 0.75, 1.0, 0.0]);
        let json = r#"{"predictions":[{"score":[0.25,0.75]},{"score":[1.0,0.0]}]}"#;
        assert_eq!(written(&probabilities, Format::Json, form), json);
        assert_eq!(written(&probabilities, Format::Csv, form), "0.25,0.75\n1.0,0.0\n");
        let beyond = one(&[], vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(written(&beyond, Format::Csv, form), "nan\ninf\n-inf\n");
        let json = r#"{"predictions":[{"score":null},{"score":null},{"score":null}]}"#;
        assert_eq!(written(&beyond, Format::Json, form), json);
        // What the container never answers: several outputs, by name.
        let label = || output("label", &[], Values::I64(vec![1]));
        let several = Outputs::new(1, vec![label(), output("p", &[1], Values::F32(vec![0.5]))]).unwrap();
        assert_eq!(written(&several, Format::Json, form), r#"{"predictions":[{"label":1,"p":0.5}]}"#);
        assert_eq!(written(&several, Format::Csv, form), "1,0.5\n");
    }

    #[test]
    fn several_outputs_are_objects_by_name() {
        let outputs = Outputs::new(
            2,
            vec![
                output("label", &[], Values::I64(vec![3, 4])),
                output("probabilities", &[2], Values::F32(vec![0.1, 0.9, 1.0, 0.0])),
            ],
        )
        .unwrap();
        let json = r#"{"predictions":[{"label":3,"probabilities":[0.1,0.9]},{"label":4,"probabilities":[1.0,0.0]}]}"#;
        assert_eq!(text(&outputs, Format::Json), json);
        assert_eq!(text(&outputs, Format::Csv), "3,0.1,0.9\n4,1.0,0.0\n");
        let lines = "{\"label\":3,\"probabilities\":[0.1,0.9]}\n{\"label\":4,\"probabilities\":[1.0,0.0]}\n";
        assert_eq!(text(&outputs, Format::JsonLines), lines);
    }

    #[test]
    fn one_output_is_bare_and_nested_by_its_shape() {
        let outputs = Outputs::new(1, vec![output("x", &[2, 2], Values::F64(vec![1.5, f64::NAN, 3.0, 4.0]))]).unwrap();
        assert_eq!(text(&outputs, Format::Json), r#"{"predictions":[[[1.5,null],[3.0,4.0]]]}"#);
        let outputs = Outputs::new(2, vec![output("x", &[], Values::Bool(vec![true, false]))]).unwrap();
        assert_eq!(text(&outputs, Format::Json), r#"{"predictions":[true,false]}"#);
    }

    #[test]
    fn an_answer_is_bounded_in_bytes() {
        let outputs = Outputs::new(3, vec![output("x", &[2], Values::I64(vec![1, 2, 3, 4, 5, 6]))]).unwrap();
        for format in [Format::Json, Format::JsonLines, Format::Csv] {
            let whole = text(&outputs, format);
            let encode = |most| encode(&outputs, format, AnswerForm::Plain, most);
            assert_eq!(encode(whole.len()), Ok(whole.clone().into_bytes()));
            assert_eq!(encode(whole.len() - 1), Err(RowsError::TooMany { rows: 3, most: 2 }));
            assert_eq!(encode(1), Err(RowsError::Answer { bytes: whole.len() / 3, most: 1 }));
        }
    }
}
