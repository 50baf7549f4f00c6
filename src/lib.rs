//! Turnout: A/B testing of machine-learning models in production, at the edge.
//!
//! # The life of a request
//!
//! ```text
//! HTTP request
//!   -> protocol      decoded into one Invocation
//!   -> endpoint      configuration from KV, cached in the isolate, never waited for twice
//!   -> assignment    target header, else sticky by unit, else weighted random
//!   -> inference     the model, in the worker          } the fallback, if it fails
//!      or origin     a model host, with a time limit   }
//!   -> protocol      encoded, with the variant named in the headers
//!   -> record        after the response: the caller never waits for it
//! ```
//!
//! [`service`] is that way, written down once. Everything it walks through is plain Rust that takes time and
//! randomness from outside and is tested natively; the platform stands behind one trait, [`platform::Platform`]. The
//! shell implements it for Workers, and exists on wasm32 only, so that the compiler keeps the rest free of it. What runs
//! models is a crate of its own, `turnout-onnx`, in `crates/onnx`.

#![forbid(unsafe_code)]

pub mod assignment;
pub mod endpoint;
pub mod statistics;

#[cfg(feature = "serve")]
pub mod access;
#[cfg(feature = "serve")]
pub mod error;
#[cfg(feature = "serve")]
pub mod inference;
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
pub mod registry;
#[cfg(feature = "serve")]
pub mod service;

#[cfg(all(feature = "browser", target_arch = "wasm32"))]
pub mod browser;
#[cfg(all(feature = "serve", target_arch = "wasm32"))]
mod shell;
