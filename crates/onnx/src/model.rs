//! One model: loading it, and running it on tables.

use std::ops::Range;
use std::sync::Arc;

use tract_onnx::pb::{GraphProto, ModelProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, bail, format_err};

use crate::check;
use crate::error::{LoadError, RunError, describe};
use crate::file;
use crate::inputs::{self, Declared};
use crate::interpreter::Interpreter;
use crate::ml;
use crate::plan::Plan;
use crate::rows::{self, Mixing};
use crate::signature::{Batch, OutputSignature, Signature, datatype};
use crate::table::{Output, Outputs, Schema, Table, Values};

/// A model, ready to run.
#[derive(Debug)]
pub struct Model {
    engine: Engine,
    schema: Schema,
    inputs: Vec<Declared>,
    outputs: Vec<OutputForm>,
    signature: Vec<OutputSignature>,
    rows_per_run: usize,
}

/// What runs a model.
#[derive(Debug)]
enum Engine {
    /// Where all of it is known there.
    Interpreter(Interpreter),
    /// tract.
    Plan(Plan),
}

/// A model, and for how many rows it is to be prepared.
struct Asked<'m> {
    model: &'m ModelProto,
    batch: Batch,
    /// Of each input, its name and what is known of it then.
    inputs: Vec<(String, Signature)>,
    symbols: &'m SymbolScope,
}

