//! The shell: Workers' events, stores, fetch and sinks. It moves bytes and holds no decisions.

mod http;
mod platform;
mod settings;
mod sink;

use std::cell::OnceCell;

use worker::{Context, Env, Request, Response, Result, event};

use crate::constructors;
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

#[event(start)]
fn start() {
    constructors::run();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let Kept { isolate, sinks } = kept(&env);
    let service = Service::new(Workers::new(env), isolate);
    let received = http::receive(request).await;
    let Answer { response, after } = service.handle(received).await;
    context.wait_until(async move {
        if let Some(record) = service.finish(after).await {
            sinks.write(&record).await;
        }
    });
    Ok(http::to_platform(&response))
}
