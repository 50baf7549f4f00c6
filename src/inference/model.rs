//! One model: loading it, and running it on tables.

use std::ops::Range;
use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, bail, format_err};
use tract_onnx::tract_hir::infer::Factoid;

use super::check::check;
use crate::onnx_ml;
use crate::payload::{Input, Kind, Output, Outputs, Schema, Table, Values};

/// A model, ready to run.
#[derive(Debug)]
pub struct Model {
    plan: Arc<TypedRunnableModel>,
    schema: Schema,
    inputs: Vec<InputTensor>,
    outputs: Vec<OutputForm>,
    rows_per_run: usize,
}

/// An input as tract takes it.
#[derive(Debug)]
struct InputTensor {
    datum: DatumType,
    /// Without the batch dimension.
    row_shape: Vec<usize>,
    width: usize,
}

#[derive(Debug)]
struct OutputForm {
    name: String,
    keys: Option<Arc<[String]>>,
    /// The batch dimension is the second, behind one of size 1.
    batch_second: bool,
}

/// Why bytes are not a model that can be run here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// Not ONNX, or an operator is misused.
    #[error("it cannot be loaded: {0}")]
    Unusable(String),
    /// An operator is not known here.
    #[error("node `{node}`: the operator {operator} is not supported")]
    Operator {
        /// Its type, with its domain unless that is ONNX's own.
        operator: String,
        /// The node's name, or its first output's.
        node: String,
    },
    /// There is nothing that it predicts from.
    #[error("it has no inputs")]
    NoInputs,
    /// An input's shape is not a batch of rows.
    #[error("its input `{name}` has shape {shape}; give it a batch dimension first and a known size for all others")]
    Shape {
        /// The input.
        name: String,
        /// As the model declares it.
        shape: String,
    },
    /// An input is neither of numbers nor of strings nor of truth values.
    #[error("its input `{name}` is of type {datum}; numbers, strings and truth values are run")]
    Type {
        /// The input.
        name: String,
        /// As tract names it.
        datum: String,
    },
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The model failed on the rows.
    #[error("the model failed: {0}")]
    Failed(String),
    /// The endpoint names an output that the model does not have.
    #[error("the model has no output `{name}`; it has: {known}")]
    NoSuchOutput {
        /// What is asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

impl Model {
    /// About this many bytes of intermediate values are held at once; more rows than fit are run in turns.
    const RUN_BYTES: usize = 16 << 20;
    /// The most rows in one run: beyond it a batch gains nothing, and its values leave the processor's caches.
    const MAX_ROWS: usize = 1024;

    /// Loads an ONNX model and prepares it for batches of any number of rows.
    ///
    /// # Errors
    /// If it is not ONNX, has an operator that is not supported, or does not take batches of rows.
    pub fn load(onnx: &[u8]) -> Result<Model, LoadError> {
        let unusable = |error: TractError| LoadError::Unusable(describe(&error));
        let mut framework = tract_onnx::onnx().with_ignore_output_types(true).with_ignore_value_info(true);
        onnx_ml::register(&mut framework.op_register);
        let proto = framework.proto_model_for_read(&mut &*onnx).map_err(unusable)?;
        check(&proto, &framework.op_register)?;
        let mut model = framework.model_for_proto_model(&proto).map_err(unusable)?;

        let rows = model.symbols.sym("N");
        let inlets = model.input_outlets().map_err(unusable)?.to_vec();
        let (mut columns, mut inputs, mut one_row) = (Vec::new(), Vec::new(), false);
        for (position, inlet) in inlets.iter().enumerate() {
            let name = model.nodes().get(inlet.node).map_or_else(String::new, |node| node.name.clone());
            let declared = model.input_fact(position).map_err(unusable)?.clone();
            let (input, one) = input(&name, &declared)?;
            let kind = kind(input.datum)
                .ok_or_else(|| LoadError::Type { name: name.clone(), datum: format!("{:?}", input.datum) })?;
            let batch = if one { 1.to_dim() } else { rows.to_dim() };
            let shape: TVec<TDim> =
                [batch].into_iter().chain(input.row_shape.iter().map(|size| size.to_dim())).collect();
            model.set_input_fact(position, InferenceFact::dt_shape(input.datum, shape)).map_err(unusable)?;
            columns.push(Input { name, kind, width: input.width });
            inputs.push(input);
            one_row |= one;
        }
        let schema = Schema::new(columns).ok_or(LoadError::NoInputs)?;
        let model = model.into_optimized().map_err(unusable)?;
        check_types(&model)?;
        let outputs = output_forms(&proto, &model, &rows.to_dim()).map_err(unusable)?;
        let rows_per_run = if one_row { 1 } else { rows_that_fit(&model, &rows) };
        let plan = model.into_runnable().map_err(unusable)?;
        Ok(Model { plan, schema, inputs, outputs, rows_per_run })
    }

    /// What the model takes.
    pub fn schema(&self) -> &Schema {
        &self.schema
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
                let known: Vec<&str> = self.outputs.iter().map(|output| output.name.as_str()).collect();
                RunError::NoSuchOutput { name: name.to_owned(), known: known.join(", ") }
            }),
        }
    }

    /// One run of the plan on some of the rows.
    fn run_once(&self, table: &Table, rows: Range<usize>) -> TractResult<Vec<Output>> {
        let count = rows.len();
        let tensors = self
            .inputs
            .iter()
            .zip(table.inputs())
            .map(|(input, values)| Ok(input.tensor(values, &rows)?.into()))
            .collect::<TractResult<TVec<TValue>>>()?;
        let answers = self.plan.run(tensors)?;
        self.outputs.iter().zip(answers).map(|(form, answer)| output(form, count, &answer)).collect()
    }
}

