//! The greater and the lesser: `Clip`, `Max`, `Min`, `ReduceMax`, `ReduceMin`. A missing value stays one: what is greater
//! than it, nobody knows.

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::wide;
use crate::ml::{Kernel, Reduced, elements, tensor};
use crate::signature::Signature;

/// Which of two is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kept {
    Greater,
    Lesser,
}

/// [Max](https://onnx.ai/onnx/operators/onnx__Max.html) and `Min`.
#[derive(Debug)]
pub struct Extreme {
    kept: Kept,
}

/// [ReduceMax](https://onnx.ai/onnx/operators/onnx__ReduceMax.html) and `ReduceMin`.
#[derive(Debug)]
pub struct ReduceExtreme {
    kept: Kept,
    over: Reduced,
}

/// [Clip](https://onnx.ai/onnx/operators/onnx__Clip.html).
#[derive(Debug)]
pub struct Clip {
    bounds: Bounds,
}

/// The bounds of a `Clip`, the least first.
#[derive(Debug)]
enum Bounds {
    /// Before version 11.
    Attributes([Option<f32>; 2]),
    /// Which inputs they are.
    Inputs([Option<usize>; 2]),
}

/// A number that may be compared with another.
trait Ordered: Datum + Copy + PartialOrd {
    const LEAST: Self;
    const GREATEST: Self;
    /// What is less than all, infinity where there is one.
    const BELOW: Self;
    const ABOVE: Self;

    fn is_missing(self) -> bool {
        false
    }
}

macro_rules! ordered {
    (floats $($float:ty)*; integers $($integer:ty)*) => {
        $(impl Ordered for $float {
            const LEAST: Self = <$float>::MIN;
            const GREATEST: Self = <$float>::MAX;
            const BELOW: Self = <$float>::NEG_INFINITY;
            const ABOVE: Self = <$float>::INFINITY;

            fn is_missing(self) -> bool {
                self.is_nan()
            }
        })*
        $(impl Ordered for $integer {
            const LEAST: Self = <$integer>::MIN;
            const GREATEST: Self = <$integer>::MAX;
            const BELOW: Self = <$integer>::MIN;
            const ABOVE: Self = <$integer>::MAX;
        })*
    };
}

ordered!(floats f32 f64; integers i64 u64);

/// Calls a function of a number's type with that of a tensor, which has been widened.
macro_rules! dispatch {
    ($datum:expr, $function:ident($argument:expr)) => {
        match $datum {
            DatumType::F32 => $function::<f32>($argument),
            DatumType::F64 => $function::<f64>($argument),
            DatumType::U64 => $function::<u64>($argument),
            _ => $function::<i64>($argument),
        }
    };
}

impl Kept {
    fn read(node: &NodeProto) -> Self {
        if node.op_type.ends_with("Max") { Kept::Greater } else { Kept::Lesser }
    }

    fn of<T: Ordered>(self, a: T, b: T) -> T {
        let first = match self {
            Kept::Greater => a > b,
            Kept::Lesser => a < b,
        };
        if first || a.is_missing() { a } else { b }
    }
}

impl Extreme {
    pub fn read(node: &NodeProto) -> Self {
        Extreme { kept: Kept::read(node) }
    }
}

fn extreme<T: Ordered>((kept, a, b): (Kept, &Tensor, &Tensor)) -> TractResult<Tensor> {
    wide::each(a, b, |a: T, b: T| Ok(kept.of(a, b)))
}

impl Kernel for Extreme {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let first = inputs.first().context("takes an input")?;
        wide::of(first.datum)?;
        ensure!(inputs.iter().all(|input| input.datum == first.datum), "inputs of two types");
        let shapes: TVec<&[TDim]> = inputs.iter().map(|input| input.shape.as_slice()).collect();
        Ok(tvec!(Signature::new(first.datum, tract_core::broadcast::multi_broadcast(&shapes)?)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [first, rest @ ..] = inputs else { bail!("takes an input") };
        let mut kept = wide::widened(first)?.into_owned();
        for input in rest {
            let input = wide::widened(input)?;
            kept = dispatch!(kept.datum_type(), extreme((self.kept, &kept, &input)))?;
        }
        Ok(tvec!(wide::narrowed(kept, first.datum_type())?))
    }
}

impl ReduceExtreme {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        Ok(ReduceExtreme { kept: Kept::read(node), over: Reduced::read(model, node)? })
    }
}

