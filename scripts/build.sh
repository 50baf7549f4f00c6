#!/usr/bin/env bash
# Builds the worker in release mode into build/. Wrangler calls this; `make build` does too.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.tools/bin:$PWD/node_modules/.bin:$PATH"
# Named, so that worker-build downloads nothing.
export WASM_BINDGEN_BIN="$PWD/.tools/bin/wasm-bindgen" ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"
[ -x "$WASM_BINDGEN_BIN" ] || { echo "the tools are missing: run make setup" >&2; exit 1; }
echo "[build] compiling the worker (some minutes from scratch, seconds when nothing has changed)"
worker-build --release
echo "[build] $(du -h build/index_bg.wasm | cut -f1) of WebAssembly"
