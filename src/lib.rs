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
//! shell implements it for Workers, and exists on wasm32 only, so that the compiler keeps the rest free of it.

pub mod access;
pub mod assignment;
#[cfg(target_arch = "wasm32")]
pub mod constructors;
pub mod endpoint;
pub mod error;
pub mod inference;
pub mod onnx_ml;
pub mod origin;
pub mod payload;
pub mod platform;
pub mod protocol;
pub mod record;
pub mod registry;
pub mod service;

#[cfg(target_arch = "wasm32")]
mod shell;
