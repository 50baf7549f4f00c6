//! What the documents say, and what the code does.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;

const ERRORS: &str = include_str!("../src/service/error.rs");
const HTTP: &str = include_str!("../docs/http.md");

/// A caller who meets a code finds it in the table of docs/http.md, and finds no code there that nobody meets.
#[test]
fn docs_http_lists_the_codes_of_errors_and_no_others() {
    // Each code is the right side of an arm: => "origin_timeout".
    let codes: BTreeSet<&str> = ERRORS.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let (_, section) = HTTP.split_once("\n## Errors\n").expect("docs/http.md has a section `Errors`");
    let rows = section.lines().filter(|line| line.starts_with('|'));
    // In the rows, codes stand in backticks, and nothing else does.
    let listed: BTreeSet<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(codes.len() > 40, "src/service/error.rs is read wrongly: {codes:?}");
    let (missing, unknown): (Vec<_>, Vec<_>) =
        (codes.difference(&listed).collect(), listed.difference(&codes).collect());
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "docs/http.md lacks {missing:?}; nothing answers with {unknown:?}"
    );
}
