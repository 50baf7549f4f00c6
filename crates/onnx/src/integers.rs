//! Integers of a file that do not fit into 32 bits. WebAssembly would cut them where they say how many, how large or which;
//! so they are refused there, and natively too.

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use crate::error::LoadError;
use crate::names::name_of;

/// Checks all attributes, and the sizes of all constants.
///
/// # Errors
/// If one does not fit.
pub fn check(graph: &GraphProto) -> Result<(), LoadError> {
    graph.initializer.iter().try_for_each(check_tensor)?;
    for node in &graph.node {
        for attribute in &node.attribute {
            if !holds_values(node, &attribute.name) {
                let beyond = |value: &&i64| i32::try_from(**value).is_err();
                if let Some(value) = attribute.ints.iter().chain([&attribute.i]).find(beyond) {
                    return Err(LoadError::Integer {
                        node: name_of(node),
                        operator: node.op_type.clone(),
                        attribute: attribute.name.clone(),
                        value: *value,
                    });
                }
            }
            attribute.t.iter().chain(&attribute.tensors).try_for_each(check_tensor)?;
            attribute.g.iter().chain(&attribute.graphs).try_for_each(check)?;
        }
    }
    Ok(())
}

/// Whether an attribute's integers are values or labels, which may be of 64 bits.
fn holds_values(node: &NodeProto, attribute: &str) -> bool {
    attribute.contains("int64")
        || matches!((node.op_type.as_str(), attribute), (_, "classlabels_ints") | ("Constant", _))
}

/// A tensor has as many values as its sizes say, and no more than fit.
fn check_tensor(tensor: &TensorProto) -> Result<(), LoadError> {
    let size = |size: &i64| u32::try_from(*size).ok();
    let volume = tensor.dims.iter().try_fold(1u32, |product, dim| product.checked_mul(size(dim)?));
    match volume {
        Some(_) => Ok(()),
        None => Err(LoadError::Tensor { name: tensor.name.clone(), shape: format!("{:?}", tensor.dims) }),
    }
}
