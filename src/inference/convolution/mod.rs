//! Convolutions of small images, in place of tract's, which are made for larger ones.

mod kernel;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat};
use tract_onnx::tract_core::ops::nn::DataFormat;
use tract_onnx::tract_hir::internal::*;

use crate::onnx_ml::{self, Operator, Signature};
use kernel::{Geometry, Kernel};

/// A convolution of a batch of images.
#[derive(Debug)]
struct Convolution {
    kernel: Kernel,
    /// Filters and size of an output image, as tract has them.
    row_shape: TVec<usize>,
}

/// Replaces the convolutions of a decluttered model that [`Kernel`] can do, each with the ReLU behind it: of 32-bit floats,
/// in one or two dimensions, in one group, with a kernel and a size that are known. tract does the others.
///
/// # Errors
/// If tract finds the model inconsistent.
pub fn replace(model: &mut TypedModel) -> TractResult<()> {
    for id in model.eval_order()? {
        let node = model.node(id);
        let Some(operator) = node.op_as::<Conv>() else { continue };
        let relu = relu_behind(model, node)?;
        let Some(convolution) = Convolution::of(model, node, operator, relu.is_some())? else { continue };
        let last = relu.unwrap_or(node);
        let mut patch = TypedModelPatch::default();
        let inputs = node.inputs.first().map(|input| patch.tap_model(model, *input)).transpose()?;
        let made = patch.wire_node(&last.name, Operator::new("Convolution", convolution), inputs.as_slice())?;
        for wire in made {
            patch.shunt_outside(model, last.id.into(), wire)?;
        }
        patch.apply(model)?;
    }
    model.compact()
}

/// The node that raises all values of this one, and nothing else, to 0.
fn relu_behind<'m>(model: &'m TypedModel, node: &TypedNode) -> TractResult<Option<&'m TypedNode>> {
    if model.output_outlets()?.contains(&node.id.into()) {
        return Ok(None);
    }
    let Some(next) = model.single_succ(node.id)? else { return Ok(None) };
    let Some(operator) = next.op_as::<TypedBinOp>() else { return Ok(None) };
    let mut others = next.inputs.iter().filter(|input| input.node != node.id);
    let zero = match others.next() {
        Some(other) => match &model.outlet_fact(*other)?.konst {
            Some(constant) if constant.len() == 1 => constant.cast_to_scalar::<f32>()? == 0.0,
            _ => false,
        },
        None => false,
    };
    Ok((operator.0.name() == "Max" && zero).then_some(next))
}

impl Convolution {
    fn of(model: &TypedModel, node: &TypedNode, operator: &Conv, relu: bool) -> TractResult<Option<Convolution>> {
        let [input, weights, biases] = node.inputs.as_slice() else { return Ok(None) };
        let plain = operator.group == 1
            && operator.q_params.is_none()
            && operator.kernel_fmt == KernelFormat::OIHW
            && operator.pool_spec.data_format == DataFormat::NCHW;
        let input = model.outlet_fact(*input)?;
        let constant = |outlet: &OutletId| -> TractResult<Option<Vec<f32>>> {
            match &model.outlet_fact(*outlet)?.konst {
                Some(tensor) if tensor.datum_type() == f32::datum_type() && tensor.is_plain() => {
                    Ok(Some(tensor.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
                }
                _ => Ok(None),
            }
        };
        let (Some(weights), Some(mut biases)) = (constant(weights)?, constant(biases)?) else { return Ok(None) };
        let sizes: Option<TVec<usize>> = input.shape.iter().skip(1).map(|dim| dim.to_usize().ok()).collect();
        let Some([channels, size @ ..]) = sizes.as_deref().filter(|_| plain && input.datum_type == f32::datum_type())
        else {
            return Ok(None);
        };
        let spec = &operator.pool_spec;
        let padding = spec.computed_padding(size);
        if let [bias] = biases.as_slice() {
            biases = vec![*bias; spec.output_channels];
        }
        // A line is an image of one row.
        let pair = |values: TVec<usize>, row: usize| match values.as_slice() {
            [x] => Some([row, *x]),
            [y, x] => Some([*y, *x]),
            _ => None,
        };
        let output: TVec<usize> = padding.iter().map(|padding| padding.convoluted).collect();
        let geometry = || {
            Some(Geometry {
                channels: *channels,
                size: pair(size.into(), 1)?,
                before: pair(padding.iter().map(|padding| padding.pad_before).collect(), 0)?,
                kernel: pair(spec.kernel_shape.clone(), 1)?,
                stride: pair(spec.strides().as_ref().into(), 1)?,
                dilation: pair(spec.dilations().as_ref().into(), 1)?,
                output: pair(output.clone(), 1)?,
            })
        };
        let kernel = geometry().and_then(|geometry| Kernel::new(geometry, &weights, &biases, relu));
        let row_shape = [spec.output_channels].into_iter().chain(output.iter().copied()).collect();
        Ok(kernel.map(|kernel| Convolution { kernel, row_shape }))
    }
}

impl onnx_ml::Kernel for Convolution {
    fn outputs(&self, inputs: &[Signature]) -> TractResult<TVec<Signature>> {
        let [Signature { datum, shape }] = inputs else { bail!("takes one input") };
        let batch = shape.first().cloned().context("takes a batch of images")?;
        let row = self.row_shape.iter().map(|size| size.to_dim());
        Ok(tvec!(Signature::new(*datum, [batch].into_iter().chain(row))))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let [images] = inputs else { bail!("takes one input") };
        let images = images.try_as_plain_ram()?.as_slice::<f32>()?;
        let count = images.len().checked_div(self.kernel.input_len()).unwrap_or(0);
        let shape: TVec<usize> = [count].into_iter().chain(self.row_shape.iter().copied()).collect();
        let mut outputs = Tensor::zero::<f32>(&shape)?;
        self.kernel.run(images, outputs.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?);
        Ok(tvec!(outputs))
    }
}
