//! The graph that comes out.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::attributes::{graphs, of_integer, of_integers, tensor};

/// A reduction of each row's value that has been written.
#[derive(Clone, Debug)]
pub struct Reduced {
    pub of: String,
    /// Of one row.
    pub axes: Vec<usize>,
    pub keeps: bool,
    /// How many values it puts together.
    pub count: usize,
}

/// A constant, as far as it matters.
#[derive(Clone, Debug)]
pub struct Fixed {
    pub shape: Vec<usize>,
    /// As ONNX numbers it.
    pub datum: i32,
}

/// The nodes that come out, and what is known of their constants.
#[derive(Debug)]
pub struct Made {
    /// Of operators.
    version: i64,
    nodes: Vec<NodeProto>,
    /// Theirs.
    names: HashSet<String>,
    constants: Vec<TensorProto>,
    /// Those that a body has.
    hoisted: HashSet<String>,
    fixed: HashMap<String, Fixed>,
    /// No name of the file begins with it.
    prefix: String,
    /// The names of what has been written, by what it is: twice the same is once.
    known: HashMap<String, String>,
    sums: HashMap<String, Reduced>,
}

impl Made {
    pub fn new(graph: &GraphProto, version: i64) -> Self {
        let mut prefix = "rows/".to_owned();
        while names_any(graph, &|name| name.starts_with(&prefix)) {
            prefix.insert(0, '\'');
        }
        Made {
            version,
            nodes: Vec::new(),
            names: HashSet::new(),
            constants: Vec::new(),
            hoisted: HashSet::new(),
            fixed: HashMap::new(),
            prefix,
            known: HashMap::new(),
            sums: HashMap::new(),
        }
    }

    /// A node of the file's, by a name that no other has.
    pub fn push(&mut self, mut node: NodeProto) {
        if !self.names.insert(node.name.clone()) {
            node.name = format!("{}{}/{}", self.prefix, self.nodes.len(), node.name);
            self.names.insert(node.name.clone());
        }
        self.nodes.push(node);
    }

    /// The same value by another name.
    pub fn identity(&mut self, from: &str, to: &str) {
        self.push(NodeProto {
            op_type: "Identity".to_owned(),
            name: format!("{}{to}", self.prefix),
            input: vec![from.to_owned()],
            output: vec![to.to_owned()],
            ..NodeProto::default()
        });
    }

    /// Notes what a node is, where that is a constant.
    pub fn read(&mut self, node: &NodeProto) {
        let Some(name) = node.output.first().filter(|_| node.op_type == "Constant") else { return };
        let fixed = match tensor(node, "value") {
            Some(tensor) => shape_of(tensor).map(|shape| Fixed { shape, datum: tensor.data_type }),
            None => node.attribute.first().and_then(|attribute| {
                Some(match attribute.name.as_str() {
                    "value_float" => Fixed { shape: Vec::new(), datum: DataType::Float as i32 },
                    "value_floats" => Fixed { shape: vec![attribute.floats.len()], datum: DataType::Float as i32 },
                    "value_int" => Fixed { shape: Vec::new(), datum: DataType::Int64 as i32 },
                    "value_ints" => Fixed { shape: vec![attribute.ints.len()], datum: DataType::Int64 as i32 },
                    _ => return None,
                })
            }),
        };
        fixed.into_iter().for_each(|fixed| {
            self.fixed.insert(name.clone(), fixed);
        });
    }

    /// Notes a constant.
    pub fn know(&mut self, constant: &TensorProto) {
        if let Some(shape) = shape_of(constant) {
            self.fixed.insert(constant.name.clone(), Fixed { shape, datum: constant.data_type });
        }
    }

    /// A constant of a body is one of the graph.
    pub fn hoist(&mut self, constant: &TensorProto) {
        if self.hoisted.insert(constant.name.clone()) {
            self.constants.push(constant.clone());
        }
    }

    /// What is made of constants alone is one.
    pub fn fix(&mut self, name: &str, fixed: Fixed) {
        self.fixed.insert(name.to_owned(), fixed);
    }

    pub fn fixed(&self, name: &str) -> Option<&Fixed> {
        self.fixed.get(name)
    }

