#!/usr/bin/env bash
# `make serve`, once all is built: plain workerd, with KV kept as files in .local. No Cloudflare, no wrangler.
#
# It listens on this machine alone, on port 8787. LISTEN='*' lets others in; PORT is another port.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .local/endpoints .local/models .local/registry .local/experiments .local/capture
for folder in models/*/; do
    name=$(basename "$folder")
    mkdir -p ".local/models/$name"
    cp "$folder"*.onnx "$folder"*.check.json ".local/models/$name/"
    # An endpoint that is there already keeps its weights.
    [ -f ".local/endpoints/$name" ] || cp "${folder}endpoint.json" ".local/endpoints/$name"
done
listen=${LISTEN:-127.0.0.1} port=${PORT:-8787}
echo "[serve] http://localhost:$port for ${LISTEN:-this machine alone}, endpoints and models in .local"
# Durable Objects on disk are an experiment of workerd's.
exec node_modules/.bin/workerd serve workerd/config.capnp --experimental --socket-addr "http=$listen:$port" \
    --directory-path endpoints=.local/endpoints --directory-path models=.local/models --directory-path registry=.local/registry --directory-path experiments=.local/experiments --directory-path capture=.local/capture
