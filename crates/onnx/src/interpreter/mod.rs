//! Models of common operators, run without tract: one operator after the other, as the file lists them.
//!
//! A model at the edge is small: a few operators, of ours ([`ml`](crate::ml)) or of the dozen that scikit-learn's and PyTorch's
//! exports put around them. tract plans a large network better than this does, but its way to a plan goes through most of
//! its code, all of which an isolate has to compile first, and a run of its plan costs more than a small model
//! (`docs/performance.md` has both in figures). So what is known here is run here, and the rest by tract:
//! [`Interpreter::load`] says which. What it refuses is not necessarily wrong, so its errors are nobody's but tests'.

mod activation;
mod arithmetic;
mod cast;
mod convolution;
mod dense;
mod extremes;
mod one_hot;
mod pool;
mod powers;
mod quantize;
mod recurrent;
mod shape;
mod softmax;
mod wide;
mod window;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::array::ConstantOfShape;

use crate::doing;
use crate::ml::{self, Kernel, Operator, Read, kernel};
use crate::names::label;
use crate::signature::Signature;
use activation::Activation;
use arithmetic::Arithmetic;

/// A model, ready to run.
#[derive(Debug)]
pub struct Interpreter {
    constants: Vec<Tensor>,
    steps: Vec<Step>,
    inputs: usize,
    /// Of the inputs, then of what the steps make.
    values: Vec<Signature>,
    /// Which of the values they are, and what these are.
    places: Vec<usize>,
    outputs: Vec<Signature>,
}

/// One operator.
#[derive(Debug)]
struct Step {
    /// Its node, as errors tell of it.
    label: Arc<str>,
    kernel: Arc<dyn Kernel>,
    inputs: TVec<Place>,
    /// How many outputs it has. They are the values that come next.
    outputs: usize,
}

/// Where a tensor is found.
#[derive(Clone, Copy, Debug)]
enum Place {
    Constant(usize),
    Value(usize),
}

/// Those of ONNX's own domain.
const OPERATORS: [(&str, Read); 43] = [
    ("Add", |_, node| kernel(Arithmetic::read(node))),
    ("ArgMax", |_, node| kernel(softmax::ArgBest::read(node))),
    ("ArgMin", |_, node| kernel(softmax::ArgBest::read(node))),
    ("BitShift", |_, node| kernel(powers::BitShift::read(node))),
    ("Cast", |_, node| kernel(cast::Cast::read(node))),
    ("Celu", |model, node| kernel(Activation::read(model, node))),
    ("Clip", |_, node| kernel(extremes::Clip::read(node))),
    ("Concat", |_, node| kernel(shape::Concat::read(node))),
    ("Conv", |model, node| kernel(convolution::Conv::read(model, node))),
    ("DequantizeLinear", |model, node| kernel(quantize::Dequantize::read(model, node))),
    ("Div", |_, node| kernel(Arithmetic::read(node))),
    ("DynamicQuantizeLinear", |_, _| kernel(Ok(quantize::DynamicQuantize))),
    ("Exp", |model, node| kernel(Activation::read(model, node))),
    ("Flatten", |_, node| kernel(shape::Reshape::read_flatten(node))),
    ("GRU", |_, node| kernel(recurrent::Recurrent::read(node))),
    ("Gelu", |model, node| kernel(Activation::read(model, node))),
    ("Gemm", |model, node| kernel(dense::Dense::read_gemm(model, node))),
    ("GlobalAveragePool", |_, _| kernel(Ok(pool::GlobalAverage))),
    ("HardSigmoid", |model, node| kernel(Activation::read(model, node))),
    ("Identity", |model, node| kernel(Activation::read(model, node))),
    ("LSTM", |_, node| kernel(recurrent::Recurrent::read(node))),
    ("LogSoftmax", |model, node| kernel(softmax::Softmax::read(model, node))),
    ("MatMul", |model, node| kernel(dense::Dense::read_mat_mul(model, node))),
    ("Max", |_, node| kernel(Ok(extremes::Extreme::read(node)))),
    ("MaxPool", |_, node| kernel(pool::MaxPool::read(node))),
    ("Min", |_, node| kernel(Ok(extremes::Extreme::read(node)))),
    ("Mul", |_, node| kernel(Arithmetic::read(node))),
    ("OneHot", |model, node| kernel(one_hot::OneHot::read(model, node))),
    ("Neg", |model, node| kernel(Activation::read(model, node))),
    ("Pow", |_, _| kernel(Ok(powers::Pow))),
    ("QuantizeLinear", |model, node| kernel(quantize::Quantize::read(model, node))),
    ("RNN", |_, node| kernel(recurrent::Recurrent::read(node))),
    ("ReduceMax", |model, node| kernel(extremes::ReduceExtreme::read(model, node))),
    ("ReduceMin", |model, node| kernel(extremes::ReduceExtreme::read(model, node))),
    ("Relu", |model, node| kernel(Activation::read(model, node))),
    ("Reshape", |model, node| kernel(shape::Reshape::read(model, node))),
    ("Sigmoid", |model, node| kernel(Activation::read(model, node))),
    ("Softmax", |model, node| kernel(softmax::Softmax::read(model, node))),
    ("Softplus", |model, node| kernel(Activation::read(model, node))),
    ("Sqrt", |model, node| kernel(Activation::read(model, node))),
    ("Sub", |_, node| kernel(Arithmetic::read(node))),
    ("Swish", |model, node| kernel(Activation::read(model, node))),
    ("Tanh", |model, node| kernel(Activation::read(model, node))),
];

