//! Models run by tract.

use std::collections::HashMap;
use std::sync::Arc;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{Cost, TractErrorContext as _};
use tract_onnx::tract_core::ops::cnn::{MaxPool, SumPool};
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::plan;
use turnout_tables::Limits;

use crate::bounded::{self, Refused, TooLarge};
use crate::error::LoadError;
use crate::guard::Guard;
use crate::names::label;
use crate::signature::Signature;
use crate::{bytes, check, doing, interpreter, ml, work};

/// tract's plan of a model.
#[derive(Debug)]
pub struct Plan {
    plan: Arc<TypedRunnableModel>,
    outputs: Vec<Signature>,
    values: Vec<Signature>,
    /// Bytes of the values that are held at once when there is one row.
    peak: u64,
    /// What is told of a node and checked before it is run, by its number.
    nodes: Vec<(Arc<str>, Vec<Guard>)>,
}

impl Plan {
    /// About how many bytes of values a run should hold.
    pub const RUN_BYTES: usize = 16 << 20;

    /// Plans a model whose inputs have those signatures, in its order; `rows` is the number of rows in them.
    ///
    /// # Errors
    /// If an operator is not supported, tract refuses the model, or it would take more than it may.
    pub fn load(
        model: &ModelProto,
        inputs: &[(String, Signature)],
        rows: &Symbol,
        limits: &Limits,
    ) -> Result<Plan, LoadError> {
        #[cfg(target_arch = "wasm32")]
        crate::constructors::run();
        let graph = model.graph.as_ref();
        let refused = |error: TractError| refused(&error, graph, limits);
        let mut framework = tract_onnx::onnx().with_ignore_output_types(true).with_ignore_value_info(true);
        ml::register(&mut framework.op_register);
        interpreter::register(&mut framework.op_register);
        check::version(model)?;
        if let Some(graph) = graph {
            check::operators(graph)?;
        }
        bounded::bound(&mut framework.op_register);
        let template = bounded::template(rows.scope().unwrap_or_default(), limits.run_bytes);
        let mut model = framework.model_for_proto_model_with_model_template(model, template).map_err(refused)?;
        for (position, (_, Signature { datum, shape })) in inputs.iter().enumerate() {
            model.set_input_fact(position, InferenceFact::dt_shape(*datum, shape)).map_err(refused)?;
        }
        let model = model.into_typed().map_err(refused)?;
        doing::none();
        check_sizes(&model, limits)?;
        let model = model.into_decluttered().map_err(refused)?;
        work::check(multiplications(&model), limits)?;
        let model = model.into_optimized().map_err(refused)?;
        check_types(&model)?;
        let outlets = model.output_outlets().map_err(refused)?;
        let outputs = outlets.iter().map(|outlet| Ok(signature(model.outlet_fact(*outlet)?)));
        let outputs = outputs.collect::<TractResult<_>>().map_err(refused)?;
        let computed = model.nodes().iter().filter(|node| !node.op_is::<Const>()).flat_map(|node| &node.outputs);
        let values = computed.map(|outlet| signature(&outlet.fact)).collect();
        let told = |node: &TypedNode| (label(&node.name, &node.op.name()), Guard::of(node, rows));
        let nodes = model.nodes().iter().map(told).collect();
        let plan = model.into_runnable().map_err(refused)?;
        let peak = peak(&plan);
        Ok(Plan { plan, outputs, values, peak, nodes })
    }

    /// The outputs' signatures, in the model's order.
    pub fn outputs(&self) -> &[Signature] {
        &self.outputs
    }

    /// The signatures of all that is computed.
    pub fn values(&self) -> &[Signature] {
        &self.values
    }

    /// Bytes of the values that a run of one row holds at once.
    pub fn peak(&self) -> u64 {
        self.peak
    }

    /// Runs the model on its inputs, in its order.
    ///
    /// # Errors
    /// If an operator refuses a value.
    pub fn run(&self, inputs: Vec<Tensor>) -> TractResult<Vec<Tensor>> {
        let inputs = inputs.into_iter().map(TValue::from).collect();
        let outputs =
            self.plan.spawn()?.run_plan_with_eval(inputs, |context, state, node, inputs| -> TractResult<_> {
                if let Some((label, guards)) = self.nodes.get(node.id) {
                    doing::at(label);
                    for guard in guards {
                        guard.check(&inputs, context.symbols).with_context(|| label.to_string())?;
                    }
                }
                plan::eval(context, state, node, inputs)
            })?;
        Ok(outputs.into_iter().map(TValue::into_tensor).collect())
    }
}

fn signature(fact: &TypedFact) -> Signature {
    Signature::new(fact.datum_type, fact.shape.iter().cloned())
}

/// Why tract does not take a model.
fn refused(error: &TractError, graph: Option<&GraphProto>, limits: &Limits) -> LoadError {
    for cause in error.chain() {
        if let Some(TooLarge { operator, node, bytes }) = cause.downcast_ref() {
            let what = label(node, operator).to_string();
            return LoadError::Memory { what, bytes: *bytes, most: limits.run_bytes as u64 };
        }
        if let Some(Refused { operator, node, problem }) = cause.downcast_ref() {
            let (node, operator) = (node.to_string(), operator.to_string());
            return LoadError::Node { node, operator, problem: problem.clone() };
        }
    }
    // The innermost reason, without what tract shows of its own graphs.
    let problem = plain(&error.root_cause().to_string());
    let named = error.chain().find_map(|cause| node_in(&cause.to_string(), graph?));
    match named {
        Some((node, operator)) => LoadError::Node { node, operator, problem },
        None => LoadError::Unusable(problem),
    }
}

