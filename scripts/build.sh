#!/usr/bin/env bash
# Builds the worker in release mode into build/. Wrangler calls this; `make build` does too.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.tools/bin:$PWD/node_modules/.bin:$PATH"
# Named, so that worker-build downloads nothing.
export WASM_BINDGEN_BIN="$PWD/.tools/bin/wasm-bindgen" ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"
[ -x "$WASM_BINDGEN_BIN" ] || { echo "the tools are missing: run make setup" >&2; exit 1; }
echo "[build] compiling the page's core"
cargo build --quiet --lib --profile browser --target wasm32-unknown-unknown --no-default-features --features browser
"$WASM_BINDGEN_BIN" --target web --no-typescript --out-dir www/core --out-name turnout \
    target/wasm32-unknown-unknown/browser/turnout.wasm
# What the page shows of the models: the cases that they were not trained on.
mkdir -p www/data
for folder in models/*/; do cp "${folder}held-out.csv" "www/data/$(basename "$folder").csv"; done
echo "[build] compiling the worker (some minutes from scratch, seconds when nothing has changed)"
worker-build --release
echo "[build] $(du -h build/index_bg.wasm | cut -f1) of WebAssembly"
