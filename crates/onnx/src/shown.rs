//! What tests have shown tract to run rightly: the zoo, and ONNX's own backend tests (`suite.rs`).
//!
//! Whatever is not in the list is refused: tract also has operators that panic, that are half done, or that no test has seen.

use tract_onnx::pb::{AttributeProto, NodeProto};

/// The versions of ONNX's operators that they are of.
pub const VERSIONS: std::ops::RangeInclusive<i64> = 6..=28;

/// Operators of ONNX's own domain, with the attributes that each may have: any value of one, or that which is named.
const SHOWN: [(&str, &[&str]); 119] = [
    ("Abs", &[]),
    ("Acos", &[]),
    ("Acosh", &[]),
    ("Add", &[]),
    ("And", &[]),
    ("Asin", &[]),
    ("Asinh", &[]),
    ("Atan", &[]),
    ("Atanh", &[]),
    (
        "AveragePool",
        &[
            "auto_pad=NOTSET",
            "auto_pad=SAME_LOWER",
            "auto_pad=SAME_UPPER",
            "ceil_mode",
            "count_include_pad",
            "dilations",
            "kernel_shape",
            "pads",
            "strides",
        ],
    ),
    ("BatchNormalization", &["epsilon", "is_test=1", "momentum", "training_mode=0"]),
    ("BitwiseAnd", &[]),
    ("BitwiseNot", &[]),
    ("BitwiseOr", &[]),
    ("BitwiseXor", &[]),
    ("Cast", &["round_mode=up", "saturate=1", "to"]),
    ("Ceil", &[]),
    ("Concat", &["axis"]),
    ("Constant", &["value", "value_float", "value_floats", "value_int", "value_ints"]),
    (
        "Conv",
        &[
            "auto_pad=NOTSET",
            "auto_pad=SAME_LOWER",
            "auto_pad=SAME_UPPER",
            "auto_pad=VALID",
            "dilations",
            "group",
            "kernel_shape",
            "pads",
            "strides",
        ],
    ),
    (
        "ConvInteger",
        &[
            "auto_pad=NOTSET",
            "auto_pad=SAME_LOWER",
            "auto_pad=SAME_UPPER",
            "auto_pad=VALID",
            "dilations",
            "group",
            "kernel_shape",
            "pads",
            "strides",
        ],
    ),
    (
        "ConvTranspose",
        &[
            "auto_pad=NOTSET",
            "auto_pad=SAME_UPPER",
            "dilations",
            "group",
            "kernel_shape",
            "output_padding",
            "output_shape",
            "pads",
            "strides",
        ],
    ),
    ("Cos", &[]),
    ("Cosh", &[]),
    ("CumSum", &["exclusive", "reverse"]),
    ("DFT", &["axis", "inverse", "onesided"]),
    ("DepthToSpace", &["blocksize", "mode=CRD", "mode=DCR"]),
    ("Div", &[]),
    ("Dropout", &["ratio", "seed"]),
    ("Einsum", &["equation"]),
    ("Elu", &["alpha"]),
    ("Equal", &[]),
    ("Erf", &[]),
    ("Exp", &[]),
    ("Expand", &[]),
    ("EyeLike", &["dtype", "k"]),
    ("Flatten", &["axis"]),
    ("Floor", &[]),
    ("Gather", &["axis"]),
    ("GatherElements", &["axis"]),
    ("GatherND", &["batch_dims"]),
    ("Gemm", &["alpha", "beta", "broadcast", "transA", "transB"]),
    ("GlobalAveragePool", &[]),
    ("GlobalMaxPool", &[]),
    ("Greater", &[]),
    ("GreaterOrEqual", &[]),
    (
        "GridSample",
        &[
            "align_corners",
            "mode=cubic",
            "mode=linear",
            "mode=nearest",
            "padding_mode=border",
            "padding_mode=reflection",
            "padding_mode=zeros",
        ],
    ),
    ("GroupNormalization", &["epsilon", "num_groups", "stash_type=1"]),
    ("HardSwish", &[]),
    ("Identity", &[]),
    ("If", &["else_branch", "then_branch"]),
    ("InstanceNormalization", &["epsilon"]),
    ("IsInf", &["detect_negative", "detect_positive"]),
    ("IsNaN", &[]),
    ("LRN", &["alpha", "beta", "bias", "size"]),
    ("LayerNormalization", &["axis", "epsilon", "stash_type=1"]),
    ("LeakyRelu", &["alpha"]),
    ("Less", &[]),
    ("LessOrEqual", &[]),
    ("Log", &[]),
    ("LpNormalization", &["axis", "p"]),
    ("MatMul", &[]),
    ("MatMulInteger", &[]),
    ("Mean", &[]),
    ("MeanVarianceNormalization", &["axes"]),
    ("Mish", &[]),
    ("Mod", &["fmod"]),
    ("Mul", &[]),
    ("Neg", &[]),
    ("NonMaxSuppression", &["center_point_box"]),
    ("NonZero", &[]),
    ("Not", &[]),
    ("Or", &[]),
    ("PRelu", &[]),
    ("Pad", &["mode=constant", "mode=edge", "mode=reflect", "pads", "value"]),
    (
        "QLinearConv",
        &[
            "auto_pad=NOTSET",
            "auto_pad=SAME_LOWER",
            "auto_pad=SAME_UPPER",
            "auto_pad=VALID",
            "dilations",
            "group",
            "kernel_shape",
            "pads",
            "strides",
        ],
    ),
    ("QLinearMatMul", &[]),
    ("RMSNormalization", &["axis", "epsilon", "stash_type=1"]),
    ("Range", &["stash_type=1"]),
    ("Reciprocal", &[]),
    ("ReduceL1", &["keepdims", "noop_with_empty_axes=0"]),
    ("ReduceL2", &["keepdims", "noop_with_empty_axes=0"]),
    ("ReduceLogSum", &["keepdims", "noop_with_empty_axes=0"]),
    ("ReduceMean", &["axes", "keepdims", "noop_with_empty_axes=0"]),
    ("ReduceProd", &["axes", "keepdims", "noop_with_empty_axes=0"]),
    ("ReduceSum", &["axes", "keepdims", "noop_with_empty_axes"]),
    ("ReduceSumSquare", &["axes", "keepdims", "noop_with_empty_axes=0"]),
    ("Reshape", &["allowzero"]),
    (
        "Resize",
        &[
            "antialias",
            "axes",
            "coordinate_transformation_mode=align_corners",
            "coordinate_transformation_mode=asymmetric",
            "coordinate_transformation_mode=half_pixel",
            "coordinate_transformation_mode=half_pixel_symmetric",
            "coordinate_transformation_mode=pytorch_half_pixel",
            "coordinate_transformation_mode=tf_crop_and_resize",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy=not_larger",
            "keep_aspect_ratio_policy=not_smaller",
            "keep_aspect_ratio_policy=stretch",
            "mode=cubic",
            "mode=linear",
            "mode=nearest",
            "nearest_mode=ceil",
            "nearest_mode=floor",
            "nearest_mode=round_prefer_ceil",
            "nearest_mode=round_prefer_floor",
        ],
    ),
    ("RotaryEmbedding", &["interleaved", "num_heads", "rotary_embedding_dim"]),
    ("Round", &[]),
    ("Scan", &["body", "num_scan_inputs"]),
    ("ScatterElements", &["axis", "reduction=add", "reduction=mul", "reduction=none"]),
    ("ScatterND", &["reduction=add", "reduction=mul", "reduction=none"]),
    ("Selu", &["alpha", "gamma"]),
    ("Shape", &["end", "start"]),
    ("Shrink", &["bias", "lambd"]),
    ("Sign", &[]),
    ("Sin", &[]),
    ("Sinh", &[]),
    ("Size", &[]),
    ("Slice", &["axes", "ends", "starts"]),
    ("Softmax", &["axis"]),
    ("Softsign", &[]),
    ("SpaceToDepth", &["blocksize", "mode=DCR"]),
    ("Split", &["axis", "num_outputs", "split"]),
    ("Sqrt", &[]),
    ("Squeeze", &["axes"]),
    ("Sub", &[]),
    ("Sum", &[]),
    ("Tan", &[]),
    ("ThresholdedRelu", &["alpha"]),
    ("Tile", &[]),
    ("TopK", &["axis", "largest", "sorted=1"]),
    ("Transpose", &["perm"]),
    ("Trilu", &["upper"]),
    ("Unsqueeze", &["axes"]),
    ("Where", &[]),
    ("Xor", &[]),
];

