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

/// A setting that is missing in the list of those that are no secrets could be told to a stranger as a token.
#[test]
fn settings_are_documented_and_are_no_secrets() {
    const SECRETS: &str = include_str!("../src/endpoint/secret.rs");
    const SHELL: [&str; 2] = [include_str!("../src/shell/settings.rs"), include_str!("../src/shell/sink.rs")];
    const CONFIGURATION: &str = include_str!("../docs/configuration.md");
    let is_name = |text: &&str| text.contains('_') && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let quoted = |source: &'static str| source.split('"').skip(1).step_by(2).filter(is_name);
    let read: BTreeSet<&str> = SHELL.into_iter().flat_map(quoted).collect();
    let (_, listed) = SECRETS.split_once("const SETTINGS").expect("src/endpoint/secret.rs lists the settings");
    let (listed, _) = listed.split_once("];").expect("the list has an end");
    let no_secrets: BTreeSet<&str> = quoted(listed).collect();
    let (_, table) = CONFIGURATION.split_once("| variable |").expect("docs/configuration.md has a table of variables");
    let first_cells = table
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<&str> = first_cells.filter(is_name).collect();
    assert!(read.len() >= 8, "the shell's sources are read wrongly: {read:?}");
    assert_eq!(read, no_secrets);
    assert_eq!(read, documented);
}
