//! From an operator of ours to tract's: type inference and evaluation, once for all of them.

use std::borrow::Cow;
use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use crate::signature::Signature;

/// A [`Kernel`] as a node of tract's graph.
#[derive(Clone, Debug)]
pub struct Operator {
    name: Arc<str>,
    kernel: Arc<dyn Kernel>,
    /// Which of the kernel's outputs the node has: those that it gives no name are left out.
    kept: Arc<[usize]>,
}

impl Operator {
    /// The operator of a node, its attributes read.
    pub fn new(node: &NodeProto, kernel: Arc<dyn Kernel>) -> Self {
        let named = node.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let kept = named.map(|(index, _)| index).collect();
        Operator { name: node.op_type.as_str().into(), kernel, kept }
    }

    fn signatures(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let outputs = self.kernel.outputs(inputs).with_context(|| format!("{} of {inputs:?}", self.name))?;
        self.kept.iter().map(|index| outputs.get(*index).cloned().context("more outputs than it has")).collect()
    }
}

/// tract holds integers that might be shapes as dimensions.
fn plain(datum: DatumType) -> DatumType {
    if datum == TDim::datum_type() { i64::datum_type() } else { datum }
}

impl Expansion for Operator {
    fn name(&self) -> StaticName {
        self.name.to_string().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.kept.len())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, self.kept.len())?;
        solver.given_all(inputs.iter().map(|input| &input.datum_type), move |solver, datums| {
            solver.given_all(inputs.iter().map(|input| &input.shape), move |solver, shapes| {
                let inputs: Vec<Signature> =
                    datums.iter().zip(shapes).map(|(datum, shape)| Signature::new(plain(*datum), shape)).collect();
                for (output, signature) in outputs.iter().zip(self.signatures(&inputs)?) {
                    solver.equals(&output.datum_type, signature.datum)?;
                    solver.equals(&output.shape, signature.shape)?;
                }
                Ok(())
            })
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let signatures: Vec<Signature> =
            inputs.iter().map(|input| Ok(signature(model.outlet_fact(*input)?))).collect::<TractResult<_>>()?;
        let mut operator = self.clone();
        if let Some(kernel) = self.kernel.specialise(&signatures)? {
            operator.kernel = kernel;
        }
        model.wire_node(prefix, operator, inputs)
    }
}

fn signature(fact: &TypedFact) -> Signature {
    Signature::new(plain(fact.datum_type), fact.shape.iter().cloned())
}

// tract compares operators to find equal nodes; attributes of thousands of trees are not worth comparing.
impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kernel, &other.kernel)
    }
}

impl Eq for Operator {}

impl Op for Operator {
    fn name(&self) -> StaticName {
        self.name.to_string().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Operator {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let inputs: TVec<Cow<'_, Tensor>> =
            inputs.iter().map(|input| input.cast_to_dt(plain(input.datum_type()))).collect::<TractResult<_>>()?;
        let inputs: TVec<&Tensor> = inputs.iter().map(|input| &**input).collect();
        let mut outputs: TVec<Option<Tensor>> = self.kernel.run(&inputs)?.into_iter().map(Some).collect();
        let mut take = |index: &usize| outputs.get_mut(*index).and_then(Option::take).context("an output is missing");
        self.kept.iter().map(|index| Ok(take(index)?.into_tvalue())).collect()
    }
}

impl TypedOp for Operator {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let inputs: Vec<Signature> = inputs.iter().map(|fact| signature(fact)).collect();
        Ok(self.signatures(&inputs)?.into_iter().map(|output| output.datum.fact(output.shape)).collect())
    }

    as_op!();
}
