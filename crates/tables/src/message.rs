//! What crosses between the worker and an engine that has a memory of its own: flat bytes, made anew for each call. Both sides
//! are built together, so there is no version in them.

use std::sync::Arc;

use super::bytes::{Reader, Writer, bytes_of};
use super::datatype::Datatype;
use super::description::{Description, OutputSignature, RowsRule};
use super::error::RunError;
use super::limits::{Limits, LoadOptions};
use super::outputs::{Output, Outputs};
use super::schema::{Input, Schema};
use super::table::Table;

/// A message is not what it should be: the two sides were not built together, or a memory was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message to or from the engine is broken")]
pub struct Broken;

/// What the last words of an instance that had too little memory begin with.
pub const OUT_OF_MEMORY: &str = "out of memory";

/// Asks for a file to be loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// SHA-256 that the file has to have; any, if there is none.
    pub digest: Option<[u8; 32]>,
    /// How it is loaded.
    pub options: LoadOptions,
}

/// What there is to say of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// What became of it.
    pub outcome: LoadOutcome,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadOutcome {
    /// It is ready to run.
    Ready(Box<Description>),
    /// It has another digest than was asked for, and was not looked at.
    Other,
    /// It cannot be run.
    Refused(String),
}

impl Load {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.byte(u8::from(self.digest.is_some()));
        to.raw(&self.digest.unwrap_or_default());
        let Limits { run_bytes, run_millions, answer_bytes, rows } = self.options.limits;
        [run_bytes, run_millions, answer_bytes, rows].into_iter().for_each(|limit| to.number(limit as u64));
        to.count(self.options.shapes.len());
        for (input, shape) in &self.options.shapes {
            to.text(input);
            to.sizes(shape);
        }
        to.into_bytes()
    }

    /// From bytes.
    ///
    /// # Errors
    /// If they are none.
    pub fn read(bytes: &[u8]) -> Result<Load, Broken> {
        whole(bytes, |from| {
            let wanted = from.byte()? != 0;
            let digest = from.array()?;
            let (run_bytes, run_millions) = (from.size()?, from.size()?);
            let limits = Limits { run_bytes, run_millions, answer_bytes: from.size()?, rows: from.size()? };
            let shapes = from.several(|from| Some((from.text()?, from.sizes()?)))?;
            let options = LoadOptions { shapes: shapes.into_iter().collect(), limits };
            Some(Load { digest: wanted.then_some(digest), options })
        })
    }
}

impl Loaded {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.raw(&self.digest);
        match &self.outcome {
            LoadOutcome::Ready(description) => {
                to.byte(0);
                write_description(&mut to, description);
            }
            LoadOutcome::Other => to.byte(1),
            LoadOutcome::Refused(problem) => {
                to.byte(2);
                to.text(problem);
            }
        }
        to.into_bytes()
    }

    /// From bytes.
    ///
    /// # Errors
    /// If they are none.
    pub fn read(bytes: &[u8]) -> Result<Loaded, Broken> {
        whole(bytes, |from| {
            let digest = from.array()?;
            let outcome = match from.byte()? {
                0 => LoadOutcome::Ready(Box::new(read_description(from)?)),
                1 => LoadOutcome::Other,
                2 => LoadOutcome::Refused(from.text()?),
                _ => return None,
            };
            Some(Loaded { digest, outcome })
        })
    }
}

/// Asks for rows to be answered, with all outputs or the one in that place.
pub fn write_rows(table: &Table, output: Option<usize>) -> Vec<u8> {
    let bytes = table.inputs().iter().map(bytes_of).fold(8, usize::saturating_add);
    let mut to = Writer::with_capacity(bytes);
    to.count(output.map_or(0, |place| place.saturating_add(1)));
    to.count(table.rows());
    table.inputs().iter().for_each(|values| to.values(values));
    to.into_bytes()
}

