//! What is refused before tract sees it, so that the error says which node is at fault, and nothing panics.

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use crate::attributes::graphs;
use crate::error::LoadError;
use crate::names::name_of;
use crate::{interpreter, ml, shown};

/// The versions of ONNX's operators are among those that tests have seen.
///
/// # Errors
/// If they are others.
pub fn version(model: &ModelProto) -> Result<(), LoadError> {
    match ml::version(model, "") {
        Some(version) if !shown::VERSIONS.contains(&version) => Err(LoadError::Version { version }),
        _ => Ok(()),
    }
}

/// Every operator is ours, or one that tests have shown tract to run rightly. tract would not look at the domain.
///
/// # Errors
/// If one is not, or its axes are none.
pub fn operators(graph: &GraphProto) -> Result<(), LoadError> {
    // One of another domain says most of why the model cannot run here.
    let is_foreign =
        |node: &&NodeProto| !matches!(node.domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml") && !ml::is_contributed(node);
    if let Some(node) = graph.node.iter().find(is_foreign) {
        let operator = format!("{}.{}", node.domain, node.op_type);
        return Err(LoadError::Operator { operator, node: name_of(node) });
    }
    for node in &graph.node {
        let unshown = match node.domain.as_str() {
            "ai.onnx.ml" => ml::reader(&node.op_type).is_none().then(|| node.op_type.clone()),
            _ if interpreter::is_ours(&node.op_type) || ml::reader(&node.op_type).is_some() => None,
            _ => shown::unshown(node),
        };
        if let Some(operator) = unshown {
            return Err(LoadError::Operator { operator, node: name_of(node) });
        }
        if node.op_type == "Transpose" {
            check_permutation(node)?;
        }
        graphs(node).try_for_each(operators)?;
    }
    Ok(())
}

/// tract takes for granted that the axes of a `Transpose` are a permutation, and panics.
fn check_permutation(node: &NodeProto) -> Result<(), LoadError> {
    let Some(attribute) = node.attribute.iter().find(|attribute| attribute.name == "perm") else { return Ok(()) };
    let mut axes = attribute.ints.clone();
    axes.sort_unstable();
    if axes.iter().zip(0..).all(|(axis, place)| *axis == place) {
        return Ok(());
    }
    let name = name_of(node);
    Err(LoadError::Unusable(format!("node `{name}` (Transpose): {:?} is no permutation of axes", attribute.ints)))
}

/// Every output of the graph has to be made by something in it. tract takes that for granted, and panics.
///
/// # Errors
/// If one is not.
pub fn outputs(graph: &GraphProto) -> Result<(), LoadError> {
    let made: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|initializer| &initializer.name))
        .map(String::as_str)
        .collect();
    match graph.output.iter().find(|output| !made.contains(output.name.as_str())) {
        Some(output) => Err(LoadError::Unusable(format!("nothing makes its output `{}`", output.name))),
        None => Ok(()),
    }
}

/// Maps are made of a `ZipMap`'s scores when they are written, so nothing can be computed of them.
///
/// # Errors
/// If a `ZipMap` stands before other nodes.
pub fn zip_maps(graph: &GraphProto) -> Result<(), LoadError> {
    let made_by =
        |input: &String| graph.node.iter().find(|node| node.op_type == "ZipMap" && node.output.contains(input));
    for node in &graph.node {
        if let Some(zip_map) = node.input.iter().find_map(made_by) {
            return Err(LoadError::Unusable(format!(
                "node `{}` ({}) takes the maps of the ZipMap `{}`, which can only be an output of the model",
                name_of(node),
                node.op_type,
                name_of(zip_map)
            )));
        }
    }
    Ok(())
}
