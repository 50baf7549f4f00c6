//! What runs a model: the interpreter where all of it is known there, else tract.

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use turnout_tables::Limits;

use crate::error::{LoadError, describe};
use crate::inputs::Declared;
use crate::interpreter::Interpreter;
use crate::plan::Plan;
use crate::signature::{Batch, Signature};
use crate::{bytes, work};

/// What runs a model.
#[derive(Debug)]
pub enum Engine {
    /// Where all of it is known there.
    Interpreter(Interpreter),
    /// tract.
    Plan(Plan),
}

/// One way to prepare a model for that many rows.
pub type Prepare = fn(&ModelProto, &[Declared], Batch, &Limits) -> Result<Engine, LoadError>;

/// Prepares it for the interpreter.
///
/// # Errors
/// If there is something in it that only tract knows, or nobody.
pub fn interpreter(
    model: &ModelProto,
    inputs: &[Declared],
    batch: Batch,
    limits: &Limits,
) -> Result<Engine, LoadError> {
    let symbols = SymbolScope::default();
    let interpreter = Interpreter::load(model, &signatures(inputs, batch, &symbols.sym("N")));
    let interpreter = interpreter.map_err(|error| LoadError::Unusable(describe(&error)))?;
    work::check(interpreter.work(), limits)?;
    Ok(Engine::Interpreter(interpreter))
}

/// Plans it by tract.
///
/// # Errors
/// If tract does not take it, or not for any number of rows.
pub fn plan(model: &ModelProto, inputs: &[Declared], batch: Batch, limits: &Limits) -> Result<Engine, LoadError> {
    let symbols = SymbolScope::default();
    let rows = symbols.sym("N");
    Plan::load(model, &signatures(inputs, batch, &rows), &rows, limits).map(Engine::Plan)
}

fn signatures(inputs: &[Declared], batch: Batch, rows: &Symbol) -> Vec<(String, Signature)> {
    let size = match batch {
        Batch::Any => rows.to_dim(),
        Batch::Of(rows) => rows.to_dim(),
    };
    inputs.iter().map(|declared| (declared.input.name.clone(), declared.signature(size.clone()))).collect()
}

impl Engine {
    /// The signatures of the outputs, in the model's order.
    pub fn outputs(&self) -> &[Signature] {
        match self {
            Engine::Interpreter(interpreter) => interpreter.outputs(),
            Engine::Plan(plan) => plan.outputs(),
        }
    }

    /// The signatures of all values that a run may hold at once.
    pub fn values(&self) -> &[Signature] {
        match self {
            Engine::Interpreter(interpreter) => interpreter.values(),
            Engine::Plan(plan) => plan.values(),
        }
    }

    /// Whether no size of a value is of parts of rows, as a `Reshape` to `[-1, 6]` of rows of three numbers makes it.
    pub fn keeps_rows_whole(&self) -> bool {
        self.values().iter().flat_map(|value| &value.shape).all(bytes::grows_by_rows)
    }

    /// Bytes of the values that a run of one row holds at once.
    pub fn peak(&self) -> u64 {
        match self {
            Engine::Interpreter(interpreter) => interpreter.values().iter().map(bytes::of).fold(0, u64::saturating_add),
            Engine::Plan(plan) => plan.peak(),
        }
    }

    /// About how many bytes of values a run should hold.
    pub fn run_bytes(&self) -> usize {
        match self {
            Engine::Interpreter(_) => Interpreter::RUN_BYTES,
            Engine::Plan(_) => Plan::RUN_BYTES,
        }
    }

    /// Runs the model on its inputs, in its order.
    ///
    /// # Errors
    /// If an operator refuses a value.
    pub fn run(&self, inputs: Vec<Tensor>) -> TractResult<Vec<Tensor>> {
        match self {
            Engine::Interpreter(interpreter) => interpreter.run(inputs),
            Engine::Plan(plan) => plan.run(inputs),
        }
    }
}
