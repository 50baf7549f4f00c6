//! What a model answers, and how it is written.
//!
//! A prediction is one row's share of the outputs: the bare value where the model has one output, else an object
//! by output name. As CSV it is a line: all outputs, in the model's order, side by side.

use std::io::Write;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::Format;

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
    /// Shape of one row's share: empty for a number a row.
    pub row_shape: Vec<usize>,
    /// All rows' values, row by row.
    pub values: Values,
}

/// Values of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// Integers of any size.
    I64(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
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
            Format::Csv => {
                for row in 0..self.rows {
                    let mut separator = "";
                    for output in &self.outputs {
                        let width = output.row_shape.iter().product();
                        for column in 0..width {
                            write!(body, "{separator}")?;
                            output.values.write(&mut body, row.saturating_mul(width).saturating_add(column))?;
                            separator = ",";
                        }
                    }
                    body.push(b'\n');
                }
            }
        }
        Ok(body)
    }
}

impl Values {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::Bool(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts `more` behind these; `false` if they are of another type.
    pub fn append(&mut self, more: Values) -> bool {
        match (self, more) {
            (Values::F32(values), Values::F32(more)) => values.extend(more),
            (Values::F64(values), Values::F64(more)) => values.extend(more),
            (Values::I64(values), Values::I64(more)) => values.extend(more),
            (Values::Bool(values), Values::Bool(more)) => values.extend(more),
            _ => return false,
        }
        true
    }

    /// The shortest text that reads back as the same number, as JSON has it too.
    fn write(&self, to: &mut Vec<u8>, at: usize) -> std::io::Result<()> {
        Ok(serde_json::to_writer(to, &Element { values: self, at })?)
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

/// A part of an output's row: nested lists that follow the shape, numbers at the end of it.
struct RowOf<'a> {
    values: &'a Values,
    shape: &'a [usize],
    offset: usize,
}

impl<'a> RowOf<'a> {
    fn whole(output: &'a Output, row: usize) -> Self {
        let width: usize = output.row_shape.iter().product();
        RowOf { values: &output.values, shape: &output.row_shape, offset: row.saturating_mul(width) }
    }
}

impl Serialize for RowOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((size, shape)) = self.shape.split_first() else {
            return Element { values: self.values, at: self.offset }.serialize(serializer);
        };
        let stride: usize = shape.iter().product();
        let mut list = serializer.serialize_seq(Some(*size))?;
        for item in 0..*size {
            list.serialize_element(&RowOf {
                values: self.values,
                shape,
                offset: self.offset.saturating_add(item.saturating_mul(stride)),
            })?;
        }
        list.end()
    }
}

struct Element<'a> {
    values: &'a Values,
    at: usize,
}

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `Outputs::new` has checked the lengths, so nothing saturates and nothing is missing; a number that JSON cannot hold, such as NaN, is written as null.
        match self.values {
            Values::F32(values) => values.get(self.at).serialize(serializer),
            Values::F64(values) => values.get(self.at).serialize(serializer),
            Values::I64(values) => values.get(self.at).serialize(serializer),
            Values::Bool(values) => values.get(self.at).serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(name: &str, row_shape: &[usize], values: Values) -> Output {
        Output { name: name.to_owned(), row_shape: row_shape.to_vec(), values }
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