/// Rows for a model that takes these, and the place of the output that is asked for.
///
/// # Errors
/// If the bytes are none.
pub fn read_rows(bytes: &[u8], schema: &Schema) -> Result<(Table, Option<usize>), Broken> {
    whole(bytes, |from| {
        let output = from.count()?.checked_sub(1);
        let rows = from.count()?;
        let inputs = schema.inputs().iter().map(|input| from.values(input.datatype)).collect::<Option<_>>()?;
        Some((Table::new(schema, rows, inputs)?, output))
    })
}

/// What a model answers to rows; `output` is the place of the one that was asked for.
pub fn write_answer(answer: &Result<Outputs, RunError>, output: Option<usize>) -> Vec<u8> {
    let outputs = match answer {
        Ok(outputs) => outputs,
        Err(error) => {
            let mut to = Writer::default();
            let (kind, problem) = match error {
                RunError::Failed(problem) => (1, problem.clone()),
                RunError::Value(problem) => (2, problem.clone()),
                error => (1, error.to_string()),
            };
            to.byte(kind);
            to.text(&problem);
            return to.into_bytes();
        }
    };
    let bytes = |output: &Output| {
        bytes_of(&output.values).saturating_add(output.row_shape.len().saturating_mul(8)).saturating_add(16)
    };
    let mut to = Writer::with_capacity(outputs.outputs().iter().map(bytes).fold(16, usize::saturating_add));
    to.byte(0);
    to.count(outputs.rows());
    to.count(outputs.outputs().len());
    for (place, Output { row_shape, values, .. }) in outputs.outputs().iter().enumerate() {
        to.count(output.unwrap_or(place));
        to.sizes(row_shape);
        to.values(values);
    }
    to.into_bytes()
}

/// What a model of that description answers.
///
/// # Errors
/// If it failed, or the bytes are no answer of its.
pub fn read_answer(bytes: &[u8], description: &Description) -> Result<Result<Outputs, RunError>, Broken> {
    whole(bytes, |from| {
        match from.byte()? {
            0 => {}
            1 => return Some(Err(RunError::Failed(from.text()?))),
            2 => return Some(Err(RunError::Value(from.text()?))),
            _ => return None,
        }
        let rows = from.count()?;
        let outputs = from.several(|from| {
            let OutputSignature { name, datatype, keys, .. } = description.outputs.get(from.count()?)?;
            let row_shape = from.sizes()?;
            let values = from.values(*datatype)?;
            Some(Output { name: name.clone(), datatype: *datatype, row_shape, keys: keys.clone(), values })
        })?;
        Some(Ok(Outputs::new(rows, outputs)?))
    })
}

fn write_description(to: &mut Writer, description: &Description) {
    to.count(description.schema.inputs().len());
    for input in description.schema.inputs() {
        to.text(&input.name);
        to.byte(code(input.datatype));
        to.sizes(&input.row_shape);
    }
    to.count(description.outputs.len());
    for OutputSignature { name, datatype, row_shape, keys } in &description.outputs {
        to.text(name);
        to.byte(code(*datatype));
        to.count(row_shape.len());
        row_shape.iter().for_each(|size| to.number(size.map_or(OPEN, |size| size as u64)));
        to.byte(u8::from(keys.is_some()));
        let keys = keys.as_deref().unwrap_or_default();
        to.count(keys.len());
        keys.iter().for_each(|key| to.text(key));
    }
    to.count(description.default_output.map_or(0, |place| place.saturating_add(1)));
    to.number(description.rows.most as u64);
    to.number(description.rows.batch.unwrap_or(0) as u64);
    to.number(description.run_bytes);
}

