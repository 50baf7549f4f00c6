//! Operators that look things up by indices which are computed: `OneHot` by a kernel of our own; `Gather` and its like by
//! tract's, behind a check. tract takes for granted that there is such a place, and panics; where an index has more bits
//! than the machine, it cuts them.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::array;

use crate::ml::{self, Kernel, elements, required_constant};
use crate::signature::Signature;

/// [OneHot](https://onnx.ai/onnx/operators/onnx__OneHot.html), of a constant depth. An index beyond it has no place.
#[derive(Debug)]
pub struct OneHot {
    depth: usize,
    axis: i64,
}

impl OneHot {
    /// More than any table here has.
    const MAX_DEPTH: i64 = 1 << 20;

    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let depth = required_constant(model, node, 1)?.cast_to::<i64>()?.into_owned();
        let [depth] = *elements::<i64>(&depth)? else { bail!("a depth of several numbers") };
        ensure!((1..=Self::MAX_DEPTH).contains(&depth), "a depth of {depth}");
        Ok(OneHot { depth: usize::try_from(depth)?, axis: node.get_attr_opt("axis")?.unwrap_or(-1) })
    }

    fn axis(&self, rank: usize) -> TractResult<usize> {
        ml::axis(self.axis, rank.saturating_add(1))
    }
}

/// For each place in a column of indices, the values of each depth.
fn one_hot<T: Datum + Clone>(kernel: &OneHot, indices: &Tensor, values: &Tensor, axis: usize) -> TractResult<Tensor> {
    let [off, on] = elements::<T>(values)? else { bail!("takes two values") };
    let depth = kernel.depth;
    let (outer, inner) = indices.shape().split_at_checked(axis).context("an axis that there is not")?;
    let inner_size = inner.iter().product::<usize>().max(1);
    let shape: TVec<usize> = outer.iter().copied().chain([depth]).chain(inner.iter().copied()).collect();
    let mut made = vec![off.clone(); indices.len().checked_mul(depth).context("too many values")?];
    let indices = indices.cast_to::<i64>()?;
    let blocks = elements::<i64>(&indices)?.chunks_exact(inner_size);
    for (block, made) in blocks.zip(made.chunks_exact_mut(depth.saturating_mul(inner_size).max(1))) {
        for (at, index) in block.iter().enumerate() {
            let from_start = if *index < 0 { index.saturating_add_unsigned(depth as u64) } else { *index };
            let place = usize::try_from(from_start).ok().filter(|place| *place < depth);
            let place = place.map(|place| place.saturating_mul(inner_size).saturating_add(at));
            if let Some(to) = place.and_then(|place| made.get_mut(place)) {
                *to = on.clone();
            }
        }
    }
    ml::tensor(&shape, made)
}

impl Kernel for OneHot {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [indices, _, values] = inputs else { bail!("takes three inputs") };
        ensure!(indices.datum.is_number(), "indices of {:?}", indices.datum);
        ensure!(values.shape.as_slice() == [2.to_dim()], "values of {:?}", values.shape);
        let mut shape = indices.shape.clone();
        shape.insert(self.axis(shape.len())?, self.depth.to_dim());
        Ok(tvec!(Signature::new(values.datum, shape)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [indices, _, values] = inputs else { bail!("takes three inputs") };
        let axis = self.axis(indices.rank())?;
        Ok(tvec!(dispatch_datum!(one_hot(values.datum_type())(self, indices, values, axis))?))
    }
}

/// One of tract's operators that takes values and indices into them, behind a check of the indices.
#[derive(Clone, Debug)]
struct Checked {
    operator: Box<dyn Expansion>,
    into: Into,
}

/// What indices point into.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Into {
    Axis(i64),
    /// Each index of a row points into an axis of its own.
    Axes,
}

