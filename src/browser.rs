//! The page's core: the worker's assignment and statistics, run in the browser by the same code.
//!
//! Built without models and protocols: `cargo build --no-default-features --features browser`.

use serde_json::{Value, json};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::assignment::moved;
use crate::endpoint::{Endpoint, Weight, WeightChange};
use crate::statistics;

/// What an endpoint decides, shown without asking the worker. Made from the endpoint's description.
#[wasm_bindgen]
pub struct Preview {
    document: String,
    endpoint: Endpoint,
}

#[wasm_bindgen]
impl Preview {
    /// Reads a description, the body of `GET /endpoints/NAME`.
    ///
    /// # Errors
    /// If it is not one.
    #[wasm_bindgen(constructor)]
    pub fn new(description: &str) -> Result<Preview, JsError> {
        Preview::of_document(document(&serde_json::from_str(description)?))
    }

    fn of_document(document: String) -> Result<Preview, JsError> {
        let endpoint = Endpoint::parse(document.as_bytes())?;
        Ok(Preview { document, endpoint })
    }

    /// The variants' names, in order.
    pub fn variants(&self) -> Vec<String> {
        self.endpoint.known_names()
    }

    /// Their shares of the traffic, 0 to 1.
    pub fn shares(&self) -> Vec<f64> {
        self.endpoint.variants().iter().map(|variant| self.endpoint.share(variant)).collect()
    }

    /// Whether assignment is sticky.
    pub fn sticky(&self) -> bool {
        self.endpoint.stickiness().is_some()
    }

    /// The same endpoint with other weights, in the variants' order.
    ///
    /// # Errors
    /// If their number is another, or they are refused as weights.
    pub fn with_weights(&self, weights: &[f64]) -> Result<Preview, JsError> {
        let variants = self.endpoint.variants();
        if variants.len() != weights.len() {
            return Err(JsError::new(&format!("{} weights are given for {} variants", weights.len(), variants.len())));
        }
        let mut named = Vec::new();
        for (variant, weight) in variants.iter().zip(weights) {
            named.push((variant.name.clone(), Weight::try_from(*weight)?));
        }
        Preview::of_document(WeightChange::new(named)?.apply(self.document.as_bytes())?)
    }

    /// How many of `units` made-up units would move to another variant if this endpoint became `to`:
    /// `{units, moved, least, flows: [{from, to, units}]}`.
    ///
    /// # Errors
    /// If assignment is not sticky.
    pub fn moved(&self, to: &Preview, units: u32) -> Result<String, JsError> {
        let moved = moved(&self.endpoint, &to.endpoint, &self.stickiness()?.salt, units);
        Ok(serde_json::to_string(&moved)?)
    }

    fn stickiness(&self) -> Result<&crate::endpoint::Stickiness, JsError> {
        let missing = || JsError::new("the endpoint names no unit, so assignment is not sticky");
        self.endpoint.stickiness().ok_or_else(missing)
    }
}

/// The lowest and the highest count that a variant of that share should have, at whichever of many looks.
#[wasm_bindgen]
pub fn band(requests: u32, share: f64, confidence: f64) -> Vec<f64> {
    let (low, high) = statistics::acceptance_always(requests, share, confidence);
    vec![low.into(), high.into()]
}

/// A document that would have this description. It has what assignment depends on, and of an origin what is public.
fn document(description: &Value) -> String {
    let member = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
    let variants = member(description, "variants");
    let variants = variants.as_array().into_iter().flatten().map(|variant| {
        let backend = member(variant, "backend");
        let mut written = json!({ "name": member(variant, "name"), "weight": member(variant, "weight") });
        let (name, reference) = match backend.get("key") {
            Some(key) => ("model", json!({ "key": key, "sha256": member(&backend, "sha256") })),
            None => ("origin", json!({ "url": member(&backend, "origin") })),
        };
        if let Some(members) = written.as_object_mut() {
            members.insert(name.to_owned(), reference);
        }
        written
    });
    let mut document = json!({ "variants": variants.collect::<Value>() });
    if let (Some(members), Some(assignment)) = (document.as_object_mut(), description.get("assignment")) {
        // A description has no salt. Any will do for units that are made up.
        members.insert("assignment".to_owned(), json!({ "unit": member(assignment, "unit"), "salt": "preview" }));
    }
    document.to_string()
}
