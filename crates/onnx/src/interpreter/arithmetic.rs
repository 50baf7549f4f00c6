//! Arithmetic of two tensors.
#![allow(clippy::arithmetic_side_effects, reason = "floating-point numbers do not overflow")]

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::tract_num_traits::Float;
use tract_onnx::tract_hir::internal::*;

use crate::ml::{Kernel, elements, tensor};
use crate::signature::Signature;

/// [Add](https://onnx.ai/onnx/operators/onnx__Add.html) and its like, of floating-point numbers. One of the two may be
/// smaller, if its shape is the end of the other's or a single number: what else is broadcast, tract does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arithmetic {
    Add,
    Div,
    Mul,
    Sub,
}

impl Arithmetic {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        Ok(match node.op_type.as_str() {
            "Add" => Arithmetic::Add,
            "Div" => Arithmetic::Div,
            "Mul" => Arithmetic::Mul,
            "Sub" => Arithmetic::Sub,
            other => bail!("{other} is no arithmetic"),
        })
    }

    fn apply<T: Datum + Float>(self, a: &Tensor, b: &Tensor) -> TractResult<Tensor> {
        match self {
            Arithmetic::Add => each::<T>(a, b, |a, b| a + b),
            Arithmetic::Div => each::<T>(a, b, |a, b| a / b),
            Arithmetic::Mul => each::<T>(a, b, |a, b| a * b),
            Arithmetic::Sub => each::<T>(a, b, |a, b| a - b),
        }
    }
}

/// The shape without the ones that it begins with: it repeats itself as often as it has to.
fn period<D: DimLike>(shape: &[D]) -> &[D] {
    let ones = shape.iter().take_while(|size| size.is_one()).count();
    shape.get(ones..).unwrap_or_default()
}

/// Of the two shapes, the one that the result has; `None` if the other does not repeat itself in it.
fn broadcast<'a, D: DimLike>(a: &'a [D], b: &'a [D]) -> Option<&'a [D]> {
    let size = |shape: &[D]| (shape.len(), period(shape).len());
    let (large, small) = if size(a) >= size(b) { (a, b) } else { (b, a) };
    large.ends_with(period(small)).then_some(large)
}

fn each<T: Datum + Float>(a: &Tensor, b: &Tensor, f: impl Fn(T, T) -> T) -> TractResult<Tensor> {
    let shape = broadcast(a.shape(), b.shape()).context("shapes that do not repeat")?;
    let (a, b) = (elements::<T>(a)?, elements::<T>(b)?);
    let mut values = Vec::with_capacity(a.len().max(b.len()));
    match (a, b) {
        (_, [b]) => values.extend(a.iter().map(|a| f(*a, *b))),
        ([a], _) => values.extend(b.iter().map(|b| f(*a, *b))),
        _ if a.len() >= b.len() => {
            a.chunks(b.len().max(1)).for_each(|a| values.extend(a.iter().zip(b).map(|(a, b)| f(*a, *b))));
        }
        _ => b.chunks(a.len().max(1)).for_each(|b| values.extend(a.iter().zip(b).map(|(a, b)| f(*a, *b)))),
    }
    tensor(shape, values)
}

impl Kernel for Arithmetic {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [a, b] = inputs else { bail!("takes two inputs") };
        let real = [f32::datum_type(), f64::datum_type()].contains(&a.datum);
        ensure!(a.datum == b.datum && real, "{self:?} of {:?} and {:?}", a.datum, b.datum);
        let shape = broadcast(&a.shape, &b.shape).context("shapes that do not repeat")?;
        Ok(tvec!(Signature::new(a.datum, shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [a, b] = inputs else { bail!("takes two inputs") };
        Ok(tvec!(if a.datum_type() == f64::datum_type() { self.apply::<f64>(a, b)? } else { self.apply::<f32>(a, b)? }))
    }
}
