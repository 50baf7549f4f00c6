//! A saved booster behind the schema and the limits of a model.

use std::collections::HashMap;
use std::ops::Range;

use turnout_tables::{
    Datatype, Description, Input, LoadOptions, Output, OutputSignature, Outputs, RowsRule, RunError, Schema, Table,
    Values, rows_within,
};

use super::{Categories, Predictor, Saved, Unseen};
use crate::error::LoadError;

/// A saved booster, ready to run.
#[derive(Debug)]
pub struct Booster {
    predictor: Box<dyn Predictor>,
    features: usize,
    datatype: Datatype,
    /// By feature: the codes of names, and what others are taken for.
    categories: HashMap<usize, Codes>,
    description: Description,
}

#[derive(Debug)]
struct Codes {
    by_name: HashMap<String, f64>,
    unseen: Unseen,
}

impl Booster {
    /// Rows that are put row by row and run at once: more gain nothing, and leave the processor's caches.
    const MAX_ROWS: usize = 1024;

    /// Gives a booster the schema of its features: an input for each where they have names, else one of all of them.
    ///
    /// # Errors
    /// If a row is larger than the limits allow, or a shape is said for it that it does not have.
    pub fn new(saved: Saved, options: &LoadOptions) -> Result<Booster, LoadError> {
        let Saved { features, mut names, datatype, categories, predictor } = saved;
        if features > Schema::MAX_COLUMNS {
            return Err(LoadError::Width { width: features });
        }
        if names.is_empty() && !categories.is_empty() {
            // A feature of names is a column of its own, so all are.
            names = (0..features).map(|feature| format!("f{feature}")).collect();
        }
        let inputs = if names.is_empty() {
            vec![Input::new("features".to_owned(), datatype, vec![features]).ok_or(LoadError::NoInputs)?]
        } else {
            let types = (0..).map(|at| if categories.contains_key(&at) { Datatype::Text } else { datatype });
            let inputs = names.into_iter().zip(types).map(|(name, datatype)| Input::new(name, datatype, Vec::new()));
            inputs.collect::<Option<Vec<Input>>>().ok_or(LoadError::NoInputs)?
        };
        check_shapes(&inputs, options)?;
        let schema = Schema::new(inputs).ok_or(LoadError::NoInputs)?;
        let outputs = predictor.outputs();
        let limits = &options.limits;
        let answer = outputs.iter().map(bytes_of_row).fold(0, usize::saturating_add);
        let most = rows_within(limits.answer_bytes, 1, answer).unwrap_or(limits.rows).min(limits.rows);
        // Its values twice, as the trees look at them in columns of their own; and the answer twice, once before the
        // objective.
        let row = features.saturating_mul(size_of::<f64>()).saturating_add(answer).saturating_mul(2);
        let too_large = |what: &str, bytes: usize, most: usize| {
            let (bytes, most) = (bytes as u64, most as u64);
            LoadError::Memory { what: what.to_owned(), bytes, most }
        };
        if row > limits.run_bytes {
            return Err(too_large("a run", row, limits.run_bytes));
        }
        if most == 0 {
            return Err(too_large("its answer", answer, limits.answer_bytes));
        }
        let run_bytes = row.saturating_mul(Self::MAX_ROWS.min(most)).min(limits.run_bytes) as u64;
        let rows = RowsRule { most, batch: None };
        let default_output = if outputs.len() > 1 { Some(0) } else { None };
        let description = Description { schema, outputs, default_output, rows, run_bytes };
        let categories = categories.into_iter().map(|(feature, categories)| (feature, Codes::from(categories)));
        Ok(Booster { predictor, features, datatype, categories: categories.collect(), description })
    }

    /// What it takes and gives.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Answers all outputs to rows, as many at once as fit.
    ///
    /// # Errors
    /// If the model fails, or a value is none that it knows.
    pub fn run(&self, table: &Table) -> Result<Outputs, RunError> {
        let rows = table.rows();
        let at_once = self.rows_at_once();
        let mut gathered: Vec<Values> = Vec::new();
        for start in (0..rows).step_by(at_once) {
            let range = start..start.saturating_add(at_once).min(rows);
            let count = range.len();
            let answered = match table.inputs() {
                [whole] if range == (0..rows) && self.categories.is_empty() => self.predictor.run(count, whole)?,
                inputs => self.predictor.run(count, &self.row_by_row(inputs, range)?)?,
            };
            if gathered.is_empty() {
                gathered = answered;
                continue;
            }
            for (whole, part) in gathered.iter_mut().zip(answered) {
                if !whole.append(part) {
                    return Err(failed("an output changes its type from row to row"));
                }
            }
        }
        let outputs = self.description.outputs.iter().zip(gathered).map(|(signature, values)| Output {
            name: signature.name.clone(),
            datatype: signature.datatype,
            row_shape: signature.row_shape.iter().copied().flatten().collect(),
            keys: None,
            values,
        });
        Outputs::new(rows, outputs.collect()).ok_or_else(|| failed("an output does not have a row for each row"))
    }

