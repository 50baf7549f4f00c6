//! Whether each row's answer depends on that row alone, as far as a graph's operators tell.
//!
//! A model that is run in turns, or whose last turn is filled up, answers as the whole batch would only if that is so.

use std::collections::HashMap;

use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use crate::attributes::{graph, integer, integers, tensor};
use crate::inputs::Declared;
use crate::ml::{self, place, places};
use crate::names;

/// What keeps rows from being answered each by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixing {
    /// The node's name, or its first output's.
    pub node: String,
    pub operator: String,
}

/// How a value goes with the rows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    /// The same for any rows.
    Same,
    /// Its shape goes with the number of rows, and its values are the same for each.
    Filled,
    /// Its values tell the number of rows.
    Count,
    /// A slice of it in that dimension is of one row.
    Along(usize),
}

/// A number in a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    Known(i64),
    Rows,
    /// Not known, but the same for any number of rows.
    Other,
}

#[derive(Clone, Debug)]
struct Value {
    spread: Spread,
    rank: Option<usize>,
    /// The numbers that it holds, where they may become a shape.
    sizes: Option<Vec<Size>>,
}

/// More numbers make no shape.
const MOST_SIZES: usize = 64;

/// Checks a graph with those inputs. A shape may have the number of rows written into it, where there is one: then each
/// run has to be of so many.
///
/// # Errors
/// The first node of which it is not known that it keeps rows apart.
pub fn independent(model: &ModelProto, inputs: &[Declared], written: Option<usize>) -> Result<(), Mixing> {
    let value = |declared: &Declared| {
        let spread = declared.batch_axis.map_or(Spread::Same, Spread::Along);
        (declared.input.name.clone(), Value::new(spread, Some(declared.rank())))
    };
    let mut walk = Walk {
        version: ml::version(model, "").unwrap_or(1),
        written: written.and_then(|rows| i64::try_from(rows).ok()),
        values: inputs.iter().map(value).collect(),
    };
    model.graph.as_ref().map_or(Ok(()), |graph| walk.graph(graph))
}

struct Walk {
    version: i64,
    /// The number of rows that shapes may have.
    written: Option<i64>,
    values: HashMap<String, Value>,
}

impl Value {
    fn new(spread: Spread, rank: Option<usize>) -> Self {
        Value { spread, rank, sizes: None }
    }

    /// Numbers that may be a shape.
    fn of_sizes(sizes: Vec<Size>, rank: usize) -> Self {
        let spread = if sizes.contains(&Size::Rows) { Spread::Count } else { Spread::Same };
        Value { spread, rank: Some(rank), sizes: Some(sizes) }
    }

    fn constant(tensor: &Tensor) -> Self {
        let numbers = tensor.cast_to::<i64>().ok().filter(|_| {
            tensor.len() <= MOST_SIZES && (tensor.datum_type().is_integer() || tensor.datum_type().is_float())
        });
        let sizes = numbers.and_then(|numbers| Some(ml::elements::<i64>(&numbers).ok()?.to_vec()));
        let sizes = sizes.map(|sizes| sizes.into_iter().map(Size::Known).collect());
        Value { spread: Spread::Same, rank: Some(tensor.rank()), sizes }
    }

    /// The only number that it holds.
    fn number(&self) -> Option<i64> {
        match self.sizes.as_deref() {
            Some([Size::Known(number)]) => Some(*number),
            _ => None,
        }
    }

    /// All numbers that it holds.
    fn numbers(&self) -> Option<Vec<i64>> {
        let known = |size: &Size| if let Size::Known(number) = size { Some(*number) } else { None };
        self.sizes.as_ref()?.iter().map(known).collect()
    }

    fn rows(&self) -> Option<usize> {
        if let Spread::Along(axis) = self.spread { Some(axis) } else { None }
    }
}

