//! The shell: Workers' events, stores, fetch and sinks. It moves bytes and holds no decisions.

mod http;
mod platform;
mod settings;
mod sink;

use worker::{Context, Env, Request, Response, Result, event};

use crate::service::{Answer, Isolate, Service};
use platform::Workers;
use sink::Sinks;

thread_local! {
    static ISOLATE: std::cell::OnceCell<&'static Isolate> = const { std::cell::OnceCell::new() };
}

/// What this isolate keeps, made at its first request. It lives as long as the isolate, so it is never freed.
fn isolate(env: &Env) -> &'static Isolate {
    ISOLATE.with(|isolate| *isolate.get_or_init(|| Box::leak(Box::new(Isolate::new(settings::read(env))))))
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let sinks = Sinks::new(&env);
    let service = Service::new(Workers::new(env.clone()), isolate(&env));
    let received = http::receive(request).await;
    let Answer { response, after } = service.handle(received).await;
    context.wait_until(async move {
        if let Some(record) = service.finish(after).await {
            sinks.write(&record).await;
        }
    });
    Ok(http::to_platform(&response))
}
