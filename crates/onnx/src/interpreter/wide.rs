//! Numbers in the few types that hold all others, so that what is not run often has one copy of its code for each of those.

use std::borrow::Cow;

use tract_onnx::tract_hir::internal::*;

use crate::ml;

/// The type that holds a number's type without loss: floating point of 32 or 64 bits, whole numbers of 64, with a sign unless
/// there are 64 bits without one.
///
/// # Errors
/// If it is no type of a number.
pub fn of(datum: DatumType) -> TractResult<DatumType> {
    Ok(match datum {
        DatumType::F32 | DatumType::F64 | DatumType::U64 => datum,
        DatumType::I8
        | DatumType::I16
        | DatumType::I32
        | DatumType::I64
        | DatumType::U8
        | DatumType::U16
        | DatumType::U32 => DatumType::I64,
        datum => bail!("takes no {datum:?}"),
    })
}

/// A tensor of that type.
///
/// # Errors
/// If it is none of numbers.
pub fn widened(tensor: &Tensor) -> TractResult<Cow<'_, Tensor>> {
    tensor.cast_to_dt(of(tensor.datum_type())?)
}

/// A tensor of the type that it was widened from.
///
/// # Errors
/// If it is none of numbers.
pub fn narrowed(tensor: Tensor, datum: DatumType) -> TractResult<Tensor> {
    if tensor.datum_type() == datum { Ok(tensor) } else { Ok(tensor.cast_to_dt(datum)?.into_owned()) }
}

/// Each value of the one with its value of the other, where the smaller repeats itself as ONNX has it.
///
/// # Errors
/// If their shapes do not fit, or `f` fails.
pub fn each<A: Datum + Copy, B: Datum + Copy, C: Datum>(
    a: &Tensor,
    b: &Tensor,
    f: impl Fn(A, B) -> TractResult<C>,
) -> TractResult<Tensor> {
    let shape = tract_core::broadcast::multi_broadcast(&[a.shape(), b.shape()])?;
    let whole = |tensor: &Tensor| -> TractResult<Option<Tensor>> {
        let is_whole = tensor.shape() == &*shape || tensor.len() == 1;
        if is_whole { Ok(None) } else { Ok(Some(tensor.broadcast_to_shape(&shape)?)) }
    };
    let (whole_a, whole_b) = (whole(a)?, whole(b)?);
    let a = ml::elements::<A>(whole_a.as_ref().unwrap_or(a))?;
    let b = ml::elements::<B>(whole_b.as_ref().unwrap_or(b))?;
    let count = shape.iter().product();
    let values = a.iter().cycle().zip(b.iter().cycle()).take(count).map(|(a, b)| f(*a, *b));
    ml::tensor(&shape, values.collect::<TractResult<Vec<C>>>()?)
}
