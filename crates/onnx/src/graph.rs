//! A graph of ONNX: preparing it, and running it on tables.

use std::borrow::Cow;
use std::ops::Range;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::format_err;
use turnout_tables::{
    Description, Limits, LoadOptions, Output, Outputs, RowsRule, RunError, Schema, Table, Values, rows_within,
};

use crate::answers::{Answer, answers};
use crate::engine::{Engine, Prepare};
use crate::error::{LoadError, describe};
use crate::inputs::{self, Declared};
use crate::rows::{self, Mixing};
use crate::signature::{Batch, Signature};
use crate::{bytes, check, doing, file, half, loops};

/// A model that an ONNX file has the graph of, ready to run.
#[derive(Debug)]
pub struct Graph {
    engine: Engine,
    inputs: Vec<Declared>,
    answers: Vec<Answer>,
    turn: Turn,
    description: Description,
}

/// How many rows are run at once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    /// So many, or as many as are left.
    UpTo(usize),
    /// All: rows may depend on each other.
    Whole,
    /// So many. What is missing in the last is filled up with a row that there is, if rows are independent.
    Of { rows: usize, independent: bool },
}

impl Graph {
    /// The most rows in one run: beyond it a batch gains nothing, and its values leave the processor's caches.
    const MAX_ROWS: usize = 1024;

    /// The first of the engines that takes the model runs it.
    ///
    /// # Errors
    /// As [`Model::load`](crate::Model::load) has them.
    pub fn load_in(onnx: Cow<'_, [u8]>, options: &LoadOptions, engines: &[Prepare]) -> Result<Graph, LoadError> {
        let model = file::read(&onnx)?;
        drop(onnx);
        Self::prepare(model, options, engines)
    }

    fn prepare(mut model: ModelProto, options: &LoadOptions, engines: &[Prepare]) -> Result<Graph, LoadError> {
        doing::none();
        let limits = &options.limits;
        let Some(graph) = &mut model.graph else { return Err(LoadError::NotOnnx("it has no graph".to_owned())) };
        check::outputs(graph)?;
        check::zip_maps(graph)?;
        let declared = inputs::read(graph, &options.shapes)?;
        let halves: Vec<bool> = graph.output.iter().map(half::is_half).collect();
        half::widen(graph);
        loops::straighten(&mut model, &declared)?;
        check_inputs(&declared, limits)?;
        let schema = Schema::new(declared.iter().map(|declared| declared.input.clone()).collect());
        let schema = schema.ok_or(LoadError::NoInputs)?;
        let prepare = |batch: Batch| {
            let mut refused = LoadError::NoInputs;
            for engine in engines {
                match engine(&model, &declared, batch, limits) {
                    Ok(engine) => return Ok((batch, engine)),
                    Err(error) => refused = error,
                }
            }
            Err(refused)
        };
        let independent = |written: Option<usize>| {
            let mixing = |Mixing { node, operator }| LoadError::Rows { node, operator };
            rows::independent(&model, &declared, written).map_err(mixing)
        };
        let is_open = declared.iter().any(|declared| declared.batch == Batch::Any);
        let (batch, engine) = match inputs::batch(&declared)? {
            Batch::Any => prepare(Batch::Any).or_else(|_| {
                let one = prepare(Batch::Of(1))?;
                independent(None)?;
                Ok::<_, LoadError>(one)
            })?,
            Batch::Of(1) => {
                let one = prepare(Batch::Of(1))?;
                if is_open {
                    independent(None)?;
                }
                one
            }
            fixed => {
                let opened = if independent(None).is_ok() { prepare(Batch::Any).ok() } else { None };
                match opened.filter(|(_, engine)| engine.keeps_rows_whole()) {
                    Some(opened) => opened,
                    None => prepare(fixed)?,
                }
            }
        };
        let turn = match batch {
            Batch::Any if independent(None).is_ok() && engine.keeps_rows_whole() => Turn::UpTo(rows_that_fit(&engine)),
            Batch::Any => Turn::Whole,
            Batch::Of(rows) => Turn::Of { rows, independent: independent(Some(rows)).is_ok() },
        };
        let graph = model.graph.as_ref().ok_or(LoadError::NoInputs)?;
        let answers = answers(graph, engine.outputs(), batch, &halves);
        let answers = answers.map_err(|error| LoadError::Unusable(describe(&error)))?;
        let mut most = most_rows(&engine, batch, limits)?;
        if turn == Turn::Whole {
            most = most.min(rows_at_once(&engine, limits));
        }
        let batch = if let Turn::Of { rows, independent: false } = turn { Some(rows) } else { None };
        let description = Description {
            schema,
            outputs: answers.iter().map(|answer| answer.signature.clone()).collect(),
            default_output: None,
            rows: RowsRule { most, batch },
            run_bytes: run_bytes(&engine, turn, limits),
        };
        Ok(Graph { engine, inputs: declared, answers, turn, description })
    }

