//! What a model answers, and how it is written.
//!
//! A prediction is one row's share of the outputs: the bare value where the model has one output, else an object
//! by output name. As CSV it is a line: all outputs, in the model's order, side by side.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::{Datatype, Format, Values};

/// The outputs of a model for some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    rows: usize,
    outputs: Vec<Output>,
}

/// One output for all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The model's name for it.
    pub name: String,
    /// What its values are.
    pub datatype: Datatype,
    /// Shape of one row's share: empty for a value a row.
    pub row_shape: Vec<usize>,
    /// Names of the values in a row, where it is a map from them to its values.
    pub keys: Option<Arc<[String]>>,
    /// All rows' values, row by row.
    pub values: Values,
}

impl Outputs {
    /// `None` if an output's values are not `rows` times its row shape.
    pub fn new(rows: usize, outputs: Vec<Output>) -> Option<Self> {
        let fits = |output: &Output| {
            let width = output.row_shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
            (width.checked_mul(rows)? == output.values.len()).then_some(())
        };
        outputs.iter().all(|output| fits(output).is_some()).then_some(Outputs { rows, outputs })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The outputs, in the model's order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Writes them: `{"predictions": [...]}`, or a line a row.
    ///
    /// # Errors
    /// None in practice: writing numbers into memory does not fail.
    pub fn encode(&self, format: Format) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        match format {
            Format::Json => {
                #[derive(Serialize)]
                struct Answer<'a> {
                    predictions: Predictions<'a>,
                }
                serde_json::to_writer(&mut body, &Answer { predictions: Predictions(self) })?;
            }
            Format::JsonLines => {
                for row in 0..self.rows {
                    serde_json::to_writer(&mut body, &Prediction { outputs: &self.outputs, row })?;
                    body.push(b'\n');
                }
            }
            Format::Csv => self.encode_csv(&mut body)?,
        }
        Ok(body)
    }

    fn encode_csv(&self, body: &mut Vec<u8>) -> std::io::Result<()> {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(body);
        let mut number = Vec::new();
        for row in 0..self.rows {
            for output in &self.outputs {
                let width: usize = output.row_shape.iter().product();
                for column in 0..width {
                    let value = output.values.at(row.saturating_mul(width).saturating_add(column));
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

    /// The output of that name alone; `None` if there is none.
    pub fn select(mut self, name: &str) -> Option<Self> {
        let at = self.outputs.iter().position(|output| output.name == name)?;
        let output = self.outputs.swap_remove(at);
        Some(Outputs { outputs: vec![output], ..self })
    }
}

struct Predictions<'a>(&'a Outputs);

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.rows).map(|row| Prediction { outputs: &self.0.outputs, row }))
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
            return self.values.at(self.offset).serialize(serializer);
        };
        if let (Some(keys), []) = (self.keys, shape) {
            return serializer.collect_map(keys.iter().zip((self.offset..).map(|at| self.values.at(at))));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn output(name: &str, row_shape: &[usize], values: Values) -> Output {
        let datatype = Datatype::F32; // Tables do not tell.
        Output { name: name.to_owned(), datatype, row_shape: row_shape.to_vec(), keys: None, values }
    }

    fn text(outputs: &Outputs, format: Format) -> String {
        String::from_utf8(outputs.encode(format).unwrap()).unwrap()
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
    fn shapes_that_do_not_fit_are_refused() {
        assert_eq!(Outputs::new(2, vec![output("x", &[2], Values::I64(vec![1, 2, 3]))]), None);
        assert_eq!(Outputs::new(2, vec![output("x", &[usize::MAX, 2], Values::I64(vec![]))]), None);
    }
}