/// Of these, those that tract gets wrong: a missing value becomes a number, a network runs forwards instead of backwards,
/// a number is cut. Its own are replaced by them.
const WRONG_IN_TRACT: [&str; 26] = [
    "ArgMax",
    "ArgMin",
    "BitShift",
    "Celu",
    "Clip",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "GRU",
    "Gelu",
    "HardSigmoid",
    "LSTM",
    "LogSoftmax",
    "Max",
    "MaxPool",
    "Min",
    "OneHot",
    "Pow",
    "QuantizeLinear",
    "RNN",
    "ReduceMax",
    "ReduceMin",
    "Relu",
    "Sigmoid",
    "Softplus",
    "Swish",
    "Tanh",
];

/// Whether tract runs it by a kernel of ours.
pub fn is_ours(operator: &str) -> bool {
    WRONG_IN_TRACT.contains(&operator)
        || ml::reader(operator).is_some()
        || ["CastLike", "ConstantOfShape"].contains(&operator)
}

/// Puts them into tract's registry.
pub fn register(operators: &mut OnnxOpRegister) {
    for name in WRONG_IN_TRACT {
        operators.insert(name, build);
    }
    operators.insert("Cast", cast::build);
    operators.insert("CastLike", cast::build);
    operators.insert("ConstantOfShape", constant_of_shape);
}

/// tract takes the value that it has where none is named for one of 64 bits.
fn constant_of_shape(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let value = match node.get_attr_opt::<&TensorProto>("value")? {
        Some(value) => ml::load_tensor(value)?.into_shape(&[])?,
        None => tensor0(0f32),
    };
    Ok((expand(ConstantOfShape::new(value.into_arc_tensor())), Vec::new()))
}

/// The operator of a node, as tract wants it.
fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let read = reader(&node.op_type).context("none of these operators")?;
    Ok((expand(Operator::new(node, read(context.model, node)?)), Vec::new()))
}

/// Of these, all inputs but the first are read with the node, and not needed again.
const OF_ONE_INPUT: [&str; 4] = ["Conv", "Gemm", "MatMul", "Reshape"];

fn reader(operator: &str) -> Option<Read> {
    OPERATORS.iter().find(|(name, _)| *name == operator).map(|(_, read)| *read)
}

impl Interpreter {
    /// About how many bytes of values a run should hold: as many as a processor's second cache does. A run costs next to
    /// nothing, and from further away values take longer to come than most operators take.
    pub const RUN_BYTES: usize = 256 << 10;

    /// The versions of ONNX's own operators that are read as these kernels have them.
    const VERSIONS: RangeInclusive<i64> = 7..=25;

    /// Reads a model whose inputs, which are not among its constants, have those signatures.
    ///
    /// # Errors
    /// If there is something in it that only tract knows, or nobody.
    pub fn load(model: &ModelProto, inputs: &[(String, Signature)]) -> TractResult<Interpreter> {
        let graph = model.graph.as_ref().context("it has no graph")?;
        if let Some(version) = ml::version(model, "") {
            ensure!(Self::VERSIONS.contains(&version), "operators of version {version}");
        }
        let mut reading = Reading::new(graph, inputs);
        for node in &graph.node {
            if node.op_type != "Constant" {
                reading.node(model, node).with_context(|| format!("{} `{}`", node.op_type, node.name))?;
            }
        }
        let outputs = graph.output.iter().map(|output| match reading.places.get(output.name.as_str()) {
            Some(Place::Value(at)) if !inputs.iter().any(|(name, _)| *name == output.name) => Ok(*at),
            _ => bail!("output `{}` is not computed", output.name),
        });
        let places = outputs.collect::<TractResult<Vec<_>>>()?;
        let Reading { constants, steps, values, .. } = reading;
        let outputs = places.iter().filter_map(|at| values.get(*at).cloned()).collect();
        Ok(Interpreter { constants, steps, inputs: inputs.len(), values, places, outputs })
    }

