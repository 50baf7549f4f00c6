//! The shell: Workers' events, stores, fetch and sinks. It moves bytes and holds no decisions.

mod http;
mod platform;
mod settings;
mod sink;

use std::cell::OnceCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ::http::Method;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::Env;
use worker::worker_sys::{Context as Invocation, web_sys};

use crate::protocol::{self, MAX_BODY_BYTES};
use crate::service::{Answer, Isolate, Service};
use platform::Workers;
use sink::Sinks;

/// What is made once an isolate.
struct Kept {
    isolate: Isolate,
    sinks: Sinks,
}

thread_local! {
    static KEPT: OnceCell<&'static Kept> = const { OnceCell::new() };
}

/// What this isolate keeps, made at its first request. It lives as long as the isolate, so it is never freed.
fn kept(env: &Env) -> &'static Kept {
    let make = || Kept { isolate: Isolate::new(settings::read(env)), sinks: Sinks::new(env) };
    KEPT.with(|kept| *kept.get_or_init(|| Box::leak(Box::new(make()))))
}

/// The most bytes of body that [`answer`] takes at once.
#[wasm_bindgen]
pub fn max_body_bytes() -> usize {
    MAX_BODY_BYTES
}

/// Answers a request: with a response where nothing has to be waited for, else with a promise of one. `body` is left out
/// where it has to be read from `raw`.
#[wasm_bindgen]
pub fn answer(head: &str, body: Option<Vec<u8>>, raw: web_sys::Request, env: Env, context: Invocation) -> JsValue {
    let request = http::request(head);
    at_once(Box::pin(async move {
        // The page stands where SageMaker's control plane is posted to, so the platform leaves that path to us.
        if request.path == "/"
            && matches!(request.method, Method::GET | Method::HEAD)
            && let Ok(assets) = env.assets("ASSETS")
        {
            return http::page(&assets, raw).await;
        }
        let Kept { isolate, sinks } = kept(&env);
        let service = Service::new(Workers::new(env), isolate);
        let body = match body {
            Some(body) => Ok(body),
            None => http::body(raw).await,
        };
        let Answer { response, after } = protocol::answer(&service, request, body).await;
        let response = http::to_platform(&response);
        let finish = async move {
            if let Some(record) = service.finish(after).await {
                sinks.write(&record).await;
            }
            Ok(JsValue::UNDEFINED)
        };
        let finished = at_once(Box::pin(finish));
        if !finished.is_undefined() {
            // It goes on by itself as well, if the platform does not take it.
            let _ = context.wait_until(finished.unchecked_ref());
        }
        Ok(response)
    }))
}

type Work = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// What the work gives, if it never has to wait; else a promise of it. Nobody is woken after the first look: the task
/// behind the promise looks again at once, and all that is waited for wakes whoever looked last.
fn at_once(mut work: Work) -> JsValue {
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) => value,
        Poll::Ready(Err(error)) => Promise::reject(&error).into(),
        Poll::Pending => future_to_promise(work).into(),
    }
}
