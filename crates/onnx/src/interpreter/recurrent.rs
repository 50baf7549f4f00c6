//! Recurrent networks: `LSTM`, `GRU`, `RNN`, in both directions, with any first state and with sequences of several lengths.

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use crate::ml::{Kernel, dot, elements, tensor};
use crate::signature::Signature;

/// [LSTM](https://onnx.ai/onnx/operators/onnx__LSTM.html) and its like.
#[derive(Debug)]
pub struct Recurrent {
    cell: Cell,
    directions: Vec<Direction>,
    hidden: usize,
    /// Which inputs the optional ones are, from the fourth on.
    optional: [Option<usize>; 5],
    /// The batch dimension comes first.
    batch_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    Lstm,
    /// With the reset gate after the product with the last state, or before.
    Gru {
        reset_after: bool,
    },
    Rnn,
}

#[derive(Clone, Debug)]
struct Direction {
    is_reverse: bool,
    activations: Vec<Function>,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Relu,
    Sigmoid,
    Tanh,
}

impl Function {
    fn read(name: &str) -> TractResult<Self> {
        Ok(match name {
            "Relu" => Function::Relu,
            "Sigmoid" => Function::Sigmoid,
            "Tanh" => Function::Tanh,
            other => bail!("its activation {other} is not known here; Sigmoid, Tanh and Relu are"),
        })
    }

    fn of(self, x: f32) -> f32 {
        match self {
            Function::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Tanh => x.tanh(),
        }
    }
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru { .. } => 3,
            Cell::Rnn => 1,
        }
    }

    fn default_activations(self) -> &'static [Function] {
        match self {
            Cell::Lstm => &[Function::Sigmoid, Function::Tanh, Function::Tanh],
            Cell::Gru { .. } => &[Function::Sigmoid, Function::Tanh],
            Cell::Rnn => &[Function::Tanh],
        }
    }
}

/// The places of the optional inputs.
const BIAS: usize = 0;
const LENGTHS: usize = 1;
const STATE: usize = 2;
const CELL_STATE: usize = 3;
const PEEPHOLES: usize = 4;

impl Recurrent {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let cell = match node.op_type.as_str() {
            "LSTM" => Cell::Lstm,
            "GRU" => Cell::Gru { reset_after: node.get_attr_opt::<i64>("linear_before_reset")?.unwrap_or(0) != 0 },
            "RNN" => Cell::Rnn,
            other => bail!("{other} is not recurrent"),
        };
        let is_named = |name: &str| node.attribute.iter().any(|attribute| attribute.name == name);
        ensure!(!is_named("clip"), "values that are clipped inside of it are not known here");
        let scaled =
            |name: &str| node.attribute.iter().any(|attribute| attribute.name == name && !attribute.floats.is_empty());
        ensure!(
            !scaled("activation_alpha") && !scaled("activation_beta"),
            "activations with factors are not known here"
        );
        ensure!(node.get_attr_opt::<i64>("input_forget")?.unwrap_or(0) == 0, "coupled gates are not known here");
        let reverse: &[bool] = match node.get_attr_opt::<&str>("direction")?.unwrap_or("forward") {
            "forward" => &[false],
            "reverse" => &[true],
            "bidirectional" => &[false, true],
            other => bail!("its direction `{other}` is none"),
        };
        let named: Vec<String> = node.get_attr_opt_vec("activations")?.unwrap_or_default();
        let mut functions = named.iter().map(|name| Function::read(name)).collect::<TractResult<Vec<_>>>()?;
        let each = cell.default_activations().len();
        if functions.is_empty() {
            functions = cell.default_activations().repeat(reverse.len());
        }
        ensure!(functions.len() == each.saturating_mul(reverse.len()), "{} activations", functions.len());
        let directions = reverse.iter().zip(functions.chunks(each));
        let mut next = 3usize;
        let optional = std::array::from_fn(|at| {
            let is_there = node.input.get(at.saturating_add(3)).is_some_and(|name| !name.is_empty());
            let place = is_there.then_some(next);
            next = next.saturating_add(usize::from(is_there));
            place
        });
        Ok(Recurrent {
            cell,
            directions: directions
                .map(|(is_reverse, functions)| Direction { is_reverse: *is_reverse, activations: functions.to_vec() })
                .collect(),
            hidden: node.get_attr("hidden_size")?,
            optional,
            batch_first: node.get_attr_opt::<i64>("layout")?.unwrap_or(0) == 1,
        })
    }

    fn optional<'t>(&self, inputs: &[&'t Tensor], which: usize) -> Option<&'t Tensor> {
        let place = (*self.optional.get(which)?)?;
        inputs.get(place).copied()
    }
}

