#!/usr/bin/env bash
# Sets up what building and testing need, and does nothing where it is already there:
#   1. the wasm32-unknown-unknown target, clippy and rustfmt: rustup's, else from Debian's packages;
#   2. node and wrangler, from package-lock.json;
#   3. wasm-bindgen, at the version that Cargo.lock names;
#   4. for `scripts/setup.sh --test`, which `make test` runs, cargo-deny.
# Everything but the first lives in this folder: node_modules and .tools, both ignored by git.
set -euo pipefail
cd "$(dirname "$0")/.."

WASM_BINDGEN=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print }' Cargo.lock)
CARGO_DENY=0.20.2
TOOLS=$PWD/.tools
export PATH="$TOOLS/bin:$PWD/node_modules/.bin:$PATH"
mkdir -p "$TOOLS/bin"

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
die() { printf '[setup] %s\n' "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

has_wasm_target() {
    local lib
    lib=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) || return 1
    compgen -G "$lib/libcore-*.rlib" >/dev/null
}

# Debian ships the sources of std but no wasm32 build of it, so it is built once into Debian's sysroot.
# rust-src and rustc are of one version there; RUSTC_BOOTSTRAP is needed for this one build only.
debian_wasm_target() {
    local packages=(rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web lld-22)
    if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
        say "installing Debian's Rust: ${packages[*]} (about half a minute)"
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    fi
    local tool
    for tool in cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver; do
        ln -sf "/usr/bin/$tool" "$TOOLS/bin/$tool"
    done
    hash -r
    has_wasm_target && return
    say "building std for wasm32-unknown-unknown from Debian's sources (about a minute)"
    local scratch
    scratch=$(mktemp -d)
    mkdir "$scratch/src"
    touch "$scratch/src/lib.rs"
    printf '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n' >"$scratch/Cargo.toml"
    (cd "$scratch" && RUSTC_BOOTSTRAP=1 cargo build --quiet --release --target wasm32-unknown-unknown \
        -Zbuild-std=std,panic_abort,test)
    local lib=/usr/lib/rustlib/wasm32-unknown-unknown/lib bin=/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin
    rm -f "$scratch"/target/wasm32-unknown-unknown/release/deps/*scratch*
    as_root mkdir -p "$lib" "$bin"
    as_root cp "$scratch"/target/wasm32-unknown-unknown/release/deps/*.{rlib,rmeta} "$lib/"
    as_root ln -sf "$(command -v wasm-ld-22)" "$bin/rust-lld"
    rm -rf "$scratch"
}

wasm_target() {
    has_wasm_target && return
    command -v rustup >/dev/null && say "adding the wasm32-unknown-unknown target with rustup" &&
        rustup target add wasm32-unknown-unknown >/dev/null 2>&1 && has_wasm_target && return
    [ -f /etc/debian_version ] ||
        die "no wasm32-unknown-unknown target: install rustup (https://rustup.rs) and run 'rustup target add wasm32-unknown-unknown'"
    say "rustup cannot add it here; Debian's packages can"
    debian_wasm_target
    has_wasm_target || die "the wasm32-unknown-unknown target could not be set up"
}

# rustup's minimal profile comes without them.
lint_tools() {
    cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 && return
    say "adding clippy and rustfmt with rustup"
    rustup component add clippy rustfmt >/dev/null || die "clippy and rustfmt are missing, and rustup cannot add them"
}

node_modules() {
    [ node_modules/.package-lock.json -nt package-lock.json ] && [ -x node_modules/.bin/wrangler ] && return
    command -v npm >/dev/null || die "npm is missing: install Node.js (any version with npm; the project brings its own node)"
    say "installing node and wrangler from package-lock.json"
    npm ci --no-audit --no-fund --loglevel=error
    touch node_modules/.package-lock.json
}

# cargo_tool CRATE VERSION BINARY: one tool of crates.io, kept in .tools.
# Lightly optimised: these run for seconds, and building them at full effort takes minutes.
cargo_tool() {
    "$TOOLS/bin/$3" --version 2>/dev/null | grep -qF "$2" && return
    [ "$(cat "$TOOLS/$1.version" 2>/dev/null)" = "$2" ] && [ -x "$TOOLS/bin/$3" ] && return
    say "building $1 $2 (some minutes, once; kept in .tools)"
    local install=(env CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
        CARGO_TARGET_DIR="$TOOLS/target" cargo install --quiet --root "$TOOLS" --version "$2" "$1") why
    # The tool's own lock file may name what a mirror of crates.io does not have yet.
    if ! why=$("${install[@]}" --locked 2>&1); then
        say "without its own lock file, which cannot be followed here: ${why%%$'\n'*}"
        "${install[@]}" || return
    fi
    echo "$2" >"$TOOLS/$1.version"
}

wasm_target
lint_tools
node_modules
cargo_tool wasm-bindgen-cli "$WASM_BINDGEN" wasm-bindgen
# It looks over dependencies; where it cannot be built, all else can still be tested.
[ "${1:-}" != --test ] || cargo_tool cargo-deny "$CARGO_DENY" cargo-deny || say "cargo-deny could not be built"
rm -rf "$TOOLS/target"
