//! The engine's module: an instance of it for each model.

use std::rc::Rc;

use js_sys::{ArrayBuffer, Reflect};
use wasm_bindgen::prelude::*;

use super::platform::{MODELS, Workers};
use crate::platform::{Death, Engines, File, Instance, StoreError};

#[wasm_bindgen(module = "/src/shell/engine.js")]
extern "C" {
    #[derive(Debug)]
    type EngineInstance;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<EngineInstance, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn load(this: &EngineInstance, file: &ArrayBuffer, asked: &[u8], most: usize) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn run(this: &EngineInstance, rows: &[u8], most: usize) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method)]
    fn bytes(this: &EngineInstance) -> usize;

    #[wasm_bindgen(catch)]
    async fn read_model(namespace: &JsValue, key: &str) -> Result<JsValue, JsValue>;
}

/// A file in JavaScript's memory.
#[derive(Debug)]
pub(super) struct Buffer(ArrayBuffer);

impl File for Buffer {
    fn bytes(&self) -> usize {
        usize::try_from(self.0.byte_length()).unwrap_or(usize::MAX)
    }
}

impl Engines for Workers {
    type File = Buffer;

    async fn read_model(&self, key: &str) -> Result<Option<Buffer>, StoreError> {
        let failed = |error: JsValue| StoreError(worker::Error::from(error).to_string());
        let namespace = Reflect::get(self.env(), &JsValue::from(MODELS)).map_err(failed)?;
        if !namespace.is_object() {
            return Err(StoreError(format!("there is no KV namespace bound as {MODELS}")));
        }
        Ok(read_model(&namespace, key).await.map_err(failed)?.dyn_into().ok().map(Buffer))
    }

    fn load(&self, file: Buffer, asked: &[u8], most_bytes: usize) -> Result<(Rc<dyn Instance>, Vec<u8>), Death> {
        let instance = EngineInstance::new().map_err(ended)?;
        let said = instance.load(&file.0, asked, most_bytes).map_err(ended)?;
        Ok((Rc::new(instance), said))
    }
}

impl Instance for EngineInstance {
    fn run(&self, rows: &[u8], most_bytes: usize) -> Result<Vec<u8>, Death> {
        self.run(rows, most_bytes).map_err(ended)
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }
}

fn ended(words: JsValue) -> Death {
    Death(words.as_string().unwrap_or_else(|| worker::Error::from(words).to_string()))
}