    /// Whether it is run without tract.
    pub fn is_interpreted(&self) -> bool {
        matches!(self.engine, Engine::Interpreter(_))
    }

    /// Whether each row is answered by itself, so that many are run in turns.
    pub fn is_run_in_turns(&self) -> bool {
        matches!(self.turn, Turn::UpTo(_) | Turn::Of { independent: true, .. })
    }

    /// What it takes and gives.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Runs all rows as one batch, or in a few where their intermediate values would not fit into memory and rows do not
    /// depend on each other. Answers all outputs. The number of rows has been checked.
    ///
    /// # Errors
    /// If the model fails, or the table was not decoded for it.
    pub fn run(&self, table: &Table) -> Result<Outputs, RunError> {
        let rows = table.rows();
        doing::none();
        let at_once = match self.turn {
            Turn::UpTo(at_once) | Turn::Of { rows: at_once, .. } => at_once,
            Turn::Whole => rows,
        };
        let mut gathered: Vec<Output> = Vec::new();
        for start in (0..rows).step_by(at_once.max(1)) {
            let rows = start..start.saturating_add(at_once).min(rows);
            let outputs = self.run_once(table, rows).map_err(|error| RunError::Failed(describe(&error)))?;
            if gathered.is_empty() {
                gathered = outputs;
                continue;
            }
            for (whole, part) in gathered.iter_mut().zip(outputs) {
                if whole.row_shape != part.row_shape || !whole.values.append(part.values) {
                    return Err(RunError::Failed(format!("output `{}` changes its form from row to row", whole.name)));
                }
            }
        }
        Outputs::new(rows, gathered)
            .ok_or_else(|| RunError::Failed("an output does not have a row for each row".to_owned()))
    }

    /// One run on some of the rows.
    fn run_once(&self, table: &Table, rows: Range<usize>) -> TractResult<Vec<Output>> {
        let count = rows.len();
        let batch = if let Turn::Of { rows, .. } = self.turn { rows } else { count };
        let inputs = self.inputs.iter().zip(table.inputs());
        let tensors = inputs.map(|(declared, values)| tensor(declared, values, &rows, batch));
        let answered = self.engine.run(tensors.collect::<TractResult<Vec<Tensor>>>()?)?;
        self.answers.iter().zip(answered).map(|(answer, tensor)| answer.output(batch, count, &tensor)).collect()
    }
}

/// A row of each input is not larger than a run may hold.
fn check_inputs(inputs: &[Declared], limits: &Limits) -> Result<(), LoadError> {
    let most = limits.run_bytes as u64;
    for declared in inputs {
        let bytes = bytes::of(&declared.signature(1.to_dim()));
        let name = &declared.input.name;
        if bytes > most {
            return Err(LoadError::Memory { what: format!("its input `{name}`"), bytes, most });
        }
    }
    let width = inputs.iter().map(|declared| declared.input.width()).fold(0, usize::saturating_add);
    if width > Schema::MAX_COLUMNS { Err(LoadError::Width { width }) } else { Ok(()) }
}

