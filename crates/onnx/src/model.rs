//! One model: loading it, and running it on tables.

use std::ops::Range;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, bail, format_err};

use crate::check;
use crate::error::{LoadError, RunError, describe};
use crate::interpreter::Interpreter;
use crate::ml;
use crate::plan::Plan;
use crate::signature::{OutputSignature, Signature};
use crate::table::{Datatype, Input, Output, Outputs, Schema, Table, Values};

/// A model, ready to run.
#[derive(Debug)]
pub struct Model {
    engine: Engine,
    schema: Schema,
    /// Of each input.
    datums: Vec<DatumType>,
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
        Self::load_with(onnx, |model, inputs, rows| match Interpreter::load(model, inputs) {
            Ok(interpreter) => Ok(Engine::Interpreter(interpreter)),
            Err(_) => Plan::load(model, inputs, rows).map(Engine::Plan),
        })
    }

    /// The same, always by tract: what [`Model::load`] does with models that the interpreter does not know whole.
    ///
    /// # Errors
    /// As [`Model::load`] has them.
    pub fn load_in_tract(onnx: &[u8]) -> Result<Model, LoadError> {
        Self::load_with(onnx, |model, inputs, rows| Plan::load(model, inputs, rows).map(Engine::Plan))
    }

    fn load_with(
        onnx: &[u8],
        load: impl FnOnce(&ModelProto, &[(String, Signature)], &Symbol) -> Result<Engine, LoadError>,
    ) -> Result<Model, LoadError> {
        let unusable = |error: TractError| LoadError::Unusable(describe(&error));
        let model = Onnx::default().proto_model_for_read(&mut &*onnx).map_err(unusable)?;
        let Some(graph) = &model.graph else { return Err(LoadError::Unusable("it has no graph".to_owned())) };
        check::outputs(graph)?;
        check::zip_maps(graph)?;
        let symbols = SymbolScope::default();
        let rows = symbols.sym("N");
        let (mut inputs, mut signatures, mut one_row) = (Vec::new(), Vec::new(), false);
        for value in &graph.input {
            if graph.initializer.iter().any(|constant| constant.name == value.name) {
                continue;
            }
            let (input, datum, one) = input(value)?;
            let batch = if one { 1.to_dim() } else { rows.to_dim() };
            let shape = [batch].into_iter().chain(input.row_shape.iter().map(|size| size.to_dim()));
            signatures.push((input.name.clone(), Signature::new(datum, shape)));
            inputs.push(input);
            one_row |= one;
        }
        let schema = Schema::new(inputs).ok_or(LoadError::NoInputs)?;
        let engine = load(&model, &signatures, &rows)?;
        let (outputs, signature) = output_forms(graph, engine.outputs(), &rows.to_dim()).map_err(unusable)?;
        let rows_per_run = if one_row { 1 } else { rows_that_fit(&engine, &rows) };
        let datums = signatures.into_iter().map(|(_, signature)| signature.datum).collect();
        Ok(Model { engine, schema, datums, outputs, signature, rows_per_run })
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
        let inputs = self.schema.inputs().iter().zip(&self.datums);
        let tensors = inputs
            .zip(table.inputs())
            .map(|((input, datum), values)| tensor(input, *datum, values, &rows))
            .collect::<TractResult<Vec<Tensor>>>()?;
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
fn tensor(input: &Input, datum: DatumType, values: &Values, rows: &Range<usize>) -> TractResult<Tensor> {
    let width = input.width();
    let range = rows.start.saturating_mul(width)..rows.end.saturating_mul(width);
    let shape: TVec<usize> = [rows.len()].into_iter().chain(input.row_shape.iter().copied()).collect();
    let missing = || format_err!("the table was made for another model");
    let tensor = match values {
        Values::F32(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::F64(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::I64(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::Bool(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
        Values::Text(values) => tensor1(values.get(range).ok_or_else(missing)?).into_shape(&shape)?,
    };
    Ok(if tensor.datum_type() == datum { tensor } else { tensor.cast_to_dt(datum)?.into_owned() })
}

/// An input, its type, and whether it is for one row at a time: a model exported so stays so; any other fixed batch would
/// need padding.
fn input(value: &ValueInfoProto) -> Result<(Input, DatumType, bool), LoadError> {
    let name = &value.name;
    let refused_type = |datum: &str| LoadError::Type { name: name.clone(), datum: datum.to_owned() };
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|of| of.value.as_ref()) else {
        return Err(refused_type("something else than a tensor"));
    };
    let element = DataType::try_from(tensor.elem_type).map_err(|_| refused_type("an unknown one"))?;
    let datum = DatumType::try_from(element).map_err(|_| refused_type(element.as_str_name()))?;
    let datatype = datatype(datum).ok_or_else(|| refused_type(element.as_str_name()))?;

    let sizes: Option<Vec<Option<usize>>> = tensor.shape.as_ref().map(|shape| {
        let size = |value: &Option<Value>| match value {
            Some(Value::DimValue(size)) => usize::try_from(*size).ok(),
            Some(Value::DimParam(_)) | None => None,
        };
        shape.dim.iter().map(|dim| size(&dim.value)).collect()
    });
    let refused_shape = || {
        let shown = |size: &Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
        let shape =
            sizes.as_ref().map_or("?".to_owned(), |sizes| sizes.iter().map(shown).collect::<Vec<_>>().join(", "));
        LoadError::Shape { name: name.clone(), shape: format!("[{shape}]") }
    };
    let (batch, row) = sizes.as_deref().and_then(<[_]>::split_first).ok_or_else(refused_shape)?;
    let row_shape = row.iter().copied().collect::<Option<Vec<usize>>>().ok_or_else(refused_shape)?;
    if batch.is_some_and(|batch| batch != 1) {
        return Err(refused_shape());
    }
    let input = Input::new(name.clone(), datatype, row_shape).ok_or_else(refused_shape)?;
    Ok((input, datum, batch.is_some()))
}

fn datatype(datum: DatumType) -> Option<Datatype> {
    Some(match datum {
        DatumType::F64 => Datatype::F64,
        DatumType::F32 => Datatype::F32,
        DatumType::F16 => Datatype::F16,
        DatumType::Bool => Datatype::Bool,
        DatumType::String => Datatype::Text,
        DatumType::I64 => Datatype::I64,
        DatumType::I32 => Datatype::I32,
        DatumType::I16 => Datatype::I16,
        DatumType::I8 => Datatype::I8,
        DatumType::U64 => Datatype::U64,
        DatumType::U32 => Datatype::U32,
        DatumType::U16 => Datatype::U16,
        DatumType::U8 => Datatype::U8,
        // What shapes are counted in.
        DatumType::TDim => Datatype::I64,
        _ => return None,
    })
}

fn output_forms(
    graph: &GraphProto,
    signatures: &[Signature],
    rows: &TDim,
) -> TractResult<(Vec<OutputForm>, Vec<OutputSignature>)> {
    let forms = graph.output.iter().zip(signatures).map(|(output, Signature { datum, shape })| {
        let name = output.name.clone();
        let keys = ml::zip_map_keys(graph, &name)?.map(Arc::from);
        let batch_second = matches!(shape.as_slice(), [one, batch, ..] if one.is_one() && batch == rows);
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
        let unusable = |error: TractError| LoadError::Unusable(describe(&error));
        Model::load_with(onnx, |model, inputs, _| {
            Interpreter::load(model, inputs).map(Engine::Interpreter).map_err(unusable)
        })
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
