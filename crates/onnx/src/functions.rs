//! Functions that a file defines, put in place of the nodes that call them.

use std::collections::HashMap;

use tract_onnx::pb::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

use crate::copies::{Copies, bytes};
use crate::error::LoadError;
use crate::ml;
use crate::names::{name_of, renamed};

/// Puts the body of each function in place of its calls, until none is left.
///
/// # Errors
/// If a function calls itself, is written for other versions of the operators than the model, or becomes too many nodes.
pub fn inline(model: &mut ModelProto) -> Result<(), LoadError> {
    if model.functions.is_empty() {
        return Ok(());
    }
    let functions = std::mem::take(&mut model.functions);
    for function in &functions {
        for set in &function.opset_import {
            match ml::version(model, &set.domain) {
                Some(version) if version != set.version && is_onnx(&set.domain) => {
                    let name = function.name.clone().unwrap_or_default();
                    return Err(LoadError::Function {
                        name,
                        problem: "is written for another version of operators than the model",
                    });
                }
                Some(_) => {}
                None => model.opset_import.push(set.clone()),
            }
        }
    }
    let known: Functions<'_> = functions.iter().map(|function| (id(function), function)).collect();
    let mut inlining = Inlining { functions: &known, copies: Copies::default() };
    match &mut model.graph {
        Some(graph) => inlining.graph(graph, 0),
        None => Ok(()),
    }
}

type Functions<'f> = HashMap<(&'f str, &'f str), &'f FunctionProto>;

fn id(function: &FunctionProto) -> (&str, &str) {
    (function.domain.as_deref().unwrap_or_default(), function.name.as_deref().unwrap_or_default())
}

fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx" | "ai.onnx.ml")
}

struct Inlining<'f> {
    functions: &'f Functions<'f>,
    /// Calls, and nodes that were copied.
    copies: Copies,
}

impl Inlining<'_> {
    fn graph(&mut self, graph: &mut GraphProto, depth: usize) -> Result<(), LoadError> {
        let nodes = std::mem::take(&mut graph.node);
        for node in nodes {
            self.node(node, &mut graph.node, depth)?;
        }
        Ok(())
    }

    fn node(&mut self, mut node: NodeProto, into: &mut Vec<NodeProto>, depth: usize) -> Result<(), LoadError> {
        /// As deep as functions call each other.
        const DEPTH: usize = 32;
        for attribute in &mut node.attribute {
            for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
                self.graph(graph, depth)?;
            }
        }
        if !self.copies.add(1, 0) {
            return Err(LoadError::Function { name: node.op_type, problem: "becomes too many nodes" });
        }
        let function = self.functions.get(&(node.domain.as_str(), node.op_type.as_str())).copied();
        let Some(function) = function.filter(|_| !is_onnx(&node.domain)) else {
            into.push(node);
            return Ok(());
        };
        if depth >= DEPTH {
            return Err(LoadError::Function { name: node.op_type, problem: "calls itself" });
        }
        let call = Call { node: &node, prefix: format!("{}/{}/", node.op_type, self.copies.nodes()), function };
        for inner in &function.node {
            self.copies.add(0, bytes(inner).saturating_add(call.prefix.len()));
            let inner = call.node(inner);
            self.node(inner, into, depth.saturating_add(1))?;
        }
        Ok(())
    }
}

/// A node that calls a function.
struct Call<'f> {
    node: &'f NodeProto,
    prefix: String,
    function: &'f FunctionProto,
}

impl Call<'_> {
    /// A node of the function's body, as it is where it is called.
    fn node(&self, inner: &NodeProto) -> NodeProto {
        let mut node = inner.clone();
        node.name = format!("{}{}", self.prefix, name_of(inner));
        renamed(&mut node, &|name| self.name(name));
        self.settle(&mut node);
        node
    }

    /// Gives a node, and those of its bodies, the attributes that the call has.
    fn settle(&self, node: &mut NodeProto) {
        let attributes = std::mem::take(&mut node.attribute);
        node.attribute = attributes.into_iter().filter_map(|attribute| self.attribute(attribute)).collect();
    }

    /// The name that a value of the body has outside of it.
    fn name(&self, inner: &str) -> String {
        if inner.is_empty() {
            return String::new();
        }
        let place = |names: &[String]| names.iter().position(|name| name == inner);
        // An input that the call leaves out is left out in the body, too.
        if let Some(at) = place(&self.function.input) {
            return self.node.input.get(at).cloned().unwrap_or_default();
        }
        let outside = place(&self.function.output).and_then(|at| self.node.output.get(at));
        outside.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| format!("{}{inner}", self.prefix))
    }

    /// An attribute with the value that the call gives it; `None` if it gives none.
    fn attribute(&self, mut attribute: AttributeProto) -> Option<AttributeProto> {
        if !attribute.ref_attr_name.is_empty() {
            let given = self.node.attribute.iter().find(|given| given.name == attribute.ref_attr_name)?;
            return Some(AttributeProto { name: attribute.name, ..given.clone() });
        }
        for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
            graph.node.iter_mut().for_each(|node| self.settle(node));
        }
        Some(attribute)
    }
}
