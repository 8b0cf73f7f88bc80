"""A copy of the package with files of methods more; commands and scripts run in processes of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class House:
    """A copy of the package in a folder, with files of tests/data as methods, and a project beside it."""

    def __init__(self, folder: Path, *methods: str) -> None:
        self.folder = folder
        for name in ("srt_core", "pages", "sample_data", ".streamlit"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "app.py", folder)
        place = folder / "srt_core" / "methods"
        self.methods = [Path(shutil.copy(ROOT / "tests" / "data" / name, place)) for name in methods]
        self.project = folder / "own.srt"

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "SRT_PROJECT": str(self.project)}
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def srt(self, command: str, *arguments: str) -> str:
        done = self.python("-m", "srt_core", command, str(self.project), *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, script: str) -> object:
        done = self.python("-c", script)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])