fn read_description(from: &mut Reader<'_>) -> Option<Description> {
    let inputs = from.several(|from| {
        let (name, datatype) = (from.text()?, datatype(from.byte()?)?);
        Input::new(name, datatype, from.sizes()?)
    })?;
    let outputs = from.several(|from| {
        let (name, datatype) = (from.text()?, datatype(from.byte()?)?);
        let row_shape = from.several(|from| {
            let size = from.number()?;
            if size == OPEN { Some(None) } else { usize::try_from(size).ok().map(Some) }
        })?;
        let is_map = from.byte()? != 0;
        let keys: Arc<[String]> = from.several(Reader::text)?.into();
        Some(OutputSignature { name, datatype, row_shape, keys: is_map.then_some(keys) })
    })?;
    let default_output = from.count()?.checked_sub(1);
    if default_output.is_some_and(|place| place >= outputs.len()) {
        return None;
    }
    let rows = RowsRule { most: from.size()?, batch: Some(from.size()?).filter(|batch| *batch > 0) };
    Some(Description { schema: Schema::new(inputs)?, outputs, default_output, rows, run_bytes: from.number()? })
}

/// A size that depends on values.
const OPEN: u64 = u64::MAX;

/// All types, in the order of their codes.
const DATATYPES: [Datatype; 13] = [
    Datatype::Bool,
    Datatype::I8,
    Datatype::I16,
    Datatype::I32,
    Datatype::I64,
    Datatype::U8,
    Datatype::U16,
    Datatype::U32,
    Datatype::U64,
    Datatype::F16,
    Datatype::F32,
    Datatype::F64,
    Datatype::Text,
];

fn code(datatype: Datatype) -> u8 {
    datatype as u8
}

fn datatype(code: u8) -> Option<Datatype> {
    DATATYPES.get(usize::from(code)).copied()
}

