//! Changes to models, field by field, as a stream of bytes chooses them: from a generator in a test, from a fuzzer that looks
//! at coverage in `fuzz`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "answer.rs"]
mod answer;

use std::path::Path;

use answer::answer;
use prost::Message;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, type_proto};
use turnout_onnx::Model;
use turnout_tables::{Limits, LoadOptions};

/// Choices, read from bytes. Behind the last all are 0.
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// One of so many.
    fn of(&mut self, count: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % count.max(1)
    }

    /// One of a list, if there is any.
    fn one<'l, T>(&mut self, list: &'l mut [T]) -> Option<&'l mut T> {
        if list.is_empty() {
            return None;
        }
        let at = self.of(list.len());
        list.get_mut(at)
    }

    fn integer(&mut self) -> i64 {
        const SPECIAL: [i64; 16] = [
            -1,
            0,
            1,
            2,
            3,
            -2,
            7,
            1 << 16,
            i32::MAX as i64,
            1 << 31,
            1 << 32,
            (1 << 32) + 1,
            i64::MAX,
            i64::MIN,
            -3,
            100,
        ];
        match self.byte() {
            at @ 0..=191 => SPECIAL[usize::from(at) % SPECIAL.len()],
            _ => i64::from(self.byte()) - 128,
        }
    }

    fn float(&mut self) -> f32 {
        const SPECIAL: [f32; 8] = [0.0, -0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, 1e30, -1e-30];
        SPECIAL[self.of(SPECIAL.len())]
    }
}

/// The models to begin with: those of the repository that are small.
pub fn seeds() -> Vec<ModelProto> {
    let tests =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join("tests/zoo").exists()).unwrap();
    let mut files = Vec::new();
    for folder in ["tests/zoo/models", "tests/cases", "tests/crashes"] {
        let folder = std::fs::read_dir(tests.join(folder)).unwrap().map(|file| file.unwrap().path());
        files.extend(folder.filter(|path| path.extension().is_some_and(|extension| extension == "onnx")));
    }
    files.sort();
    let read = files.iter().map(|path| std::fs::read(path).unwrap());
    read.filter(|file| file.len() < 12_000).filter_map(|file| ModelProto::decode(&*file).ok()).collect()
}

/// Changes a model in a few places.
pub fn mutate(model: &mut ModelProto, operators: &[String], choices: &mut Choices<'_>) {
    for _ in 0..=choices.of(4) {
        if choices.byte() < 8 && !model.opset_import.is_empty() {
            let at = choices.of(model.opset_import.len());
            model.opset_import[at].version = choices.integer();
        } else if let Some(graph) = &mut model.graph {
            mutate_graph(graph, operators, choices);
        }
    }
}

fn mutate_graph(graph: &mut GraphProto, operators: &[String], choices: &mut Choices<'_>) {
    match choices.of(8) {
        0 if !graph.initializer.is_empty() => {
            let at = choices.of(graph.initializer.len());
            mutate_tensor(&mut graph.initializer[at], choices);
        }
        1 if !graph.input.is_empty() => {
            let at = choices.of(graph.input.len());
            if let Some(type_proto::Value::TensorType(tensor)) =
                graph.input[at].r#type.as_mut().and_then(|of| of.value.as_mut())
            {
                match (choices.of(3), &mut tensor.shape) {
                    (0, _) => tensor.elem_type = choices.of(17) as i32,
                    (1, Some(shape)) if !shape.dim.is_empty() => {
                        let at = choices.of(shape.dim.len());
                        shape.dim[at].value = Some(Value::DimValue(choices.integer()));
                    }
                    (_, shape) => *shape = None,
                }
            }
        }
        2 if graph.node.len() > 1 => {
            let at = choices.of(graph.node.len());
            graph.node.remove(at);
        }
        _ if !graph.node.is_empty() => {
            let at = choices.of(graph.node.len());
            let node = &mut graph.node[at];
            match choices.of(8) {
                0 => node.op_type.clone_from(&operators[choices.of(operators.len())]),
                1 if !node.input.is_empty() => {
                    let at = choices.of(node.input.len());
                    node.input.remove(at);
                }
                2 if !node.input.is_empty() => {
                    let at = choices.of(node.input.len());
                    node.input.push(node.input[at].clone());
                }
                3 if node.input.len() > 1 => node.input.swap(0, 1),
                4 if !node.attribute.is_empty() => {
                    let at = choices.of(node.attribute.len());
                    node.attribute.remove(at);
                }
                _ if !node.attribute.is_empty() => {
                    let at = choices.of(node.attribute.len());
                    let attribute = &mut node.attribute[at];
                    attribute.i = choices.integer();
                    attribute.f = choices.float();
                    if let Some(number) = choices.one(&mut attribute.ints) {
                        *number = choices.integer();
                    }
                    if let Some(number) = choices.one(&mut attribute.floats) {
                        *number = choices.float();
                    }
                    if !attribute.strings.is_empty() {
                        attribute.strings.pop();
                    }
                    if let Some(tensor) = &mut attribute.t {
                        mutate_tensor(tensor, choices);
                    }
                    if let Some(graph) = &mut attribute.g {
                        mutate_graph(graph, operators, choices);
                    }
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn mutate_tensor(tensor: &mut TensorProto, choices: &mut Choices<'_>) {
    match choices.of(4) {
        0 if !tensor.dims.is_empty() => {
            let at = choices.of(tensor.dims.len());
            tensor.dims[at] = choices.integer();
        }
        1 => tensor.data_type = choices.of(17) as i32,
        2 if tensor.raw_data.len() >= 8 => {
            let at = choices.of(tensor.raw_data.len() / 8) * 8;
            tensor.raw_data[at..at + 8].copy_from_slice(&choices.integer().to_le_bytes());
        }
        _ => {
            if let Some(number) = choices.one(&mut tensor.int64_data) {
                *number = choices.integer();
            }
            if let Some(number) = choices.one(&mut tensor.float_data) {
                *number = choices.float();
            }
        }
    }
}

/// Loads a model and, where it can be loaded, runs it on a few rows. Whether it was loaded.
pub fn try_out(file: &[u8]) -> bool {
    // Small, so that many are tried.
    let limits = Limits { run_millions: 20, run_bytes: 4 << 20, ..Limits::default() };
    let Ok(model) = Model::load_with(file, &LoadOptions { limits, ..LoadOptions::default() }) else { return false };
    for value in [0.5, f64::NAN, f64::INFINITY, -1e12, 10.0] {
        for rows in [1, 3] {
            answer(&model, value, rows);
        }
    }
    true
}

/// The names of all operators in some models.
pub fn operators(models: &[ModelProto]) -> Vec<String> {
    let nodes = models.iter().filter_map(|model| model.graph.as_ref()).flat_map(|graph| &graph.node);
    let mut names: Vec<String> = nodes.map(|node| node.op_type.clone()).collect();
    names.sort();
    names.dedup();
    names
}
