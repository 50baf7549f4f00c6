//! The engine's module: an instance of it for each model.

use std::cell::{Cell, RefCell};
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
    fn new(engine: &JsValue) -> Result<EngineInstance, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn load(this: &EngineInstance, file: &ArrayBuffer, asked: &[u8], most: usize) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn run(this: &EngineInstance, rows: &[u8], most: usize) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(catch)]
    async fn read_model(namespace: &JsValue, key: &str) -> Result<JsValue, JsValue>;
}

thread_local! {
    static ENGINE: RefCell<JsValue> = const { RefCell::new(JsValue::UNDEFINED) };
}

/// Gives the engine's compiled module, which only the entry can import.
#[wasm_bindgen]
pub fn use_engine(engine: JsValue) {
    ENGINE.set(engine);
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

    fn load(&self, file: &Buffer, asked: &[u8], most_bytes: usize) -> Result<(Rc<dyn Instance>, Vec<u8>), Death> {
        let handle = ENGINE.with_borrow(EngineInstance::new).map_err(ended)?;
        let (said, bytes) = said(handle.load(&file.0, asked, most_bytes))?;
        Ok((Rc::new(Running { handle, bytes: Cell::new(bytes) }), said))
    }
}

/// An instance, and how many bytes its memory had when it last said something.
#[derive(Debug)]
struct Running {
    handle: EngineInstance,
    bytes: Cell<usize>,
}

impl Instance for Running {
    fn run(&self, rows: &[u8], most_bytes: usize) -> Result<Vec<u8>, Death> {
        let (said, bytes) = said(self.handle.run(rows, most_bytes))?;
        self.bytes.set(bytes);
        Ok(said)
    }

    fn bytes(&self) -> usize {
        self.bytes.get()
    }
}

/// What an instance said, and, from the end of it, how many bytes its memory has: asking that would be a crossing more.
fn said(answer: Result<Vec<u8>, JsValue>) -> Result<(Vec<u8>, usize), Death> {
    let mut answer = answer.map_err(ended)?;
    let bytes = answer.last_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let bytes = bytes.ok_or_else(|| Death("it was told something that it does not understand".to_owned()))?;
    answer.truncate(answer.len().saturating_sub(size_of::<u32>()));
    Ok((answer, bytes))
}

fn ended(words: JsValue) -> Death {
    Death(words.as_string().unwrap_or_else(|| worker::Error::from(words).to_string()))
}