/// How many rows a request may have.
fn most_rows(engine: &Engine, batch: Batch, limits: &Limits) -> Result<usize, LoadError> {
    let refused = |what: &str, bytes: u64, most: usize| match usize::try_from(bytes) {
        Ok(bytes) if bytes <= most => Ok(bytes),
        _ => Err(LoadError::Memory { what: what.to_owned(), bytes, most: most as u64 }),
    };
    refused("a run", engine.peak(), limits.run_bytes)?;
    let answer = engine.outputs().iter().map(bytes::of).fold(0, u64::saturating_add);
    let answer = refused("its answer", answer, limits.answer_bytes)?;
    let rows_of_answer = if let Batch::Of(rows) = batch { rows } else { 1 };
    let most = rows_within(limits.answer_bytes, rows_of_answer, answer);
    Ok(most.unwrap_or(limits.rows).min(limits.rows).max(1))
}

/// The tensor of some of the rows, filled up to a batch with the last of them.
fn tensor(declared: &Declared, values: &Values, rows: &Range<usize>, batch: usize) -> TractResult<Tensor> {
    let width = declared.input.width();
    let range = rows.start.saturating_mul(width)..rows.end.saturating_mul(width);
    let missing = batch.saturating_sub(rows.len());
    let shape = declared.shape(batch);
    let tensor = match values {
        Values::F32(values) => of(&shape, values, range, missing, width)?,
        Values::F64(values) => of(&shape, values, range, missing, width)?,
        Values::I64(values) => of(&shape, values, range, missing, width)?,
        Values::Bool(values) => of(&shape, values, range, missing, width)?,
        Values::Text(values) => tensor1(&filled(values, range, missing, width)?).into_shape(&shape)?,
    };
    if declared.datum == f16::datum_type() {
        return Ok(tensor.cast_to::<f16>()?.cast_to::<f32>()?.into_owned());
    }
    Ok(if tensor.datum_type() == declared.datum { tensor } else { tensor.cast_to_dt(declared.datum)?.into_owned() })
}

fn of<T: Datum + Copy>(
    shape: &[usize],
    values: &[T],
    range: Range<usize>,
    missing: usize,
    width: usize,
) -> TractResult<Tensor> {
    Tensor::from_shape(shape, &filled(values, range, missing, width)?)
}

/// Some of the values, and the last row of them again for each row that is missing.
fn filled<T: Clone>(values: &[T], range: Range<usize>, missing: usize, width: usize) -> TractResult<Cow<'_, [T]>> {
    let values = values.get(range).ok_or_else(|| format_err!("the table was made for another model"))?;
    if missing == 0 {
        return Ok(Cow::Borrowed(values));
    }
    let last = values.rchunks(width.max(1)).next().unwrap_or_default();
    let again = last.iter().cycle().take(last.len().saturating_mul(missing));
    Ok(values.iter().chain(again).cloned().collect())
}

/// How many rows' values may be held at once, where rows cannot be run in turns: at least 1.
fn rows_at_once(engine: &Engine, limits: &Limits) -> usize {
    let fit = |rows: usize| {
        let bytes = |value: &Signature| bytes::of_rows(value, rows);
        engine.values().iter().map(bytes).fold(0, u64::saturating_add) <= limits.run_bytes as u64
    };
    // The greatest that fits: what a row takes may grow with their number.
    let (mut most, mut step) = (1usize, limits.rows.next_power_of_two());
    while step > 0 {
        let more = most.saturating_add(step);
        if more <= limits.rows && fit(more) {
            most = more;
        }
        step /= 2;
    }
    most
}

/// About how many bytes of values a run may hold at once.
fn run_bytes(engine: &Engine, turn: Turn, limits: &Limits) -> u64 {
    match turn {
        Turn::UpTo(rows) => {
            let of_rows = engine.values().iter().map(|value| bytes::of_rows(value, rows)).fold(0, u64::saturating_add);
            of_rows.min(engine.run_bytes() as u64).max(engine.peak())
        }
        Turn::Whole => limits.run_bytes as u64,
        Turn::Of { .. } => engine.peak(),
    }
}

