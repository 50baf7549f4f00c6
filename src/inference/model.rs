//! One model: loading it, and running it on rows.

use std::collections::HashSet;
use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, bail};
use tract_onnx::tract_hir::infer::Factoid;

use crate::payload::{Output, Outputs, Rows, Values};

/// A model, ready to run.
#[derive(Debug)]
pub struct Model {
    plan: Arc<TypedRunnableModel>,
    input: Input,
    outputs: Vec<String>,
    rows_per_run: usize,
}

/// The model's one input: a batch of rows.
#[derive(Debug)]
struct Input {
    name: String,
    datum: DatumType,
    /// Without the batch dimension.
    row_shape: Vec<usize>,
    width: usize,
}

/// Why bytes are not a model that can be run here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// Not ONNX, or an operator is unknown or misused.
    #[error("it cannot be loaded: {0}")]
    Unusable(String),
    /// More or fewer inputs than one.
    #[error("it has {0} inputs; models of one input are run")]
    Inputs(usize),
    /// The input's shape is not a batch of rows.
    #[error("its input `{name}` has shape {shape}; give it a batch dimension first and a known size for all others")]
    Shape {
        /// The input.
        name: String,
        /// As the model declares it.
        shape: String,
    },
    /// The input is not numeric.
    #[error("its input `{name}` is of type {datum}; numbers are run")]
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
    /// The rows do not fit: the caller's mistake.
    #[error("rows of {given} numbers; the model's input `{input}` takes {expected} a row")]
    Width {
        /// What came.
        given: usize,
        /// What the model takes.
        expected: usize,
        /// The input's name.
        input: String,
    },
    /// The model failed on them.
    #[error("the model failed: {0}")]
    Failed(String),
}

impl Model {
    /// About this many bytes of intermediate values are held at once; more rows than fit are run in turns.
    const RUN_BYTES: usize = 16 << 20;
    /// The most rows in one run: beyond it a batch gains nothing, and its values leave the processor's caches.
    const MAX_ROWS: usize = 1024;

    /// Loads an ONNX model and prepares it for batches of any number of rows.
    ///
    /// # Errors
    /// If it is not ONNX, has an operator that tract lacks, or does not take one batch of rows of numbers.
    pub fn load(onnx: &[u8]) -> Result<Model, LoadError> {
        let unusable = |error: TractError| LoadError::Unusable(describe(&error));
        let framework = tract_onnx::onnx();
        let proto = framework.proto_model_for_read(&mut &*onnx).map_err(unusable)?;
        check_outputs(&proto)?;
        let mut model = framework.model_for_proto_model(&proto).map_err(unusable)?;
        let inlets = model.input_outlets().map_err(unusable)?.to_vec();
        let &[inlet] = inlets.as_slice() else { return Err(LoadError::Inputs(inlets.len())) };
        let outputs: Vec<String> = model
            .output_outlets()
            .map_err(unusable)?
            .iter()
            .map(|outlet| match model.outlet_label(*outlet) {
                Some(label) => label.to_owned(),
                None => model.nodes().get(outlet.node).map_or_else(String::new, |node| node.name.clone()),
            })
            .collect();

        let name = model.nodes().get(inlet.node).map_or_else(String::new, |node| node.name.clone());
        let declared = model.input_fact(0).map_err(unusable)?.clone();
        let datum = declared.datum_type.concretize().unwrap_or(f32::datum_type());
        if !(datum.is_float() || datum.is_integer()) {
            return Err(LoadError::Type { name, datum: format!("{datum:?}") });
        }
        let refused = || LoadError::Shape { name: name.clone(), shape: format!("{:?}", declared.shape) };
        let dims: Vec<_> = declared.shape.dims().collect();
        let (batch, row_dims) = dims.split_first().filter(|_| !declared.shape.is_open()).ok_or_else(refused)?;
        let row_shape: Vec<usize> = row_dims
            .iter()
            .map(|dim| dim.concretize().and_then(|dim| dim.to_usize().ok()))
            .collect::<Option<_>>()
            .ok_or_else(refused)?;
        let width = row_shape.iter().try_fold(1, |product: usize, size| product.checked_mul(*size));
        let width = width.filter(|width| *width > 0).ok_or_else(refused)?;
        // A model exported for one row at a time stays so; any other fixed batch would need padding.
        let one_row = match batch.concretize().map(|dim| dim.to_usize()) {
            Some(Ok(1)) => true,
            Some(Ok(_)) => return Err(refused()),
            Some(Err(_)) | None => false,
        };

        let rows = model.symbols.sym("N");
        let batch = if one_row { 1.to_dim() } else { rows.to_dim() };
        let shape: TVec<TDim> = std::iter::once(batch).chain(row_shape.iter().map(|size| size.to_dim())).collect();
        model.set_input_fact(0, InferenceFact::dt_shape(datum, shape)).map_err(unusable)?;
        let model = model.into_optimized().map_err(unusable)?;
        let rows_per_run = if one_row { 1 } else { rows_that_fit(&model, &rows) };
        let plan = model.into_runnable().map_err(unusable)?;
        Ok(Model { plan, input: Input { name, datum, row_shape, width }, outputs, rows_per_run })
    }

