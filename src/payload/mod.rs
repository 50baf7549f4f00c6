//! Bodies and tables: what callers send, decoded into the inputs of a model, and what models answer, encoded.

mod accept;
mod builder;

mod csv;
mod decode;
mod encode;
mod error;
mod json;
mod leave_out;
mod left_out;
mod lists;
mod numbers;
mod prediction;
mod tensor_bytes;
mod tensors;

pub(crate) use accept::essence;
pub use accept::{ContentType, Format, FormatError, Header};
pub use decode::{count_rows, decode, rows_that_fit};
pub use encode::{Flat, bounded, encode, encode_columns};
pub use error::{PayloadError, Row};
pub use json::{flat, flat_of_any_numbers};
pub use leave_out::{BodyForm, without_columns};
pub use lists::{ListsError, table_of_lists, values_of_rows};
pub use prediction::{Predicted, first_of_column};
pub use tensor_bytes::{datatype_name, tensor_bytes};
pub use tensors::{BINARY, Inference, TensorError, count_tensor_rows};
pub use turnout_tables::{Datatype, Input, Output, Outputs, Schema, Table, Values};
