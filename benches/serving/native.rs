//! Models by themselves, natively: `bench-native turnout|tract load|run MODEL ROWS TIMES` prints milliseconds a time, with
//! this project's operators, or with those that tract has itself.
#![allow(missing_docs, clippy::disallowed_methods)]

#[cfg(not(target_arch = "wasm32"))]
mod models;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::sync::Arc;

    use tract_onnx::prelude::*;
    use turnout::payload::{self, Format, Values};

    use super::models::{Loaded, Problem};

    /// tract alone, for models of one input of 64 numbers.
    fn tract(onnx: &[u8], body: &[u8]) -> Result<(Arc<TypedRunnableModel>, Tensor), Problem> {
        let table = payload::decode(Format::Json, body, turnout_onnx::Model::load(onnx)?.schema(), usize::MAX)?;
        let [Values::F32(values)] = table.inputs() else { return Err("takes no numbers".into()) };
        let shape = [table.rows(), 64];
        let mut model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
        let rows = model.symbols.sym("N").to_dim();
        model.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), tvec!(rows, 64.to_dim())))?;
        Ok((model.into_optimized()?.into_runnable()?, Tensor::from_shape(&shape, values)?))
    }

    fn timed(times: u32, mut work: impl FnMut() -> Result<(), Problem>) -> Result<(), Problem> {
        work()?;
        let began = std::time::Instant::now();
        (0..times).try_for_each(|_| work())?;
        println!("{}", 1000.0 * began.elapsed().as_secs_f64() / f64::from(times));
        Ok(())
    }

    pub fn main() -> Result<(), Problem> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [whose, action, model, rows, times] = arguments.as_slice() else {
            return Err("turnout|tract load|run MODEL ROWS TIMES".into());
        };
        let (onnx, body, times) = (std::fs::read(model)?, std::fs::read(rows)?, times.parse()?);
        match (whose.as_str(), action.as_str()) {
            ("turnout", "load") => timed(times, || Loaded::load(&onnx, &body, false).map(drop)),
            ("tract", "load") => timed(times, || tract(&onnx, &body).map(drop)),
            ("turnout", _) => {
                let loaded = Loaded::load(&onnx, &body, false)?;
                timed(times, || loaded.repeat(1))
            }
            _ => {
                let (model, input) = tract(&onnx, &body)?;
                timed(times, || Ok(model.run(tvec!(input.clone().into())).map(drop)?))
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> Result<(), models::Problem> {
    native::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}