    /// Runs all rows as one batch, or in a few where their intermediate values would not fit into memory.
    ///
    /// # Errors
    /// If the rows are of another width than the model's input, or the model fails.
    pub fn run(&self, rows: &Rows) -> Result<Outputs, RunError> {
        if rows.width() != self.input.width {
            let (given, expected) = (rows.width(), self.input.width);
            return Err(RunError::Width { given, expected, input: self.input.name.clone() });
        }
        let mut gathered: Vec<Output> = Vec::new();
        for numbers in rows.runs(self.rows_per_run) {
            let outputs = self.run_once(numbers).map_err(|error| RunError::Failed(describe(&error)))?;
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
        Outputs::new(rows.len(), gathered)
            .ok_or_else(|| RunError::Failed("an output does not have a row for each row".to_owned()))
    }

    /// One run of the plan on the numbers of some whole rows.
    fn run_once(&self, numbers: &[f64]) -> TractResult<Vec<Output>> {
        let count = numbers.len().checked_div(self.input.width).unwrap_or(0);
        let shape: TVec<usize> = std::iter::once(count).chain(self.input.row_shape.iter().copied()).collect();
        let tensor = if self.input.datum == f32::datum_type() {
            let numbers: Vec<f32> = numbers.iter().map(|number| *number as f32).collect();
            Tensor::from_shape(&shape, &numbers)?
        } else {
            Tensor::from_shape(&shape, numbers)?.cast_to_dt(self.input.datum)?.into_owned()
        };
        let answers = self.plan.run(tvec!(tensor.into()))?;
        self.outputs.iter().zip(answers).map(|(name, answer)| output(name, count, &answer)).collect()
    }
}

/// Every output of the graph has to be made by something in it. tract takes that for granted, and panics.
fn check_outputs(model: &ModelProto) -> Result<(), LoadError> {
    let Some(graph) = &model.graph else { return Err(LoadError::Unusable("it has no graph".to_owned())) };
    let made: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|initializer| &initializer.name))
        .map(String::as_str)
        .collect();
    match graph.output.iter().find(|output| !made.contains(output.name.as_str())) {
        Some(output) => Err(LoadError::Unusable(format!("nothing makes its output `{}`", output.name))),
        None => Ok(()),
    }
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

fn output(name: &str, rows: usize, tensor: &Tensor) -> TractResult<Output> {
    let row_shape = match tensor.shape().split_first() {
        Some((batch, row_shape)) if *batch == rows => row_shape.to_vec(),
        // A model of one row may leave the batch dimension out.
        _ if rows == 1 => tensor.shape().to_vec(),
        _ => bail!("output `{name}` has shape {:?} for {rows} rows", tensor.shape()),
    };
    let datum = tensor.datum_type();
    let values = if datum == f32::datum_type() {
        Values::F32(tensor.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    } else if datum.is_float() {
        Values::F64(tensor.cast_to::<f64>()?.try_as_plain_ram()?.as_slice::<f64>()?.to_vec())
    } else if datum.is_integer() {
        Values::I64(tensor.cast_to::<i64>()?.try_as_plain_ram()?.as_slice::<i64>()?.to_vec())
    } else if datum == bool::datum_type() {
        Values::Bool(tensor.try_as_plain_ram()?.as_slice::<bool>()?.to_vec())
    } else {
        bail!("output `{name}` is of type {datum:?}, which cannot be written yet");
    };
    Ok(Output { name: name.to_owned(), row_shape, values })
}

/// An error with its causes in one line, and no backtrace.
fn describe(error: &TractError) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ").chars().take(1000).collect()
}
