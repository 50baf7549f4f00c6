//! Constructors of static registries, in WebAssembly.
//!
//! tract's kernels register themselves in constructors, which something has to call. If nobody calls them by name, the
//! linker takes the module for a command, and has every single export run them all again: at each crossing from
//! JavaScript, dozens of times a request. Whatever is about to use tract calls [`run`] first.
#![allow(unsafe_code)]

use std::sync::Once;

unsafe extern "C" {
    /// Made by the linker.
    fn __wasm_call_ctors();
}

/// Runs them, the first time.
pub fn run() {
    static DONE: Once = Once::new();
    // SAFETY: it takes nothing and gives nothing, and is called once.
    DONE.call_once(|| unsafe { __wasm_call_ctors() });
}
