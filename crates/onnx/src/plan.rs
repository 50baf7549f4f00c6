//! Models run by tract.

use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::konst::Const;

use crate::check;
use crate::error::{LoadError, describe};
use crate::interpreter;
use crate::ml;
use crate::signature::Signature;

/// tract's plan of a model.
#[derive(Debug)]
pub struct Plan {
    plan: Arc<TypedRunnableModel>,
    outputs: Vec<Signature>,
    values: Vec<Signature>,
}

impl Plan {
    /// About how many bytes of values a run should hold.
    pub const RUN_BYTES: usize = 16 << 20;

    /// Plans a model whose inputs have those signatures, in its order.
    ///
    /// # Errors
    /// If an operator is not supported, or tract refuses the model.
    pub fn load(model: &ModelProto, inputs: &[(String, Signature)], rows: &Symbol) -> Result<Plan, LoadError> {
        #[cfg(target_arch = "wasm32")]
        crate::constructors::run();
        let unusable = |error: TractError| LoadError::Unusable(describe(&error));
        let mut framework = tract_onnx::onnx().with_ignore_output_types(true).with_ignore_value_info(true);
        ml::register(&mut framework.op_register);
        interpreter::register(&mut framework.op_register);
        check::version(model)?;
        if let Some(graph) = &model.graph {
            check::operators(graph)?;
        }
        let template = InferenceModel { symbols: rows.scope().unwrap_or_default(), ..InferenceModel::default() };
        let mut model = framework.model_for_proto_model_with_model_template(model, template).map_err(unusable)?;
        for (position, (_, Signature { datum, shape })) in inputs.iter().enumerate() {
            model.set_input_fact(position, InferenceFact::dt_shape(*datum, shape)).map_err(unusable)?;
        }
        let model = model.into_optimized().map_err(unusable)?;
        check_types(&model)?;
        let signature = |fact: &TypedFact| Signature::new(fact.datum_type, fact.shape.iter().cloned());
        let outlets = model.output_outlets().map_err(unusable)?;
        let outputs = outlets.iter().map(|outlet| Ok(signature(model.outlet_fact(*outlet)?)));
        let outputs = outputs.collect::<TractResult<_>>().map_err(unusable)?;
        let computed = model.nodes().iter().filter(|node| !node.op_is::<Const>()).flat_map(|node| &node.outputs);
        let values = computed.map(|outlet| signature(&outlet.fact)).collect();
        Ok(Plan { plan: model.into_runnable().map_err(unusable)?, outputs, values })
    }

    /// The outputs' signatures, in the model's order.
    pub fn outputs(&self) -> &[Signature] {
        &self.outputs
    }

    /// The signatures of all that is computed.
    pub fn values(&self) -> &[Signature] {
        &self.values
    }

    /// Runs the model on its inputs, in its order.
    ///
    /// # Errors
    /// If an operator refuses a value.
    pub fn run(&self, inputs: Vec<Tensor>) -> TractResult<Vec<Tensor>> {
        let outputs = self.plan.run(inputs.into_iter().map(TValue::from).collect())?;
        Ok(outputs.into_iter().map(TValue::into_tensor).collect())
    }
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