/// How many rows' values fit into the engine's bytes, as if all of them were held at once; more are run in turns.
fn rows_that_fit(engine: &Engine) -> usize {
    let of_one_row = engine.values().iter().map(bytes::of).fold(0, u64::saturating_add);
    let of_one_row = usize::try_from(of_one_row).unwrap_or(usize::MAX);
    engine.run_bytes().checked_div(of_one_row).unwrap_or(Graph::MAX_ROWS).clamp(1, Graph::MAX_ROWS)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use turnout_tables::RowsError;

    use super::*;
    use crate::engine::{interpreter, plan};
    use crate::testing::{list, model, node};

    /// The networks of the zoo.
    fn networks() -> Vec<Vec<u8>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/zoo/models");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let is_network = |name: &str| name.starts_with("network-") && name.ends_with(".onnx");
        let networks = files.filter(|path| is_network(path.file_name().unwrap().to_str().unwrap()));
        networks.map(|path| std::fs::read(path).unwrap()).collect()
    }

    fn interpreted(onnx: &[u8]) -> Result<Graph, LoadError> {
        Graph::load_in(onnx.into(), &LoadOptions::default(), &[interpreter])
    }

    /// Rows of ones.
    fn rows(schema: &Schema, rows: usize) -> Option<Table> {
        let values = schema.inputs().iter().map(|input| match input.datatype.values() {
            Values::F32(_) => Values::F32(vec![1.0; rows * input.width()]),
            Values::F64(_) => Values::F64(vec![1.0; rows * input.width()]),
            Values::I64(_) => Values::I64(vec![1; rows * input.width()]),
            Values::Bool(_) => Values::Bool(vec![true; rows * input.width()]),
            Values::Text(_) => Values::Text(vec![String::new(); rows * input.width()]),
        });
        Table::new(schema, rows, values.collect())
    }

    /// What a model of those nodes predicts for the rows 1, 2, 3, ...
    fn numbers(model: ModelProto, rows: usize) -> Result<Vec<f32>, RunError> {
        let model = Graph::prepare(model, &LoadOptions::default(), &[interpreter, plan]).unwrap();
        let width = model.description().schema.width();
        let values = (1..=rows * width).map(|value| value as f32).collect();
        let table = Table::new(&model.description().schema, rows, vec![Values::F32(values)]).unwrap();
        model.description().rows.check(rows)?;
        let outputs = model.run(&table)?;
        match &outputs.outputs()[0].values {
            Values::F32(values) => Ok(values.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_that_are_reshaped_into_each_other_are_not_run_in_turns() {
        let reshaped = |width: i64| {
            let nodes = vec![
                node("Reshape", &["X", "pairs"], &["paired"], &[]),
                node("Softmax", &["paired"], &["soft"], &[("axis", 1)]),
                node("Reshape", &["soft", "rows"], &["Y"], &[]),
            ];
            let model = model(nodes, &[("X", &[-1, 3])], &[("pairs", &[-1, width]), ("rows", &[-1, 3])]);
            Graph::prepare(model, &LoadOptions::default(), &[interpreter, plan])
        };
        assert!(reshaped(3).unwrap().is_run_in_turns());
        // Softmax is of two or three rows together. Refused would be right as well.
        for width in [6, 9] {
            assert!(!reshaped(width).is_ok_and(|model| model.is_run_in_turns()), "{width}");
        }
    }

    #[test]
    fn a_fixed_batch_whose_rows_depend_on_each_other_is_never_filled_up() {
        // From each, the sum of its batch of two is taken.
        let nodes = || {
            vec![
                node("ReduceSum", &["X", "axis"], &["sum"], &[("keepdims", 1)]),
                node("Sub", &["X", "sum"], &["Y"], &[]),
            ]
        };
        let model = || model(nodes(), &[("X", &[2, 1])], &[("axis", &[0])]);
        assert_eq!(numbers(model(), 4).unwrap(), [-2.0, -1.0, -4.0, -3.0]);
        assert_eq!(numbers(model(), 3), Err(RowsError::Batch { rows: 3, batch: 2 }.into()));
    }

    #[test]
    fn a_fixed_batch_of_rows_by_themselves_is_filled_up() {
        let nodes = || vec![node("Reshape", &["X", "shape"], &["flat"], &[]), node("Relu", &["flat"], &["Y"], &[])];
        let model = || model(nodes(), &[("X", &[3, 1, 2])], &[("shape", &[3, 2])]);
        for rows in 1..=7 {
            let expected: Vec<f32> = (1..=rows * 2).map(|value| value as f32).collect();
            assert_eq!(numbers(model(), rows).unwrap(), expected, "{rows} rows");
        }
    }

    /// Operators that put rows together, on so many rows as would be run in turns: what the standard says, in 64 bits.
    #[test]
    fn rows_that_depend_on_each_other_are_run_together() {
        const ROWS: usize = 3000;
        let close = |found: Vec<f32>, expected: Vec<f64>| {
            assert_eq!(found.len(), expected.len());
            for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                let difference = (f64::from(*found) - expected).abs();
                assert!(difference <= 1e-5 * expected.abs().max(1.0), "row {at}: {found}, expected {expected}");
            }
        };
        let x = || (1..=ROWS).map(|x| x as f64);
        let softmax: Vec<f64> = {
            let sum: f64 = x().map(|x| (x - ROWS as f64).exp()).sum();
            x().map(|x| (x - ROWS as f64).exp() / sum).collect()
        };
        let column = &[("X", &[-1, 1][..])];
        let run = |nodes, constants: &[(&str, &[i64])]| numbers(model(nodes, column, constants), ROWS).unwrap();

        let nodes = vec![node("Softmax", &["X"], &["Y"], &[("axis", 0)])];
        close(run(nodes, &[]), softmax.clone());
        let nodes = vec![
            node("Reshape", &["X", "row"], &["x"], &[]),
            node("Softmax", &["x"], &["y"], &[("axis", 1)]),
            node("Reshape", &["y", "column"], &["Y"], &[]),
        ];
        close(run(nodes, &[("row", &[1, -1]), ("column", &[-1, 1])]), softmax);
        let mut max = node("ReduceMax", &["X"], &["max"], &[("keepdims", 1)]);
        max.attribute.push(list("axes", &[0]));
        close(run(vec![max, node("Sub", &["X", "max"], &["Y"], &[])], &[]), x().map(|x| x - ROWS as f64).collect());
        let mut sums = model(vec![node("CumSum", &["X", "axis"], &["Y"], &[])], column, &[("axis", &[0])]);
        // A number by itself.
        sums.graph.as_mut().unwrap().initializer[0].dims.clear();
        close(numbers(sums, ROWS).unwrap(), x().map(|x| x * (x + 1.0) / 2.0).collect());
        let mut turned = node("Transpose", &["X"], &["t"], &[]);
        turned.attribute.push(list("perm", &[1, 0]));
        let nodes = vec![turned, node("MatMul", &["t", "X"], &["s"], &[]), node("Mul", &["X", "s"], &["Y"], &[])];
        let squares: f64 = x().map(|x| x * x).sum();
        close(run(nodes, &[]), x().map(|x| x * squares).collect());
    }

    /// As many as fit, and not one more.
    #[test]
    fn rows_that_depend_on_each_other_are_bounded_together() {
        let options = LoadOptions { limits: Limits { run_bytes: 1000, ..Limits::default() }, ..LoadOptions::default() };
        let nodes = vec![node("Softmax", &["X"], &["Y"], &[("axis", 0)])];
        let model = Graph::prepare(model(nodes, &[("X", &[-1, 1])], &[]), &options, &[interpreter, plan]).unwrap();
        assert_eq!(model.description().rows.most, 125);
        assert_eq!(model.description().rows.check(126), Err(RowsError::TooMany { rows: 126, most: 125 }));
    }

    #[test]
    fn shapes_are_said_for_what_the_file_leaves_open() {
        let nodes = || vec![node("Relu", &["X"], &["x"], &[]), node("Flatten", &["x"], &["Y"], &[])];
        let load = |shapes: &[(&str, &[usize])]| {
            let shapes = shapes.iter().map(|(name, sizes)| ((*name).to_owned(), sizes.to_vec())).collect();
            let options = LoadOptions { shapes, ..LoadOptions::default() };
            let model = Graph::prepare(model(nodes(), &[("X", &[-1, 3, -1, -1])], &[]), &options, &[interpreter, plan]);
            model.map_err(|error| error.to_string())
        };
        let model = load(&[("X", &[3, 2, 4])]).unwrap();
        assert_eq!(model.description().schema.inputs()[0].row_shape, [3, 2, 4]);
        assert_eq!(model.description().outputs[0].row_shape, [Some(24)]);
        let refused = |shapes: &[(&str, &[usize])], words: &str| {
            let error = load(shapes).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused(&[], r#"say the shape of a row beside the model's key, as in "shape": {"X": [3, SIZE, SIZE]}"#);
        refused(&[("X", &[1, 2, 4])], r#"has the shape [?, 3, ?, ?], and "shape" says [1, 2, 4] for it"#);
        refused(&[("x", &[3, 2, 4])], r#""shape" names `x`, which is none of its inputs; they are: X"#);
    }

    #[test]
    fn a_state_with_its_rows_second_is_a_run_a_row() {
        // Layers, rows, values.
        let nodes = vec![node("Add", &["X", "X"], &["x"], &[]), node("Transpose", &["x"], &["Y"], &[])];
        let mut model = model(nodes, &[("X", &[2, -1, 3])], &[]);
        model.graph.as_mut().unwrap().node[1].attribute = vec![crate::testing::list("perm", &[1, 0, 2])];
        let options = LoadOptions { shapes: [("X".to_owned(), vec![2, 3])].into(), ..LoadOptions::default() };
        let model = Graph::prepare(model, &options, &[interpreter, plan]).unwrap();
        let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
        let table = Table::new(&model.description().schema, 2, vec![Values::F32(values.clone())]).unwrap();
        let outputs = model.run(&table).unwrap();
        assert_eq!(outputs.outputs()[0].row_shape, [2, 3]);
        assert_eq!(outputs.outputs()[0].values, Values::F32(values.iter().map(|value| value * 2.0).collect()));
    }

    #[test]
    fn a_request_is_bounded_in_rows_and_in_bytes_of_its_answer() {
        let load = |limits: &Limits| {
            let options = LoadOptions { limits: *limits, ..LoadOptions::default() };
            let nodes = vec![node("Relu", &["X"], &["Y"], &[])];
            Graph::prepare(model(nodes, &[("X", &[-1, 2])], &[]), &options, &[interpreter])
        };
        let most = |limits: &Limits| {
            let model = load(limits).unwrap();
            let most = model.description().rows.most;
            assert_eq!(model.description().rows.check(most), Ok(()));
            assert_eq!(model.description().rows.check(most + 1), Err(RowsError::TooMany { rows: most + 1, most }));
            most
        };
        assert_eq!(most(&Limits::default()), 65_536);
        assert_eq!(most(&Limits { rows: 100, ..Limits::default() }), 100);
        assert_eq!(most(&Limits { answer_bytes: 80, ..Limits::default() }), 10);
        let error = load(&Limits { run_bytes: 15, ..Limits::default() }).unwrap_err();
        assert_eq!(error, LoadError::Memory { what: "a run".to_owned(), bytes: 16, most: 15 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// In WebAssembly a panic takes the isolate along.
        #[test]
        fn no_broken_network_panics(
            which in any::<prop::sample::Index>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            thread_local!(static NETWORKS: Vec<Vec<u8>> = networks());
            let mut onnx = NETWORKS.with(|networks| which.get(networks).clone());
            for (at, byte) in changes {
                let at = at.index(onnx.len());
                onnx[at] = byte;
            }
            if let Ok(model) = interpreted(&onnx)
                && model.description().schema.width() < 10_000
                && let Some(table) = rows(&model.description().schema, 3)
            {
                let _ = model.run(&table);
            }
        }
    }
}
