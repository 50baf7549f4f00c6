//! Turnout: A/B testing of machine-learning models in production, at the edge.
//!
//! # How a request is served
//!
//! ```text
//! HTTP request
//!   -> protocol      decoded into one Invocation
//!   -> isolate       the endpoint's configuration, read from KV once and then kept; never waited for twice
//!   -> access        whether the caller may
//!   -> assignment    target header, else sticky by unit, else weighted random
//!   -> inference     the model, in the worker          } the fallback, if it fails
//!      or origin     a model host, with a time limit   }
//!   -> protocol      encoded, with the variant named in the headers
//!   -> record        after the response: the caller never waits for it
//! ```
//!
//! [`service`] is that way, written down once. Everything it uses is plain Rust that takes time and randomness from
//! outside and is tested natively; the platform stands behind the small traits of [`platform`]. The shell implements
//! them for Workers, and exists on wasm32 only, so that the compiler keeps the rest free of it. What runs models is a module
//! of its own, `turnout-engine` in `crates/engine`, an instance a model; `turnout-tables` is what crosses to it and back.
//!
//! # Who may use whom
//!
//! From the top down; nothing uses what stands above it, and no two files need each other. A test
//! (`tests/layout.rs`) keeps it so.
//!
//! ```text
//! shell, browser
//! protocol
//! service
//! record, access, isolate, origin
//! experiment
//! assignment, payload, request
//! statistics, endpoint, platform, turnout-tables
//! ```

#![forbid(unsafe_code)]

pub mod assignment;
pub mod endpoint;
pub mod statistics;

#[cfg(feature = "serve")]
pub mod access;
#[cfg(feature = "serve")]
pub mod experiment;
#[cfg(feature = "serve")]
pub mod isolate;
#[cfg(feature = "serve")]
pub mod origin;
#[cfg(feature = "serve")]
pub mod payload;
#[cfg(feature = "serve")]
pub mod platform;
#[cfg(feature = "serve")]
pub mod protocol;
#[cfg(feature = "serve")]
pub mod record;
#[cfg(feature = "serve")]
pub mod request;
#[cfg(feature = "serve")]
pub mod service;

#[cfg(all(feature = "browser", target_arch = "wasm32"))]
pub mod browser;
#[cfg(all(feature = "serve", target_arch = "wasm32"))]
mod shell;