    fn rows_at_once(&self) -> usize {
        let row = self.features.saturating_mul(size_of::<f64>()).max(1);
        // What a block takes stays below a few megabytes, whatever a row has.
        (4usize << 20).checked_div(row).unwrap_or(1).clamp(1, Self::MAX_ROWS)
    }

    /// Some rows of a table, row by row.
    fn row_by_row(&self, inputs: &[Values], rows: Range<usize>) -> Result<Values, RunError> {
        let count = rows.len().saturating_mul(self.features);
        match self.datatype {
            Datatype::F64 => {
                let mut values = vec![f64::NAN; count];
                self.fill(inputs, rows, &mut values, |value| value)?;
                Ok(Values::F64(values))
            }
            _ => {
                let mut values = vec![f32::NAN; count];
                self.fill(inputs, rows, &mut values, |value| value as f32)?;
                Ok(Values::F32(values))
            }
        }
    }

    /// Puts rows of each input where they stand row by row.
    fn fill<T: Copy>(
        &self,
        inputs: &[Values],
        rows: Range<usize>,
        into: &mut [T],
        from_f64: impl Fn(f64) -> T,
    ) -> Result<(), RunError> {
        let mut first = 0usize;
        for (input, values) in self.description.schema.inputs().iter().zip(inputs) {
            let width = input.width();
            let range = rows.start.saturating_mul(width)..rows.end.saturating_mul(width);
            let other = || failed("the table was made for another model");
            let stride = self.features.max(1);
            let places = into.chunks_mut(stride).filter_map(|row| row.get_mut(first..first.saturating_add(width)));
            match values {
                Values::F32(values) => {
                    let values = values.get(range).ok_or_else(other)?.chunks(width);
                    places.zip(values).for_each(|(places, values)| {
                        places.iter_mut().zip(values).for_each(|(place, value)| *place = from_f64(f64::from(*value)));
                    });
                }
                Values::F64(values) => {
                    let values = values.get(range).ok_or_else(other)?.chunks(width);
                    places.zip(values).for_each(|(places, values)| {
                        places.iter_mut().zip(values).for_each(|(place, value)| *place = from_f64(*value));
                    });
                }
                Values::Text(values) => {
                    let codes = self.categories.get(&first).ok_or_else(other)?;
                    let values = values.get(range).ok_or_else(other)?;
                    for (places, value) in places.zip(values) {
                        let code = codes.of(value).map_err(|()| unseen(&input.name, value))?;
                        places.iter_mut().for_each(|place| *place = from_f64(code));
                    }
                }
                Values::I64(_) | Values::Bool(_) => return Err(other()),
            }
            first = first.saturating_add(width);
        }
        Ok(())
    }
}

impl From<Categories> for Codes {
    fn from(Categories { names, unseen }: Categories) -> Self {
        let codes = (0u32..).map(f64::from);
        Codes { by_name: names.into_iter().zip(codes).collect(), unseen }
    }
}

impl Codes {
    /// The code of a value; NaN for a missing one, which is empty. `Err` if it is unknown and not to be.
    fn of(&self, value: &str) -> Result<f64, ()> {
        match self.by_name.get(value) {
            Some(code) => Ok(*code),
            None if value.is_empty() || self.unseen == Unseen::Missing => Ok(f64::NAN),
            None => Err(()),
        }
    }
}

fn unseen(feature: &str, value: &str) -> RunError {
    let value: String = value.chars().take(100).collect();
    RunError::Value(format!("`{feature}` is \"{value}\", a category that the model was not trained with"))
}

fn failed(problem: impl Into<String>) -> RunError {
    RunError::Failed(problem.into())
}

fn bytes_of_row(output: &OutputSignature) -> usize {
    let width = output.row_shape.iter().fold(1usize, |width, size| width.saturating_mul(size.unwrap_or(1)));
    let bytes = match output.datatype.values() {
        Values::F32(_) => size_of::<f32>(),
        _ => size_of::<f64>(),
    };
    width.saturating_mul(bytes)
}

/// A shape that is said is the one that there is.
fn check_shapes(inputs: &[Input], options: &LoadOptions) -> Result<(), LoadError> {
    for (name, given) in &options.shapes {
        let Some(input) = inputs.iter().find(|input| input.name == *name) else {
            let known: Vec<&str> = inputs.iter().take(100).map(|input| input.name.as_str()).collect();
            return Err(LoadError::NoSuchInput { name: name.clone(), known: known.join(", ") });
        };
        if input.row_shape != *given {
            let declared = std::iter::once("?".to_owned()).chain(input.row_shape.iter().map(usize::to_string));
            let declared = format!("[{}]", declared.collect::<Vec<_>>().join(", "));
            return Err(LoadError::OtherShape { name: name.clone(), declared, given: format!("{given:?}") });
        }
    }
    Ok(())
}
