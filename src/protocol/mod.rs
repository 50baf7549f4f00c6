//! Wire protocols. Each claims its requests, decodes them into what the [`Service`](crate::service::Service) does, an
//! [`Invocation`](crate::service::Invocation) above all, and encodes the outcome. Nothing below this layer knows which
//! protocol it was.

mod headers;
mod kserve_v1;
mod metrics;
mod native;
mod open_inference;
mod report;
mod respond;
mod router;
mod s3;
mod sagemaker;
mod signature;
mod tabular;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod triton;

pub use headers::SHARED as SHARED_HEADERS;
pub use respond::Answer;
pub use router::{answer, reads_in_pieces};