    /// The output of such a node, written once.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let what = format!("{operator} {inputs:?} {attributes:?}");
        if let Some(name) = self.known.get(&what) {
            return name.clone();
        }
        let name = format!("{}{}", self.prefix, self.known.len());
        self.push(NodeProto {
            op_type: operator.to_owned(),
            name: name.clone(),
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![name.clone()],
            attribute: attributes,
            ..NodeProto::default()
        });
        self.known.insert(what, name.clone());
        name
    }

    /// A constant, written once.
    fn constant(&mut self, what: String, constant: TensorProto) -> String {
        if let Some(name) = self.known.get(&what) {
            return name.clone();
        }
        let name = format!("{}{}", self.prefix, self.known.len());
        self.constants.push(TensorProto { name: name.clone(), ..constant });
        self.known.insert(what, name.clone());
        name
    }

    /// A list of integers, or one by itself.
    pub fn integers(&mut self, values: &[i64], is_list: bool) -> String {
        let dims = if is_list { i64::try_from(values.len()).into_iter().collect() } else { Vec::new() };
        let (int64_data, data_type) = (values.to_vec(), DataType::Int64 as i32);
        let constant = TensorProto { dims, data_type, int64_data, ..TensorProto::default() };
        self.constant(format!("{values:?} {is_list}"), constant)
    }

    /// A number of 32-bit floating point.
    pub fn real(&mut self, value: f32) -> String {
        let (data_type, float_data) = (DataType::Float as i32, vec![value]);
        self.constant(format!("{value}"), TensorProto { data_type, float_data, ..TensorProto::default() })
    }

    /// What is true.
    pub fn truth(&mut self) -> String {
        let (data_type, int32_data) = (DataType::Bool as i32, vec![1]);
        self.constant("true".to_owned(), TensorProto { data_type, int32_data, ..TensorProto::default() })
    }

    /// A node over axes, which are its second input from that version of operators on, and an attribute before.
    fn over_axes(
        &mut self,
        operator: &str,
        of: &str,
        axes: &[i64],
        since: i64,
        mut attributes: Vec<AttributeProto>,
    ) -> String {
        if self.version >= since {
            let axes = self.integers(axes, true);
            return self.node(operator, &[of, &axes], attributes);
        }
        attributes.push(of_integers("axes", axes));
        self.node(operator, &[of], attributes)
    }

    /// All rows' values without the second of their dimensions, which is 1.
    pub fn squeeze(&mut self, of: &str) -> String {
        self.over_axes("Squeeze", of, &[1], 13, Vec::new())
    }

    pub fn unsqueeze(&mut self, of: &str, axes: &[i64]) -> String {
        self.over_axes("Unsqueeze", of, axes, 13, Vec::new())
    }

    /// A reduction of each row's value.
    pub fn reduce(&mut self, operator: &str, reduced: Reduced) -> String {
        let axes = reduced.axes.iter().filter_map(|axis| i64::try_from(axis.checked_add(1)?).ok());
        let axes: Vec<i64> = axes.collect();
        let since = if operator == "ReduceSum" { 13 } else { 18 };
        let keeps = of_integer("keepdims", reduced.keeps.into());
        let name = self.over_axes(operator, &reduced.of, &axes, since, vec![keeps]);
        if operator == "ReduceSum" {
            self.sums.insert(name.clone(), reduced);
        }
        name
    }

    /// What a value is the sum of.
    pub fn summed(&self, name: &str) -> Option<&Reduced> {
        self.sums.get(name)
    }

    /// A name for one of a body's own in that turn.
    pub fn name_in(&self, of: &str, turn: i64, name: &str) -> String {
        format!("{}{of}/{turn}/{name}", self.prefix)
    }

    /// Puts what is needed for the outputs into the graph.
    pub fn put(self, graph: &mut GraphProto) {
        let mut needed: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
        let mut nodes = Vec::new();
        for node in self.nodes.into_iter().rev() {
            if node.output.iter().any(|output| needed.contains(output)) {
                names_of(&node, &mut needed);
                nodes.push(node);
            }
        }
        nodes.reverse();
        graph.node = nodes;
        graph.initializer.extend(self.constants.into_iter().filter(|constant| needed.contains(&constant.name)));
    }
}

/// All names that a node takes, and those that stand in its bodies.
fn names_of(node: &NodeProto, into: &mut HashSet<String>) {
    into.extend(node.input.iter().cloned());
    for graph in graphs(node) {
        into.extend(graph.output.iter().map(|output| output.name.clone()));
        graph.node.iter().for_each(|node| names_of(node, into));
    }
}

/// Whether there is such a name anywhere in a graph.
fn names_any(graph: &GraphProto, is_it: &dyn Fn(&str) -> bool) -> bool {
    let constants = graph.initializer.iter().map(|constant| constant.name.as_str());
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let nodes = graph.node.iter();
    let mut names =
        constants
            .chain(inputs)
            .chain(nodes.flat_map(|node| {
                node.output.iter().chain(&node.input).map(String::as_str).chain([node.name.as_str()])
            }));
    names.any(is_it) || graph.node.iter().flat_map(graphs).any(|graph| names_any(graph, is_it))
}

/// The sizes of a constant; `None` if they are none.
pub fn shape_of(tensor: &TensorProto) -> Option<Vec<usize>> {
    tensor.dims.iter().map(|size| usize::try_from(*size).ok()).collect()
}
