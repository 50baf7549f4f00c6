//! How a request is served, from the protocol to the record.

mod alarms;
mod attempt;
mod base;
mod capture;
mod control;
mod deployment;
mod error;
mod experiment;
mod follow_ups;
mod ids;
mod inspect;
mod invocation;
mod invoke;
mod lookup;
mod objects;
mod outcomes;
mod policy;
mod registry;
mod rehearsal;
mod shadow_test;
mod shadow_tests;
mod shadows;
mod tally;

pub use alarms::{Judged, MOST_JUDGED};
pub use base::Service;
pub use capture::{Body, CapturedLines, Sample};
pub use control::{Configured, MOST_DESCRIBED, ModelSource, Retained};
pub use error::{BackendError, CapturedError, Error, Failure, RevisionError};
pub use follow_ups::FollowUps;
pub use inspect::{Described, Inspected, ModelFile, Reader};
pub use invocation::{Asked, Invocation, Payload, Relay, Reply, UnitIn, Unreadable};
pub use invoke::{IssuedCookie, Noted};
pub use lookup::EndpointPage;
pub use objects::{
    Algorithm, Checksum, Conditions, Facts, Listed, Listing, MAX_OBJECT_BYTES, NewBody, Object, ObjectError, Opened,
    Part, PartOf, StoredObject, Upload,
};
pub use outcomes::{OutcomeReport, Received, Reported};
pub use registry::{
    AlarmError, Configuration, ConfiguredCapture, ConfiguredVariant, Kind, RegistryError, ShadowsError, Stored,
};
pub use rehearsal::{Trial, TrialReport};
pub use shadow_test::{Ended, ShadowTest, TestError, TestName, TestNameError, TestState};
pub use shadow_tests::{Ending, MOST_TESTS_LOOKED_AT, NewTest, Schedule, TestNow, TestUpdate};
