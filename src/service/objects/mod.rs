//! Objects, as S3's clients see them: the models in the store, and what is captured, in the bucket.

mod checksum;
mod delete;
mod listing;
mod multipart;
mod object;
mod read;
mod upload;

pub use checksum::{Algorithm, Checksum};
pub use listing::{Listed, Listing};
pub use multipart::{Part, PartOf, Upload};
pub use object::{Conditions, Facts, MAX_OBJECT_BYTES, Object, ObjectError};
pub use read::Opened;
pub use upload::{NewBody, Stored as StoredObject};
