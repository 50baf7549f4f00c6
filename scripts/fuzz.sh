#!/usr/bin/env bash
# Models that are changed field by field load or are refused: libFuzzer, led by coverage, for so many seconds.
#
#   scripts/fuzz.sh 900
#
# It needs a C++ compiler. What it has found to reach more code is kept in target/fuzz/corpus for the next time, and what ends
# it in target/fuzz. `cargo test -p turnout-onnx --test mutants` is a short run without coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
echo "[fuzz] building (some minutes from scratch)"
# What cargo-fuzz asks of the compiler, which the stable one takes as well.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS=$coverage cargo build --quiet --release --manifest-path crates/onnx/fuzz/Cargo.toml --target "$host" --target-dir target/fuzz
mkdir -p target/fuzz/corpus
echo "[fuzz] running for ${1:-60} seconds"
"target/fuzz/$host/release/load" -max_total_time="${1:-60}" -max_len=64 -rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=20 \
    -artifact_prefix=target/fuzz/ target/fuzz/corpus
