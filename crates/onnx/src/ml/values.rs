//! Reading attributes and tensors, and making tensors.

use std::borrow::Cow;

use tract_onnx::data_resolver::FopenDataResolver;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use tract_onnx::tract_hir::internal::*;

/// A list attribute, empty where the node does not have it.
pub fn list<'a, T>(node: &'a NodeProto, name: &str) -> TractResult<Vec<T>>
where
    T: tract_onnx::pb_helpers::AttrTVecType<'a>,
{
    Ok(node.get_attr_opt_vec(name)?.unwrap_or_default())
}

/// The version of a domain's operators that the model is written for; `None` where it has none of them. ONNX's own domain is
/// the empty one.
pub fn version(model: &ModelProto, domain: &str) -> Option<i64> {
    let is_it = |set: &&OperatorSetIdProto| set.domain == domain || (domain.is_empty() && set.domain == "ai.onnx");
    model.opset_import.iter().find(is_it).map(|set| set.version)
}

/// A tensor of the file.
///
/// # Errors
/// If it is of a type that is not known here, contradicts itself, or lies in another file.
pub fn load_tensor(proto: &TensorProto) -> TractResult<Tensor> {
    ensure!(proto.raw_data.is_empty() || proto.data_type != DataType::String as i32, "strings in bytes");
    tract_onnx::tensor::load_tensor(&FopenDataResolver, proto, None)
}

/// The constant of that name; `None` if there is none.
pub fn constant(graph: &GraphProto, name: &str) -> Option<TractResult<Tensor>> {
    if let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.name == name) {
        return Some(load_tensor(tensor));
    }
    let makes = |node: &&NodeProto| node.op_type == "Constant" && node.output.iter().any(|output| output == name);
    let node = graph.node.iter().find(makes)?;
    Some(node.get_attr::<&TensorProto>("value").and_then(load_tensor))
}

/// The constant that a node has as that input.
///
/// # Errors
/// If it is none.
pub fn required_constant(model: &ModelProto, node: &NodeProto, input: usize) -> TractResult<Tensor> {
    let graph = model.graph.as_ref().context("it has no graph")?;
    let name = node.input.get(input).context("an input is left out")?;
    constant(graph, name).with_context(|| format!("its input `{name}` is computed"))?
}

/// A tensor attribute's values, empty where the node does not have it.
///
/// # Errors
/// If the tensor cannot be read as that type without loss.
pub fn tensor_list<T: Datum + Clone>(node: &NodeProto, name: &str) -> TractResult<Vec<T>> {
    let Some(proto) = node.get_attr_opt::<&TensorProto>(name)? else { return Ok(Vec::new()) };
    let tensor = load_tensor(proto)?;
    let exact = tensor.datum_type() == T::datum_type()
        || (T::datum_type() == f64::datum_type() && tensor.datum_type() == f32::datum_type());
    ensure!(exact, "attribute `{name}` is of type {:?}, not {:?}", tensor.datum_type(), T::datum_type());
    Ok(elements::<T>(&*tensor.cast_to::<T>()?)?.to_vec())
}

/// The elements of a tensor of that very type, in row-major order.
pub fn elements<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice::<T>()
}

/// The tensor with numbers of any type made 32-bit floating point, as most operators compute.
///
/// # Errors
/// If it does not hold numbers.
pub fn as_f32(tensor: &Tensor) -> TractResult<Cow<'_, Tensor>> {
    check_numeric(tensor.datum_type())?;
    tensor.cast_to::<f32>()
}

/// # Errors
/// If the type is not one of `tensor(float)`, `tensor(double)`, `tensor(int64)` and `tensor(int32)`.
pub fn check_numeric(datum: DatumType) -> TractResult<()> {
    let numeric = [f32::datum_type(), f64::datum_type(), i64::datum_type(), i32::datum_type()];
    ensure!(numeric.contains(&datum), "takes numbers, not {datum:?}");
    Ok(())
}

/// A tensor of these values.
///
/// # Errors
/// If the shape does not hold as many.
pub fn tensor<T: Datum>(shape: &[usize], values: Vec<T>) -> TractResult<Tensor> {
    Ok(tract_ndarray::ArrayD::from_shape_vec(shape, values)?.into_tensor())
}

/// A tensor of numbers, written where it is.
pub fn written(shape: &[usize], write: impl FnOnce(&mut [f32])) -> TractResult<Tensor> {
    let mut tensor = Tensor::zero::<f32>(shape)?;
    write(tensor.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?);
    Ok(tensor)
}

/// The scalar product, in eight partial sums so that it vectorises.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0f32; LANES];
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + tail
}
