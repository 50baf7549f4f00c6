//! The shell: Workers' events, stores, fetch and sinks. It moves bytes and holds no decisions.

mod engine;
mod http;
mod object;
mod objects;
mod platform;
mod settings;
mod sink;

use std::cell::OnceCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use ::http::Method;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::Env;
use worker::worker_sys::{Context as Invocation, web_sys};

use crate::experiment::Terms;
use crate::isolate::Isolate;
use crate::protocol::{self, Answer};
use crate::request::{MAX_BODY_BYTES, RequestError};
use crate::service::Service;
use platform::Workers;
use sink::Sinks;

/// What is made once an isolate.
struct PerIsolate {
    isolate: Isolate,
    sinks: Sinks,
    has_experiments: bool,
    /// For the experiments that live in this isolate.
    terms: Terms,
}

thread_local! {
    static PER_ISOLATE: OnceCell<&'static PerIsolate> = const { OnceCell::new() };
}

/// What this isolate keeps, made at its first request. It lives as long as the isolate, so it is never freed.
fn per_isolate(env: &Env) -> &'static PerIsolate {
    let make = || PerIsolate {
        isolate: Isolate::new(settings::read(env)),
        sinks: Sinks::new(env),
        has_experiments: platform::has_experiments(env),
        terms: settings::terms(env),
    };
    PER_ISOLATE.with(|kept| *kept.get_or_init(|| Box::leak(Box::new(make()))))
}

/// The most bytes of body that [`answer`] takes at once.
#[wasm_bindgen]
pub fn max_body_bytes() -> usize {
    MAX_BODY_BYTES
}

/// Answers a request: with a response where nothing has to be waited for, else with a promise of one. `body` is left out
/// where it is too large or, as `broken` says, did not arrive, or there was `no_room` for it.
#[wasm_bindgen]
pub fn answer(
    head: &str,
    body: Option<Vec<u8>>,
    broken: Option<String>,
    no_room: bool,
    raw: web_sys::Request,
    env: Env,
    context: Invocation,
) -> JsValue {
    let request = http::request(head);
    let body = body.ok_or(match broken {
        Some(problem) => RequestError::BodyBroken(problem),
        None if no_room => RequestError::NoRoom,
        None => RequestError::BodyTooLarge,
    });
    // The page stands where SageMaker's control plane is posted to, so the platform leaves that path to us.
    if request.path == "/"
        && matches!(request.method, Method::GET | Method::HEAD)
        && !request.is_signed()
        && let Ok(assets) = env.assets("ASSETS")
    {
        return future_to_promise(http::page(assets, raw)).into();
    }
    let PerIsolate { isolate, sinks, has_experiments, .. } = per_isolate(&env);
    let mut platform = Workers::new(env, *has_experiments);
    if protocol::reads_in_pieces(&request) {
        platform = platform.reading(Clone::clone(&raw));
    }
    let service = Rc::new(Service::new(platform, isolate));
    let responding = {
        let service = Rc::clone(&service);
        async move {
            let Answer { response, follow_ups } = protocol::answer(&service, request, body).await;
            (http::to_platform(&response, service.platform().take_body()), follow_ups)
        }
    };
    let follow_up = move |follow_ups| async move { service.follow_up(follow_ups, sinks).await };
    match begun(responding) {
        Begun::Done((response, follow_ups)) => {
            if let Begun::Waiting(rest) = begun(follow_up(follow_ups)) {
                outlive(&context, rest);
            }
            response
        }
        // From here on the caller may hang up, which ends all that the platform has not been asked to wait for: the record
        // would be lost, and more often so of slow variants than of fast ones.
        Begun::Waiting(rest) => {
            let (response, resolve) = promise();
            outlive(&context, async move {
                let (answer, mut follow_ups) = rest.await;
                if http::caller_is_gone(&raw) {
                    follow_ups.caller_is_gone();
                }
                resolve(answer);
                follow_up(follow_ups).await;
            });
            response.into()
        }
    }
}

/// Work that was begun.
enum Begun<T> {
    Done(T),
    /// It has to wait for something; this is the rest of it.
    Waiting(Pin<Box<dyn Future<Output = T>>>),
}

/// Polls once with a no-op waker: most answers need nothing that is not there, and a promise costs more than they do. What
/// is pending is polled again with a real waker, by the promise that it becomes.
fn begun<T>(work: impl Future<Output = T> + 'static) -> Begun<T> {
    let mut work: Pin<Box<dyn Future<Output = T>>> = Box::pin(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Begun::Done(value),
        Poll::Pending => Begun::Waiting(work),
    }
}

/// Has the platform wait for the work, whatever becomes of the caller. It goes on by itself as well, if the platform does
/// not take it.
fn outlive(context: &Invocation, work: impl Future<Output = ()> + 'static) {
    let promise = future_to_promise(async move {
        work.await;
        Ok(JsValue::UNDEFINED)
    });
    let _ = context.wait_until(&promise);
}

/// A promise, and what resolves it.
fn promise() -> (Promise, impl FnOnce(JsValue)) {
    let mut resolve = None;
    let promise = Promise::new(&mut |resolve_it, _| resolve = Some(resolve_it));
    (promise, move |value| {
        if let Some(resolve) = resolve {
            let _ = resolve.call1(&JsValue::UNDEFINED, &value);
        }
    })
}
