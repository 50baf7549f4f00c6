#!/usr/bin/env bash
# Every test: lint, native, in wasm under Node, and end to end in workerd. The last line counts them.
#
# All of them run even if some fail, so that one run tells the whole story.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.tools/bin:$PWD/node_modules/.bin:$PATH" WRANGLER_SEND_METRICS=false
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 failed_parts=()

# part NAME COMMAND...: runs one part, and adds up the counts that its runner prints.
part() {
    local name=$1
    printf '\n[test] %s\n' "$name"
    shift
    "$@" 2>&1 | tee "$log"
    local status=${PIPESTATUS[0]} counts
    # cargo's "test result: ok. 4 passed; 0 failed", node's "ℹ pass 4" and "ℹ fail 0", pytest's "1 failed, 4 passed in 2s".
    counts=$(sed -nE 's/.*test result: .* ([0-9]+) passed; ([0-9]+) failed.*/\1 \2/p
        s/^([0-9]+) failed, ([0-9]+) passed in .*/\2 \1/p; s/^([0-9]+) passed in .*/\1 0/p; s/^([0-9]+) failed in .*/0 \1/p
        s/^ℹ pass ([0-9]+)$/\1 0/p; s/^ℹ fail ([0-9]+)$/0 \1/p' "$log")
    local ok=0 bad=0 p f
    while read -r p f; do ok=$((ok + ${p:-0})) bad=$((bad + ${f:-0})); done <<<"$counts"
    # A part that counts nothing is one test; one that fails without a failed test did not even run them.
    if [ "$status" = 0 ]; then [ "$ok" != 0 ] || ok=1; else [ "$bad" != 0 ] || bad=1; fi
    passed=$((passed + ok)) failed=$((failed + bad))
    [ "$bad" = 0 ] || failed_parts+=("$name")
}

# python FOLDER REQUIREMENTS WHAT: a Python with those packages in .tools/FOLDER, made anew when they change.
python() {
    local venv=$PWD/.tools/$1 wanted=$2
    if ! cmp -s "$wanted" "$venv/requirements.txt"; then
        echo "[setup] installing $3 from PyPI into .tools/$1 (about a minute, once)"
        rm -rf "$venv"
        # Debian keeps venv in a package of its own.
        python3 -m venv "$venv" 2>/dev/null || {
            as_root apt-get install -y -qq python3-venv >/dev/null && python3 -m venv "$venv" || return
        }
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" &&
            cp "$wanted" "$venv/requirements.txt" || return
    fi
}

clients() {
    # A Prometheus to scrape with; where there is none, what needs it is skipped.
    if [ -f /etc/debian_version ] && ! command -v prometheus promtool >/dev/null; then
        echo "[setup] installing Debian's Prometheus (about a minute, once)"
        as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends prometheus >/dev/null
        as_root service prometheus stop >/dev/null 2>&1
    fi
    python python tests/clients/requirements.txt "real clients" && node tests/clients/run.mjs "$PWD/.tools/python/bin/python"
}

# SageMaker's SDK brings several hundred MB with it, and its versions 2 and 3 cannot be installed together.
notebook() {
    python python-notebook tests/notebook/requirements.txt "the notebook's packages" &&
        node tests/notebook/run.mjs "$PWD/.tools/python-notebook/bin/python" test_notebook.py
}

sdk3() {
    python python-sdk3 tests/notebook/requirements-3.txt "version 3 of SageMaker's SDK" &&
        node tests/notebook/run.mjs "$PWD/.tools/python-sdk3/bin/python" test_sdk3.py
}

suite() {
    python python-onnx tests/suite/requirements.txt "ONNX's own tests" && tests/suite/run.sh "$PWD/.tools/python-onnx/bin/python"
}

check_rows() {
    CHECK_ROWS_PYTHON=$PWD/.tools/python-onnx/bin/python cargo test --quiet --test check_rows -- --ignored
}

# Licences, sources and advisories of dependencies.
dependencies() {
    local checks=(licenses bans sources)
    if cargo deny fetch db >/dev/null 2>&1; then
        checks+=(advisories)
    else
        echo "[test] skipped: advisories, as their database cannot be fetched from here"
    fi
    cargo deny check --hide-inclusion-graph "${checks[@]}"
}

# The page, in a Chromium that is there, or Debian's.
page() {
    if [ -f /etc/debian_version ] && ! command -v chromium chromium-browser google-chrome >/dev/null && [ -z "${CHROMIUM:-}" ]; then
        echo "[setup] installing Debian's Chromium (about a minute, once)"
        as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends chromium >/dev/null || return
    fi
    # One browser and one worker at a time: on two cores, several would only wait for each other, longer than the tests do.
    node --test --test-reporter=spec --test-concurrency=1 tests/page/*.test.mjs
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

part "lint: formatting, syntax, clippy" scripts/lint.sh
if command -v cargo-deny >/dev/null; then
    part "dependencies: licences, sources, advisories" dependencies
else
    printf '\n[test] skipped: dependencies, as there is no cargo-deny (cargo install --locked cargo-deny)\n'
fi
part "native: the core" cargo test --quiet --workspace
part "native: ONNX's own tests" suite
part "native: check rows, by ONNX Runtime" check_rows
part "the assignment vectors, recomputed in Python" python3 tests/vectors/recompute.py
part "wasm: randomness, inference and codecs, the zoo of models, boosters as they are saved" \
    cargo test --target wasm32-unknown-unknown --no-fail-fast --test wasm --test zoo --test boosters
part "the bundle: wrangler deploy --dry-run" wrangler deploy --dry-run --outdir build/bundle
part "workerd: end to end" node --test --test-reporter=spec tests/e2e/*.test.mjs
part "workerd: real clients" clients
part "workerd: the notebook, with version 2 of SageMaker's SDK" notebook
part "workerd: version 3 of SageMaker's SDK" sdk3
part "workerd: the page, in Chromium" page

echo
[ "$failed" = 0 ] || printf '[test] FAILED: %s\n' "${failed_parts[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
