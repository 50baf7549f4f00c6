//! What a model answers, as it is written.
//!
//! A prediction is one row's share of the outputs: the bare value where the model has one output, else an object
//! by output name. As CSV it is a line: all outputs, in the model's order, side by side.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use turnout_tables::{Output, Outputs, Values};

use super::accept::Format;

/// Writes outputs: `{"predictions": [...]}`, or a line a row.
///
/// # Errors
/// None in practice: writing numbers into memory does not fail.
pub fn encode(outputs: &Outputs, format: Format) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match format {
        Format::Json => {
            #[derive(Serialize)]
            struct Answer<'a> {
                predictions: Predictions<'a>,
            }
            serde_json::to_writer(&mut body, &Answer { predictions: Predictions(outputs) })?;
        }
        Format::JsonLines => {
            for row in 0..outputs.rows() {
                serde_json::to_writer(&mut body, &Prediction { outputs: outputs.outputs(), row })?;
                body.push(b'\n');
            }
        }
        Format::Csv => encode_csv(outputs, &mut body)?,
    }
    Ok(body)
}

fn encode_csv(outputs: &Outputs, body: &mut Vec<u8>) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(body);
    let mut number = Vec::new();
    for row in 0..outputs.rows() {
        for output in outputs.outputs() {
            let width: usize = output.row_shape.iter().product();
            for column in 0..width {
                let value = Value::new(&output.values, row.saturating_mul(width).saturating_add(column));
                if let Some(text) = value.text() {
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

struct Predictions<'a>(&'a Outputs);

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.rows()).map(|row| Prediction { outputs: self.0.outputs(), row }))
    }
}

struct Prediction<'a> {
    outputs: &'a [Output],
    row: usize,
}

impl Serialize for Prediction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let share = |output| RowOf::whole(output, self.row);
        if let [only] = self.outputs {
            return share(only).serialize(serializer);
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
        String::from_utf8(encode(outputs, format).unwrap()).unwrap()
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
}