/// What is not shown of a node that tract would run: the operator, or an attribute of it. `None` if all is.
pub fn unshown(node: &NodeProto) -> Option<String> {
    let Some((_, attributes)) = SHOWN.iter().find(|(name, _)| *name == node.op_type) else {
        return Some(node.op_type.clone());
    };
    let unshown = node.attribute.iter().find(|attribute| !attributes.iter().any(|shown| is_shown(attribute, shown)))?;
    let value = value(unshown).map(|value| format!("={value}")).unwrap_or_default();
    Some(format!("{} with {}{value}", node.op_type, unshown.name))
}

/// The operators of the list.
#[cfg(test)]
pub fn operators() -> impl Iterator<Item = &'static str> {
    SHOWN.iter().map(|(name, _)| *name)
}

fn is_shown(attribute: &AttributeProto, shown: &str) -> bool {
    match shown.split_once('=') {
        None => attribute.name == shown,
        Some((name, expected)) => attribute.name == name && value(attribute).as_deref() == Some(expected),
    }
}

/// Of an attribute that is a number or a word.
fn value(attribute: &AttributeProto) -> Option<String> {
    use tract_onnx::pb::attribute_proto::AttributeType;
    match attribute.r#type() {
        AttributeType::Int => Some(attribute.i.to_string()),
        AttributeType::String => Some(String::from_utf8_lossy(&attribute.s).into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(operator: &str, attribute: AttributeProto) -> NodeProto {
        NodeProto { op_type: operator.to_owned(), attribute: vec![attribute], ..NodeProto::default() }
    }

    fn word(name: &str, value: &str) -> AttributeProto {
        use tract_onnx::pb::attribute_proto::AttributeType;
        AttributeProto {
            name: name.to_owned(),
            r#type: AttributeType::String as i32,
            s: value.as_bytes().to_vec(),
            ..AttributeProto::default()
        }
    }

    #[test]
    fn an_operator_or_attribute_that_no_test_has_seen_is_named() {
        assert_eq!(unshown(&node("SpaceToDepth", word("mode", "DCR"))), None);
        assert_eq!(unshown(&node("SpaceToDepth", word("mode", "CRD"))).as_deref(), Some("SpaceToDepth with mode=CRD"));
        assert_eq!(unshown(&node("Hardmax", word("axis", ""))).as_deref(), Some("Hardmax"));
    }
}
