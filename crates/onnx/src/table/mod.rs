//! Rows in, rows out: the typed values that models take and give, in no format.

mod datatype;
mod outputs;
mod schema;
#[expect(clippy::module_inception, reason = "the table itself")]
mod table;
mod values;

pub use datatype::Datatype;
pub use outputs::{Output, Outputs};
pub use schema::{Input, Schema};
pub use table::Table;
pub use values::Values;
