//! The native protocol: JSON over HTTP, under `/endpoints`. It takes whatever no other protocol claims.

mod captured;
mod change;
mod decide;
mod describe;
mod experiment;
mod explain;
mod if_match;
mod model;
mod outcomes;
mod policy;
mod refuse;
mod routes;
mod written;

pub(super) use refuse::refuse;
pub(super) use routes::answer;
