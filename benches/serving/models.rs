//! Models by themselves, many times over: in workerd by `workers/models.js`, natively by `native.rs`.
#![allow(missing_docs)]

use turnout::payload::{self, Format, Table};
use turnout_onnx::Model;

pub type Problem = Box<dyn std::error::Error>;

/// A model, and rows for it.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
pub struct Loaded {
    model: Model,
    table: Table,
}

impl Loaded {
    pub fn load(onnx: &[u8], body: &[u8], in_tract: bool) -> Result<Loaded, Problem> {
        let model = if in_tract { Model::load_in_tract(onnx)? } else { Model::load(onnx)? };
        let table = payload::decode(Format::Json, body, model.schema(), usize::MAX)?;
        Ok(Loaded { model, table })
    }

    pub fn repeat(&self, times: usize) -> Result<(), Problem> {
        (0..times).try_for_each(|_| self.model.run(&self.table, None).map(drop).map_err(Problem::from))
    }
}

#[cfg(target_arch = "wasm32")]
mod worker {
    use wasm_bindgen::prelude::*;

    use super::Loaded;

    #[wasm_bindgen]
    impl Loaded {
        #[wasm_bindgen(constructor)]
        pub fn new(onnx: &[u8], body: &[u8], in_tract: bool) -> Result<Loaded, JsError> {
            Loaded::load(onnx, body, in_tract).map_err(|problem| JsError::new(&problem.to_string()))
        }

        pub fn run(&self, times: usize) -> Result<(), JsError> {
            self.repeat(times).map_err(|problem| JsError::new(&problem.to_string()))
        }
    }
}
