//! Files, as the platform has them: natively, or in WebAssembly under Node.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::*;

#[cfg(not(target_arch = "wasm32"))]
pub fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[cfg(not(target_arch = "wasm32"))]
pub fn names(folder: &str) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen(module = "node:fs")]
extern "C" {
    #[wasm_bindgen(js_name = readFileSync)]
    pub fn read(path: &str) -> Vec<u8>;

    #[wasm_bindgen(js_name = readdirSync)]
    pub fn names(folder: &str) -> Vec<String>;
}