/// A reason of tract's in words for whoever made the model.
fn plain(reason: &str) -> String {
    let first: String = reason.lines().next().unwrap_or_default().chars().take(200).collect();
    if first.contains("shape input is variable") || first.contains("to be determined") {
        "the size of what it makes depends on values that are sent, and has to be known when the model is loaded"
            .to_owned()
    } else if first.contains("Impossible to unify") {
        format!("the types or shapes of its inputs do not fit each other ({first})")
    } else if first.contains("can not be typed") || first.contains("Condition failed") {
        "it is not supported in this form; simplify the model (onnxsim), or export it with all sizes fixed but the number \
         of rows"
            .to_owned()
    } else {
        first
    }
}

/// The node of a graph that a text of tract's names, and its operator, by the name that the file has for it.
fn node_in(text: &str, graph: &GraphProto) -> Option<(String, String)> {
    let quoted = text.split('"').skip(1).step_by(2);
    let found = quoted.filter_map(|name| {
        // tract makes several nodes of one, and lengthens its name.
        let of_file = |node: &&NodeProto| {
            name.strip_prefix(node.name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        graph.node.iter().filter(of_file).max_by_key(|node| node.name.len())
    });
    let plain = text.split_whitespace().nth(2).filter(|_| text.starts_with("Building node "));
    let plain = plain.and_then(|name| graph.node.iter().find(|node| node.name == name));
    found.into_iter().next().or(plain).map(|node| (node.name.clone(), node.op_type.clone()))
}

/// No value is larger than a run may hold; checked before constants are computed.
fn check_sizes(model: &TypedModel, limits: &Limits) -> Result<(), LoadError> {
    let most = limits.run_bytes as u64;
    for node in model.nodes() {
        for outlet in &node.outputs {
            let bytes = bytes::of(&signature(&outlet.fact));
            if bytes > most && outlet.fact.konst.is_none() {
                return Err(LoadError::Memory { what: label(&node.name, &node.op.name()).to_string(), bytes, most });
            }
        }
    }
    Ok(())
}

/// How many multiplications, or comparisons of a pool, one row takes.
fn multiplications(model: &TypedModel) -> u64 {
    let mut work = 0u64;
    for node in model.nodes() {
        let pool = node.op_as::<MaxPool>().map(|op| &op.pool_spec).or(node.op_as::<SumPool>().map(|op| &op.pool_spec));
        if let (Some(pool), Some(outlet)) = (pool, node.outputs.first()) {
            let places = outlet.fact.shape.iter().map(bytes::of_one_row).fold(1, u64::saturating_mul);
            let each = pool.kernel_shape.iter().map(|size| *size as u64).fold(places, u64::saturating_mul);
            work = work.saturating_add(each);
        }
        let Ok(facts) = model.node_input_facts(node.id) else { continue };
        let Ok(costs) = node.op.cost(&facts) else { continue };
        for (_, count) in costs.iter().filter(|(cost, _)| matches!(cost, Cost::FMA(_))) {
            work = work.saturating_add(bytes::of_one_row(count));
        }
    }
    work
}

/// Bytes of the values that are held at once when there is one row: of each from its node to the last that takes it.
fn peak(plan: &TypedRunnableModel) -> u64 {
    let model = plan.model();
    let order = plan.order_without_consts();
    let places: HashMap<usize, usize> = order.iter().enumerate().map(|(place, node)| (*node, place)).collect();
    let mut dying: HashMap<usize, Vec<u64>> = HashMap::new();
    let (mut held, mut peak) = (0u64, 0u64);
    for (place, node) in order.iter().enumerate() {
        let Some(node) = model.nodes().get(*node) else { continue };
        let made = node.outputs.iter().map(|outlet| bytes::of(&signature(&outlet.fact)));
        let made = made.fold(0, u64::saturating_add);
        held = held.saturating_add(made);
        peak = peak.max(held);
        let users = node.outputs.iter().flat_map(|outlet| &outlet.successors);
        let last = users.filter_map(|user| places.get(&user.node)).max().copied().unwrap_or(place);
        if !model.outputs.iter().any(|output| output.node == node.id) {
            dying.entry(last).or_default().push(made);
        }
        for freed in dying.remove(&place).unwrap_or_default() {
            held = held.saturating_sub(freed);
        }
    }
    peak
}

/// tract has no 64-bit kernels of these, and would say so only when it runs.
fn check_types(model: &TypedModel) -> Result<(), LoadError> {
    const SINGLE: [&str; 3] = ["HardSwish", "LeakyRelu", "Erf"];
    let double = |node: &&TypedNode| node.outputs.iter().any(|outlet| outlet.fact.datum_type == f64::datum_type());
    match model.nodes().iter().filter(double).find(|node| SINGLE.contains(&&*node.op.name())) {
        Some(node) => {
            Err(LoadError::Operator { operator: format!("{} of doubles", node.op.name()), node: node.name.clone() })
        }
        None => Ok(()),
    }
}
