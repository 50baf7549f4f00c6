#!/usr/bin/env bash
# ONNX's own backend tests through the engine: each is right, or refused.
#
#   run.sh PYTHON           runs them, and compares the counts with those in docs/models.md
#   run.sh PYTHON --write   writes the counts instead
#
# PYTHON has the packages of requirements.txt. The tests are written into .tools/onnx-suite, and again when what writes them changes.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1 suite=$PWD/.tools/onnx-suite report=$PWD/.tools/onnx-suite.tsv
written=$(cat tests/suite/export.py tests/suite/requirements.txt | sha256sum)
if [ "$(cat "$suite.written" 2>/dev/null)" != "$written" ]; then
    echo "[setup] writing ONNX's own tests into .tools/onnx-suite (half a minute, once)"
    rm -rf "$suite"
    "$python" -W ignore tests/suite/export.py "$suite"
    echo "$written" >"$suite.written"
fi
ONNX_SUITE=$suite ONNX_SUITE_REPORT=$report cargo test --quiet -p turnout-onnx --lib suite -- --ignored
if [ "${2:-}" = --write ]; then "$python" tests/suite/counts.py "$report"; else "$python" tests/suite/counts.py --check "$report"; fi