impl Walk {
    fn graph(&mut self, graph: &GraphProto) -> Result<(), Mixing> {
        for constant in &graph.initializer {
            let value = match usize::try_from(constant.dims.iter().product::<i64>()) {
                Ok(length) if length <= MOST_SIZES => ml::load_tensor(constant).ok().map(|it| Value::constant(&it)),
                _ => None,
            };
            let value = value.unwrap_or_else(|| Value::new(Spread::Same, Some(constant.dims.len())));
            self.values.insert(constant.name.clone(), value);
        }
        for node in &graph.node {
            let mixing = || {
                let named = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
                Mixing { node: named.cloned().unwrap_or_default(), operator: node.op_type.clone() }
            };
            let made = self.node(node).ok_or_else(mixing)?;
            for (name, value) in node.output.iter().zip(made) {
                self.values.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    /// What a node makes; `None` if it mixes rows, or may.
    fn node(&self, node: &NodeProto) -> Option<Vec<Value>> {
        let absent = Value::new(Spread::Same, None);
        let input = |at: usize| names::input(node, at).map_or(Some(&absent), |name| self.values.get(name));
        let inputs: Vec<&Value> = (0..node.input.len()).map(input).collect::<Option<_>>()?;
        let outputs = node.output.len();
        let all = |value: Value| vec![value; outputs];
        // What makes numbers of the shape of others.
        if let Some(value) = self.shape(node, &inputs) {
            return Some(all(value));
        }
        let first = inputs.first().copied().unwrap_or(&absent);
        if inputs.iter().all(|input| input.spread == Spread::Same) {
            let closed = node.attribute.iter().all(|attribute| attribute.g.is_none() && attribute.graphs.is_empty());
            return closed.then(|| all(Value::new(Spread::Same, rank_of(node, &inputs))));
        }
        // A shape may have the number of rows in it, other values may not.
        let values = if matches!(node.op_type.as_str(), "Reshape" | "Expand") { 1 } else { inputs.len() };
        if inputs.iter().take(values).any(|input| input.spread == Spread::Count) {
            return None;
        }
        if MOVING.contains(&node.op_type.as_str()) && inputs.iter().all(|input| input.rows().is_none()) {
            return Some(all(Value::new(Spread::Filled, Some(rank_of(node, &inputs)?))));
        }
        let rank = first.rank?;
        let along = |axis: usize, rank: usize| Some(all(Value::new(Spread::Along(axis), Some(rank))));
        let same = |spread: Spread| Some(all(Value::new(spread, Some(rank))));
        let others_are_same = inputs.iter().skip(1).all(|input| input.spread == Spread::Same);
        let rows = first.rows();
        match node.op_type.as_str() {
            name if EACH.contains(&name) => {
                let value = joined(&inputs)?;
                Some(all(value))
            }
            "BatchNormalization"
            | "Conv"
            | "ConvTranspose"
            | "GlobalAveragePool"
            | "GlobalMaxPool"
            | "AveragePool"
            | "MaxPool"
            | "InstanceNormalization"
            | "LRN"
            | "LpPool"
            | "GroupNormalization"
            | "DepthToSpace"
            | "SpaceToDepth" => (others_are_same && rows == Some(0)).then(|| along(0, rank))?,
            "Softmax" | "LogSoftmax" | "Hardmax" => {
                let old = self.version < 13;
                let over = place(integer(node, "axis").unwrap_or(if old { 1 } else { -1 }), rank)?;
                let apart = if old { rows? < over } else { rows? != over };
                apart.then(|| same(first.spread))?
            }
            "LayerNormalization" | "RMSNormalization" => {
                let over = place(integer(node, "axis").unwrap_or(-1), rank)?;
                (others_are_same && rows? < over).then(|| along(rows?, rank))?
            }
            "Transpose" => {
                let rows = first.rows()?;
                let order = integers(node, "perm").unwrap_or_default();
                let order = if order.is_empty() { (0..rank).rev().collect() } else { places(&order, rank)? };
                along(order.iter().position(|from| *from == rows)?, rank)
            }
            "Flatten" => {
                let over = integer(node, "axis").unwrap_or(1);
                (first.rows()? == 0 && place(over, rank.checked_add(1)?)? > 0).then(|| along(0, 2))?
            }
            "Reshape" => {
                let sizes = inputs.get(1)?.sizes.as_ref()?;
                let rows = first.rows()?;
                let kept = sizes.iter().take(rows).all(|size| *size == Size::Known(0));
                let fits = match sizes.get(rows)? {
                    Size::Rows | Size::Known(0) => true,
                    // Whether it comes to whole rows is seen in the sizes of an open batch; those of a fixed one do not tell.
                    Size::Known(-1) => rows == 0 && self.written.is_none(),
                    Size::Known(size) => self.written == Some(*size),
                    _ => false,
                };
                (kept && fits).then(|| along(rows, sizes.len()))?
            }
            "Squeeze" | "Unsqueeze" => {
                let given = integers(node, "axes").or_else(|| inputs.get(1)?.numbers())?;
                let squeezes = node.op_type == "Squeeze";
                let wide = if squeezes { rank } else { rank.checked_add(given.len())? };
                let given = places(&given, wide)?;
                if squeezes {
                    let rows = first.rows()?;
                    let before = given.iter().filter(|axis| **axis < rows).count();
                    return (!given.contains(&rows))
                        .then(|| along(rows.checked_sub(before)?, rank.checked_sub(given.len())?))?;
                }
                let kept: Vec<usize> = (0..wide).filter(|axis| !given.contains(axis)).collect();
                along(*kept.get(first.rows()?)?, wide)
            }
            "Concat" => {
                let value = joined(&inputs)?;
                let over = place(integer(node, "axis")?, value.rank?)?;
                // One that is not filled up to the rows would have to be repeated.
                let whole = inputs.iter().all(|input| input.spread != Spread::Same && input.rank == value.rank);
                (whole && value.rows() != Some(over)).then(|| all(value))
            }
            "Slice" => {
                let list = |name: &str, at: usize| integers(node, name).or_else(|| inputs.get(at)?.numbers());
                let starts = list("starts", 1)?;
                let over = match list("axes", 3) {
                    Some(over) => places(&over, rank)?,
                    None if names::input(node, 3).is_none() => (0..starts.len()).collect(),
                    None => return None,
                };
                (others_are_same && !over.contains(&rows?)).then(|| same(first.spread))?
            }
            "Split" | "TopK" | "CumSum" => {
                let default = if node.op_type == "TopK" { -1 } else { 0 };
                let over = match node.op_type.as_str() {
                    "CumSum" => inputs.get(1)?.number()?,
                    _ => integer(node, "axis").unwrap_or(default),
                };
                (others_are_same && place(over, rank)? != rows?).then(|| same(first.spread))?
            }
            "Gather" => {
                let over = place(integer(node, "axis").unwrap_or(0), rank)?;
                let chosen = inputs.get(1)?;
                let width = chosen.rank?;
                let wide = rank.checked_add(width)?.checked_sub(1)?;
                match (first.spread, chosen.spread) {
                    (Spread::Along(rows), Spread::Same) if rows < over => along(rows, wide),
                    (Spread::Along(rows), Spread::Same) if rows > over => {
                        along(rows.checked_add(width)?.checked_sub(1)?, wide)
                    }
                    (Spread::Same, Spread::Along(rows)) => along(over.checked_add(rows)?, wide),
                    _ => None,
                }
            }
            "Expand" => {
                let sizes = inputs.get(1)?.sizes.as_ref()?;
                let wide = rank.max(sizes.len());
                along(first.rows()?.checked_add(wide.checked_sub(rank)?)?, wide)
            }
            "Pad" => {
                let pads = integers(node, "pads").or_else(|| inputs.get(1)?.numbers())?;
                let whole = pads.len() == rank.checked_mul(2)? && names::input(node, 3).is_none();
                let rows = first.rows()?;
                let apart = pads.get(rows) == Some(&0) && pads.get(rank.checked_add(rows)?) == Some(&0);
                (others_are_same && whole && apart).then(|| along(rows, rank))?
            }
            "Tile" => {
                let repeats = inputs.get(1)?.numbers()?;
                let rows = first.rows()?;
                (repeats.get(rows) == Some(&1)).then(|| along(rows, rank))?
            }
            "OneHot" => {
                let over = place(integer(node, "axis").unwrap_or(-1), rank.checked_add(1)?)?;
                let rows = first.rows()?;
                let after = usize::from(over <= rows);
                others_are_same.then(|| along(rows.checked_add(after)?, rank.checked_add(1)?))?
            }
            name if name.starts_with("Reduce") || matches!(name, "ArgMax" | "ArgMin") => {
                let one = name.starts_with("Arg");
                let given = match integers(node, "axes").or_else(|| inputs.get(1)?.numbers()) {
                    _ if one => vec![integer(node, "axis").unwrap_or(0)],
                    Some(given) if !given.is_empty() => given,
                    _ => return None,
                };
                let given = places(&given, rank)?;
                let rows = first.rows()?;
                if given.contains(&rows) {
                    None
                } else if integer(node, "keepdims").unwrap_or(1) != 0 {
                    along(rows, rank)
                } else {
                    let before = given.iter().filter(|axis| **axis < rows).count();
                    along(rows.checked_sub(before)?, rank.checked_sub(given.len())?)
                }
            }
            "MatMul" | "MatMulInteger" => {
                let second = inputs.get(1)?;
                let wide = rank.max(second.rank?);
                // From the last dimension.
                let place = |value: &Value| value.rank?.checked_sub(value.rows()?);
                let rest_is_same = inputs.iter().skip(2).all(|input| input.spread == Spread::Same);
                let place = match (first.spread, second.spread) {
                    (Spread::Along(_), Spread::Same) => place(first).filter(|place| *place > 1)?,
                    (Spread::Same, Spread::Along(_)) => place(second).filter(|place| *place != 2)?,
                    (Spread::Along(_), Spread::Along(_)) => {
                        place(first).filter(|at| *at > 2 && place(second) == Some(*at))?
                    }
                    _ => return None,
                };
                (rest_is_same && rank > 1).then(|| along(wide.checked_sub(place)?, wide))?
            }
            "Gemm" => {
                let rows = first.rows()?;
                let across = integer(node, "transA").unwrap_or(0) != 0;
                (others_are_same && rows == usize::from(across)).then(|| along(0, 2))?
            }
            "LSTM" | "GRU" | "RNN" => {
                let first_is_batch = integer(node, "layout").unwrap_or(0) != 0;
                let states = |at: usize| {
                    let place = usize::from(!first_is_batch);
                    inputs.get(at).is_none_or(|state| match state.spread {
                        Spread::Same | Spread::Filled => true,
                        Spread::Along(rows) => rows == place,
                        Spread::Count => false,
                    })
                };
                let weights = [1, 2, 3, 4, 7].iter().all(|at| inputs.get(*at).is_none_or(|w| w.spread == Spread::Same));
                if first.rows()? != usize::from(!first_is_batch) || !weights || !states(5) || !states(6) {
                    return None;
                }
                let sequence = Value::new(Spread::Along(if first_is_batch { 0 } else { 2 }), Some(4));
                let last = Value::new(Spread::Along(usize::from(!first_is_batch)), Some(3));
                Some(vec![sequence, last.clone(), last])
            }
            "Scan" => self.scan(node, &inputs),
            "LinearClassifier" | "SVMClassifier" | "TreeEnsembleClassifier" => (first.rows()? == 0 && rank == 2)
                .then(|| vec![Value::new(Spread::Along(0), Some(1)), Value::new(Spread::Along(0), Some(2))]),
            "LinearRegressor"
            | "SVMRegressor"
            | "TreeEnsembleRegressor"
            | "TreeEnsemble"
            | "Scaler"
            | "Normalizer"
            | "Imputer"
            | "Binarizer"
            | "ZipMap" => (first.rows()? == 0 && rank == 2).then(|| along(0, 2))?,
            "FeatureVectorizer" => {
                let rows_first = |value: &&Value| value.rows() == Some(0) && value.rank == Some(2);
                inputs.iter().all(rows_first).then(|| along(0, 2))?
            }
            "ArrayFeatureExtractor" => {
                (others_are_same && rank > 1 && first.rows()? < rank.checked_sub(1)?).then(|| same(first.spread))?
            }
            "OneHotEncoder" | "Tokenizer" => along(first.rows()?, rank.checked_add(1)?),
            "TfIdfVectorizer" => (rows? == 0 && rank == 2).then(|| along(0, 2))?,
            _ => None,
        }
    }

    /// A `Scan` over what is the same for any rows, whose states are of rows.
    fn scan(&self, node: &NodeProto, inputs: &[&Value]) -> Option<Vec<Value>> {
        let body = graph(node, "body")?;
        let states = inputs.len().checked_sub(usize::try_from(integer(node, "num_scan_inputs")?).ok()?)?;
        let directed = |attribute: &AttributeProto| !matches!(attribute.name.as_str(), "body" | "num_scan_inputs");
        if node.attribute.iter().any(directed) || body.input.len() != inputs.len() {
            return None;
        }
        let mut inner = Walk { values: self.values.clone(), ..*self };
        for (at, (name, value)) in body.input.iter().zip(inputs).enumerate() {
            let value = if at < states {
                (*value).clone()
            } else {
                let slice = Value::new(Spread::Same, value.rank?.checked_sub(1));
                (value.spread == Spread::Same).then_some(slice)?
            };
            inner.values.insert(name.name.clone(), value);
        }
        inner.graph(body).ok()?;
        let outputs = body.output.iter().enumerate().map(|(at, output)| {
            let made = inner.values.get(&output.name)?;
            if at < states {
                return (made.spread == inputs.get(at)?.spread).then(|| made.clone());
            }
            let spread = match made.spread {
                Spread::Along(rows) => Spread::Along(rows.checked_add(1)?),
                other => other,
            };
            Some(Value::new(spread, Some(made.rank?.checked_add(1)?)))
        });
        outputs.collect()
    }

    /// What a node makes of shapes, or of what may become one.
    fn shape(&self, node: &NodeProto, inputs: &[&Value]) -> Option<Value> {
        let first = inputs.first().copied();
        let sizes = first.and_then(|first| first.sizes.as_ref());
        match node.op_type.as_str() {
            "Constant" => {
                let tensor = tensor(node, "value").and_then(|tensor| ml::load_tensor(tensor).ok());
                let list = integer(node, "value_int").map(|one| (vec![one], 0));
                let list = list.or_else(|| integers(node, "value_ints").map(|list| (list, 1)));
                Some(match (tensor, list) {
                    (Some(tensor), _) => Value::constant(&tensor),
                    (None, Some((list, rank))) => Value::of_sizes(list.into_iter().map(Size::Known).collect(), rank),
                    (None, None) => Value::new(Spread::Same, None),
                })
            }
            "Shape" => {
                let first = first?;
                let rank = first.rank?;
                let size = |axis: usize| if first.rows() == Some(axis) { Size::Rows } else { Size::Other };
                let unknown = matches!(first.spread, Spread::Filled | Spread::Count);
                let (start, end) = (integer(node, "start").unwrap_or(0), integer(node, "end").unwrap_or(i64::MAX));
                let part = ml::part(start, end, rank);
                (!unknown).then(|| Value::of_sizes(part.map(size).collect(), 1))
            }
            "Gather" => {
                let sizes = sizes?;
                let chosen = inputs.get(1)?;
                let picked = chosen.numbers()?.into_iter().map(|at| sizes.get(place(at, sizes.len())?).copied());
                Some(Value::of_sizes(picked.collect::<Option<_>>()?, chosen.rank?))
            }
            "Slice" if sizes.is_some() => {
                let sizes = sizes?;
                let list = |name: &str, at: usize| integers(node, name).or_else(|| inputs.get(at)?.numbers());
                let ([start], [end]) = (list("starts", 1)?[..].try_into().ok()?, list("ends", 2)?[..].try_into().ok()?);
                let (start, end): (i64, i64) = (start, end);
                let steps = inputs.get(4).is_none_or(|steps| steps.number() == Some(1));
                let part = sizes.get(ml::part(start, end, sizes.len()))?;
                steps.then(|| Value::of_sizes(part.to_vec(), 1))
            }
            "Concat" => {
                let parts: Option<Vec<&Vec<Size>>> = inputs.iter().map(|input| input.sizes.as_ref()).collect();
                let flat = inputs.iter().all(|input| input.rank == Some(1));
                let joined: Vec<Size> = parts?.into_iter().flatten().copied().collect();
                (flat && joined.len() <= MOST_SIZES).then(|| Value::of_sizes(joined, 1))
            }
            "Cast" | "Identity" => Some(Value::of_sizes(sizes?.clone(), first?.rank?)),
            "Unsqueeze" | "Squeeze" | "Reshape" => {
                let rank = match node.op_type.as_str() {
                    "Unsqueeze" => first?.rank?.checked_add(1)?,
                    "Squeeze" => 0,
                    _ => inputs.get(1)?.sizes.as_ref()?.len(),
                };
                (rank <= 1).then(|| Value::of_sizes(sizes?.clone(), rank).into())?
            }
            // Filled with one number.
            "ConstantOfShape" => {
                let sizes = sizes?;
                let filled = if sizes.contains(&Size::Rows) { Spread::Filled } else { Spread::Same };
                Some(Value::new(filled, Some(sizes.len())))
            }
            "Expand" if first?.spread == Spread::Same => {
                let sizes = inputs.get(1)?.sizes.as_ref()?;
                let filled = if sizes.contains(&Size::Rows) { Spread::Filled } else { Spread::Same };
                Some(Value::new(filled, Some(sizes.len().max(first?.rank?))))
            }
            _ => None,
        }
    }
}

/// How many dimensions a node makes of inputs that are the same for any rows, where it is easily known.
fn rank_of(node: &NodeProto, inputs: &[&Value]) -> Option<usize> {
    match node.op_type.as_str() {
        name if EACH.contains(&name) => inputs.iter().map(|input| input.rank).max().flatten(),
        "Transpose" | "Slice" | "Softmax" | "Concat" => inputs.first()?.rank,
        "MatMul" => inputs.iter().map(|input| input.rank).max().flatten(),
        "Reshape" => Some(inputs.get(1)?.sizes.as_ref()?.len()),
        "Squeeze" => {
            let axes = integers(node, "axes").or_else(|| inputs.get(1)?.numbers())?;
            inputs.first()?.rank?.checked_sub(axes.len())
        }
        "Unsqueeze" => {
            let axes = integers(node, "axes").or_else(|| inputs.get(1)?.numbers())?;
            inputs.first()?.rank?.checked_add(axes.len())
        }
        "Gather" => inputs.first()?.rank?.checked_add(inputs.get(1)?.rank?)?.checked_sub(1),
        "Gemm" => Some(2),
        "Range" => Some(1),
        _ => None,
    }
}

/// What is made of all of them, element by element.
fn joined(inputs: &[&Value]) -> Option<Value> {
    let rank = inputs.iter().map(|input| input.rank.unwrap_or(0)).max()?;
    let known = inputs.iter().all(|input| input.rank.is_some() || input.spread == Spread::Same);
    let mut found = Spread::Same;
    for input in inputs {
        let spread = match input.spread {
            Spread::Along(rows) => Spread::Along(rows.checked_add(rank.checked_sub(input.rank?)?)?),
            other => other,
        };
        found = match (found, spread) {
            (found, Spread::Same) => found,
            (Spread::Same | Spread::Filled, spread) => spread,
            (found, Spread::Filled) => found,
            (found, spread) => (found == spread).then_some(found)?,
        };
    }
    known.then(|| Value::new(found, Some(rank)))
}

/// Operators that leave what is filled filled, whichever of its dimensions goes with the rows.
const MOVING: [&str; 7] = ["Gather", "Gemm", "MatMul", "Slice", "Squeeze", "Transpose", "Unsqueeze"];

/// Operators whose every number depends on the numbers at its place alone.
const EACH: [&str; 71] = [
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitShift",
    "BitwiseAnd",
    "BitwiseNot",
    "BitwiseOr",
    "BitwiseXor",
    "Cast",
    "CastLike",
    "CategoryMapper",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsInf",
    "IsNaN",
    "LabelEncoder",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "StringNormalizer",
    "Sub",
    "Sum",
    "Tanh",
    "Where",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::inputs;
    use crate::testing::{model, node};

    /// The node at which rows may be put together, of a graph over an X of [N, 6, 4].
    fn mixing(nodes: Vec<NodeProto>, constants: &[(&str, &[i64])]) -> Option<String> {
        let model = model(nodes, &[("X", &[-1, 6, 4])], constants);
        let inputs = inputs::read(model.graph.as_ref().unwrap(), &BTreeMap::new()).unwrap();
        independent(&model, &inputs, None).err().map(|mixing| mixing.operator)
    }

    #[test]
    fn an_operator_over_the_rows_mixes_them() {
        let one = |node: NodeProto| mixing(vec![node], &[("zero", &[0]), ("two", &[2]), ("flat", &[1, -1])]);
        let of = |operator: &str, inputs: &[&str], attributes: &[(&str, i64)]| {
            one(node(operator, inputs, &["Y"], attributes))
        };
        assert_eq!(of("Softmax", &["X"], &[("axis", 2)]), None);
        assert_eq!(of("Softmax", &["X"], &[("axis", 0)]).as_deref(), Some("Softmax"));
        assert_eq!(of("Softmax", &["X"], &[("axis", -3)]).as_deref(), Some("Softmax"));
        assert_eq!(of("ReduceSum", &["X", "two"], &[]), None);
        assert_eq!(of("ReduceSum", &["X", "zero"], &[]).as_deref(), Some("ReduceSum"));
        assert_eq!(of("ReduceSum", &["X"], &[]).as_deref(), Some("ReduceSum"));
        assert_eq!(of("CumSum", &["X", "zero"], &[]).as_deref(), Some("CumSum"));
        assert_eq!(of("Reshape", &["X", "flat"], &[]).as_deref(), Some("Reshape"));
        assert_eq!(of("Gather", &["X", "zero"], &[("axis", 0)]).as_deref(), Some("Gather"));
        assert_eq!(of("Gather", &["X", "zero"], &[("axis", 1)]), None);
        assert_eq!(of("Flatten", &["X"], &[("axis", 0)]).as_deref(), Some("Flatten"));
        assert_eq!(of("MatMul", &["X", "X"], &[]), None);
    }

    #[test]
    fn rows_are_followed_through_transposes_and_shapes() {
        let turned = |axis: i64| {
            let mut turn = node("Transpose", &["X"], &["time"], &[]);
            turn.attribute = vec![crate::testing::list("perm", &[1, 0, 2])];
            mixing(vec![turn, node("Softmax", &["time"], &["Y"], &[("axis", axis)])], &[])
        };
        assert_eq!(turned(0), None);
        assert_eq!(turned(1).as_deref(), Some("Softmax"));
        let count = || {
            vec![
                node("Shape", &["X"], &["shape"], &[]),
                node("Gather", &["shape", "zero"], &["rows"], &[]),
                node("Concat", &["rows", "two"], &["wanted"], &[("axis", 0)]),
            ]
        };
        let after =
            |node: NodeProto| mixing(count().into_iter().chain([node]).collect(), &[("zero", &[0]), ("two", &[24])]);
        assert_eq!(after(node("Reshape", &["X", "wanted"], &["Y"], &[])), None);
        // The number of rows as a value.
        assert_eq!(after(node("Mul", &["X", "rows"], &["Y"], &[])).as_deref(), Some("Mul"));
    }
}
