"""`make audit`: every package that comes with srt is listed with its licence, and silence is never called safety."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.audit import NOT_TOLD, installed, licence

SCRIPT = Path(__file__).parent.parent / "scripts" / "audit.py"
CLOSED = "http://127.0.0.1:9"


def test_what_srt_needs_is_listed_with_its_licence() -> None:
    """Direct needs, what these need, and extras are there; each of those that srt itself names says its licence."""
    found = installed("srt-curator")
    assert {"duckdb", "jinja2", "streamlit", "torch", "ray"} <= set(found)
    assert "mypy" not in found
    assert licence(found["duckdb"]) == "MIT License"
    assert all(licence(package) for package in found.values())


def test_advisories_that_cannot_be_had_are_not_called_none() -> None:
    """Without a network, or without pip-audit, the licences come all the same, and one sentence and the code say so."""
    offline = {**os.environ, "HTTPS_PROXY": CLOSED, "https_proxy": CLOSED}
    ran = subprocess.run([sys.executable, str(SCRIPT)], env=offline, capture_output=True, text=True, check=False)
    assert ran.returncode == NOT_TOLD
    assert "streamlit" in ran.stdout
    (said,) = ran.stderr.splitlines()
    assert said.startswith("Known vulnerabilities could not be asked for: ")
