"""What is installed with srt: the licence of each package, and the known vulnerabilities where they can be had.

python scripts/audit.py     0: none is known; 1: some are, and are listed; 2: the advisories could not be had
"""

import json
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement

NONE_KNOWN, SOME_KNOWN, NOT_TOLD = 0, 1, 2
PACKAGE = "srt-curator"
EXTRAS = ("auth", "gguf", "peft", "ray")


def installed(name: str, extras: tuple[str, ...] = EXTRAS) -> dict[str, Distribution]:
    """Return what is installed of a package and all that it needs, by name."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        name, extras = waiting.pop()
        try:
            each = distribution(name)
        except PackageNotFoundError:  # of an extra, or of another platform
            continue
        if (each.name, extras) in seen:
            continue
        seen.add((each.name, extras))
        found[each.name.lower()] = each
        for needed in map(Requirement, each.requires or ()):
            marked = [{"extra": extra} for extra in ("", *extras)]
            if needed.marker is None or any(needed.marker.evaluate(case) for case in marked):
                waiting.append((needed.name, tuple(needed.extras)))
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """Return what a package says of its licence; "" where it says nothing."""
    told: Any = package.metadata  # a message of an e-mail, though its type does not say so
    classes = [each.rsplit(" :: ", 1)[-1] for each in told.get_all("Classifier") or () if each.startswith("License ::")]
    written = (told.get("License") or "").strip().splitlines()
    return told.get("License-Expression") or "; ".join(classes) or (written[0] if written else "")


def advisories() -> list[dict[str, Any]] | str:
    """Return the packages of this environment with known vulnerabilities, as pip-audit tells them, or why it cannot."""
    asked = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable"]
    ran = subprocess.run(asked, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except ValueError:
        return (ran.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    return [package for package in packages if package.get("vulns")]


def main() -> int:
    """Print both lists; return the exit code."""
    for package in installed(PACKAGE).values():
        print(f"{package.name:32} {package.version:18} {licence(package) or 'says nothing of its licence'}")
    found = advisories()
    if isinstance(found, str):
        print(f"Known vulnerabilities could not be asked for: {found.rstrip('.')}.", file=sys.stderr)
        return NOT_TOLD
    for known in found:
        for each in known["vulns"]:
            fixed = ", ".join(each["fix_versions"]) or "no version"
            print(f"{known['name']} {known['version']}: {each['id']}, mended in {fixed}.", file=sys.stderr)
    print(f"{len(found) or 'No'} packages have known vulnerabilities.", file=sys.stderr)
    return SOME_KNOWN if found else NONE_KNOWN


if __name__ == "__main__":
    sys.exit(main())