/// What builds such an operator, for tract's registry.
pub fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis: i64 = node.get_attr_opt("axis")?.unwrap_or(0);
    let reduction = node.get_attr_opt::<&str>("reduction")?.unwrap_or("none");
    // tract loses missing values in the two others.
    ensure!(["none", "add", "mul"].contains(&reduction), "its reduction `{reduction}` is not supported");
    let reduction = array::ScatterReduction::parse(reduction)?;
    let (operator, into): (Box<dyn Expansion>, Into) = match node.op_type.as_str() {
        "Gather" => (Box::new(array::Gather::new(axis)), Into::Axis(axis)),
        "GatherElements" => (Box::new(array::GatherElements::new(axis)), Into::Axis(axis)),
        "Scatter" | "ScatterElements" => (Box::new(array::ScatterElements::new(axis, reduction)), Into::Axis(axis)),
        "ScatterND" => (Box::new(array::ScatterNd::new(reduction)), Into::Axes),
        other => bail!("{other} takes no indices"),
    };
    Ok((expand(Checked { operator, into }), Vec::new()))
}

impl Expansion for Checked {
    fn name(&self) -> StaticName {
        self.operator.name()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.operator.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let [data, indices, rest @ ..] = inputs else { bail!("takes two inputs") };
        let (shape, known) = (model.outlet_fact(*data)?.shape.clone(), model.outlet_fact(*indices)?.konst.clone());
        let check = Check { into: self.into };
        let indices = match (shape.as_concrete(), known) {
            // Shapes are computed with constant indices; what stands between would hide them.
            (Some(shape), Some(known)) => {
                check.indices(shape, &known)?;
                *indices
            }
            (None, Some(known)) if check.fits_known(&shape, &known)? => *indices,
            _ => *model
                .wire_node(format!("{prefix}.indices"), check, &[*data, *indices])?
                .first()
                .context("no output")?,
        };
        let inputs: TVec<OutletId> = [*data, indices].into_iter().chain(rest.iter().copied()).collect();
        self.operator.wire(prefix, model, &inputs)
    }
}

/// Gives indices as they are, if there are such places.
#[derive(Clone, Debug, PartialEq)]
struct Check {
    into: Into,
}

impl Eq for Check {}

impl Check {
    /// # Errors
    /// If an index points to a place that there is not.
    fn indices(&self, shape: &[usize], indices: &Tensor) -> TractResult<()> {
        let sizes: Vec<usize> = match self.into {
            Into::Axis(axis) => vec![shape.get(ml::axis(axis, shape.len())?).copied().unwrap_or(0)],
            Into::Axes => shape.iter().copied().take(indices.shape().last().copied().unwrap_or(1)).collect(),
        };
        let indices = indices.cast_to::<i64>()?;
        let outside = elements::<i64>(&indices)?.iter().zip(sizes.iter().cycle()).find(|(index, size)| {
            let size = i64::try_from(**size).unwrap_or(i64::MAX);
            !(size.saturating_neg()..size).contains(*index)
        });
        match outside {
            Some((index, size)) => bail!("the index {index} points to none of {size} places"),
            None => Ok(()),
        }
    }

    /// Whether constant indices fit, as far as one can tell where some sizes are not known.
    fn fits_known(&self, shape: &ShapeFact, indices: &Tensor) -> TractResult<bool> {
        let Into::Axis(axis) = self.into else { return Ok(false) };
        let size = shape.get(ml::axis(axis, shape.rank())?).and_then(|size| size.to_usize().ok());
        let Some(size) = size else { return Ok(false) };
        Check { into: Into::Axis(0) }.indices(&[size], indices)?;
        Ok(true)
    }
}

impl Op for Check {
    fn name(&self) -> StaticName {
        "Indices".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Check {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let [data, indices] = inputs.as_slice() else { bail!("takes two inputs") };
        self.indices(data.shape(), indices)?;
        Ok(tvec!(indices.clone()))
    }
}

impl TypedOp for Check {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [_, indices] = inputs else { bail!("takes two inputs") };
        Ok(tvec!(indices.datum_type.fact(indices.shape.iter().cloned())))
    }

    as_op!();
}