/// Over one axis after the other, which comes to the same.
fn reduce<T: Ordered>((kernel, input): (&ReduceExtreme, &Tensor)) -> TractResult<Tensor> {
    let mut values = elements::<T>(input)?.to_vec();
    let mut shape = input.shape().to_vec();
    let none = match kernel.kept {
        Kept::Greater => T::BELOW,
        Kept::Lesser => T::ABOVE,
    };
    for axis in kernel.over.axes(input.rank())? {
        let step: usize = shape.iter().skip(axis.saturating_add(1)).product();
        let outer: usize = shape.iter().take(axis).product();
        let size = shape.get_mut(axis).context("an axis that there is not")?;
        let mut reduced = vec![none; outer.saturating_mul(step)];
        let blocks = values.chunks_exact(size.saturating_mul(step).max(1));
        for (block, reduced) in blocks.zip(reduced.chunks_exact_mut(step.max(1))) {
            for values in block.chunks_exact(step.max(1)) {
                reduced.iter_mut().zip(values).for_each(|(kept, x)| *kept = kernel.kept.of(*kept, *x));
            }
        }
        *size = 1;
        values = reduced;
    }
    tensor(&kernel.over.shape(input.shape())?, values)
}

impl Kernel for ReduceExtreme {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        wide::of(input.datum)?;
        Ok(tvec!(Signature::new(input.datum, self.over.shape(&input.shape)?)))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input, ..] = inputs else { bail!("takes an input") };
        let values = wide::widened(input)?;
        let reduced = dispatch!(values.datum_type(), reduce((self, &values)))?;
        Ok(tvec!(wide::narrowed(reduced, input.datum_type())?))
    }
}

impl Clip {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let attributes = [node.get_attr_opt("min")?, node.get_attr_opt("max")?];
        if attributes.iter().any(Option::is_some) || node.input.len() < 2 {
            return Ok(Clip { bounds: Bounds::Attributes(attributes) });
        }
        let has = |at: usize| node.input.get(at).is_some_and(|name| !name.is_empty());
        let max = if has(1) { 2 } else { 1 };
        Ok(Clip { bounds: Bounds::Inputs([has(1).then_some(1), has(2).then_some(max)]) })
    }
}

fn clip<T: Ordered>((kernel, inputs): (&Clip, &[&Tensor])) -> TractResult<Tensor> {
    let [input, ..] = inputs else { bail!("takes an input") };
    let bound = |at: &Option<usize>, none: T| match at {
        None => Ok(none),
        Some(at) => {
            let bound = inputs.get(*at).context("a bound is missing")?;
            elements::<T>(bound)?.first().copied().context("a bound is empty")
        }
    };
    let (least, greatest) = match &kernel.bounds {
        Bounds::Attributes([min, max]) => {
            let cast = |bound: &Option<f32>, none: T| match bound {
                None => Ok(none),
                Some(bound) => tensor0(*bound).cast_to_scalar::<T>(),
            };
            (cast(min, T::LEAST)?, cast(max, T::GREATEST)?)
        }
        Bounds::Inputs([min, max]) => (bound(min, T::LEAST)?, bound(max, T::GREATEST)?),
    };
    let clipped = elements::<T>(input)?.iter().map(|x| {
        let x = if *x < least { least } else { *x };
        if x > greatest { greatest } else { x }
    });
    tensor(input.shape(), clipped.collect())
}

impl Kernel for Clip {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let first = inputs.first().context("takes an input")?;
        wide::of(first.datum)?;
        ensure!(inputs.iter().all(|input| input.datum == first.datum), "inputs of two types");
        ensure!(
            inputs.iter().skip(1).all(|bound| bound.shape.iter().all(|size| *size == 1.to_dim())),
            "bounds of several"
        );
        Ok(tvec!(first.clone()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let datum = inputs.first().context("takes an input")?.datum_type();
        let widened = inputs.iter().map(|input| wide::widened(input)).collect::<TractResult<Vec<_>>>()?;
        let inputs: TVec<&Tensor> = widened.iter().map(|input| &**input).collect();
        let clipped = dispatch!(wide::of(datum)?, clip((self, &inputs)))?;
        Ok(tvec!(wide::narrowed(clipped, datum)?))
    }
}
