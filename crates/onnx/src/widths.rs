//! How many values a row of an input has, by what it is used for: for files that do not say.

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, NodeProto};

/// How many numbers a row of that value has, where its rows are lists of them.
pub fn width(graph: &GraphProto, name: &str) -> Option<usize> {
    // Those that have rows of the same width.
    let mut names = HashSet::from([name]);
    for node in &graph.node {
        if node.input.first().is_none_or(|input| !names.contains(input.as_str())) {
            continue;
        }
        if let Some(width) = of_node(graph, node) {
            return Some(width);
        }
        if KEEPS_WIDTH.contains(&node.op_type.as_str()) {
            names.extend(node.output.first().map(String::as_str));
        }
    }
    None
}

const KEEPS_WIDTH: [&str; 11] =
    ["Add", "Cast", "Clip", "Div", "Identity", "Imputer", "Mul", "Normalizer", "Relu", "Scaler", "Sub"];

/// How many numbers a row of a node's first input has.
fn of_node(graph: &GraphProto, node: &NodeProto) -> Option<usize> {
    let floats = |name: &str| node.attribute.iter().find(|it| it.name == name).map_or(0, |it| it.floats.len());
    let ints = |name: &str| node.attribute.iter().find(|it| it.name == name).map_or(0, |it| it.ints.len());
    let strings = |name: &str| node.attribute.iter().find(|it| it.name == name).map_or(0, |it| it.strings.len());
    let int =
        |name: &str, otherwise: i64| node.attribute.iter().find(|it| it.name == name).map_or(otherwise, |it| it.i);
    let constant = |at: usize| {
        let constant = graph.initializer.iter().find(|constant| node.input.get(at) == Some(&constant.name))?;
        Some(constant.dims.as_slice())
    };
    let size = |size: i64| usize::try_from(size).ok();
    // One number stands for all columns.
    let several = |count: usize| (count > 1).then_some(count);
    let found = match node.op_type.as_str() {
        "MatMul" => match constant(1)? {
            [width, _] => size(*width),
            _ => None,
        },
        "Gemm" => match (constant(1)?, int("transA", 0), int("transB", 0)) {
            ([width, _], 0, 0) | ([_, width], 0, 1) => size(*width),
            _ => None,
        },
        "Add" | "Sub" | "Mul" | "Div" => match constant(1) {
            Some([width] | [1, width]) => size(*width).and_then(several),
            _ => None,
        },
        "LinearClassifier" => {
            let classes = floats("intercepts").max(ints("classlabels_ints")).max(strings("classlabels_strings"));
            let coefficients = floats("coefficients");
            // Of two classes there may be the coefficients of one, and as many intercepts.
            let scores = if floats("intercepts") > 0 { floats("intercepts") } else { classes };
            coefficients.checked_div(scores).filter(|width| width.checked_mul(scores) == Some(coefficients))
        }
        "LinearRegressor" => floats("coefficients").checked_div(size(int("targets", 1))?),
        "Scaler" => several(floats("offset").max(floats("scale"))),
        "Imputer" => several(floats("imputed_value_floats").max(ints("imputed_value_int64s"))),
        _ => None,
    };
    found.filter(|width| *width > 0)
}
