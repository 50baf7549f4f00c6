//! Rows in, rows out: the typed values that models take and give, in no format; what a model says of itself; and how all of
//! that crosses between the worker and an engine that has a memory of its own ([`message`]).

mod bytes;
mod datatype;
mod description;
mod error;
mod limits;
pub mod message;
mod outputs;
mod schema;
mod table;
mod values;

pub use datatype::Datatype;
pub use description::{Description, OutputSignature, RowsRule};
pub use error::{RowsError, RunError};
pub use limits::{Limits, LoadOptions, rows_within};
pub use outputs::{Output, Outputs};
pub use schema::{Input, Schema};
pub use table::Table;
pub use values::Values;
