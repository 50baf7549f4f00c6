//! Loads and runs models that are changed field by field, as libFuzzer has them changed to reach more of the code. It ends at
//! the first panic of this project's own code, at too much memory, and at what takes too long. A panic in tract, which in
//! WebAssembly ends an instance of the engine alone, is told once by its place.
#![no_main]

#[path = "../../tests/mutants/mutate.rs"]
mod mutate;

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use mutate::{Choices, mutate, operators, seeds, try_out};
use prost::Message;
use tract_onnx::pb::ModelProto;

static SEEDS: LazyLock<(Vec<ModelProto>, Vec<String>)> = LazyLock::new(|| {
    panic::set_hook(Box::new(|reason| {
        let place = reason.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        if !place.contains("/registry/") && !place.contains("/rustc/") {
            eprintln!("a panic of our own at {place}: {reason}");
            std::process::abort();
        }
        static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        if TOLD.lock().is_ok_and(|mut told| told.insert(place.clone())) {
            eprintln!("a panic in a dependency at {place}");
        }
    }));
    let seeds = seeds();
    let operators = operators(&seeds);
    (seeds, operators)
});

fuzz_target!(|bytes: &[u8]| {
    let (seeds, operators) = &*SEEDS;
    let Some((first, choices)) = bytes.split_first_chunk::<2>() else { return };
    let Some(seed) = seeds.get(usize::from(u16::from_le_bytes(*first)) % seeds.len()) else { return };
    let mut model = seed.clone();
    mutate(&mut model, operators, &mut Choices(choices));
    let file = model.encode_to_vec();
    let _ = panic::catch_unwind(AssertUnwindSafe(|| try_out(&file)));
});
