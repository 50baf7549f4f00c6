//! `Conv`, of small images.

mod kernel;

use std::sync::Arc;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::tract_hir::internal::*;

use super::window::{Window, pair};
use crate::ml::{self, elements, required_constant, written};
use crate::signature::Signature;
use kernel::{Geometry, Kernel};

/// [Conv](https://onnx.ai/onnx/operators/onnx__Conv.html) by constant weights, of 32-bit images or lines, in one group.
#[derive(Debug)]
pub struct Conv {
    windows: [Window; 2],
    /// Filter, channel, row, column.
    weights: Tensor,
    biases: Vec<f32>,
}

/// The same, for images of one size.
#[derive(Debug)]
struct Convolution {
    kernel: Kernel,
    /// Filters and size of an output image.
    row_shape: TVec<usize>,
}

impl Conv {
    pub fn read(model: &ModelProto, node: &NodeProto) -> TractResult<Self> {
        ensure!(node.get_attr_opt::<i64>("group")?.unwrap_or(1) == 1, "groups");
        let weights = required_constant(model, node, 1)?;
        elements::<f32>(&weights)?;
        let [filters, _, kernel @ ..] = weights.shape() else { bail!("weights of {:?}", weights.shape()) };
        let biases = if node.input.len() > 2 {
            elements::<f32>(&required_constant(model, node, 2)?)?.to_vec()
        } else {
            vec![0.0; *filters]
        };
        Ok(Conv { windows: Window::read(node, kernel)?, weights, biases })
    }
}

impl ml::Kernel for Conv {
    fn outputs(&self, _: &[Signature]) -> TractResult<TVec<Signature>> {
        bail!("the size of the images is not known")
    }

    fn specialise(&self, inputs: &[Signature]) -> TractResult<Option<Arc<dyn ml::Kernel>>> {
        let [Signature { datum, shape }, ..] = inputs else { bail!("takes an input") };
        let [_, channels, sizes @ ..] = shape.as_slice() else { bail!("takes no {shape:?}") };
        let channels = channels.to_usize()?;
        let fits = self.weights.shape().get(1) == Some(&channels) && self.weights.rank() == shape.len();
        ensure!(fits && *datum == f32::datum_type(), "takes no {shape:?} of {datum:?}");
        let sizes: TVec<usize> = sizes.iter().map(|size| size.to_usize()).collect::<Result<_, _>>()?;
        let size = pair(&sizes, 1)?;
        let [down, right] = self.windows;
        let spans = [down.span(size[0])?, right.span(size[1])?];
        let output = spans.map(|span| span.places);
        let geometry = Geometry {
            channels,
            size,
            before: spans.map(|span| span.before),
            kernel: self.windows.map(|window| window.kernel),
            stride: self.windows.map(|window| window.stride),
            dilation: self.windows.map(|window| window.dilation),
            output,
        };
        let kernel = Kernel::new(geometry, elements::<f32>(&self.weights)?, &self.biases);
        let kernel = kernel.context("sizes that contradict each other")?;
        let size = output.into_iter().skip(output.len().saturating_sub(sizes.len()));
        let row_shape = [self.biases.len()].into_iter().chain(size).collect();
        Ok(Some(Arc::new(Convolution { kernel, row_shape })))
    }

    fn run(&self, _: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        bail!("the size of the images is not known")
    }
}

impl ml::Kernel for Convolution {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [Signature { datum, shape }, ..] = inputs else { bail!("takes an input") };
        let images = shape.first().cloned().context("takes images")?;
        let row = self.row_shape.iter().map(|size| size.to_dim());
        Ok(tvec!(Signature::new(*datum, [images].into_iter().chain(row))))
    }

    fn work(&self) -> u64 {
        self.kernel.work()
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [images, ..] = inputs else { bail!("takes an input") };
        let images = elements::<f32>(images)?;
        let count = images.len().checked_div(self.kernel.input_len()).unwrap_or(0);
        let shape: TVec<usize> = [count].iter().chain(&self.row_shape).copied().collect();
        Ok(tvec!(written(&shape, |outputs| self.kernel.run(images, outputs))?))
    }
}
