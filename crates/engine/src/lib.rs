//! The engine behind flat bytes: one model, and messages to it.
//!
//! For WebAssembly this is a module of its own, without imports: the worker makes an instance of it for each model, so that a
//! panic, an endless recursion or a lack of memory ends that instance and nothing else. Natively it is the same, in process.
//! The messages are those of [`turnout_tables::message`].

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(target_arch = "wasm32")]
mod memory;

use sha2::{Digest, Sha256};
use turnout_onnx::Model;
use turnout_tables::message::{self, Broken, Load, LoadOutcome, Loaded};

/// What holds one model, once it has loaded one.
#[derive(Debug, Default)]
pub struct Engine {
    model: Option<Model>,
}

impl Engine {
    /// Loads a file as a message of [`Load`] asks, and answers with one of [`Loaded`].
    ///
    /// # Errors
    /// If the message is none.
    pub fn load(&mut self, file: Vec<u8>, asked: &[u8]) -> Result<Vec<u8>, Broken> {
        let Load { digest: wanted, options } = Load::read(asked)?;
        let digest: [u8; 32] = Sha256::digest(&file).into();
        let outcome = if wanted.is_some_and(|wanted| wanted != digest) {
            LoadOutcome::Other
        } else {
            match Model::load_with(file, &options) {
                Ok(model) => LoadOutcome::Ready(Box::new(self.model.insert(model).description().clone())),
                Err(problem) => LoadOutcome::Refused(problem.to_string()),
            }
        };
        Ok(Loaded { digest, outcome }.write())
    }

    /// Runs the model on the rows of a message, and answers with another.
    ///
    /// # Errors
    /// If the message is none, or there is no model.
    pub fn run(&self, rows: &[u8]) -> Result<Vec<u8>, Broken> {
        let model = self.model.as_ref().ok_or(Broken)?;
        let (table, output) = message::read_rows(rows, model.schema())?;
        let name = match output {
            Some(place) => Some(model.outputs().get(place).ok_or(Broken)?.name.as_str()),
            None => None,
        };
        Ok(message::write_answer(&model.run(&table, name), output))
    }
}
