#!/usr/bin/env bash
# Makes sure that the tests have a browser: one that is there, else Debian's package where root may install it.
set -euo pipefail

has_browser() {
    local name
    for name in "${SRT_BROWSER:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name" >/dev/null; then return 0; fi
    done
    return 1
}

if has_browser; then exit 0; fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "srt: installing Chromium for the browser tests" >&2
    apt-get update -qq >&2 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2 || true
fi

if ! has_browser; then
    echo "srt: the tests need a browser: install chromium (apt-get install chromium), or set SRT_BROWSER to the path of a Chrome." >&2
    exit 1
fi
