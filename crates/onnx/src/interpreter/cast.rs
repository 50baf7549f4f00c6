//! `Cast` between numbers. What is no whole number of a type, such as a missing value, does not become one.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::tract_core::ops::cast::cast;
use tract_onnx::tract_hir::internal::*;

use crate::ml::{Kernel, check_numeric, elements};
use crate::signature::Signature;

/// [Cast](https://onnx.ai/onnx/operators/onnx__Cast.html) between numbers.
#[derive(Debug)]
pub struct Cast {
    to: DatumType,
}

impl Cast {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let to = DataType::try_from(node.get_attr::<i32>("to")?).map_err(|_| format_err!("an unknown type"))?;
        let to = DatumType::try_from(to)?;
        check_numeric(to)?;
        Ok(Cast { to })
    }
}

impl Kernel for Cast {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        if input.datum != bool::datum_type() {
            check_numeric(input.datum)?;
        }
        Ok(tvec!(Signature::new(self.to, input.shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        check(input, self.to)?;
        Ok(tvec!(input.cast_to_dt(self.to)?.into_owned()))
    }
}

/// Of integers, the least and what is above all.
fn range(to: DatumType) -> Option<(f64, f64)> {
    let power = |bits: i32| 2f64.powi(bits);
    Some(match to {
        DatumType::I8 => (-power(7), power(7)),
        DatumType::I16 => (-power(15), power(15)),
        DatumType::I32 => (-power(31), power(31)),
        DatumType::I64 | DatumType::TDim => (-power(63), power(63)),
        DatumType::U8 => (0.0, power(8)),
        DatumType::U16 => (0.0, power(16)),
        DatumType::U32 => (0.0, power(32)),
        DatumType::U64 => (0.0, power(64)),
        _ => return None,
    })
}

/// # Errors
/// If a number of floating point is none of the integers that it should become.
fn check(tensor: &Tensor, to: DatumType) -> TractResult<()> {
    let Some((least, above)) = range(to).filter(|_| tensor.datum_type().is_float()) else { return Ok(()) };
    let fits = |x: f64| x.trunc() >= least && x < above;
    let outside = if tensor.datum_type() == f32::datum_type() {
        elements::<f32>(tensor)?.iter().map(|x| f64::from(*x)).find(|x| !fits(*x))
    } else {
        elements::<f64>(&*tensor.cast_to::<f64>()?)?.iter().copied().find(|x| !fits(*x))
    };
    match outside {
        Some(x) if x.is_nan() => bail!("a missing value, which an integer cannot be"),
        Some(x) => bail!("{x} does not fit into an integer of its type"),
        None => Ok(()),
    }
}

/// tract's, behind that check.
#[derive(Clone, Debug)]
struct Checked {
    /// `None` of `CastLike`: as its second input is.
    to: Option<DatumType>,
}

/// What builds it, for tract's registry.
pub fn build(_: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    if node.op_type == "CastLike" {
        return Ok((expand(Checked { to: None }), Vec::new()));
    }
    let to = node.get_attr::<DatumType>("to")?;
    // As tract does: it might be a shape.
    let to = if to == i64::datum_type() { TDim::datum_type() } else { to };
    Ok((expand(Checked { to: Some(to) }), Vec::new()))
}

impl Expansion for Checked {
    fn name(&self) -> StaticName {
        "Cast".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        let ([input, like @ ..], [output]) = (inputs, outputs) else { bail!("takes an input and has one output") };
        match (self.to, like) {
            (Some(to), []) => solver.equals(&output.datum_type, to)?,
            (None, [like]) => solver.equals(&output.datum_type, &like.datum_type)?,
            _ => bail!("takes another number of inputs"),
        }
        solver.equals(&output.shape, &input.shape)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let [input, like @ ..] = inputs else { bail!("takes an input") };
        let to = match (self.to, like) {
            (Some(to), _) => to,
            (None, [like]) => model.outlet_fact(*like)?.datum_type,
            (None, _) => bail!("takes two inputs"),
        };
        if range(to).is_none() || !model.outlet_fact(*input)?.datum_type.is_float() {
            return model.wire_node(prefix, cast(to), &[*input]);
        }
        let checked = model.wire_node(format!("{prefix}.checked"), Whole { to }, &[*input])?;
        model.wire_node(prefix, cast(to), &checked)
    }
}

/// Gives numbers as they are, if each is an integer of that type once it is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Whole {
    to: DatumType,
}

impl Op for Whole {
    fn name(&self) -> StaticName {
        "Whole".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Whole {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let [input] = inputs.as_slice() else { bail!("takes one input") };
        check(input, self.to)?;
        Ok(inputs)
    }
}

impl TypedOp for Whole {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [input] = inputs else { bail!("takes one input") };
        Ok(tvec!(input.datum_type.fact(input.shape.iter().cloned())))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_integer_is_refused() {
        let cast = |x: f64, to| check(&tensor0(x), to).is_ok();
        assert!(cast(-128.9, DatumType::I8) && !cast(-129.0, DatumType::I8) && !cast(128.0, DatumType::I8));
        assert!(cast(-0.9, DatumType::U8) && !cast(-1.0, DatumType::U8));
        assert!(!cast(f64::NAN, DatumType::I64) && !cast(f64::INFINITY, DatumType::I64) && !cast(1e19, DatumType::I64));
        assert!(cast(f64::NAN, DatumType::F32) && cast(f64::NAN, DatumType::Bool));
    }
}
