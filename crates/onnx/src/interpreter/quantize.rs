//! To integers of 8 and 16 bits and back: `QuantizeLinear`, `DequantizeLinear`, `DynamicQuantizeLinear`.
//!
//! tract merges the first two with what is between them, `Softmax` too, into tables from number to number.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use crate::ml::{self, Kernel, elements, tensor};
use crate::signature::Signature;

/// [QuantizeLinear](https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html).
#[derive(Debug)]
pub struct Quantize {
    scales: Scales,
    /// Where there is no zero point to have it.
    to: DatumType,
}

/// [DequantizeLinear](https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html).
#[derive(Debug)]
pub struct Dequantize {
    scales: Scales,
}

/// [DynamicQuantizeLinear](https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html): by the least and the greatest
/// value of all.
#[derive(Debug)]
pub struct DynamicQuantize;

/// For which values there is a scale each: for all, for those of a place on an axis, or for blocks along it.
#[derive(Debug)]
struct Scales {
    axis: i64,
    block: usize,
}

/// A value's scale, by its own place: `(outer * count + place / block) * inner + rest`.
struct Places {
    scales: usize,
    size: usize,
    after: usize,
    block: usize,
    blocks: usize,
    /// Each value beside an axis has its own scale too.
    is_blocked: bool,
}

impl Scales {
    fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let version = ml::version(model, "").unwrap_or(0);
        ensure!(version >= 10, "there is none before version 10");
        Ok(Scales {
            axis: node.get_attr_opt("axis")?.unwrap_or(1),
            block: node.get_attr_opt("block_size")?.unwrap_or(0),
        })
    }

    fn places(&self, shape: &[usize], scales: &Tensor) -> TractResult<Places> {
        let count = scales.len();
        if count == 1 && self.block == 0 {
            return Ok(Places { scales: 1, size: 1, after: 1, block: 1, blocks: 1, is_blocked: false });
        }
        let axis = ml::axis(self.axis, shape.len())?;
        let size = shape.get(axis).copied().unwrap_or(1);
        let after = shape.iter().skip(axis.saturating_add(1)).product();
        if self.block == 0 {
            ensure!(scales.rank() <= 1 && count == size, "{count} scales for {size} places");
            return Ok(Places { scales: count, size, after, block: 1, blocks: size, is_blocked: false });
        }
        let blocks = size.div_ceil(self.block);
        let mut expected = shape.to_vec();
        if let Some(size) = expected.get_mut(axis) {
            *size = blocks;
        }
        ensure!(expected == scales.shape(), "scales of {:?} for blocks of {expected:?}", scales.shape());
        Ok(Places { scales: count, size, after, block: self.block, blocks, is_blocked: true })
    }
}

impl Places {
    #[allow(clippy::arithmetic_side_effects, reason = "places within a tensor; sizes of one that has values are not 0")]
    fn of(&self, at: usize) -> usize {
        if self.scales == 1 {
            return 0;
        }
        let place = at / self.after % self.size / self.block;
        if !self.is_blocked {
            return place;
        }
        (at / (self.after * self.size) * self.blocks + place) * self.after + at % self.after
    }
}

/// # Errors
/// If a scale is none that could be divided by.
fn scales(tensor: &Tensor) -> TractResult<&[f32]> {
    let scales = elements::<f32>(tensor)?;
    ensure!(scales.iter().all(|scale| *scale > 0.0 && scale.is_finite()), "a scale that is not above 0");
    Ok(scales)
}

const INTEGERS: [DatumType; 4] = [DatumType::U8, DatumType::I8, DatumType::U16, DatumType::I16];

impl Quantize {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        let to = match node.get_attr_opt::<i32>("output_dtype")?.unwrap_or(0) {
            0 => DatumType::U8,
            named => DatumType::try_from(DataType::try_from(named).map_err(|_| format_err!("an unknown type"))?)?,
        };
        Ok(Quantize { scales: Scales::read(model, node)?, to })
    }
}

fn quantize<T: Datum + Copy + TryFrom<i64>>(
    x: &Tensor,
    scales: &[f32],
    zeros: &[i64],
    places: &Places,
) -> TractResult<Tensor>
where
    i64: From<T>,
{
    let (least, greatest) = (lowest::<T>(), highest::<T>());
    let quantised = elements::<f32>(x)?.iter().enumerate().map(|(at, x)| {
        ensure!(!x.is_nan(), "a missing value, which an integer cannot be");
        let place = places.of(at);
        let scale = scales.get(place).copied().unwrap_or(1.0);
        let zero = zeros.get(place).copied().unwrap_or(0);
        // Saturates, from infinity too.
        let steps = ((x / scale).round_ties_even() as i64).saturating_add(zero).clamp(least, greatest);
        T::try_from(steps).map_err(|_| format_err!("beyond its type"))
    });
    tensor(x.shape(), quantised.collect::<TractResult<Vec<T>>>()?)
}

fn bits<T>() -> u32 {
    (size_of::<T>() as u32).saturating_mul(8)
}

/// The least and the greatest integer of a type of at most 16 bits.
#[allow(clippy::arithmetic_side_effects, reason = "of 8 or 16 bits")]
fn range<T: TryFrom<i64>>() -> (i64, i64) {
    let is_signed = T::try_from(-1).is_ok();
    if is_signed { (-(1 << (bits::<T>() - 1)), (1 << (bits::<T>() - 1)) - 1) } else { (0, (1 << bits::<T>()) - 1) }
}

