//! The experiments as Durable Objects: the class in entry.js holds the storage, and asks what is here.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::Env;

use super::platform::Workers;
use crate::endpoint::Name;
use crate::experiment::{Command, Controller, ExperimentError, Later, endpoint_of};
use crate::platform::{Cell, Database, DatabaseError};

#[wasm_bindgen(module = "/src/shell/database.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn execute(storage: &JsValue, sql: &str, parameters: &str) -> Result<String, JsValue>;

    #[wasm_bindgen(catch)]
    fn atomically(storage: &JsValue, work: &mut dyn FnMut() -> bool) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn size(storage: &JsValue) -> Result<f64, JsValue>;
}

/// The storage of a Durable Object.
struct Storage(JsValue);

fn failed(error: JsValue) -> DatabaseError {
    DatabaseError(worker::Error::from(error).to_string())
}

impl Database for Storage {
    fn execute(&self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>, DatabaseError> {
        let not_json = |error: serde_json::Error| DatabaseError(error.to_string());
        let rows = execute(&self.0, sql, &serde_json::to_string(parameters).map_err(not_json)?).map_err(failed)?;
        serde_json::from_str(&rows).map_err(not_json)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        let mut done = Ok(());
        atomically(&self.0, &mut || {
            done = work();
            done.is_ok()
        })
        .map_err(failed)?;
        done
    }

    fn bytes(&self) -> Result<u64, DatabaseError> {
        // A size is no fraction, and below 2^53.
        Ok(size(&self.0).map_err(failed)?.max(0.0) as u64)
    }
}

/// Answers a question, as JSON; and tells whether the store has to be told of the endpoint's document, and when there is
/// something to be done next, in milliseconds since the Unix epoch.
#[wasm_bindgen]
pub fn ask_experiment(storage: JsValue, env: Env, name: String, question: String) -> Promise {
    future_to_promise(async move {
        let storage = Storage(storage);
        let name = Name::try_from(name.as_str()).map_err(|error| told(&error))?;
        let command: Command =
            serde_json::from_str(&question).map_err(|error| told(&ExperimentError::Version(error.to_string())))?;
        let controller = controller(env, &storage, &name).map_err(|error| told(&error))?;
        let answer = controller.ask(command).await.map_err(|error| told(&error))?;
        let answer = serde_json::to_string(&answer).map_err(|error| told(&error))?;
        let pending = controller.has_to_publish().map_err(|error| told(&error))?;
        let wake_ms = controller.wake_ms().map_err(|error| told(&error))?;
        Ok(Array::of3(&answer.into(), &pending.into(), &wake_ms.into()).into())
    })
}

/// Tells the store what it does not have yet; `true` where it has all of it. Not to be called while another call lasts.
#[wasm_bindgen]
pub fn publish_experiment(storage: JsValue, env: Env) -> Promise {
    future_to_promise(async move {
        let storage = Storage(storage);
        let Some(name) = endpoint_of(&storage).map_err(|error| told(&error))? else { return Ok(true.into()) };
        let controller = controller(env, &storage, &name).map_err(|error| told(&error))?;
        Ok(controller.publish().await.map_err(|error| told(&error))?.into())
    })
}

/// Tells who is to be told what the endpoint's policy did; when there is something to be done next, in milliseconds since the
/// Unix epoch. Not to be called while another call lasts.
#[wasm_bindgen]
pub fn tell_of_experiment(storage: JsValue, env: Env) -> Promise {
    future_to_promise(async move {
        let storage = Storage(storage);
        let Some(name) = endpoint_of(&storage).map_err(|error| told(&error))? else { return Ok(JsValue::UNDEFINED) };
        let controller = controller(env, &storage, &name).map_err(|error| told(&error))?;
        controller.tell().await.map_err(|error| told(&error))?;
        Ok(controller.wake_ms().map_err(|error| told(&error))?.into())
    })
}

/// Does what is to be done by now; when that is again, in milliseconds since the Unix epoch, or `undefined` where nothing is
/// left of the experiment.
#[wasm_bindgen]
pub fn wake_experiment(storage: JsValue, env: Env) -> Promise {
    future_to_promise(async move {
        let storage = Storage(storage);
        let Some(name) = endpoint_of(&storage).map_err(|error| told(&error))? else { return Ok(JsValue::UNDEFINED) };
        let controller = controller(env, &storage, &name).map_err(|error| told(&error))?;
        match controller.wake().await.map_err(|error| told(&error))? {
            Later::WakeAt(ms) => Ok(ms.into()),
            Later::Drop => Ok(JsValue::UNDEFINED),
        }
    })
}

fn controller<'a>(
    env: Env,
    storage: &'a Storage,
    name: &'a Name,
) -> Result<Controller<'a, Workers, Storage>, DatabaseError> {
    let terms = super::per_isolate(&env).terms;
    Controller::new(Workers::new(env, false), storage, name, terms)
}

fn told(error: &impl std::fmt::Display) -> JsValue {
    JsError::new(&error.to_string()).into()
}
