#!/usr/bin/env bash
# Makes .venv hold the package and what `run` or `test` needs. Does nothing where that is already so.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

purpose="${1:-run}"
venv=.venv

say() { echo "srt: $*" >&2; }

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
        if is_recent "$name"; then echo "$name"; return; fi
    done
    say "Python 3.11 or newer is needed and none was found. Install it, for example: apt-get install python3.11 python3.11-venv"
    return 1
}

create_venv() {
    local python
    python="$(find_python)"
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        say "$python cannot create virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
        return 1
    fi
    say "creating $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
}

# What an installation is true for: this interpreter, this place, this list of dependencies.
current_key() {
    "$venv/bin/python" - <<'EOF'
import hashlib, os, pathlib, sys
key = "\n".join([sys.version, os.getcwd(), pathlib.Path("pyproject.toml").read_text("utf-8")])
print(hashlib.sha256(key.encode()).hexdigest())
EOF
}

# A virtual environment breaks when its Python is upgraded or removed, and when its folder moves.
is_sound() {
    is_recent "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && grep -qF "$PWD/$venv/" "$venv/bin/pip"
}

is_installed() { [ "$(cat "$venv/.installed-$1" 2>/dev/null)" = "$2" ]; }

if is_recent "$venv/bin/python"; then
    key="$(current_key)"
    if is_installed "$purpose" "$key" || is_installed test "$key"; then exit 0; fi
fi

if ! is_sound; then create_venv; fi

target=.
if [ "$purpose" = test ]; then target='.[test]'; fi
say "installing $target into $venv (the first time this downloads PyTorch and takes some minutes)"
if [ -t 2 ]; then loudness=; else loudness=--quiet; fi # a person sees the downloads, a log does not
# shellcheck disable=SC2086
"$venv/bin/python" -m pip install $loudness --disable-pip-version-check --editable "$target"
current_key >"$venv/.installed-$purpose"