fn lowest<T: TryFrom<i64>>() -> i64 {
    range::<T>().0
}

fn highest<T: TryFrom<i64>>() -> i64 {
    range::<T>().1
}

/// The zero points, as many as there are scales.
fn zeros(tensor: Option<&&Tensor>, scales: usize) -> TractResult<Vec<i64>> {
    let Some(tensor) = tensor else { return Ok(vec![0; scales]) };
    let zeros = elements::<i64>(&*tensor.cast_to::<i64>()?)?.to_vec();
    ensure!(zeros.len() == scales, "{} zero points for {scales} scales", zeros.len());
    Ok(zeros)
}

impl Kernel for Quantize {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [x, scale, zero @ ..] = inputs else { bail!("takes two inputs") };
        ensure!(x.datum == f32::datum_type() && scale.datum == x.datum, "takes no {:?} by {:?}", x.datum, scale.datum);
        let to = zero.first().map_or(self.to, |zero| zero.datum);
        ensure!(INTEGERS.contains(&to), "to {to:?}");
        Ok(tvec!(Signature::new(to, x.shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [x, scale, zero @ ..] = inputs else { bail!("takes two inputs") };
        let places = self.scales.places(x.shape(), scale)?;
        let (scales, zeros) = (scales(scale)?, zeros(zero.first(), scale.len())?);
        let to = zero.first().map_or(self.to, |zero| zero.datum_type());
        Ok(tvec!(match to {
            DatumType::U8 => quantize::<u8>(x, scales, &zeros, &places)?,
            DatumType::I8 => quantize::<i8>(x, scales, &zeros, &places)?,
            DatumType::U16 => quantize::<u16>(x, scales, &zeros, &places)?,
            DatumType::I16 => quantize::<i16>(x, scales, &zeros, &places)?,
            to => bail!("to {to:?}"),
        }))
    }
}

impl Dequantize {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        ensure!(node.get_attr_opt::<i64>("output_dtype")?.unwrap_or(0) == 0, "to another type than its scale has");
        Ok(Dequantize { scales: Scales::read(model, node)? })
    }
}

fn dequantize<T: Datum + Copy + Into<i64>>(
    x: &Tensor,
    scales: &[f32],
    zeros: &[i64],
    places: &Places,
) -> TractResult<Tensor> {
    let values = elements::<T>(x)?.iter().enumerate().map(|(at, x)| {
        let place = places.of(at);
        let zero = zeros.get(place).copied().unwrap_or(0);
        (*x).into().saturating_sub(zero) as f32 * scales.get(place).copied().unwrap_or(1.0)
    });
    tensor(x.shape(), values.collect())
}

impl Kernel for Dequantize {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [x, scale, zero @ ..] = inputs else { bail!("takes two inputs") };
        ensure!(INTEGERS.contains(&x.datum) || x.datum == DatumType::I32, "takes no {:?}", x.datum);
        ensure!(scale.datum == f32::datum_type(), "a scale of {:?}", scale.datum);
        ensure!(zero.iter().all(|zero| zero.datum == x.datum), "a zero point of another type");
        Ok(tvec!(Signature::new(scale.datum, x.shape.iter().cloned())))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [x, scale, zero @ ..] = inputs else { bail!("takes two inputs") };
        let places = self.scales.places(x.shape(), scale)?;
        let (scales, zeros) = (scales(scale)?, zeros(zero.first(), scale.len())?);
        Ok(tvec!(match x.datum_type() {
            DatumType::U8 => dequantize::<u8>(x, scales, &zeros, &places)?,
            DatumType::I8 => dequantize::<i8>(x, scales, &zeros, &places)?,
            DatumType::U16 => dequantize::<u16>(x, scales, &zeros, &places)?,
            DatumType::I16 => dequantize::<i16>(x, scales, &zeros, &places)?,
            DatumType::I32 => dequantize::<i32>(x, scales, &zeros, &places)?,
            datum => bail!("takes no {datum:?}"),
        }))
    }
}

impl Kernel for DynamicQuantize {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [x] = inputs else { bail!("takes one input") };
        ensure!(x.datum == f32::datum_type(), "takes no {:?}", x.datum);
        let bytes = u8::datum_type();
        Ok(tvec!(
            Signature::new(bytes, x.shape.iter().cloned()),
            Signature::new(x.datum, []),
            Signature::new(bytes, [])
        ))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [x] = inputs else { bail!("takes one input") };
        let values = elements::<f32>(x)?;
        ensure!(values.iter().all(|x| x.is_finite()), "a value that is missing or infinite, which has no scale");
        let (least, greatest) = values.iter().fold((0f32, 0f32), |(a, b), x| (a.min(*x), b.max(*x)));
        let scale = (greatest - least) / 255.0;
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let zero = (-least / scale).clamp(0.0, 255.0).round_ties_even() as u8;
        let one = Places { scales: 1, size: 1, after: 1, block: 1, blocks: 1, is_blocked: false };
        let quantised = quantize::<u8>(x, &[scale], &[zero.into()], &one)?;
        Ok(tvec!(quantised, tensor0(scale), tensor0(zero)))
    }
}
