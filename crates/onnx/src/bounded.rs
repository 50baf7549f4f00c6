//! tract's operators, bounded: what one makes of constants when a model is loaded, and what shapes it gives, is checked
//! before tract computes it.

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::*;

use crate::bytes::bytes;
use crate::names::label;
use crate::{doing, guard};

/// Behind the name of an operator as tract itself has it. No file can name it so, as operators are known by then.
const INNER: &str = " of tract";

/// Where the most bytes of a value stand.
const MOST: &str = "turnout.most_bytes";

/// The most characters of a size's formula. It seldom has twenty; where sizes that do not fit each other are broadcast, tract
/// keeps both in it, and it doubles from node to node.
const MOST_OF_A_SIZE: usize = 1_000;

/// Bounds all operators of a registry.
pub fn bound(register: &mut OnnxOpRegister) {
    for (name, build) in std::mem::take(&mut register.0) {
        register.0.insert(format!("{name}{INNER}"), build);
        register.0.insert(name, bounded);
    }
}

/// A graph to begin with, whose values may be of that many bytes when there is one row.
pub fn template(symbols: SymbolScope, most_bytes: usize) -> InferenceModel {
    let mut model = InferenceModel { symbols, ..InferenceModel::default() };
    model.properties.insert(MOST.to_owned(), rctensor0(most_bytes as u64));
    model
}

fn bounded(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    doing::at(&label(&node.name, &node.op_type));
    let build = context.framework.op_register.0.get(&format!("{}{INNER}", node.op_type));
    let (inner, closures) = build.context("an unknown operator")?(context, node)?;
    let most = context.template.properties.get(MOST).context("no bound")?.cast_to_scalar::<u64>()?;
    let narrows = node.op_type == "Cast" && node.get_attr_opt::<i64>("to")? == Some(DataType::Int64 as i64);
    let (operator, name) = (node.op_type.as_str().into(), node.name.as_str().into());
    Ok((Box::new(Bounded { operator, node: name, inner, most, narrows }), closures))
}

/// An operator that checks its outputs' sizes before it makes them.
#[derive(Clone, Debug)]
struct Bounded {
    operator: Arc<str>,
    node: Arc<str>,
    inner: Box<dyn InferenceOp>,
    /// Bytes of a value when there is one row.
    most: u64,
    /// Whether it makes integers of 64 bits of other numbers, which tract takes through 32.
    narrows: bool,
}

// No two nodes are the same one.
impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for Bounded {}

impl Op for Bounded {
    fn name(&self) -> StaticName {
        self.inner.name()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        self.inner.as_op().as_typed()
    }
}

impl EvalOp for Bounded {
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.inner.eval_out_of_plan(inputs)
    }

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.inner.eval(context, inputs)
    }

    fn state(&self, context: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        self.inner.state(context)
    }
}

impl InferenceOp for Bounded {
    fn infer(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        doing::at(&label(&self.node, &self.operator));
        let values: Vec<Option<Arc<Tensor>>> = inputs.iter().map(|input| input.value.concretize()).collect();
        let values: Vec<Option<&Tensor>> = values.iter().map(Option::as_deref).collect();
        let shapes: Vec<Option<TVec<TDim>>> = inputs.iter().map(|input| input.shape.concretize()).collect();
        if let (true, Some(Some(value))) = (self.narrows, values.first()) {
            guard::narrow(value).map_err(|error| self.refused(error))?;
        }
        guard::check_known(&self.operator, &values, &shapes).map_err(|error| self.refused(error))?;
        let (_, made, _) = self.inner.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
        for fact in &made {
            let (Some(shape), Some(datum)) = (fact.shape.concretize(), fact.datum_type.concretize()) else { continue };
            let negative = shape.iter().find(|size| size.to_i64().is_ok_and(|size| size < 0));
            if let Some(size) = negative {
                return Err(self.refused(format_err!("it makes a size of {size}")));
            }
            let formulas = shape.iter().filter(|size| size.to_i64().is_err());
            if formulas.map(|size| size.to_string().len()).any(|length| length > MOST_OF_A_SIZE) {
                return Err(
                    self.refused(format_err!("its inputs do not fit each other, or not for any number of rows"))
                );
            }
            let bytes = bytes(datum, &shape);
            if bytes > self.most {
                return Err(TooLarge { operator: self.operator.clone(), node: self.node.clone(), bytes }.into());
            }
        }
        self.inner.infer(inputs, outputs, observed)
    }

    fn observe_outlets(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Vec<OutletId>> {
        self.inner.observe_outlets(model, node)
    }

    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        self.inner.infer_facts(inputs, outputs, observed)
    }

    fn incorporate(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Option<InferenceModelPatch>> {
        self.inner.incorporate(model, node)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.inner.nboutputs()
    }

    fn as_op(&self) -> &dyn Op {
        self.inner.as_op()
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self.inner.as_op_mut()
    }

    fn to_typed(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        self.inner.to_typed(source, node, target, mapping)
    }
}

impl Bounded {
    fn refused(&self, error: TractError) -> TractError {
        Refused { operator: self.operator.clone(), node: self.node.clone(), problem: error.to_string() }.into()
    }
}

/// A value would be larger than a run may hold.
#[derive(Clone, Debug, thiserror::Error)]
#[error("node `{node}` ({operator}) makes {bytes} bytes")]
pub struct TooLarge {
    pub operator: Arc<str>,
    pub node: Arc<str>,
    pub bytes: u64,
}

/// A value is none that an operator takes.
#[derive(Clone, Debug, thiserror::Error)]
#[error("node `{node}` ({operator}): {problem}")]
pub struct Refused {
    pub operator: Arc<str>,
    pub node: Arc<str>,
    pub problem: String,
}