/// One way to prepare it.
type Prepare = fn(&Asked<'_>) -> Result<Engine, LoadError>;

fn interpreter(asked: &Asked<'_>) -> Result<Engine, LoadError> {
    let interpreter = Interpreter::load(asked.model, &asked.inputs);
    interpreter.map(Engine::Interpreter).map_err(|error| LoadError::Unusable(describe(&error)))
}

fn plan(asked: &Asked<'_>) -> Result<Engine, LoadError> {
    if asked.batch == Batch::Any && asked.model.graph.as_ref().is_some_and(Plan::needs_known_rows) {
        return Err(LoadError::Unusable("it is planned for a known number of rows".to_owned()));
    }
    Plan::load(asked.model, &asked.inputs, asked.symbols).map(Engine::Plan)
}

#[derive(Debug)]
struct OutputForm {
    keys: Option<Arc<[String]>>,
    /// The batch dimension is the second, behind one of size 1.
    batch_second: bool,
}

impl Model {
    /// The most rows in one run: beyond it a batch gains nothing, and its values leave the processor's caches.
    const MAX_ROWS: usize = 1024;

    /// Loads an ONNX model and prepares it for batches of any number of rows.
    ///
    /// # Errors
    /// If it is not ONNX, has an operator that is not supported, or does not take batches of rows.
    pub fn load(onnx: &[u8]) -> Result<Model, LoadError> {
        Self::load_in(onnx, &[interpreter, plan])
    }

    /// The same, always by tract: what [`Model::load`] does with models that the interpreter does not know whole.
    ///
    /// # Errors
    /// As [`Model::load`] has them.
    pub fn load_in_tract(onnx: &[u8]) -> Result<Model, LoadError> {
        Self::load_in(onnx, &[plan])
    }

    /// The first of the engines that takes the model runs it.
    fn load_in(onnx: &[u8], engines: &[Prepare]) -> Result<Model, LoadError> {
        let unusable = |error: TractError| LoadError::Unusable(describe(&error));
        let model = file::read(onnx)?;
        let Some(graph) = &model.graph else { return Err(LoadError::Unusable("it has no graph".to_owned())) };
        check::outputs(graph)?;
        check::zip_maps(graph)?;
        let declared = inputs::read(graph)?;
        let schema = Schema::new(declared.iter().map(|declared| declared.input.clone()).collect());
        let schema = schema.ok_or(LoadError::NoInputs)?;
        let symbols = SymbolScope::default();
        let rows = symbols.sym("N");
        let of = |batch: Batch| {
            let rows = match batch {
                Batch::Any => rows.to_dim(),
                Batch::Of(rows) => rows.to_dim(),
            };
            let signature = |declared: &Declared| (declared.input.name.clone(), declared.signature(rows.clone()));
            let asked =
                Asked { model: &model, batch, inputs: declared.iter().map(signature).collect(), symbols: &symbols };
            let mut refused = LoadError::NoInputs;
            for prepare in engines {
                match prepare(&asked) {
                    Ok(engine) => return Ok((batch, engine)),
                    Err(error) => refused = error,
                }
            }
            Err(refused)
        };
        let (batch, engine) = match inputs::batch(&declared)? {
            Batch::Any => of(Batch::Any).or_else(|_| {
                let ranks: Vec<_> =
                    declared.iter().map(|declared| (declared.input.name.as_str(), declared.rank())).collect();
                let one = of(Batch::Of(1))?;
                rows::independent(&model, graph, &ranks)
                    .map_err(|Mixing { node, operator }| LoadError::Rows { node, operator })?;
                Ok(one)
            })?,
            fixed => of(fixed)?,
        };
        let dim = if let Batch::Of(rows) = batch { rows.to_dim() } else { rows.to_dim() };
        let (outputs, signature) = output_forms(graph, engine.outputs(), batch, &dim).map_err(unusable)?;
        let rows_per_run = match batch {
            Batch::Any => rows_that_fit(&engine, &rows),
            Batch::Of(rows) => rows,
        };
        Ok(Model { engine, schema, inputs: declared, outputs, signature, rows_per_run })
    }

    /// Whether it is run without tract.
    pub fn is_interpreted(&self) -> bool {
        matches!(self.engine, Engine::Interpreter(_))
    }

    /// What the model takes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What the model answers.
    pub fn outputs(&self) -> &[OutputSignature] {
        &self.signature
    }

    /// Runs all rows as one batch, or in a few where their intermediate values would not fit into memory. Answers all
    /// outputs, or the one of that name.
    ///
    /// # Errors
    /// If the model fails or has no such output, or the table was not decoded for it.
    pub fn run(&self, table: &Table, output: Option<&str>) -> Result<Outputs, RunError> {
        let mut gathered: Vec<Output> = Vec::new();
        for start in (0..table.rows()).step_by(self.rows_per_run.max(1)) {
            let rows = start..start.saturating_add(self.rows_per_run).min(table.rows());
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
        let outputs = Outputs::new(table.rows(), gathered)
            .ok_or_else(|| RunError::Failed("an output does not have a row for each row".to_owned()))?;
        match output {
            None => Ok(outputs),
            Some(name) => outputs.select(name).ok_or_else(|| {
                let known: Vec<&str> = self.signature.iter().map(|output| output.name.as_str()).collect();
                RunError::NoSuchOutput { name: name.to_owned(), known: known.join(", ") }
            }),
        }
    }

    /// One run of the plan on some of the rows.
    fn run_once(&self, table: &Table, rows: Range<usize>) -> TractResult<Vec<Output>> {
        let count = rows.len();
        let inputs = self.inputs.iter().zip(table.inputs());
        let tensors =
            inputs.map(|(declared, values)| tensor(declared, values, &rows)).collect::<TractResult<Vec<Tensor>>>()?;
        let answers = self.engine.run(tensors)?;
        let forms = self.outputs.iter().zip(&self.signature);
        forms.zip(answers).map(|((form, signature), answer)| output(form, signature, count, &answer)).collect()
    }
}

impl Engine {
    /// The signatures of the outputs, in the model's order.
    fn outputs(&self) -> &[Signature] {
        match self {
            Engine::Interpreter(interpreter) => interpreter.outputs(),
            Engine::Plan(plan) => plan.outputs(),
        }
    }

    /// The signatures of all values that a run may hold at once.
    fn values(&self) -> &[Signature] {
        match self {
            Engine::Interpreter(interpreter) => interpreter.values(),
            Engine::Plan(plan) => plan.values(),
        }
    }

    /// About how many bytes of values a run should hold.
    fn run_bytes(&self) -> usize {
        match self {
            Engine::Interpreter(_) => Interpreter::RUN_BYTES,
            Engine::Plan(_) => Plan::RUN_BYTES,
        }
    }

    fn run(&self, inputs: Vec<Tensor>) -> TractResult<Vec<Tensor>> {
        match self {
            Engine::Interpreter(interpreter) => interpreter.run(inputs),
            Engine::Plan(plan) => plan.run(inputs),
        }
    }
}

/// The tensor of some of the rows.
fn tensor(declared: &Declared, values: &Values, rows: &Range<usize>) -> TractResult<Tensor> {
    let Declared { input, datum, has_batch, .. } = declared;
    let width = input.width();
    let range = rows.start.saturating_mul(width)..rows.end.saturating_mul(width);
    let shape: TVec<usize> =
        has_batch.then_some(rows.len()).into_iter().chain(input.row_shape.iter().copied()).collect();
    let missing = || format_err!("the table was made for another model");
    let tensor = match values {
        Values::F32(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::F64(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::I64(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::Bool(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::Text(values) => tensor1(values.get(range).ok_or_else(missing)?).into_shape(&shape)?,
    };
    Ok(if tensor.datum_type() == *datum { tensor } else { tensor.cast_to_dt(*datum)?.into_owned() })
}

fn output_forms(
    graph: &GraphProto,
    signatures: &[Signature],
    batch: Batch,
    rows: &TDim,
) -> TractResult<(Vec<OutputForm>, Vec<OutputSignature>)> {
    let forms = graph.output.iter().zip(signatures).map(|(output, Signature { datum, shape })| {
        let name = output.name.clone();
        let keys = ml::zip_map_keys(graph, &name)?.map(Arc::from);
        let second = matches!(shape.as_slice(), [one, batch, ..] if one.is_one() && batch == rows);
        // Of one row, both dimensions are 1: then it is as the file says.
        let batch_second = second && (batch != Batch::Of(1) || inputs::is_batch_second(output));
        let Some(datatype) = datatype(*datum) else {
            bail!("output `{name}` is of type {datum:?}, which cannot be written")
        };
        let row_shape = shape.iter().skip(if batch_second { 2 } else { 1 }).map(|size| size.to_usize().ok()).collect();
        Ok((OutputForm { keys, batch_second }, OutputSignature { name, datatype, row_shape }))
    });
    forms.collect::<TractResult<Vec<_>>>().map(|forms| forms.into_iter().unzip())
}

/// How many rows' values fit into the engine's bytes, as if all of them were held at once; more are run in turns.
fn rows_that_fit(engine: &Engine, rows: &Symbol) -> usize {
    let one_row = SymbolValues::default().with(rows, 1);
    let bytes: usize = engine
        .values()
        .iter()
        .map(|value| {
            let volume = value
                .shape
                .iter()
                .try_fold(1usize, |product, dim| product.checked_mul(dim.eval(&one_row).to_usize().ok()?));
            volume.unwrap_or(0).saturating_mul(value.datum.size_of())
        })
        .fold(0, usize::saturating_add);
    engine.run_bytes().checked_div(bytes).unwrap_or(Model::MAX_ROWS).clamp(1, Model::MAX_ROWS)
}

fn output(form: &OutputForm, signature: &OutputSignature, rows: usize, tensor: &Tensor) -> TractResult<Output> {
    let OutputSignature { name, datatype, .. } = signature;
    let shape = match tensor.shape() {
        [1, shape @ ..] if form.batch_second => shape,
        shape => shape,
    };
    let row_shape = match shape.split_first() {
        Some((batch, row_shape)) if *batch == rows => row_shape.to_vec(),
        // A model of one row may leave the batch dimension out.
        _ if rows == 1 => shape.to_vec(),
        _ => bail!("output `{name}` has shape {:?} for {rows} rows", tensor.shape()),
    };
    let datum = tensor.datum_type();
    let values = if datum == f32::datum_type() {
        Values::F32(tensor.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    } else if datum.is_float() {
        Values::F64(tensor.cast_to::<f64>()?.try_as_plain_ram()?.as_slice::<f64>()?.to_vec())
    } else if datum.is_integer() || datum == TDim::datum_type() {
        Values::I64(tensor.cast_to::<i64>()?.try_as_plain_ram()?.as_slice::<i64>()?.to_vec())
    } else if datum == bool::datum_type() {
        Values::Bool(tensor.try_as_plain_ram()?.as_slice::<bool>()?.to_vec())
    } else if datum == String::datum_type() {
        Values::Text(tensor.try_as_plain_ram()?.as_slice::<String>()?.to_vec())
    } else {
        bail!("output `{name}` is of type {datum:?}, which cannot be written");
    };
    Ok(Output { name: name.clone(), datatype: *datatype, row_shape, keys: form.keys.clone(), values })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The networks of the zoo.
    fn networks() -> Vec<Vec<u8>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/zoo/models");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let is_network = |name: &str| name.starts_with("network-") && name.ends_with(".onnx");
        let networks = files.filter(|path| is_network(path.file_name().unwrap().to_str().unwrap()));
        networks.map(|path| std::fs::read(path).unwrap()).collect()
    }

    fn interpreted(onnx: &[u8]) -> Result<Model, LoadError> {
        Model::load_in(onnx, &[interpreter])
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
                && model.schema().width() < 10_000
                && let Some(table) = rows(model.schema(), 3)
            {
                let _ = model.run(&table, None);
            }
        }
    }
}
