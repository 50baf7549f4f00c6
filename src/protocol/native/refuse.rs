//! Errors as the native protocol tells them: `{code, message, fix}`.

use http::{StatusCode, header};
use serde::Serialize;

use crate::protocol::report::Report;
use crate::protocol::respond::{insert, json};
use crate::request::Response;
use crate::service::Error;

/// An error as a response.
pub(in crate::protocol) fn refuse(error: &Error) -> Response {
    told(&Report::from(error))
}

/// The same, of what is known of it.
pub(super) fn told(report: &Report) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        code: &'static str,
        message: &'a str,
        fix: &'a str,
    }
    let mut response = json(report.status, &Body { code: report.code, message: &report.message, fix: report.fix });
    let to = response.headers_mut();
    report.describe(to);
    if report.status == StatusCode::UNAUTHORIZED {
        insert(to, header::WWW_AUTHENTICATE, "Bearer realm=\"turnout\"");
    }
    response
}