    /// The outputs' signatures, in the model's order.
    pub fn outputs(&self) -> &[Signature] {
        &self.outputs
    }

    /// The signatures of all values that a run holds.
    pub fn values(&self) -> &[Signature] {
        &self.values
    }

    /// How many multiplications one row takes, where there may be far more than values.
    pub fn work(&self) -> u64 {
        self.steps.iter().map(|step| step.kernel.work()).fold(0, u64::saturating_add)
    }

    /// Runs the model on its inputs, in its order.
    ///
    /// # Errors
    /// If an operator refuses a value.
    pub fn run(&self, inputs: Vec<Tensor>) -> TractResult<Vec<Tensor>> {
        ensure!(inputs.len() == self.inputs, "takes {} inputs, not {}", self.inputs, inputs.len());
        let mut values = inputs;
        values.reserve(self.values.len());
        for step in &self.steps {
            let place = |place: &Place| match place {
                Place::Constant(at) => self.constants.get(*at),
                Place::Value(at) => values.get(*at),
            };
            let inputs: Option<TVec<&Tensor>> = step.inputs.iter().map(place).collect();
            doing::at(&step.label);
            let outputs = step.kernel.run(&inputs.context("a value is missing")?);
            let outputs = outputs.with_context(|| step.label.to_string())?;
            ensure!(outputs.len() >= step.outputs, "{} gives fewer outputs than it has", step.label);
            values.extend(outputs.into_iter().take(step.outputs));
        }
        self.places.iter().map(|at| values.get(*at).cloned().context("an output is missing")).collect()
    }
}

/// A graph, as far as it has been read.
struct Reading<'m> {
    constants: Vec<Tensor>,
    steps: Vec<Step>,
    values: Vec<Signature>,
    places: HashMap<&'m str, Place>,
    graph: &'m GraphProto,
}

impl<'m> Reading<'m> {
    fn new(graph: &'m GraphProto, inputs: &'m [(String, Signature)]) -> Self {
        let places = inputs.iter().enumerate().map(|(at, (name, _))| (name.as_str(), Place::Value(at))).collect();
        let values = inputs.iter().map(|(_, signature)| signature.clone()).collect();
        Reading { constants: Vec::new(), steps: Vec::new(), values, places, graph }
    }

    /// Where the tensor of that name is.
    fn place(&mut self, name: &'m str) -> TractResult<Place> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let constant = ml::constant(self.graph, name).with_context(|| format!("nothing makes `{name}`"))??;
        let place = Place::Constant(self.constants.len());
        self.constants.push(constant);
        self.places.insert(name, place);
        Ok(place)
    }

    fn signature(&self, place: Place) -> Option<Signature> {
        match place {
            Place::Constant(at) => {
                let tensor = self.constants.get(at)?;
                Some(Signature::new(tensor.datum_type(), tensor.shape().iter().map(|size| size.to_dim())))
            }
            Place::Value(at) => self.values.get(at).cloned(),
        }
    }

    fn node(&mut self, model: &ModelProto, node: &'m NodeProto) -> TractResult<()> {
        let read = match node.domain.as_str() {
            "" | "ai.onnx" => reader(&node.op_type).or_else(|| ml::reader(&node.op_type)),
            "ai.onnx.ml" => ml::reader(&node.op_type),
            _ if ml::is_contributed(node) => ml::reader(&node.op_type),
            _ => None,
        };
        let mut kernel = read.context("only tract knows it")?(model, node)?;
        ensure!(node.input.first().is_some_and(|name| !name.is_empty()), "an input is left out");
        let taken = if OF_ONE_INPUT.contains(&node.op_type.as_str()) { 1 } else { node.input.len() };
        let given = node.input.iter().take(taken).filter(|name| !name.is_empty());
        let inputs = given.map(|name| self.place(name)).collect::<TractResult<TVec<Place>>>()?;
        // tract does at once what depends on nothing.
        ensure!(inputs.iter().any(|place| matches!(place, Place::Value(_))), "all its inputs are constants");
        let signatures: Vec<Signature> = inputs.iter().filter_map(|place| self.signature(*place)).collect();
        if let Some(special) = kernel.specialise(&signatures)? {
            kernel = special;
        }
        let made = kernel.outputs(&signatures)?;
        ensure!(made.len() >= node.output.len(), "it has fewer outputs");
        let none = |signature: &Signature| signature.shape.iter().any(|size| *size == 0.to_dim());
        ensure!(!made.iter().any(none), "its output has no values");
        for (name, signature) in node.output.iter().zip(made) {
            // One that is not named cannot be asked for.
            self.places.insert(name, Place::Value(self.values.len()));
            self.values.push(signature);
        }
        self.steps.push(Step { label: label(&node.name, &node.op_type), kernel, inputs, outputs: node.output.len() });
        Ok(())
    }
}
