//! The Rust side of the benchmark: the model as this project loads it, and as tract does by itself.
#![allow(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod worker {
    use std::sync::Arc;

    use tract_onnx::prelude::*;
    use turnout::payload::{Table, Values};
    use turnout_onnx::Model;
    use wasm_bindgen::prelude::*;

    /// The whole way of a prediction, but for the decoding of the body.
    #[wasm_bindgen]
    pub struct Turnout(Model);

    #[wasm_bindgen]
    impl Turnout {
        #[wasm_bindgen(constructor)]
        pub fn new(onnx: &[u8]) -> Result<Turnout, JsError> {
            Ok(Turnout(Model::load(onnx)?))
        }

        /// The probabilities of some rows.
        pub fn run(&self, rows: usize, values: Vec<f32>) -> Result<Vec<f32>, JsError> {
            let table = Table::new(self.0.schema(), rows, vec![Values::F32(values)]);
            let table = table.ok_or_else(|| JsError::new("rows of another width"))?;
            let outputs = self.0.run(&table, Some("probabilities"))?;
            match outputs.outputs() {
                [output] => match &output.values {
                    Values::F32(values) => Ok(values.clone()),
                    _ => Err(JsError::new("no numbers")),
                },
                _ => Err(JsError::new("more outputs than one")),
            }
        }
    }

    /// tract, with the operators that it has itself.
    #[wasm_bindgen]
    pub struct Tract(Arc<TypedRunnableModel>, usize);

    #[wasm_bindgen]
    impl Tract {
        #[wasm_bindgen(constructor)]
        pub fn new(onnx: &[u8], width: usize) -> Result<Tract, JsError> {
            turnout_onnx::constructors::run();
            let load = || {
                let mut model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
                let rows = model.symbols.sym("N").to_dim();
                model.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), tvec!(rows, width.to_dim())))?;
                model.into_optimized()?.into_runnable()
            };
            load().map(|model| Tract(model, width)).map_err(|error| JsError::new(&error.to_string()))
        }

        pub fn run(&self, rows: usize, values: Vec<f32>) -> Result<Vec<f32>, JsError> {
            let run = || -> TractResult<Vec<f32>> {
                let input = Tensor::from_shape(&[rows, self.1], &values)?;
                let outputs = self.0.run(tvec!(input.into()))?;
                let probabilities = outputs.last().ok_or_else(|| TractError::msg("no outputs"))?;
                Ok(probabilities.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
            };
            run().map_err(|error| JsError::new(&error.to_string()))
        }
    }
}
