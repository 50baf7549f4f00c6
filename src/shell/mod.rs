//! The shell: Workers' events, stores, fetch and sinks. It moves bytes and holds no decisions.

mod http;
mod platform;
mod settings;
mod sink;

use std::cell::OnceCell;

use ::http::Method;
use worker::{Context, Env, Request, Response, Result, event};

use crate::constructors;
use crate::protocol;
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
async fn fetch(mut raw: Request, env: Env, context: Context) -> Result<Response> {
    let Kept { isolate, sinks } = kept(&env);
    let (request, body) = http::receive(&mut raw).await;
    // The page stands where SageMaker's control plane is posted to, so the platform leaves that path to us.
    if request.path == "/"
        && matches!(request.method, Method::GET | Method::HEAD)
        && let Ok(assets) = env.assets("ASSETS")
    {
        return assets.fetch_request(raw).await;
    }
    let service = Service::new(Workers::new(env), isolate);
    let Answer { response, after } = protocol::answer(&service, request, body).await;
    context.wait_until(async move {
        if let Some(record) = service.finish(after).await {
            sinks.write(&record).await;
        }
    });
    Ok(http::to_platform(&response))
}
