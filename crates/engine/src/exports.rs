//! What JavaScript calls. There are no imports.
//!
//! A message is put into [`room`], then [`load`] or [`run`] is called. It gives the place of two numbers of 32 bits: where its
//! answer is, and how many bytes that has. Behind the answer proper stands, in 32 bits, how many bytes the memory has by then; all is
//! empty if the message was broken. It stays until the next call. Whatever ends the instance leaves its reason to [`last_words`].
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

use turnout_tables::message::OUT_OF_MEMORY;

use crate::{Broken, Engine, memory};

/// What one instance holds.
#[derive(Default)]
struct Instance {
    engine: Engine,
    message: Vec<u8>,
    answer: Vec<u8>,
    told: Told,
}

/// What is told of an answer.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Told {
    place: u32,
    bytes: u32,
}

/// More than this is not kept for the next message.
const MOST_KEPT: usize = 1 << 20;
/// How much of a reason is kept.
const MOST_WORDS: usize = 600;

thread_local! {
    static INSTANCE: RefCell<Instance> = RefCell::default();
    static LAST_WORDS: RefCell<(Vec<u8>, Told)> = RefCell::default();
}

/// Room for a message of so many bytes; `most` is how many the whole memory may have until the next.
#[unsafe(no_mangle)]
extern "C" fn room(bytes: usize, most: usize) -> *mut u8 {
    prepare();
    memory::bound(most);
    INSTANCE.with_borrow_mut(|instance| {
        let message = &mut instance.message;
        message.clear();
        message.reserve_exact(bytes);
        message.resize(bytes, 0);
        message.as_mut_ptr()
    })
}

/// Loads the file that the message begins with; its last `asked` bytes say how.
#[unsafe(no_mangle)]
extern "C" fn load(asked: usize) -> *const Told {
    answer(|Instance { engine, message, .. }| {
        let mut file = std::mem::take(message);
        let asked = file.split_off(file.len().checked_sub(asked).ok_or(Broken)?);
        engine.load(file, &asked)
    })
}

/// Runs the model on the rows in the message.
#[unsafe(no_mangle)]
extern "C" fn run() -> *const Told {
    answer(|Instance { engine, message, .. }| {
        let answer = engine.run(message);
        if message.capacity() > MOST_KEPT {
            *message = Vec::new();
        }
        answer
    })
}

/// Why the instance ended, told as [`load`] tells its answer. Where only V8 knows, it is no more than where it was, from a
/// comma on.
#[unsafe(no_mangle)]
extern "C" fn last_words() -> *const Told {
    LAST_WORDS.with_borrow_mut(|(words, told)| {
        if let Some(bytes) = memory::in_vain() {
            // There may be none left to write it.
            memory::bound(usize::MAX);
            *words =
                format!("{OUT_OF_MEMORY}: it has {} bytes, and {bytes} more were wanted{}", memory::size(), at_work())
                    .into();
        }
        if words.is_empty() {
            *words = at_work().into();
        }
        *told = Told::of(words);
        &raw const *told
    })
}

fn answer(work: impl FnOnce(&mut Instance) -> Result<Vec<u8>, Broken>) -> *const Told {
    INSTANCE.with_borrow_mut(|instance| {
        // Before the work, as it is memory for it.
        instance.answer = Vec::new();
        instance.answer = work(instance).map(with_size).unwrap_or_default();
        instance.told = Told::of(&instance.answer);
        &raw const instance.told
    })
}

fn with_size(mut answer: Vec<u8>) -> Vec<u8> {
    answer.reserve_exact(size_of::<u32>());
    answer.extend(u32::try_from(memory::size()).unwrap_or(u32::MAX).to_le_bytes());
    answer
}

impl Told {
    fn of(bytes: &[u8]) -> Told {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Told { place: number(bytes.as_ptr().addr()), bytes: number(bytes.len()) }
    }
}

/// Where it was, for the end of a sentence.
fn at_work() -> String {
    turnout_onnx::node_at_work().map(|node| format!(", at {node}")).unwrap_or_default()
}

/// Keeps the reason of a panic, which there is nobody to tell.
fn prepare() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        panic::set_hook(Box::new(|reason| {
            let said = reason.payload_as_str().unwrap_or("a panic without words");
            let place =
                reason.location().map(|at| (at.file().rsplit(['/', '\\']).next().unwrap_or_default(), at.line()));
            let (file, line) = place.unwrap_or_default();
            let words: String = format!("{said} ({file}:{line}){}", at_work()).chars().take(MOST_WORDS).collect();
            LAST_WORDS.with(|kept| {
                if let Ok(mut kept) = kept.try_borrow_mut() {
                    kept.0 = words.into_bytes();
                }
            });
        }));
    });
}
