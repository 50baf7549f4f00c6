//! 16-bit floating point, computed in 32 bits as ONNX Runtime does on a processor: only what comes in and what goes out is
//! of 16 bits.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, TensorProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::f16;

const HALF: i32 = DataType::Float16 as i32;
const SINGLE: i32 = DataType::Float as i32;

/// Makes a graph compute in 32 bits what it has in 16.
pub fn widen(graph: &mut GraphProto) {
    graph.initializer.iter_mut().for_each(widen_tensor);
    graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info).for_each(widen_type);
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        // What `Cast` casts to, and what others make.
        let names_type = matches!(attribute.name.as_str(), "to" | "dtype" | "output_dtype");
        if names_type && attribute.r#type == AttributeType::Int as i32 && attribute.i == i64::from(HALF) {
            attribute.i = i64::from(SINGLE);
        }
        attribute.t.iter_mut().chain(&mut attribute.tensors).for_each(widen_tensor);
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(widen);
    }
}

/// Whether a value is declared to be of 16-bit floating point.
pub fn is_half(value: &ValueInfoProto) -> bool {
    match value.r#type.as_ref().and_then(|of| of.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => tensor.elem_type == HALF,
        _ => false,
    }
}

/// The number of 16 bits that is nearest.
pub fn rounded(x: f32) -> f32 {
    f16::from_f32(x).to_f32()
}

fn widen_type(value: &mut ValueInfoProto) {
    if let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|of| of.value.as_mut())
        && tensor.elem_type == HALF
    {
        tensor.elem_type = SINGLE;
    }
}

fn widen_tensor(tensor: &mut TensorProto) {
    if tensor.data_type != HALF {
        return;
    }
    let widened = |bits: u16| f16::from_bits(bits).to_f32();
    tensor.data_type = SINGLE;
    if tensor.raw_data.is_empty() {
        // The lower half of each is the number's bits.
        let bits = std::mem::take(&mut tensor.int32_data).into_iter().map(|bits| bits as u16);
        tensor.float_data = bits.map(widened).collect();
    } else {
        let (pairs, _) = tensor.raw_data.as_chunks::<2>();
        tensor.raw_data = pairs.iter().flat_map(|pair| widened(u16::from_le_bytes(*pair)).to_le_bytes()).collect();
    }
}
