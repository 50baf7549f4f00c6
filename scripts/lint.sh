#!/usr/bin/env bash
# `make lint`, and the first part of `make test`: formatting, syntax, and clippy for all that the crate is built as.
#
# All checks run even if some fail. Clippy takes about four minutes on two cores from scratch, and seconds from then on.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.tools/bin:$PWD/node_modules/.bin:$PATH"

status=0

# check WHAT COMMAND...: runs one check.
check() {
    printf '[lint] %s\n' "$1"
    "${@:2}" || { printf '[lint] FAILED: %s\n' "$1"; status=1; }
}

# Files that git knows or would add, and that are there.
files() { git grep --untracked --files-with-matches --null '' -- "$@"; }
shell_syntax() { files '*.sh' .ci | xargs -0 -n1 bash -n; }
javascript_syntax() { files '*.js' '*.mjs' | xargs -0 -n1 node --check; }
clippy() { cargo clippy --quiet "$@" -- -D warnings; }

wasm=(--target wasm32-unknown-unknown)
check "formatting, which cargo fmt --all puts right" cargo fmt --all --check
check "syntax of shell scripts" shell_syntax
check "syntax of JavaScript" javascript_syntax
check "clippy, native" clippy --workspace --all-targets
check "clippy, WebAssembly" clippy --workspace --all-targets "${wasm[@]}"
check "clippy, the page's core" clippy "${wasm[@]}" --no-default-features --features browser
exit $status
