//! Endpoints: what a configuration document says, as types that cannot hold a wrong state.

mod access;
mod definition;
mod digest;
mod document;
mod goal;
mod limits;
mod model;
mod name;
mod object;
mod origin;
mod outcome;
mod revision;
mod secret;
mod stickiness;
mod variant;
mod weight;
mod weight_change;

pub use access::Access;
pub use definition::Endpoint;
pub use digest::{DigestError, Sha256};
pub use document::DocumentError;
pub use goal::{Alpha, Goal, GoalError, Margin, Metric, Segment, SegmentSource};
pub use limits::{LimitError, MostBytes, MostRows, RequestLimits, Within};
pub use model::{ModelKey, ModelKeyError, ModelReference, ModelShape, ModelShapeError};
pub use name::{Name, NameError};
pub use object::distinct_members;
pub use origin::{OriginReference, OriginUrl, OriginUrlError};
pub use outcome::{Classes, Label, Outcome, OutcomeError, OutcomeKind, Place, Pointer, Positive, Truth};
pub use revision::Revision;
pub use secret::{SecretName, SecretNameError};
pub use stickiness::{IssueError, Salt, SaltError, Stickiness, Token, TokenError, UnitSource};
pub use variant::{Backend, Variant, VariantError};
pub use weight::{Weight, WeightError};
pub use weight_change::{WeightChange, WeightsError};