/// The weights of one direction.
struct Weights<'t> {
    inputs: &'t [f32],
    recurrent: &'t [f32],
    input_bias: &'t [f32],
    recurrent_bias: &'t [f32],
    /// Of the input, output and forget gates.
    peepholes: &'t [f32],
}

/// What one direction has of a tensor: nothing, of none.
fn part(tensor: Option<&Tensor>, direction: usize, size: usize) -> TractResult<&[f32]> {
    let Some(tensor) = tensor else { return Ok(&[]) };
    let start = direction.saturating_mul(size);
    let values = elements::<f32>(tensor)?.get(start..start.saturating_add(size));
    values.with_context(|| format!("weights of {:?}", tensor.shape()))
}

/// Adds the products of rows of weights with some values.
fn add_products(sums: &mut [f32], weights: &[f32], values: &[f32]) {
    let rows = weights.chunks_exact(values.len().max(1));
    sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum += dot(row, values));
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

impl Direction {
    fn function(&self, at: usize) -> Function {
        self.activations.get(at).copied().unwrap_or(Function::Tanh)
    }

    /// The next state of one sequence, and of its cell.
    fn step(&self, cell: Cell, weights: &Weights<'_>, x: &[f32], state: &mut [f32], cell_state: &mut [f32]) {
        let hidden = state.len();
        let mut sums = vec![0f32; hidden.saturating_mul(cell.gates())];
        add_products(&mut sums, weights.inputs, x);
        add(&mut sums, weights.input_bias);
        let function = |at: usize| self.function(at);
        match cell {
            Cell::Rnn => {
                add_products(&mut sums, weights.recurrent, state);
                add(&mut sums, weights.recurrent_bias);
                state.iter_mut().zip(&sums).for_each(|(h, sum)| *h = function(0).of(*sum));
            }
            Cell::Gru { reset_after } => {
                let gates = hidden.saturating_mul(2);
                let (of_gates, of_new) = weights.recurrent.split_at(gates.saturating_mul(hidden));
                let (bias_of_gates, bias_of_new) =
                    weights.recurrent_bias.split_at(gates.min(weights.recurrent_bias.len()));
                let (gate_sums, new) = sums.split_at_mut(gates);
                add_products(gate_sums, of_gates, state);
                add(gate_sums, bias_of_gates);
                gate_sums.iter_mut().for_each(|sum| *sum = function(0).of(*sum));
                let (update, reset) = gate_sums.split_at(hidden);
                let mut from_state = vec![0f32; hidden];
                if reset_after {
                    add_products(&mut from_state, of_new, state);
                    add(&mut from_state, bias_of_new);
                    from_state.iter_mut().zip(reset).for_each(|(sum, reset)| *sum *= reset);
                } else {
                    let kept: Vec<f32> = state.iter().zip(reset).map(|(h, reset)| h * reset).collect();
                    add_products(&mut from_state, of_new, &kept);
                    add(&mut from_state, bias_of_new);
                }
                add(new, &from_state);
                for ((h, update), new) in state.iter_mut().zip(update).zip(new) {
                    *h = (1.0 - update) * function(1).of(*new) + update * *h;
                }
            }
            Cell::Lstm => {
                add_products(&mut sums, weights.recurrent, state);
                add(&mut sums, weights.recurrent_bias);
                let (input, rest) = sums.split_at(hidden);
                let (output, rest) = rest.split_at(hidden);
                let (forget, new) = rest.split_at(hidden);
                let peephole = |gate: usize, at: usize| {
                    let place = gate.saturating_mul(hidden).saturating_add(at);
                    weights.peepholes.get(place).copied()
                };
                // Without peepholes nothing is added: nought times an infinite cell would be missing.
                let seen = |gate: usize, at: usize, c: f32| peephole(gate, at).map_or(0.0, |weight| weight * c);
                let cells = cell_state.iter_mut().zip(state.iter_mut()).zip(input).zip(output).zip(forget).zip(new);
                for (at, (((((c, h), input), output), forget), new)) in cells.enumerate() {
                    let input = function(0).of(input + seen(0, at, *c));
                    let forget = function(0).of(forget + seen(2, at, *c));
                    *c = forget * *c + input * function(1).of(*new);
                    *h = function(0).of(output + seen(1, at, *c)) * function(2).of(*c);
                }
            }
        }
    }
}

