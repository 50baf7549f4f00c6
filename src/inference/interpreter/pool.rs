//! What makes images smaller: `MaxPool` and `GlobalAveragePool`, of [images, channels, rows, columns] in 32 bits.
#![allow(clippy::arithmetic_side_effects, reason = "sizes are those of a Window and its Span, below 2^16")]

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::window::{Span, Window};
use super::written;
use crate::onnx_ml::{Kernel, Signature, elements, tensor};

/// [MaxPool](https://onnx.ai/onnx/operators/onnx__MaxPool.html).
#[derive(Debug)]
pub struct MaxPool {
    windows: [Window; 2],
}

/// [GlobalAveragePool](https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html).
#[derive(Debug)]
pub struct GlobalAverage;

/// Images, channels, and the size of a channel.
fn images(input: &Signature) -> TractResult<(TDim, TDim, [usize; 2])> {
    ensure!(input.datum == f32::datum_type(), "takes no {:?}", input.datum);
    let [images, channels, height, width] = input.shape.as_slice() else { bail!("takes no {:?}", input.shape) };
    Ok((images.clone(), channels.clone(), [height.to_usize()?, width.to_usize()?]))
}

impl MaxPool {
    pub fn read(node: &NodeProto) -> TractResult<Self> {
        let nought = |name: &str| Ok::<_, TractError>(node.get_attr_opt::<i64>(name)?.unwrap_or(0) == 0);
        ensure!(nought("ceil_mode")? && nought("storage_order")? && node.output.len() == 1, "a variety of it");
        let kernel: Vec<usize> = node.get_attr_opt_vec("kernel_shape")?.context("no kernel")?;
        ensure!(kernel.len() == 2, "of {} axes", kernel.len());
        let windows = Window::read(node, &kernel)?;
        ensure!(windows.iter().all(|window| window.dilation == 1), "dilated");
        Ok(MaxPool { windows })
    }

    /// Of one channel. What lies outside is below everything.
    fn one(&self, channel: &[f32], size: [usize; 2], spans: [Span; 2], output: &mut [f32]) {
        let [down, right] = self.windows;
        output.fill(f32::NEG_INFINITY);
        for (y, output) in output.chunks_exact_mut(spans[1].places).enumerate() {
            let from = (y * down.stride).saturating_sub(spans[0].before);
            let to = (y * down.stride + down.kernel).saturating_sub(spans[0].before).min(size[0]);
            for row in channel.chunks_exact(size[1]).take(to).skip(from) {
                (0..right.kernel).for_each(|column| raise(output, row, column, right.stride, spans[1].before));
            }
        }
    }

    fn spans(&self, size: [usize; 2]) -> TractResult<[Span; 2]> {
        let [down, right] = self.windows;
        Ok([down.span(size[0])?, right.span(size[1])?])
    }
}

/// Raises each output to what one column of its window sees. Along the output and not the window, so that nothing branches
/// on the values.
fn raise(output: &mut [f32], row: &[f32], column: usize, stride: usize, before: usize) {
    // The first window whose column is inside.
    let first = before.saturating_sub(column).div_ceil(stride);
    let from = first * stride + column - before;
    let seen = row.get(from..).unwrap_or_default().iter().step_by(stride);
    for (output, x) in output.iter_mut().skip(first).zip(seen) {
        *output = if *x > *output || x.is_nan() { *x } else { *output };
    }
}

impl Kernel for MaxPool {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        let (images, channels, size) = images(input)?;
        let [height, width] = self.spans(size)?.map(|span| span.places.to_dim());
        Ok(tvec!(Signature::new(input.datum, [images, channels, height, width])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let [images, channels, height, width] = *input.shape() else { bail!("takes no {:?}", input.shape()) };
        let size = [height, width];
        let spans = self.spans(size)?;
        let made = spans.map(|span| span.places);
        let area = |[height, width]: [usize; 2]| height.saturating_mul(width).max(1);
        let input = elements::<f32>(input)?;
        let output = written(&[images, channels, made[0], made[1]], |output| {
            let each = input.chunks_exact(area(size)).zip(output.chunks_exact_mut(area(made)));
            each.for_each(|(channel, output)| self.one(channel, size, spans, output));
        });
        Ok(tvec!(output?))
    }
}

impl Kernel for GlobalAverage {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        let (images, channels, _) = images(input)?;
        Ok(tvec!(Signature::new(input.datum, [images, channels, 1.to_dim(), 1.to_dim()])))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let [images, channels, height, width] = *input.shape() else { bail!("takes no {:?}", input.shape()) };
        let area = height.saturating_mul(width).max(1);
        let means = elements::<f32>(input)?.chunks_exact(area).map(|channel| channel.iter().sum::<f32>() / area as f32);
        Ok(tvec!(tensor(&[images, channels, 1, 1], means.collect())?))
    }
}
