//! From an operator of ours to tract's: type inference and evaluation, once for all of them.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// What is known of a tensor before there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The type of its elements.
    pub datum: DatumType,
    /// Its shape; the batch dimension is a symbol.
    pub shape: TVec<TDim>,
}

impl Signature {
    pub fn new(datum: DatumType, shape: impl IntoIterator<Item = TDim>) -> Self {
        Signature { datum, shape: shape.into_iter().collect() }
    }

    /// Rows and columns, as every operator of `ai.onnx.ml` reads a matrix: one dimension alone is one row.
    ///
    /// # Errors
    /// If there are none or more than two dimensions.
    pub fn rows_and_columns(&self) -> TractResult<(TDim, TDim)> {
        match self.shape.as_slice() {
            [columns] => Ok((1.to_dim(), columns.clone())),
            [rows, columns] => Ok((rows.clone(), columns.clone())),
            shape => bail!("takes one or two dimensions, not {shape:?}"),
        }
    }
}

/// Rows and columns of a tensor: see [`Signature::rows_and_columns`].
pub fn rows_and_columns(tensor: &Tensor) -> TractResult<(usize, usize)> {
    match tensor.shape() {
        [columns] => Ok((1, *columns)),
        [rows, columns] => Ok((*rows, *columns)),
        shape => bail!("takes one or two dimensions, not {shape:?}"),
    }
}

/// One operator, its attributes read.
pub trait Kernel: Debug + Send + Sync + 'static {
    /// The types and shapes of its outputs.
    ///
    /// # Errors
    /// If it does not take such inputs.
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>>;

    /// Another form of itself that is made for inputs of these types, once, when the model is loaded.
    ///
    /// # Errors
    /// If it does not take such inputs.
    fn specialise(&self, _inputs: &[Signature]) -> TractResult<Option<Arc<dyn Kernel>>> {
        Ok(None)
    }

    /// Computes the outputs. Integers come as `i64`, whatever tract had made of them.
    ///
    /// # Errors
    /// If a value is one that it refuses.
    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>>;
}

/// A [`Kernel`] as a node of tract's graph.
#[derive(Clone, Debug)]
pub struct Operator {
    name: Arc<str>,
    kernel: Arc<dyn Kernel>,
    /// Which of the kernel's outputs the node has: those that it gives no name are left out.
    kept: Arc<[usize]>,
}

/// What tract's registry wants of a builder.
pub type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

impl Operator {
    /// The operator of a node: a builder of tract's registry.
    ///
    /// # Errors
    /// As reading its attributes has them.
    pub fn build(context: &ParsingContext, node: &NodeProto) -> Built {
        let read = super::reader(&node.op_type).context("none of these operators")?;
        let kernel = read(context.model, node)?;
        let named = node.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let kept = named.map(|(index, _)| index).collect();
        Ok((expand(Operator { name: node.op_type.as_str().into(), kernel, kept }), Vec::new()))
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
