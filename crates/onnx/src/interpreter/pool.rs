//! What makes images smaller: `MaxPool` and `GlobalAveragePool`, of [images, channels, rows, columns] in 32 bits.
#![allow(clippy::arithmetic_side_effects, reason = "sizes are those of a Window and its Span, below 2^16")]

use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::window::{Span, Window};
use crate::ml::{Kernel, elements, tensor, written};
use crate::signature::Signature;

/// [MaxPool](https://onnx.ai/onnx/operators/onnx__MaxPool.html), of images and of lines. A missing pixel makes the window's
/// greatest missing.
#[derive(Debug)]
pub struct MaxPool {
    windows: [Window; 2],
    /// 4 of images, 3 of lines.
    rank: usize,
}

/// The same, for images of one size.
#[derive(Debug)]
struct Pool {
    /// Pixels of a channel, before and after.
    area: usize,
    output: [usize; 2],
    /// Of each output pixel, the input pixels that its window sees, each as many times as fills the window.
    seen: Vec<u32>,
    /// Pixels of a window.
    window: usize,
    rank: usize,
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
        ensure!(nought("storage_order")? && node.output.len() == 1, "places of the greatest are not known here");
        let kernel: Vec<usize> = node.get_attr_opt_vec("kernel_shape")?.context("no kernel")?;
        Ok(MaxPool { windows: Window::read(node, &kernel)?, rank: kernel.len().saturating_add(2) })
    }

    fn pool(&self, input: &Signature) -> TractResult<Pool> {
        ensure!(input.datum == f32::datum_type(), "takes no {:?}", input.datum);
        ensure!(input.shape.len() == self.rank, "takes no {:?}", input.shape);
        let size = |axis: Option<&TDim>| Ok::<_, TractError>(axis.context("no axis")?.to_usize()?);
        let width = size(input.shape.last())?;
        let height = if self.rank == 3 { 1 } else { size(input.shape.get(2))? };
        Pool::new(self.windows, [height, width], self.rank)
    }
}

impl Pool {
    /// More than any image here needs.
    const MAX_SEEN: usize = 1 << 22;

    fn new(windows: [Window; 2], size: [usize; 2], rank: usize) -> TractResult<Self> {
        let [down, right] = windows;
        let spans = [down.span(size[0])?, right.span(size[1])?];
        let output = spans.map(|span| span.places);
        let window = down.kernel.saturating_mul(right.kernel);
        let total = output.iter().try_fold(window, |product, places| product.checked_mul(*places));
        ensure!(total.is_some_and(|total| total <= Self::MAX_SEEN), "windows of {window} at {output:?} places");
        let mut seen = Vec::new();
        for y in 0..output[0] {
            let rows = inside(down, spans[0], size[0], y);
            for x in 0..output[1] {
                let columns = inside(right, spans[1], size[1], x);
                let pixels = rows.iter().flat_map(|row| columns.iter().map(move |column| row * size[1] + column));
                let pixels: TVec<u32> = pixels.map(u32::try_from).collect::<Result<_, _>>()?;
                ensure!(!pixels.is_empty(), "a window outside of the image");
                seen.extend(pixels.iter().cycle().take(window));
            }
        }
        Ok(Pool { area: size[0] * size[1], output, seen, window, rank })
    }
}

impl Pool {
    /// The axes of the output: both, or the one of lines.
    fn axes(&self) -> &[usize] {
        let [_, columns @ ..] = &self.output;
        if self.rank == 3 { columns } else { &self.output }
    }
}

/// The part of the image that a window sees at its place.
fn inside(window: Window, span: Span, size: usize, place: usize) -> TVec<usize> {
    let from = place * window.stride;
    let seen = (0..window.kernel).map(|pixel| from + pixel * window.dilation);
    seen.filter_map(|pixel| pixel.checked_sub(span.before)).filter(|pixel| *pixel < size).collect()
}

impl Kernel for MaxPool {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        self.pool(input)?.outputs(inputs)
    }

    fn specialise(&self, inputs: &[Signature]) -> TractResult<Option<Arc<dyn Kernel>>> {
        let [input] = inputs else { bail!("takes one input") };
        Ok(Some(Arc::new(self.pool(input)?)))
    }

    fn run(&self, _: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        bail!("the size of the images is not known")
    }
}

impl Kernel for Pool {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [input] = inputs else { bail!("takes one input") };
        let [images, channels, ..] = input.shape.as_slice() else { bail!("takes no {:?}", input.shape) };
        let axes = self.axes().iter().map(|size| size.to_dim());
        Ok(tvec!(Signature::new(input.datum, [images.clone(), channels.clone()].into_iter().chain(axes))))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [input] = inputs else { bail!("takes one input") };
        let [images, channels, ..] = *input.shape() else { bail!("takes no {:?}", input.shape()) };
        let input = elements::<f32>(input)?;
        let [height, width] = self.output;
        let shape: TVec<usize> = [images, channels].into_iter().chain(self.axes().iter().copied()).collect();
        let output = written(&shape, |output| {
            for (channel, output) in input.chunks_exact(self.area).zip(output.chunks_exact_mut(height * width)) {
                for (output, seen) in output.iter_mut().zip(self.seen.chunks_exact(self.window)) {
                    let values = seen.iter().filter_map(|at| channel.get(*at as usize));
                    *output = values.fold(f32::NEG_INFINITY, |max, x| if *x > max || x.is_nan() { *x } else { max });
                }
            }
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