/// Reads something that all of the bytes are of.
fn whole<T>(bytes: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, Broken> {
    let mut from = Reader::new(bytes);
    let value = read(&mut from).ok_or(Broken)?;
    if from.is_at_end() { Ok(value) } else { Err(Broken) }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "of small numbers")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::Values;

    #[test]
    fn types_have_their_codes() {
        for (at, datatype) in DATATYPES.into_iter().enumerate() {
            assert_eq!(usize::from(code(datatype)), at);
        }
    }

    fn any_values(datatype: Datatype, count: usize) -> BoxedStrategy<Values> {
        match datatype.values() {
            Values::F32(_) => vec(any::<f32>(), count).prop_map(Values::F32).boxed(),
            Values::F64(_) => vec(any::<f64>(), count).prop_map(Values::F64).boxed(),
            Values::I64(_) => vec(any::<i64>(), count).prop_map(Values::I64).boxed(),
            Values::Bool(_) => vec(any::<bool>(), count).prop_map(Values::Bool).boxed(),
            Values::Text(_) => vec(".{0,5}", count).prop_map(Values::Text).boxed(),
        }
    }

    fn any_datatype() -> impl Strategy<Value = Datatype> {
        (0..DATATYPES.len()).prop_map(|at| DATATYPES[at])
    }

    prop_compose! {
        fn any_description()(
            inputs in vec((".{0,8}", any_datatype(), vec(1usize..5, 0..3)), 1..4),
            outputs in vec((".{0,8}", any_datatype(), vec(proptest::option::of(0usize..5), 0..3), proptest::option::of(vec(".{0,4}", 0..4))), 0..4),
            default in proptest::option::of(any::<proptest::sample::Index>()), most in 1usize..100_000, batch in proptest::option::of(1usize..9), run_bytes in any::<u64>(),
        ) -> Description {
            let inputs = inputs.into_iter().map(|(name, datatype, shape)| Input::new(name, datatype, shape).unwrap());
            let outputs = outputs.into_iter().map(|(name, datatype, row_shape, keys)| {
                OutputSignature { name, datatype, row_shape, keys: keys.map(Arc::from) }
            });
            let outputs: Vec<OutputSignature> = outputs.collect();
            let default_output = default.filter(|_| !outputs.is_empty()).map(|default| default.index(outputs.len()));
            Description {
                schema: Schema::new(inputs.collect()).unwrap(),
                outputs,
                default_output,
                rows: RowsRule { most, batch },
                run_bytes,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_loaded_crosses(
            digest in any::<[u8; 32]>(), wanted in any::<bool>(), description in any_description(), problem in ".{0,20}",
            shapes in proptest::collection::btree_map(".{0,8}", vec(any::<usize>(), 0..4), 0..3),
        ) {
            let options = LoadOptions { shapes, limits: Limits::default() };
            let load = Load { digest: wanted.then_some(digest), options };
            prop_assert_eq!(Load::read(&load.write()), Ok(load));
            for outcome in [LoadOutcome::Ready(Box::new(description)), LoadOutcome::Other, LoadOutcome::Refused(problem)] {
                let loaded = Loaded { digest, outcome };
                prop_assert_eq!(Loaded::read(&loaded.write()), Ok(loaded));
            }
        }

        /// Bits, as NaN is not equal to itself.
        #[test]
        fn rows_and_answers_cross(
            (description, rows, inputs, outputs) in (any_description(), 1usize..6).prop_flat_map(|(description, rows)| {
                let each = |datatype, width: usize| any_values(datatype, width * rows);
                let inputs: Vec<_> =
                    description.schema.inputs().iter().map(|input| each(input.datatype, input.width())).collect();
                let width = |output: &OutputSignature| output.row_shape.iter().map(|size| size.unwrap_or(2)).product();
                let outputs: Vec<_> =
                    description.outputs.iter().map(|output| each(output.datatype, width(output))).collect();
                (Just(description), Just(rows), inputs, outputs)
            }),
            one in any::<proptest::sample::Index>(),
        ) {
            let table = Table::new(&description.schema, rows, inputs).unwrap();
            let sent = write_rows(&table, Some(3));
            let (read, output) = read_rows(&sent, &description.schema).unwrap();
            prop_assert_eq!(output, Some(3));
            prop_assert_eq!(write_rows(&read, Some(3)), sent);

            let outputs = description.outputs.iter().zip(outputs).map(|(output, values)| Output {
                name: output.name.clone(),
                datatype: output.datatype,
                row_shape: output.row_shape.iter().map(|size| size.unwrap_or(2)).collect(),
                keys: output.keys.clone(),
                values,
            });
            let outputs: Vec<Output> = outputs.collect();
            let whole = write_answer(&Ok(Outputs::new(rows, outputs.clone()).unwrap()), None);
            let read = read_answer(&whole, &description).unwrap().unwrap();
            prop_assert_eq!(read.outputs().len(), outputs.len());
            prop_assert_eq!(write_answer(&Ok(read), None), whole.clone());
            if !outputs.is_empty() {
                let at = one.index(outputs.len());
                let alone = Outputs::new(rows, vec![outputs[at].clone()]).unwrap();
                let read = read_answer(&write_answer(&Ok(alone), Some(at)), &description).unwrap().unwrap();
                prop_assert_eq!(&read.outputs()[0].name, &outputs[at].name);
            }
            // What is cut short is noticed, wherever it is cut.
            let cut = one.index(whole.len());
            prop_assert_eq!(read_answer(&whole[..cut], &description), Err(Broken));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), description in any_description()) {
            let _ = (Load::read(&bytes), Loaded::read(&bytes));
            let _ = (read_rows(&bytes, &description.schema), read_answer(&bytes, &description));
        }
    }

    #[test]
    fn a_failure_crosses_once() {
        let schema = Schema::new(vec![Input::new("x".to_owned(), Datatype::F32, vec![]).unwrap()]).unwrap();
        let rows = RowsRule { most: 1, batch: None };
        let description = Description { schema, outputs: Vec::new(), default_output: None, rows, run_bytes: 0 };
        for failed in [RunError::Failed("a division by 0".to_owned()), RunError::Value("`town` is new".to_owned())] {
            let failed = Err(failed);
            assert_eq!(read_answer(&write_answer(&failed, None), &description), Ok(failed));
        }
    }
}