impl InputTensor {
    /// The tensor of some of the rows.
    fn tensor(&self, values: &Values, rows: &Range<usize>) -> TractResult<Tensor> {
        let range = rows.start.saturating_mul(self.width)..rows.end.saturating_mul(self.width);
        let shape: TVec<usize> = [rows.len()].into_iter().chain(self.row_shape.iter().copied()).collect();
        let missing = || format_err!("the table was made for another model");
        let tensor = match values {
            Values::F32(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
            Values::F64(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
            Values::I64(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
            Values::Bool(values) => Tensor::from_shape(&shape, values.get(range).ok_or_else(missing)?)?,
            Values::Text(values) => tensor1(values.get(range).ok_or_else(missing)?).into_shape(&shape)?,
        };
        Ok(if tensor.datum_type() == self.datum { tensor } else { tensor.cast_to_dt(self.datum)?.into_owned() })
    }
}

/// An input, and whether it is for one row at a time: a model exported so stays so; any other fixed batch would need
/// padding.
fn input(name: &str, declared: &InferenceFact) -> Result<(InputTensor, bool), LoadError> {
    let refused = || LoadError::Shape { name: name.to_owned(), shape: format!("{:?}", declared.shape) };
    let datum = declared.datum_type.concretize().unwrap_or(f32::datum_type());
    let dims: Vec<_> = declared.shape.dims().collect();
    let (batch, row_dims) = dims.split_first().filter(|_| !declared.shape.is_open()).ok_or_else(refused)?;
    let row_shape: Vec<usize> = row_dims
        .iter()
        .map(|dim| dim.concretize().and_then(|dim| dim.to_usize().ok()))
        .collect::<Option<_>>()
        .ok_or_else(refused)?;
    let width = row_shape.iter().try_fold(1, |product: usize, size| product.checked_mul(*size));
    let width = width.filter(|width| *width > 0).ok_or_else(refused)?;
    let one_row = match batch.concretize().map(|dim| dim.to_usize()) {
        Some(Ok(1)) => true,
        Some(Ok(_)) => return Err(refused()),
        Some(Err(_)) | None => false,
    };
    Ok((InputTensor { datum, row_shape, width }, one_row))
}

fn kind(datum: DatumType) -> Option<Kind> {
    let integer = |min: i64, max: i64| Some(Kind::Integer { min, max });
    Some(match datum {
        DatumType::F64 => Kind::F64,
        DatumType::F32 | DatumType::F16 => Kind::F32,
        DatumType::Bool => Kind::Bool,
        DatumType::String => Kind::Text,
        DatumType::I64 => return integer(i64::MIN, i64::MAX),
        DatumType::I32 => return integer(i32::MIN.into(), i32::MAX.into()),
        DatumType::I16 => return integer(i16::MIN.into(), i16::MAX.into()),
        DatumType::I8 => return integer(i8::MIN.into(), i8::MAX.into()),
        DatumType::U64 => return integer(0, i64::MAX),
        DatumType::U32 => return integer(0, u32::MAX.into()),
        DatumType::U16 => return integer(0, u16::MAX.into()),
        DatumType::U8 => return integer(0, u8::MAX.into()),
        _ => return None,
    })
}

/// tract has no 64-bit kernels of these, and would say so only when it runs.
fn check_types(model: &TypedModel) -> Result<(), LoadError> {
    const SINGLE: [&str; 4] = ["Sigmoid", "HardSwish", "LeakyRelu", "Erf"];
    let double = |node: &&TypedNode| node.outputs.iter().any(|outlet| outlet.fact.datum_type == f64::datum_type());
    match model.nodes().iter().filter(double).find(|node| SINGLE.contains(&&*node.op.name())) {
        Some(node) => {
            Err(LoadError::Operator { operator: format!("{} of doubles", node.op.name()), node: node.name.clone() })
        }
        None => Ok(()),
    }
}

fn output_forms(proto: &ModelProto, model: &TypedModel, rows: &TDim) -> TractResult<Vec<OutputForm>> {
    let Some(graph) = &proto.graph else { bail!("it has no graph") };
    let outlets = model.output_outlets()?;
    graph
        .output
        .iter()
        .zip(outlets)
        .map(|(output, outlet)| {
            let keys = onnx_ml::zip_map_keys(graph, &output.name)?.map(Arc::from);
            let shape = model.outlet_fact(*outlet)?.shape.to_tvec();
            let batch_second = matches!(shape.as_slice(), [one, batch, ..] if one.is_one() && batch == rows);
            Ok(OutputForm { name: output.name.clone(), keys, batch_second })
        })
        .collect()
}

/// How many rows' intermediate values fit into [`Model::RUN_BYTES`], as if all of them were held at once.
fn rows_that_fit(model: &TypedModel, rows: &Symbol) -> usize {
    let one_row = SymbolValues::default().with(rows, 1);
    let bytes: usize = model
        .nodes()
        .iter()
        .filter(|node| !node.op_is::<tract_onnx::tract_core::ops::konst::Const>())
        .flat_map(|node| &node.outputs)
        .map(|outlet| {
            let volume = outlet
                .fact
                .shape
                .iter()
                .try_fold(1usize, |product, dim| product.checked_mul(dim.eval(&one_row).to_usize().ok()?));
            volume.unwrap_or(0).saturating_mul(outlet.fact.datum_type.size_of())
        })
        .fold(0, usize::saturating_add);
    Model::RUN_BYTES.checked_div(bytes).unwrap_or(Model::MAX_ROWS).clamp(1, Model::MAX_ROWS)
}

fn output(form: &OutputForm, rows: usize, tensor: &Tensor) -> TractResult<Output> {
    let name = &form.name;
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
    Ok(Output { name: name.clone(), row_shape, keys: form.keys.clone(), values })
}

/// An error with its causes in one line, and no backtrace.
fn describe(error: &TractError) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").chars().take(1000).collect()
}
