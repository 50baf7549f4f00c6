#!/usr/bin/env bash
# Builds the worker in release mode into build/. Wrangler calls this; `make build` does too.
#
#   scripts/build.sh          as it is deployed and tested: a fifth smaller, for two minutes more
#   scripts/build.sh --fast   as one works on it, which `wrangler dev` does as well
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.tools/bin:$PWD/node_modules/.bin:$PATH"
WASM_BINDGEN_BIN="$PWD/.tools/bin/wasm-bindgen"
[ -x "$WASM_BINDGEN_BIN" ] || { echo "the tools are missing: run make setup" >&2; exit 1; }
fast=
if [ "${1:-}" = --fast ] || [ "${WRANGLER_COMMAND:-}" = dev ]; then fast=1; fi
mkdir -p build

# small MODULE OUT: a module as it is deployed.
small() {
    local made_from small=target/small-$(basename "$2")
    made_from=$(cat "$1" scripts/build.sh | cksum)
    if [ "$(cat "$small.of" 2>/dev/null)" != "$made_from" ]; then
        if [ "$fast" ]; then
            cp "$1" "$2"
            return
        fi
        echo "[build] making $(basename "$2") smaller (two minutes for the engine)"
        # Exceptions are wasm-bindgen's, which it uses without saying so; with the other three wasm-opt finds half a megabyte
        # more to leave out. V8 has had all of them for years.
        # A function that is called from one place stays one by itself: V8 compiles functions whole, when they are first
        # called, so that one which all else was put into took longer than all that is called at the start.
        wasm-opt -Oz --one-caller-inline-max-function-size 0 --enable-exception-handling --enable-gc --enable-multivalue \
            --enable-tail-call --strip-debug --strip-producers "$1" -o "$small"
        echo "$made_from" >"$small.of"
    fi
    cp "$small" "$2"
}

engine() {
    echo "[build] compiling the engine (three minutes from scratch, seconds when nothing has changed)"
    # It has no imports, so nobody gives it randomness, which no model that is taken asks for.
    cargo build --quiet --package turnout-engine --lib --profile worker --target wasm32-unknown-unknown --target-dir target/engine \
        --config 'target.wasm32-unknown-unknown.rustflags=["--cfg=getrandom_backend=\"unsupported\""]'
    small target/engine/wasm32-unknown-unknown/worker/turnout_engine.wasm build/engine.wasm
}

page() {
    echo "[build] compiling the page's core"
    cargo build --quiet --lib --profile browser --target wasm32-unknown-unknown --no-default-features --features browser
    "$WASM_BINDGEN_BIN" --target web --no-typescript --out-dir www/core --out-name turnout \
        target/wasm32-unknown-unknown/browser/turnout.wasm
    # What the page shows of the models: the cases that they were not trained on. And the documents that its experiments begin with.
    mkdir -p www/data
    for folder in models/*/; do
        cp "${folder}held-out.csv" "www/data/$(basename "$folder").csv"
        cp "${folder}endpoint.json" "www/data/$(basename "$folder").json"
    done
}

worker() {
    echo "[build] compiling the worker (some minutes from scratch)"
    cargo build --quiet --lib --profile worker --target wasm32-unknown-unknown
    local bound=target/worker
    "$WASM_BINDGEN_BIN" --target module --no-typescript --out-dir "$bound" --out-name bound \
        --remove-name-section --experimental-reset-state-function --force-enable-abort-handler target/wasm32-unknown-unknown/worker/turnout.wasm
    # The platform gives a compiled module for a plain import; source-phase imports it does not know.
    sed 's#^import source \(.*\) from "./bound_bg.wasm"#import \1 from "./index_bg.wasm"#' "$bound/bound.js" >"$bound/turnout.js"
    cp src/shell/*.js "$bound"
    esbuild "$bound/entry.js" --bundle --format=esm --minify --log-level=warning --external:./index_bg.wasm --external:./engine.wasm --external:cloudflare:workers \
        --outfile=build/index.js
    small "$bound/bound_bg.wasm" build/index_bg.wasm
}

# Beside all else, as the last and longest step of each module keeps one processor busy. In a process group of its own, which
# ends with this script.
set -m
engine &
beside=$!
set +m
trap 'kill -- "-$beside" 2>/dev/null || true' EXIT
page
worker
wait "$beside"
echo "[build] $(du -ch build/*.wasm | tail -1 | cut -f1) of WebAssembly"
