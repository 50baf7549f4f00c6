#!/usr/bin/env bash
# Records anew what independent implementations say of our statistics: tests/vectors/mismatch.json, verdict.json,
# policy.json and pairs.json.
#
# They want different versions of numpy, so there are two Python environments, .tools/oracles-a and .tools/oracles-b, made once
# (some minutes; confseq is compiled, which wants a C++ compiler) and anew when the versions below change. A package that cannot
# be installed is left out with a line that says so, and what it has recorded before stays. `make test` only reads the records.
set -euo pipefail
cd "$(dirname "$0")/.."

# Of old numpy.
OLD=(numpy==1.26.4 pandas==1.5.3 scipy==1.13.1 pydantic==1.10.27 mpmath==1.4.1 cvxpy==1.6.5 matplotlib==3.9.4
    py-markdown-table==1.3.0 toolz==0.10.0)
# These name dependencies that their parts used here do without, or versions that do not suit each other.
OLD_ALONE=(gbstats==0.8.0 vw-estimators==0.2.2 ssrm-test==0.1.5 savvi==0.3.1)
# What compiles confseq: its own list has a pybind11 that does not compile on Python 3.11.
CONFSEQ=confseq==0.0.11
CONFSEQ_TOOLS=(setuptools==69.5.1 wheel==0.45.1 scikit-build==0.18.1 cmake==3.31.6 ninja==1.13.0 pybind11==2.13.6
    libboost-headers==1.88.0)
NEW=(numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 statsmodels==0.15.0 scikit-learn==1.9.1 seaborn==0.13.2
    mabwiser==2.7.4)

say() { printf '\033[1m[oracles]\033[0m %s\n' "$*"; }

# environment FOLDER VERSION...: makes .tools/FOLDER, unless it is there with these versions; true if it has to be filled.
environment() {
    local venv=.tools/$1
    shift
    [ "$(cat "$venv/versions" 2>/dev/null)" != "$*" ] || return 1
    say "making $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv" || { say "no environment: Debian keeps venv in python3-venv"; exit 1; }
}

# pip FOLDER ARGUMENT...
pip() {
    local venv=.tools/$1
    shift
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}

# alone FOLDER ARGUMENT... PACKAGE: installs a package without what it depends on, or says that it is left out.
alone() { pip "$1" --no-deps "${@:2}" || { say "left out: ${*: -1} cannot be installed here"; complete=; }; }

# The one that has builds of both: pandas 1.5 has none for a later one, and numpy 2.4 none for an earlier one.
python=$(command -v python3.11) || { say "Python 3.11 is missing: the packages that are compared with want it"; exit 1; }

complete=yes
if environment oracles-a "${OLD[@]}" "${OLD_ALONE[@]}" "$CONFSEQ" "${CONFSEQ_TOOLS[@]}"; then
    pip oracles-a "${OLD[@]}"
    for package in "${OLD_ALONE[@]}"; do alone oracles-a "$package"; done
    if pip oracles-a "${CONFSEQ_TOOLS[@]}"; then
        BOOST_ROOT=$("$PWD/.tools/oracles-a/bin/python" -c 'import libboost_headers as b; print(b.__path__[0])')
        export BOOST_ROOT
        # cmake and ninja are the environment's.
        PATH=$PWD/.tools/oracles-a/bin:$PATH alone oracles-a --no-build-isolation "$CONFSEQ"
    else
        say "left out: $CONFSEQ, as what compiles it cannot be installed here"
        complete=
    fi
    # What was left out is tried again the next time.
    [ -z "$complete" ] || echo "${OLD[*]} ${OLD_ALONE[*]} $CONFSEQ ${CONFSEQ_TOOLS[*]}" >.tools/oracles-a/versions
fi
if environment oracles-b "${NEW[@]}"; then
    pip oracles-b "${NEW[@]}"
    echo "${NEW[*]}" >.tools/oracles-b/versions
fi

say "mismatch.json"
.tools/oracles-a/bin/python tests/vectors/mismatch.py || say "left as it is: mismatch.json"
say "verdict.json"
.tools/oracles-a/bin/python tests/vectors/verdict.py
.tools/oracles-b/bin/python tests/vectors/verdict.py
say "policy.json"
.tools/oracles-a/bin/python tests/vectors/policy.py
.tools/oracles-b/bin/python tests/vectors/policy.py
say "pairs.json"
.tools/oracles-a/bin/python tests/vectors/pairs.py
.tools/oracles-b/bin/python tests/vectors/pairs.py