impl Kernel for Recurrent {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [x, weights, recurrent, ..] = inputs else { bail!("takes three inputs") };
        let datum = f32::datum_type();
        let mut others = inputs.iter().enumerate().filter(|(at, _)| self.optional.get(LENGTHS) != Some(&Some(*at)));
        ensure!(others.all(|(_, input)| input.datum == datum), "takes no {:?}", x.datum);
        let [a, b, size] = x.shape.as_slice() else { bail!("takes no {:?}", x.shape) };
        let (batch, steps) = if self.batch_first { (a, b) } else { (b, a) };
        let (directions, hidden) = (self.directions.len().to_dim(), self.hidden.to_dim());
        let rows = self.hidden.saturating_mul(self.cell.gates()).to_dim();
        ensure!(*weights.shape == [directions.clone(), rows.clone(), size.clone()], "weights of {:?}", weights.shape);
        ensure!(*recurrent.shape == [directions.clone(), rows, hidden.clone()], "weights of {:?}", recurrent.shape);
        let (all, last) = if self.batch_first {
            (tvec!(batch, steps, &directions, &hidden), tvec!(batch, &directions, &hidden))
        } else {
            (tvec!(steps, &directions, batch, &hidden), tvec!(&directions, batch, &hidden))
        };
        let shaped = |shape: TVec<&TDim>| Signature::new(datum, shape.into_iter().cloned());
        Ok(tvec!(shaped(all), shaped(last.clone()), shaped(last)))
    }

    #[allow(clippy::arithmetic_side_effects, reason = "places within tensors")]
    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [x, weights, recurrent, ..] = inputs else { bail!("takes three inputs") };
        let [a, b, size] = *x.shape() else { bail!("takes no {:?}", x.shape()) };
        let (batch, steps) = if self.batch_first { (a, b) } else { (b, a) };
        let (directions, hidden) = (self.directions.len(), self.hidden);
        let rows = hidden * self.cell.gates();
        let lengths = match self.optional(inputs, LENGTHS) {
            None => vec![steps; batch],
            Some(lengths) => elements::<i64>(&*lengths.cast_to::<i64>()?)?
                .iter()
                .map(|length| usize::try_from(*length).ok().filter(|length| *length <= steps))
                .collect::<Option<Vec<usize>>>()
                .context("a sequence that is longer than there are steps")?,
        };
        ensure!(lengths.len() == batch, "{} lengths of {batch} sequences", lengths.len());
        let first = |which: usize| match self.optional(inputs, which) {
            None => Ok(vec![0f32; batch * directions * hidden]),
            Some(state) => {
                let expected = if self.batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
                ensure!(*state.shape() == expected, "a first state of {:?}", state.shape());
                Ok(elements::<f32>(state)?.to_vec())
            }
        };
        let (mut states, mut cells) = (first(STATE)?, first(CELL_STATE)?);
        let mut all = vec![0f32; steps * directions * batch * hidden];
        let values = elements::<f32>(x)?;
        let (bias, peepholes) = (self.optional(inputs, BIAS), self.optional(inputs, PEEPHOLES));
        for (at, direction) in self.directions.iter().enumerate() {
            let biases = part(bias, at, rows * 2)?;
            let weights = Weights {
                inputs: part(Some(weights), at, rows * size)?,
                recurrent: part(Some(recurrent), at, rows * hidden)?,
                input_bias: biases.get(..rows).unwrap_or_default(),
                recurrent_bias: biases.get(rows..).unwrap_or_default(),
                peepholes: part(peepholes, at, 3 * hidden)?,
            };
            for (sequence, length) in lengths.iter().enumerate() {
                let place = if self.batch_first { sequence * directions + at } else { at * batch + sequence };
                let own = place * hidden..(place + 1) * hidden;
                let state = states.get_mut(own.clone()).context("a state is missing")?;
                let cell = cells.get_mut(own).context("a state is missing")?;
                for step in 0..*length {
                    let step = if direction.is_reverse { length - 1 - step } else { step };
                    let from = if self.batch_first { sequence * steps + step } else { step * batch + sequence };
                    let x = values.get(from * size..(from + 1) * size).context("a value is missing")?;
                    direction.step(self.cell, &weights, x, state, cell);
                    let to = if self.batch_first {
                        (sequence * steps + step) * directions + at
                    } else {
                        (step * directions + at) * batch + sequence
                    };
                    all.get_mut(to * hidden..(to + 1) * hidden).context("a place is missing")?.copy_from_slice(state);
                }
            }
        }
        let last: [usize; 3] = if self.batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
        let every =
            if self.batch_first { [batch, steps, directions, hidden] } else { [steps, directions, batch, hidden] };
        Ok(tvec!(tensor(&every, all)?, tensor(&last, states)?, tensor(&last, cells)?))
    }
}
